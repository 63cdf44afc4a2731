"""Segments: the COPYs of a file's transaction, and what happens when a key is in the target already."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import psycopg
from psycopg import sql

from trade_ingest.load.encode import COPY_HEADER, COPY_TRAILER
from trade_ingest.load.target import TargetTable

STAGING = sql.Identifier("trade_ingest_segment")


@dataclass(slots=True)
class Merged:
    """What a staged segment did.

    Attributes:
        rows_loaded: rows that are new.
        duplicates: rows that are in the target with the same content, by the file that has them; 0 for rows that no
            file of the ledger has brought.
        conflicts: row numbers whose key is in the target with other content, with the file that has it.
        left_out: sums of the control columns over duplicates and conflicts.
    """

    rows_loaded: int = 0
    duplicates: dict[int, int] = field(default_factory=dict)
    conflicts: dict[int, int] = field(default_factory=dict)
    left_out: Mapping[str, Decimal] = field(default_factory=dict)

    @property
    def rows_duplicate(self) -> int:
        """All duplicates."""
        return sum(self.duplicates.values())


def copy_rows(cursor: psycopg.Cursor[Any], into: sql.Composable, target: TargetTable, payload: Iterable[bytes]) -> int:
    """COPY encoded rows into a table with the target's columns; the number of rows that the server took."""
    statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT binary)").format(into, target.column_list)
    with cursor.copy(statement) as copy:
        copy.write(COPY_HEADER)
        for part in payload:
            copy.write(part)
        copy.write(COPY_TRAILER)
    return cursor.rowcount


def merge_rows(
    cursor: psycopg.Cursor[Any], target: TargetTable, payload: Iterable[bytes], totals: tuple[str, ...]
) -> Merged:
    """COPY a segment into a staging table, insert the rows whose key is new, and tell apart the others.

    Within the segment the first row of a key wins. Waits for other transactions that insert the same keys.
    """
    _empty_staging(cursor, target)
    staged = copy_rows(cursor, STAGING, target, payload)
    columns = target.column_list
    key = sql.SQL(", ").join(map(sql.Identifier, target.key))
    cursor.execute(
        sql.SQL(
            "WITH inserted AS ("
            "INSERT INTO {target} ({columns}) SELECT {columns} FROM {staging} ORDER BY row_number"
            " ON CONFLICT ({key}) DO NOTHING RETURNING row_number)"
            " DELETE FROM {staging} USING inserted WHERE {staging}.row_number = inserted.row_number"
        ).format(target=target.identifier, columns=columns, staging=STAGING, key=key)
    )
    merged = Merged(rows_loaded=cursor.rowcount)
    if merged.rows_loaded < staged:
        for row_number, file_id, is_same in _compare(cursor, target):
            if is_same:
                merged.duplicates[file_id] = merged.duplicates.get(file_id, 0) + 1
            else:
                merged.conflicts[row_number] = file_id
        merged.left_out = _sums(cursor, totals)
    return merged


def _empty_staging(cursor: psycopg.Cursor[Any], target: TargetTable) -> None:
    cursor.execute(
        sql.SQL("CREATE TEMPORARY TABLE IF NOT EXISTS {} (LIKE {}) ON COMMIT DROP").format(STAGING, target.identifier)
    )
    cursor.execute(sql.SQL("TRUNCATE {}").format(STAGING))


def _compare(cursor: psycopg.Cursor[Any], target: TargetTable) -> Iterator[tuple[int, int, bool]]:
    def row_of(alias: str) -> sql.Composed:
        names = sql.SQL(", ").join(sql.Identifier(alias, c.name) for c in target.columns)
        return sql.SQL("({})").format(names)

    on = sql.SQL(" AND ").join(
        sql.SQL("{} = {}").format(sql.Identifier("s", name), sql.Identifier("t", name)) for name in target.key
    )
    cursor.execute(
        sql.SQL(
            "SELECT s.row_number, coalesce(t.file_id, 0), {} IS NOT DISTINCT FROM {} FROM {} AS s JOIN {} AS t ON {}"
            " ORDER BY s.row_number"
        ).format(row_of("s"), row_of("t"), STAGING, target.identifier, on)
    )
    yield from cursor.fetchall()


def _sums(cursor: psycopg.Cursor[Any], totals: tuple[str, ...]) -> dict[str, Decimal]:
    if not totals:
        return {}
    sums = sql.SQL(", ").join(sql.SQL("coalesce(sum({}), 0)").format(sql.Identifier(name)) for name in totals)
    row = cursor.execute(sql.SQL("SELECT {} FROM {}").format(sums, STAGING)).fetchone()
    assert row is not None
    return {name: Decimal(value) for name, value in zip(totals, row, strict=True)}
