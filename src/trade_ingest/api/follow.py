"""Pass events on to others: notifications, lineage, traces. Each follower's position is in the ledger.

Events of all runs are followed, wherever they were begun. Of several servers one at a time works for a follower. What
was not taken is sent again, so that each event is passed on at least once, and also after all servers were down.
"""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Sequence
from typing import Any, Protocol

import psycopg

from trade_ingest.errors import TradeIngestError
from trade_ingest.ledger.connection import open_connection
from trade_ingest.ledger.stream import Position, StreamEvent, current_position, read_events
from trade_ingest.settings import Settings

logger = logging.getLogger(__name__)

Connection = psycopg.Connection[Any]

_EVERY_SECONDS = 1.0
_PAGE = 500


class Follower(Protocol):
    """Somebody who is told of events."""

    @property
    def name(self) -> str:
        """Under which the ledger keeps the position; each name is told each event."""

    def take(self, events: Sequence[StreamEvent], connection: Connection, memory: dict[str, Any]) -> None:
        """Pass events on; called also without any, about every second.

        Args:
            events: new ones, in order.
            connection: to the ledger, to read more.
            memory: what the follower keeps; it is in the ledger, too.

        Raises:
            Exception: they were not taken and shall come again.
        """


class Followers:
    """The followers that the settings and the environment ask for.

    Each is at work in a thread and with a connection of its own: one that takes nothing, or not in time, holds no other
    up.

    Args:
        database: the URL of the database.
        settings: who is to be told.
        patience_seconds: after a failure.
    """

    def __init__(self, database: str, settings: Settings, *, patience_seconds: float = 15.0) -> None:
        self._database = database
        self._followers = configured_followers(database, settings)
        self._patience_seconds = patience_seconds
        self._is_stopping = threading.Event()
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Begin, if there is any."""
        for follower in self._followers:
            thread = threading.Thread(target=self._work, args=[follower], name=follower.name, daemon=True)
            thread.start()
            self._threads.append(thread)

    def stop(self) -> None:
        """End; what was not passed on is later, by this or another server."""
        self._is_stopping.set()
        for thread in self._threads:
            thread.join()

    def _work(self, follower: Follower) -> None:
        while not self._is_stopping.is_set():
            try:
                with open_connection(self._database, name=f"trade-ingest {follower.name}") as connection:
                    while not self._is_stopping.wait(_EVERY_SECONDS):
                        pass_on(connection, follower)
            except (TradeIngestError, psycopg.Error) as exc:
                logger.warning("%s: events cannot be passed on, trying again: %s", follower.name, exc)
            except Exception:
                # a follower's own: whatever its library raises
                message = "%s: events were not taken, trying again in %.0f s"
                logger.exception(message, follower.name, self._patience_seconds)
            self._is_stopping.wait(self._patience_seconds)


def pass_on(connection: Connection, follower: Follower) -> bool:
    """Tell a follower of what is new to it; False if another process is doing so.

    Raises:
        Exception: the follower did not take it; its position stays.
    """
    connection.execute(
        "INSERT INTO ingest.follower (name, position) VALUES (%s, %s) ON CONFLICT DO NOTHING",
        [follower.name, str(current_position(connection))],
    )
    with connection.transaction():
        found = connection.execute(
            "SELECT position, memory FROM ingest.follower WHERE name = %s FOR UPDATE SKIP LOCKED", [follower.name]
        ).fetchone()
        if found is None:
            return False
        text, memory = found
        before = json.dumps(memory)
        page = read_events(connection, Position.parse(text), limit=_PAGE)
        follower.take(page.events, connection, memory)
        if page.events or json.dumps(memory) != before:
            connection.execute(
                "UPDATE ingest.follower SET position = %s, memory = %s, updated_at = clock_timestamp() WHERE name = %s",
                [str(page.position), json.dumps(memory), follower.name],
            )
    return True


def configured_followers(database: str, settings: Settings) -> list[Follower]:
    """Who is to be told; their packages are imported for them alone."""
    from trade_ingest.api.lineage import Lineage, is_lineage_configured
    from trade_ingest.api.notify import Notifier
    from trade_ingest.api.tracing import RunTraces, is_tracing_configured

    followers: list[Follower] = []
    # each URL has a position of its own: what one does not take is not told to the others again
    for number, url in enumerate(dict.fromkeys(url.get_secret_value() for url in settings.notify), start=1):
        followers.append(Notifier(url, settings.notify_late_hours, number=number))
    if is_lineage_configured():
        followers.append(Lineage(database))
    if is_tracing_configured():
        followers.append(RunTraces())
    return followers
