"""Plans: a dry run."""

from __future__ import annotations

from itertools import islice
from typing import Any

from apiflask import APIBlueprint
from flask import Response

from trade_ingest.api.access import Scope, needs
from trade_ingest.api.allowed import check_sources, offered_contract
from trade_ingest.api.app_options import options
from trade_ingest.api.replies import reply
from trade_ingest.api.schemas.plans import Plan, PlanRequest
from trade_ingest.contract.model import OnChanged
from trade_ingest.pipeline import plan
from trade_ingest.plan import PlannedFile

blueprint = APIBlueprint("plans", __name__, url_prefix="/api/v1/plans", tag="Plans")


@blueprint.post("")
@blueprint.input(PlanRequest, arg_name="wanted")
@blueprint.output(Plan)
@needs(Scope.READ)
def make_plan(wanted: PlanRequest) -> Response:
    """Say what a run would load, and why not the rest; changes nothing."""
    check_sources(wanted.sources, options().allowed_sources)
    found = plan(
        wanted.sources,
        contract=offered_contract(wanted.contract, options().settings),
        database=options().database,
        on_changed=OnChanged(wanted.on_changed) if wanted.on_changed else None,
        reload=wanted.reload,
        connections=options().settings.store_connections,
        selection=wanted.selection.chosen(),
        within=options().allowed_sources,
    )
    values = {
        "contract": found.contract,
        "target": found.target,
        "files_to_load": len(found.to_load),
        "bytes_to_load": found.bytes_to_load,
        "files_skipped": len(found.skipped),
        "reasons": {str(reason): count for reason, count in found.reasons.items()},
        "to_load": [_item(planned) for planned in islice(found.to_load, wanted.limit)],
        "skipped": [_item(planned) for planned in islice(found.skipped, wanted.limit)],
        "ignored": found.ignored[: wanted.limit],
    }
    return reply(Plan, values)


def _item(planned: PlannedFile) -> dict[str, Any]:
    return {
        "uri": planned.file.uri,
        "version": planned.file.version,
        "size_bytes": planned.file.size_bytes,
        "modified_at": planned.file.modified_at,
        "reason": planned.reason,
        "explanation": planned.explanation,
        "file_id": planned.file_id,
        "other_file_id": planned.other_file_id,
    }
