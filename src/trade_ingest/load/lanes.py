"""Several COPYs of one file at once, each in a transaction of its own.

The first lane is the file's own transaction, which holds the lock on the file's row and publishes it. The others
commit right before it, each with a row in ``ingest.file_part``; the first lane takes those rows out again as it
publishes. So whoever finds such a row of a file that is not loaded has found what a crash in that moment left behind,
and takes those rows out of the target before anything else. While a lane works it holds a share lock on its attempt:
a later attempt marks earlier ones abandoned first, and so waits until no lane can commit any more.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
from psycopg import errors as pg
from psycopg import sql

from trade_ingest.errors import DatabaseUnavailableError
from trade_ingest.load.feed import BlockFeed
from trade_ingest.load.segment import copy_rows
from trade_ingest.load.target import TargetTable

Connection = psycopg.Connection[Any]

_LOCK_TIMEOUT = "5s"
"""A lane that waits longer for a key that another transaction has inserted may wait for its own file's other lane."""


class NeedsOneLaneError(Exception):
    """A key is there already, or is being inserted elsewhere: the rows have to be told apart, in one transaction."""


def copy_in_lanes(
    connections: Sequence[Connection],
    target: TargetTable,
    feed: BlockFeed,
    *,
    file_id: int,
    attempt_id: int,
    write_rejects: Callable[[], None],
) -> list[int]:
    """COPY a file's rows over several connections; nothing is committed.

    Args:
        connections: the lanes; the first has the file's transaction.
        target: the table.
        feed: the file's blocks.
        file_id: the file.
        attempt_id: the attempt that the lanes belong to.
        write_rejects: called by the first lane between its COPYs when many rejects wait.

    Returns:
        The rows that each lane has loaded.

    Raises:
        NeedsOneLaneError: a key conflicts; all transactions are to be rolled back.
    """
    for connection in connections:
        connection.execute(sql.SQL("SET LOCAL lock_timeout = {}").format(sql.Literal(_LOCK_TIMEOUT)))
    for connection in connections[1:]:
        _hold_attempt(connection, attempt_id)
    with ThreadPoolExecutor(len(connections), thread_name_prefix="lane") as pool:
        futures = [
            pool.submit(_copy_lane, connection, target, feed, write_rejects if number == 0 else None)
            for number, connection in enumerate(connections)
        ]
    errors = [error for future in futures if (error := future.exception()) is not None]
    if errors:
        if any(isinstance(e, (pg.UniqueViolation, pg.LockNotAvailable, pg.DeadlockDetected)) for e in errors):
            raise NeedsOneLaneError from errors[0]
        raise errors[0]
    rows = [future.result() for future in futures]
    connections[0].execute("SET LOCAL lock_timeout = 0")
    for part, connection in enumerate(connections[1:], start=1):
        connection.execute(
            "INSERT INTO ingest.file_part (file_id, attempt_id, part, rows) VALUES (%s, %s, %s, %s)",
            [file_id, attempt_id, part, rows[part]],
        )
    return rows


def _hold_attempt(connection: Connection, attempt_id: int) -> None:
    row = connection.execute(
        "SELECT 1 FROM ingest.attempt WHERE attempt_id = %s AND state = 'running' FOR SHARE", [attempt_id]
    ).fetchone()
    if row is None:
        message = f"attempt {attempt_id} was abandoned: another process has taken the file over"
        raise DatabaseUnavailableError(message, hint="it is loaded there; run again to see")


def _copy_lane(
    connection: Connection, target: TargetTable, feed: BlockFeed, write_rejects: Callable[[], None] | None
) -> int:
    rows = 0
    try:
        with connection.cursor() as cursor:
            while (segment := feed.open_segment(ends_for_rejects=write_rejects is not None)) is not None:
                rows += copy_rows(cursor, target.identifier, target, segment)
                if write_rejects is not None:
                    write_rejects()
    except BaseException:
        feed.close()  # the other lanes need not go on
        raise
    return rows
