"""Tell people of failures, drift and lateness, through Apprise: webhooks, Slack and its kin, e-mail and many more."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg

from trade_ingest.errors import ConfigurationError, EngineError
from trade_ingest.ledger.stream import StreamEvent

Connection = psycopg.Connection[Any]

DRIFT_CODES = ("file.header", "file.path", "file.changed", "file.trailer")
"""Why a file fails that does not look as its contract says."""

_MAX_LINES = 20

_NEWEST_SQL = """
SELECT target, max(loaded_at) FROM ingest.file WHERE state IN ('loaded', 'replaced') GROUP BY target ORDER BY target
"""


@dataclass(frozen=True, slots=True)
class Notification:
    """What is told."""

    title: str
    body: str
    level: str = "failure"


class Notifier:
    """Sends notifications; one for all that happened since the last.

    Args:
        urls: of Apprise (https://github.com/caronc/apprise); they may have passwords.
        late_hours: a target is late when it got no file for so long; None: none is.
    """

    name = "notify"

    def __init__(self, urls: Sequence[str], late_hours: float | None) -> None:
        try:
            import apprise
        except ImportError as exc:
            message = "notifications need the package apprise"
            raise EngineError(message, hint="pip install 'trade-ingest[notify]'") from exc
        self._apprise = apprise.Apprise()
        self._late_hours = late_hours
        for number, url in enumerate(urls, start=1):
            if not self._apprise.add(url):
                message = f"notify: Apprise cannot read URL {number}"
                raise ConfigurationError(message, hint="its documentation lists the forms", problems=(message,))

    def take(self, events: Sequence[StreamEvent], connection: Connection, memory: dict[str, Any]) -> None:
        """Tell of what is worth it."""
        notifications = [*failures(events), *drift(events)]
        if self._late_hours is not None:
            notifications += lateness(connection, timedelta(hours=self._late_hours), memory)
        for notification in notifications:
            sent = self._apprise.notify(
                title=notification.title, body=notification.body, notify_type=notification.level, body_format="text"
            )
            if not sent:
                message = "a notification was not taken"
                raise OSError(message)


def failures(events: Sequence[StreamEvent]) -> Iterator[Notification]:
    """Runs that failed or whose process died."""
    for event in events:
        detail = event.detail
        if event.kind == "run_abandoned":
            yield Notification(f"run {event.run_id} was abandoned", "Its process died; the next run goes on from it.")
        elif event.kind == "run_ended" and detail.get("state") == "failed":
            counts = f"{detail.get('files_failed', 0)} files failed, {detail.get('files_loaded', 0)} loaded"
            see = f"See: trade-ingest runs {event.run_id}"
            yield Notification(f"run {event.run_id} failed", f"{counts}.\n{see}")


def drift(events: Sequence[StreamEvent]) -> Iterator[Notification]:
    """Files that do not look as their contract says any more."""
    errors = [(event.uri, event.detail.get("error") or {}) for event in events if event.kind == "file_failed"]
    lines = [f"{uri}: {error.get('message')}" for uri, error in errors if error.get("code") in DRIFT_CODES]
    if lines:
        more = [f"… and {len(lines) - _MAX_LINES} more"] if len(lines) > _MAX_LINES else []
        files = "1 file differs" if len(lines) == 1 else f"{len(lines)} files differ"
        yield Notification(f"drift: {files} from their contract", "\n".join(lines[:_MAX_LINES] + more), "warning")


def lateness(connection: Connection, patience: timedelta, memory: dict[str, Any]) -> Iterator[Notification]:
    """Targets that wait for a file for too long; each is told once, until it has got one."""
    told = memory.setdefault("late", {})
    for target, loaded_at in connection.execute(_NEWEST_SQL).fetchall():
        if datetime.now(UTC) - loaded_at <= patience:
            told.pop(target, None)
        elif told.get(target) != loaded_at.isoformat():
            told[target] = loaded_at.isoformat()
            since = loaded_at.isoformat(sep=" ", timespec="minutes")
            yield Notification(f"{target} is late", f"The last file was loaded at {since}.", "warning")
