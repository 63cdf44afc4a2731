"""Lakes, and what they hold of each file: ``ingest.lake`` and ``ingest.handover``.

A hand-over is no entry of a queue, which might be forgotten, but a comparison of what the lake is known to hold of a
file with what the file is. Whatever loads, replaces, replays, rolls back or restores a file opens its hand-overs by
that alone, in its own transaction.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, LiteralString, NamedTuple

import psycopg
from psycopg.rows import class_row, dict_row

from trade_ingest.ledger.events import Event, EventKind, record_event
from trade_ingest.ledger.files import json_text
from trade_ingest.source.access import Accesses

Connection = psycopg.Connection[Any]

_LOCK = "trade-ingest handover"


class LakeKind(StrEnum):
    """What a lake is made of."""

    PARQUET = "parquet"
    ICEBERG = "iceberg"


@dataclass(frozen=True, slots=True)
class Lake:
    """A place that gets the accepted rows of a target, too.

    Attributes:
        lake_id: its row in the ledger.
        target: the table whose rows it gets.
        kind: what it is made of.
        place: the URI of its folder; for an Iceberg table of a configured catalog ``catalog:namespace.table``.
        token: what the names of its objects begin with.
    """

    lake_id: int
    target: str
    kind: LakeKind
    place: str
    token: str

    @property
    def name(self) -> str:
        """As it is asked for with ``--also``."""
        return f"{self.kind.value}:{self.place}"


@dataclass(frozen=True, slots=True)
class HandoverOrder:
    """What a loader hands over beside loading; only for targets that have lakes.

    Attributes:
        lake_ids: the lakes of the run; a file that replaces another one goes to that one's lakes, too.
        accesses: how the lakes are reached.
    """

    lake_ids: tuple[int, ...] = ()
    accesses: Accesses = field(default_factory=Accesses)


class Pending(NamedTuple):
    """A file whose lake does not hold what it should; those of a later stage have to wait for all of an earlier one."""

    file_id: int
    lake_id: int
    stage: int


@dataclass(frozen=True, slots=True)
class OpenHandover:
    """A file whose lake does not hold what it should.

    Attributes:
        file_id: the file.
        lake: the lake.
        run_id: the run that asked for it.
        loaded_by_run_id: the run that loaded the file.
        uri: the file's URI.
        contract_id: the contract that it was loaded by.
        is_wanted: whether the lake is to hold the file's rows, or none of them.
        rows: how many rows that are.
        loaded_at: when the file was loaded; None if it is not loaded.
        event_time_min: its first event time.
        event_time_max: its last event time.
        objects: what may be in the lake of it.
        attempts: how often it was begun.
        gone: other versions of the file that are to leave the lake.
    """

    file_id: int
    lake: Lake
    run_id: int
    loaded_by_run_id: int | None
    uri: str
    contract_id: int
    is_wanted: bool
    rows: int
    loaded_at: datetime | None
    event_time_min: datetime | None
    event_time_max: datetime | None
    objects: tuple[str, ...]
    attempts: int
    gone: tuple[int, ...]

    @property
    def facts(self) -> str:
        """What the lake is to hold of the file, as a text that no other content of it has."""
        return "" if self.loaded_at is None else f"{self.rows}@{self.loaded_at.isoformat()}"


@dataclass(frozen=True, slots=True)
class FileHandover:
    """What a lake holds of a file, and what it is to hold."""

    lake: str
    run_id: int
    state: str
    rows: int | None
    objects: list[str]
    attempts: int
    error: Mapping[str, Any] | None
    requested_at: datetime
    done_at: datetime | None

    @property
    def sentence(self) -> str:
        """What has been done, or why not."""
        if self.state == "failed" and self.error is not None:
            return f"could not be handed over to {self.lake}: {self.error['message']} ({self.error['code']})"
        if self.state != "done" or self.done_at is None:
            return f"to be handed over to {self.lake} by the next run"
        count = f"{self.rows:,} rows are" if self.rows else "nothing of it is"
        return f"{count} in {self.lake} since {self.done_at:%Y-%m-%d %H:%M:%S} UTC"


_LAKE_COLUMNS: LiteralString = "lake_id, target, kind, place, token"

_IS_OPEN: LiteralString = """
(h.rows, h.loaded_at) IS DISTINCT FROM (
    CASE WHEN f.state = 'loaded' THEN f.rows_loaded ELSE 0 END, CASE WHEN f.state = 'loaded' THEN f.loaded_at END
)
"""

_REQUEST_SQL: LiteralString = """
INSERT INTO ingest.handover (file_id, lake_id, run_id)
SELECT %(file_id)s, wanted.lake_id, %(run_id)s
FROM (
    SELECT unnest(%(lake_ids)s::bigint[]) AS lake_id
    UNION
    SELECT lake_id FROM ingest.handover WHERE file_id = %(replaces)s
) AS wanted
ON CONFLICT (file_id, lake_id) DO UPDATE SET run_id = EXCLUDED.run_id, error = NULL,
    requested_at = clock_timestamp()
"""

_OPEN_SQL: LiteralString = f"""
SELECT h.file_id, h.run_id, f.run_id AS loaded_by_run_id, f.uri, f.contract_id, f.event_time_min, f.event_time_max,
    f.state = 'loaded' AS is_wanted, CASE WHEN f.state = 'loaded' THEN f.rows_loaded ELSE 0 END AS rows,
    CASE WHEN f.state = 'loaded' THEN f.loaded_at END AS loaded_at, h.objects, h.attempts, ARRAY(
        SELECT other.file_id FROM ingest.handover AS other JOIN ingest.file AS version USING (file_id)
        WHERE other.lake_id = h.lake_id AND version.target = f.target AND version.uri = f.uri
            AND version.file_id <> f.file_id AND version.state <> 'loaded' AND other.attempts > 0
            AND (other.rows, other.loaded_at) IS DISTINCT FROM (0::bigint, NULL::timestamptz)
        ORDER BY other.file_id
    ) AS gone, l.lake_id, l.target, l.kind, l.place, l.token
FROM ingest.handover AS h JOIN ingest.file AS f USING (file_id) JOIN ingest.lake AS l USING (lake_id)
WHERE h.file_id = %s AND h.lake_id = %s AND {_IS_OPEN}
"""  # noqa: S608  # made of constants

# in a folder what is to go comes before what is to come, so that readers never see a row twice; in a table with it
_OF_FILES_SQL: LiteralString = f"""
SELECT h.file_id, h.lake_id, ((f.state = 'loaded') = (l.kind = 'parquet'))::integer
FROM ingest.handover AS h JOIN ingest.file AS f USING (file_id) JOIN ingest.lake AS l USING (lake_id)
WHERE h.file_id = ANY(
    %(file_ids)s::bigint[] || ARRAY(SELECT replaces_file_id FROM ingest.file WHERE file_id = ANY(%(file_ids)s))
) AND {_IS_OPEN}
ORDER BY 3, h.file_id, h.lake_id
"""  # noqa: S608  # made of constants

# a live run does its files itself
_UNFINISHED_SQL: LiteralString = f"""
SELECT h.file_id, h.lake_id, ((f.state = 'loaded') = (l.kind = 'parquet'))::integer
FROM ingest.handover AS h JOIN ingest.file AS f USING (file_id) JOIN ingest.lake AS l USING (lake_id)
JOIN ingest.run AS r ON r.run_id = h.run_id
WHERE l.target = %s AND r.state <> 'running' AND {_IS_OPEN}
ORDER BY 3, h.file_id, h.lake_id
"""  # noqa: S608  # made of constants

_SHOWN_SQL: LiteralString = f"""
SELECT l.kind || ':' || l.place AS lake, h.run_id,
    CASE WHEN NOT {_IS_OPEN} THEN 'done' WHEN h.error IS NULL THEN 'pending' ELSE 'failed' END AS state,
    h.rows, h.objects, h.attempts, h.error, h.requested_at, h.done_at
FROM ingest.handover AS h JOIN ingest.file AS f USING (file_id) JOIN ingest.lake AS l USING (lake_id)
WHERE h.file_id = %s
ORDER BY h.lake_id
"""  # noqa: S608  # made of constants


def find_lakes(connection: Connection, target: str) -> list[Lake]:
    """The lakes of a target, in the order in which they were first asked for."""
    found = connection.execute(
        f"SELECT {_LAKE_COLUMNS} FROM ingest.lake WHERE target = %s ORDER BY lake_id",  # noqa: S608  # constants
        [target],
    )
    return [_lake(*row) for row in found]


def register_lake(connection: Connection, target: str, kind: LakeKind, place: str, run_id: int) -> Lake:
    """The lake of that place; the same one each time."""
    connection.execute(
        "INSERT INTO ingest.lake (target, kind, place, first_run_id) VALUES (%s, %s, %s, %s)"
        " ON CONFLICT (target, kind, place) DO NOTHING",
        [target, kind.value, place, run_id],
    )
    return next(lake for lake in find_lakes(connection, target) if (lake.kind, lake.place) == (kind, place))


def request_handovers(
    connection: Connection, file_id: int, run_id: int, lake_ids: Sequence[int], replaces: int | None
) -> None:
    """Ask for a file's rows in lakes, in the transaction that loads the file; also in those of the file it replaces."""
    parameters = {"file_id": file_id, "run_id": run_id, "lake_ids": list(lake_ids), "replaces": replaces}
    connection.execute(_REQUEST_SQL, parameters)


def list_open(connection: Connection, file_ids: Sequence[int]) -> list[Pending]:
    """The open hand-overs of files and of those that they have replaced, in the order of work."""
    return [Pending(*row) for row in connection.execute(_OF_FILES_SQL, {"file_ids": list(file_ids)})]


def list_unfinished(connection: Connection, target: str) -> list[Pending]:
    """The open hand-overs of a target that no live run sees to, in the order of work."""
    return [Pending(*row) for row in connection.execute(_UNFINISHED_SQL, [target])]


def find_open(connection: Connection, file_id: int, lake_id: int) -> OpenHandover | None:
    """What is to be done with a file in a lake; None if it holds what it should."""
    with connection.cursor(row_factory=dict_row) as cursor:
        row = cursor.execute(_OPEN_SQL, [file_id, lake_id]).fetchone()
    if row is None:
        return None
    lake = _lake(*(row.pop(name) for name in ("lake_id", "target", "kind", "place", "token")))
    return OpenHandover(lake=lake, objects=tuple(row.pop("objects")), gone=tuple(row.pop("gone")), **row)


def _lake(lake_id: int, target: str, kind: str, place: str, token: str) -> Lake:
    return Lake(lake_id, target, LakeKind(kind), place, token)


@contextmanager
def locked_handover(connection: Connection, file_id: int, lake_id: int) -> Iterator[bool]:
    """Whether a file's hand-over is nobody else's while the block runs.

    The lock is the session's and not a transaction's: to write a large file takes minutes.

    Args:
        connection: in autocommit mode.
        file_id: the file.
        lake_id: the lake.
    """
    key = [f"{_LOCK} {lake_id}", file_id]
    row = connection.execute("SELECT pg_try_advisory_lock(hashtextextended(%s, %s))", key).fetchone()
    if not row or not row[0]:
        yield False
        return
    try:
        yield True
    finally:
        if not connection.closed:
            connection.execute("SELECT pg_advisory_unlock(hashtextextended(%s, %s))", key)


@contextmanager
def locked_lake(connection: Connection, lake_id: int) -> Iterator[None]:
    """Commits to the table of one lake one after the other, while the block runs; waits."""
    key = [_LOCK, lake_id]
    connection.execute("SELECT pg_advisory_lock(hashtextextended(%s, %s))", key)
    try:
        yield
    finally:
        if not connection.closed:
            connection.execute("SELECT pg_advisory_unlock(hashtextextended(%s, %s))", key)


def note_objects(connection: Connection, handover: OpenHandover, objects: Collection[str]) -> None:
    """Record what may be in the lake from now on, before it is there: nothing that is written is ever forgotten."""
    connection.execute(
        "UPDATE ingest.handover SET rows = NULL, loaded_at = NULL, objects = %s WHERE file_id = %s AND lake_id = %s",
        [sorted(objects), handover.file_id, handover.lake.lake_id],
    )


def begin_handover(connection: Connection, handover: OpenHandover) -> int:
    """Record that a hand-over begins; the number of the attempt, from 1."""
    row = connection.execute(
        "UPDATE ingest.handover SET rows = NULL, loaded_at = NULL, attempts = attempts + 1"
        " WHERE file_id = %s AND lake_id = %s RETURNING attempts",
        [handover.file_id, handover.lake.lake_id],
    ).fetchone()
    assert row is not None
    return int(row[0])


def record_handover(connection: Connection, handover: OpenHandover, objects: Sequence[str]) -> Event:
    """Record that a lake holds what it should; its event."""
    with connection.transaction():
        connection.execute(
            "UPDATE ingest.handover SET rows = %s, loaded_at = %s, objects = %s, error = NULL,"
            " done_at = clock_timestamp() WHERE file_id = %s AND lake_id = %s",
            [handover.rows, handover.loaded_at, sorted(objects), handover.file_id, handover.lake.lake_id],
        )
        event = handover_event(handover)
        record_event(connection, event)
    return event


def record_handover_failure(connection: Connection, handover: OpenHandover, error: Mapping[str, Any]) -> None:
    """Record that a lake does not hold what it should, and why."""
    with connection.transaction():
        connection.execute(
            "UPDATE ingest.handover SET error = %s WHERE file_id = %s AND lake_id = %s",
            [json_text(error), handover.file_id, handover.lake.lake_id],
        )
        record_event(connection, handover_event(handover, error))


def handover_event(handover: OpenHandover, error: Mapping[str, Any] | None = None) -> Event:
    """The event of a hand-over that is done or, with an error, is not."""
    kind = EventKind.FILE_HANDED_OVER if handover.is_wanted else EventKind.FILE_WITHDRAWN
    detail: dict[str, Any] = {"uri": handover.uri, "lake": handover.lake.name, "rows": handover.rows}
    if error is not None:
        kind, detail = EventKind.HANDOVER_FAILED, detail | {"error": error}
    return Event(kind, handover.run_id, handover.file_id, detail)


def file_handovers(connection: Connection, file_id: int) -> list[FileHandover]:
    """What the lakes hold of a file."""
    with connection.cursor(row_factory=class_row(FileHandover)) as cursor:
        return cursor.execute(_SHOWN_SQL, [file_id]).fetchall()
