"""One file, one transaction."""

from __future__ import annotations

import logging
import os
import socket
import time
from dataclasses import replace
from typing import Any, Self

import psycopg
from psycopg import errors as pg
from xxhash import xxh3_128

from trade_ingest.contract.model import Contract, OnChanged
from trade_ingest.errors import DatabaseUnavailableError, FileChangedError, TradeIngestError
from trade_ingest.ledger import files
from trade_ingest.ledger.after_load import AfterLoadAction, request_action
from trade_ingest.ledger.connection import as_ingest_error, open_connection, wrap_database_errors
from trade_ingest.ledger.events import record_event
from trade_ingest.ledger.handover import request_handovers
from trade_ingest.ledger.progress import Progress, delete_progress, write_progress
from trade_ingest.load.copying import FileCopy, Report, hash_seed
from trade_ingest.load.lanes import NeedsOneLaneError
from trade_ingest.load.outcome import event_of
from trade_ingest.load.partitions import Partitions
from trade_ingest.load.parts import publish_parts, remove_parts
from trade_ingest.load.replace import move_to_replaced, recheck_dependents
from trade_ingest.load.target import TargetTable
from trade_ingest.load.task import ErrorInfo, FileResult, FileState, LoadTask
from trade_ingest.source.stream import read_chunks

Connection = psycopg.Connection[Any]

logger = logging.getLogger(__name__)


class _SameContentError(Exception):
    """Not a failure: a loaded file has this content, so the transaction is undone."""


class Loader:
    """Loads files into one database, one at a time, over two connections that it keeps.

    One connection has the file's transaction; the other records attempts and makes partitions, each in short
    transactions that others see at once.
    """

    def __init__(self, database: str) -> None:
        self._database = database
        self._connections: dict[str, Connection] = {}
        self._contracts: dict[int, Contract] = {}
        self._targets: dict[int, TargetTable] = {}
        self._partitions: dict[int, Partitions] = {}

    @property
    def database(self) -> str:
        """The URL of the database."""
        return self._database

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections; a transaction that is open is rolled back."""
        for connection in self._connections.values():
            connection.close()
        self._connections.clear()

    def load(self, task: LoadTask, report: Report = lambda _: None) -> FileResult:
        """Load one file: all of it and its ledger row in one commit, or nothing.

        How far it is stands in ``ingest.progress`` and is passed to ``report``, both about twice a second.

        Safe to repeat and to run at once with others for the same file: the second waits (or answers busy) and then
        finds the file loaded. Errors of the file or the database are recorded as the file's failure and returned, not
        raised; those that may pass are tried again first.
        """
        started = time.monotonic()
        task = self._prepared(task)
        for number in range(1, task.options.attempts + 1):
            load = _FileLoad(self, task, report)
            try:
                return load.run(started)
            except Exception as exc:  # noqa: BLE001  # whatever it is, it is this file's failure and not the run's
                error = _as_ingest_error(exc, task)
                self._partitions.clear()  # one may have been dropped
                # a file that has changed will not change back: only the next run knows its new version
                is_last = not isinstance(error, DatabaseUnavailableError) or number == task.options.attempts
                try:
                    load.record_failure(error, is_last=is_last)
                except (TradeIngestError, psycopg.Error):
                    self.close()  # the database is away: the next run finds the attempt abandoned
                if is_last:
                    return load.failed(error, started)
                self.close()
                time.sleep(min(0.1 * 2**number, 3.0))
        raise AssertionError  # pragma: no cover

    def _prepared(self, task: LoadTask) -> LoadTask:
        """The task with one object for one contract: what has been made from that serves all its files."""
        if task.contract_id not in self._contracts:
            self._contracts[task.contract_id] = task.contract
            self._targets[task.contract_id] = TargetTable.of(task.contract)
        return replace(task, contract=self._contracts[task.contract_id])

    def target(self, contract_id: int) -> TargetTable:
        """The target of a contract that a file had which this loader has been given."""
        return self._targets[contract_id]

    def partitions(self, contract_id: int) -> Partitions:
        """The partitions of that target, which remember from file to file what is there."""
        if contract_id not in self._partitions:
            self._partitions[contract_id] = Partitions(self.target(contract_id), lambda: self.connection("ledger"))
        return self._partitions[contract_id]

    def record_failure(self, task: LoadTask, error: TradeIngestError) -> FileResult:
        """Record a file as failed that could not even be tried; its result."""
        load = _FileLoad(self, self._prepared(task), lambda _: None)
        try:
            load.record_failure(error, is_last=True)
        except (TradeIngestError, psycopg.Error):
            logger.warning("%s: its failure could not be recorded", task.file.uri)
        return load.failed(error, time.monotonic())

    def connection(self, purpose: str) -> Connection:
        """The connection for ``file`` or ``ledger``, opened when it is first wanted."""
        connection = self._connections.get(purpose)
        if connection is None or connection.closed:
            connection = open_connection(self._database, autocommit=purpose == "ledger", name=f"trade-ingest {purpose}")
            if purpose == "ledger":  # attempts and empty partitions: what a crash may take back is made again
                connection.execute("SET synchronous_commit = off")
            self._connections[purpose] = connection
        return connection


def _as_ingest_error(error: Exception, task: LoadTask) -> TradeIngestError:
    if isinstance(error, TradeIngestError):
        return error
    if isinstance(error, psycopg.Error):
        return as_ingest_error(error)
    logger.error("%s: unexpected error", task.file.uri, exc_info=error)
    message = f"{task.file.uri}: unexpected {type(error).__name__}: {error}"
    return TradeIngestError(
        message, hint="this is a defect: nothing was loaded; please report it with the log", uri=task.file.uri
    )


class _FileLoad:
    """One attempt at one file."""

    def __init__(self, loader: Loader, task: LoadTask, report: Report) -> None:
        self._loader = loader
        self._task = task
        self._report = report
        self._target = loader.target(task.contract_id)
        self._copy = self._new_copy()
        self._attempt_id: int | None = None
        self._is_first_attempt = True
        self._has_progress = False
        self._content_hash: bytes | None = None
        self._lanes: list[Connection] = []

    @property
    def _contract(self) -> Contract:
        return self._task.contract

    def _new_copy(self) -> FileCopy:
        return FileCopy(self._task, self._target, self._loader.partitions(self._task.contract_id), self._note_progress)

    def _note_progress(self, progress: Progress) -> None:
        write_progress(self._loader.connection("ledger"), self._task.run_id, progress)
        self._has_progress = True
        self._report(progress)

    def _forget_progress(self, connection: Connection) -> None:
        if self._has_progress:
            delete_progress(connection, self._task.file_id)

    def run(self, started: float) -> FileResult:
        connection = self._loader.connection("file")
        self._lanes = [connection]
        row = files.lock_file(connection, self._task.file_id, waits=self._task.waits)
        if row is None:
            connection.rollback()
            return self._result(FileState.PENDING, started, is_busy=True)
        if row.state in files.FINAL_STATES:
            connection.rollback()
            return self._settled(row, started)
        try:
            self._begin_attempt(row.file_id)
            try:
                return self._load(connection, row, started, lanes=self._task.options.lanes)
            except NeedsOneLaneError:
                return self._load_again(connection, started)
        except _SameContentError:
            self._rollback()
            return self._skip_same_content(connection, row, started)
        except BaseException:
            self._rollback()
            raise

    def _begin_attempt(self, file_id: int) -> None:
        ledger = self._loader.connection("ledger")
        worker = f"{socket.gethostname()}:{os.getpid()}"
        self._attempt_id, number = files.start_attempt(ledger, file_id, self._task.run_id, worker)
        self._is_first_attempt = number == 1
        if not self._is_first_attempt:
            with ledger.transaction():  # seen by the lanes at once; this transaction's lock keeps others away
                remove_parts(ledger, self._target.identifier, file_id, self._attempt_id)

    def _load_again(self, connection: Connection, started: float) -> FileResult:
        """Start over with one transaction, which can tell duplicates and conflicts apart."""
        self._rollback()
        self._copy = self._new_copy()
        row = files.lock_file(connection, self._task.file_id, waits=True)
        if row is None or row.state in files.FINAL_STATES:
            raise DatabaseUnavailableError(f"{self._task.file.uri}: taken over by another process", hint="run again")
        return self._load(connection, row, started, lanes=1)

    def _rollback(self) -> None:
        for connection in self._lanes:
            if not connection.closed:
                connection.rollback()

    def _load(self, connection: Connection, row: files.FileRow, started: float, *, lanes: int) -> FileResult:
        predecessor = files.find_predecessor(connection, row)
        if predecessor is not None and self._policy == OnChanged.FAIL:
            message = f"{row.uri}: has new content (loaded as version {predecessor.version}, now {row.version})"
            raise FileChangedError(message, hint="load it with --on-changed replace or append", uri=row.uri)
        if predecessor is not None and self._policy == OnChanged.SKIP:
            return self._skip(connection, row, started, "changed", predecessor.file_id)
        self._refuse_known_content(connection, row)
        replaces = None
        if predecessor is not None and self._is_to_replace(predecessor):
            replaces = predecessor
            move_to_replaced(connection, self._target, replaces)
            lanes = 1  # only this transaction sees that the old rows are out
        if not self._is_first_attempt:
            files.delete_rejects(connection, row.file_id)
        assert self._attempt_id is not None
        self._lanes = [connection, *(self._loader.connection(f"lane {n}") for n in range(1, lanes))]
        self._copy.run(self._lanes, self._attempt_id)
        return self._publish(connection, row, replaces, started)

    def _refuse_known_content(self, connection: Connection, row: files.FileRow) -> None:
        """Hash the file first where a loaded one has as many bytes: cheaper than loading it to find out."""
        size = self._task.file.size_bytes
        if not size or not files.has_loaded_content_of_size(connection, row.target, size):
            return
        digest = xxh3_128(hash_seed(self._contract, row.uri))
        for chunk in read_chunks(self._task.file, self._contract.format.compression):
            digest.update(chunk)
        self._content_hash = digest.digest()
        same = files.find_same_content(connection, row.target, self._content_hash)
        if same is not None:
            raise _SameContentError

    def _publish(
        self, connection: Connection, row: files.FileRow, replaces: files.FileRow | None, started: float
    ) -> FileResult:
        assert self._copy.reader is not None
        assert self._attempt_id is not None
        reader, tally = self._copy.reader, self._copy.tally
        self._content_hash = reader.content_hash
        if replaces is not None and replaces.rows_read and replaces.content_hash == reader.content_hash:
            raise _SameContentError
        counts = files.LoadedCounts(
            content_hash=reader.content_hash,
            content_bytes=reader.content_bytes,
            rows_read=reader.row_count,
            rows_loaded=tally.rows_loaded,
            rows_duplicate=tally.rows_duplicate,
            rows_rejected=tally.rows_rejected,
            control_totals=tally.totals,
            event_time_min=tally.first_time,
            event_time_max=tally.last_time,
            days=tally.days,
            header=None if reader.header is None else [cell.replace("\0", "\\x00") for cell in reader.header],
            header_record=reader.header_record,
        )
        if replaces is not None:
            recheck_dependents(connection, self._target, replaces)
        files.add_overlaps(connection, row.file_id, tally.duplicates)
        try:
            files.mark_loaded(
                connection,
                row.file_id,
                self._task.run_id,
                self._task.contract_id,
                counts,
                None if replaces is None else replaces.file_id,
            )
        except pg.UniqueViolation as exc:
            if exc.diag.constraint_name == "file_content":
                raise _SameContentError from exc
            raise
        if self._task.after_load is not None:
            request_action(connection, row.file_id, self._task.run_id, self._task.after_load)
        if self._task.handover is not None:
            replaced = None if replaces is None else replaces.file_id
            request_handovers(connection, row.file_id, self._task.run_id, self._task.handover.lake_ids, replaced)
        with tally.timed("commit"):
            publish_parts(self._lanes, row.file_id)
        result = self._result(FileState.LOADED, started)
        files.end_attempt(
            connection,
            self._attempt_id,
            "loaded",
            rows_read=reader.row_count,
            bytes_read=reader.content_bytes,
            stage_seconds=_rounded(tally.seconds),
        )
        record_event(connection, event_of(result, self._task.run_id))
        self._forget_progress(connection)
        with tally.timed("commit"):
            connection.commit()
        return self._result(FileState.LOADED, started)

    def _skip_same_content(self, connection: Connection, row: files.FileRow, started: float) -> FileResult:
        assert self._content_hash is not None
        assert self._attempt_id is not None
        locked = files.lock_file(connection, row.file_id, waits=True)
        if locked is None or locked.state in files.FINAL_STATES:
            connection.rollback()
            files.end_attempt(self._loader.connection("ledger"), self._attempt_id, "skipped")
            return self._settled(locked or row, started)
        same = files.find_same_content(connection, row.target, self._content_hash)
        if same is None:  # its owner was rolled back in this moment
            connection.rollback()
            message = f"{row.uri}: the file with the same content has just been taken out"
            raise DatabaseUnavailableError(message, hint="run it again")
        predecessor = files.find_predecessor(connection, row)
        replaces = None
        if predecessor is not None and predecessor.file_id != same and self._is_to_replace(predecessor):
            replaces = predecessor.file_id  # the file has other content now, though that content is loaded already
            move_to_replaced(connection, self._target, predecessor)
            recheck_dependents(connection, self._target, predecessor)
        return self._skip(connection, row, started, "same_content", same, replaces=replaces)

    def _is_to_replace(self, predecessor: files.FileRow) -> bool:
        return self._policy == OnChanged.REPLACE and predecessor.state == FileState.LOADED

    @property
    def _policy(self) -> OnChanged:
        return self._task.options.on_changed or self._contract.on_changed

    def _skip(
        self,
        connection: Connection,
        row: files.FileRow,
        started: float,
        reason: str,
        same_as: int,
        *,
        replaces: int | None = None,
    ) -> FileResult:
        assert self._attempt_id is not None
        files.mark_skipped(
            connection,
            row.file_id,
            self._task.run_id,
            reason,
            same_as=same_as,
            content_hash=self._content_hash,
            replaces=replaces,
        )
        wanted = self._task.after_load
        if wanted is not None and reason == "same_content" and wanted.action != AfterLoadAction.DELETE:
            request_action(connection, row.file_id, self._task.run_id, wanted)
        files.end_attempt(connection, self._attempt_id, "skipped")
        result = FileResult(
            row.file_id,
            row.uri,
            self._task.file.size_bytes,
            FileState.SKIPPED,
            reason=reason,
            duration_seconds=time.monotonic() - started,
        )
        record_event(connection, event_of(result, self._task.run_id))
        self._forget_progress(connection)
        connection.commit()
        return result

    def record_failure(self, error: TradeIngestError, *, is_last: bool) -> None:
        """Write the failure to the ledger; what the transaction did is rolled back already."""
        info = ErrorInfo.of(error).as_dict()
        ledger = self._loader.connection("ledger")
        with wrap_database_errors(), ledger.transaction():
            self._forget_progress(ledger)
            if self._attempt_id is not None:
                files.end_attempt(
                    ledger,
                    self._attempt_id,
                    "failed",
                    rows_read=self._copy.reader.row_count if self._copy.reader else 0,
                    bytes_read=self._copy.reader.content_bytes if self._copy.reader else 0,
                    stage_seconds=_rounded(self._copy.tally.seconds),
                    error=info,
                )
            if not is_last:
                return
            read = self._copy.reader.row_count if self._copy.reader else 0
            rejected = self._copy.tally.rows_rejected
            if files.mark_failed(ledger, self._task.file_id, self._task.run_id, info, read, rejected):
                files.delete_rejects(ledger, self._task.file_id)
                files.add_rejects(ledger, self._task.file_id, self._task.run_id, self._copy.tally.first_rejects)
                record_event(ledger, event_of(self.failed(error, time.monotonic()), self._task.run_id))

    def failed(self, error: TradeIngestError, started: float) -> FileResult:
        """The result of a file that could not be loaded."""
        return self._result(FileState.FAILED, started, error=ErrorInfo.of(error))

    def _settled(self, row: files.FileRow, started: float) -> FileResult:
        """The result of a file that somebody has finished: this run, before its connection broke, or another one."""
        is_ours = row.run_id == self._task.run_id and row.state == FileState.LOADED
        return FileResult(
            row.file_id,
            row.uri,
            self._task.file.size_bytes,
            FileState.LOADED if is_ours else FileState.SKIPPED,
            reason="" if is_ours else "loaded_by_other_run" if row.state == "loaded" else row.reason or row.state,
            rows_read=row.rows_read if is_ours else 0,
            rows_loaded=row.rows_loaded if is_ours else 0,
            rows_duplicate=row.rows_duplicate if is_ours else 0,
            rows_rejected=row.rows_rejected if is_ours else 0,
            duration_seconds=time.monotonic() - started,
        )

    def _result(
        self, state: FileState, started: float, *, error: ErrorInfo | None = None, is_busy: bool = False
    ) -> FileResult:
        tally, reader = self._copy.tally, self._copy.reader
        is_loaded = state == FileState.LOADED
        return FileResult(
            self._task.file_id,
            self._task.file.uri,
            self._task.file.size_bytes,
            state,
            reason=error.code if error else "",
            rows_read=reader.row_count if reader else 0,
            rows_loaded=tally.rows_loaded if is_loaded else 0,
            rows_duplicate=tally.rows_duplicate if is_loaded else 0,
            rows_rejected=tally.rows_rejected,
            records_ignored=reader.ignored_count if reader else 0,
            content_bytes=reader.content_bytes if reader else 0,
            duration_seconds=round(time.monotonic() - started, 4),
            stage_seconds=_rounded(tally.seconds),
            error=error,
            is_busy=is_busy,
        )


def _rounded(seconds: dict[str, float]) -> dict[str, float]:
    return {stage: round(value, 4) for stage, value in seconds.items()}
