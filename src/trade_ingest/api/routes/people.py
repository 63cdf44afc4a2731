"""Who may use the API, and who did: sessions of browsers, tokens, the audit."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any

from apiflask import APIBlueprint
from flask import Response, g, request

from trade_ingest.api import audit
from trade_ingest.api.access import Scope, needs, public
from trade_ingest.api.auth import CSRF_COOKIE, SESSION_COOKIE, Principal, gate, principal
from trade_ingest.api.connections import ledger
from trade_ingest.api.cursors import decode_cursor, encode_cursor
from trade_ingest.api.replies import reply
from trade_ingest.api.schemas.commands import (
    AuditPage,
    AuditQuery,
    NewTokenOut,
    SessionIn,
    SessionOut,
    TokenIn,
    TokensOut,
)
from trade_ingest.errors import UnauthenticatedError
from trade_ingest.ledger.audit import list_audit
from trade_ingest.ledger.pages import Key
from trade_ingest.ledger.tokens import (
    create_token,
    csrf_token_of,
    end_session,
    list_tokens,
    revoke_token,
    start_session,
)

blueprint = APIBlueprint("people", __name__, url_prefix="/api/v1", tag="People")


@blueprint.get("/session")
@needs(Scope.READ)
@blueprint.output(SessionOut)
@blueprint.doc(operation_id="get_session")
def get_session() -> Response:
    """Who is asking, and what they may do."""
    return reply(SessionOut, _shown(principal()))


@blueprint.post("/session")
@public
@blueprint.input(SessionIn, arg_name="given")
@blueprint.output(SessionOut, status_code=201)
@blueprint.doc(operation_id="start_session")
def post_session(given: SessionIn) -> Response:
    """Let a browser in: a cookie that scripts cannot read, and one for the header that writes must have."""
    gate().origins.check_host(request)
    gate().origins.check_site(request)
    who = gate().admit_bearer(given.token, request)
    if who.token is None:
        message = "a session is made from a token of trade-ingest"
        raise UnauthenticatedError(message, hint="make one: trade-ingest token create")
    g.principal = who
    audit.begin(who.name)
    secret, ends_at = start_session(ledger(), who.token)
    response = reply(SessionOut, {**_shown(who), "expires_at": ends_at}, HTTPStatus.CREATED)
    facts: dict[str, Any] = {
        "expires": ends_at,
        "path": "/",
        "samesite": "Strict",
        "secure": gate().origins.is_secure(request),
    }
    response.set_cookie(SESSION_COOKIE, secret, httponly=True, **facts)
    response.set_cookie(CSRF_COOKIE, csrf_token_of(secret), **facts)
    return response


@blueprint.delete("/session")
@needs(Scope.READ)
@blueprint.output({}, status_code=204)
@blueprint.doc(operation_id="end_session")
def delete_session() -> Response:
    """End the session of the browser; again does nothing."""
    audit.begin(principal().name)
    secret = request.cookies.get(SESSION_COOKIE)
    if secret:
        end_session(ledger(), secret)
    response = Response(status=HTTPStatus.NO_CONTENT)
    response.delete_cookie(SESSION_COOKIE)
    response.delete_cookie(CSRF_COOKIE)
    return response


@blueprint.get("/tokens")
@needs(Scope.ADMIN)
@blueprint.output(TokensOut)
@blueprint.doc(operation_id="list_tokens")
def get_tokens() -> Response:
    """All tokens, newest first; the tokens themselves are nowhere."""
    return reply(TokensOut, {"items": list_tokens(ledger())})


@blueprint.post("/tokens")
@needs(Scope.ADMIN)
@blueprint.input(TokenIn, arg_name="wanted")
@blueprint.output(NewTokenOut, status_code=201)
@blueprint.doc(operation_id="create_token")
def post_token(wanted: TokenIn) -> Response:
    """Make a token; it is shown this once."""
    days = wanted.expires_in_days
    expires_at = None if days is None else datetime.now(UTC) + timedelta(days=days)
    text, token = create_token(
        ledger(), name=wanted.name, scope=wanted.scope, created_by=principal().name, expires_at=expires_at
    )
    audit.note(token_id=token.token_id, name=token.name, scope=token.scope, expires_at=token.expires_at)
    return reply(NewTokenOut, {**asdict(token), "token": text}, HTTPStatus.CREATED)


@blueprint.delete("/tokens/<int:token_id>")
@needs(Scope.ADMIN)
@blueprint.output({}, status_code=204)
@blueprint.doc(operation_id="revoke_token")
def delete_token(token_id: int) -> Response:
    """Let nobody in with a token any more, nor with the sessions made from it."""
    audit.note(token_id=token_id)
    revoke_token(ledger(), token_id)
    return Response(status=HTTPStatus.NO_CONTENT)


@blueprint.get("/audit")
@needs(Scope.ADMIN)
@blueprint.input(AuditQuery, location="query", arg_name="query")
@blueprint.output(AuditPage)
@blueprint.doc(operation_id="list_audit")
def get_audit(query: AuditQuery) -> Response:
    """Who did what, newest first."""
    filters = {"list": "audit", "actor": query.actor}
    before = None if query.cursor is None else decode_cursor(query.cursor, filters).row_id
    rows = list_audit(ledger(), actor=query.actor, before=before, limit=query.limit + 1)
    shown = rows[: query.limit]
    cursor = encode_cursor(Key("", shown[-1].audit_id), filters) if len(rows) > query.limit else None
    return reply(AuditPage, {"items": shown, "next_cursor": cursor})


def _shown(who: Principal) -> dict[str, Any]:
    expires_at = None if who.token is None else who.token.expires_at
    return {"name": who.name, "scope": who.scope.value, "method": who.method.value, "expires_at": expires_at}
