"""Counters of several server processes in files of prometheus_client, so that one scrape has them all."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from prometheus_client import CollectorRegistry, multiprocess, values

_VARIABLE: Final = "PROMETHEUS_MULTIPROC_DIR"


@contextmanager
def shared_folder() -> Iterator[Path]:
    """A new folder in which the processes that are forked within the block count, each in files of its own.

    What is counted by processes that have died stays counted. The folder is removed when the process that made it
    leaves the block; if that was killed, when a forked one does.
    """
    owner = os.getpid()
    folder = Path(tempfile.mkdtemp(prefix="trade-ingest-metrics-"))
    before = values.ValueClass
    os.environ[_VARIABLE] = str(folder)  # prometheus_client looks here for each file that it makes
    values.ValueClass = values.MultiProcessValue()  # type: ignore[no-untyped-call]
    try:
        yield folder
    finally:
        values.ValueClass = before
        os.environ.pop(_VARIABLE, None)
        if os.getpid() == owner or os.getppid() != owner:
            shutil.rmtree(folder, ignore_errors=True)


def sum_of(folder: Path) -> CollectorRegistry:
    """What all processes have counted until now."""
    registry = CollectorRegistry()
    multiprocess.MultiProcessCollector(registry, path=str(folder))  # type: ignore[no-untyped-call]
    return registry


def forget_process(folder: Path, process_id: int) -> None:
    """A process has ended: what it had in flight is not any more."""
    multiprocess.mark_process_dead(process_id, path=str(folder))  # type: ignore[no-untyped-call]
