"""The rows in ``ingest.file_part``: what the lanes of a file have committed before the file itself.

See ``load.lanes``. Needs neither parser nor encoder.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import psycopg
from psycopg import sql

from trade_ingest.ledger import files

Connection = psycopg.Connection[Any]


def publish_parts(connections: Sequence[Connection], file_id: int) -> None:
    """Commit all lanes but the first; the first one's transaction, which is to be committed next, forgets the parts."""
    for connection in connections[1:]:
        connection.commit()
    if len(connections) > 1:
        connections[0].execute("DELETE FROM ingest.file_part WHERE file_id = %s", [file_id])


def remove_parts(connection: Connection, target: sql.Identifier, file_id: int, attempt_id: int | None) -> int:
    """Take out what an attempt that died between its commits has left of a file; the caller has locked the file's row.

    Waits for the lanes of earlier attempts to end.

    Returns:
        The rows taken out.
    """
    connection.execute(
        "UPDATE ingest.attempt SET state = 'abandoned', ended_at = clock_timestamp()"
        " WHERE file_id = %s AND state = 'running' AND attempt_id IS DISTINCT FROM %s",
        [file_id, attempt_id],
    )
    parts = connection.execute("DELETE FROM ingest.file_part WHERE file_id = %s", [file_id])
    if not parts.rowcount:
        return 0
    return connection.execute(
        sql.SQL("DELETE FROM {} WHERE file_id = {}").format(target, sql.Literal(file_id))
    ).rowcount


def repair_parts(connection: Connection) -> list[int]:
    """Take out what died between its commits, of files that nobody loads now; for all targets.

    The next load of such a file would do it too, but the file may never come again.

    Returns:
        The file ids.
    """
    repaired = []
    rows = connection.execute(
        "SELECT DISTINCT p.file_id, f.target FROM ingest.file_part AS p JOIN ingest.file AS f USING (file_id)"
        " WHERE f.state <> 'loaded'"
    ).fetchall()
    for file_id, target in rows:
        with connection.transaction():
            if files.lock_file(connection, file_id, waits=False) is None:
                continue  # it is being loaded, and repaired, now
            remove_parts(connection, sql.Identifier(*target.split(".", 1)), file_id, None)
            repaired.append(file_id)
    return repaired
