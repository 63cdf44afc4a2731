"""Runs: read."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from functools import cache
from typing import Any

from apiflask import APIBlueprint
from flask import Response

from trade_ingest.api.access import Scope, needs
from trade_ingest.api.app_options import options
from trade_ingest.api.connections import ledger
from trade_ingest.api.paging import order_of, reply_listing
from trade_ingest.api.replies import reply, with_etag
from trade_ingest.api.schemas.base import PageQuery
from trade_ingest.api.schemas.files import FilePage, RunFilesQuery
from trade_ingest.api.schemas.runs import AttemptPage, EventPage, EventsQuery, Progress, RunDetail, RunPage, RunsQuery
from trade_ingest.contract.loading import builtin_names, load_contract
from trade_ingest.errors import TradeIngestError
from trade_ingest.ledger.file_pages import FILES
from trade_ingest.ledger.history_pages import ATTEMPTS, EVENTS, median_duration, of_kinds, of_run
from trade_ingest.ledger.pages import Order
from trade_ingest.ledger.progress import read_progress
from trade_ingest.ledger.queries import RunDetail as LedgerDetail
from trade_ingest.ledger.queries import get_run, get_run_row
from trade_ingest.ledger.run_pages import RUNS
from trade_ingest.ledger.runs import live_run_ids
from trade_ingest.run import command_line_options

blueprint = APIBlueprint("runs", __name__, url_prefix="/api/v1/runs", tag="Runs")

_MAX_FAILURES = 100


@blueprint.get("")
@blueprint.input(RunsQuery, location="query")
@blueprint.output(RunPage)
@needs(Scope.READ)
def list_runs(query_data: RunsQuery) -> Response:
    """List runs, newest first."""
    order = order_of(RUNS.sorts, query_data.sort, is_narrowed=True)
    conditions = query_data.filter.conditions()
    return reply_listing(RunPage, query_data, RUNS, conditions, order)


@blueprint.get("/<int:run_id>")
@blueprint.output(RunDetail)
@needs(Scope.READ)
def show_run(run_id: int) -> Response:
    """Show a run: its counters, its stages, its failures, what it was started with.

    With an ETag: poll with If-None-Match.
    """
    detail = get_run(ledger(), run_id, max_failures=_MAX_FAILURES)
    run = RUNS.find(ledger(), run_id)
    assert run is not None
    return with_etag(reply(RunDetail, _detail(run, detail)))


def _detail(run: Mapping[str, Any], detail: LedgerDetail) -> dict[str, Any]:
    return {
        "run": run,
        "options": detail.options,
        "process_id": detail.run.process_id,
        "is_live": run["run_id"] in live_run_ids(ledger()) if run["state"] == "running" else False,
        "is_balanced": run["rows_read"] == run["rows_loaded"] + run["rows_duplicate"] + run["rows_rejected"],
        "files_by_state": detail.files_by_state,
        "stage_seconds": detail.stage_seconds,
        "bottleneck": detail.bottleneck,
        "failures": detail.failures,
        "rejects_open": detail.rejects_open,
        "median_duration_seconds": median_duration(ledger(), run["run_id"]),
        "command": _command(run, detail),
    }


def _command(run: Mapping[str, Any], detail: LedgerDetail) -> str:
    name = {"ingest": "run"}.get(run["kind"], run["kind"])
    words = ["trade-ingest", name, *run["sources"]]
    if run["contract"] is not None:
        words += ["--contract", _reference(run["contract"])]
    return shlex.join([*words, *command_line_options(detail.options)])


def _reference(contract: str) -> str:
    """By what a command finds a contract: the name of a built-in one, the file of the one that is configured."""
    configured = options().settings.contract
    is_file = contract not in builtin_names() and configured not in builtin_names()
    return configured if is_file and _name_in(configured) == contract else contract


@cache
def _name_in(configured: str) -> str | None:
    """The name of a contract in a file or object, read once; None where it cannot be read."""
    try:
        return load_contract(configured).name
    except TradeIngestError:
        return None


@blueprint.get("/<int:run_id>/files")
@blueprint.input(RunFilesQuery, location="query")
@blueprint.output(FilePage)
@needs(Scope.READ)
def list_run_files(run_id: int, query_data: RunFilesQuery) -> Response:
    """List the files that a run touched last."""
    conditions = [of_run(run_id), *query_data.filter.conditions()]
    order = order_of(FILES.sorts, query_data.sort, is_narrowed=True)
    return reply_listing(FilePage, query_data, FILES, conditions, order, require=lambda: get_run_row(ledger(), run_id))


@blueprint.get("/<int:run_id>/attempts")
@blueprint.input(PageQuery, location="query")
@blueprint.output(AttemptPage)
@needs(Scope.READ)
def list_run_attempts(run_id: int, query_data: PageQuery) -> Response:
    """List a run's attempts to load files, in the order in which they began."""
    order = Order(ATTEMPTS.sorts["attempt_id"], is_descending=False)
    return reply_listing(
        AttemptPage, query_data, ATTEMPTS, [of_run(run_id)], order, require=lambda: get_run_row(ledger(), run_id)
    )


@blueprint.get("/<int:run_id>/events")
@blueprint.input(EventsQuery, location="query")
@blueprint.output(EventPage)
@needs(Scope.READ)
def list_run_events(run_id: int, query_data: EventsQuery) -> Response:
    """List what happened in a run, in order."""
    conditions = [of_run(run_id), *of_kinds(query_data.kind)]
    order = order_of(EVENTS.sorts, query_data.sort, is_narrowed=True)
    return reply_listing(
        EventPage, query_data, EVENTS, conditions, order, require=lambda: get_run_row(ledger(), run_id)
    )


@blueprint.get("/<int:run_id>/progress")
@blueprint.output(Progress)
@needs(Scope.READ)
def show_progress(run_id: int) -> Response:
    """Show how far the files are that a run is loading now."""
    get_run_row(ledger(), run_id)
    return with_etag(reply(Progress, {"items": read_progress(ledger(), run_id)}))
