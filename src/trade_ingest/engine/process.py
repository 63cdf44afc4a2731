"""Worker processes of this machine: started, given work, ended."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from trade_ingest.ledger.progress import Progress
    from trade_ingest.load.task import FileResult, LoadTask

SLOTS = 4
"""Files that one process loads at once, in threads.

Most of a load's work happens outside of the interpreter's lock, and a process takes half a second to start.
"""


@dataclass(slots=True)
class Worker:
    """A process and the files that it loads now, by id; one that loads a suspect has no room for others."""

    process: subprocess.Popen[bytes]
    channel: Connection
    slots: int
    tasks: dict[int, LoadTask] = field(default_factory=dict)
    has_suspect: bool = False

    @classmethod
    def start(cls, database: str, slots: int) -> Worker:
        """A process that makes itself ready to load so many files at once."""
        ours, theirs = socket.socketpair()
        # numbers in numpy are few here, and its threads spin while they wait for more
        threads = {"POLARS_MAX_THREADS": str(min(slots, os.cpu_count() or 1)), "OPENBLAS_NUM_THREADS": "1"}
        # a worker inherits the mask, so that Ctrl-C cannot end it before it ignores the signal
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
        try:
            process = subprocess.Popen(
                [sys.executable, "-m", "trade_ingest.engine.worker", str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                env=threads | dict(os.environ),
                stdin=subprocess.DEVNULL,
            )
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        theirs.close()
        channel = Connection(ours.detach())
        with contextlib.suppress(OSError):  # it has died: noticed when its answer is read
            channel.send((database, slots))
        return cls(process, channel, slots)

    @property
    def room(self) -> int:
        """Files that it can take now."""
        return 0 if self.has_suspect else self.slots - len(self.tasks)

    def begin(self, task: LoadTask, *, is_suspect: bool = False) -> None:
        """Hand it a file."""
        self.tasks[task.file_id] = task
        self.has_suspect = is_suspect
        with contextlib.suppress(OSError):  # it died while idle: noticed when its answer is read
            self.channel.send(task)

    def receive(self) -> Progress | FileResult | None:
        """What it has to say; None if it is dead."""
        try:
            message: Progress | FileResult = self.channel.recv()
        except (EOFError, OSError):
            return None
        return message

    def finish(self, file_id: int) -> LoadTask:
        """Note that a file is done; the task that it was."""
        self.has_suspect = False
        return self.tasks.pop(file_id)

    def end(self) -> None:
        """End it; what it has in flight is not wanted any more. Safe to repeat."""
        self.channel.close()
        self.process.kill()  # one that is idle has nothing to lose
        self.process.wait()
