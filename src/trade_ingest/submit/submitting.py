"""A rendered job, submitted and followed to its end."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from trade_ingest.errors import OUTCOMES, PlatformUnavailableError, TradeIngestError
from trade_ingest.platform_errors import platform_error
from trade_ingest.submit.platform import JobClient, JobState, Phase
from trade_ingest.submit.rendering import RenderedJob

if TYPE_CHECKING:
    from trade_ingest.source.connection import StoreConnection

logger = logging.getLogger(__name__)

EXIT_CODES = {Phase.SUCCEEDED: 0, Phase.FAILED: 1, Phase.CANCELLED: 130}
"""What a job's end means where nobody tells the exit code of its process."""

_OWN_CODES = frozenset({0, 5, *(outcome.exit_code for outcome in OUTCOMES.values())})
_FAILURES_IN_A_ROW = 5

OnState = Callable[[JobState], None]
OnUpload = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class JobOutcome:
    """What came of a job; of one that is not waited for: that it was submitted.

    Attributes:
        platform: its name.
        job_id: as the platform has it.
        state: the last state that was seen.
        exit_code: as ``trade-ingest run`` on this machine would have ended; 0 for a job that is not waited for.
        run: what the run did, if the job has told; its ``run_id`` is in the ledger.
        error: what ended it, if the job has told.
    """

    platform: str
    job_id: str
    state: JobState
    exit_code: int
    run: dict[str, Any] | None = None
    error: dict[str, Any] | None = None

    def as_dict(self) -> dict[str, Any]:
        """The object that ``-o json`` prints."""
        return {
            "platform": self.platform,
            "job_id": self.job_id,
            "phase": self.state.phase.value,
            "state": self.state.said,
            "message": self.state.message,
            "log": self.state.log,
            "exit_code": self.exit_code,
            "run": self.run,
            "error": self.error,
        }


def submit(  # what is submitted, and who is to know of it
    job: RenderedJob,
    *,
    connections: tuple[StoreConnection, ...] = (),
    waits: bool = False,
    poll_seconds: float = 10,
    on_upload: OnUpload = lambda _: None,
    on_start: Callable[[str, JobState], None] = lambda *_: None,
    on_state: OnState = lambda _: None,
) -> JobOutcome:
    """Upload what the job needs, and submit it; each call submits once more, which loads no file twice.

    Args:
        job: what is submitted.
        connections: the named connections of the settings, for the store that files go to.
        waits: follow the job to its end. While nobody waits, or when waiting is broken off, the job goes on.
        poll_seconds: how often the platform is asked.
        on_upload: called with the URI of each artefact before it is uploaded.
        on_start: called once, with the job's id and its first state.
        on_state: called for each change of the state after that.

    Raises:
        UsageError: the platform's library is not installed.
        PlatformError: the platform refuses the job; the subclass says why.
        StoreError: an artefact cannot be uploaded.
    """
    platform = job.platform
    with _foreign_errors(platform.title):
        client = platform.client(job.values)
        client.connections = connections
        for artefact in job.artefacts:
            if artefact.path is not None:
                on_upload(artefact.uri)
                client.upload(artefact.path, artefact.uri)
        job_id = client.start(job.document)
    last = _state(client, job, job_id)
    on_start(job_id, last)
    if not waits:
        return JobOutcome(platform.name, job_id, last, 0)
    for state in _states(client, job, job_id, last, poll_seconds):
        on_state(state)
        last = state
    return _outcome(client, job, job_id, last)


def _states(
    client: JobClient, job: RenderedJob, job_id: str, state: JobState, poll_seconds: float
) -> Iterator[JobState]:
    """The states of a job as they change, until its end."""
    pause = threading.Event()
    failures = 0
    while not state.phase.is_end:
        pause.wait(poll_seconds)
        try:
            now = _state(client, job, job_id)
        except PlatformUnavailableError as exc:
            failures += 1
            if failures == _FAILURES_IN_A_ROW:
                raise
            logger.warning("%s; asking again", exc)
            continue
        failures = 0
        if now != state:
            state = now
            yield state


def _state(client: JobClient, job: RenderedJob, job_id: str) -> JobState:
    with _foreign_errors(f"{job.platform.title} job {job_id}"):
        return client.state(job_id)


def _outcome(client: JobClient, job: RenderedJob, job_id: str, state: JobState) -> JobOutcome:
    """What the job says itself, else what the platform says of it."""
    told = _told(client, job)
    code = told.get("exit_code", state.exit_code)
    if code not in _OWN_CODES or (code == 0) != (state.phase is Phase.SUCCEEDED):
        code = EXIT_CODES[state.phase]  # such as a job that was cancelled after its run, or died before it could say
    return JobOutcome(job.platform.name, job_id, state, code, told.get("run"), told.get("error"))


def _told(client: JobClient, job: RenderedJob) -> dict[str, Any]:
    if job.outcome is None:
        return {}
    try:
        with _foreign_errors(job.platform.title):
            content = client.read(job.outcome)
        return {} if content is None else dict(json.loads(content))
    except (TradeIngestError, ValueError) as exc:
        logger.warning("%s: cannot be read: %s", job.outcome, exc)
        return {}


@contextmanager
def _foreign_errors(subject: str) -> Iterator[None]:
    try:
        yield
    except TradeIngestError:
        raise
    except Exception as exc:  # what each platform's library raises, without naming them all
        logger.debug("%s", subject, exc_info=True)
        raise platform_error(exc, subject) from None
