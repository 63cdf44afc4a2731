"""A run as a job of a cloud: secrets come from its secret store, and what came of it is left where the submitter looks.

``cloud_jobs/ingest_job.py`` calls it; on the command line of this machine the same is ``trade-ingest run``.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from typing import Any

from trade_ingest.cli.failure import report_failure
from trade_ingest.cli.invocation import Invocation
from trade_ingest.cli.main import main
from trade_ingest.errors import TradeIngestError

OUTCOME_SCHEMA = "trade-ingest.outcome/1"


def run_job(arguments: Sequence[str]) -> int:
    """Load as ``trade-ingest run`` does, and return its exit code.

    Args:
        arguments: those of ``trade-ingest run``, and ``--database-secret REFERENCE`` (of the database's URL),
            ``--connections-secret REFERENCE`` (of the setting ``connections`` as JSON), both as ``secret_stores`` reads
            them, and ``--outcome URI``: where a small JSON document with the exit code, the counters and the error is
            written at the end, whatever happens but the death of this process.
    """
    own, others = _parser().parse_known_args(list(arguments))
    invocation = Invocation()
    try:
        invocation.secret_settings.update(_secret_settings(own))
    except TradeIngestError as exc:
        invocation.failure = exc
        code = report_failure(exc, is_debug=False)
    else:
        code = main(["run", *others], invocation=invocation)
    if own.outcome:
        _leave_outcome(own.outcome, code, invocation)
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    for name in ("--database-secret", "--connections-secret", "--outcome"):
        parser.add_argument(name)
    return parser


def _secret_settings(own: argparse.Namespace) -> dict[str, Any]:
    from trade_ingest.secret_stores import read_database_url, read_secret

    found: dict[str, Any] = {}
    if own.database_secret:
        found["database_url"] = read_database_url(own.database_secret)
    if own.connections_secret:
        found["connections"] = read_secret(own.connections_secret)
    return found


def _leave_outcome(uri: str, code: int, invocation: Invocation) -> None:
    from trade_ingest.source.small_objects import write_small

    failure = invocation.failure
    error = None
    if isinstance(failure, TradeIngestError):
        error = {"code": failure.code, "message": failure.message, "hint": failure.hint, "retryable": failure.retryable}
    document = {"schema": OUTCOME_SCHEMA, "exit_code": code, "run": _shortened(invocation.outcome), "error": error}
    try:
        connections = invocation.settings.store_connections
        write_small(uri, json.dumps(document, default=str).encode(), connections)
    except (TradeIngestError, OSError) as exc:  # the run itself is over, and in the ledger
        print(f"the outcome could not be written to {uri}: {exc}", file=sys.stderr)  # noqa: T201


def _shortened(run: dict[str, Any] | None) -> dict[str, Any] | None:
    """What a run did, without the list of all that failed: the ledger has it."""
    return run and {name: value for name, value in run.items() if not isinstance(value, list)}
