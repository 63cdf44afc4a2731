"""Answers that sum up many rows, and are the same for all who ask: made once for each state of the ledger."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

from flask import Flask, Response, current_app

from trade_ingest.api.connections import ledger
from trade_ingest.api.replies import MEDIA_TYPE
from trade_ingest.api.schemas.base import Answer, Request
from trade_ingest.ledger.events import newest_event_id

EXTENSION = "trade_ingest_remembered"

REMEMBERED_SECONDS = 5.0
"""As old an answer may be while nothing happens: it also says how long ago things were."""

_MOST = 200


@dataclass(slots=True)
class _Entry:
    lock: Lock = field(default_factory=Lock)
    newest_event_id: int = -1
    made_at: float = 0.0
    body: str = ""


class Remembered:
    """The last answers to questions."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._entries: OrderedDict[str, _Entry] = OrderedDict()

    def answer(self, question: str, newest_event_id: int, make: Callable[[], str]) -> str:
        """The remembered answer, unless something has happened since or it is old; who asks meanwhile waits for it."""
        with self._lock:
            entry = self._entries.setdefault(question, _Entry())
            self._entries.move_to_end(question)
            if len(self._entries) > _MOST:
                self._entries.popitem(last=False)
        with entry.lock:
            is_old = time.monotonic() - entry.made_at > REMEMBERED_SECONDS
            if is_old or entry.newest_event_id != newest_event_id:
                entry.body = make()
                entry.newest_event_id, entry.made_at = newest_event_id, time.monotonic()
            return entry.body


def install(app: Flask) -> None:
    """Give an app its memory."""
    app.extensions[EXTENSION] = Remembered()


def remembered_reply(model: type[Answer], query: Request, make: Callable[[], Any]) -> Response:
    """Answer a query with an object as a schema says, from memory where that is as good."""
    memory: Remembered = current_app.extensions[EXTENSION]
    question = f"{model.__name__} {query.model_dump_json()}"
    body = memory.answer(
        question, newest_event_id(ledger()), lambda: model.model_validate(make()).model_dump_json(by_alias=True)
    )
    return Response(body, content_type=MEDIA_TYPE)
