"""What a platform is to ``submit``: its template, the parameters that it needs, and a client of its service."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from trade_ingest.source.connection import StoreConnection

Values = Mapping[str, Any]
"""The parameters of a platform by name, with those that all jobs have: see ``rendering.values_of``."""

Document = dict[str, Any]
"""A rendered job, in the form that the platform's own interface takes."""


class Phase(StrEnum):
    """Where a job is."""

    WAITING = "waiting"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_end(self) -> bool:
        """Whether nothing more happens."""
        return self in {Phase.SUCCEEDED, Phase.FAILED, Phase.CANCELLED}


@dataclass(frozen=True, slots=True)
class JobState:
    """A job at a moment.

    Attributes:
        phase: where it is.
        said: the state in the platform's own word.
        message: why it is so, if the platform says.
        log: a link to the job's logs, or the command that shows them.
        exit_code: of the job's process, where the platform tells it.
    """

    phase: Phase
    said: str
    message: str = ""
    log: str = ""
    exit_code: int | None = None


@dataclass(frozen=True, slots=True)
class Parameter:
    """Something that a platform needs to know.

    Attributes:
        name: as in the template's ``${name}``; the option is ``--name`` with hyphens.
        help: what it is.
        default: without one it has to be given, unless it is optional.
        is_optional: what has no value is left out of the job, with the key that it is the value of.
        is_number: whether it is a whole number.
    """

    name: str
    help: str
    default: str | int | None = None
    is_optional: bool = False
    is_number: bool = False

    @property
    def option(self) -> str:
        """The option on the command line."""
        return f"--{self.name.replace('_', '-')}"


class JobClient(ABC):
    """Talks to the service of a platform; made with the values of a job.

    ``connections`` are those of the settings, for the object stores that files go to.

    What the platform's library raises passes through: ``submitting`` makes errors of ours of it.
    """

    def __init__(self, values: Values) -> None:
        self.values = values
        self.connections: tuple[StoreConnection, ...] = ()

    @abstractmethod
    def start(self, job: Document) -> str:
        """Submit a rendered job; its id."""

    @abstractmethod
    def state(self, job_id: str) -> JobState:
        """The job as it is now."""

    def upload(self, path: Path, uri: str) -> None:
        """Put a file where the job finds it; does nothing where one of its size is, since the URI names its content."""
        from trade_ingest.submit.artefacts import upload_file

        upload_file(path, uri, self.connections)

    def read(self, uri: str) -> bytes | None:
        """A small object that the job has written; None if there is none."""
        from trade_ingest.errors import FileUnreadableError
        from trade_ingest.source.small_objects import read_small

        try:
            return read_small(uri, self.connections)
        except FileUnreadableError:
            return None


@dataclass(frozen=True, slots=True)
class Platform:
    """A place where jobs run.

    Attributes:
        name: as on the command line.
        title: for people.
        template: the file of the job, in ``cloud_jobs/``.
        parameters: what it needs to know.
        client: makes the client of its service.
        artefacts: which files the job needs there: ``entry_point``, ``packages``, ``wheel``.
        places: how the URI of ``--bucket`` may begin.
        sources: how paths may begin that the job sees as files of its own.
        database_secret: where the secret is unless told otherwise.
        needs_bucket: whether there is no job without one.
        adapt: changes the rendered job, where the platform's file has another form than its interface.
    """

    name: str
    title: str
    template: str
    parameters: tuple[Parameter, ...]
    client: Callable[[Values], JobClient]
    artefacts: tuple[str, ...] = ("entry_point", "packages")
    places: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    database_secret: str | None = None
    needs_bucket: bool = True
    adapt: Callable[[Document, Values], Document] = lambda document, _: document
