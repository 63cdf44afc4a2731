"""API tokens and the sessions of browsers: made, found, revoked. What is kept is a hash; the token is shown once.

A token has 256 random bits, so that one round of SHA-256 is enough: nobody can try them out, and there is nothing to
gain from the slow hashes that passwords need.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, LiteralString

import psycopg
from psycopg.rows import class_row

from trade_ingest.errors import NotInLedgerError, UsageError

Connection = psycopg.Connection[Any]

SCOPES = ("read", "operate", "admin")
"""What a token may allow; each includes those before it."""

TOKEN_PREFIX = "tig_"  # noqa: S105  # what a token begins with, so that scanners of secrets find one that leaked
SESSION_LIFETIME = timedelta(hours=12)

_SECRET_BYTES = 32


@dataclass(frozen=True, slots=True)
class Token:
    """A token as the ledger knows it: all but the token itself."""

    token_id: int
    name: str
    scope: str
    created_by: str
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None

    def is_valid(self, at: datetime) -> bool:
        """Whether it lets somebody in at a moment."""
        return self.revoked_at is None and (self.expires_at is None or at < self.expires_at)


_SELECT: LiteralString = """
SELECT token_id, name, scope, created_by, created_at, expires_at, revoked_at, last_used_at
FROM ingest.api_token
"""


def create_token(
    connection: Connection, *, name: str, scope: str, created_by: str, expires_at: datetime | None = None
) -> tuple[str, Token]:
    """Make a token; the text is nowhere kept and cannot be had again.

    Raises:
        UsageError: the name is empty, the scope is none, or the end lies in the past.
    """
    if not name.strip():
        message = "a token needs a name, which says who or what uses it"
        raise UsageError(message)
    if scope not in SCOPES:
        message = f"{scope!r} is no scope; expected {', '.join(SCOPES)}"
        raise UsageError(message)
    if expires_at is not None and expires_at <= datetime.now(UTC):
        message = f"the token would have expired already, at {expires_at.isoformat()}"
        raise UsageError(message)
    text = TOKEN_PREFIX + secrets.token_urlsafe(_SECRET_BYTES)
    row = connection.execute(
        "INSERT INTO ingest.api_token (name, token_hash, scope, created_by, expires_at)"
        " VALUES (%s, %s, %s, %s, %s) RETURNING token_id",
        [name.strip(), hash_of(text), scope, created_by, expires_at],
    ).fetchone()
    assert row is not None
    with connection.cursor(row_factory=class_row(Token)) as cursor:
        token = cursor.execute(_SELECT + "WHERE token_id = %s", [row[0]]).fetchone()
    assert token is not None
    return text, token


def list_tokens(connection: Connection) -> list[Token]:
    """All tokens, newest first; also those that let nobody in any more."""
    with connection.cursor(row_factory=class_row(Token)) as cursor:
        return cursor.execute(_SELECT + "ORDER BY token_id DESC").fetchall()


def revoke_token(connection: Connection, token_id: int) -> None:
    """Let nobody in with a token any more, nor with a session that was made from it; again does nothing.

    Raises:
        NotInLedgerError: there is no such token.
    """
    found = connection.execute(
        "UPDATE ingest.api_token SET revoked_at = coalesce(revoked_at, now()) WHERE token_id = %s", [token_id]
    )
    if not found.rowcount:
        message = f"there is no token {token_id}"
        raise NotInLedgerError(message, hint="list them with: trade-ingest token list", token_id=token_id)
    connection.execute("DELETE FROM ingest.api_session WHERE token_id = %s", [token_id])


def find_token(connection: Connection, text: str) -> Token | None:
    """The token that lets the bearer of this text in now, or None."""
    wanted = hash_of(text)
    row = connection.execute("SELECT token_id, token_hash FROM ingest.api_token WHERE token_hash = %s", [wanted])
    found = row.fetchone()
    # the index was searched for a hash, which tells nothing of the token; the comparison takes the same time always
    if found is None or not hmac.compare_digest(bytes(found[1]), wanted):
        return None
    return _valid(connection, found[0])


def start_session(connection: Connection, token: Token) -> tuple[str, datetime]:
    """Make a session for a browser: its secret, and when it ends, which is not after its token."""
    secret = secrets.token_urlsafe(_SECRET_BYTES)
    ends_at = datetime.now(UTC) + SESSION_LIFETIME
    if token.expires_at is not None:
        ends_at = min(ends_at, token.expires_at)
    connection.execute("DELETE FROM ingest.api_session WHERE expires_at < now()")
    connection.execute(
        "INSERT INTO ingest.api_session (session_hash, token_id, expires_at) VALUES (%s, %s, %s)",
        [hash_of(secret), token.token_id, ends_at],
    )
    return secret, ends_at


def find_session(connection: Connection, secret: str) -> Token | None:
    """The token of the session of this secret, or None if it has ended."""
    wanted = hash_of(secret)
    found = connection.execute(
        "SELECT token_id, session_hash FROM ingest.api_session WHERE session_hash = %s AND expires_at > now()",
        [wanted],
    ).fetchone()
    if found is None or not hmac.compare_digest(bytes(found[1]), wanted):
        return None
    return _valid(connection, found[0])


def end_session(connection: Connection, secret: str) -> None:
    """End a session."""
    connection.execute("DELETE FROM ingest.api_session WHERE session_hash = %s", [hash_of(secret)])


def csrf_token_of(session_secret: str) -> str:
    """What a browser must send back in a header with each write of a session; only who has the session can know it."""
    return hmac.new(session_secret.encode(), b"csrf", hashlib.sha256).hexdigest()


def hash_of(text: str) -> bytes:
    """SHA-256 of a token or of the secret of a session."""
    return hashlib.sha256(text.encode()).digest()


def _valid(connection: Connection, token_id: int) -> Token | None:
    with connection.cursor(row_factory=class_row(Token)) as cursor:
        token = cursor.execute(_SELECT + "WHERE token_id = %s", [token_id]).fetchone()
    now = datetime.now(UTC)
    if token is None or not token.is_valid(now):
        return None
    if token.last_used_at is None or now - token.last_used_at > timedelta(minutes=1):  # not a write for each request
        connection.execute("UPDATE ingest.api_token SET last_used_at = now() WHERE token_id = %s", [token_id])
    return token
