"""The app: its parts put together."""

from __future__ import annotations

from importlib import import_module, metadata
from typing import Final

from apiflask import APIFlask

from trade_ingest.api import (
    app_options,
    audit,
    auth,
    bodies,
    connections,
    dashboard,
    docs_page,
    headers,
    measurements,
    openapi,
    problems,
    remembered,
    stream,
    turns,
)
from trade_ingest.api.options import ApiOptions

ROUTES: Final = (
    "runs",
    "files",
    "rejects",
    "trades",
    "contracts",
    "plans",
    "coverage",
    "reconciliation",
    "metrics",
    "system",
    "health",
    "commands",
    "events",
    "people",
)
"""Modules of ``routes``, each with a ``blueprint``."""


def create_app(options: ApiOptions) -> APIFlask:
    """Make the app; connects to nothing until the first request.

    Safe to call in each worker process of a server, and any number of times in one.
    """
    app = APIFlask(
        "trade_ingest.api",
        title="trade-ingest",
        version=metadata.version("trade-ingest"),
        spec_path=None,
        docs_path=None,
        static_folder=None,  # type: ignore[arg-type]  # no files of Flask's own
    )
    app.url_map.merge_slashes = False  # a path with an empty name is no other path
    app_options.install(app, options)
    openapi.prepare(app)
    problems.install(app)
    headers.install(app, options)
    measurements.install(app)
    connections.install(app, options)
    auth.install(app, options)
    turns.install(app)
    bodies.install(app)
    audit.install(app)
    remembered.install(app)
    stream.install(app, options)
    for name in ROUTES:
        app.register_blueprint(import_module(f"trade_ingest.api.routes.{name}").blueprint)
    app.register_blueprint(openapi.blueprint)
    app.register_blueprint(docs_page.blueprint)
    dashboard.install(app, options)
    return app
