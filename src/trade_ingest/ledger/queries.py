"""What the ledger can be asked: runs, files, attempts, rejects; each question reads and changes nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, LiteralString, TypeVar

import psycopg
from psycopg.rows import class_row, scalar_row

from trade_ingest.errors import NotInLedgerError
from trade_ingest.ledger.after_load import FileAction, find_action
from trade_ingest.ledger.connection import open_connection, wrap_database_errors
from trade_ingest.ledger.handover import FileHandover, file_handovers
from trade_ingest.ledger.rights import naming_ledger_rights
from trade_ingest.ledger.runs import RUN_COUNTERS
from trade_ingest.ledger.schema import require_ledger

Connection = psycopg.Connection[Any]
Parameters = Mapping[str, Any] | Sequence[Any]
_Row = TypeVar("_Row")


@contextmanager
def open_ledger(database: str) -> Iterator[Connection]:
    """A connection to a database that has a ledger of this program's version.

    Raises:
        LedgerVersionError: there is no ledger, or one of another version.
        DatabaseUnavailableError, DatabaseAuthenticationError, DatabasePermissionError: the database cannot be used.
    """
    with wrap_database_errors(), open_connection(database) as connection, naming_ledger_rights(connection):
        require_ledger(connection)
        yield connection


@dataclass(frozen=True, slots=True)
class RunRow:
    """A run as the ledger has it; the counters mean the same as in ``RunResult``."""

    run_id: int
    kind: str
    state: str
    target: str
    sources: list[str]
    engine: str
    started_by: str
    host: str
    process_id: int
    program_version: str
    started_at: datetime
    ended_at: datetime | None
    duration_seconds: float
    files_planned: int
    files_loaded: int
    files_failed: int
    files_skipped: int
    rows_read: int
    rows_loaded: int
    rows_duplicate: int
    rows_rejected: int
    bytes_read: int
    error: Mapping[str, Any] | None

    @property
    def counters(self) -> dict[str, int]:
        """The counters by name."""
        return {name: getattr(self, name) for name in RUN_COUNTERS}


_SELECT_RUN: LiteralString = """
SELECT
    run_id, kind, state, target, sources, engine, started_by, host, process_id, program_version, started_at, ended_at,
    extract(epoch FROM coalesce(ended_at, clock_timestamp()) - started_at)::float8 AS duration_seconds,
    files_planned, files_loaded, files_failed, files_skipped, rows_read, rows_loaded, rows_duplicate, rows_rejected,
    bytes_read, error
FROM ingest.run
"""


def list_runs(
    connection: Connection, *, states: Sequence[str] = (), limit: int | None = 50, before: int | None = None
) -> list[RunRow]:
    """Runs, newest first.

    Args:
        connection: to a database with a ledger.
        states: only runs in one of these states; all if empty.
        limit: at most so many.
        before: only runs older than the run of this id, to go on from a list.
    """
    return _rows(
        connection,
        RunRow,
        _SELECT_RUN + "WHERE (%(states)s::text[] = '{}' OR state = ANY(%(states)s))"
        " AND (%(before)s::bigint IS NULL OR run_id < %(before)s)"
        " ORDER BY run_id DESC LIMIT %(limit)s",
        {"states": list(states), "before": before, "limit": limit},
    )


@dataclass(frozen=True, slots=True)
class FileFailure:
    """A file whose last attempt failed, and with what."""

    file_id: int
    uri: str
    error: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class RunDetail:
    """All that the ledger knows of a run.

    Attributes:
        run: the run.
        contract: name and version of its contract, or None.
        options: the options that it was started with.
        files_by_state: how the files that it touched last stand now.
        stage_seconds: time of its loading threads by stage, over all its attempts.
        failures: files that failed in it and have not been loaded since.
        rejects_open: rejects that it left and nobody has resolved.
    """

    run: RunRow
    contract: str | None
    options: Mapping[str, Any]
    files_by_state: Mapping[str, int]
    stage_seconds: Mapping[str, float]
    failures: list[FileFailure]
    rejects_open: int

    @property
    def bottleneck(self) -> str | None:
        """The stage that took most of the time; None if nothing was loaded."""
        return max(self.stage_seconds, key=lambda stage: self.stage_seconds[stage], default=None)


def get_run_row(connection: Connection, run_id: int) -> RunRow:
    """One run.

    Raises:
        NotInLedgerError: there is none with that id.
    """
    found = _rows(connection, RunRow, _SELECT_RUN + "WHERE run_id = %s", [run_id])
    if not found:
        message = f"the ledger has no run {run_id}"
        raise NotInLedgerError(message, hint="list the runs with: trade-ingest runs", run_id=run_id)
    return found[0]


def get_run(connection: Connection, run_id: int, *, max_failures: int | None = None) -> RunDetail:
    """One run in detail, with at most so many of its failures.

    Raises:
        NotInLedgerError: there is none with that id.
    """
    run = get_run_row(connection, run_id)
    contract, options = fetch_row(
        connection,
        "SELECT c.name || ' v' || c.version, r.options FROM ingest.run AS r LEFT JOIN ingest.contract AS c"
        " USING (contract_id) WHERE run_id = %s",
        [run_id],
    )
    states = connection.execute(
        "SELECT state, count(*) FROM ingest.file WHERE run_id = %s GROUP BY state ORDER BY state", [run_id]
    )
    stages = connection.execute(
        "SELECT key, sum(value::float8) FROM ingest.attempt CROSS JOIN jsonb_each_text(stage_seconds)"
        " WHERE run_id = %s GROUP BY key ORDER BY sum(value::float8) DESC, key",
        [run_id],
    )
    failures = _rows(
        connection,
        FileFailure,
        "SELECT file_id, uri, error FROM ingest.file WHERE state = 'failed' AND error IS NOT NULL AND file_id IN ("
        "SELECT file_id FROM ingest.attempt WHERE run_id = %(run)s AND state = 'failed'"
        " UNION SELECT file_id FROM ingest.file WHERE run_id = %(run)s AND state = 'failed')"
        " ORDER BY uri LIMIT %(most)s",
        {"run": run_id, "most": max_failures},
    )
    (rejects_open,) = fetch_row(
        connection, "SELECT count(*) FROM ingest.reject WHERE run_id = %s AND state = 'open'", [run_id]
    )
    return RunDetail(run, contract, options, dict(states), dict(stages), failures, rejects_open)


@dataclass(frozen=True, slots=True)
class FileSummary:
    """A file as the ledger has it; the counts of one that is not loaded any more are those it had."""

    file_id: int
    target: str
    uri: str
    version: str
    size_bytes: int
    modified_at: datetime
    state: str
    reason: str | None
    run_id: int | None
    contract_id: int
    rows_read: int
    rows_loaded: int
    rows_duplicate: int
    rows_rejected: int
    event_time_min: datetime | None
    event_time_max: datetime | None
    discovered_at: datetime
    loaded_at: datetime | None
    replaces_file_id: int | None
    same_as_file_id: int | None
    error: Mapping[str, Any] | None

    @property
    def is_balanced(self) -> bool:
        """Whether each row read is accounted for."""
        return self.rows_read == self.rows_loaded + self.rows_duplicate + self.rows_rejected


_SELECT_FILE: LiteralString = """
SELECT
    file_id, target, uri, version, size_bytes, modified_at, state, reason, run_id, contract_id, rows_read, rows_loaded,
    rows_duplicate, rows_rejected, event_time_min, event_time_max, discovered_at, loaded_at, replaces_file_id,
    same_as_file_id, error
FROM ingest.file
"""


def list_files(
    connection: Connection,
    *,
    run_id: int | None = None,
    states: Sequence[str] = (),
    uri: str | None = None,
    target: str | None = None,
    limit: int | None = 50,
    before: int | None = None,
) -> list[FileSummary]:
    """Files, newest first.

    Args:
        connection: to a database with a ledger.
        run_id: only files that this run touched last.
        states: only files in one of these states; all if empty.
        uri: only files whose URI matches: ``*`` and ``?`` are wildcards; without one, any part of the URI.
        target: only files of this target, ``schema.table``.
        limit: at most so many.
        before: only files older than the file of this id, to go on from a list.
    """
    return _rows(
        connection,
        FileSummary,
        _SELECT_FILE + "WHERE (%(run_id)s::bigint IS NULL OR run_id = %(run_id)s)"
        " AND (%(states)s::text[] = '{}' OR state = ANY(%(states)s))"
        " AND (%(uri)s::text IS NULL OR uri LIKE %(uri)s)"
        " AND (%(target)s::text IS NULL OR target = %(target)s)"
        " AND (%(before)s::bigint IS NULL OR file_id < %(before)s)"
        " ORDER BY file_id DESC LIMIT %(limit)s",
        {
            "run_id": run_id,
            "states": list(states),
            "uri": None if uri is None else like_pattern(uri),
            "target": target,
            "before": before,
            "limit": limit,
        },
    )


def find_versions(connection: Connection, uri: str, *, target: str | None = None) -> list[FileSummary]:
    """Each version of a file that the ledger knows, newest first."""
    return _rows(
        connection,
        FileSummary,
        _SELECT_FILE + "WHERE uri = %(uri)s"
        " AND (%(target)s::text IS NULL OR target = %(target)s) ORDER BY file_id DESC",
        {"uri": uri, "target": target},
    )


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try to load a file; ``state`` is ``running``, ``loaded``, ``failed``, ``skipped`` or ``abandoned``."""

    number: int
    run_id: int
    state: str
    worker: str
    started_at: datetime
    ended_at: datetime | None
    rows_read: int | None
    bytes_read: int | None
    stage_seconds: Mapping[str, float] | None
    error: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class Overlap:
    """Rows that two files both delivered: counted as duplicates in one, loaded by the other."""

    file_id: int
    uri: str
    rows: int


@dataclass(frozen=True, slots=True)
class FileDetail:
    """All that the ledger knows of a file.

    Attributes:
        file: the file.
        contract: name and version of the contract that it was loaded by.
        control_totals: sums over its loaded rows, as decimal text, by column.
        header: the cells of its header record; None if it has none or was not read.
        content_hash: xxh3-128 of its content in hexadecimal digits; None if it was not read.
        content_bytes: its decompressed size.
        replaced_by_file_id: the file that took its place.
        duplicates_of: files that had delivered rows of it before.
        duplicated_by: files that delivered rows of it again.
        rejects_by_state: its rejects: ``open``, ``replayed``, ``discarded``.
        attempts: all tries to load it, first to last.
        after_load: what was to be done with it then, and what came of it; None: it was to be kept.
        lakes: what the lakes of its target hold of it.
    """

    file: FileSummary
    contract: str
    control_totals: Mapping[str, str]
    header: list[str] | None
    content_hash: str | None
    content_bytes: int | None
    replaced_by_file_id: int | None
    duplicates_of: list[Overlap]
    duplicated_by: list[Overlap]
    rejects_by_state: Mapping[str, int]
    attempts: list[Attempt] = field(default_factory=list)
    after_load: FileAction | None = None
    lakes: list[FileHandover] = field(default_factory=list)


def get_file_summary(connection: Connection, file_id: int) -> FileSummary:
    """One file.

    Raises:
        NotInLedgerError: there is none with that id.
    """
    found = _rows(connection, FileSummary, _SELECT_FILE + "WHERE file_id = %s", [file_id])
    if not found:
        message = f"the ledger has no file {file_id}"
        raise NotInLedgerError(message, hint="list the files with: trade-ingest files", file_id=file_id)
    return found[0]


def get_file(connection: Connection, file_id: int) -> FileDetail:
    """One file in detail.

    Raises:
        NotInLedgerError: there is none with that id.
    """
    file = get_file_summary(connection, file_id)
    contract, totals, header, content_hash, content_bytes = fetch_row(
        connection,
        "SELECT c.name || ' v' || c.version, control_totals, header, encode(content_hash, 'hex'), content_bytes"
        " FROM ingest.file JOIN ingest.contract AS c USING (contract_id) WHERE file_id = %s",
        [file_id],
    )
    rejects = connection.execute(
        "SELECT state, count(*) FROM ingest.reject WHERE file_id = %s GROUP BY state ORDER BY state", [file_id]
    )
    return FileDetail(
        file=file,
        contract=contract,
        control_totals=totals,
        header=header,
        content_hash=content_hash,
        content_bytes=content_bytes,
        replaced_by_file_id=find_replacement(connection, file_id) if file.state == "replaced" else None,
        duplicates_of=_overlaps(connection, _DUPLICATES_OF, file_id),
        duplicated_by=_overlaps(connection, _DUPLICATED_BY, file_id),
        rejects_by_state=dict(rejects),
        attempts=list_attempts(connection, file_id),
        after_load=find_action(connection, file_id),
        lakes=file_handovers(connection, file_id),
    )


def find_replacement(connection: Connection, file_id: int) -> int | None:
    """The file that has taken the place of a file, or None."""
    with connection.cursor(row_factory=scalar_row) as cursor:
        found: int | None = cursor.execute(
            "SELECT file_id FROM ingest.file WHERE replaces_file_id = %s AND state IN ('loaded', 'replaced', 'skipped')"
            " AND reason IS DISTINCT FROM 'superseded' ORDER BY loaded_at DESC LIMIT 1",
            [file_id],
        ).fetchone()
    return found


def list_attempts(connection: Connection, file_id: int) -> list[Attempt]:
    """All tries to load a file, first to last."""
    return _rows(
        connection,
        Attempt,
        "SELECT number, run_id, state, worker, started_at, ended_at, rows_read, bytes_read, stage_seconds, error"
        " FROM ingest.attempt WHERE file_id = %s ORDER BY number",
        [file_id],
    )


_DUPLICATES_OF: LiteralString = (
    "SELECT f.file_id, f.uri, o.rows FROM ingest.overlap AS o JOIN ingest.file AS f ON f.file_id = o.original_file_id"
    " WHERE o.file_id = %s ORDER BY f.file_id"
)
_DUPLICATED_BY: LiteralString = (
    "SELECT f.file_id, f.uri, o.rows FROM ingest.overlap AS o JOIN ingest.file AS f ON f.file_id = o.file_id"
    " WHERE o.original_file_id = %s ORDER BY f.file_id"
)


def _overlaps(connection: Connection, query: LiteralString, file_id: int) -> list[Overlap]:
    return _rows(connection, Overlap, query, [file_id])


def like_pattern(pattern: str) -> str:
    """A pattern with ``*`` and ``?`` for ``LIKE``."""
    escaped = pattern.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    if "*" in pattern or "?" in pattern:
        return escaped.replace("*", "%").replace("?", "_")
    return f"%{escaped}%"


def _rows(connection: Connection, kind: type[_Row], query: LiteralString, parameters: Parameters) -> list[_Row]:
    with connection.cursor(row_factory=class_row(kind)) as cursor:
        return cursor.execute(query, parameters).fetchall()


def fetch_row(connection: Connection, query: LiteralString, parameters: Parameters) -> tuple[Any, ...]:
    """The first row of a query that has one.

    Raises:
        LookupError: it has none.
    """
    row: tuple[Any, ...] | None = connection.execute(query, parameters).fetchone()
    if row is None:
        raise LookupError(query)
    return row


def list_run_file_ids(connection: Connection, run_id: int) -> list[int]:
    """The files that a run touched last, in order.

    Raises:
        NotInLedgerError: there is no run with that id.
    """
    get_run_row(connection, run_id)
    with connection.cursor(row_factory=scalar_row) as cursor:
        cursor.execute("SELECT file_id FROM ingest.file WHERE run_id = %s ORDER BY file_id", [run_id])
        return cursor.fetchall()
