"""Rows out of a target, and back."""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg import sql

from trade_ingest.ledger.files import FileRow
from trade_ingest.load.target import TargetTable


def move_to_replaced(connection: psycopg.Connection[Any], target: TargetTable, file: FileRow) -> int:
    """Take a file's rows out of the target and keep them, and mark the file replaced; the number of rows."""
    moved = connection.execute(
        sql.SQL(
            "WITH moved AS (DELETE FROM {target} WHERE {rows} RETURNING {columns})"
            " INSERT INTO {replaced} ({columns}) SELECT {columns} FROM moved"
        ).format(
            target=target.identifier,
            replaced=target.replaced_identifier,
            rows=rows_of(target, file),
            columns=target.column_list,
        )
    ).rowcount
    connection.execute("UPDATE ingest.file SET state = 'replaced' WHERE file_id = %s", [file.file_id])
    return moved


def delete_rows(connection: psycopg.Connection[Any], target: TargetTable, file: FileRow) -> int:
    """Take a file's rows out of the target; the number of rows."""
    return connection.execute(
        sql.SQL("DELETE FROM {} WHERE {}").format(target.identifier, rows_of(target, file))
    ).rowcount


def restore_replaced(connection: psycopg.Connection[Any], target: TargetTable, file_id: int) -> int:
    """Bring back the rows of a replaced file and mark it loaded; the number of rows.

    Raises:
        psycopg.errors.UniqueViolation: another file has loaded one of the keys since.
    """
    restored = connection.execute(
        sql.SQL(
            "WITH moved AS (DELETE FROM {replaced} WHERE file_id = {file_id} RETURNING {columns})"
            " INSERT INTO {target} ({columns}) SELECT {columns} FROM moved"
        ).format(
            target=target.identifier,
            replaced=target.replaced_identifier,
            file_id=sql.Literal(file_id),
            columns=target.column_list,
        )
    ).rowcount
    connection.execute("UPDATE ingest.file SET state = 'loaded' WHERE file_id = %s", [file_id])
    return restored


def recheck_dependents(connection: psycopg.Connection[Any], target: TargetTable, replaced: FileRow) -> int:
    """See to it that no row is lost that a replaced file had and another file has delivered too.

    Such a row was counted as the other file's duplicate. If rows of the replaced file are in the target no more, the
    files that had duplicates of it are marked: to the next plan they are changed, and are loaded again in one
    transaction each. To be called when the new version's rows are in.

    Returns:
        How many files were marked.
    """
    dependents = connection.execute(
        "SELECT o.file_id FROM ingest.overlap AS o JOIN ingest.file AS f USING (file_id)"
        " WHERE o.original_file_id = %s AND f.state = 'loaded'",
        [replaced.file_id],
    ).fetchall()
    if not dependents or not target.key:
        return 0
    same_key = sql.SQL(" AND ").join(
        sql.SQL("{} = {}").format(sql.Identifier("t", name), sql.Identifier("r", name)) for name in target.key
    )
    gone = connection.execute(
        sql.SQL(
            "SELECT 1 FROM {} AS r WHERE r.file_id = {} AND NOT EXISTS (SELECT 1 FROM {} AS t WHERE {}) LIMIT 1"
        ).format(target.replaced_identifier, sql.Literal(replaced.file_id), target.identifier, same_key)
    ).fetchone()
    if gone is None:
        return 0
    return connection.execute(
        "UPDATE ingest.file SET version = version || '+', reason = 'recheck', content_hash = NULL, content_bytes = NULL"
        " WHERE file_id = ANY(%s)",
        [[file_id for (file_id,) in dependents]],
    ).rowcount


def rows_of(target: TargetTable, file: FileRow) -> sql.Composed:
    """A condition for a file's rows; the range of event times spares the other partitions."""
    condition = sql.SQL("file_id = {}").format(sql.Literal(file.file_id))
    if file.event_time_min is None or file.event_time_max is None:
        return condition
    return sql.SQL("{} AND {} BETWEEN {} AND {}").format(
        condition,
        sql.Identifier(target.event_time),
        sql.Literal(file.event_time_min),
        sql.Literal(file.event_time_max),
    )
