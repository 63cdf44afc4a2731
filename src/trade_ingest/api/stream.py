"""Live events: one thread per process reads the ledger, and every stream of the process gets what it reads.

A stream first reads from the ledger what its client missed, then goes on with what the thread reads. Both know by
snapshots which events they have (`ledger.stream`), so that none is lost or sent twice where the two meet, on whatever
server a client comes back.
"""

from __future__ import annotations

import json
import logging
import threading
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import psycopg
from flask import Flask
from psycopg.rows import dict_row

from trade_ingest.api.connections import Connections
from trade_ingest.api.options import ApiOptions
from trade_ingest.errors import StreamsBusyError, TradeIngestError
from trade_ingest.ledger.connection import open_connection
from trade_ingest.ledger.stream import (
    ALL_EVENTS,
    EventFilter,
    EventPage,
    Position,
    Snapshot,
    StreamEvent,
    current_position,
)
from trade_ingest.ledger.stream import read_events as read_ledger

logger = logging.getLogger(__name__)

Connection = psycopg.Connection[Any]

EXTENSION = "trade_ingest_events"

POLL_SECONDS = 0.4
"""How often the ledger is read while somebody listens: each time wakes a thread for each stream."""

HEARTBEAT_SECONDS = 15.0
LIFETIME_SECONDS = 300.0
"""A stream ends after this, so that no thread is taken for ever; the browser comes back by itself and loses nothing."""

RETRY_SECONDS = 5

_PAGE = 1000  # events read at once
_LONGEST_QUEUE = 10_000  # events that a slow client may lie behind before its stream is ended
_PROGRESS_SECONDS = 1.0

_PROGRESS_SQL = """
SELECT p.run_id, p.file_id, f.uri, p.stage, p.bytes_read, p.size_bytes, p.rows_read, p.rows_rejected
FROM ingest.progress AS p LEFT JOIN ingest.file AS f USING (file_id)
ORDER BY p.file_id
LIMIT 10000
"""

Progress = dict[str, Any]


def read_progress(connection: Connection, wanted: EventFilter = ALL_EVENTS) -> list[Progress]:
    """How far the files are that are being loaded now, by file id; at most 10,000."""
    with connection.cursor(row_factory=dict_row) as cursor:
        return [item for item in cursor.execute(_PROGRESS_SQL).fetchall() if _is_of(wanted, item)]


@dataclass(frozen=True, slots=True)
class Handed:
    """Events that follow `after`; without `after` the stream is to read for itself what there is up to now.

    `texts` are those of the events for a stream that stands at `after`: made once, however many streams send them.
    """

    after: Position | None
    page: EventPage | None = None
    texts: tuple[bytes, ...] = ()

    @classmethod
    def of(cls, after: Position, page: EventPage) -> Handed:
        """What was read after a position."""
        return cls(after, page, tuple(_event_message(event, after.base, page) for event in page.events))


@dataclass(frozen=True, slots=True)
class ShownProgress:
    """How far a file is, with the text that each stream sends."""

    item: Progress
    text: bytes


@dataclass(eq=False)
class Listener:
    """What one stream has still to send; two that have the same are not the same."""

    handed: deque[Handed] = field(default_factory=deque)
    progress: dict[int, ShownProgress] = field(default_factory=dict)
    events: int = 0
    is_dropped: bool = False


class Broadcaster:
    """Reads the ledger while somebody listens.

    Args:
        database: the URL of the database.
        max_streams: listeners at once; each takes a thread of the server.
    """

    def __init__(self, database: str, max_streams: int) -> None:
        self._database = database
        self._max_streams = max_streams
        self._listeners: set[Listener] = set()
        self._progress: dict[int, ShownProgress] = {}  # as it was handed out last
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._is_closing = False

    def subscribe(self) -> Listener:
        """A listener that gets all that is committed from now on, and some that was before; `unsubscribe` it.

        Raises:
            StreamsBusyError: there are as many as may be.
        """
        with self._changed:
            if self._thread is None:
                self._progress = {}  # nobody has read it for a while
            listener = Listener(progress=dict(self._progress))  # what does not move is not handed out again
            if len(self._listeners) >= self._max_streams:
                message = f"the server has {self._max_streams} live streams already"
                hint = "poll GET /api/v1/events with If-None-Match instead, every 2 s while something runs"
                raise StreamsBusyError(message, hint=hint, retry_after_seconds=RETRY_SECONDS)
            self._listeners.add(listener)
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="events", daemon=True)
                self._thread.start()
        return listener

    def unsubscribe(self, listener: Listener) -> None:
        """A stream has ended; again does nothing."""
        with self._changed:
            self._listeners.discard(listener)

    def wait(self, listener: Listener, seconds: float) -> tuple[list[Handed], list[ShownProgress]]:
        """What there is for a listener; nothing if nothing came in time."""
        with self._changed:
            self._changed.wait_for(
                lambda: listener.handed or listener.progress or listener.is_dropped or self._is_closing, seconds
            )
            handed, progress = list(listener.handed), list(listener.progress.values())
            listener.handed.clear()
            listener.progress.clear()
            listener.events = 0
        return handed, progress

    @property
    def is_closing(self) -> bool:
        """Whether the server ends."""
        return self._is_closing

    def close(self) -> None:
        """End all streams."""
        with self._changed:
            self._is_closing = True
            self._changed.notify_all()

    def _work(self) -> None:
        while self._has_work():
            try:
                with open_connection(self._database, name="trade-ingest events") as connection:
                    self._follow(connection)
            except (TradeIngestError, psycopg.Error) as exc:
                logger.warning("events cannot be read, trying again: %s", exc)
                self._drop_all()  # their clients come back with what they had last
                time.sleep(POLL_SECONDS)

    def _has_work(self) -> bool:
        with self._changed:
            if self._listeners and not self._is_closing:
                return True
            self._thread = None
            return False

    def _follow(self, connection: Connection) -> None:
        position = current_position(connection)
        self._hand_out(Handed(None), {})  # nobody has read for the listeners up to this position
        with self._changed:
            self._progress = {}
        progress_at = 0.0
        while self._has_listeners():
            started = time.monotonic()
            page = read_ledger(connection, position, limit=_PAGE)
            progress: dict[int, ShownProgress] = {}
            if started >= progress_at:
                progress_at = started + _PROGRESS_SECONDS
                progress = self._new_progress(connection)
            if page.events or progress:
                self._hand_out(Handed.of(position, page), progress)
            position = page.position
            if page.is_last:
                time.sleep(max(0.0, POLL_SECONDS - (time.monotonic() - started)))

    def _has_listeners(self) -> bool:
        with self._changed:
            return bool(self._listeners) and not self._is_closing

    def _new_progress(self, connection: Connection) -> dict[int, ShownProgress]:
        """What moved since it was handed out last."""
        now: dict[int, ShownProgress] = {}
        changed: dict[int, ShownProgress] = {}
        for item in read_progress(connection):
            file_id = item["file_id"]
            before = self._progress.get(file_id)
            if before is None or before.item != item:
                before = changed[file_id] = ShownProgress(item, _message("progress", item))
            now[file_id] = before
        with self._changed:
            self._progress = now
        return changed

    def _hand_out(self, handed: Handed, progress: dict[int, ShownProgress]) -> None:
        events = 0 if handed.page is None else len(handed.page.events)
        with self._changed:
            for listener in self._listeners:
                listener.progress.update(progress)
                if events or handed.after is None:
                    listener.handed.append(handed)
                    listener.events += events
                if listener.events > _LONGEST_QUEUE:
                    listener.is_dropped = True
            self._changed.notify_all()

    def _drop_all(self) -> None:
        with self._changed:
            for listener in self._listeners:
                listener.is_dropped = True
            self._changed.notify_all()


class EventStream:
    """The text of a stream of Server-Sent Events: all events after a position, each once, and progress.

    Args:
        broadcaster: of the process.
        listener: of this stream.
        ledger: where missed events are read.
        after: the last that the client has; None: only what is new.
        wanted: which events.
    """

    def __init__(
        self,
        broadcaster: Broadcaster,
        listener: Listener,
        ledger: Connections,
        after: Position | None,
        wanted: EventFilter,
    ) -> None:
        self._broadcaster = broadcaster
        self._listener = listener
        self._ledger = ledger
        self._after = after
        self._wanted = wanted

    def texts(
        self, *, lifetime_seconds: float = LIFETIME_SECONDS, heartbeat_seconds: float = HEARTBEAT_SECONDS
    ) -> Iterator[bytes]:
        """The texts, all that there is at a moment in one; a comment after `heartbeat_seconds` of silence.

        By the comment a client that is gone is noticed.
        """
        ends_at = time.monotonic() + lifetime_seconds
        with self._ledger.borrow() as connection:
            self._position = self._after or current_position(connection)
        # where the client stands, before the first event: it may lose its connection before that
        yield f"retry: {RETRY_SECONDS * 1000}\n".encode() + _message("position", {}, self._position)
        yield from self._missed()
        while (left := ends_at - time.monotonic()) > 0 and not self._has_to_end:
            handed, progress = self._broadcaster.wait(self._listener, min(heartbeat_seconds, left))
            sent = False
            for text in self._received(handed):
                sent = True
                yield text
            shown = b"".join(one.text for one in progress if _is_of(self._wanted, one.item))
            if shown or not sent:
                yield shown or b": still here\n\n"

    @property
    def _has_to_end(self) -> bool:
        return self._listener.is_dropped or self._broadcaster.is_closing

    def _received(self, handed: list[Handed]) -> Iterator[bytes]:
        for item in handed:
            if item.after is None or item.page is None:
                yield from self._missed()
                continue
            if item.after.base.is_newer_than(self._position.base):
                self._position = item.after  # nothing lies between: the thread has read it
            if self._position == item.after:
                texts = [
                    text for event, text in zip(item.page.events, item.texts, strict=True) if self._wanted.takes(event)
                ]
                self._position = item.page.position
                if texts:
                    yield b"".join(texts)
            else:
                yield from self._send(item.page)

    def _missed(self) -> Iterator[bytes]:
        """What the ledger has and the client has not."""
        is_last = False
        while not is_last:
            with self._ledger.borrow() as connection:
                page = read_ledger(connection, self._position, limit=_PAGE)
            yield from self._send(page)
            is_last = page.is_last

    def _send(self, page: EventPage) -> Iterator[bytes]:
        new = [event for event in page.events if not self._position.has(event)]
        texts = [_event_message(event, self._position.base, page) for event in new if self._wanted.takes(event)]
        if page.position.base.is_newer_than(self._position.base):
            self._position = page.position
        elif new:
            self._position = _position_at(new[-1], self._position.base, page)
        if texts:
            yield b"".join(texts)


def _is_of(wanted: EventFilter, progress: Progress) -> bool:
    return wanted.run_id in {None, progress["run_id"]} and wanted.file_id in {None, progress["file_id"]}


def _position_at(event: StreamEvent, base: Snapshot, page: EventPage) -> Position:
    """Where a client stands that stood at `base` and has the page up to the event."""
    return Position(base, page.position.ahead or page.position.base, event.event_id)


def _event_message(event: StreamEvent, base: Snapshot, page: EventPage) -> bytes:
    return _message(event.kind, event.as_dict(), _position_at(event, base, page))


def _message(kind: str, data: object, position: Position | None = None) -> bytes:
    text = json.dumps(data, default=str, separators=(",", ":"))
    place = "" if position is None else f"id: {position}\n"
    return f"{place}event: {kind}\ndata: {text}\n\n".encode()


def install(app: Flask, options: ApiOptions) -> None:
    """Give an app its broadcaster, which does nothing before somebody listens."""
    app.extensions[EXTENSION] = Broadcaster(options.database, options.settings.api_max_streams)
