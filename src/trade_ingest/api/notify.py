"""Tell people of failures, drift, lateness and gaps, through Apprise: webhooks, Slack and its kin, e-mail and more."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import psycopg

from trade_ingest.errors import ConfigurationError, EngineError
from trade_ingest.ledger.feeds import HABIT_WEEKS, DayState, judge_days, list_feed_days
from trade_ingest.ledger.stream import StreamEvent
from trade_ingest.ledger.summary import Freshness, list_freshness

Connection = psycopg.Connection[Any]

DRIFT_CODES = ("file.header", "file.path", "file.changed", "file.trailer")
"""Why a file fails that does not look as its contract says."""

GAP_DAYS = 35
"""How far back days are missed; a hole in older history is no news."""

_MAX_LINES = 20
_LATE_EVERY = timedelta(minutes=1)
_GAPS_EVERY = timedelta(hours=1)  # a scan of all that was loaded lately
_DAY_IS_DUE_AFTER = timedelta(hours=24)  # its end, where `late_hours` says nothing else


@dataclass(frozen=True, slots=True)
class Notification:
    """What is told."""

    title: str
    body: str
    level: str = "failure"


class Channel:
    """Where notifications are sent: one URL of Apprise.

    Args:
        url: see https://github.com/caronc/apprise; it may have a password.
        number: of the URL among those that are configured; errors name it by that, as it is a secret.

    Raises:
        ConfigurationError: Apprise cannot read the URL.
        EngineError: Apprise is not installed.
    """

    def __init__(self, url: str, *, number: int = 1) -> None:
        try:
            import apprise
        except ImportError as exc:
            message = "notifications need the package apprise"
            raise EngineError(message, hint="pip install 'trade-ingest[notify]'") from exc
        self._number = number
        self._apprise = apprise.Apprise()
        if not self._apprise.add(url):
            message = f"notify: Apprise cannot read URL {number}"
            raise ConfigurationError(message, hint="its documentation lists the forms", problems=(message,))

    def send(self, notification: Notification) -> None:
        """Send one notification.

        Raises:
            OSError: it was not taken.
        """
        sent = self._apprise.notify(
            title=notification.title, body=notification.body, notify_type=notification.level, body_format="text"
        )
        if not sent:
            message = f"URL {self._number} of notify: a notification was not taken"
            raise OSError(message)


class Notifier:
    """Sends notifications to one URL; one for all that happened since the last.

    Args:
        url: of Apprise (https://github.com/caronc/apprise); it may have a password.
        late_hours: a target is late when it got no file for so long; None: none is.
        number: of the URL among those that are configured; it is named by it, as it is a secret.
        clock: the time, in UTC.

    Raises:
        ConfigurationError: Apprise cannot read the URL.
        EngineError: Apprise is not installed.
    """

    def __init__(
        self,
        url: str,
        late_hours: float | None = None,
        *,
        number: int = 1,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._channel = Channel(url, number=number)
        self.name = f"notify:{_mark_of(url)}"
        self._patience = None if late_hours is None else timedelta(hours=late_hours)
        self._clock = clock
        self._looked_at: dict[str, datetime] = {}

    def take(self, events: Sequence[StreamEvent], connection: Connection, memory: dict[str, Any]) -> None:
        """Tell of what is worth it."""
        now = self._clock()
        notifications = [*failures(events), *drift(events)]
        looked_at = dict(self._looked_at)
        if self._patience is not None and self._is_time("late", now, _LATE_EVERY):
            notifications += lateness(connection, self._patience, memory)
            looked_at["late"] = now
        if self._is_time("gaps", now, _GAPS_EVERY):
            due = (now - (self._patience or _DAY_IS_DUE_AFTER)).date() - timedelta(days=1)
            notifications += gaps(connection, due, memory)
            looked_at["gaps"] = now
        for notification in notifications:
            self._channel.send(notification)
        self._looked_at = looked_at  # now that all is taken: what was not is looked for again

    def _is_time(self, what: str, now: datetime, every: timedelta) -> bool:
        before = self._looked_at.get(what)
        return before is None or abs(now - before) >= every


def _mark_of(url: str) -> str:
    # slow to compute, so that nobody who reads the ledger finds the URL's password by trying
    return hashlib.scrypt(url.encode(), salt=b"trade-ingest notify", n=1 << 14, r=8, p=1, dklen=8).hex()


def failures(events: Sequence[StreamEvent]) -> Iterator[Notification]:
    """Runs that failed or whose process died, and runs that were asked for and could not even begin."""
    for event in events:
        detail = event.detail
        if event.kind == "run_abandoned":
            yield Notification(f"run {event.run_id} was abandoned", "Its process died; the next run goes on from it.")
        elif event.kind == "run_ended" and detail.get("state") == "failed":
            failed = detail.get("files_failed", 0)
            counts = f"{failed} {'file' if failed == 1 else 'files'} failed, {detail.get('files_loaded', 0)} loaded"
            see = f"See: trade-ingest runs {event.run_id}"
            yield Notification(f"run {event.run_id} failed", f"{counts}.\n{see}")
        elif event.kind == "run_request_failed":
            error = detail.get("error") or {}
            lines = filter(None, (error.get("message"), error.get("hint")))
            yield Notification(
                f"run request {detail.get('run_request_id')} failed before it had a run", "\n".join(lines)
            )


def drift(events: Sequence[StreamEvent]) -> Iterator[Notification]:
    """Files that do not look as their contract says any more."""
    errors = [(event.uri, event.detail.get("error") or {}) for event in events if event.kind == "file_failed"]
    lines = [f"{uri}: {error.get('message')}" for uri, error in errors if error.get("code") in DRIFT_CODES]
    if lines:
        files = "1 file differs from its" if len(lines) == 1 else f"{len(lines)} files differ from their"
        yield Notification(f"drift: {files} contract", _listed(lines), "warning")


def lateness(connection: Connection, patience: timedelta, memory: dict[str, Any]) -> Iterator[Notification]:
    """Targets that wait for a file for too long; each is told once, until it has got one."""
    told = memory.setdefault("late", {})
    newest: dict[str, Freshness] = {}
    for found in list_freshness(connection):
        if found.target not in newest or found.age_seconds < newest[found.target].age_seconds:
            newest[found.target] = found
    for target, found in newest.items():
        if found.age_seconds <= patience.total_seconds():
            told.pop(target, None)
        elif told.get(target) != found.last_loaded_at.isoformat():
            told[target] = found.last_loaded_at.isoformat()
            since = found.last_loaded_at.isoformat(sep=" ", timespec="minutes")
            yield Notification(f"{target} is late", f"The last file was loaded at {since}.", "warning")


def gaps(connection: Connection, due: date, memory: dict[str, Any]) -> Iterator[Notification]:
    """Expected days, up to the day `due`, of which a feed has no file; each is told once.

    A feed is a target with a contract. What it is expected to cover, its own habit tells; see ``ledger.feeds``.
    """
    first = due - timedelta(days=GAP_DAYS - 1)
    told, lines = memory.get("gaps", {}), []
    missed = {}
    for feed in list_feed_days(connection, first - timedelta(weeks=HABIT_WEEKS)):
        name = f"{feed.target} by {feed.contract}"
        states = judge_days(feed.rows, first, due, feed.holidays)
        days = [day.isoformat() for day, state in states.items() if state in (DayState.MISSING, DayState.LATE)]
        if days:
            missed[name] = days
            lines += [f"{name}: {day}" for day in days if day not in told.get(name, ())]
    memory["gaps"] = missed
    if lines:
        title = "gap: a day has no file" if len(lines) == 1 else f"gaps: {len(lines)} days have no file"
        yield Notification(title, _listed(lines), "warning")


def _listed(lines: Sequence[str]) -> str:
    more = [f"… and {len(lines) - _MAX_LINES} more"] if len(lines) > _MAX_LINES else []
    return "\n".join([*lines[:_MAX_LINES], *more])
