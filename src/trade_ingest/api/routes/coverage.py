"""Coverage: which days feeds have rows of, and which they lack."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

from apiflask import APIBlueprint
from flask import Response

from trade_ingest.api.access import Scope, needs
from trade_ingest.api.connections import ledger
from trade_ingest.api.remembered import remembered_reply
from trade_ingest.api.replies import with_etag
from trade_ingest.api.schemas.quality import Coverage, CoverageQuery, Gaps, GapsQuery
from trade_ingest.ledger.coverage import cover_days, list_holidays
from trade_ingest.ledger.feeds import HABIT_WEEKS, DayState, judge_days, last_expected_day, list_feed_days

blueprint = APIBlueprint("coverage", __name__, url_prefix="/api/v1/coverage", tag="Coverage")


@blueprint.get("")
@blueprint.input(CoverageQuery, location="query")
@blueprint.output(Coverage)
@needs(Scope.READ)
def show_coverage(query_data: CoverageQuery) -> Response:
    """Show the days of a target, or of one of its feeds: loaded, partial, missing, late, holiday."""
    return with_etag(remembered_reply(Coverage, query_data, lambda: _coverage(query_data)))


def _coverage(query: CoverageQuery) -> dict[str, Any]:
    since = None if query.date_from is None else query.date_from - timedelta(weeks=HABIT_WEEKS)
    covered = cover_days(ledger(), query.target, contract=query.contract, first=since)
    days: list[dict[str, Any]] = []
    if covered:
        by_date = {day.date: day for day in covered}
        first = query.date_from or covered[0].date
        last = last_expected_day(covered[-1].date, datetime.now(UTC).date())
        if query.date_to is not None:
            last = min(last, query.date_to - timedelta(days=1))
        rows = {day.date: day.rows for day in covered}
        holidays = list_holidays(ledger(), query.target, contract=query.contract)
        for day, state in judge_days(rows, first, last, holidays).items():
            found = by_date.get(day)
            counts = {"files": found.files, "rows": found.rows} if found else {"files": 0, "rows": 0}
            days.append({"date": day, "state": state, **counts})
    return {"target": query.target, "contract": query.contract, "days": days}


@blueprint.get("/gaps")
@blueprint.input(GapsQuery, location="query")
@blueprint.output(Gaps)
@needs(Scope.READ)
def list_gaps(query_data: GapsQuery) -> Response:
    """List the feeds that lack expected days, up to yesterday, and those days."""
    return remembered_reply(Gaps, query_data, lambda: {"items": list(_gaps(query_data.days))})


def _gaps(days: int) -> Iterator[dict[str, Any]]:
    today = datetime.now(UTC).date()
    first = today - timedelta(days=days)
    for feed in list_feed_days(ledger(), first - timedelta(weeks=HABIT_WEEKS)):
        of_state: dict[DayState, list[date]] = defaultdict(list)
        last = min(last_expected_day(max(feed.rows), today), today - timedelta(days=1))
        for day, state in judge_days(feed.rows, first, last, feed.holidays).items():
            of_state[state].append(day)
        missing, late, partial = (of_state[state] for state in (DayState.MISSING, DayState.LATE, DayState.PARTIAL))
        if missing or late or partial:
            yield {
                "target": feed.target,
                "contract": feed.contract,
                "missing": missing,
                "late": late,
                "partial": partial,
            }
