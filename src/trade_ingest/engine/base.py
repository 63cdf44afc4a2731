"""What an engine is."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from threading import Event
from typing import Protocol

from trade_ingest.ledger.progress import Progress
from trade_ingest.load.task import FileResult, LoadTask


class Engine(Protocol):
    """Runs file loads.

    ``run`` yields one result for each task that was begun, as they finish, in any order. After ``stop`` is set no
    further task is begun; those in flight finish. A task whose worker died is begun again; its effect is exactly once
    all the same, because the loader's transaction is.

    Attributes:
        name: ``local`` or ``spark``.
        parallelism: files loaded at once.
        processors: how many of them one machine can share among the lanes of a file.
    """

    name: str
    parallelism: int
    processors: int

    def run(
        self, tasks: Sequence[LoadTask], *, on_progress: Callable[[Progress], None], stop: Event
    ) -> Iterator[FileResult]:
        """Load the files."""
        ...
