"""The public functions: plan, ingest, check and baseline. Shells call them and contain no logic of their own."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from threading import Event as StopSignal
from typing import TYPE_CHECKING, Any

from trade_ingest.contract.model import Contract, OnChanged, RejectLimit
from trade_ingest.errors import RunInterruptedError, TradeIngestError
from trade_ingest.ledger import schema
from trade_ingest.ledger.connection import open_connection, wrap_database_errors
from trade_ingest.ledger.contracts import contract_id_of
from trade_ingest.ledger.events import Event, EventKind, record_event
from trade_ingest.ledger.listed import marked_for_recheck, stage_listing
from trade_ingest.ledger.runs import RUN_COUNTERS, RunState, abandon_dead_runs, count_run, end_run, start_run
from trade_ingest.plan import Plan, PlannedFile, compare_listing, register_files
from trade_ingest.source.access import Accesses
from trade_ingest.source.connection import StoreConnection
from trade_ingest.source.listing import Connections, OpenListing
from trade_ingest.source.location import shown_source
from trade_ingest.source.pattern import EVERYTHING, Selection

if TYPE_CHECKING:
    import psycopg

    from trade_ingest.archive import Archived
    from trade_ingest.engine.base import Engine
    from trade_ingest.ledger.progress import Progress
    from trade_ingest.load.task import FileResult, LoadOptions, LoadTask

logger = logging.getLogger(__name__)

LANES_FROM_BYTES = 64 << 20
"""A file smaller than this is loaded over one connection: more would cost more than they save."""

WORKERS_FROM_BYTES = 16 << 20
"""Less than this is loaded before worker processes have started (0.5 s each), unless it is in many files."""

WORKERS_FROM_FILES = 200
"""Files of which each takes 7 ms, however small it is, and a round trip where it lies in an object store."""

CONNECTIONS_PER_FILE = 2
"""Of each file that is being loaded: one for its transaction, one for what others are to see at once."""

FILES_AT_ONCE = 50_000
"""Files that are registered and handed to the engine at once; the facts of all others are not in memory."""

_OWN_CONNECTIONS = 2  # the run's own, and the one that watches the executors
_ARCHIVE_CONNECTIONS = 1  # of a run that moves, tags or deletes files, where its connections are limited

_COUNT_SECONDS = 0.5  # how often a run's counters reach the ledger

OnPlanning = Callable[[str, int], None]
"""Called while a plan is made: ``listing`` and the number of files so far, then ``comparing`` and that of all."""

OnEvent = Callable[[Event], None]
OnProgress = Callable[["Progress"], None]


@dataclass(frozen=True, slots=True)
class RunOptions:
    """How a run works.

    Attributes:
        engine: ``local``, ``spark``, or ``auto``: Spark where it is configured.
        parallelism: files loaded at once; None: what the engine finds best.
        max_connections: connections to the database that the run may have open at once, on whatever machines.
        master: where Spark runs; see ``engine.spark_session.open_session``.
        spark_conf: settings of a Spark session that is started.
        on_changed: instead of the contract's policy.
        reject_limit: instead of the contract's limit.
        reload: load rolled-back files again.
        connections: the named connections of the settings, for object stores; not kept in the ledger.
        selection: which of the sources' files are taken.
        after_load: what is done with a file after its COMMIT: ``keep``, ``move:URI``, ``tag`` or ``delete``.
    """

    engine: str = "auto"
    parallelism: int | None = None
    max_connections: int | None = None
    master: str | None = None
    spark_conf: Mapping[str, str] = field(default_factory=dict)
    on_changed: OnChanged | None = None
    reject_limit: RejectLimit | None = None
    reload: bool = False
    connections: tuple[StoreConnection, ...] = ()
    selection: Selection = EVERYTHING
    after_load: str = "keep"

    def as_dict(self) -> dict[str, Any]:
        """The form kept in the ledger."""
        limit = self.reject_limit
        return {
            "engine": self.engine,
            "parallelism": self.parallelism,
            "max_connections": self.max_connections,
            "master": self.master,
            "on_changed": self.on_changed and self.on_changed.value,
            "reject_limit": None if limit is None else limit.model_dump(),
            "reload": self.reload,
            "after_load": shown_source(self.after_load),
            **self.selection.as_dict(),
        }


@dataclass(slots=True)
class RunResult:
    """What a run did; the counters are also in the ledger (``ingest.run``).

    ``files_planned`` are the files that the run set out to load; ``files_skipped`` all others of the listing and those
    that turned out to need no loading. ``files_archived`` were moved, tagged or deleted after loading, also for earlier
    runs; ``archive_failed`` could not be: their rows are loaded, and the run has succeeded all the same.
    """

    run_id: int
    state: RunState
    contract: str
    target: str
    counters: dict[str, int]
    duration_seconds: float
    failed: list[FileResult] = field(default_factory=list)
    files_archived: int = 0
    archive_failed: list[Archived] = field(default_factory=list)

    def __getattr__(self, name: str) -> int:
        if name in RUN_COUNTERS:
            return self.counters[name]
        raise AttributeError(name)

    def as_dict(self) -> dict[str, Any]:
        """The object that ``-o json`` prints."""
        return {
            "run_id": self.run_id,
            "state": self.state.value,
            "contract": self.contract,
            "target": self.target,
            **self.counters,
            "duration_seconds": round(self.duration_seconds, 3),
            "failed": [
                {"file_id": f.file_id, "uri": f.uri, "error": f.error and f.error.as_dict()} for f in self.failed
            ],
            "files_archived": self.files_archived,
            "archive_failed": [archived.as_dict() for archived in self.archive_failed],
        }


def plan(
    sources: Sequence[str],
    *,
    contract: Contract,
    database: str,
    on_changed: OnChanged | None = None,
    reload: bool = False,
    connections: Connections = (),
    selection: Selection = EVERYTHING,
    on_planning: OnPlanning = lambda *_: None,
) -> Plan:
    """What ``ingest`` with the same arguments would load, and why not the rest; changes nothing.

    A million files take less than 200 MB of memory, wherever they are and whatever becomes of them.

    Raises:
        SourceNotFoundError: a source matches no file.
        DatabaseUnavailableError, DatabaseAuthenticationError: the database cannot be used.
    """
    with wrap_database_errors(), open_connection(database) as connection:
        has_ledger = schema.current_revision(connection) is not None
        if has_ledger:
            schema.require_ledger(connection)
        ignored = _stage(connection, sources, contract, connections, selection, on_planning)
        return compare_listing(
            connection, contract, on_changed=on_changed, reload=reload, has_ledger=has_ledger, ignored=ignored
        )


def _stage(
    connection: psycopg.Connection[Any],
    sources: Sequence[str],
    contract: Contract,
    connections: Connections,
    selection: Selection,
    on_planning: OnPlanning = lambda *_: None,
    stop: StopSignal | None = None,
) -> tuple[str, ...]:
    """Stage the listing of the sources, say so, and return the paths that it left out.

    Raises:
        RunInterruptedError: ``stop`` was set before the end of the listing.
    """
    listed = 0

    def note(files: int) -> None:
        nonlocal listed
        listed = files
        if stop is not None and stop.is_set():
            raise RunInterruptedError("interrupted while listing", hint="nothing was begun: run it again")
        on_planning("listing", files)

    delivery = selection.delivery_over(contract.delivery)
    listing = OpenListing(sources, connections=connections, selection=selection, delivery=delivery)
    stage_listing(connection, listing, note)
    on_planning("comparing", listed)
    return listing.ignored


def ingest(  # noqa: PLR0913  # what it works with, and who is to know of it
    sources: Sequence[str],
    *,
    contract: Contract,
    database: str,
    options: RunOptions = RunOptions(),
    on_event: OnEvent = lambda _: None,
    on_progress: OnProgress = lambda _: None,
    on_plan: Callable[[Plan], None] = lambda _: None,
    on_planning: OnPlanning = lambda *_: None,
    stop: StopSignal | None = None,
) -> RunResult:
    """Load the files of the sources that are not loaded yet: each file exactly once, into one PostgreSQL database.

    Each file is one transaction: all its rows, its rejects and its ledger row, or nothing. Safe to repeat, to kill and
    to run several times at once. A file that fails does not stop the others. The ledger and the target are made if
    they do not exist.

    Args:
        sources: files, folders, globs.
        contract: what the files must look like and where their rows go.
        database: the URL of the database.
        options: how the run works.
        on_event: called for each state change, in this thread.
        on_progress: called about twice a second for each file that is being loaded.
        on_plan: called once, when it is known what will be loaded.
        on_planning: called while that is found out.
        stop: when set, files in flight are finished, no further one is begun, and the run ends as ``interrupted``.

    Raises:
        SourceNotFoundError: a source matches no file.
        UsageError: ``options.after_load`` cannot be done with these sources.
        TargetIncompatibleError: the target table exists and differs from the contract.
        LedgerVersionError: the ledger is of another version of this program.
        DatabaseUnavailableError, DatabaseAuthenticationError, DatabasePermissionError: the database cannot be used.
    """
    from trade_ingest.archive import ACTIONS_AT_ONCE, Archiver, after_loading, finish_left
    from trade_ingest.load.parts import repair_parts
    from trade_ingest.load.target import ensure_target

    started, started_at = time.monotonic(), datetime.now(UTC)
    stop = stop or StopSignal()
    after = after_loading(options.after_load, sources)
    accesses = Accesses.to(sources, options.connections)
    shown_sources = [shown_source(source) for source in sources]
    with wrap_database_errors(), open_connection(database, name="trade-ingest run") as connection:
        ignored = _stage(connection, sources, contract, options.connections, options.selection, on_planning, stop)
        prepare_ledger(database)
        for run_id in abandon_dead_runs(connection):
            logger.warning("run %d was abandoned: its process died; its files are planned again", run_id)
        for file_id in repair_parts(connection):
            logger.warning("file %d: rows that a crash had left half published were taken out", file_id)
        was_created = ensure_target(connection, contract)
        contract_id = contract_id_of(connection, contract)
        engine_name = engine_for(options.engine, options.master)
        run_id = start_run(
            connection,
            "ingest",
            sources=shown_sources,
            contract_id=contract_id,
            target=contract.target.qualified_name,
            engine=engine_name,
            options=options.as_dict(),
        )
        run = _Run(connection, run_id, contract, started, on_event)
        on_event(Event(EventKind.RUN_STARTED, run_id, detail={"kind": "ingest", "sources": shown_sources}))
        with run.recorded(), ExitStack() as stack:
            if was_created:
                run.emit(Event(EventKind.TARGET_CREATED, run_id, detail={"target": contract.target.qualified_name}))
            run.note_all_archived(finish_left(connection, database, contract.target.qualified_name, accesses))
            the_plan = compare_listing(
                connection, contract, on_changed=options.on_changed, reload=options.reload, ignored=ignored
            )
            on_plan(the_plan)
            run.note_plan(the_plan)
            threads = ACTIONS_AT_ONCE if options.max_connections is None else 1
            archiver = stack.enter_context(Archiver(database, accesses, threads=threads))
            engine: Engine | None = None
            while the_plan.to_load:
                engine = engine or stack.enter_context(_open_engine(engine_name, database, options, the_plan, accesses))
                load_options = _load_options(options, the_plan, engine)
                for files in _batches(the_plan.to_load, stop):
                    tasks = _tasks(connection, files, contract, contract_id, run_id, load_options, accesses)
                    if after is not None:
                        tasks = after.requested_for(tasks, started_at)
                    for result in engine.run(tasks, on_progress=on_progress, stop=stop):
                        run.note_result(result)
                        if after is not None:
                            archiver.note(result)
                            run.note_all_archived(archiver.done())
                if stop.is_set():
                    break
                the_plan = _plan_of_rechecks(connection, run.failed_uris, contract, options)
                run.counters["files_planned"] += len(the_plan.to_load)
            run.note_all_archived(archiver.wait())
            return run.finish(is_interrupted=stop.is_set() and run.has_left_files)


def _batches(files: Sequence[PlannedFile], stop: StopSignal) -> Iterator[Sequence[PlannedFile]]:
    for first in range(0, len(files), FILES_AT_ONCE):
        if stop.is_set():
            return
        yield files[first : first + FILES_AT_ONCE]


def _plan_of_rechecks(
    connection: psycopg.Connection[Any], failed_uris: AbstractSet[str], contract: Contract, options: RunOptions
) -> Plan:
    """What is to be loaded again because a file was replaced whose rows it had duplicates of; see ``load.replace``."""
    only = []
    for uri, is_listed in marked_for_recheck(connection, contract.target.qualified_name):
        if is_listed and uri not in failed_uris:
            only.append(uri)
        else:
            logger.warning("%s: has rows that a replaced file had, too; load it again to have them", uri)
    return compare_listing(connection, contract, on_changed=options.on_changed, only=only)


def baseline(
    sources: Sequence[str],
    *,
    contract: Contract,
    database: str,
    connections: Connections = (),
    selection: Selection = EVERYTHING,
) -> RunResult:
    """Mark the files of the sources as loaded without loading them, at the versions that they have now.

    For a target that was filled by other means: from then on only new and changed files are loaded.

    Raises:
        SourceNotFoundError: a source matches no file.
    """
    started = time.monotonic()
    with wrap_database_errors(), open_connection(database) as connection:
        _stage(connection, sources, contract, connections, selection)
        prepare_ledger(database)
        contract_id = contract_id_of(connection, contract)
        run_id = start_run(
            connection,
            "baseline",
            sources=[shown_source(source) for source in sources],
            contract_id=contract_id,
            target=contract.target.qualified_name,
            engine="none",
            options=selection.as_dict(),
        )
        run = _Run(connection, run_id, contract, started, lambda _: None)
        with run.recorded():
            the_plan = compare_listing(connection, contract)
            for files in _batches(the_plan.to_load, StopSignal()):
                _mark_baseline(connection, files, contract, contract_id, run_id)
            run.counters["files_planned"] = len(the_plan.to_load)
            run.counters["files_skipped"] = len(the_plan.skipped)
            run.counters["files_loaded"] = len(the_plan.to_load)
            return run.finish(is_interrupted=False)


def _mark_baseline(
    connection: psycopg.Connection[Any],
    files: Sequence[PlannedFile],
    contract: Contract,
    contract_id: int,
    run_id: int,
) -> None:
    target = contract.target.qualified_name
    register_files(connection, files, target, contract_id, state="baseline")
    connection.execute(
        "UPDATE ingest.file SET state = 'baseline', reason = NULL, run_id = %s, error = NULL"
        " WHERE target = %s AND uri = ANY(%s) AND state IN ('pending', 'failed', 'baseline') AND"
        " (state <> 'baseline' OR run_id IS NULL)",
        [run_id, target, [f.file.uri for f in files]],
    )


def prepare_ledger(database: str) -> None:
    """Make the ledger where there is none.

    Raises:
        LedgerVersionError: there is one of another version.
    """
    with wrap_database_errors(), open_connection(database) as connection:
        revision = schema.current_revision(connection)
        if revision is not None:
            schema.require_ledger(connection)
            return
    schema.upgrade(database)


def engine_for(name: str, master: str | None = None) -> str:
    """The engine that a run uses: ``auto`` is ``spark`` where a master or a session is given, else ``local``."""
    from trade_ingest.engine.spark_session import is_spark_configured

    if name != "auto":
        return name
    return "spark" if master or is_spark_configured() else "local"


@contextmanager
def _open_engine(name: str, database: str, options: RunOptions, the_plan: Plan, accesses: Accesses) -> Iterator[Engine]:
    """The engine, ready to run; what was started for it is stopped afterwards."""
    most = None
    if options.max_connections is not None:
        own = _OWN_CONNECTIONS + (_ARCHIVE_CONNECTIONS if options.after_load != "keep" else 0)
        most = max(1, (options.max_connections - own) // CONNECTIONS_PER_FILE)
    if name == "local":
        from trade_ingest.engine.local import LocalEngine

        is_little = the_plan.bytes_to_load < WORKERS_FROM_BYTES and len(the_plan.to_load) < WORKERS_FROM_FILES
        parallelism = options.parallelism or (1 if is_little else default_parallelism())
        yield LocalEngine(database, min(parallelism, most or parallelism))
        return
    from trade_ingest.engine.spark import SparkEngine
    from trade_ingest.engine.spark_session import open_session

    session, is_ours = open_session(options.master, options.spark_conf)
    try:
        engine = SparkEngine(session, database, options.parallelism)
        engine.parallelism = min(engine.parallelism, most or engine.parallelism)
        file = the_plan.to_load[0].file
        engine.check_executors(
            replace(file, access=accesses.of_uri(file.uri))
        )  # once, however often the run plans again
        yield engine
    finally:
        if is_ours:
            session.stop()


def default_parallelism() -> int:
    """Files that this machine loads at once: one per processor, and two more to work while others wait.

    On two processors four were 2 to 8 % faster than three; with more the server worked more than they saved.
    """
    return min(processors() + 2, 2 * processors())


def processors() -> int:
    """Processors of this machine."""
    return os.cpu_count() or 1


def _load_options(options: RunOptions, the_plan: Plan, engine: Engine) -> LoadOptions:
    """Share the processors between files loaded at once and, where files are few and large, within a file."""
    from trade_ingest.load.task import LoadOptions
    from trade_ingest.source.sizes import BLOCK_BYTES

    lanes = max(1, min(engine.parallelism, engine.processors) // max(1, len(the_plan.to_load)))
    return LoadOptions(
        reject_limit=options.reject_limit,
        on_changed=options.on_changed,
        threads=lanes,
        lanes=lanes,
        # each lane has a block in hand: a dozen of them are to fit in the memory that one process may take
        block_bytes=BLOCK_BYTES if lanes <= 2 else BLOCK_BYTES // 4,  # noqa: PLR2004
    )


def _tasks(
    connection: psycopg.Connection[Any],
    files: Sequence[PlannedFile],
    contract: Contract,
    contract_id: int,
    run_id: int,
    options: LoadOptions,
    accesses: Accesses,
) -> list[LoadTask]:
    from trade_ingest.load.task import LoadTask

    alone = replace(options, lanes=1, threads=1)
    ids = register_files(connection, files, contract.target.qualified_name, contract_id, state="pending")
    tasks = [
        LoadTask(
            run_id,
            ids[planned.file.uri],
            replace(planned.file, access=accesses.of_uri(planned.file.uri)),
            contract,
            contract_id,
            options if planned.file.size_bytes >= LANES_FROM_BYTES else alone,
        )
        for planned in files
        if planned.file.uri in ids
    ]
    # much larger files first, so that none is left running alone; else in the listing's order, which is that of time
    return sorted(tasks, key=lambda task: -task.file.size_bytes.bit_length())


class _Run:
    """A run's bookkeeping: counters and events, into the ledger and to the caller."""

    def __init__(
        self,
        connection: psycopg.Connection[Any],
        run_id: int,
        contract: Contract,
        started: float,
        on_event: OnEvent,
    ) -> None:
        self._connection = connection
        self.run_id = run_id
        self._contract = contract
        self._started = started
        self._on_event = on_event
        self._counted_at = time.monotonic()
        self._done = 0
        self._failed: list[FileResult] = []
        self._files_archived = 0
        self._archive_failed: list[Archived] = []
        self.counters = dict.fromkeys(RUN_COUNTERS, 0)

    @contextmanager
    def recorded(self) -> Iterator[None]:
        """Record the run as failed or interrupted if the block raises."""
        try:
            yield
        except BaseException as exc:
            state = RunState.INTERRUPTED if isinstance(exc, KeyboardInterrupt) else RunState.FAILED
            self._record_end(state, exc)
            raise

    def _record_end(self, state: RunState, error: BaseException) -> None:
        code = error.code if isinstance(error, TradeIngestError) else type(error).__name__
        try:
            event = end_run(self._connection, self.run_id, state, self.counters, {"code": code, "message": str(error)})
            self._on_event(event)
        except Exception:  # noqa: BLE001  # the first error matters; the next run finds this one abandoned
            logger.warning("could not record the end of run %d", self.run_id)

    @property
    def failed_uris(self) -> set[str]:
        """The files that have failed in this run, which does not try them again."""
        return {result.uri for result in self._failed}

    @property
    def has_left_files(self) -> bool:
        """Whether planned files were not begun."""
        return self._done < self.counters["files_planned"]

    def emit(self, event: Event) -> None:
        """Record an event and pass it on."""
        record_event(self._connection, event)
        self._on_event(event)

    def note_plan(self, the_plan: Plan) -> None:
        """Count the plan."""
        self.counters["files_planned"] = len(the_plan.to_load)
        self.counters["files_skipped"] = len(the_plan.skipped)
        count_run(self._connection, self.run_id, self.counters)
        detail = {
            "files_planned": len(the_plan.to_load),
            "files_skipped": len(the_plan.skipped),
            "bytes_planned": the_plan.bytes_to_load,
            "files_ignored": len(the_plan.ignored),
        }
        self.emit(Event(EventKind.RUN_PLANNED, self.run_id, detail=detail))

    def note_result(self, result: FileResult) -> None:
        """Count a file's end; its event is in the ledger already, in the file's own transaction."""
        from trade_ingest.load.outcome import event_of

        self._done += 1
        counters = self.counters
        counters[f"files_{result.state}"] = counters.get(f"files_{result.state}", 0) + 1
        if result.state == "loaded":
            for name in ("rows_read", "rows_loaded", "rows_duplicate", "rows_rejected"):
                counters[name] += getattr(result, name)
            counters["bytes_read"] += result.size_bytes
        if result.state == "failed":
            self._failed.append(result)
        self._on_event(event_of(result, self.run_id))
        if time.monotonic() - self._counted_at >= _COUNT_SECONDS:
            self._counted_at = time.monotonic()
            count_run(self._connection, self.run_id, counters)

    def note_all_archived(self, results: Iterable[Archived]) -> None:
        """Count what came of actions after loading; their events are in the ledger already."""
        for archived in results:
            if archived.error is None:
                self._files_archived += 1
            else:
                self._archive_failed.append(archived)
                logger.info("%s: %s failed: %s", archived.uri, archived.action, archived.error.message)
            self._on_event(archived.event)

    def finish(self, *, is_interrupted: bool) -> RunResult:
        """Record the run's end."""
        state = RunState.SUCCEEDED
        if self.counters["files_failed"]:
            state = RunState.FAILED
        if is_interrupted:
            state = RunState.INTERRUPTED
        event = end_run(self._connection, self.run_id, state, self.counters, None)
        self._on_event(event)
        return RunResult(
            run_id=self.run_id,
            state=state,
            contract=self._contract.name,
            target=self._contract.target.qualified_name,
            counters=self.counters,
            duration_seconds=time.monotonic() - self._started,
            failed=self._failed,
            files_archived=self._files_archived,
            archive_failed=self._archive_failed,
        )
