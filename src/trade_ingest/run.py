"""One execution of a plan: its counters and events, into the ledger and to the caller, and what came of it."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from trade_ingest.contract.model import Contract, OnChanged, RejectLimit
from trade_ingest.errors import TradeIngestError
from trade_ingest.ledger.events import Event, EventKind, record_event
from trade_ingest.ledger.runs import RUN_COUNTERS, RunState, count_run, end_run
from trade_ingest.plan import Plan
from trade_ingest.source.connection import StoreConnection
from trade_ingest.source.location import shown_source
from trade_ingest.source.pattern import EVERYTHING, Selection

if TYPE_CHECKING:
    import psycopg
    from pyspark.sql import SparkSession

    from trade_ingest.archive import Archived
    from trade_ingest.load.task import FileResult, HandedOver
    from trade_ingest.settings import Settings

logger = logging.getLogger(__name__)

_COUNT_SECONDS = 0.5  # how often a run's counters reach the ledger

OnEvent = Callable[[Event], None]


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
        also: lakes that get the accepted rows, too: ``parquet:URI``, ``iceberg:URI`` or
            ``iceberg:CATALOG:NAMESPACE.TABLE``.
        within: folders that hold the files which may be loaded, see ``OpenListing``; not kept in the ledger.
        origins: where options come from that are not defaults: a flag, a variable, a file; for who reads the ledger.
        session: the Spark session to load with, which stays; None: the active or a new one. Not kept in the ledger.
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
    also: tuple[str, ...] = ()
    within: tuple[str, ...] | None = None
    session: SparkSession | None = None
    origins: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, settings: Settings, *, reload: bool = False, selection: Selection = EVERYTHING) -> RunOptions:
        """The options that settings have, and those that each run is asked for anew."""
        return cls(
            engine=settings.engine,
            parallelism=settings.parallelism,
            max_connections=settings.max_connections,
            master=settings.master,
            spark_conf=dict(item.split("=", 1) for item in settings.spark_conf),
            on_changed=OnChanged(settings.on_changed) if settings.on_changed else None,
            reject_limit=settings.reject_limit,
            reload=reload,
            connections=settings.store_connections,
            selection=selection,
            after_load=settings.after_load,
            also=settings.also,
            origins={
                option: str(origin)
                for option, setting in _SETTINGS.items()
                if (origin := settings.origin_of(setting)).layer != "default"
            },
        )

    def as_dict(self) -> dict[str, Any]:
        """The form kept in the ledger, without secrets."""
        from trade_ingest.settings import shown_text

        limit = self.reject_limit
        return {
            "engine": self.engine,
            "parallelism": self.parallelism,
            "max_connections": self.max_connections,
            "master": self.master and shown_text(self.master),
            "on_changed": self.on_changed and self.on_changed.value,
            "reject_limit": None if limit is None else limit.model_dump(),
            "reload": self.reload,
            "after_load": shown_source(self.after_load),
            "also": [shown_source(lake) for lake in self.also] or None,
            **self.selection.as_dict(),
            "origins": dict(self.origins),
        }


DEFAULT_OPTIONS = RunOptions()

_SETTINGS = {
    "engine": "engine",
    "parallelism": "parallelism",
    "max_connections": "max_connections",
    "master": "master",
    "on_changed": "on_changed",
    "reject_limit": "max_rejects",
    "after_load": "after_load",
    "also": "also",
}
"""The options that the ledger keeps, and the settings that they come from."""


def command_line_options(kept: Mapping[str, Any]) -> list[str]:
    """Options in the form kept in the ledger, as they are typed after ``trade-ingest run``; defaults are left out."""
    return list(_typed_options(kept))


def _typed_options(kept: Mapping[str, Any]) -> Iterator[str]:
    for name, value in kept.items():
        if value is None or value is False or value == _DEFAULTS.get(name) or name == "origins":
            continue
        if name == "reject_limit":
            yield from ("--max-rejects", RejectLimit.model_validate(value).as_option())
        elif value is True:
            yield _flag(name)
        else:
            for text in value if isinstance(value, list) else [value]:
                yield from (_flag(name), str(text))


def _flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"


_DEFAULTS = {"engine": "auto", "after_load": "keep"}


@dataclass(slots=True)
class RunResult:
    """What a run did; the counters are also in the ledger (``ingest.run``).

    ``files_planned`` are the files that the run set out to load; ``files_skipped`` all others of the listing and those
    that turned out to need no loading. ``files_archived`` were moved, tagged or deleted after loading, also for earlier
    runs; ``archive_failed`` could not be: their rows are loaded, and the run has succeeded all the same.
    ``files_handed_over`` were brought in line in a lake, also for earlier runs; ``handover_failed`` could not be, for
    which the same holds.
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
    files_handed_over: int = 0
    handover_failed: list[HandedOver] = field(default_factory=list)

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
            "files_handed_over": self.files_handed_over,
            "handover_failed": [handed.as_dict() for handed in self.handover_failed],
        }


class Run:
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
        self._files_handed_over = 0
        self._handover_failed: list[HandedOver] = []
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
        self.note_all_handed_over(result.handed_over)
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

    def note_all_handed_over(self, results: Iterable[HandedOver]) -> None:
        """Count what came of hand-overs; their events are in the ledger already."""
        for handed in results:
            if handed.error is None:
                self._files_handed_over += 1
            else:
                self._handover_failed.append(handed)
                logger.info("%s: not handed over to %s: %s", handed.uri, handed.lake, handed.error.message)
            self._on_event(handed.event)

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
            files_handed_over=self._files_handed_over,
            handover_failed=self._handover_failed,
        )
