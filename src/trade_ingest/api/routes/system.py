"""The system: checks, database, settings."""

from __future__ import annotations

from typing import Any

from apiflask import APIBlueprint
from flask import Response
from pydantic_core import to_jsonable_python

from trade_ingest.api.access import Scope, needs
from trade_ingest.api.app_options import options
from trade_ingest.api.connections import ledger
from trade_ingest.api.replies import reply
from trade_ingest.api.schemas.system import Checks, Database, Settings
from trade_ingest.doctor import CheckState, diagnose
from trade_ingest.ledger.server import read_server_status
from trade_ingest.settings import ENV_PREFIX
from trade_ingest.settings import Settings as AllSettings

blueprint = APIBlueprint("system", __name__, url_prefix="/api/v1/system", tag="System")

_WORST_FIRST = (CheckState.FAIL, CheckState.WARN, CheckState.PASS)


@blueprint.get("/checks")
@blueprint.output(Checks)
@needs(Scope.READ)
def list_checks() -> Response:
    """Run the doctor's checks; changes nothing."""
    items = list(diagnose(options().settings))
    found = {check.state for check in items}
    return reply(Checks, {"state": next(state for state in _WORST_FIRST if state in found), "items": items})


@blueprint.get("/database")
@blueprint.output(Database)
@needs(Scope.READ)
def show_database() -> Response:
    """Show connections, locks and the sizes of the tables."""
    return reply(Database, read_server_status(ledger()))


@blueprint.get("/settings")
@blueprint.output(Settings)
@needs(Scope.READ)
def list_settings() -> Response:
    """List the settings and where each comes from; secrets are masked."""
    settings = options().settings
    return reply(Settings, {"items": [_item(settings, name) for name in AllSettings.model_fields]})


def _item(settings: AllSettings, name: str) -> dict[str, Any]:
    origin = settings.origin_of(name)
    return {
        "name": name,
        "value": to_jsonable_python(settings.shown(name)),
        "origin": str(origin),
        "layer": origin.layer,
        "variable": f"{ENV_PREFIX}{name.upper()}",
        "description": AllSettings.model_fields[name].description or "",
    }
