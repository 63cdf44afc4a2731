"""Files handed over to lakes: after their COMMIT, from the committed rows, as often as it takes."""

from __future__ import annotations

import logging
import queue
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import psycopg

from trade_ingest.errors import HandoverError, TradeIngestError
from trade_ingest.ledger.connection import as_ingest_error, open_connection
from trade_ingest.ledger.contracts import stored_contract
from trade_ingest.ledger.handover import (
    OpenHandover,
    Pending,
    begin_handover,
    find_open,
    handover_event,
    list_open,
    list_unfinished,
    locked_handover,
    note_objects,
    record_handover,
    record_handover_failure,
)
from trade_ingest.load.kept import KeptRows
from trade_ingest.load.target import TargetTable
from trade_ingest.load.task import ErrorInfo, HandedOver
from trade_ingest.source.access import Accesses

if TYPE_CHECKING:
    from trade_ingest.lake.spool import SpooledDay
    from trade_ingest.load.copying import Report
    from trade_ingest.load.task import FileResult, LoadTask
    from trade_ingest.load.transaction import Loader

    Connection = psycopg.Connection[Any]

logger = logging.getLogger(__name__)

HANDOVERS_AT_ONCE = 4
"""Of those that earlier runs have left; each has two connections of its own to the database."""

_ROUNDS = 5  # of a file that is changed again and again while it is handed over


class _ChangedError(Exception):
    """Not a failure: the file is another one than when its hand-over began, which begins again."""


def load_and_hand_over(loader: Loader, task: LoadTask, report: Report) -> FileResult:
    """Load a file and, once it is committed, hand it over to the lakes of its target.

    What ``Loader.load`` guarantees holds whatever comes of the hand-overs. What fails or is broken off is made up by
    the next run.
    """
    if task.handover is None:
        return loader.load(task, report)
    with tempfile.TemporaryDirectory(prefix="trade-ingest-") as folder:
        kept = KeptRows(Path(folder)) if task.handover.lake_ids else None
        result = loader.load(replace(task, kept=kept), report)
        if result.state != "loaded" and result.reason != "same_content":  # which may have taken another one out
            return result
        with Handovers(loader.database, task.handover.accesses, loader) as handovers:
            if kept is not None:
                handovers.note_kept(task.file_id, task.run_id, kept)
            return replace(result, handed_over=tuple(handovers.of_files([task.file_id])))


def finish_handovers(database: str, target: str, accesses: Accesses) -> Iterator[HandedOver]:
    """Hand over what earlier runs that loaded into a target have left, some files at once."""
    with open_connection(database) as connection:
        left = list_unfinished(connection, target)
    yield from _all_of(database, left, accesses)


def settle_handovers(database: str, file_ids: Sequence[int], accesses: Accesses) -> list[HandedOver]:
    """Bring the lakes in line with files that were changed; what fails, whatever it is, is left to the next run."""
    try:
        with open_connection(database) as connection:
            left = list_open(connection, file_ids)
        return list(_all_of(database, left, accesses))
    except (TradeIngestError, psycopg.Error) as exc:
        logger.warning("files %s: their hand-over is left to the next run: %s", list(file_ids), exc)
        return []


def _all_of(database: str, left: Sequence[Pending], accesses: Accesses) -> Iterator[HandedOver]:
    for _, stage in groupby(left, key=lambda pending: pending.stage):
        waiting = queue.SimpleQueue[Pending]()
        for pending in stage:
            waiting.put(pending)
        threads = min(HANDOVERS_AT_ONCE, waiting.qsize())
        with ThreadPoolExecutor(threads, thread_name_prefix="handover") as pool:
            futures = [pool.submit(_some_of, database, waiting, accesses) for _ in range(threads)]
            for future in futures:
                yield from future.result()


def _some_of(database: str, waiting: queue.SimpleQueue[Pending], accesses: Accesses) -> list[HandedOver]:
    """Hand over until nothing waits any more."""
    done: list[HandedOver] = []
    with Handovers(database, accesses) as handovers:
        while True:
            try:
                pending = waiting.get_nowait()
            except queue.Empty:
                return done
            handed = handovers.of_file(pending.file_id, pending.lake_id)
            if handed is not None:
                done.append(handed)


class Handovers:
    """Hands files over, one at a time, over two connections: its own, or those of a loader that is between files."""

    def __init__(self, database: str, accesses: Accesses, loader: Loader | None = None) -> None:
        self._database = database
        self._accesses = accesses
        self._loader = loader
        self._own: dict[str, Connection] = {}
        self._kept: dict[tuple[int, int | None], KeptRows] = {}

    def note_kept(self, file_id: int, run_id: int, kept: KeptRows) -> None:
        """Use the rows that a run has kept as it loaded a file, if they are all that is committed of it."""
        self._kept[file_id, run_id] = kept

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close its own connections."""
        for connection in self._own.values():
            connection.close()
        self._own.clear()

    def _connection(self, purpose: str) -> Connection:
        if self._loader is not None:
            return self._loader.connection(purpose)
        connection = self._own.get(purpose)
        if connection is None or connection.closed:
            name = f"trade-ingest handover {purpose}"
            connection = open_connection(self._database, autocommit=purpose == "ledger", name=name)
            self._own[purpose] = connection
        return connection

    def of_files(self, file_ids: Sequence[int]) -> Iterator[HandedOver]:
        """Bring all lakes in line with files, and with those that these have replaced."""
        try:
            found = list_open(self._connection("ledger"), file_ids)
        except (TradeIngestError, psycopg.Error) as exc:
            logger.warning("files %s: their hand-over is left to the next run: %s", list(file_ids), exc)
            return
        for pending in found:
            done = self.of_file(pending.file_id, pending.lake_id)
            if done is not None:
                yield done

    def of_file(self, file_id: int, lake_id: int) -> HandedOver | None:
        """Bring one lake in line with a file; None if it is, another process is at it, or the database is away."""
        done = None
        try:
            ledger = self._connection("ledger")
            with locked_handover(ledger, file_id, lake_id) as is_ours:
                if not is_ours:
                    return None
                for _ in range(_ROUNDS):
                    handover = find_open(ledger, file_id, lake_id)
                    if handover is None:
                        break
                    try:
                        done = self._hand_over(ledger, handover)
                    except _ChangedError:
                        continue
                    if done.error is not None:
                        break
        except (TradeIngestError, psycopg.Error) as exc:
            error = as_ingest_error(exc) if isinstance(exc, psycopg.Error) else exc
            logger.warning("file %d: its hand-over is left to the next run: %s", file_id, error)
        return done

    def _hand_over(self, ledger: Connection, handover: OpenHandover) -> HandedOver:
        try:
            objects = self._perform(ledger, handover)
        except _ChangedError:
            raise
        except Exception as exc:  # noqa: BLE001  # whatever it is, the file's rows are loaded and others go on
            error = ErrorInfo.of(_as_ingest_error(exc, handover.uri))
            record_handover_failure(ledger, handover, error.as_dict())
            event = handover_event(handover, error.as_dict())
            return HandedOver(handover.file_id, handover.uri, handover.lake.name, handover.rows, event, error)
        event = record_handover(ledger, handover, objects)
        return HandedOver(handover.file_id, handover.uri, handover.lake.name, handover.rows, event)

    def _perform(self, ledger: Connection, handover: OpenHandover) -> Sequence[str]:
        """Do it; the names of the objects that the lake holds of the file then."""
        from trade_ingest.lake.writer import writer_of  # with all of Parquet, which most loads do without

        lake = writer_of(handover.lake, self._database, self._accesses)
        if handover.attempts and lake.is_done(handover):
            return handover.objects
        if not handover.is_wanted and not handover.attempts:
            return ()  # nothing of it was ever written
        attempt = begin_handover(ledger, handover)
        target = TargetTable.of(stored_contract(ledger, handover.contract_id))
        with tempfile.TemporaryDirectory(prefix="trade-ingest-") as folder:
            spooled = self._spool(handover, target, Path(folder)) if handover.is_wanted else []
            names = lake.names(handover, attempt, spooled)
            note_objects(ledger, handover, {*handover.objects, *names})

            def check() -> None:
                """The lock is the session's: whoever has lost that must not write any more."""
                ledger.execute("SELECT")

            lake.publish(handover, target, list(zip(names, spooled, strict=True)), check)
        return names

    def _spool(self, handover: OpenHandover, target: TargetTable, folder: Path) -> list[SpooledDay]:
        from trade_ingest.lake.rows import are_stored_as_sent, as_in_lake, file_of, lake_schema, read_rows
        from trade_ingest.lake.spool import Spool

        connection = self._connection("file")
        with _snapshot(connection):
            now = find_open(connection, handover.file_id, handover.lake.lake_id)
            if now is None or now.facts != handover.facts:
                raise _ChangedError
            spool = Spool(folder, lake_schema(target), target.event_time)
            kept = self._kept.get((now.file_id, now.loaded_by_run_id))
            # as many: none was a duplicate or a conflict, nor replayed since
            if kept is not None and kept.rows == now.rows and are_stored_as_sent(connection, target):
                return spool.write(as_in_lake(kept.batches(), target))
            return spool.write(read_rows(connection, target, file_of(now), now.rows))


@contextmanager
def _snapshot(connection: Connection) -> Iterator[None]:
    """A transaction that sees one moment, and is undone."""
    connection.rollback()
    connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
    try:
        yield
    finally:
        if not connection.closed:
            connection.rollback()


def _as_ingest_error(error: Exception, uri: str) -> TradeIngestError:
    if isinstance(error, TradeIngestError):
        return error
    if isinstance(error, psycopg.Error):
        return as_ingest_error(error)
    if isinstance(error, OSError):
        message = f"{uri}: {error.filename or 'temporary folder'}: {error.strerror or error}"
        return HandoverError(message, hint="the temporary folder (TMPDIR) needs room for the file as Parquet", uri=uri)
    logger.error("%s: unexpected error", uri, exc_info=error)
    message = f"{uri}: unexpected {type(error).__name__}: {error}"
    return TradeIngestError(message, hint="this is a defect: the rows are loaded; please report it with the log")
