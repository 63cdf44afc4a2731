"""The public functions: plan, ingest, check and baseline. Shells call them and contain no logic of their own."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from threading import Event as StopSignal
from typing import TYPE_CHECKING, Any

from trade_ingest.contract.model import Contract, OnChanged
from trade_ingest.engines import engine_for, load_options, open_engine
from trade_ingest.errors import RunInterruptedError
from trade_ingest.ledger import schema
from trade_ingest.ledger.connection import open_connection, wrap_database_errors
from trade_ingest.ledger.contracts import contract_id_of
from trade_ingest.ledger.events import Event, EventKind
from trade_ingest.ledger.listed import marked_for_recheck, not_loaded, stage_listing
from trade_ingest.ledger.runs import abandon_dead_runs, start_run
from trade_ingest.plan import Plan, PlannedFile, compare_listing, register_files
from trade_ingest.run import DEFAULT_OPTIONS, OnEvent, Run, RunOptions, RunResult
from trade_ingest.source.access import Accesses
from trade_ingest.source.listing import Connections, OpenListing, gone_error
from trade_ingest.source.location import shown_source
from trade_ingest.source.pattern import EVERYTHING, Selection

if TYPE_CHECKING:
    import psycopg

    from trade_ingest.archive import AfterLoading, Archiver
    from trade_ingest.engine.base import Engine
    from trade_ingest.ledger.handover import HandoverOrder
    from trade_ingest.ledger.progress import Progress
    from trade_ingest.load.task import LoadOptions, LoadTask

logger = logging.getLogger(__name__)

LANES_FROM_BYTES = 64 << 20
"""A file smaller than this is loaded over one connection: more would cost more than they save."""

FILES_AT_ONCE = 50_000
"""Files that are registered and handed to the engine at once; the facts of all others are not in memory."""

OnPlanning = Callable[[str, int], None]
"""Called while a plan is made: ``listing`` and the number of files so far, then ``comparing`` and that of all."""

OnProgress = Callable[["Progress"], None]


def plan(  # noqa: PLR0913  # what is listed, and what it is compared with
    sources: Sequence[str],
    *,
    contract: Contract,
    database: str,
    on_changed: OnChanged | None = None,
    reload: bool = False,
    connections: Connections = (),
    selection: Selection = EVERYTHING,
    within: Sequence[str] | None = None,
    on_planning: OnPlanning = lambda *_: None,
) -> Plan:
    """What ``ingest`` with the same arguments would load, and why not the rest; changes nothing.

    A million files take less than 200 MB of memory, wherever they are and whatever becomes of them. With ``within``,
    files of this machine that lie in none of these folders are left out; see ``OpenListing``.

    Raises:
        SourceNotFoundError: a source matches no file.
        DatabaseUnavailableError, DatabaseAuthenticationError: the database cannot be used.
    """
    with wrap_database_errors(), open_connection(database) as connection:
        has_ledger = schema.current_revision(connection) is not None
        if has_ledger:
            schema.require_ledger(connection)
        ignored = _stage(connection, sources, contract, connections, selection, on_planning, within=within)
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
    *,
    within: Sequence[str] | None = None,
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
    listing = OpenListing(sources, connections=connections, selection=selection, delivery=delivery, within=within)
    stage_listing(connection, listing, note)
    if listing.gone:
        _require_loaded(connection, listing.gone, contract.target.qualified_name)
    on_planning("comparing", listed)
    return listing.ignored


def _require_loaded(connection: psycopg.Connection[Any], uris: Sequence[str], target: str) -> None:
    """Refuse files that are gone, unless they are loaded: the run that has loaded them may have moved them."""
    has_ledger = schema.current_revision(connection) is not None
    missing = not_loaded(connection, uris, target) if has_ledger else uris
    if missing:
        raise gone_error(missing)


def ingest(  # noqa: PLR0913  # what it works with, and who is to know of it
    sources: Sequence[str],
    *,
    contract: Contract,
    database: str,
    options: RunOptions = DEFAULT_OPTIONS,
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
        sources: files, folders, globs; ``LiteralSource``: single files, with no wildcard in their names.
        contract: what the files must look like and where their rows go.
        database: the URL of the database.
        options: how the run works.
        on_event: called for each state change, in this thread.
        on_progress: called about twice a second for each file that is being loaded.
        on_plan: called once, when it is known what will be loaded.
        on_planning: called while that is found out.
        stop: when set, files in flight are finished, no further one is begun, and the run ends as ``interrupted``.

    Raises:
        SourceNotFoundError: a source matches no file; or a ``LiteralSource`` is gone, and was not loaded.
        UsageError: ``options.after_load`` or ``options.also`` cannot be done with these sources.
        LakeIncompatibleError: an Iceberg table of ``options.also`` differs from the target.
        TargetIncompatibleError: the target table exists and differs from the contract.
        LedgerVersionError: the ledger is of another version of this program.
        DatabaseUnavailableError, DatabaseAuthenticationError, DatabasePermissionError: the database cannot be used.
    """
    from trade_ingest.archive import after_loading
    from trade_ingest.lake.places import lake_places, order_handovers
    from trade_ingest.load.target import ensure_target

    started = time.monotonic()
    stop = stop or StopSignal()
    after = after_loading(options.after_load, sources)
    places = lake_places(options.also, sources, contract)
    accesses = Accesses.to(sources, options.connections)
    shown_sources = [shown_source(source) for source in sources]
    with wrap_database_errors(), open_connection(database, name="trade-ingest run") as connection:
        selection, within = options.selection, options.within
        ignored = _stage(
            connection, sources, contract, options.connections, selection, on_planning, stop, within=within
        )
        prepare_ledger(database)
        _clean_up_after_dead_runs(connection)
        was_created = ensure_target(connection, contract)
        contract_id = contract_id_of(connection, contract)
        engine_name = engine_for(options.engine, options.master or options.session)
        run_id = start_run(
            connection,
            "ingest",
            sources=shown_sources,
            contract_id=contract_id,
            target=contract.target.qualified_name,
            engine=engine_name,
            options=options.as_dict(),
        )
        run = Run(connection, run_id, contract, started, on_event)
        on_event(Event(EventKind.RUN_STARTED, run_id, detail={"kind": "ingest", "sources": shown_sources}))
        with run.recorded():
            handover = order_handovers(connection, database, contract, places, accesses, run_id)
            load = _Load(
                connection,
                database,
                contract,
                contract_id,
                options,
                accesses,
                after,
                handover,
                run,
                engine_name,
                on_progress,
                stop,
            )
            if was_created:
                run.emit(Event(EventKind.TARGET_CREATED, run_id, detail={"target": contract.target.qualified_name}))
            load.finish_actions_left()
            load.finish_handovers_left()
            the_plan = compare_listing(
                connection, contract, on_changed=options.on_changed, reload=options.reload, ignored=ignored
            )
            on_plan(the_plan)
            run.note_plan(the_plan)
            load.load_all(the_plan)
            return run.finish(is_interrupted=stop.is_set() and run.has_left_files)


def _clean_up_after_dead_runs(connection: psycopg.Connection[Any]) -> None:
    from trade_ingest.load.parts import repair_parts

    for run_id in abandon_dead_runs(connection):
        logger.warning("run %d was abandoned: its process died; its files are planned again", run_id)
    for file_id in repair_parts(connection):
        logger.warning("file %d: rows that a crash had left half published were taken out", file_id)


@dataclass(frozen=True, slots=True)
class _Load:
    """The part of a run that loads files, and does after loading what was asked for."""

    connection: psycopg.Connection[Any]
    database: str
    contract: Contract
    contract_id: int
    options: RunOptions
    accesses: Accesses
    after: AfterLoading | None
    handover: HandoverOrder | None
    run: Run
    engine_name: str
    on_progress: OnProgress
    stop: StopSignal
    started_at: datetime = field(default_factory=lambda: datetime.now(UTC))

    def finish_actions_left(self) -> None:
        """Do what earlier runs have left undone after loading."""
        from trade_ingest.archive import finish_left

        target = self.contract.target.qualified_name
        self.run.note_all_archived(finish_left(self.connection, self.database, target, self.accesses))

    def finish_handovers_left(self) -> None:
        """Hand over to lakes what earlier runs have left."""
        if self.handover is not None:
            from trade_ingest.lake.handover import finish_handovers

            target = self.contract.target.qualified_name
            self.run.note_all_handed_over(finish_handovers(self.database, target, self.accesses))

    def load_all(self, the_plan: Plan) -> None:
        """Load what is planned, and what has to be loaded again because of it."""
        from trade_ingest.archive import ACTIONS_AT_ONCE, Archiver

        if not the_plan.to_load:
            return
        threads = ACTIONS_AT_ONCE if self.options.max_connections is None else 1
        with (
            Archiver(self.database, self.accesses, threads=threads) as archiver,
            open_engine(self.engine_name, self.database, self.options, the_plan, self.accesses) as engine,
        ):
            while the_plan.to_load:
                self._load_plan(the_plan, engine, archiver)
                if self.stop.is_set():
                    break
                the_plan = self._plan_of_rechecks()
                self.run.counters["files_planned"] += len(the_plan.to_load)
            self.run.note_all_archived(archiver.wait())

    def _load_plan(self, the_plan: Plan, engine: Engine, archiver: Archiver) -> None:
        options = load_options(self.options, the_plan, engine)
        for files in _batches(the_plan.to_load, self.stop):
            tasks = self._tasks(files, options)
            for result in engine.run(tasks, on_progress=self.on_progress, stop=self.stop):
                self.run.note_result(result)
                if self.after is not None:
                    archiver.note(result)
                    self.run.note_all_archived(archiver.done())

    def _tasks(self, files: Sequence[PlannedFile], options: LoadOptions) -> list[LoadTask]:
        from trade_ingest.load.task import LoadTask

        alone = replace(options, lanes=1, threads=1)
        target = self.contract.target.qualified_name
        ids = register_files(self.connection, files, target, self.contract_id, state="pending")
        tasks = [
            LoadTask(
                self.run.run_id,
                ids[planned.file.uri],
                replace(planned.file, access=self.accesses.of_uri(planned.file.uri)),
                self.contract,
                self.contract_id,
                options if planned.file.size_bytes >= LANES_FROM_BYTES else alone,
                handover=self.handover,
            )
            for planned in files
            if planned.file.uri in ids
        ]
        if self.after is not None:
            tasks = self.after.requested_for(tasks, self.started_at)
        # much larger files first, so that none is left running alone; else in the listing's order, that of time
        return sorted(tasks, key=lambda task: -task.file.size_bytes.bit_length())

    def _plan_of_rechecks(self) -> Plan:
        """What is to be loaded again: it had rows of a file that was replaced; see ``load.replace``."""
        only = []
        for uri, is_listed in marked_for_recheck(self.connection, self.contract.target.qualified_name):
            if is_listed and uri not in self.run.failed_uris:
                only.append(uri)
            else:
                logger.warning("%s: has rows that a replaced file had, too; load it again to have them", uri)
        return compare_listing(self.connection, self.contract, on_changed=self.options.on_changed, only=only)


def _batches(files: Sequence[PlannedFile], stop: StopSignal) -> Iterator[Sequence[PlannedFile]]:
    for first in range(0, len(files), FILES_AT_ONCE):
        if stop.is_set():
            return
        yield files[first : first + FILES_AT_ONCE]


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
        run = Run(connection, run_id, contract, started, lambda _: None)
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
