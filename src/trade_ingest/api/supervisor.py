"""Starts the processes of requested runs, and finds what died. Every server process has one; they share the queue."""

from __future__ import annotations

import json
import logging
import os
import socket
import subprocess
import sys
import threading
from dataclasses import dataclass, field
from typing import Any

import psycopg
from pydantic import SecretStr

from trade_ingest.errors import TradeIngestError
from trade_ingest.ledger.connection import open_connection
from trade_ingest.ledger.run_requests import RunRequest, claim_requests, recover_requests, release_request
from trade_ingest.ledger.runs import abandon_dead_runs
from trade_ingest.settings import ENV_PREFIX, Layer, Settings

logger = logging.getLogger(__name__)

Connection = psycopg.Connection[Any]

EXTENSION = "trade_ingest_supervisor"

_TICK_SECONDS = 1.0
_PATIENCE_SECONDS = 5.0  # between two tries to reach a database that does not answer


@dataclass
class Supervisor:
    """Starts what waits in the queue.

    A run's process has its own session and is in no way tied to this one: it goes on when the server ends, and any
    other server sees by its locks that it lives.

    Attributes:
        database: the URL of the database.
        settings: the server's; a run's process has the same.
        config_file: instead of ``trade-ingest.toml``.
    """

    database: str = field(repr=False)
    settings: Settings
    config_file: str | None = None
    _processes: dict[int, subprocess.Popen[bytes]] = field(default_factory=dict)
    _wake: threading.Event = field(default_factory=threading.Event)
    _is_stopping: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to work, in a thread."""
        self._thread = threading.Thread(target=self._work, name="supervisor", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Start nothing any more; what runs goes on."""
        self._is_stopping.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join()

    def wake(self) -> None:
        """Look at the queue now."""
        self._wake.set()

    def _work(self) -> None:
        while not self._is_stopping.is_set():
            try:
                with open_connection(self.database, name="trade-ingest supervisor") as connection:
                    self._work_with(connection)
            except (TradeIngestError, psycopg.Error) as exc:
                logger.warning("the queue of runs cannot be read, trying again: %s", exc)
                self._is_stopping.wait(_PATIENCE_SECONDS)

    def _work_with(self, connection: Connection) -> None:
        kept: set[int] = set()  # whose locks this connection holds
        abandon_dead_runs(connection)
        while not self._is_stopping.is_set():
            self._wake.clear()
            self._release(connection, kept)
            if recover_requests(connection, kept=kept):
                abandon_dead_runs(connection)
            claimed = claim_requests(connection, at_most=self.settings.api_max_runs, host=socket.gethostname())
            kept.update(request.run_request_id for request in claimed)
            for request in claimed:
                self._start(request)
            self._wake.wait(_TICK_SECONDS)

    def _release(self, connection: Connection, kept: set[int]) -> None:
        """Leave requests to their processes, as soon as those hold the locks themselves or are gone."""
        for run_request_id, process in list(self._processes.items()):
            if process.poll() is not None:
                del self._processes[run_request_id]
        for run_request_id in list(kept):
            if run_request_id not in self._processes or _has_begun(connection, run_request_id):
                release_request(connection, run_request_id)
                kept.discard(run_request_id)

    def _start(self, request: RunRequest) -> None:
        words = [sys.executable, "-m", "trade_ingest.api.worker", str(request.run_request_id), str(request.tries)]
        if self.config_file is not None:
            words += ["--config-file", self.config_file]
        try:
            self._processes[request.run_request_id] = subprocess.Popen(
                words,
                env=os.environ | worker_environment(self.settings, self.database),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                start_new_session=True,
            )
        except OSError:
            logger.exception("cannot start a process for run request %d", request.run_request_id)


def worker_environment(settings: Settings, database: str) -> dict[str, str]:
    """The environment variables by which a process has the server's settings; arguments could be seen by everybody."""
    flags = {name: getattr(settings, name) for name in Settings.model_fields if _is_flag(settings, name)}
    variables = {f"{ENV_PREFIX}{name.upper()}": _as_text(value) for name, value in flags.items()}
    return variables | {f"{ENV_PREFIX}DATABASE_URL": database}


def _is_flag(settings: Settings, name: str) -> bool:
    return settings.origin_of(name).layer == Layer.FLAG


def _as_text(value: object) -> str:
    if isinstance(value, tuple):
        return json.dumps([_as_text(item) for item in value])
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    return "" if value is None else str(value)


def _has_begun(connection: Connection, run_request_id: int) -> bool:
    row = connection.execute(
        "SELECT process_id IS NOT NULL FROM ingest.run_request WHERE run_request_id = %s", [run_request_id]
    ).fetchone()
    return bool(row and row[0])
