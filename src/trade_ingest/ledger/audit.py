"""Who did what over the API: a row before each write, which then gets its outcome."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg
from psycopg.rows import class_row

Connection = psycopg.Connection[Any]


@dataclass(frozen=True, slots=True)
class AuditRow:
    """A row of the audit.

    Attributes:
        actor: who: the name of a token, a user whom a proxy names, the subject of an OIDC token.
        action: what: the name of the operation.
        subject: on what: the path.
        detail: the arguments; no secrets.
        status: the HTTP status that answered it; None while it is being done, or if the server died over it.
        address: from where.
        request_id: the id that is also in the access log and in the answer.
    """

    audit_id: int
    at: datetime
    actor: str
    action: str
    subject: str | None
    detail: Mapping[str, Any]
    status: int | None
    address: str | None
    request_id: str | None


def begin_audit(
    connection: Connection, *, actor: str, action: str, subject: str, address: str | None, request_id: str | None
) -> int:
    """Record that a write is about to be done; the row's id."""
    row = connection.execute(
        "INSERT INTO ingest.audit (actor, action, subject, address, request_id) VALUES (%s, %s, %s, %s, %s)"
        " RETURNING audit_id",
        [actor, action, subject, address, request_id],
    ).fetchone()
    assert row is not None
    return int(row[0])


def end_audit(connection: Connection, audit_id: int, *, status: int, detail: Mapping[str, Any]) -> None:
    """Record what became of a write."""
    connection.execute(
        "UPDATE ingest.audit SET status = %s, detail = %s WHERE audit_id = %s",
        [status, json.dumps(detail, default=str), audit_id],
    )


def list_audit(
    connection: Connection, *, actor: str | None = None, before: int | None = None, limit: int = 50
) -> list[AuditRow]:
    """What was done, newest first.

    Args:
        connection: to a database with a ledger.
        actor: only by this one.
        before: only what is older than the row of this id, to go on from a list.
        limit: at most so many.
    """
    with connection.cursor(row_factory=class_row(AuditRow)) as cursor:
        return cursor.execute(
            "SELECT audit_id, at, actor, action, subject, detail, status, address, request_id FROM ingest.audit"
            " WHERE (%(actor)s::text IS NULL OR actor = %(actor)s)"
            " AND (%(before)s::bigint IS NULL OR audit_id < %(before)s) ORDER BY audit_id DESC LIMIT %(limit)s",
            {"actor": actor, "before": before, "limit": limit},
        ).fetchall()
