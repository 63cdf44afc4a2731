"""Metrics: a summary for people, and numbers for Prometheus."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from apiflask import APIBlueprint
from flask import Response

from trade_ingest.api import measurements
from trade_ingest.api.access import Scope, needs
from trade_ingest.api.connections import ledger
from trade_ingest.api.remembered import remembered_reply
from trade_ingest.api.replies import text_answer
from trade_ingest.api.schemas.system import BUCKETS, Summary, SummaryQuery
from trade_ingest.errors import RequestInvalidError
from trade_ingest.ledger.summary import bucket_loads, list_freshness, read_backlog

blueprint = APIBlueprint("metrics", __name__, tag="Metrics")

_MAX_BUCKETS = 1500


@blueprint.get("/api/v1/metrics/summary")
@blueprint.input(SummaryQuery, location="query")
@blueprint.output(Summary)
@needs(Scope.READ)
def summarise(query_data: SummaryQuery) -> Response:
    """Summarise throughput and rejects over time, freshness of each target, and backlog."""
    return remembered_reply(Summary, query_data, lambda: _summary(query_data))


def _summary(query_data: SummaryQuery) -> dict[str, Any]:
    end = query_data.end or datetime.now(UTC)
    width = timedelta(seconds=BUCKETS[query_data.bucket])
    start = query_data.start or _day_before(end)
    seconds = (end - start).total_seconds()
    if not 0 < seconds <= _MAX_BUCKETS * width.total_seconds():
        message = f"start must be before end, by at most {_MAX_BUCKETS} times the bucket"
        raise RequestInvalidError(
            message, hint="choose a wider bucket", errors=({"pointer": "/query/start", "detail": message},)
        )
    buckets = bucket_loads(ledger(), start=start, end=end, width=width, target=query_data.target)
    rows_read = sum(bucket.rows_read for bucket in buckets)
    rows_rejected = sum(bucket.rows_rejected for bucket in buckets)
    return {
        "start": start.astimezone(UTC),
        "end": end.astimezone(UTC),
        "bucket_seconds": BUCKETS[query_data.bucket],
        "buckets": buckets,
        "reject_ratio": rows_rejected / rows_read if rows_read else None,
        "rows_per_second": sum(bucket.rows_loaded for bucket in buckets) / seconds,
        "freshness": list_freshness(ledger()),
        "backlog": read_backlog(ledger()),
    }


def _day_before(moment: datetime) -> datetime:
    try:
        return moment - timedelta(days=1)
    except OverflowError:
        return moment


@blueprint.get("/metrics")
@blueprint.doc(responses=text_answer("Metrics in Prometheus' text format.", "text/plain"))
@needs(Scope.READ)
def scrape() -> Response:
    """Give the metrics to Prometheus."""
    return Response(measurements.expose(ledger()), content_type=measurements.MEDIA_TYPE)
