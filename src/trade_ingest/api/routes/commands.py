"""Writes: begin, stop and retry runs, roll files back, replay and discard rejects."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from http import HTTPStatus

from apiflask import APIBlueprint
from flask import Response, current_app, request, url_for

from trade_ingest.api import audit
from trade_ingest.api.access import Scope, needs
from trade_ingest.api.allowed import offered_contract
from trade_ingest.api.app_options import options
from trade_ingest.api.auth import principal
from trade_ingest.api.connections import ledger
from trade_ingest.api.orders import RunOrder, fingerprint
from trade_ingest.api.replies import reply
from trade_ingest.api.retries import retry_order
from trade_ingest.api.schemas.commands import (
    DiscardIn,
    DiscardOut,
    IdempotencyHeader,
    ReplayIn,
    ReplayOut,
    RetryIn,
    RollbackIn,
    RollbackOut,
    RunRequestOut,
    RunRequestsOut,
    WantedRejects,
)
from trade_ingest.api.supervisor import EXTENSION as SUPERVISOR
from trade_ingest.contract.model import Contract
from trade_ingest.errors import RunNotStoppableError, UsageError
from trade_ingest.ledger.export import EditedExport
from trade_ingest.ledger.known import require_known
from trade_ingest.ledger.queries import get_run_row
from trade_ingest.ledger.rejects import RejectFilter, discard_rejects
from trade_ingest.ledger.run_requests import (
    RunRequest,
    ask_for_run,
    ask_to_stop,
    get_request,
    open_requests,
    request_of_key,
    request_of_run,
)
from trade_ingest.replay import replay
from trade_ingest.rollback import rollback
from trade_ingest.source.location import shown_source

blueprint = APIBlueprint("commands", __name__, url_prefix="/api/v1", tag="Commands")

_OVER = ("ended", "cancelled", "failed")


@blueprint.post("/runs")
@needs(Scope.OPERATE)
@blueprint.input(RunOrder, arg_name="order")
@blueprint.input(IdempotencyHeader, location="headers", arg_name="headers")
@blueprint.output(RunRequestOut, status_code=202)
@blueprint.doc(operation_id="start_run")
def start_run(order: RunOrder, headers: IdempotencyHeader) -> Response:
    """Ask for a run.

    It waits until a place is free, is the same as `trade-ingest run`, and goes on when the server ends. `Location` is
    where it can be followed until it has a run.
    """
    mark = fingerprint(principal().name, request.path, order)
    before = _asked_before(headers.idempotency_key, mark)
    return before or _ask(order, headers.idempotency_key, mark)


@blueprint.post("/runs/<int:run_id>/retry")
@needs(Scope.OPERATE)
@blueprint.input(RetryIn, arg_name="retry")
@blueprint.input(IdempotencyHeader, location="headers", arg_name="headers")
@blueprint.output(RunRequestOut, status_code=202)
@blueprint.doc(operation_id="retry_run")
def retry_run(run_id: int, retry: RetryIn, headers: IdempotencyHeader) -> Response:
    """Ask for a run of the files that failed in a run and have not been loaded since, and of no others.

    It treats changed files, rejects and deliveries as that run did.
    """
    mark = fingerprint(principal().name, request.path, retry)
    if (before := _asked_before(headers.idempotency_key, mark)) is not None:
        return before
    order = retry_order(ledger(), run_id, contract=retry.contract, max_rejects=retry.max_rejects)
    return _ask(order, headers.idempotency_key, mark, retry_of_run_id=run_id)


@blueprint.post("/runs/<int:run_id>/cancel")
@needs(Scope.OPERATE)
@blueprint.output(RunRequestOut, status_code=202)
@blueprint.doc(operation_id="cancel_run")
def cancel_run(run_id: int) -> Response:
    """Stop a run: the files in flight are finished, no further one is begun, and the run ends as interrupted."""
    run = get_run_row(ledger(), run_id)
    asked = request_of_run(ledger(), run_id)
    if run.state != "running":
        message = f"run {run_id} has ended ({run.state})"
        raise RunNotStoppableError(message, hint="nothing is left to stop")
    if asked is None:
        message = f"run {run_id} was not begun over the API"
        hint = f"press Ctrl-C where it was begun: process {run.process_id} on {run.host}"
        raise RunNotStoppableError(message, hint=hint)
    return _stopped(asked)


@blueprint.get("/run-requests")
@needs(Scope.READ)
@blueprint.output(RunRequestsOut)
@blueprint.doc(operation_id="list_run_requests")
def list_run_requests() -> Response:
    """The runs that were asked for and have not ended: those that wait, and those at work."""
    return reply(RunRequestsOut, {"items": open_requests(ledger())})


@blueprint.get("/run-requests/<int:run_request_id>")
@needs(Scope.READ)
@blueprint.output(RunRequestOut)
@blueprint.doc(operation_id="get_run_request")
def get_run_request(run_request_id: int) -> Response:
    """A run that was asked for."""
    return reply(RunRequestOut, get_request(ledger(), run_request_id))


@blueprint.post("/run-requests/<int:run_request_id>/cancel")
@needs(Scope.OPERATE)
@blueprint.output(RunRequestOut, status_code=202)
@blueprint.doc(operation_id="cancel_run_request")
def cancel_run_request(run_request_id: int) -> Response:
    """Cancel a run that was asked for, whether it waits or is at work."""
    return _stopped(get_request(ledger(), run_request_id))


@blueprint.post("/files/<int:file_id>/rollback")
@needs(Scope.OPERATE)
@blueprint.input(RollbackIn, arg_name="wanted")
@blueprint.output(RollbackOut)
@blueprint.doc(operation_id="rollback_file")
def rollback_file(file_id: int, wanted: RollbackIn) -> Response:
    """Take out exactly the rows of a file; what it had replaced comes back. All or nothing."""
    audit.note(file_id=file_id, preview=wanted.preview)
    result = rollback(
        options().database,
        file_ids=(file_id,),
        preview=wanted.preview,
        connections=options().settings.store_connections,
    )
    return reply(RollbackOut, result)


@blueprint.post("/rejects/replay")
@needs(Scope.OPERATE)
@blueprint.input(ReplayIn, arg_name="wanted")
@blueprint.output(ReplayOut)
@blueprint.doc(operation_id="replay_rejects")
def replay_rejects(wanted: ReplayIn) -> Response:
    """Try open rejects again, through the same checks; those that fail stay open with their new reasons."""
    audit.note(**wanted.model_dump(exclude_defaults=True))  # with the corrected rows: who changed what
    edited = _corrected(wanted)
    chosen = _filter_of(wanted, may_be_all=edited is not None)
    if edited is not None and wanted.use_present_contract:
        chosen = replace(chosen, contract=None)  # says by what they are checked, not which they are
    result = replay(
        options().database,
        edited=edited,
        wanted=chosen,
        contract=_present_contract(wanted),
        preview=wanted.preview,
        connections=options().settings.store_connections,
    )
    return reply(ReplayOut, result)


def _present_contract(wanted: ReplayIn) -> Contract | None:
    if not wanted.use_present_contract:
        return None
    if wanted.contract is None:
        message = "the present version is wanted, of no contract"
        raise UsageError(message, hint="name it in contract")
    return offered_contract(wanted.contract, options().settings)


def _corrected(wanted: ReplayIn) -> EditedExport | None:
    """The rows as an edited export; a row that is given twice is refused as it would be there."""
    if not wanted.corrected:
        return None
    times = Counter(row.reject_id for row in wanted.corrected)
    once = {row.reject_id: row.raw_text for row in wanted.corrected if times[row.reject_id] == 1}
    return EditedExport(once, tuple(sorted(times.keys() - once.keys())), {})


@blueprint.post("/rejects/discard")
@needs(Scope.OPERATE)
@blueprint.input(DiscardIn, arg_name="wanted")
@blueprint.output(DiscardOut)
@blueprint.doc(operation_id="discard_rejects")
def discard(wanted: DiscardIn) -> Response:
    """Mark open rejects as not to be loaded; they stay in the ledger and in its balance."""
    audit.note(**wanted.model_dump(exclude_defaults=True))
    chosen = _filter_of(wanted) if not wanted.reject_ids else _filter_of(wanted, may_be_all=True)
    require_known(ledger(), chosen)
    discarded = discard_rejects(ledger(), why=wanted.why, wanted=chosen, reject_ids=wanted.reject_ids)
    audit.note(rejects=discarded)
    return reply(DiscardOut, {"rejects": discarded, "why": wanted.why})


def _asked_before(idempotency_key: str | None, mark: bytes) -> Response | None:
    if idempotency_key is None:
        return None
    asked = request_of_key(ledger(), idempotency_key, mark)
    return None if asked is None else _accepted(asked, is_new=False)


def _ask(order: RunOrder, idempotency_key: str | None, mark: bytes, *, retry_of_run_id: int | None = None) -> Response:
    audit.note(**order.model_dump(mode="json", exclude_defaults=True))
    audit.note(sources=[shown_source(source) for source in order.sources])  # they are not checked for secrets yet
    order.check(options().settings, options().allowed_sources, ledger())
    asked, is_new = ask_for_run(
        ledger(),
        order.model_dump(mode="json"),
        requested_by=principal().name,
        fingerprint=mark,
        idempotency_key=idempotency_key,
        retry_of_run_id=retry_of_run_id,
    )
    _wake()
    return _accepted(asked, is_new=is_new)


def _accepted(asked: RunRequest, *, is_new: bool) -> Response:
    audit.note(run_request_id=asked.run_request_id, is_new=is_new)
    location = url_for("commands.get_run_request", run_request_id=asked.run_request_id)
    response = reply(RunRequestOut, asked, HTTPStatus.ACCEPTED)
    response.headers["Location"] = location
    response.headers["Idempotency-Replayed"] = str(not is_new).lower()
    return response


def _stopped(asked: RunRequest) -> Response:
    if asked.state in _OVER:
        message = f"run request {asked.run_request_id} is over ({asked.state})"
        raise RunNotStoppableError(message, hint="nothing is left to stop")
    audit.note(run_request_id=asked.run_request_id, run_id=asked.run_id)
    return reply(RunRequestOut, ask_to_stop(ledger(), asked.run_request_id), HTTPStatus.ACCEPTED)


def _filter_of(wanted: WantedRejects, *, may_be_all: bool = False) -> RejectFilter:
    if not (wanted.file_ids or wanted.run_id or wanted.contract or wanted.reason or wanted.column or may_be_all):
        message = "all rejects of the ledger are meant, which cannot be on purpose"
        raise UsageError(message, hint="narrow them with file_ids, run_id, contract, reason or column")
    return RejectFilter(
        file_ids=tuple(wanted.file_ids),
        run_id=wanted.run_id,
        reason=wanted.reason,
        column=wanted.column,
        contract=wanted.contract,
        days=wanted.days,
    )


def _wake() -> None:
    supervisor = current_app.extensions.get(SUPERVISOR)
    if supervisor is not None:
        supervisor.wake()
