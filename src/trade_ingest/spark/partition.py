"""One partition of a DataFrame into its table. Runs on the executors."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import psycopg
import pyarrow as pa
from psycopg import sql

from trade_ingest.errors import WriteConflictError
from trade_ingest.ledger.connection import open_connection, wrap_database_errors
from trade_ingest.ledger.spark_writes import claim_partition, record_partition
from trade_ingest.spark.encode import encode_batches
from trade_ingest.spark.table import WriteTarget

Cursor = psycopg.Cursor[Any]

STAGING = sql.Identifier("trade_ingest_partition")


def write_partition(
    database: str, write_id: str, target: WriteTarget, partition: int, batches: Iterable[pa.RecordBatch]
) -> None:
    """Write the rows of a partition and the ledger's row of it in one transaction, unless that was done before.

    Of two callers at once for the same partition the second waits for the first, and does nothing if that commits.

    Raises:
        WriteConflictError: a key is in the table, or in the partition twice, with different content.
        WriteRefusedError: the write has fewer partitions, or a value does not fit its column.
        DatabaseUnavailableError: the connection was lost; trying again is safe, also if it was lost at the commit.
    """
    with wrap_database_errors(), open_connection(database, autocommit=False, name="trade-ingest write") as connection:
        if not claim_partition(connection, write_id, partition):
            return
        with connection.cursor() as cursor:
            if target.key:
                loaded, duplicate = _merge(cursor, target, batches)
            else:
                loaded, duplicate = _copy(cursor, target.identifier, target, batches), 0
        record_partition(connection, write_id, partition, rows_loaded=loaded, rows_duplicate=duplicate)


def _copy(cursor: Cursor, into: sql.Identifier, target: WriteTarget, batches: Iterable[pa.RecordBatch]) -> int:
    statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT binary)").format(into, target.column_list)
    with cursor.copy(statement) as copy:
        for part in encode_batches(batches, target.columns):
            copy.write(part)
    return cursor.rowcount


def _merge(cursor: Cursor, target: WriteTarget, batches: Iterable[pa.RecordBatch]) -> tuple[int, int]:
    """Insert the rows whose key is new; how many they are, and how many were there already."""
    columns = target.column_list
    cursor.execute(
        sql.SQL("CREATE TEMPORARY TABLE {} ON COMMIT DROP AS SELECT {} FROM {} WITH NO DATA").format(
            STAGING, columns, target.identifier
        )
    )
    staged = _copy(cursor, STAGING, target, batches)
    key = sql.SQL(", ").join(map(sql.Identifier, target.key))
    # in the order of the key: partitions that hold the same keys wait for each other, and never in a circle
    cursor.execute(
        sql.SQL(
            "INSERT INTO {} ({columns}) SELECT {columns} FROM {} ORDER BY {key} ON CONFLICT ({key}) DO NOTHING"
        ).format(target.identifier, STAGING, columns=columns, key=key)
    )
    loaded = cursor.rowcount
    if loaded < staged:
        _refuse_conflicts(cursor, target)
    return loaded, staged - loaded


def _refuse_conflicts(cursor: Cursor, target: WriteTarget) -> None:
    def row_of(alias: str) -> sql.Composed:
        names = sql.SQL(", ").join(sql.Identifier(alias, column.name) for column in target.columns)
        return sql.SQL("ROW({})").format(names)

    on = sql.SQL(" AND ").join(
        sql.SQL("{} = {}").format(sql.Identifier("s", name), sql.Identifier("t", name)) for name in target.key
    )
    shown = sql.SQL(", ").join(sql.SQL("{}::text").format(sql.Identifier("s", name)) for name in target.key)
    query = sql.SQL(
        "SELECT count(*) OVER (), {} FROM {} AS s JOIN {} AS t ON {} WHERE {} IS DISTINCT FROM {} ORDER BY 2 LIMIT 1"
    )
    row = cursor.execute(query.format(shown, STAGING, target.identifier, on, row_of("s"), row_of("t"))).fetchone()
    if row is not None:
        count, *values = row
        first = ", ".join(f"{name} {value}" for name, value in zip(target.key, values, strict=True))
        message = f"{count:,} rows have a key that is in {target.name} with other content, the first: {first}"
        hint = "nothing of their partition was written; mend the rows, or write them into another table"
        raise WriteConflictError(message, hint=hint, rows=count)
