"""When the files of a run were being loaded, and by whom."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from psycopg.rows import class_row

if TYPE_CHECKING:
    import psycopg


@dataclass(frozen=True, slots=True)
class RunAttempt:
    """A try to load a file; one that is under way ends now and has read nothing yet."""

    uri: str
    worker: str
    state: str
    started_at: datetime
    ended_at: datetime
    rows_read: int
    bytes_read: int


_ATTEMPTS_SQL = """
SELECT f.uri, a.worker, a.state, a.started_at, coalesce(a.ended_at, clock_timestamp()) AS ended_at,
    coalesce(a.rows_read, 0) AS rows_read, coalesce(a.bytes_read, 0) AS bytes_read
FROM ingest.attempt AS a
JOIN ingest.file AS f USING (file_id)
WHERE a.run_id = %s
ORDER BY a.started_at, a.attempt_id
"""


def list_run_attempts(connection: psycopg.Connection[Any], run_id: int) -> list[RunAttempt]:
    """All tries of a run, in the order in which they began."""
    with connection.cursor(row_factory=class_row(RunAttempt)) as cursor:
        return cursor.execute(_ATTEMPTS_SQL, [run_id]).fetchall()
