"""What is done with files once they are loaded: moved, tagged or deleted, each after its COMMIT and not before."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import psycopg

from trade_ingest.errors import TradeIngestError, UsageError
from trade_ingest.ledger.after_load import (
    AfterLoad,
    AfterLoadAction,
    OpenAction,
    list_unfinished,
    locked_action,
    record_done,
    record_failed,
)
from trade_ingest.ledger.connection import as_ingest_error, open_connection
from trade_ingest.ledger.events import Event, EventKind
from trade_ingest.load.task import ErrorInfo
from trade_ingest.source.access import Accesses
from trade_ingest.source.file import SourceFile
from trade_ingest.source.location import HTTP_SCHEMES, Location, parse_location, shown_source
from trade_ingest.source.members import split_member
from trade_ingest.source.pattern import has_wildcards, parse_pattern

if TYPE_CHECKING:
    from trade_ingest.load.task import FileResult, LoadTask

    Connection = psycopg.Connection[Any]

logger = logging.getLogger(__name__)

KEEP = "keep"
ACTIONS_AT_ONCE = 4
"""Threads; each has a connection of its own to the database."""

_EXPECTED = "expected keep, move:URI, tag or delete"


@dataclass(frozen=True, slots=True)
class Archived:
    """What came of one action.

    Attributes:
        run_id: the run that loaded the file.
        file_id: the file.
        uri: where it was.
        action: ``move``, ``tag`` or ``delete``.
        destination: where it is, or was to be.
        error: why it is where it was; None if the action is done.
    """

    run_id: int
    file_id: int
    uri: str
    action: str
    destination: str | None
    error: ErrorInfo | None = None

    def as_dict(self) -> dict[str, Any]:
        """The object that ``-o json`` prints."""
        return {
            "file_id": self.file_id,
            "uri": self.uri,
            "action": self.action,
            "destination": self.destination,
            "error": self.error and self.error.as_dict(),
        }

    @property
    def event(self) -> Event:
        """Its event, which is in the ledger already."""
        detail = {k: v for k, v in self.as_dict().items() if k != "file_id" and v is not None}
        kind = EventKind.FILE_ARCHIVED if self.error is None else EventKind.ARCHIVE_FAILED
        return Event(kind, self.run_id, self.file_id, detail)


@dataclass(frozen=True, slots=True)
class AfterLoading:
    """What a run does with each file that it has loaded.

    Attributes:
        action: what.
        folder: where files are moved to; a run makes a folder of its own in it.
    """

    action: AfterLoadAction
    folder: Location | None
    _roots: tuple[Location, ...]

    def requested_for(self, tasks: Iterable[LoadTask], started_at: datetime) -> list[LoadTask]:
        """The tasks, each with what is to be done with its file.

        Args:
            tasks: of one run.
            started_at: when the run began.
        """
        requested = [replace(task, after_load=self.of_file(task.file.uri, task.run_id, started_at)) for task in tasks]
        kept = next((task for task in requested if task.after_load is None), None)
        if kept is not None:
            logger.warning("%s: archives stay where they are, as only their members are loaded", kept.file.uri)
        return requested

    def of_file(self, uri: str, run_id: int, started_at: datetime) -> AfterLoad | None:
        """What is to be done with one file; None for members of archives, which cannot be taken out of them.

        It is moved to ``FOLDER/<date of the run, UTC>/run-<id>-<time>/<path below the source's root>``. The root is the
        folder given or the part of a pattern before its first wildcard; of several sources of one store what they
        share; where sources are in several stores, the path begins with the store (``s3-bucket``).

        No two files have the same destination: the time, to the microsecond, tells apart runs of several databases that
        have the same number.
        """
        if split_member(uri) is not None:
            return None
        if self.folder is None:
            return AfterLoad(self.action)
        base = self.folder.key.rstrip("/")
        location = parse_location(uri)
        store = [f"{location.scheme}-{location.store}".rstrip("-")] if len(self._roots) > 1 else []
        run = [f"{started_at:%Y-%m-%d}", f"run-{run_id}-{started_at:%H%M%S%f}"]
        parts = [*run, *store, self._relative_path(location)]
        key = "/".join([base, *parts] if base or self.folder.is_local else parts)
        return AfterLoad(self.action, self.folder.at(key).uri)

    def _relative_path(self, location: Location) -> str:
        for root in self._roots:
            is_there = (root.scheme, root.store) == (location.scheme, location.store)
            if is_there and location.key.startswith(root.key):
                return location.key[len(root.key) :].lstrip("/")
        return location.key.rpartition("/")[2]  # the object that the source itself names


def after_loading(wanted: str, sources: Sequence[str]) -> AfterLoading | None:
    """Read what is to be done after loading; None for ``keep``. Asks no store.

    Args:
        wanted: ``keep``, ``move:URI``, ``tag`` or ``delete``.
        sources: what is loaded.

    Raises:
        UsageError: it is none of these; it cannot be done with these sources; or files would be moved to where the next
            run finds them again.
    """
    name, _, place = wanted.partition(":")
    if wanted == KEEP:
        return None
    if name not in set(AfterLoadAction) or bool(place) != (name == AfterLoadAction.MOVE):
        message = f"--after-load {shown_source(wanted)!r} is not legal; {_EXPECTED}"
        raise UsageError(message, hint="for example --after-load move:s3://trade-archive/loaded")
    action = AfterLoadAction(name)
    locations = [parse_location(source) for source in sources]
    for location in locations:
        if location.scheme in HTTP_SCHEMES:
            message = (
                f"{location.uri}: objects of {location.scheme}:// can be read only, not be moved, tagged or deleted"
            )
            raise UsageError(message, hint="leave out --after-load, or load from the store itself")
    if action == AfterLoadAction.TAG:
        from trade_ingest.source.tagging import require_tagging

        for location in locations:
            require_tagging(location)
    folder = _folder(place, locations) if action == AfterLoadAction.MOVE else None
    return AfterLoading(action, folder, tuple(_roots(locations)))


def _folder(place: str, sources: Iterable[Location]) -> Location:
    folder = parse_location(place)
    if folder.scheme in HTTP_SCHEMES or has_wildcards(folder.key):
        message = f"--after-load move:{shown_source(place)}: expected a folder of this machine or of an object store"
        raise UsageError(message, hint="for example --after-load move:s3://trade-archive/loaded")
    for source in sources:
        if _is_read_by(folder, source):
            message = f"--after-load move:{folder.uri}: is inside the source {source.uri}"
            raise UsageError(message, hint="name a folder outside, or the next run would find the moved files again")
    return folder


def _is_read_by(folder: Location, source: Location) -> bool:
    """Whether a run over a source would find what is moved to a folder."""
    if (folder.scheme, folder.store) != (source.scheme, source.store):
        return False
    if has_wildcards(source.key) and "**" not in source.key.split("/"):
        return False  # it takes paths of one depth, and what is moved is deeper
    if source.is_local and Path(source.key).is_file():
        return False
    root = _root(source)
    if source.is_local:
        inside, outside = (os.path.realpath(place.key) for place in (folder, root))
        return f"{inside}/".startswith(f"{outside.rstrip('/')}/")
    return f"{folder.key.rstrip('/')}/".startswith(root.key)


def _root(source: Location) -> Location:
    """The folder, with its slash, that a source's files are in."""
    key = source.key
    if has_wildcards(key) and not (source.is_local and Path(key).exists()):
        return source.at(parse_pattern(key).base)
    if source.is_local and not Path(key).is_dir():
        return source.at(key[: key.rfind("/") + 1])
    return source.at(f"{key.rstrip('/')}/" if key.rstrip("/") or source.is_local else "")


def _roots(sources: Iterable[Location]) -> Iterator[Location]:
    """One root for each store: so that files of two sources in it are never moved to one place."""
    found: dict[tuple[str, str], list[Location]] = {}
    for source in sources:
        found.setdefault((source.scheme, source.store), []).append(_root(source))
    for roots in found.values():
        names = zip(*(root.key.split("/") for root in roots), strict=False)
        key = "/".join(same[0] for same in takewhile(lambda same: len(set(same)) == 1, names))
        yield roots[0].at(key if key.endswith("/") or not key else f"{key}/")


class Archiver:
    """Does what is to be done with loaded files, some at once, in threads of its own.

    Each action is done once, by whoever comes first: another process that is at it is left alone. What is not done when
    the block ends is left to the next run.
    """

    def __init__(self, database: str, accesses: Accesses, *, threads: int = ACTIONS_AT_ONCE) -> None:
        self._database = database
        self._accesses = accesses
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="archive")
        self._own = threading.local()
        self._connections: list[Connection] = []
        self._waiting: set[Future[Archived | None]] = set()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)
        for connection in self._connections:
            connection.close()

    def note(self, result: FileResult) -> None:
        """A file has ended: see to it if it is accounted for."""
        if result.state == "loaded" or (result.state == "skipped" and result.reason == "same_content"):
            self.submit(result.file_id)

    def submit(self, file_id: int) -> None:
        """See to a file whose transaction is committed."""
        self._waiting.add(self._pool.submit(self._see_to, file_id))

    def done(self) -> list[Archived]:
        """What has come of actions since this was asked last."""
        ended = {future for future in self._waiting if future.done()}
        return self._results(ended)

    def wait(self) -> Iterator[Archived]:
        """What comes of all others, as it comes."""
        while self._waiting:
            ended, _ = wait(self._waiting, timeout=1, return_when=FIRST_COMPLETED)  # a signal is heard
            yield from self._results(ended)

    def _results(self, ended: set[Future[Archived | None]]) -> list[Archived]:
        self._waiting -= ended
        return [result for future in ended if (result := future.result()) is not None]

    def _connection(self) -> Connection:
        connection: Connection | None = getattr(self._own, "connection", None)
        if connection is None or connection.closed:
            connection = open_connection(self._database, name="trade-ingest archive")
            self._own.connection = connection
            self._connections.append(connection)
        return connection

    def _see_to(self, file_id: int) -> Archived | None:
        try:
            connection = self._connection()
            with locked_action(connection, file_id) as action:
                return None if action is None else self._perform(connection, action)
        except (TradeIngestError, psycopg.Error) as exc:  # the database: the action stays as it is recorded
            error = as_ingest_error(exc) if isinstance(exc, psycopg.Error) else exc
            logger.warning("file %d: what is to be done after loading is left to the next run: %s", file_id, error)
            return None

    def _perform(self, connection: Connection, action: OpenAction) -> Archived:
        try:
            perform(action, self._accesses)
        except Exception as exc:  # noqa: BLE001  # whatever it is, the file's rows are loaded and others go on
            error = ErrorInfo.of(_as_ingest_error(exc, action.uri))
            record_failed(connection, action, error.as_dict())
            return Archived(action.run_id, action.file_id, action.uri, action.action, action.destination, error)
        record_done(connection, action)
        return Archived(action.run_id, action.file_id, action.uri, action.action, action.destination)


def perform(action: OpenAction, accesses: Accesses) -> None:
    """Do what is to be done with a file, if it still is at the version that was loaded; safe to repeat.

    Raises:
        ArchiveError: it cannot be done; the subclass and the message say why.
        StoreError: its store refused.
    """
    from trade_ingest.source import tagging, transfer

    access = accesses.of_uri(action.uri)
    file = SourceFile(action.uri, action.version, action.size_bytes, action.modified_at, access)
    if action.action == AfterLoadAction.MOVE:
        assert action.destination is not None
        destination = parse_location(action.destination)
        transfer.move_file(file, destination, accesses.of(destination))
    elif action.action == AfterLoadAction.DELETE:
        transfer.delete_file(file)
    else:
        transfer.require_version(file)
        tagging.tag_file(file, action.run_id)


def finish_left(connection: Connection, database: str, target: str, accesses: Accesses) -> Iterator[Archived]:
    """Do what earlier runs that loaded into a target have left undone, and what failed and may succeed now."""
    unfinished = list_unfinished(connection, target)
    if not unfinished:
        return
    with Archiver(database, accesses) as archiver:
        for file_id in unfinished:
            archiver.submit(file_id)
        yield from archiver.wait()


def _as_ingest_error(error: Exception, uri: str) -> TradeIngestError:
    if isinstance(error, TradeIngestError):
        return error
    logger.error("%s: unexpected error", uri, exc_info=error)
    message = f"{uri}: unexpected {type(error).__name__}: {error}"
    return TradeIngestError(message, hint="this is a defect: the rows are loaded; please report it with the log")
