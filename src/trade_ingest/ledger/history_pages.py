"""The events and the attempts of a run or a file a page at a time."""

from __future__ import annotations

from typing import Any, LiteralString

import psycopg

from trade_ingest.ledger.pages import Condition, Listing, SortKey

EVENTS = Listing(
    table="ingest.event",
    id_column="event_id",
    columns="t.event_id, t.at, t.kind AS event, t.run_id, t.file_id, t.detail",
    joined="f.uri",
    joins="LEFT JOIN ingest.file AS f USING (file_id)",
    sorts={"event_id": SortKey("t.event_id", "bigint")},
)


ATTEMPTS = Listing(
    table="ingest.attempt",
    id_column="attempt_id",
    columns="t.attempt_id, t.file_id, t.number, t.state, t.worker, t.started_at, t.ended_at, t.rows_read,"
    " t.bytes_read, t.stage_seconds, t.error",
    joined="f.uri",
    joins="JOIN ingest.file AS f USING (file_id)",
    sorts={"attempt_id": SortKey("t.attempt_id", "bigint")},
)


def of_run(run_id: int) -> Condition:
    """Those of a run."""
    return Condition("t.run_id = %(run_id)s", {"run_id": run_id}, is_indexed=True)


def of_file(file_id: int) -> Condition:
    """Those of a file."""
    return Condition("t.file_id = %(file_id)s", {"file_id": file_id}, is_indexed=True)


def of_kinds(kinds: tuple[str, ...]) -> list[Condition]:
    """Events of one of these kinds; all if there are none."""
    return [Condition("t.kind = ANY(%(kinds)s)", {"kinds": list(kinds)})] if kinds else []


_MEDIAN_SQL: LiteralString = """
SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM runs.ended_at - runs.started_at)::float8)
FROM ingest.run AS this
CROSS JOIN LATERAL (
    SELECT started_at, ended_at
    FROM ingest.run AS before
    WHERE before.contract_id = this.contract_id AND before.target = this.target AND before.run_id < this.run_id
        AND before.kind = this.kind AND before.state = 'succeeded'
    ORDER BY before.run_id DESC
    LIMIT 20
) AS runs
WHERE this.run_id = %s
"""


def median_duration(connection: psycopg.Connection[Any], run_id: int) -> float | None:
    """Seconds that runs like this one took: up to 20 before it that succeeded, by its contract into its target."""
    found = connection.execute(_MEDIAN_SQL, [run_id]).fetchone()
    return None if found is None else found[0]
