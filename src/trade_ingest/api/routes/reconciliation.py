"""Reconciliation: does the target hold what the ledger says?"""

from __future__ import annotations

from apiflask import APIBlueprint
from flask import Response

from trade_ingest.api.access import Scope, needs
from trade_ingest.api.app_options import options
from trade_ingest.api.connections import ledger
from trade_ingest.api.replies import reply
from trade_ingest.api.schemas.quality import Reconciliation, ReconciliationRequest
from trade_ingest.ledger.queries import list_run_file_ids
from trade_ingest.reconcile import ReconcileResult, reconcile

blueprint = APIBlueprint("reconciliation", __name__, url_prefix="/api/v1/reconciliation", tag="Reconciliation")


@blueprint.post("")
@blueprint.input(ReconciliationRequest, arg_name="wanted")
@blueprint.output(Reconciliation)
@needs(Scope.READ)
def reconcile_targets(wanted: ReconciliationRequest) -> Response:
    """Compare the ledger with the rows in the targets; changes nothing. A mismatch is an answer, no error.

    Reads each target once, and gives up with 503 where that takes longer than the server allows.
    """
    file_ids = [] if wanted.run_id is None else list_run_file_ids(ledger(), wanted.run_id)
    if wanted.run_id is not None and not file_ids:
        return reply(Reconciliation, ReconcileResult(()))
    result = reconcile(
        options().database,
        target=wanted.target,
        file_ids=file_ids,
        timeout_seconds=options().reconcile_timeout_seconds,
    )
    return reply(Reconciliation, result)
