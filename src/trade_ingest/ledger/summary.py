"""How ingestion goes: throughput over time, freshness, backlog."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, LiteralString

import psycopg
from psycopg.rows import class_row

Connection = psycopg.Connection[Any]


@dataclass(frozen=True, slots=True)
class Bucket:
    """What was committed in a span of time that begins at ``at``; failed files count where their attempt ended."""

    at: datetime
    files_loaded: int
    files_failed: int
    rows_read: int
    rows_loaded: int
    rows_duplicate: int
    rows_rejected: int
    bytes_loaded: int

    @property
    def reject_ratio(self) -> float | None:
        """Rejects of the rows read; None if none was."""
        return self.rows_rejected / self.rows_read if self.rows_read else None


_BUCKETS_SQL: LiteralString = """
WITH loaded AS (
    SELECT date_bin(%(width)s, loaded_at, %(origin)s) AS at, count(*) AS files, sum(rows_read) AS rows_read,
        sum(rows_loaded) AS rows_loaded, sum(rows_duplicate) AS rows_duplicate, sum(rows_rejected) AS rows_rejected,
        sum(size_bytes) AS size_bytes
    FROM ingest.file
    WHERE coalesce(loaded_at, '-infinity'::timestamptz) >= %(start)s
        AND coalesce(loaded_at, '-infinity'::timestamptz) < %(end)s
        AND state = 'loaded' AND (%(target)s::text IS NULL OR target = %(target)s)
    GROUP BY 1
), failed AS (
    SELECT date_bin(%(width)s, a.ended_at, %(origin)s) AS at, count(*) AS files
    FROM ingest.attempt AS a JOIN ingest.file AS f USING (file_id)
    WHERE a.state = 'failed' AND a.ended_at >= %(start)s AND a.ended_at < %(end)s
        AND (%(target)s::text IS NULL OR f.target = %(target)s)
    GROUP BY 1
)
SELECT bucket.at, coalesce(loaded.files, 0) AS files_loaded, coalesce(failed.files, 0) AS files_failed,
    coalesce(rows_read, 0)::bigint AS rows_read, coalesce(rows_loaded, 0)::bigint AS rows_loaded,
    coalesce(rows_duplicate, 0)::bigint AS rows_duplicate, coalesce(rows_rejected, 0)::bigint AS rows_rejected,
    coalesce(size_bytes, 0)::bigint AS bytes_loaded
FROM generate_series(
    date_bin(%(width)s, %(start)s, %(origin)s), %(end)s::timestamptz - interval '1 microsecond', %(width)s
) AS bucket (at)
LEFT JOIN loaded USING (at)
LEFT JOIN failed USING (at)
ORDER BY bucket.at
"""

_ORIGIN = datetime.fromisoformat("2000-01-03T00:00:00+00:00")  # a Monday: buckets of a week begin on one


def bucket_loads(
    connection: Connection, *, start: datetime, end: datetime, width: timedelta, target: str | None = None
) -> list[Bucket]:
    """What was committed between two moments, in spans of ``width``; spans without anything are there, too.

    The first span begins at or before ``start``, at a multiple of ``width``; only what lies in between is counted.
    """
    parameters = {"start": start, "end": end, "width": width, "origin": _ORIGIN, "target": target}
    with connection.cursor(row_factory=class_row(Bucket)) as cursor:
        return cursor.execute(_BUCKETS_SQL, parameters).fetchall()


@dataclass(frozen=True, slots=True)
class Freshness:
    """When the last file of a target came in by a contract, and until when its events reach."""

    target: str
    contract: str
    last_loaded_at: datetime
    last_event_at: datetime | None
    age_seconds: float


# the pairs of contract and target, each found in the index after the one before: runs are many, and pairs few
_FRESHNESS_SQL: LiteralString = """
WITH RECURSIVE used AS (
    (SELECT contract_id, target FROM ingest.run WHERE contract_id IS NOT NULL ORDER BY contract_id, target LIMIT 1)
    UNION ALL
    SELECT following.contract_id, following.target
    FROM used CROSS JOIN LATERAL (
        SELECT contract_id, target FROM ingest.run
        WHERE (run.contract_id, run.target) > (used.contract_id, used.target) ORDER BY contract_id, target LIMIT 1
    ) AS following
)
SELECT DISTINCT ON (used.target, c.name) used.target, c.name AS contract, f.loaded_at AS last_loaded_at,
    f.event_time_max AS last_event_at, greatest(extract(epoch FROM now() - f.loaded_at), 0)::float8 AS age_seconds
FROM used
JOIN ingest.contract AS c USING (contract_id)
CROSS JOIN LATERAL (
    SELECT loaded_at, event_time_max
    FROM ingest.file
    WHERE file.target = used.target AND file.contract_id = used.contract_id AND state = 'loaded'
    ORDER BY loaded_at DESC
    LIMIT 1
) AS f
ORDER BY used.target, c.name, f.loaded_at DESC
"""


def list_freshness(connection: Connection) -> list[Freshness]:
    """When the last file came in, for each target and contract."""
    with connection.cursor(row_factory=class_row(Freshness)) as cursor:
        return cursor.execute(_FRESHNESS_SQL).fetchall()


@dataclass(frozen=True, slots=True)
class Backlog:
    """Files that are known and not loaded: to be loaded (``pending``), or failed and to be tried again."""

    files_pending: int
    bytes_pending: int
    oldest_pending_at: datetime | None
    files_failed: int
    bytes_failed: int
    runs_running: int
    rejects_open: int


# each state by itself, and nothing but its size: the index on both has it; ids are given out as files are discovered
_BACKLOG_SQL: LiteralString = """
SELECT
    pending.files AS files_pending, pending.size_bytes AS bytes_pending,
    (
        SELECT discovered_at FROM ingest.file
        WHERE file_id = (SELECT min(file_id) FROM ingest.file WHERE state = 'pending')
    ) AS oldest_pending_at,
    failed.files AS files_failed, failed.size_bytes AS bytes_failed,
    (SELECT count(*) FROM ingest.run WHERE run.state = 'running') AS runs_running,
    (SELECT count(*) FROM ingest.reject WHERE reject.state = 'open') AS rejects_open
FROM
    (
        SELECT count(*) AS files, coalesce(sum(size_bytes), 0)::bigint AS size_bytes FROM ingest.file
        WHERE state = 'pending'
    ) AS pending,
    (
        SELECT count(*) AS files, coalesce(sum(size_bytes), 0)::bigint AS size_bytes FROM ingest.file
        WHERE state = 'failed'
    ) AS failed
"""


def read_backlog(connection: Connection) -> Backlog:
    """What is known and not loaded."""
    with connection.cursor(row_factory=class_row(Backlog)) as cursor:
        found = cursor.execute(_BACKLOG_SQL).fetchone()
    assert found is not None
    return found
