"""The process of one requested run: ``python -m trade_ingest.api.worker REQUEST TRIES``. It outlives the server.

The run itself is `pipeline.ingest`, as everywhere. This module reads the order, tells the ledger which run it became,
and stops it when somebody asks for that.
"""

from __future__ import annotations

import argparse
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import psycopg

from trade_ingest.api.allowed import default_prefixes
from trade_ingest.api.orders import RunOrder
from trade_ingest.errors import RunInterruptedError, TradeIngestError
from trade_ingest.ledger.connection import mask_secrets, open_connection, wrap_database_errors
from trade_ingest.ledger.events import Event, EventKind
from trade_ingest.ledger.run_requests import (
    RequestState,
    RunRequest,
    end_request,
    is_stop_requested,
    keep_request,
    note_run,
)
from trade_ingest.pipeline import ingest
from trade_ingest.run import RunResult
from trade_ingest.settings import Settings, load_settings, resolve_database

logger = logging.getLogger(__name__)

Connection = psycopg.Connection[Any]

_STOP_POLL_SECONDS = 0.3


def main(argv: Sequence[str] | None = None) -> int:
    """Run a request that a server has claimed; 0 if it came to an end, whatever that was."""
    parser = argparse.ArgumentParser(prog="python -m trade_ingest.api.worker")
    parser.add_argument("run_request_id", type=int)
    parser.add_argument("tries", type=int)
    parser.add_argument("--config-file")
    given = parser.parse_args(argv)
    settings = load_settings(config_file=given.config_file)
    logging.basicConfig(level=settings.log_level.upper(), format="%(levelname)s %(name)s: %(message)s")
    run_request(resolve_database(settings), settings, given.run_request_id, tries=given.tries)
    return 0


def run_request(database: str, settings: Settings, run_request_id: int, *, tries: int) -> None:
    """Run a request, unless it is not ours any more; how it ended is in the ledger."""
    with (
        wrap_database_errors(),
        open_connection(database, name="trade-ingest request") as connection,
        keep_request(
            connection, run_request_id, tries=tries, host=socket.gethostname(), process_id=os.getpid()
        ) as request,
    ):
        if request is None:
            logger.warning("run request %d is not to be run by this process any more", run_request_id)
            return
        state, error = _outcome(database, settings, connection, request)
        end_request(connection, run_request_id, state, error)


def _outcome(
    database: str, settings: Settings, connection: Connection, request: RunRequest
) -> tuple[RequestState, Mapping[str, Any] | None]:
    with _stop_signal(database, request.run_request_id) as stop:
        try:
            result = _ingest(database, settings, connection, request, stop)
        except (RunInterruptedError, KeyboardInterrupt):
            return RequestState.CANCELLED, None
        except TradeIngestError as exc:
            logger.warning("run request %d failed: %s", request.run_request_id, exc)
            return RequestState.FAILED, _described(exc)
        except Exception:
            logger.exception("run request %d failed", request.run_request_id)
            unexpected = TradeIngestError("unexpected error", hint="see the server's log")
            return RequestState.FAILED, _described(unexpected)
    return RequestState.CANCELLED if result.state.value == "interrupted" else RequestState.ENDED, None


def _ingest(
    database: str, settings: Settings, connection: Connection, request: RunRequest, stop: threading.Event
) -> RunResult:
    order = RunOrder.model_validate(request.arguments)

    def note_event(event: Event) -> None:
        if event.kind == EventKind.RUN_STARTED and event.run_id is not None:
            note_run(connection, request.run_request_id, event.run_id)

    return ingest(
        order.sources,
        contract=order.contract_of(settings, connection),
        database=database,
        options=replace(order.run_options(settings), within=default_prefixes(settings)),
        on_event=note_event,
        stop=stop,
    )


@contextmanager
def _stop_signal(database: str, run_request_id: int) -> Iterator[threading.Event]:
    """An event that a request to stop sets, as does the first SIGTERM; a second one aborts the files in flight."""
    stop, is_over = threading.Event(), threading.Event()

    def handle(*_: object) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()

    def watch() -> None:
        while not is_over.is_set() and not stop.is_set():
            try:
                _watch(database, run_request_id, stop, is_over)
            except (TradeIngestError, psycopg.Error) as exc:
                logger.warning("cannot ask whether to stop, trying again: %s", exc)
                is_over.wait(_STOP_POLL_SECONDS)

    is_main = threading.current_thread() is threading.main_thread()
    before = {n: signal.signal(n, handle) for n in (signal.SIGINT, signal.SIGTERM)} if is_main else {}
    watcher = threading.Thread(target=watch, name="stop-watcher", daemon=True)
    watcher.start()
    try:
        yield stop
    finally:
        is_over.set()
        watcher.join()
        for number, handler in before.items():
            signal.signal(number, handler)


def _watch(database: str, run_request_id: int, stop: threading.Event, is_over: threading.Event) -> None:
    with open_connection(database, name="trade-ingest stop") as connection:
        while not is_over.wait(_STOP_POLL_SECONDS):
            if is_stop_requested(connection, run_request_id):
                stop.set()
                return


def _described(error: TradeIngestError) -> dict[str, Any]:
    return {
        "code": error.code,
        "message": mask_secrets(error.message),
        "hint": error.hint,
        "retryable": error.retryable,
    }


if __name__ == "__main__":
    sys.exit(main())
