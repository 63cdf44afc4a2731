"""Health: for load balancers and schedulers."""

from __future__ import annotations

from importlib import metadata

from apiflask import APIBlueprint
from flask import Response

from trade_ingest.api.access import public
from trade_ingest.api.connections import connections
from trade_ingest.api.replies import reply
from trade_ingest.api.schemas.system import Health, Readiness
from trade_ingest.ledger.schema import current_revision

blueprint = APIBlueprint("health", __name__, tag="Health")


@blueprint.get("/healthz")
@blueprint.output(Health)
@public
def show_health() -> Response:
    """Say that the server answers; asks nothing of the database."""
    return reply(Health, {"status": "ok", "version": metadata.version("trade-ingest")})


@blueprint.get("/readyz")
@blueprint.output(Readiness)
@public
def show_readiness() -> Response:
    """Say whether requests can be answered: the database is there and has a ledger of this version; else 503."""
    with connections().borrow() as connection:
        return reply(Readiness, {"status": "ok", "ledger_revision": current_revision(connection)})
