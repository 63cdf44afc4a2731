"""Connections to PostgreSQL, and its errors as ours."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg import errors as pg

from trade_ingest.errors import (
    DatabaseAuthenticationError,
    DatabaseError,
    DatabasePermissionError,
    DatabaseUnavailableError,
    TradeIngestError,
)

MINIMUM_VERSION = 140000
"""PostgreSQL 14, as ``server_version_num``."""

_SECRET = re.compile(r"(://[^:/@\s]*:)\S*(@)|(password\s*=\s*)('[^']*'|\S+)|([?&]password=)[^&\s]*", re.IGNORECASE)

_TRANSIENT = (
    pg.SerializationFailure,
    pg.DeadlockDetected,
    pg.AdminShutdown,
    pg.CrashShutdown,
    pg.CannotConnectNow,
    pg.TooManyConnections,
    pg.ConnectionException,
    pg.LockNotAvailable,
    pg.QueryCanceled,
    pg.DiskFull,
    pg.OutOfMemory,
)
_AUTHENTICATION = re.compile(
    r"password authentication failed|no password supplied|role .* does not exist|no pg_hba\.conf entry"
    r"|authentication failed|permission denied for database"
)


_KEEPALIVE = {"idle": 30, "interval": 10, "count": 3}
"""When an end of a connection takes the other one for gone: 30 s, and 3 times 10 s, without a sign of it. A server's
default is two hours, for which a machine that is cut off would keep its files locked."""

_OPTIONS = " ".join(
    [
        "-c TimeZone=UTC -c statement_timeout=0 -c idle_in_transaction_session_timeout=0 -c DateStyle=ISO",
        *(f"-c tcp_keepalives_{name}={value}" for name, value in _KEEPALIVE.items()),
    ]
)


def open_connection(database: str, *, autocommit: bool = True, name: str = "trade-ingest") -> psycopg.Connection[Any]:
    """A connection whose session is in UTC and has no statement timeout.

    Raises:
        DatabaseUnavailableError: nobody answers.
        DatabaseAuthenticationError: user, password or database are refused.
        DatabaseError: the server is older than PostgreSQL 14.
    """
    try:
        connection = psycopg.connect(
            database,
            autocommit=True,
            application_name=name,
            connect_timeout=10,
            keepalives_idle=_KEEPALIVE["idle"],
            keepalives_interval=_KEEPALIVE["interval"],
            keepalives_count=_KEEPALIVE["count"],
            options=_OPTIONS,
        )
    except psycopg.Error as exc:
        error = as_ingest_error(exc)
        if isinstance(error, DatabaseUnavailableError):
            error.hint = "check host and port, and that the server is running"
        raise error from exc
    if connection.info.server_version < MINIMUM_VERSION:
        version = connection.info.server_version // 10000
        connection.close()
        message = f"the server is PostgreSQL {version}, expected 14 or newer"
        raise DatabaseError(message, hint="use a newer server, or none: the embedded PostgreSQL is the default")
    connection.autocommit = autocommit
    return connection


def mask_secrets(text: str) -> str:
    """The text with passwords in URLs and connection strings replaced by ``***``."""

    def mask(match: re.Match[str]) -> str:
        if match[1]:
            return f"{match[1]}***{match[2]}"
        return f"{match[3] or match[5]}***"

    return _SECRET.sub(mask, text)


@contextmanager
def wrap_database_errors() -> Iterator[None]:
    """Turn psycopg's errors into ours; each foreign error is wrapped once."""
    try:
        yield
    except psycopg.Error as exc:
        raise as_ingest_error(exc) from exc


def as_ingest_error(error: psycopg.Error) -> TradeIngestError:
    """Our error for one of PostgreSQL's, with what the server said and what to do next."""
    said = mask_secrets(str(error.diag.message_primary or error).strip().split("\n")[0])
    detail = f" ({error.diag.message_detail})" if error.diag.message_detail else ""
    if isinstance(error, pg.InsufficientPrivilege):
        return DatabasePermissionError(said + detail, hint="`trade-ingest doctor` names the statement that grants it")
    if _AUTHENTICATION.search(str(error)) or isinstance(
        error, (pg.InvalidPassword, pg.InvalidAuthorizationSpecification, pg.InvalidCatalogName)
    ):
        return DatabaseAuthenticationError(said, hint="check user, password and database name in the database URL")
    is_lost = isinstance(error, psycopg.OperationalError) and error.sqlstate is None
    if is_lost or isinstance(error, _TRANSIENT):
        return DatabaseUnavailableError(
            said + detail, hint="nothing was half done: run it again", sqlstate=error.sqlstate
        )
    if isinstance(error, psycopg.ProgrammingError) and error.sqlstate is None:
        return DatabaseAuthenticationError(said, hint="a database URL looks like postgresql://user@host:5432/name")
    return DatabaseError(said + detail, hint="", sqlstate=error.sqlstate)
