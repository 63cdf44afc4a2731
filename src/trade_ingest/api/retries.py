"""Runs that try the failed files of another run again, in the way in which that one worked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import psycopg

from trade_ingest.api.orders import MAX_SOURCES, OrderOptions, OrderSelection, RunOrder
from trade_ingest.contract.model import RejectLimit
from trade_ingest.errors import UsageError
from trade_ingest.ledger.run_requests import failed_files, request_of_run

Connection = psycopg.Connection[Any]

_MAX_COUNT = 10**18 - 1  # that an order takes; a file has fewer rows


def retry_order(connection: Connection, run_id: int, *, contract: str | None, max_rejects: str | None) -> RunOrder:
    """What is asked for with a retry: the files that failed in a run and have not been loaded since, and no others.

    What decides about rows is as it was in the run, wherever that was begun: what is done with changed files, the limit
    of rejects, whether rolled-back files are loaded again, and how a delivery is known to be whole. The engine and its
    parallelism are those that the run was asked for with over the API, else those of this server.

    Args:
        connection: to a database with a ledger.
        run_id: the run.
        contract: name of a contract; None: the one of the run, as it was.
        max_rejects: instead of the run's limit.

    Raises:
        NotInLedgerError: there is no such run.
        UsageError: it has no such files, or too many for one order.
    """
    failed = failed_files(connection, run_id)
    if not 0 < len(failed.uris) <= MAX_SOURCES:
        message = f"run {run_id} has {len(failed.uris)} files that failed and are not loaded since"
        raise UsageError(message, hint="ask for a run of the source: what is not loaded is tried again")
    return RunOrder(
        sources=failed.uris,
        contract=contract,
        contract_id=failed.contract_id if contract is None else None,
        selection=_selection(failed.options),
        options=OrderOptions(
            **_engine_options(connection, run_id),
            on_changed=failed.options.get("on_changed"),
            max_rejects=max_rejects or _limit_text(failed.options.get("reject_limit")),
            reload=bool(failed.options.get("reload")),
        ),
    )


def _selection(kept: Mapping[str, Any]) -> OrderSelection:
    # not its globs and dates: each file fitted them, and they are about the paths of other sources
    return OrderSelection(
        settle_seconds=kept.get("settle"),
        marker=kept.get("marker"),
        manifest=kept.get("manifest"),
        checksum=kept.get("checksum"),
    )


def _engine_options(connection: Connection, run_id: int) -> dict[str, Any]:
    asked = request_of_run(connection, run_id)
    options = {} if asked is None else asked.arguments.get("options", {})
    return {name: options.get(name) for name in ("engine", "parallelism")}


def _limit_text(kept: Mapping[str, Any] | None) -> str | None:
    if kept is None:
        return None
    limit = RejectLimit.model_validate(kept)
    return limit.model_copy(update={"max_count": min(limit.max_count, _MAX_COUNT)}).as_option()
