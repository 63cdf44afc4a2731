"""Turns: a process answers requests one after the other, as long as they are short.

Threads of one Python process that work at the same time do not get more done, and each of them is late: of ten at once
all take the time of ten. One after the other, the first takes the time of one.
"""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass, field
from threading import Lock

from flask import Flask, g, request

_READS = {"GET", "HEAD"}

TURN_SECONDS = 0.05
"""A request that takes longer goes on beside the next one: it waits for PostgreSQL or for a store, or is a long one."""


def _taken() -> Lock:
    lock = Lock()
    lock.acquire()
    return lock


@dataclass(slots=True, eq=False)
class _Turn:
    begun: Lock = field(default_factory=_taken)
    since: float = 0.0


class Turns:
    """Gives turns in the order in which they are asked for; one lasts until it is given back, or for a time."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._lock = Lock()
        self._current: _Turn | None = None
        self._waiting: deque[_Turn] = deque()

    def take(self) -> _Turn:
        """Wait for a turn."""
        turn = _Turn()
        with self._lock:
            self._waiting.append(turn)
            if self._current is None:
                self._begin_next()
        while not turn.begun.acquire(timeout=self._seconds):
            with self._lock:
                if self._current is None or time.monotonic() - self._current.since >= self._seconds:
                    self._begin_next()
        return turn

    def give_back(self, turn: _Turn) -> None:
        """End a turn; if its time was over before, nothing happens."""
        with self._lock:
            if self._current is turn:
                self._begin_next()

    def _begin_next(self) -> None:
        self._current = self._waiting.popleft() if self._waiting else None
        if self._current is not None:
            self._current.since = time.monotonic()
            self._current.begun.release()


def install(app: Flask) -> None:
    """Let the reads of an app take turns; what is streamed is sent after the turn.

    What writes, and waits for a body, takes none; nor do checks of health and files, which take no time.
    """
    turns = Turns(TURN_SECONDS)

    @app.before_request
    def take() -> None:
        if request.method in _READS and request.path.startswith("/api/"):
            g.turn = turns.take()

    @app.teardown_request
    def give_back(_: BaseException | None) -> None:
        if (turn := g.pop("turn", None)) is not None:
            turns.give_back(turn)
