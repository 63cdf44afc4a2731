"""OpenTelemetry traces of requests and runs, sent by OTLP over HTTP. On where ``OTEL_EXPORTER_OTLP_ENDPOINT`` is set.

The SDK reads its own settings: ``OTEL_SERVICE_NAME``, ``OTEL_EXPORTER_OTLP_HEADERS`` and so on.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import datetime
from functools import cache
from importlib import metadata
from typing import TYPE_CHECKING, Any

import psycopg
from flask import Flask, Response, g, request

from trade_ingest.errors import EngineError
from trade_ingest.ledger.stream import StreamEvent

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import Tracer

Connection = psycopg.Connection[Any]

MAX_FILES = 1000
"""Spans of files in one trace, the slowest ones."""

_RUN_SQL = """
SELECT r.kind, r.state, r.target, r.engine, r.started_at, r.ended_at, r.files_loaded, r.files_failed, r.rows_read,
    r.rows_loaded, r.rows_duplicate, r.rows_rejected, r.bytes_read
FROM ingest.run AS r WHERE r.run_id = %s AND r.ended_at IS NOT NULL
"""

_ATTEMPTS_SQL = """
SELECT f.uri, a.state, a.started_at, a.ended_at, a.rows_read, a.bytes_read, a.stage_seconds
FROM ingest.attempt AS a JOIN ingest.file AS f USING (file_id)
WHERE a.run_id = %s AND a.ended_at IS NOT NULL
ORDER BY a.ended_at - a.started_at DESC LIMIT %s
"""


def is_tracing_configured() -> bool:
    """Whether the environment says where traces go, and does not switch them off."""
    names = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
    is_off = os.environ.get("OTEL_SDK_DISABLED", "").lower() == "true"
    return not is_off and any(os.environ.get(name) for name in names)


@cache
def provider() -> TracerProvider:
    """The process's own provider; the global one is left to whoever embeds this package."""
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError as exc:
        message = "OpenTelemetry is configured, and its packages are not installed"
        raise EngineError(message, hint="pip install 'trade-ingest[tracing]'") from exc
    name = os.environ.get("OTEL_SERVICE_NAME", "trade-ingest")
    resource = Resource.create({"service.name": name, "service.version": metadata.version("trade-ingest")})
    made = TracerProvider(resource=resource)
    made.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return made


def trace_requests(app: Flask) -> None:
    """Make a span of each request; part of the caller's trace, where it sends ``traceparent``."""
    if not is_tracing_configured():
        return
    from opentelemetry import trace
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    tracer = provider().get_tracer("trade_ingest.api")
    propagator = TraceContextTextMapPropagator()

    @app.before_request
    def begin() -> None:
        context = propagator.extract(dict(request.headers.items(lower=True)))
        name = f"{request.method} {request.url_rule.rule if request.url_rule else 'unknown'}"
        g.span = tracer.start_span(name, context, kind=trace.SpanKind.SERVER)
        g.span.set_attributes({"http.request.method": request.method, "url.path": request.path})

    @app.after_request
    def end(response: Response) -> Response:
        span = g.pop("span", None)
        if span is not None:
            span.set_attribute("http.response.status_code", response.status_code)
            span.set_attribute("trade_ingest.request_id", str(g.get("request_id")))
            span.end()
        return response


class RunTraces:
    """Makes a trace of each run that has ended: the run, and its files with the time of each stage."""

    name = "opentelemetry"

    def __init__(self) -> None:
        self._tracer: Tracer = provider().get_tracer("trade_ingest.run")

    def take(self, events: Sequence[StreamEvent], connection: Connection, memory: dict[str, Any]) -> None:  # noqa: ARG002
        """Send what ended."""
        for event in events:
            if event.kind in {"run_ended", "run_abandoned"} and event.run_id is not None:
                self._trace(connection, event.run_id)
        if events and not provider().force_flush():
            message = "traces were not taken in time"
            raise OSError(message)

    def _trace(self, connection: Connection, run_id: int) -> None:
        from opentelemetry import trace
        from opentelemetry.context import Context

        row = connection.execute(_RUN_SQL, [run_id]).fetchone()
        if row is None:
            return
        kind, state, target, engine, started_at, ended_at, *counts = row
        names = (
            "files_loaded",
            "files_failed",
            "rows_read",
            "rows_loaded",
            "rows_duplicate",
            "rows_rejected",
            "bytes_read",
        )
        facts = {"run_id": run_id, "state": state, "target": target, "engine": engine}
        facts |= dict(zip(names, counts, strict=True))
        span = self._tracer.start_span(kind, Context(), attributes=_named(facts), start_time=_nanoseconds(started_at))
        if state != "succeeded":
            span.set_status(trace.StatusCode.ERROR, state)
        inside = trace.set_span_in_context(span, Context())
        for attempt in connection.execute(_ATTEMPTS_SQL, [run_id, MAX_FILES]).fetchall():
            uri, outcome, began_at, done_at, rows, size_bytes, stages = attempt
            facts = {"uri": uri, "state": outcome, "rows_read": rows or 0, "bytes_read": size_bytes or 0}
            facts |= {f"stage.{stage}_seconds": seconds for stage, seconds in (stages or {}).items()}
            file_span = self._tracer.start_span(
                "file", inside, attributes=_named(facts), start_time=_nanoseconds(began_at)
            )
            if outcome == "failed":
                file_span.set_status(trace.StatusCode.ERROR, outcome)
            file_span.end(_nanoseconds(done_at))
        span.end(_nanoseconds(ended_at))


def _named(facts: dict[str, Any]) -> dict[str, Any]:
    return {f"trade_ingest.{name}": value for name, value in facts.items()}


def _nanoseconds(at: datetime) -> int:
    return int(at.timestamp() * 1_000_000) * 1000
