"""How far the files are that are being loaded now: ``ingest.progress``, written by whoever loads them."""

from __future__ import annotations

from dataclasses import astuple, dataclass
from typing import Any

import psycopg
from psycopg.rows import class_row

Connection = psycopg.Connection[Any]


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a file is that is being loaded; nothing of it is committed yet."""

    file_id: int
    uri: str
    stage: str
    bytes_read: int
    size_bytes: int
    rows_read: int
    rows_rejected: int


def write_progress(connection: Connection, run_id: int, progress: Progress) -> None:
    """Say how far a file is; seen by others as soon as the connection's transaction ends."""
    file_id, _, *rest = astuple(progress)
    connection.execute(
        "INSERT INTO ingest.progress (file_id, run_id, stage, bytes_read, size_bytes, rows_read, rows_rejected)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s) ON CONFLICT (file_id) DO UPDATE SET run_id = EXCLUDED.run_id,"
        " stage = EXCLUDED.stage, bytes_read = EXCLUDED.bytes_read, size_bytes = EXCLUDED.size_bytes,"
        " rows_read = EXCLUDED.rows_read, rows_rejected = EXCLUDED.rows_rejected, updated_at = clock_timestamp()",
        [file_id, run_id, *rest],
    )


def delete_progress(connection: Connection, file_id: int) -> None:
    """A file is not being loaded any more."""
    connection.execute("DELETE FROM ingest.progress WHERE file_id = %s", [file_id])


def read_progress(connection: Connection, run_id: int) -> list[Progress]:
    """How far the files of a run are, by file id."""
    with connection.cursor(row_factory=class_row(Progress)) as cursor:
        cursor.execute(
            "SELECT file_id, uri, stage, bytes_read, p.size_bytes, p.rows_read, p.rows_rejected"
            " FROM ingest.progress AS p JOIN ingest.file AS f USING (file_id) WHERE p.run_id = %s ORDER BY file_id",
            [run_id],
        )
        return cursor.fetchall()
