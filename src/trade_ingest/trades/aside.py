"""The rows of a file in a table of this session only, as loading would make them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from psycopg import sql

from trade_ingest.contract.layout import unique_key
from trade_ingest.load.encode import COPY_HEADER, COPY_TRAILER, RowEncoder
from trade_ingest.load.target import TargetTable
from trade_ingest.parse.file import check_trailer, open_rows
from trade_ingest.source.blocks import BlockReader

if TYPE_CHECKING:
    import psycopg

    from trade_ingest.contract.model import Contract
    from trade_ingest.source.file import SourceFile

    Connection = psycopg.Connection[Any]

ASIDE: Final = sql.Identifier("pg_temp", "trade_ingest_aside")
"""The table; it ends with the transaction."""


def copy_aside(connection: Connection, file: SourceFile, contract: Contract) -> int:
    """Read a file and put its accepted rows aside, without the ones that repeat a key; how many they are.

    Raises:
        FileError, StoreError: the file cannot be read, or does not fit the contract.
    """
    target = TargetTable.of(contract)
    listed = target.column_list
    connection.execute(
        sql.SQL("CREATE TEMP TABLE {} ON COMMIT DROP AS SELECT {} FROM {} WITH NO DATA").format(
            sql.Identifier("trade_ingest_aside"), listed, target.identifier
        )
    )
    reader = BlockReader(file, contract.format)
    rows = open_rows(reader, contract, file.uri)
    if rows is not None:
        encoder = RowEncoder(target.columns, file_id=0)
        statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT binary)").format(ASIDE, listed)
        with connection.cursor() as cursor, cursor.copy(statement) as copy:
            copy.write(COPY_HEADER)
            for block in rows.reader:
                accepted = rows.parser.parse(block).rows
                if accepted.height:
                    for part in encoder.encode(accepted):
                        copy.write(part)
            copy.write(COPY_TRAILER)
    check_trailer(reader, contract, file.uri)
    if contract.key:
        _drop_repeated(connection, unique_key(contract))
    row = connection.execute(sql.SQL("SELECT count(*) FROM {}").format(ASIDE)).fetchone()
    return int(row[0]) if row else 0


def _drop_repeated(connection: Connection, key: tuple[str, ...]) -> None:
    columns = sql.SQL(", ").join(map(sql.Identifier, key))
    connection.execute(
        sql.SQL(
            "DELETE FROM {0} WHERE row_number IN (SELECT row_number FROM"
            " (SELECT row_number, row_number() OVER (PARTITION BY {1} ORDER BY row_number) AS place FROM {0}) AS t"
            " WHERE place > 1)"
        ).format(ASIDE, columns)
    )
