"""What is to be done with files once they are loaded, and what has been done: ``ingest.after_load``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, LiteralString

import psycopg
from psycopg.rows import class_row

from trade_ingest.ledger.events import Event, EventKind, record_event
from trade_ingest.ledger.files import json_text

Connection = psycopg.Connection[Any]

_ACTION_LOCK = "trade-ingest after_load"


class AfterLoadAction(StrEnum):
    """What can be done with a file."""

    MOVE = "move"
    TAG = "tag"
    DELETE = "delete"


@dataclass(frozen=True, slots=True)
class AfterLoad:
    """What is to be done with one file once it is loaded.

    Attributes:
        action: what.
        destination: the URI that it is moved to; None for other actions.
    """

    action: AfterLoadAction
    destination: str | None = None


@dataclass(frozen=True, slots=True)
class OpenAction:
    """An action that is not done yet, and the file at the version that was loaded."""

    file_id: int
    run_id: int
    action: str
    destination: str | None
    uri: str
    version: str
    size_bytes: int
    modified_at: datetime

    @property
    def detail(self) -> dict[str, Any]:
        """What its events say."""
        detail = {"uri": self.uri, "action": self.action}
        return detail if self.destination is None else detail | {"destination": self.destination}


@dataclass(frozen=True, slots=True)
class FileAction:
    """What was asked for, and what came of it; a row of ``ingest.after_load``."""

    run_id: int
    action: str
    destination: str | None
    state: str
    attempts: int
    error: Mapping[str, Any] | None
    requested_at: datetime
    done_at: datetime | None

    @property
    def sentence(self) -> str:
        """What has been done, or why not."""
        if self.state == "done":
            done = {"move": f"moved to {self.destination}", "tag": "tagged", "delete": "deleted"}[self.action]
            return f"{done} at {self.done_at:%Y-%m-%d %H:%M:%S} UTC"
        wanted = {"move": f"be moved to {self.destination}", "tag": "be tagged", "delete": "be deleted"}[self.action]
        if self.error is None:
            return f"to {wanted} by the next run"
        return f"could not {wanted}: {self.error['message']} ({self.error['code']})"


_REQUEST_SQL: LiteralString = """
INSERT INTO ingest.after_load (file_id, run_id, action, destination) VALUES (%s, %s, %s, %s)
ON CONFLICT (file_id) DO UPDATE SET run_id = EXCLUDED.run_id, action = EXCLUDED.action,
    destination = EXCLUDED.destination, state = 'pending', attempts = 0, error = NULL,
    requested_at = clock_timestamp(), done_at = NULL
"""

# a file that somebody takes out again before its turn is left where it is
_OPEN_SQL: LiteralString = """
SELECT a.file_id, a.run_id, a.action, a.destination, f.uri, f.version, f.size_bytes, f.modified_at
FROM ingest.after_load AS a JOIN ingest.file AS f USING (file_id)
WHERE a.file_id = %s AND a.state <> 'done'
    AND (f.state = 'loaded' OR f.state = 'skipped' AND f.reason = 'same_content' AND a.action <> 'delete')
"""

# a source that has changed or is gone will not come back; a live run does its files itself
_UNFINISHED_SQL: LiteralString = """
SELECT a.file_id
FROM ingest.after_load AS a JOIN ingest.file AS f USING (file_id) JOIN ingest.run AS r ON r.run_id = a.run_id
WHERE f.target = %s AND r.state <> 'running' AND a.state <> 'done'
    AND (f.state = 'loaded' OR f.state = 'skipped' AND f.reason = 'same_content' AND a.action <> 'delete')
    AND (a.state = 'pending' OR a.error ->> 'code' <> 'archive.source_changed')
ORDER BY a.file_id
"""


def request_action(connection: Connection, file_id: int, run_id: int, wanted: AfterLoad) -> None:
    """Ask for an action, in the transaction that loads the file."""
    connection.execute(_REQUEST_SQL, [file_id, run_id, wanted.action.value, wanted.destination])


def list_unfinished(connection: Connection, target: str) -> list[int]:
    """The files of a target whose action an earlier run has left undone, or that failed and may succeed now."""
    return [row[0] for row in connection.execute(_UNFINISHED_SQL, [target])]


@contextmanager
def locked_action(connection: Connection, file_id: int) -> Iterator[OpenAction | None]:
    """The action that is to be done with a file, nobody else's while the block runs.

    None if there is none, it is done, the file is not loaded any more, or another process is at it. The lock is the
    session's and not a transaction's: to copy a large file takes minutes.

    Args:
        connection: in autocommit mode.
        file_id: the file.
    """
    key = [_ACTION_LOCK, file_id]
    row = connection.execute("SELECT pg_try_advisory_lock(hashtextextended(%s, %s))", key).fetchone()
    if not row or not row[0]:
        yield None
        return
    try:
        with connection.cursor(row_factory=class_row(OpenAction)) as cursor:
            yield cursor.execute(_OPEN_SQL, [file_id]).fetchone()
    finally:
        if not connection.closed:
            connection.execute("SELECT pg_advisory_unlock(hashtextextended(%s, %s))", key)


def record_done(connection: Connection, action: OpenAction) -> None:
    """Record that an action is done."""
    with connection.transaction():
        connection.execute(
            "UPDATE ingest.after_load SET state = 'done', attempts = attempts + 1, error = NULL,"
            " done_at = clock_timestamp() WHERE file_id = %s",
            [action.file_id],
        )
        record_event(connection, Event(EventKind.FILE_ARCHIVED, action.run_id, action.file_id, action.detail))


def record_failed(connection: Connection, action: OpenAction, error: Mapping[str, Any]) -> None:
    """Record that an action failed: the file is where it was."""
    with connection.transaction():
        connection.execute(
            "UPDATE ingest.after_load SET state = 'failed', attempts = attempts + 1, error = %s WHERE file_id = %s",
            [json_text(error), action.file_id],
        )
        detail = action.detail | {"error": error}
        record_event(connection, Event(EventKind.ARCHIVE_FAILED, action.run_id, action.file_id, detail))


def find_action(connection: Connection, file_id: int) -> FileAction | None:
    """What was asked for a file, and what came of it; None if it was to be kept."""
    with connection.cursor(row_factory=class_row(FileAction)) as cursor:
        return cursor.execute(
            "SELECT run_id, action, destination, state, attempts, error, requested_at, done_at"
            " FROM ingest.after_load WHERE file_id = %s",
            [file_id],
        ).fetchone()


def find_place(connection: Connection, file_id: int) -> str | None:
    """Where a file was moved to after loading; None if it was not."""
    action = find_action(connection, file_id)
    return action.destination if action is not None and action.state == "done" else None
