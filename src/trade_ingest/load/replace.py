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
