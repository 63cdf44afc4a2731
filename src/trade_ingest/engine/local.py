"""File loads in processes of this machine."""

from __future__ import annotations

import contextlib
import os
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from multiprocessing.connection import wait
from threading import Event

from trade_ingest.engine.process import SLOTS, Worker
from trade_ingest.errors import TradeIngestError, WorkerLostError
from trade_ingest.ledger.connection import open_connection
from trade_ingest.ledger.progress import Progress
from trade_ingest.ledger.runs import abandon_attempts
from trade_ingest.load.task import FileResult, LoadTask

_TRIES = 3  # a file whose workers keep dying is what kills them

OnProgress = Callable[[Progress], None]


class LocalEngine:
    """Runs loads in threads of worker processes, or in this process where there is one file or one slot.

    Attributes:
        parallelism: files loaded at once.
        processors: those of this machine.
        worker_pids: the processes started so far.
    """

    name = "local"

    def __init__(self, database: str, parallelism: int) -> None:
        self._database = database
        self.parallelism = parallelism
        self.processors = os.cpu_count() or 1
        self.worker_pids: list[int] = []

    def run(self, tasks: Sequence[LoadTask], *, on_progress: OnProgress, stop: Event) -> Iterator[FileResult]:
        """Load the files; see ``Engine``."""
        slots = min(self.parallelism, len(tasks))
        if slots <= 1:
            return self._run_here(deque(tasks), on_progress, stop)
        return self._run_in_workers(deque(tasks), slots, on_progress, stop)

    def _run_here(self, queue: deque[LoadTask], on_progress: OnProgress, stop: Event) -> Iterator[FileResult]:
        from trade_ingest.lake.handover import load_and_hand_over
        from trade_ingest.load.transaction import Loader

        with Loader(self._database) as loader:
            while queue and not stop.is_set():
                task = queue.popleft()
                result = load_and_hand_over(loader, task, on_progress)
                if result.is_busy:
                    queue.append(replace(task, waits=True))  # after all others: the runs share the work
                else:
                    yield result

    def _run_in_workers(
        self, queue: deque[LoadTask], slots: int, on_progress: OnProgress, stop: Event
    ) -> Iterator[FileResult]:
        suspects: deque[LoadTask] = deque()
        deaths: Counter[int] = Counter()
        count = -(-slots // SLOTS)
        workers = [self._start_worker(slots // count + (n < slots % count)) for n in range(count)]
        try:
            while True:
                if not stop.is_set():
                    _hand_out(queue, suspects, workers)
                busy = [w for w in workers if w.tasks]
                if not busy:
                    return
                ready = wait([w.channel for w in busy], timeout=0.5)
                for worker in (w for w in busy if w.channel in ready):
                    message = worker.receive()
                    if message is None:
                        workers[workers.index(worker)] = self._start_worker(worker.slots)
                        yield from self._bury(worker, suspects, deaths)
                    elif isinstance(message, Progress):
                        on_progress(message)
                    else:
                        task = worker.finish(message.file_id)
                        if message.is_busy:
                            queue.append(replace(task, waits=True))
                        else:
                            yield message
        finally:
            for worker in workers:
                worker.end()

    def _bury(self, worker: Worker, suspects: deque[LoadTask], deaths: Counter[int]) -> Iterator[FileResult]:
        """Give up the files that a dead worker had, or have each tried again in a process of its own."""
        worker.end()
        for task in worker.tasks.values():
            deaths[task.file_id] += 1
            if deaths[task.file_id] >= _TRIES:
                yield self._record_loss(task, worker.process.returncode)
            else:
                self._abandon_attempt(task)
                suspects.append(task)

    def _start_worker(self, slots: int) -> Worker:
        worker = Worker.start(self._database, slots)
        self.worker_pids.append(worker.process.pid)
        return worker

    def _abandon_attempt(self, task: LoadTask) -> None:
        with contextlib.suppress(TradeIngestError), open_connection(self._database) as connection:
            abandon_attempts(connection, task.run_id, task.file_id)

    def _record_loss(self, task: LoadTask, status: int) -> FileResult:
        from trade_ingest.load.transaction import Loader

        self._abandon_attempt(task)
        how = f"signal {-status}" if status < 0 else f"exit status {status}"
        error = WorkerLostError(
            f"{task.file.uri}: the process that loaded it died {_TRIES} times ({how})",
            hint="signal 9 is often the out-of-memory killer: lower --parallelism",
            uri=task.file.uri,
        )
        with Loader(self._database) as loader:
            return loader.record_failure(task, error)


def _hand_out(queue: deque[LoadTask], suspects: deque[LoadTask], workers: list[Worker]) -> None:
    """Give work to the workers that have room.

    Files that were in a worker when it died are loaded alone: one of them may have killed it, and is to kill no others.
    """
    for worker in workers:
        if suspects and not worker.tasks:
            worker.begin(suspects.popleft(), is_suspect=True)
    while queue and (worker := max(workers, key=lambda w: w.room)).room:
        worker.begin(queue.popleft())
