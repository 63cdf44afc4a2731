"""What is known of a feed beyond its contract."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import polars as pl

from trade_ingest.contract.types import Kind
from trade_ingest.generate.columns import Setting
from trade_ingest.generate.moments import FX_ACTIVITY, DayCurve
from trade_ingest.generate.schedule import Rows

CellsOfRows = Callable[[Rows], dict[str, pl.Series]]
"""Makes the cells of several columns at once, by column name."""


@dataclass(frozen=True, slots=True)
class Feed:
    """How to make realistic rows.

    Attributes:
        kinds: the columns that ``writer`` fills, with their kinds; other columns get values by type and rules.
        writer: makes the cells; its last argument is whether ids must be unique.
        weekdays_only: there are no files for Saturdays and Sundays.
        activity: how trades spread over the hours of a day.
        file_stem: the files' names, with ``{date}`` and path values; None: by the contract.
        path_values: values that the files' names carry, by column.
        surplus_cells: cells at the end of each record that the contract does not know.
    """

    kinds: Mapping[str, Kind] = field(default_factory=dict)
    writer: Callable[[Setting, DayCurve, bool], CellsOfRows] | None = None
    weekdays_only: bool = True
    activity: tuple[int, ...] = FX_ACTIVITY
    file_stem: str | None = None
    path_values: Mapping[str, str] = field(default_factory=dict)
    surplus_cells: tuple[str, ...] = ()
