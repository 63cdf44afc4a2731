"""Contracts: list, show, check a sample."""

from __future__ import annotations

from typing import Any

from apiflask import APIBlueprint
from flask import Response

from trade_ingest.api.access import Scope, needs
from trade_ingest.api.allowed import offered_contract
from trade_ingest.api.app_options import options
from trade_ingest.api.connections import ledger
from trade_ingest.api.replies import reply
from trade_ingest.api.schemas.contracts import ContractDetail, Contracts, Sample, SampleCheck
from trade_ingest.contract.loading import builtin_names, contract_text, load_contract
from trade_ingest.contract.model import Contract
from trade_ingest.errors import RequestTooLargeError, UnknownContractError
from trade_ingest.ledger.contracts import StoredContract, list_stored, stored_contract
from trade_ingest.sample import check_sample

blueprint = APIBlueprint("contracts", __name__, url_prefix="/api/v1/contracts", tag="Contracts")


@blueprint.get("")
@blueprint.output(Contracts)
@needs(Scope.READ)
def list_contracts() -> Response:
    """List the contracts that can be named."""
    items = [_item(load_contract(name), "builtin") for name in builtin_names()]
    if options().settings.contract not in builtin_names():
        items.append(_item(offered_contract(None, options().settings), "configured"))
    return reply(Contracts, {"items": items})


def _item(contract: Contract, origin: str) -> dict[str, Any]:
    return {
        "name": contract.name,
        "version": contract.version,
        "description": contract.description,
        "target": contract.target.qualified_name,
        "key": contract.key,
        "event_time": contract.event_time,
        "columns": len(contract.columns),
        "origin": origin,
    }


@blueprint.get("/<name>")
@blueprint.output(ContractDetail)
@needs(Scope.READ)
def show_contract(name: str) -> Response:
    """Show a contract: one that can be named, or the newest of that name that was used."""
    used = list_stored(ledger(), name)
    try:
        contract = offered_contract(name, options().settings)
    except UnknownContractError:
        if not used:
            raise
        return _detail(stored_contract(ledger(), used[0].contract_id), "ledger", None, used)
    if name in builtin_names():
        return _detail(contract, "builtin", contract_text(name), used)
    return _detail(contract, "configured", contract_text(options().settings.contract), used)


def _detail(contract: Contract, origin: str, text: str | None, used: list[StoredContract]) -> Response:
    values = {
        "name": contract.name,
        "version": contract.version,
        "target": contract.target.qualified_name,
        "origin": origin,
        "text": text,
        "definition": contract.model_dump(mode="json", by_alias=True),
        "used": used,
    }
    return reply(ContractDetail, values)


@blueprint.post("/check")
@blueprint.input(Sample, location="files", arg_name="sample")
@blueprint.output(SampleCheck)
@needs(Scope.READ)
def check_posted_sample(sample: Sample) -> Response:
    """Check a posted sample: what loading would make of it, and which built-in contracts fit. Nothing is kept."""
    contract = offered_contract(sample.contract, options().settings)
    stream = sample.file.stream
    size_bytes = stream.seek(0, 2)
    stream.seek(0)
    if size_bytes > options().max_sample_bytes:
        message = f"the sample has {size_bytes:,} bytes, expected at most {options().max_sample_bytes:,}"
        raise RequestTooLargeError(message, hint="send the first lines of the file")
    name = sample.file.filename or "sample"
    return reply(SampleCheck, check_sample(stream, name, contract=contract, limit=sample.limit))
