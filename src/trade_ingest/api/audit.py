"""An audit row for every write: made before the write is done, completed with its outcome."""

from __future__ import annotations

import logging
from typing import Any

import psycopg
from flask import Flask, Response, g, request

from trade_ingest.api.access import Scope, required_scope
from trade_ingest.api.auth import gate
from trade_ingest.api.connections import connections
from trade_ingest.api.origin import SAFE_METHODS
from trade_ingest.errors import TradeIngestError
from trade_ingest.ledger.audit import begin_audit, end_audit

logger = logging.getLogger(__name__)


def note(**facts: Any) -> None:
    """Add facts to the audit row of the request; never a secret."""
    if "audit_facts" in g:
        g.audit_facts.update(facts)


def begin(actor: str) -> None:
    """Record that `actor` is about to write; without this row nothing is written."""
    with connections().borrow() as connection:
        g.audit_id = begin_audit(
            connection,
            actor=actor,
            action=request.endpoint or "",
            subject=request.path,
            address=gate().origins.address_of(request),
            request_id=g.get("request_id"),
        )
    g.audit_facts = {}


def install(app: Flask) -> None:
    """Audit the writes of an app: all that is no GET and asks for more than reading; after `auth.install`."""

    @app.before_request
    def begin_write() -> None:
        view = app.view_functions.get(request.endpoint or "")
        if view is None or request.method in SAFE_METHODS or required_scope(view) in {None, Scope.READ}:
            return
        begin(g.principal.name)

    @app.after_request
    def end_write(response: Response) -> Response:
        if "audit_id" in g:
            try:
                with connections().borrow() as connection:
                    end_audit(connection, g.audit_id, status=response.status_code, detail=g.audit_facts)
            except (TradeIngestError, psycopg.Error):
                logger.exception("audit %d was answered with %d", g.audit_id, response.status_code)
        return response
