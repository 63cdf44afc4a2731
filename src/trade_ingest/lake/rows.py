"""The committed rows of a file, read back from its target as Arrow."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, LiteralString

import psycopg
import pyarrow as pa
from psycopg import sql
from pyarrow import csv

from trade_ingest.errors import HandoverError
from trade_ingest.ledger.files import FileRow
from trade_ingest.ledger.handover import OpenHandover
from trade_ingest.load.replace import rows_of
from trade_ingest.load.target import LINEAGE_COLUMNS, TargetTable

Connection = psycopg.Connection[Any]

_BLOCK_BYTES = 4 << 20

_TYPES: dict[str, pa.DataType] = {
    "text": pa.string(),
    "bigint": pa.int64(),
    "boolean": pa.bool_(),
    "date": pa.date32(),
    "timestamp with time zone": pa.timestamp("us", "UTC"),
    "uuid": pa.string(),
    "jsonb": pa.string(),
}


def lake_schema(target: TargetTable) -> pa.Schema:
    """The columns of a lake: the target's, lineage last; ``numeric`` as exact decimals, UUID and JSON as text."""
    columns = (*target.columns, *LINEAGE_COLUMNS)
    return pa.schema(
        [pa.field(column.name, _TYPES.get(column.sql_type) or _decimal(column.sql_type)) for column in columns]
    )


def _decimal(sql_type: str) -> pa.DataType:
    precision, scale = sql_type.removeprefix("numeric(").removesuffix(")").split(",")
    return pa.decimal128(int(precision), int(scale))


def read_rows(connection: Connection, target: TargetTable, file: FileRow, expected: int) -> Iterator[pa.RecordBatch]:
    """The rows of a file, all of one snapshot, in the order of the table; some MiB at a time.

    Args:
        connection: in the transaction that the facts of the file were read in.
        target: its target.
        file: the file.
        expected: how many rows the ledger says that are.

    Raises:
        HandoverError: the table has another number of rows of the file.
    """
    schema = lake_schema(target)
    statement = sql.SQL("COPY (SELECT {} FROM {} WHERE {}) TO STDOUT (FORMAT csv)").format(
        target.column_list, target.identifier, rows_of(target, file)
    )
    found = 0
    if expected:  # what reads CSV takes no empty text
        with connection.cursor() as cursor, cursor.copy(statement) as copy:
            reader = csv.open_csv(
                pa.PythonFile(_CopyFile(copy), mode="r"),
                csv.ReadOptions(column_names=schema.names, block_size=_BLOCK_BYTES, use_threads=False),
                csv.ParseOptions(newlines_in_values=True),
                csv.ConvertOptions(
                    column_types=schema,
                    null_values=[""],
                    strings_can_be_null=True,
                    quoted_strings_can_be_null=False,  # as PostgreSQL writes NULL and an empty text
                    true_values=["t"],
                    false_values=["f"],
                    check_utf8=False,  # the server sends nothing else
                ),
            )
            for batch in reader:
                found += batch.num_rows
                yield batch
    if found != expected:
        message = f"{file.uri}: the table has {found:,} rows of it, the ledger {expected:,}"
        raise HandoverError(message, hint="see: trade-ingest reconcile", uri=file.uri)


_TRIGGERS_SQL: LiteralString = """
WITH RECURSIVE parts AS (
    SELECT to_regclass(%s)::oid AS oid
    UNION ALL
    SELECT i.inhrelid FROM pg_inherits AS i JOIN parts AS p ON i.inhparent = p.oid
)
SELECT 1 FROM pg_trigger AS t JOIN parts AS p ON t.tgrelid = p.oid WHERE NOT t.tgisinternal LIMIT 1
"""


def are_stored_as_sent(connection: Connection, target: TargetTable) -> bool:
    """Whether PostgreSQL keeps values as they are copied: no trigger, and no JSON, which it spells in its own way."""
    if any(column.sql_type == "jsonb" for column in target.columns):
        return False
    return connection.execute(_TRIGGERS_SQL, [target.quoted_name]).fetchone() is None


def as_in_lake(batches: Iterable[pa.RecordBatch], target: TargetTable) -> Iterator[pa.RecordBatch]:
    """Rows as they were encoded for COPY, with the columns and types of a lake."""
    schema = lake_schema(target)
    uuids = {column.name for column in target.columns if column.sql_type == "uuid"}
    for batch in batches:
        columns = [
            _uuid_text(batch.column(field.name)) if field.name in uuids else batch.column(field.name).cast(field.type)
            for field in schema
        ]
        yield pa.RecordBatch.from_arrays(columns, schema=schema)


def _uuid_text(column: pa.Array) -> pa.Array:
    import polars as pl

    digits = pl.Series(pl.from_arrow(column.cast(pa.binary()))).bin.encode("hex")
    starts = (0, 8, 12, 16, 20)
    parts = [digits.str.slice(start, length) for start, length in zip(starts, (8, 4, 4, 4, 12), strict=True)]
    text = pl.select(pl.concat_str(parts, separator="-")).to_series()
    return text.to_arrow().cast(pa.string())


class _CopyFile:
    """What a COPY sends, as a file that Arrow reads."""

    closed = False

    def __init__(self, copy: psycopg.Copy) -> None:
        self._rows = iter(copy)
        self._rest = b""

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        parts, length = [self._rest], len(self._rest)
        for row in self._rows:
            parts.append(bytes(row))
            length += len(row)
            if 0 <= size <= length:
                break
        data = b"".join(parts)
        if size < 0:
            self._rest = b""
            return data
        self._rest = data[size:]
        return data[:size]

    def close(self) -> None:
        pass


def file_of(handover: OpenHandover) -> FileRow:
    """What of a file ``read_rows`` needs, as its hand-over has it."""
    return FileRow(
        handover.file_id,
        handover.lake.target,
        handover.uri,
        version="",
        state="loaded",
        reason=None,
        run_id=handover.run_id,
        content_hash=None,
        rows_read=0,
        rows_loaded=handover.rows,
        rows_duplicate=0,
        rows_rejected=0,
        event_time_min=handover.event_time_min,
        event_time_max=handover.event_time_max,
        same_as_file_id=None,
        replaces_file_id=None,
    )
