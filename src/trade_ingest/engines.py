"""Which engine a run uses, and how wide it runs."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from trade_ingest.plan import Plan
from trade_ingest.run import RunOptions
from trade_ingest.source.access import Accesses

if TYPE_CHECKING:
    from trade_ingest.engine.base import Engine
    from trade_ingest.load.task import LoadOptions

WORKERS_FROM_BYTES = 16 << 20
"""Less than this is loaded before worker processes have started (0.5 s each, 1 s on Spark), unless in many files."""

WORKERS_FROM_FILES = 200
"""Files of which each takes 7 ms, however small it is, and a round trip where it lies in an object store."""

CONNECTIONS_PER_FILE = 2
"""Of each file that is being loaded: one for its transaction, one for what others are to see at once."""

ICEBERG_CONNECTIONS = 2
"""Of each file that is handed over to an Iceberg table: one holds the table, one is that of the catalog."""

_TWIN_CONNECTIONS = 1  # of a speculative copy of a task, with which it waits for the first one
_OWN_CONNECTIONS = 2  # the run's own, and the one that watches the executors
_ARCHIVE_CONNECTIONS = 1  # of a run that moves, tags or deletes files, where its connections are limited


def engine_for(name: str, given: object = None) -> str:
    """The engine that a run uses: ``auto`` is ``spark`` where a master or session is given or found, else ``local``."""
    from trade_ingest.engine.spark_session import is_spark_configured

    if name != "auto":
        return name
    return "spark" if given or is_spark_configured() else "local"


@contextmanager
def open_engine(name: str, database: str, options: RunOptions, the_plan: Plan, accesses: Accesses) -> Iterator[Engine]:
    """The engine, ready to run; what was started for it is stopped afterwards."""
    is_little = the_plan.bytes_to_load < WORKERS_FROM_BYTES and len(the_plan.to_load) < WORKERS_FROM_FILES
    if name == "local":
        from trade_ingest.engine.local import LocalEngine

        parallelism = options.parallelism or (1 if is_little else default_parallelism())
        most = _most_files(options, CONNECTIONS_PER_FILE)
        yield LocalEngine(database, min(parallelism, most or parallelism))
        return
    from trade_ingest.engine.spark import SparkEngine
    from trade_ingest.engine.spark_session import (
        is_on_one_machine,
        open_session,
        runs_this_python,
        stop_session,
    )

    session, is_ours = options.session, False
    if session is None:
        session, is_ours = open_session(options.master, options.spark_conf)
    try:
        width = options.parallelism or (1 if is_little and is_on_one_machine(session) else None)
        engine = SparkEngine(session, database, width)
        each = CONNECTIONS_PER_FILE + (_TWIN_CONNECTIONS if engine.is_speculative else 0)
        if (most := _most_files(options, each)) is not None:
            engine.limit_loads(most)
        file = the_plan.to_load[0].file
        file = replace(file, access=accesses.of_uri(file.uri))
        if is_ours and runs_this_python(session, options.spark_conf):
            engine.put_off_check(file)  # it takes as long as the loads of some small files
        else:
            engine.check_executors(file)  # once, however often the run plans again
        yield engine
    finally:
        if is_ours:
            stop_session(session)


def _most_files(options: RunOptions, connections_per_file: int) -> int | None:
    """So many files at once as the limit of connections allows, at least one; None without a limit."""
    if options.max_connections is None:
        return None
    own = _OWN_CONNECTIONS + (_ARCHIVE_CONNECTIONS if options.after_load != "keep" else 0)
    has_iceberg = any(lake.startswith("iceberg:") for lake in options.also)
    each = connections_per_file + (ICEBERG_CONNECTIONS if has_iceberg else 0)
    return max(1, (options.max_connections - own) // each)


def default_parallelism() -> int:
    """Files that this machine loads at once: one per processor, and two more to work while others wait.

    On two processors four were 2 to 8 % faster than three; with more the server worked more than they saved.
    """
    return min(processors() + 2, 2 * processors())


def processors() -> int:
    """Processors of this machine."""
    return os.cpu_count() or 1


def load_options(options: RunOptions, the_plan: Plan, engine: Engine) -> LoadOptions:
    """Share the processors between files loaded at once and, where files are few and large, within a file."""
    from trade_ingest.load.task import LoadOptions
    from trade_ingest.source.sizes import BLOCK_BYTES

    lanes = max(1, min(engine.parallelism, engine.processors) // max(1, len(the_plan.to_load)))
    return LoadOptions(
        reject_limit=options.reject_limit,
        on_changed=options.on_changed,
        threads=lanes,
        lanes=lanes,
        # each lane has a block in hand: a dozen of them are to fit in the memory that one process may take
        block_bytes=BLOCK_BYTES if lanes <= 2 else BLOCK_BYTES // 4,  # noqa: PLR2004
    )
