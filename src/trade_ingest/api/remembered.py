"""Answers that sum up many rows, and are the same for all who ask: made once for each state of the database."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock
from typing import Any

from flask import Flask, Response, current_app

from trade_ingest.api.connections import ledger
from trade_ingest.api.replies import MEDIA_TYPE
from trade_ingest.api.schemas.base import Answer, Request
from trade_ingest.ledger.stream import current_snapshot

EXTENSION = "trade_ingest_remembered"

REMEMBERED_SECONDS = 5.0
"""As old an answer may be while nothing is written: it also says how long ago things were."""

_MOST = 50


@dataclass(frozen=True, slots=True)
class _Made:
    snapshot: str
    at: float
    body: str


class Remembered:
    """The last answers to questions; nobody waits for an answer that another makes."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._made: OrderedDict[str, _Made] = OrderedDict()

    def answer(self, question: str, snapshot: str, make: Callable[[], str]) -> str:
        """The remembered answer, unless it is old or something was written since.

        Args:
            question: what is asked.
            snapshot: which transactions are seen, taken before: two that are equal see the same rows.
            make: makes the answer.
        """
        now = time.monotonic()
        with self._lock:
            made = self._made.get(question)
        if made is None or made.snapshot != snapshot or now - made.at > REMEMBERED_SECONDS:
            made = _Made(snapshot, now, make())
            with self._lock:
                self._made[question] = made
                self._made.move_to_end(question)
                if len(self._made) > _MOST:
                    self._made.popitem(last=False)
        return made.body


def install(app: Flask) -> None:
    """Give an app its memory."""
    app.extensions[EXTENSION] = Remembered()


def remembered_reply(model: type[Answer], query: Request, make: Callable[[], Any]) -> Response:
    """Answer a query with an object as a schema says, from memory where that is as good."""
    memory: Remembered = current_app.extensions[EXTENSION]
    question = f"{model.__name__} {query.model_dump_json()}"
    body = memory.answer(
        question, current_snapshot(ledger()), lambda: model.model_validate(make()).model_dump_json(by_alias=True)
    )
    return Response(body, content_type=MEDIA_TYPE)
