"""Metrics for Prometheus: of the requests of all server processes, and of the ledger at the moment of asking.

Labels are bounded: routes, not paths; targets and contracts, of which an installation has few.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from typing import Any

import psycopg
from flask import Flask, Response, current_app, g, request
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.registry import Collector

from trade_ingest.api.app_options import options
from trade_ingest.api.shared_counters import sum_of
from trade_ingest.ledger.summary import Backlog, Freshness, list_freshness, read_backlog

EXTENSION = "trade_ingest_measurements"
MEDIA_TYPE = CONTENT_TYPE_PLAIN_0_0_4

_METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}


class Measurements:
    """What is measured of requests; each app has its own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "trade_ingest_http_requests",
            "Requests answered.",
            ["method", "route", "status"],
            registry=self.registry,
        )
        self.seconds = Histogram(
            "trade_ingest_http_request_seconds",
            "Time until the answer began.",
            ["method", "route"],
            registry=self.registry,
        )
        self.in_flight = Gauge(
            "trade_ingest_http_requests_in_flight",
            "Requests being answered.",
            registry=self.registry,
            multiprocess_mode="livesum",
        )


def install(app: Flask) -> None:
    """Measure the requests of an app."""
    measured = Measurements()
    app.extensions[EXTENSION] = measured

    @app.before_request
    def begin() -> None:
        measured.in_flight.inc()
        g.measured_since = time.monotonic()

    @app.after_request
    def note(response: Response) -> Response:
        route = request.url_rule.rule if request.url_rule is not None else "none"
        method = request.method if request.method in _METHODS else "other"
        measured.requests.labels(method, route, str(response.status_code)).inc()
        if "measured_since" in g:
            measured.seconds.labels(method, route).observe(time.monotonic() - g.measured_since)
        return response

    @app.teardown_request
    def end(_: BaseException | None) -> None:
        if g.pop("measured_since", None) is not None:
            measured.in_flight.dec()


def expose(connection: psycopg.Connection[Any]) -> bytes:
    """All metrics in Prometheus' text format."""
    measured: Measurements = current_app.extensions[EXTENSION]
    now = CollectorRegistry()
    now.register(_Ledger(read_backlog(connection), list_freshness(connection)))
    folder = options().metrics_folder
    counted = measured.registry if folder is None else sum_of(folder)
    return bytes(generate_latest(counted) + generate_latest(now))


class _Ledger(Collector):
    """The ledger's numbers."""

    def __init__(self, backlog: Backlog, freshness: Iterable[Freshness]) -> None:
        self._backlog = backlog
        self._freshness = freshness

    def collect(self) -> Iterator[Metric]:
        backlog = self._backlog
        for name, text, value in (
            ("files_pending", "Files that are known and not loaded yet.", backlog.files_pending),
            ("bytes_pending", "Size of these files as stored.", backlog.bytes_pending),
            ("files_failed", "Files whose last attempt failed.", backlog.files_failed),
            ("runs_running", "Runs that have not ended.", backlog.runs_running),
            ("rejects_open", "Rejects that nobody has resolved.", backlog.rejects_open),
        ):
            yield GaugeMetricFamily(f"trade_ingest_{name}", text, value=value)
        loaded = GaugeMetricFamily(
            "trade_ingest_last_loaded_timestamp_seconds",
            "When the last file was committed.",
            labels=["target", "contract"],
        )
        for fresh in self._freshness:
            loaded.add_metric([fresh.target, fresh.contract], fresh.last_loaded_at.timestamp())
        yield loaded
