"""Follow the ledger's events from where one has left off: none is lost, none is seen twice, however late it commits.

An event's id is given out before its transaction commits, so that a later id may be seen first, and a reader who asks
for "all after the last id" would lose the earlier one. What a reader has seen is therefore kept as a *snapshot* of
PostgreSQL (which transactions had ended), not as an id. A long transaction holds nobody up: its events are new
whenever it commits.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, LiteralString

import psycopg
from psycopg.rows import class_row

from trade_ingest.errors import UsageError

Connection = psycopg.Connection[Any]

_SNAPSHOT = re.compile(r"(\d{1,20}):(\d{1,20}):((?:\d{1,20},)*\d{1,20})?")
_LONGEST_POSITION = 6000  # characters; a header must stay below 8 KiB


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Which transactions had ended at a moment: those before `xmax` except `running`; ``pg_snapshot`` in Python."""

    xmin: int
    xmax: int
    running: frozenset[int]

    @classmethod
    def parse(cls, text: str) -> Snapshot:
        """Read the text form of a ``pg_snapshot``.

        Raises:
            UsageError: it is none.
        """
        match = _SNAPSHOT.fullmatch(text)
        if match is None:
            raise _no_position(text)
        xmin, xmax = int(match[1]), int(match[2])
        running = frozenset(int(number) for number in (match[3] or "").split(",") if number)
        if not 0 <= xmin <= xmax < 1 << 63 or any(not xmin <= number < xmax for number in running):
            raise _no_position(text)
        return cls(xmin, xmax, running)

    def __str__(self) -> str:
        return f"{self.xmin}:{self.xmax}:{','.join(map(str, sorted(self.running)))}"

    def sees(self, transaction_id: int) -> bool:
        """Whether the transaction had ended."""
        return transaction_id < self.xmax and transaction_id not in self.running

    def is_newer_than(self, other: Snapshot) -> bool:
        """Whether it was taken after `other`, of the same server; snapshots are in one order."""
        return (self.xmax, -len(self.running)) > (other.xmax, -len(other.running))


@dataclass(frozen=True, slots=True)
class Position:
    """Up to where a reader has read: all of `base`, and of what `ahead` sees beyond it the events up to `event_id`."""

    base: Snapshot
    ahead: Snapshot | None = None
    event_id: int = 0

    @classmethod
    def parse(cls, text: str) -> Position:
        """Read what ``str`` of a position gave.

        Raises:
            UsageError: it is no position.
        """
        if len(text) > _LONGEST_POSITION:
            raise _no_position(text[:40] + "…")
        base, *rest = text.split("~")
        if not rest:
            return cls(Snapshot.parse(base))
        if len(rest) != 2 or not re.fullmatch(r"\d{1,18}", rest[1]):  # noqa: PLR2004
            raise _no_position(text)
        ahead = Snapshot.parse(rest[0])
        if not ahead.xmin:  # legal for PostgreSQL's transactions only from 1
            raise _no_position(text)
        return cls(Snapshot.parse(base), ahead, int(rest[1]))

    def __str__(self) -> str:
        return str(self.base) if self.ahead is None else f"{self.base}~{self.ahead}~{self.event_id}"

    def has(self, event: StreamEvent) -> bool:
        """Whether the event was read already."""
        if self.base.sees(event.transaction_id):
            return True
        return self.ahead is not None and event.event_id <= self.event_id and self.ahead.sees(event.transaction_id)


BEGINNING = Position(Snapshot(0, 0, frozenset()))
"""Before the first event."""


@dataclass(frozen=True, slots=True)
class StreamEvent:
    """One event of the ledger; `uri` is that of its file."""

    event_id: int
    at: datetime
    run_id: int | None
    file_id: int | None
    kind: str
    uri: str | None
    detail: Mapping[str, Any]
    transaction_id: int

    def as_dict(self) -> dict[str, Any]:
        """The JSON object of the event."""
        return {
            "event_id": self.event_id,
            "event": self.kind,
            "at": self.at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "run_id": self.run_id,
            "file_id": self.file_id,
            "uri": self.uri,
            "detail": dict(self.detail),
        }


@dataclass(frozen=True, slots=True)
class EventPage:
    """Events in the order of their ids, and the position after them; `is_last` if none is left at the moment."""

    events: tuple[StreamEvent, ...]
    position: Position
    is_last: bool


@dataclass(frozen=True, slots=True)
class EventFilter:
    """Which events are meant: of one run, of one file, of some kinds; all of them by default."""

    run_id: int | None = None
    file_id: int | None = None
    kinds: tuple[str, ...] = field(default=())

    def takes(self, event: StreamEvent) -> bool:
        """Whether the event is meant."""
        return (
            (self.run_id is None or event.run_id == self.run_id)
            and (self.file_id is None or event.file_id == self.file_id)
            and (not self.kinds or event.kind in self.kinds)
        )


ALL_EVENTS = EventFilter()

_NEW_SQL: LiteralString = """
SELECT e.event_id, e.at, e.run_id, e.file_id, e.kind, f.uri, e.detail, e.transaction_id::text::bigint AS transaction_id
FROM ingest.event AS e LEFT JOIN ingest.file AS f USING (file_id)
WHERE (e.transaction_id >= %(xmax)s::text::xid8 OR e.transaction_id = ANY(%(running)s::text[]::xid8[]))
    AND pg_visible_in_snapshot(e.transaction_id, %(now)s::pg_snapshot)
    AND NOT (%(has_ahead)s AND e.event_id <= %(event_id)s
        AND pg_visible_in_snapshot(e.transaction_id, %(ahead)s::pg_snapshot))
    AND (%(run_id)s::bigint IS NULL OR e.run_id = %(run_id)s)
    AND (%(file_id)s::bigint IS NULL OR e.file_id = %(file_id)s)
    AND (%(kinds)s::text[] = '{}' OR e.kind = ANY(%(kinds)s::text[]))
ORDER BY e.event_id
LIMIT %(limit)s
"""


def current_snapshot(connection: Connection) -> str:
    """Which transactions are seen now, as text: of two that are equal, the same rows are seen."""
    row = connection.execute("SELECT pg_current_snapshot()::text").fetchone()
    assert row is not None
    return str(row[0])


def current_position(connection: Connection) -> Position:
    """The position after all events that are committed now."""
    return Position(Snapshot.parse(current_snapshot(connection)))


def read_events(
    connection: Connection, after: Position, *, wanted: EventFilter = ALL_EVENTS, limit: int = 1000
) -> EventPage:
    """The next events after a position, at most `limit`.

    Reading on from each page's position gives every event exactly once, also those that commit later than events with
    higher ids. Events of one page are in the order of their ids.
    """
    # what is left of a page that was cut off comes first, so that each page continues the order of the one before
    now = after.ahead or current_position(connection).base
    events = _read(connection, after, now, wanted, limit)
    if len(events) == limit:
        return EventPage(tuple(events), replace(after, ahead=now, event_id=events[-1].event_id), is_last=False)
    return EventPage(tuple(events), Position(now), is_last=after.ahead is None)


def _read(connection: Connection, after: Position, now: Snapshot, wanted: EventFilter, limit: int) -> list[StreamEvent]:
    parameters = {
        "xmax": str(after.base.xmax),
        "running": [str(number) for number in after.base.running],
        "now": str(now),
        "has_ahead": after.ahead is not None,
        "ahead": str(after.ahead or now),
        "event_id": after.event_id,
        "run_id": wanted.run_id,
        "file_id": wanted.file_id,
        "kinds": list(wanted.kinds),
        "limit": limit,
    }
    with connection.cursor(row_factory=class_row(StreamEvent)) as cursor:
        return cursor.execute(_NEW_SQL, parameters).fetchall()


def _no_position(text: str) -> UsageError:
    message = f"{text!r} is no position in the events"
    return UsageError(message, hint="give back an id or next_cursor that the events had, or leave it out")
