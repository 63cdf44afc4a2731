"""File loads in processes of this machine."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection, wait
from threading import Event
from typing import cast

from trade_ingest.errors import TradeIngestError, WorkerLostError
from trade_ingest.ledger.connection import open_connection
from trade_ingest.ledger.runs import abandon_attempts
from trade_ingest.load.task import FileResult, LoadTask, Progress
from trade_ingest.load.transaction import Loader

_TRIES = 3  # a file whose workers keep dying is what kills them

OnProgress = Callable[[Progress], None]


@dataclass(slots=True)
class _Worker:
    process: subprocess.Popen[bytes]
    channel: Connection
    task: LoadTask | None = None

    def begin(self, task: LoadTask) -> None:
        self.task = task
        with contextlib.suppress(OSError):  # it died while idle: noticed when its answer is read
            self.channel.send(task)

    def end(self) -> None:
        self.channel.close()  # an idle worker ends by itself; what one has in flight is not wanted any more
        if self.task is not None:
            self.process.kill()
        try:
            self.process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class LocalEngine:
    """Runs loads in worker processes, or in this process where one is enough.

    Attributes:
        worker_pids: the processes started so far.
    """

    name = "local"

    def __init__(self, database: str, parallelism: int) -> None:
        self._database = database
        self.parallelism = parallelism
        self.worker_pids: list[int] = []

    def run(self, tasks: Sequence[LoadTask], *, on_progress: OnProgress, stop: Event) -> Iterator[FileResult]:
        """Load the files; see ``Engine``."""
        if min(self.parallelism, len(tasks)) <= 1:
            return self._run_here(deque(tasks), on_progress, stop)
        return self._run_in_workers(deque(tasks), on_progress, stop)

    def _run_here(self, queue: deque[LoadTask], on_progress: OnProgress, stop: Event) -> Iterator[FileResult]:
        with Loader(self._database) as loader:
            while queue and not stop.is_set():
                task = queue.popleft()
                result = loader.load(task, on_progress)
                if result.is_busy:
                    queue.append(replace(task, waits=True))  # after all others: the runs share the work
                else:
                    yield result

    def _run_in_workers(self, queue: deque[LoadTask], on_progress: OnProgress, stop: Event) -> Iterator[FileResult]:
        deaths: Counter[int] = Counter()
        workers = [self._start_worker() for _ in range(min(self.parallelism, len(queue)))]
        try:
            while True:
                for worker in workers:
                    if worker.task is None and queue and not stop.is_set():
                        worker.begin(queue.popleft())
                busy = [w for w in workers if w.task is not None]
                if not busy:
                    return
                ready = wait([w.channel for w in busy], timeout=0.5)
                for worker in (w for w in busy if w.channel in ready):
                    if (result := self._receive(worker, workers, queue, deaths, on_progress)) is not None:
                        yield result
        finally:
            for worker in workers:
                worker.end()

    def _receive(
        self,
        worker: _Worker,
        workers: list[_Worker],
        queue: deque[LoadTask],
        deaths: Counter[int],
        on_progress: OnProgress,
    ) -> FileResult | None:
        """Take one message of a worker; the result if it is one that the run is to know."""
        task = worker.task
        if task is None:
            return None
        try:
            message = worker.channel.recv()
        except (EOFError, OSError):
            worker.end()
            deaths[task.file_id] += 1
            if deaths[task.file_id] >= _TRIES:
                result = self._record_loss(task, worker.process.returncode)
            else:
                result = None
                self._abandon_attempt(task)
                queue.append(task)
            workers[workers.index(worker)] = self._start_worker()
            return result
        if isinstance(message, Progress):
            on_progress(message)
            return None
        worker.task = None
        if message.is_busy:
            queue.append(replace(task, waits=True))
            return None
        return cast("FileResult", message)

    def _start_worker(self) -> _Worker:
        ours, theirs = socket.socketpair()
        environment = {"POLARS_MAX_THREADS": "1"} | dict(os.environ)
        # a worker inherits the mask, so that Ctrl-C cannot end it before it ignores the signal
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
        try:
            process = subprocess.Popen(
                [sys.executable, "-m", "trade_ingest.engine.worker", str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                env=environment,
                stdin=subprocess.DEVNULL,
            )
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        theirs.close()
        channel = Connection(ours.detach())
        channel.send(self._database)
        self.worker_pids.append(process.pid)
        return _Worker(process, channel)

    def _abandon_attempt(self, task: LoadTask) -> None:
        with contextlib.suppress(TradeIngestError), open_connection(self._database) as connection:
            abandon_attempts(connection, task.run_id, task.file_id)

    def _record_loss(self, task: LoadTask, status: int) -> FileResult:
        self._abandon_attempt(task)
        how = f"signal {-status}" if status < 0 else f"exit status {status}"
        error = WorkerLostError(
            f"{task.file.uri}: the process that loaded it died {_TRIES} times ({how})",
            hint="signal 9 is often the out-of-memory killer: lower --parallelism",
            uri=task.file.uri,
        )
        with Loader(self._database) as loader:
            return loader.record_failure(task, error)
