"""Jobs that a service of a test has been given: each is run by the test, in a thread, as the platform would run it."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

RUNNING, SUCCEEDED, FAILED, CANCELLED = "running", "succeeded", "failed", "cancelled"

RunEntryPoint = Callable[[str, list[str]], int]
"""Runs the program at a URI with arguments; its exit code."""


@dataclass
class Job:
    """One job; ``document`` is what was submitted."""

    id: str
    document: Any
    state: str = RUNNING
    exit_code: int | None = None
    error: BaseException | None = None


@dataclass
class Jobs:
    """The jobs of a service, in order.

    Attributes:
        run: runs a job's program.
        keeps: a state in which jobs stay, instead of being run.
    """

    run: RunEntryPoint | None = None
    keeps: str | None = None
    all: list[Job] = field(default_factory=list)
    threads: list[threading.Thread] = field(default_factory=list)

    def add(self, job_id: str, document: Any, entry_point: str, arguments: list[str]) -> Job:
        """Take a job and begin it."""
        job = Job(job_id, document)
        self.all.append(job)
        if self.keeps is not None or self.run is None:
            job.state = self.keeps or SUCCEEDED
            job.exit_code = 137  # as of a process that was killed, which is none of the program's own
            return job
        thread = threading.Thread(target=self._work, args=(job, entry_point, arguments), daemon=True)
        self.threads.append(thread)
        thread.start()
        return job

    def _work(self, job: Job, entry_point: str, arguments: list[str]) -> None:
        try:
            job.exit_code = self.run(entry_point, arguments)
        except BaseException as exc:
            job.exit_code = 1
            job.error = exc
            raise
        finally:
            job.state = FAILED if job.exit_code else SUCCEEDED

    def __getitem__(self, job_id: str) -> Job:
        return next(job for job in self.all if job.id == job_id)

    @property
    def last(self) -> Job:
        return self.all[-1]
