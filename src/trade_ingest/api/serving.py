"""Serve the API with gunicorn: threads, no files but the counters of several processes, a log of JSON lines."""

from __future__ import annotations

import logging
import signal
import threading
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from types import FrameType
from typing import Any

from flask import Flask
from gunicorn.app.base import BaseApplication

from trade_ingest.api.app import create_app
from trade_ingest.api.auth import check_bind
from trade_ingest.api.follow import Followers
from trade_ingest.api.options import ApiOptions
from trade_ingest.api.shared_counters import forget_process, shared_folder
from trade_ingest.api.stream import EXTENSION as EVENTS
from trade_ingest.api.supervisor import EXTENSION as SUPERVISOR
from trade_ingest.api.supervisor import Supervisor
from trade_ingest.api.threads import Worker
from trade_ingest.api.tracing import is_tracing_configured, provider, trace_requests
from trade_ingest.pipeline import prepare_ledger

logger = logging.getLogger(__name__)

REQUEST_THREADS = 32
"""Beyond those of the streams, so that a stream never takes a request's place."""

_GRACE_SECONDS = 20


def serve(
    options: ApiOptions,
    *,
    workers: int = 1,
    config_file: str | None = None,
    on_ready: Callable[[str], None] = lambda _: None,
) -> None:
    """Serve until SIGTERM or Ctrl-C; runs that were begun go on.

    Args:
        options: how.
        workers: processes; any of them serves any request, and starts any run.
        config_file: instead of ``trade-ingest.toml``, also for the processes of runs.
        on_ready: called with the URL when requests are taken.

    Raises:
        ConfigurationError: others can reach the address, and nothing would ask them who they are; see ``check_bind``.
    """
    check_bind(options.settings)
    prepare_ledger(options.database)
    with shared_folder() if workers > 1 else nullcontext() as folder:
        _Server(replace(options, metrics_folder=folder), workers, config_file, on_ready).run()


class _Server(BaseApplication):  # type: ignore[misc,unused-ignore]  # gunicorn ships no types
    def __init__(
        self, options: ApiOptions, workers: int, config_file: str | None, on_ready: Callable[[str], None]
    ) -> None:
        self._options = options
        self._workers = workers
        self._config_file = config_file
        self._on_ready = on_ready
        self._beside: tuple[Supervisor | Followers, ...] = ()
        super().__init__(prog="trade-ingest serve")

    def load_config(self) -> None:
        settings = self._options.settings
        threads = REQUEST_THREADS + settings.api_max_streams
        host = f"[{settings.api_host}]" if ":" in settings.api_host.strip("[]") else settings.api_host
        values = {
            "bind": settings.api_host if settings.api_host.startswith("unix:") else f"{host}:{settings.api_port}",
            "worker_class": Worker,
            "workers": self._workers,
            "threads": threads,
            "worker_connections": 2 * threads,  # a connection that waits between two requests has no thread
            "control_socket_disable": True,
            "graceful_timeout": _GRACE_SECONDS,
            "keepalive": 5,
            "limit_request_line": 8_190,  # a position in the events may have 6,000 characters
            "limit_request_field_size": 16_384,
            "loglevel": settings.log_level,
            "accesslog": None,  # written by the app, with the id of the request
            "forwarded_allow_ips": "",  # proxies are trusted by our own settings only
            "post_worker_init": self._begin,
            "worker_exit": lambda _, worker: self._end(worker),
            "child_exit": lambda _, worker: self._forget(worker),
            "when_ready": lambda arbiter: self._on_ready(_url_of(arbiter)),
        }
        for name, value in values.items():
            if name in self.cfg.settings:
                self.cfg.set(name, value)

    def load(self) -> Flask:
        return create_app(self._options)

    def _begin(self, worker: Any) -> None:  # noqa: ANN401  # gunicorn's
        """In the process that serves: what works beside the requests."""
        app: Flask = worker.app.wsgi()
        supervisor = Supervisor(self._options.database, self._options.settings, self._config_file)
        followers = Followers(self._options.database, self._options.settings)
        app.extensions[SUPERVISOR] = supervisor
        trace_requests(app)
        supervisor.start()
        followers.start()
        self._beside = (supervisor, followers)
        _end_streams_at(signal.SIGTERM, app)

    def _end(self, worker: Any) -> None:  # noqa: ANN401, ARG002  # gunicorn's
        """In the process that served: end what works beside the requests; what is traced is sent."""
        for part in self._beside:
            part.stop()
        if is_tracing_configured():
            provider().shutdown()

    def _forget(self, worker: Any) -> None:  # noqa: ANN401  # gunicorn's
        """In the process that watches the others: one of them has ended."""
        if self._options.metrics_folder is not None:
            forget_process(self._options.metrics_folder, worker.pid)


def _end_streams_at(number: signal.Signals, app: Flask) -> None:
    """Let the signal that ends the server end the streams, too: it would wait for them."""
    before = signal.getsignal(number)

    def handle(received: int, frame: FrameType | None) -> None:
        # not here: the thread that the signal interrupts may hold the lock
        threading.Thread(target=app.extensions[EVENTS].close, daemon=True).start()
        if callable(before):
            before(received, frame)

    signal.signal(number, handle)


def _url_of(arbiter: Any) -> str:  # noqa: ANN401  # gunicorn's
    return str(arbiter.LISTENERS[0])
