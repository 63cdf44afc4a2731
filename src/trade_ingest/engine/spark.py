"""File loads as Spark tasks.

Each pack of files is a Spark job of one task, submitted from one of as many threads as files may be loaded at once.
So results arrive as packs finish, the number of connections is bounded on the whole cluster, the Spark UI says which
files a job loads, and only the DataFrame API is used, which Spark Connect has too.
"""

from __future__ import annotations

import logging
import pickle
import queue
import re
import threading
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from importlib import metadata
from typing import TYPE_CHECKING

from trade_ingest.engine.spark_session import is_classic, is_on_one_machine, reason_in
from trade_ingest.engine.spark_task import load_task, probe, result_schema
from trade_ingest.errors import EngineError, WorkerLostError
from trade_ingest.ledger.connection import open_connection
from trade_ingest.ledger.progress import Progress, read_progress
from trade_ingest.ledger.runs import abandon_attempts
from trade_ingest.load.task import FileResult, LoadTask
from trade_ingest.source.file import SourceFile

if TYPE_CHECKING:
    from pyspark.sql import Row, SparkSession

logger = logging.getLogger(__name__)

PACK_BYTES = 64 << 20
"""Small files share a Spark job up to this size: a job takes one or two tenths of a second besides the loads."""

LAST_PACK_BYTES = 8 << 20
"""The last packs of a run are no smaller than this."""

PACK_FILES = 100
"""Files in a pack, however small: results come when a pack is done."""

FILES_AT_ONCE = 2
"""Files that a task loads at once: a single one leaves the executor idle while PostgreSQL takes the rows."""

_TRIES = 2  # Spark has tried a task four times when its job fails
_POLL_SECONDS = 0.5
_SHOWN_FILES = 5
_CONNECT_SLOTS = 4  # Spark Connect does not say how many slots there are
_MOST_EXECUTORS = 1000  # no limit is 2147483647; then those that are there count

Pack = list[LoadTask]
OnProgress = Callable[[Progress], None]


class SparkEngine:
    """Runs loads on the executors of a Spark session, classic or Connect.

    After ``stop`` is set no further pack is begun, and the packs in flight finish; when the iteration is given up,
    Spark's tasks are cancelled. A pack whose job fails is tried again file by file.

    Attributes:
        database: URL of the database, as driver and executors reach it.
        parallelism: packs loaded at once; where no number was given, it grows with the slots that Spark has.
        files_at_once: files of a pack that its task loads at once.
        processors: those that a task may use, where there is but one machine.
        is_speculative: whether Spark may run a second copy of a task beside the first.
    """

    name = "spark"

    def __init__(self, session: SparkSession, database: str, parallelism: int | None = None) -> None:
        self._session = session
        self._most_files: int | None = None
        self._is_fixed = parallelism is not None
        self._untried: SourceFile | None = None
        self.database = database
        self.parallelism = parallelism or self._slots()
        self.files_at_once = FILES_AT_ONCE
        self.processors = self._slots() if is_on_one_machine(session) else 1
        self.is_speculative = (session.conf.get("spark.speculation", "false") or "").lower() == "true"

    def _slots(self) -> int:
        """Tasks that Spark runs at once, as far as it says: of executors that it may still ask for, too."""
        if is_classic(self._session):
            read = self._session.conf.get
            if (read("spark.dynamicAllocation.enabled", "false") or "").lower() == "true":
                executors = read("spark.dynamicAllocation.maxExecutors", "") or ""
                cores = int(read("spark.executor.cores", "1") or 1) // int(read("spark.task.cpus", "1") or 1)
                if executors.isdigit() and int(executors) <= _MOST_EXECUTORS:
                    return max(1, int(executors) * cores)
            return self._session.sparkContext.defaultParallelism
        return _CONNECT_SLOTS

    def check_executors(self, file: SourceFile | None) -> None:
        """Try on the executors what loads need there; ``file`` is one of the files, None where none is read.

        Raises:
            EngineError: what is missing, and how it is mended.
        """
        function = probe(self.database, metadata.version("trade-ingest"), file)
        tasks = min(self.parallelism, 8)  # Spark spreads them over the executors that are free
        try:
            found = self._collect(function, tasks, "trade-ingest: check the executors")
        except Exception as exc:
            raise _executor_error(str(exc)) from exc
        if found:
            problem, _, hint = bytes(found[0][0]).decode().partition("\n")
            raise EngineError(problem, hint=hint)

    def put_off_check(self, file: SourceFile) -> None:
        """Try the executors only when a job fails: they are thought to have what the driver has."""
        self._untried = file

    def check_put_off(self) -> None:
        """Make up for the check that was put off; see ``check_executors``."""
        file, self._untried = self._untried, None
        if file is not None:
            self.check_executors(file)

    def limit_loads(self, most: int) -> None:
        """Load no more than so many files at once, on all executors together."""
        self.parallelism = min(self.parallelism, most)
        self.files_at_once = min(self.files_at_once, most // self.parallelism)
        self._most_files = most

    def widen(self) -> int:
        """Packs loaded at once from now on: Spark has more slots as executors join it, which it does not wait for."""
        if not self._is_fixed:
            try:
                slots = self._slots()
            except Exception:  # noqa: BLE001  # the driver's Java is gone: the loads that it had will say so
                return self.parallelism
            if self._most_files is not None:
                slots = min(slots, self._most_files // self.files_at_once)
            self.parallelism = max(self.parallelism, slots)
        return self.parallelism

    def run(self, tasks: Sequence[LoadTask], *, on_progress: OnProgress, stop: threading.Event) -> Iterator[FileResult]:
        """Load the files; see ``Engine``."""
        if tasks:
            yield from _SparkRun(self, tasks, on_progress, stop).results()

    def _collect(self, function: Callable[..., object], tasks: int, description: str) -> list[Row]:
        """Run a function as a Spark job and take all that it yields."""
        frame = self._session.range(0, tasks, 1, tasks).mapInArrow(function, result_schema())  # type: ignore[arg-type]
        with described(self._session, description, group=self._tag):
            return frame.collect()

    @property
    def _tag(self) -> str:
        return f"trade-ingest-{id(self)}"

    def cancel(self) -> None:
        """Cancel all jobs of this engine; the loads' transactions are rolled back."""
        if is_classic(self._session):
            self._session.sparkContext.cancelJobGroup(self._tag)
        else:
            self._session.interruptTag(self._tag)

    def load(self, pack: Pack) -> list[FileResult]:
        """Load the files of a pack in one Spark job."""
        names = [task.file.uri.rpartition("/")[2] for task in pack]
        more = f" and {len(names) - _SHOWN_FILES} more" if len(names) > _SHOWN_FILES else ""
        description = f"run {pack[0].run_id}: {', '.join(names[:_SHOWN_FILES])}{more}"
        if self.is_speculative:  # a copy may be first at a file, and an answer "busy" would end the other one early
            pack = [replace(task, waits=True) for task in pack]
        rows = self._collect(load_task(self.database, pack, self.files_at_once), 1, f"trade-ingest {description}")
        return [pickle.loads(bytes(row[0])) for row in rows]  # noqa: S301  # made by our own tasks


@contextmanager
def described(session: SparkSession, description: str, *, group: str | None = None) -> Iterator[None]:
    """Name the jobs that this thread begins within the block; afterwards its jobs are named as before.

    Args:
        session: classic or Connect, which has no descriptions.
        description: what the Spark UI shows.
        group: by which the jobs can be cancelled; None: they stay in the one that they are in.
    """
    if not is_classic(session):
        if group is not None:
            session.addTag(group)
        try:
            yield
        finally:
            if group is not None:
                session.removeTag(group)
        return
    context = session.sparkContext
    properties = {"spark.job.description": description}
    if group is not None:
        properties |= {"spark.jobGroup.id": group, "spark.job.interruptOnCancel": "true"}
    before = {name: context.getLocalProperty(name) for name in properties}
    for name, value in properties.items():
        context.setLocalProperty(name, value)
    try:
        yield
    finally:
        for name, earlier in before.items():
            context.setLocalProperty(name, earlier)  # type: ignore[arg-type]  # None takes it away


_EXECUTOR_PROBLEMS = (
    (r"No module named '([\w.]+)'", "executors lack the Python package {0}"),
    (
        r"worker has different version:? \(?(\d+)(?:, |\.)(\d+)\)? than that in driver:? ([\d.]+\d)",
        "executors run Python {0}.{1}, the driver {2}",
    ),
    (r'Cannot run program "([^"]+)"', "executors have no Python at {0}"),
    (r"PyArrow >= ([\d.]+) must be installed", "executors lack pyarrow {0} or later"),
)
"""What Spark says where it cannot even begin a task in Python, and what that means."""


def _executor_error(said: str) -> EngineError:
    for pattern, meaning in _EXECUTOR_PROBLEMS:
        if found := re.search(pattern, said):
            hint = "give executors the driver's packages and Python version: docs/how-to/spark.md, Ship the packages"
            return EngineError(meaning.format(*found.groups()), hint=hint)
    return EngineError(f"executors cannot run Python: {reason_in(said)}", hint="see the executors' logs")


class _SparkRun:
    """The loads of one run."""

    def __init__(
        self, engine: SparkEngine, tasks: Sequence[LoadTask], on_progress: OnProgress, stop: threading.Event
    ) -> None:
        self._engine = engine
        self._run_id = tasks[0].run_id
        self._on_progress = on_progress
        self._stop = stop
        self._waiting = deque(pack_files(tasks, engine.parallelism))
        self._done: queue.SimpleQueue[tuple[Pack, list[FileResult] | Exception]] = queue.SimpleQueue()
        self._failures: Counter[int] = Counter()
        self._in_flight = 0

    def results(self) -> Iterator[FileResult]:
        packs: queue.SimpleQueue[Pack | None] = queue.SimpleQueue()
        files = sum(len(pack) for pack in self._waiting)
        threads: list[threading.Thread] = []
        is_complete = False
        try:
            with open_connection(self._engine.database, autocommit=True, name="trade-ingest watch") as connection:
                while True:
                    width = self._engine.widen() if self._waiting else 0
                    for _ in range(min(width, files) - len(threads)):
                        threads.append(threading.Thread(target=self._work, args=(packs,), daemon=True))
                        threads[-1].start()
                    while self._waiting and self._in_flight < len(threads) and not self._stop.is_set():
                        packs.put(self._waiting.popleft())
                        self._in_flight += 1
                    if not self._in_flight:
                        break
                    try:
                        pack, outcome = self._done.get(timeout=_POLL_SECONDS)
                    except queue.Empty:
                        for progress in read_progress(connection, self._run_id):
                            self._on_progress(progress)
                        continue
                    self._in_flight -= 1
                    yield from self._settle(pack, outcome)
            is_complete = True
        finally:
            if not is_complete:
                self._engine.cancel()
            for _ in threads:
                packs.put(None)
            for thread in threads:
                thread.join()

    def _work(self, packs: queue.SimpleQueue[Pack | None]) -> None:
        while (pack := packs.get()) is not None:
            try:
                self._done.put((pack, self._engine.load(pack)))
            except Exception as exc:  # noqa: BLE001  # the job's failure: the files are tried again, or fail
                self._done.put((pack, exc))

    def _settle(self, pack: Pack, outcome: list[FileResult] | Exception) -> Iterator[FileResult]:
        """The results of a pack; what was not loaded goes back to the queue."""
        if isinstance(outcome, Exception):
            yield from self._settle_failure(pack, outcome)
            return
        tasks = {task.file_id: task for task in pack}
        for result in outcome:
            if result.is_busy:
                self._waiting.append([replace(tasks[result.file_id], waits=True)])
            else:
                yield result

    def _settle_failure(self, pack: Pack, error: Exception) -> Iterator[FileResult]:
        from trade_ingest.load.transaction import Loader

        self._engine.check_put_off()
        said = reason_in(str(error)) or type(error).__name__
        logger.warning("a Spark job of %d files failed: %s", len(pack), said)
        for task in pack:
            with open_connection(self._engine.database) as connection:
                abandon_attempts(connection, task.run_id, task.file_id)
            self._failures[task.file_id] += 1
            if self._failures[task.file_id] < _TRIES:
                self._waiting.append([task])
                continue
            lost = WorkerLostError(
                f"{task.file.uri}: the Spark job that loaded it failed {_TRIES} times: {said}",
                hint="the executors' logs say more; signal 9 is often the out-of-memory killer",
                uri=task.file.uri,
            )
            with Loader(self._engine.database) as loader:
                yield loader.record_failure(task, lost)


def pack_files(tasks: Sequence[LoadTask], slots: int) -> list[Pack]:
    """Files in packs, the largest first; small ones share one, as long as all slots have something to do.

    Packs get smaller towards the end, down to ``LAST_PACK_BYTES``, so that the slots finish at about the same time; a
    single slot has none to wait for.
    """
    slots = max(slots, 1)
    left = sum(task.file.size_bytes for task in tasks)
    least = PACK_BYTES if slots == 1 else min(LAST_PACK_BYTES, -(-left // slots))
    packs: list[Pack] = []
    size = limit = 0
    for task in sorted(tasks, key=lambda task: -task.file.size_bytes.bit_length()):
        if not packs or size + task.file.size_bytes > limit or len(packs[-1]) >= PACK_FILES:
            size, limit = 0, min(PACK_BYTES, max(least, -(-left // (2 * slots))))
            packs.append([])
        packs[-1].append(task)
        size += task.file.size_bytes
        left -= task.file.size_bytes
    return packs
