"""Coverage: which days a target has rows of."""

from __future__ import annotations

from apiflask import APIBlueprint
from flask import Response

from trade_ingest.api.access import Scope, needs
from trade_ingest.api.connections import ledger
from trade_ingest.api.replies import reply, with_etag
from trade_ingest.api.schemas.quality import Coverage, CoverageQuery
from trade_ingest.ledger.coverage import cover_days

blueprint = APIBlueprint("coverage", __name__, url_prefix="/api/v1/coverage", tag="Coverage")


@blueprint.get("")
@blueprint.input(CoverageQuery, location="query")
@blueprint.output(Coverage)
@needs(Scope.READ)
def show_coverage(query_data: CoverageQuery) -> Response:
    """Show the days that a target has rows of, and from how many files; reads the target once."""
    days = [
        day
        for day in cover_days(ledger(), query_data.target)
        if (query_data.date_from is None or day.date >= query_data.date_from)
        and (query_data.date_to is None or day.date < query_data.date_to)
    ]
    return with_etag(reply(Coverage, {"target": query_data.target, "days": days}))
