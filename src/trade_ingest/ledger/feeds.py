"""Feeds, which are a target and a contract each: the days that their files cover, and days that are missing."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, LiteralString

import psycopg
from psycopg.rows import class_row

Connection = psycopg.Connection[Any]

HABIT_WEEKS = 4
"""A day is judged by the same weekdays of so many weeks before."""

HABIT_DAYS = 2
"""So many of those have to be covered for the day to be expected: a feed without weekends is not asked for them."""


@dataclass(frozen=True, slots=True)
class FeedDays:
    """The UTC days that the events of a feed's loaded files reach over, in order; a day within a file counts."""

    target: str
    contract: str
    days: list[date]


# files are found by when they were loaded, which an index has; no event is later than the loading of its file
_DAYS_SQL: LiteralString = """
SELECT used.target, c.name AS contract, array_agg(DISTINCT day::date ORDER BY day::date) AS days
FROM (SELECT DISTINCT target, contract_id FROM ingest.run) AS used
JOIN ingest.contract AS c USING (contract_id)
JOIN ingest.file AS f ON f.target = used.target AND f.contract_id = used.contract_id
    AND f.state = 'loaded' AND f.loaded_at >= %(start)s AND f.event_time_max >= %(start)s
CROSS JOIN LATERAL generate_series(
    date_trunc('day', greatest(f.event_time_min, %(start)s) AT TIME ZONE 'UTC'),
    least(f.event_time_max, now()) AT TIME ZONE 'UTC',
    interval '1 day'
) AS day
GROUP BY used.target, c.name
ORDER BY used.target, c.name
"""


def list_feed_days(connection: Connection, start: date) -> list[FeedDays]:
    """The days from `start` on that each feed has files of; feeds without any are left out.

    Reads the ledger's rows of the files that were loaded since, and no target.
    """
    with connection.cursor(row_factory=class_row(FeedDays)) as cursor:
        return cursor.execute(_DAYS_SQL, {"start": f"{start.isoformat()} 00:00:00+00"}).fetchall()


def missing_days(covered: Collection[date], first: date, last: date) -> list[date]:
    """The days from `first` to `last`, both included, that are expected and not covered, in order."""
    days = (first + timedelta(days=number) for number in range((last - first).days + 1))
    return [day for day in days if day not in covered and _is_expected(day, covered)]


def _is_expected(day: date, covered: Collection[date]) -> bool:
    before = (day - timedelta(weeks=weeks) for weeks in range(1, HABIT_WEEKS + 1))
    return sum(one in covered for one in before) >= HABIT_DAYS
