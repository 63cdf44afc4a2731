"""Runs: begun, counted, ended, or found abandoned."""

from __future__ import annotations

import getpass
import json
import os
import socket
from collections.abc import Mapping, Sequence
from enum import StrEnum
from importlib import metadata
from typing import Any

import psycopg

from trade_ingest.ledger.events import Event, EventKind, record_event
from trade_ingest.ledger.rights import naming_ledger_rights

Connection = psycopg.Connection[Any]

_RUN_LOCK = 0x7469_0003


class RunState(StrEnum):
    """How a run stands."""

    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    INTERRUPTED = "interrupted"
    ABANDONED = "abandoned"


RUN_COUNTERS = (
    "files_planned",
    "files_loaded",
    "files_failed",
    "files_skipped",
    "rows_read",
    "rows_loaded",
    "rows_duplicate",
    "rows_rejected",
    "bytes_read",
)


def start_run(
    connection: Connection,
    kind: str,
    *,
    sources: Sequence[str],
    contract_id: int | None,
    target: str,
    engine: str,
    options: Mapping[str, Any],
) -> int:
    """Record a run and hold its lock for as long as the connection lives.

    The lock is what tells a run that works from one whose process died: no timeout is involved.

    Returns:
        The run's id.
    """
    with naming_ledger_rights(connection), connection.transaction():
        row = connection.execute(
            "INSERT INTO ingest.run (kind, state, sources, contract_id, target, engine, options, host, process_id,"
            " started_by, program_version) VALUES (%s, 'running', %s, %s, %s, %s, %s, %s, %s, %s, %s) RETURNING run_id",
            [
                kind,
                list(sources),
                contract_id,
                target,
                engine,
                json.dumps(options, default=str),
                socket.gethostname(),
                os.getpid(),
                _user_name(),
                metadata.version("trade-ingest"),
            ],
        ).fetchone()
        assert row is not None
        run_id = int(row[0])
        # inside the transaction: nobody ever sees the run without its lock
        connection.execute("SELECT pg_advisory_lock(%s, %s)", [_RUN_LOCK, run_id])
        record_event(connection, Event(EventKind.RUN_STARTED, run_id, detail={"kind": kind, "sources": list(sources)}))
    return run_id


def count_run(connection: Connection, run_id: int, counters: Mapping[str, int]) -> None:
    """Write a run's counters."""
    connection.execute(
        "UPDATE ingest.run SET files_planned = %s, files_loaded = %s, files_failed = %s, files_skipped = %s,"
        " rows_read = %s, rows_loaded = %s, rows_duplicate = %s, rows_rejected = %s, bytes_read = %s WHERE run_id = %s",
        [*(counters.get(name, 0) for name in RUN_COUNTERS), run_id],
    )


def end_run(
    connection: Connection, run_id: int, state: RunState, counters: Mapping[str, int], error: Mapping[str, Any] | None
) -> Event:
    """Write a run's end and give up its lock; the event that was recorded."""
    event = Event(EventKind.RUN_ENDED, run_id, detail={"state": state.value, **counters})
    with connection.transaction():
        count_run(connection, run_id, counters)
        connection.execute(
            "UPDATE ingest.run SET state = %s, ended_at = clock_timestamp(), error = %s WHERE run_id = %s",
            [state.value, None if error is None else json.dumps(error), run_id],
        )
        connection.execute("DELETE FROM ingest.progress WHERE run_id = %s", [run_id])
        record_event(connection, event)
    connection.execute("SELECT pg_advisory_unlock(%s, %s)", [_RUN_LOCK, run_id])
    return event


_ABANDON_SQL = """
UPDATE ingest.run SET
    state = 'abandoned',
    ended_at = clock_timestamp(),
    (files_loaded, files_failed, rows_read, rows_loaded, rows_duplicate, rows_rejected, bytes_read) = (
        SELECT
            count(*) FILTER (WHERE state = 'loaded'),
            count(*) FILTER (WHERE state = 'failed'),
            coalesce(sum(rows_read) FILTER (WHERE state = 'loaded'), 0),
            coalesce(sum(rows_loaded) FILTER (WHERE state = 'loaded'), 0),
            coalesce(sum(rows_duplicate) FILTER (WHERE state = 'loaded'), 0),
            coalesce(sum(rows_rejected) FILTER (WHERE state = 'loaded'), 0),
            coalesce(sum(size_bytes) FILTER (WHERE state = 'loaded'), 0)
        FROM ingest.file
        WHERE file.run_id = run.run_id
    )
WHERE run_id = %s AND state = 'running'
"""


def abandon_dead_runs(connection: Connection) -> list[int]:
    """Mark the runs whose process has died, and their attempts, as abandoned; their ids."""
    abandoned = []
    for (run_id,) in connection.execute("SELECT run_id FROM ingest.run WHERE state = 'running'").fetchall():
        row = connection.execute("SELECT pg_try_advisory_lock(%s, %s)", [_RUN_LOCK, run_id]).fetchone()
        if not row or not row[0]:
            continue  # its process lives
        with connection.transaction():
            # first, as it waits for a COMMIT that the process had sent before it died: that file counts too
            abandon_attempts(connection, run_id)
            if connection.execute(_ABANDON_SQL, [run_id]).rowcount:
                record_event(connection, Event(EventKind.RUN_ABANDONED, run_id))
                abandoned.append(run_id)
        connection.execute("SELECT pg_advisory_unlock(%s, %s)", [_RUN_LOCK, run_id])
    return abandoned


def live_run_ids(connection: Connection) -> set[int]:
    """The runs whose process lives, on whatever machine."""
    found = connection.execute(
        "SELECT objid::bigint FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 2 AND granted"
        " AND classid::bigint = %s AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
        [_RUN_LOCK],
    )
    return {row[0] for row in found}


def abandon_attempts(connection: Connection, run_id: int, file_id: int | None = None) -> None:
    """Mark attempts that nobody works on any more, and forget how far they were."""
    connection.execute(
        "DELETE FROM ingest.progress WHERE run_id = %s AND (%s::bigint IS NULL OR file_id = %s)",
        [run_id, file_id, file_id],
    )
    connection.execute(
        "UPDATE ingest.attempt SET state = 'abandoned', ended_at = clock_timestamp()"
        " WHERE run_id = %s AND state = 'running' AND (%s::bigint IS NULL OR file_id = %s)",
        [run_id, file_id, file_id],
    )


def _user_name() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):
        return str(os.getuid()) if hasattr(os, "getuid") else "unknown"
