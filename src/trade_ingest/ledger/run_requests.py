"""Runs that were asked for and wait, start, run or have ended: a queue that any number of servers share.

Who works on a request holds an advisory lock on it, shared: first the server that starts a process for it, then that
process. PostgreSQL releases the lock when both are gone, and whoever looks next finds the request without a keeper; no
timeout decides what is dead.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, LiteralString

import psycopg
from psycopg.rows import class_row

from trade_ingest.errors import IdempotencyError, NotInLedgerError
from trade_ingest.ledger.events import Event, EventKind, record_event

Connection = psycopg.Connection[Any]

MAX_TRIES = 3
"""Processes that are started for a request, each after the one before died without having begun its run."""

_CLAIM_LOCK = 0x7469_0006
_REQUEST_LOCK = 0x7469_0007


class RequestState(StrEnum):
    """How a request stands."""

    QUEUED = "queued"
    STARTING = "starting"
    RUNNING = "running"
    ENDED = "ended"
    CANCELLED = "cancelled"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class RunRequest:
    """A request as the ledger has it.

    Attributes:
        arguments: what is to be loaded and how; no secrets.
        run_id: its run, as soon as there is one.
        retry_of_run_id: the run whose failed files it is for.
        tries: processes that were started for it.
        host: where the process is.
        stop_requested_at: when somebody asked that it stop.
        error: why it failed without a run, or how its process ended.
    """

    run_request_id: int
    idempotency_key: str | None
    requested_by: str
    arguments: Mapping[str, Any]
    state: str
    run_id: int | None
    retry_of_run_id: int | None
    tries: int
    host: str | None
    process_id: int | None
    requested_at: datetime
    started_at: datetime | None
    stop_requested_at: datetime | None
    ended_at: datetime | None
    error: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class FailedFiles:
    """The files that a run has left failed.

    Attributes:
        contract_id: the run's contract.
        options: the run's, in the form that the ledger keeps; see ``RunOptions.as_dict``.
        uris: of the files, in order.
    """

    contract_id: int | None
    options: Mapping[str, Any]
    uris: tuple[str, ...]


_COLUMNS: LiteralString = """
run_request_id, idempotency_key, requested_by, arguments, state, run_id, retry_of_run_id, tries, host, process_id,
requested_at, started_at, stop_requested_at, ended_at, error
"""
_SELECT: LiteralString = f"SELECT {_COLUMNS} FROM ingest.run_request "  # noqa: S608  # a constant


def ask_for_run(
    connection: Connection,
    arguments: Mapping[str, Any],
    *,
    requested_by: str,
    fingerprint: bytes,
    idempotency_key: str | None = None,
    retry_of_run_id: int | None = None,
) -> tuple[RunRequest, bool]:
    """Put a request into the queue; with a key that was used before, give the one of then.

    Returns:
        The request, and whether it is new.

    Raises:
        IdempotencyError: the key was used for something else; `fingerprint` differs.
    """
    row = connection.execute(
        "INSERT INTO ingest.run_request (idempotency_key, fingerprint, requested_by, arguments, retry_of_run_id)"
        " VALUES (%s, %s, %s, %s, %s) ON CONFLICT (idempotency_key) DO NOTHING RETURNING run_request_id",
        [idempotency_key, fingerprint, requested_by, json.dumps(arguments), retry_of_run_id],
    ).fetchone()
    if row is not None:
        return get_request(connection, row[0]), True
    before = request_of_key(connection, str(idempotency_key), fingerprint)
    assert before is not None
    return before, False


def request_of_key(connection: Connection, idempotency_key: str, fingerprint: bytes) -> RunRequest | None:
    """The request that a key was used for before, if any.

    Raises:
        IdempotencyError: that was something else; its fingerprint differs.
    """
    before = connection.execute(
        "SELECT run_request_id, fingerprint FROM ingest.run_request WHERE idempotency_key = %s", [idempotency_key]
    ).fetchone()
    if before is None:
        return None
    if bytes(before[1]) != fingerprint:
        message = "this Idempotency-Key was used for another request"
        raise IdempotencyError(message, hint="send a new key with each new request", run_request_id=before[0])
    return get_request(connection, before[0])


def failed_files(connection: Connection, run_id: int) -> FailedFiles:
    """The files that failed in a run and have not been loaded since, and how the run worked.

    Raises:
        NotInLedgerError: there is no such run.
    """
    row = connection.execute("SELECT contract_id, options FROM ingest.run WHERE run_id = %s", [run_id]).fetchone()
    if row is None:
        message = f"the ledger has no run {run_id}"
        raise NotInLedgerError(message, hint="list the runs with: trade-ingest runs", run_id=run_id)
    found = connection.execute(
        "SELECT DISTINCT f.uri FROM ingest.attempt AS a JOIN ingest.file AS f USING (file_id)"
        " WHERE a.run_id = %s AND a.state = 'failed' AND f.state = 'failed' ORDER BY f.uri",
        [run_id],
    )
    return FailedFiles(row[0], row[1], tuple(uri for (uri,) in found))


def get_request(connection: Connection, run_request_id: int) -> RunRequest:
    """One request.

    Raises:
        NotInLedgerError: there is none of that id.
    """
    found = _requests(connection, _SELECT + "WHERE run_request_id = %s", [run_request_id])
    if not found:
        message = f"there is no run request {run_request_id}"
        raise NotInLedgerError(message, run_request_id=run_request_id)
    return found[0]


def request_of_run(connection: Connection, run_id: int) -> RunRequest | None:
    """The request that a run was begun for, or None if it was not begun over the API."""
    found = _requests(connection, _SELECT + "WHERE run_id = %s ORDER BY run_request_id DESC LIMIT 1", [run_id])
    return found[0] if found else None


def open_requests(connection: Connection) -> list[RunRequest]:
    """The requests that have not ended, oldest first."""
    return _requests(
        connection, _SELECT + "WHERE state IN ('queued', 'starting', 'running') ORDER BY run_request_id", []
    )


def claim_requests(connection: Connection, *, at_most: int, host: str) -> list[RunRequest]:
    """Take waiting requests, oldest first, and hold their locks; no more than `at_most` are at work on all servers.

    Args:
        connection: whose session holds the locks until `release_request`.
        at_most: requests at work at once.
        host: of the caller.
    """
    with connection.transaction():
        # counting and taking are one step: two servers do not both find the last free place
        connection.execute("SELECT pg_advisory_xact_lock(%s)", [_CLAIM_LOCK])
        claimed = _requests(connection, _CLAIM_SQL, {"at_most": at_most, "host": host})
        for request in claimed:
            # inside the transaction: nobody ever sees a request that is starting and has no keeper
            connection.execute("SELECT pg_advisory_lock_shared(%s, %s)", [_REQUEST_LOCK, request.run_request_id])
    return claimed


_CLAIM_SQL: LiteralString = f"""
UPDATE ingest.run_request SET state = 'starting', tries = tries + 1, host = %(host)s, process_id = NULL
WHERE run_request_id IN (
    SELECT run_request_id FROM ingest.run_request
    WHERE state = 'queued'
    ORDER BY run_request_id
    LIMIT greatest(
        0, %(at_most)s - (SELECT count(*) FROM ingest.run_request WHERE state IN ('starting', 'running'))::integer
    )
    FOR UPDATE SKIP LOCKED
)
RETURNING {_COLUMNS}
"""  # noqa: S608  # a constant


def release_request(connection: Connection, run_request_id: int) -> None:
    """Give up the lock that `claim_requests` took: the process that was started keeps the request now, or is gone."""
    connection.execute("SELECT pg_advisory_unlock_shared(%s, %s)", [_REQUEST_LOCK, run_request_id])


@contextmanager
def keep_request(
    connection: Connection, run_request_id: int, *, tries: int, host: str, process_id: int
) -> Iterator[RunRequest | None]:
    """Work on a request that was claimed: its lock is held while the block runs.

    Gives None where it is not this process's any more: a server took it for dead and began it again, or it was
    cancelled.
    """
    connection.execute("SELECT pg_advisory_lock_shared(%s, %s)", [_REQUEST_LOCK, run_request_id])
    try:
        is_ours = connection.execute(
            "UPDATE ingest.run_request SET host = %s, process_id = %s, started_at = clock_timestamp()"
            " WHERE run_request_id = %s AND tries = %s AND state = 'starting'",
            [host, process_id, run_request_id, tries],
        ).rowcount
        yield get_request(connection, run_request_id) if is_ours else None
    finally:
        if not connection.closed:
            release_request(connection, run_request_id)


def note_run(connection: Connection, run_request_id: int, run_id: int) -> None:
    """A request's run has begun."""
    connection.execute(
        "UPDATE ingest.run_request SET state = 'running', run_id = %s WHERE run_request_id = %s",
        [run_id, run_request_id],
    )


def end_request(
    connection: Connection, run_request_id: int, state: RequestState, error: Mapping[str, Any] | None = None
) -> None:
    """A request has ended, in `state`; does nothing if it had ended before.

    One that failed before it had a run is an event of its own: no run tells of it.
    """
    with connection.transaction():
        row = connection.execute(
            "UPDATE ingest.run_request SET state = %s, error = %s, ended_at = clock_timestamp()"
            " WHERE run_request_id = %s AND ended_at IS NULL RETURNING run_id",
            [state.value, None if error is None else json.dumps(error, default=str), run_request_id],
        ).fetchone()
        if row == (None,) and state == RequestState.FAILED:
            _record_failure(connection, run_request_id, error or {})


def _record_failure(connection: Connection, run_request_id: int, error: Mapping[str, Any]) -> None:
    detail = {"run_request_id": run_request_id, "error": error}
    record_event(connection, Event(EventKind.RUN_REQUEST_FAILED, detail=detail))


def ask_to_stop(connection: Connection, run_request_id: int) -> RunRequest:
    """Cancel a request: one that waits never begins, one at work finishes the files in flight; again does nothing."""
    connection.execute(
        "UPDATE ingest.run_request SET stop_requested_at = coalesce(stop_requested_at, clock_timestamp()),"
        " state = CASE state WHEN 'queued' THEN 'cancelled' ELSE state END,"
        " ended_at = CASE state WHEN 'queued' THEN clock_timestamp() ELSE ended_at END"
        " WHERE run_request_id = %s AND state IN ('queued', 'starting', 'running')",
        [run_request_id],
    )
    return get_request(connection, run_request_id)


def is_stop_requested(connection: Connection, run_request_id: int) -> bool:
    """Whether somebody asked that a request stop."""
    row = connection.execute(
        "SELECT stop_requested_at IS NOT NULL FROM ingest.run_request WHERE run_request_id = %s", [run_request_id]
    ).fetchone()
    return bool(row and row[0])


_LOST = {
    "code": "run.process_lost",
    "message": "the process of the run died",
    "hint": "what it had loaded is loaded; ask for the run again",
    "retryable": True,
}


def recover_requests(connection: Connection, *, kept: Collection[int] = ()) -> list[RunRequest]:
    """Find the requests whose process died: one without a run waits again, up to `MAX_TRIES`; the others have failed.

    Args:
        connection: to a database with a ledger.
        kept: the requests whose locks the connection itself holds; it would not run into them.

    Returns:
        Those that were found, as they stand now.
    """
    found = []
    for request in open_requests(connection):
        is_begun = request.state != RequestState.QUEUED and request.run_request_id not in kept
        if is_begun and (now := _recover(connection, request)) is not None:
            found.append(now)
    return found


def _recover(connection: Connection, request: RunRequest) -> RunRequest | None:
    key = [_REQUEST_LOCK, request.run_request_id]
    row = connection.execute("SELECT pg_try_advisory_lock(%s, %s)", key).fetchone()
    if not row or not row[0]:
        return None  # somebody works on it
    try:
        return _take_back(connection, request)
    finally:
        connection.execute("SELECT pg_advisory_unlock(%s, %s)", key)


def _take_back(connection: Connection, request: RunRequest) -> RunRequest | None:
    begins_again = request.run_id is None and request.tries < MAX_TRIES and request.stop_requested_at is None
    with connection.transaction():
        changed = connection.execute(
            "UPDATE ingest.run_request SET state = %s, error = %s,"
            " ended_at = CASE WHEN %s THEN NULL ELSE clock_timestamp() END"
            # as it was read: its process may have come to its end since
            " WHERE run_request_id = %s AND state = %s AND tries = %s AND run_id IS NOT DISTINCT FROM %s",
            [
                RequestState.QUEUED if begins_again else RequestState.FAILED,
                None if begins_again else json.dumps(_LOST),
                begins_again,
                request.run_request_id,
                request.state,
                request.tries,
                request.run_id,
            ],
        )
        if not changed.rowcount:
            return None
        if request.run_id is None and not begins_again:
            _record_failure(connection, request.run_request_id, _LOST)
    return get_request(connection, request.run_request_id)


def _requests(connection: Connection, query: LiteralString, parameters: Any) -> list[RunRequest]:  # noqa: ANN401
    with connection.cursor(row_factory=class_row(RunRequest)) as cursor:
        return cursor.execute(query, parameters).fetchall()
