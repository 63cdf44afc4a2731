"""What could identify a row, measured on the sample."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from trade_ingest.infer.columns import FoundColumn
from trade_ingest.infer.roles import Roles
from trade_ingest.infer.vocabulary import Role

_WIDENING = (
    (Role.TRADE_ID,),
    (Role.TRADE_ID, Role.SYMBOL),
    (Role.TRADE_ID, Role.SYMBOL, Role.VENUE),
    (Role.TRADE_ID, Role.SYMBOL, Role.VENUE, Role.TIME),
)


@dataclass(frozen=True, slots=True)
class KeyCandidate:
    """Columns that together may identify a row.

    Attributes:
        columns: of the file.
        rows: in which none of them is empty.
        distinct: different values of the columns together.
        identical_rows: rows of the sample that are the twin of an earlier one, cell by cell.
        rows_read: all rows.
    """

    columns: tuple[FoundColumn, ...]
    rows: int
    distinct: int
    identical_rows: int
    rows_read: int

    @property
    def is_unique(self) -> bool:
        """Whether each row has a value, and no two the same."""
        return bool(self.columns) and self.distinct == self.rows == self.rows_read

    @property
    def evidence(self) -> str:
        """The measurement in words."""
        if not self.columns:
            return "no column is an id"
        names = ", ".join(column.label for column in self.columns)
        empty = f"; {self.rows_read - self.rows:,} rows have none" if self.rows < self.rows_read else ""
        return f"{names}: {self.distinct:,} different values in {self.rows:,} rows{empty}"


def find_key(cells: pl.DataFrame, roles: Roles) -> KeyCandidate:
    """The fewest columns that identify each row of the sample, or else the id alone.

    Args:
        cells: of the file, as text.
        roles: of the columns.
    """
    identical = cells.height - cells.n_unique()
    found: list[KeyCandidate] = []
    for wanted in _WIDENING:
        chosen = tuple(column for role in wanted if (column := roles.get(role)))
        if roles.get(Role.TRADE_ID) is None or (found and chosen == found[-1].columns):
            continue
        known = cells.select(column.cell_name for column in chosen).drop_nulls()
        found.append(KeyCandidate(chosen, known.height, known.n_unique(), identical, cells.height))
        if found[-1].is_unique:
            return found[-1]
    return found[0] if found else KeyCandidate((), 0, 0, identical, cells.height)
