"""The committed rows of a file, read back from its target as Arrow."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

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
