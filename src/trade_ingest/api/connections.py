"""Connections to the ledger: one for each request that asks, kept for the next.

No pool library: a request must get PostgreSQL's own reason at once when it cannot connect (`readyz`, 503 problems), and
the number of connections is bounded by a semaphore.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from queue import Empty, LifoQueue
from threading import BoundedSemaphore, local
from typing import Any

import psycopg
from flask import Flask, current_app, g
from psycopg.pq import TransactionStatus
from psycopg.types.json import set_json_loads
from pydantic_core import from_json

from trade_ingest.api.options import ApiOptions
from trade_ingest.errors import DatabaseUnavailableError
from trade_ingest.ledger.connection import open_connection, wrap_database_errors
from trade_ingest.ledger.schema import require_ledger

Connection = psycopg.Connection[Any]

EXTENSION = "trade_ingest_connections"
_PATIENCE_SECONDS = 10.0
_TRUSTED_SECONDS = 2.0  # idle for longer: the server may have gone, or the ledger may have been upgraded


class Connections:
    """Idle connections to a database that has a ledger of this program's version."""

    def __init__(self, options: ApiOptions) -> None:
        self._database = options.database
        self._timeout = f"{int(options.statement_timeout_seconds * 1000)}ms"
        self._idle: LifoQueue[tuple[Connection, float]] = LifoQueue()
        self._held = local()
        self._free = BoundedSemaphore(options.max_connections)

    @contextmanager
    def borrow(self) -> Iterator[Connection]:
        """A connection in autocommit, whose statements time out; it goes back unless it is broken.

        Waits while all are in use, unless the thread has one already: who holds one must not wait for another.

        Raises:
            LedgerVersionError: there is no ledger, or one of another version.
            DatabaseUnavailableError, DatabaseAuthenticationError, DatabasePermissionError: the database cannot be used.
        """
        with self._place(), wrap_database_errors():
            connection = self._take() or self._open()
            try:
                yield connection
            finally:
                self._give_back(connection)

    @contextmanager
    def _place(self) -> Iterator[None]:
        depth = getattr(self._held, "depth", 0)
        if not depth and not self._free.acquire(timeout=_PATIENCE_SECONDS):
            message = "all connections of the server to the database are in use"
            raise DatabaseUnavailableError(message, hint="try again in a moment")
        self._held.depth = depth + 1
        try:
            yield
        finally:
            self._held.depth -= 1
            if not self._held.depth:
                self._free.release()

    def close(self) -> None:
        """Close those that are idle."""
        while (connection := self._pop()) is not None:
            connection[0].close()

    def _pop(self) -> tuple[Connection, float] | None:
        try:
            return self._idle.get_nowait()
        except Empty:
            return None

    def _take(self) -> Connection | None:
        while (found := self._pop()) is not None:
            connection, since = found
            try:
                if time.monotonic() - since > _TRUSTED_SECONDS:
                    require_ledger(connection)
            except psycopg.OperationalError:
                connection.close()
                continue
            except BaseException:
                connection.close()
                raise
            return connection
        return None

    def _open(self) -> Connection:
        connection = open_connection(self._database, name="trade-ingest api")
        set_json_loads(from_json, connection)  # a third of the time of Python's own
        try:
            connection.execute("SELECT set_config('statement_timeout', %s, false)", [self._timeout])
            require_ledger(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _give_back(self, connection: Connection) -> None:
        if connection.closed or connection.info.transaction_status != TransactionStatus.IDLE:
            connection.close()
        else:
            self._idle.put((connection, time.monotonic()))


def connections() -> Connections:
    """The connections of the app that handles the request."""
    found: Connections = current_app.extensions[EXTENSION]
    return found


def ledger() -> Connection:
    """The request's connection to the ledger; goes back when the request ends."""
    if "ledger" not in g:
        borrowed = connections().borrow()
        g.ledger = borrowed.__enter__()
        g.ledger_borrowed = borrowed
    connection: Connection = g.ledger
    return connection


def install(app: Flask, options: ApiOptions) -> None:
    """Give an app its connections."""
    app.extensions[EXTENSION] = Connections(options)

    @app.teardown_appcontext
    def give_back(_: BaseException | None) -> None:
        borrowed = g.pop("ledger_borrowed", None)
        g.pop("ledger", None)
        if borrowed is not None:
            borrowed.__exit__(None, None, None)
