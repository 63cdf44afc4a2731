"""Feeds, which are a target and a contract each: the days that their files have rows of, and days that are missing."""

from __future__ import annotations

import statistics
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Any, LiteralString

import psycopg

Connection = psycopg.Connection[Any]

HABIT_WEEKS = 4
"""A day is judged by the same weekdays of so many weeks before."""

HABIT_DAYS = 2
"""So many of those must have rows for the day to be expected: a feed without weekends is not asked for them."""

PARTIAL_BELOW = 0.5
"""A day with less than this share of the median of those weekdays is not whole."""


class DayState(StrEnum):
    """What is to be said of a day of a feed."""

    LOADED = "loaded"
    PARTIAL = "partial"
    MISSING = "missing"
    LATE = "late"
    HOLIDAY = "holiday"


@dataclass(frozen=True, slots=True)
class FeedDays:
    """The UTC days that the loaded files of a feed have rows of, with how many, and those of which none is expected."""

    target: str
    contract: str
    rows: Mapping[date, int]
    holidays: list[date]


ROWS_BY_DAY: LiteralString = """
    SELECT f.target, f.contract_id, f.event_day AS day, count(*) AS files, sum(f.rows_loaded + f.rows_duplicate) AS rows
    FROM ingest.file AS f
    WHERE f.state = 'loaded' AND f.event_day IS NOT NULL AND f.event_day >= %(first)s AND f.event_day < %(end)s
        AND f.target = ANY(CASE WHEN %(target)s::text IS NULL
            THEN ARRAY(SELECT DISTINCT target FROM ingest.run) ELSE ARRAY[%(target)s::text] END)
        AND f.contract_id = ANY(ARRAY(
            SELECT contract_id FROM ingest.contract WHERE name = coalesce(%(contract)s, name)))
    GROUP BY 1, 2, 3
    UNION ALL
    SELECT f.target, f.contract_id, of_day.day, count(*), sum(of_day.rows)
    FROM ingest.file AS f
    CROSS JOIN LATERAL unnest(f.event_days, f.event_day_rows) AS of_day (day, rows)
    WHERE f.state = 'loaded' AND cardinality(f.event_days) > 1 AND of_day.day >= %(first)s AND of_day.day < %(end)s
        AND f.event_time_max >= greatest(%(first)s::date, '0002-01-01')::timestamp AT TIME ZONE 'UTC'
        AND (%(target)s::text IS NULL OR f.target = %(target)s)
        AND f.contract_id = ANY(ARRAY(
            SELECT contract_id FROM ingest.contract WHERE name = coalesce(%(contract)s, name)))
    GROUP BY 1, 2, 3
"""
"""How many files and rows each day has, by target and contract: files of one day from an index, others one by one."""

_DAYS_SQL: LiteralString = f"""
SELECT target, contract, array_agg(day), array_agg(rows), holidays
FROM (
    SELECT found.target, c.name AS contract, found.day, sum(found.rows)::bigint AS rows
    FROM (
        {ROWS_BY_DAY}
    ) AS found
    JOIN ingest.contract AS c USING (contract_id)
    GROUP BY 1, 2, 3
) AS of_feed
CROSS JOIN LATERAL (
    SELECT ARRAY(
        SELECT holiday::date
        FROM jsonb_array_elements_text(coalesce(newest.definition->'holidays', '[]')) AS holiday
        ORDER BY 1
    ) AS holidays
    FROM ingest.contract AS newest
    WHERE newest.name = of_feed.contract
    ORDER BY newest.contract_id DESC
    LIMIT 1
) AS expected
GROUP BY target, contract, holidays
ORDER BY target, contract
"""  # noqa: S608  # made of constants


def list_feed_days(connection: Connection, start: date) -> list[FeedDays]:
    """The days from `start` on that each feed has rows of; feeds without any are left out. Reads the ledger alone."""
    found = connection.execute(_DAYS_SQL, {"target": None, "contract": None, "first": start, "end": "infinity"})
    return [
        FeedDays(target, contract, dict(zip(days, rows, strict=True)), holidays)
        for target, contract, days, rows, holidays in found
    ]


def judge_days(
    rows: Mapping[date, int], first: date, last: date, holidays: Collection[date] = ()
) -> dict[date, DayState]:
    """The state of each day from `first` to `last`, both included, in order.

    A day is expected where its weekday had rows in two of the four weeks before. Expected and without rows it is
    missing, or late if no later day has rows: it may still come. With less than half of the median of those weekdays it
    is partial. Days that have no rows and are not expected are left out.

    Args:
        rows: how many rows each day has; beginning four weeks before `first`.
        first: the first day.
        last: the last one.
        holidays: days that are not expected.
    """
    counts = {day.toordinal(): count for day, count in rows.items()}  # some days have no week before or after them
    free = {day.toordinal() for day in holidays}
    newest = max((number for number, count in counts.items() if count), default=0)
    told = {number + 7 * weeks for number in counts for weeks in range(HABIT_WEEKS + 1)} | free
    states = {}
    for number in sorted(number for number in told if first.toordinal() <= number <= last.toordinal()):
        usual = [before for weeks in range(1, HABIT_WEEKS + 1) if (before := counts.get(number - 7 * weeks, 0))]
        is_usual = len(usual) >= HABIT_DAYS
        day = date.fromordinal(number)
        if count := counts.get(number, 0):
            is_partial = is_usual and count < PARTIAL_BELOW * statistics.median(usual)
            states[day] = DayState.PARTIAL if is_partial and number not in free else DayState.LOADED
        elif number in free:
            states[day] = DayState.HOLIDAY
        elif is_usual:
            states[day] = DayState.LATE if number > newest else DayState.MISSING
    return states


def last_expected_day(newest: date, today: date) -> date:
    """The last day that a feed is asked for: yesterday, or its newest one where that is later or long ago."""
    yesterday = today - timedelta(days=1)
    is_current = yesterday - newest <= timedelta(weeks=HABIT_WEEKS)
    return max(newest, yesterday) if is_current else newest
