"""Live: what happens, as a stream of Server-Sent Events, or page by page for those who poll."""

from __future__ import annotations

import json
from typing import Literal

from apiflask import APIBlueprint
from flask import Response, current_app, request
from pydantic import Field
from xxhash import xxh3_128_hexdigest

from trade_ingest.api.access import Scope, needs
from trade_ingest.api.connections import connections, ledger
from trade_ingest.api.schemas.base import Answer, Id, JsonObject, Request
from trade_ingest.api.stream import EXTENSION, Broadcaster, EventStream, read_progress
from trade_ingest.ledger.events import EventKind
from trade_ingest.ledger.stream import BEGINNING, EventFilter, Position, current_position, read_events

blueprint = APIBlueprint("events", __name__, url_prefix="/api/v1", tag="Events")

STREAM_TYPE = "text/event-stream"


class LiveQuery(Request):
    """Which events."""

    run_id: Id | None = Field(default=None, description="Only of this run.")
    file_id: Id | None = Field(default=None, description="Only of this file.")
    kind: EventKind | None = Field(None, description="Only of this kind.")
    since: Literal["now", "beginning"] = Field("now", description="Where to begin, without a cursor.")
    cursor: str | None = Field(
        None, max_length=6000, description="Only what came after: the id of an event of the stream, or next_cursor."
    )
    limit: int = Field(500, ge=1, le=1000, description="At most so many on a page; a stream has no end.")

    @property
    def filter(self) -> EventFilter:
        """The events that are meant."""
        return EventFilter(self.run_id, self.file_id, () if self.kind is None else (self.kind.value,))

    def position(self, last_event_id: str | None) -> Position | None:
        """Where to begin; None: now."""
        place = last_event_id or self.cursor
        if place:
            return Position.parse(place)
        return BEGINNING if self.since == "beginning" else None


class LiveEvent(Answer):
    """Something that happened."""

    event_id: int
    event: EventKind
    at: str
    run_id: int | None
    file_id: int | None
    uri: str | None
    detail: JsonObject


class LiveProgress(Answer):
    """How far a file is that is being loaded; nothing of it is committed yet."""

    run_id: int
    file_id: int
    uri: str | None
    stage: str
    bytes_read: int
    size_bytes: int
    rows_read: int
    rows_rejected: int


class LivePage(Answer):
    """Events in the order in which they became visible, and what is being loaded now."""

    items: list[LiveEvent]
    progress: list[LiveProgress]
    next_cursor: str


@blueprint.get("/events")
@needs(Scope.READ)
@blueprint.input(LiveQuery, location="query", arg_name="query")
@blueprint.output(LivePage)
@blueprint.doc(operation_id="list_events")
def get_events(query: LiveQuery) -> Response:
    """What happened after a position, each event once.

    With `Accept: text/event-stream` a stream of Server-Sent Events that goes on for five minutes: a browser comes back
    by itself, with `Last-Event-ID`, and misses nothing. It also has `progress` events, which have no id. Otherwise a
    page as JSON, with an ETag: poll with `If-None-Match` and the same cursor until the answer is not 304.
    """
    if request.accept_mimetypes.best_match(["application/json", STREAM_TYPE]) == STREAM_TYPE:
        return _stream(query)
    return _page(query)


def _stream(query: LiveQuery) -> Response:
    after = query.position(request.headers.get("Last-Event-ID"))
    broadcaster: Broadcaster = current_app.extensions[EXTENSION]
    listener = broadcaster.subscribe()
    stream = EventStream(broadcaster, listener, connections(), after, query.filter)
    response = Response(stream.texts(), content_type=f"{STREAM_TYPE}; charset=utf-8")
    response.call_on_close(lambda: broadcaster.unsubscribe(listener))
    response.headers["X-Accel-Buffering"] = "no"  # nginx would hold the events back
    return response


def _page(query: LiveQuery) -> Response:
    connection = ledger()
    after = query.position(None) or current_position(connection)
    page = read_events(connection, after, wanted=query.filter, limit=query.limit)
    progress = read_progress(connection, query.filter)
    # without news the position stays, so that the answer to the same question is the same
    has_moved = page.events or page.position.base.xmax - after.base.xmax > _STALE_TRANSACTIONS
    body = {
        "items": [event.as_dict() for event in page.events],
        "progress": progress,
        "next_cursor": str(page.position if has_moved else after),
    }
    text = json.dumps(body, default=str)
    response = Response(text, content_type="application/json")
    response.set_etag(xxh3_128_hexdigest(text.encode()))
    response.headers["Cache-Control"] = "private, no-cache"
    response.make_conditional(request)
    return response


_STALE_TRANSACTIONS = 10_000  # an old position makes the ledger look at all events since
