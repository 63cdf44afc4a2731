"""The ledger of DataFrames that are written into tables, partition by partition."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import psycopg

from trade_ingest.errors import WriteRefusedError

Connection = psycopg.Connection[Any]

_CLAIM_SQL = """
INSERT INTO ingest.spark_write AS w (write_id, target, partitions) VALUES (%s, %s, %s)
ON CONFLICT (write_id) DO UPDATE SET partitions = coalesce(w.partitions, excluded.partitions)
RETURNING target, partitions
"""

_CLAIM_PARTITION_SQL = """
INSERT INTO ingest.spark_write_partition (write_id, partition) VALUES (%s, %s) ON CONFLICT DO NOTHING
"""

_RECORD_PARTITION_SQL = """
UPDATE ingest.spark_write_partition SET rows_loaded = %s, rows_duplicate = %s, written_at = clock_timestamp()
WHERE write_id = %s AND partition = %s
"""

_COUNT_SQL = """
SELECT count(*), coalesce(sum(rows_loaded), 0)::bigint, coalesce(sum(rows_duplicate), 0)::bigint
FROM ingest.spark_write_partition WHERE write_id = %s
"""


@dataclass(frozen=True, slots=True)
class Written:
    """What is committed of a write.

    Attributes:
        partitions: how many.
        rows_loaded: rows that they put into the table.
        rows_duplicate: rows that were there already, with the same key and content.
    """

    partitions: int
    rows_loaded: int
    rows_duplicate: int


def claim_write(connection: Connection, write_id: str, *, target: str, partitions: int | None) -> None:
    """Bind a write id to a target and a number of partitions, or check that it is bound to these; commits nothing.

    Of two callers at once the second waits for the first.

    Args:
        connection: a connection to the database.
        write_id: the id.
        target: ``schema.table``.
        partitions: how many the DataFrame has; None where that is not known yet.

    Raises:
        WriteRefusedError: the id was used for another target or another number of partitions.
    """
    row = connection.execute(_CLAIM_SQL, [write_id, target, partitions]).fetchone()
    assert row is not None
    if row[0] != target:
        message = f"write id {write_id!r} was used for {row[0]}, not for {target}"
        raise WriteRefusedError(message, hint="take another write id for another table")
    if partitions is not None and row[1] != partitions:
        message = f"write id {write_id!r} was used for {row[1]:,} partitions, and the DataFrame has {partitions:,}"
        hint = "the same id is for the same rows in the same partitions: give `partitions`, or take another write id"
        raise WriteRefusedError(message, hint=hint)


def claim_partition(connection: Connection, write_id: str, partition: int) -> bool:
    """Begin a partition; false if it is written already.

    Waits while another transaction writes it. The claim is part of the caller's transaction.

    Raises:
        WriteRefusedError: the write has fewer partitions.
    """
    row = connection.execute("SELECT partitions FROM ingest.spark_write WHERE write_id = %s", [write_id]).fetchone()
    assert row is not None
    if row[0] is not None and partition >= row[0]:
        message = f"write id {write_id!r} is for {row[0]:,} partitions, and the DataFrame has a partition {partition}"
        raise WriteRefusedError(message, hint="its partitions differ from one evaluation to the next: persist it")
    return connection.execute(_CLAIM_PARTITION_SQL, [write_id, partition]).rowcount == 1


def record_partition(
    connection: Connection, write_id: str, partition: int, *, rows_loaded: int, rows_duplicate: int
) -> None:
    """Note what a claimed partition did, in the transaction that has its rows."""
    connection.execute(_RECORD_PARTITION_SQL, [rows_loaded, rows_duplicate, write_id, partition])


def count_written(connection: Connection, write_id: str) -> Written:
    """What is committed of a write."""
    row = connection.execute(_COUNT_SQL, [write_id]).fetchone()
    assert row is not None
    return Written(*row)
