"""When rows happen: spread over the day as trading is, in order, and never at a local time that is ambiguous."""

from __future__ import annotations

from datetime import date, datetime
from itertools import accumulate

import numpy as np
import polars as pl

from trade_ingest.generate.draws import Draws, Integers
from trade_ingest.generate.schedule import Rows

SECOND = 1_000_000
HOUR = 3600 * SECOND
DAY = 24 * HOUR

FX_ACTIVITY = (30, 32, 35, 34, 33, 36, 52, 85, 96, 92, 84, 80, 92, 118, 126, 120, 100, 72, 52, 44, 38, 28, 22, 24)
"""Trades by hour of the UTC day: Asia, then London, then London and New York together."""

CRYPTO_ACTIVITY = (70, 66, 60, 56, 54, 54, 56, 62, 70, 74, 74, 74, 78, 96, 112, 114, 106, 94, 84, 78, 76, 74, 72, 72)
"""The same around the clock, with a bulge when New York trades."""

_UTC = pl.Datetime("us", "UTC")
_LONGEST_SHIFT_HOURS = 30


class DayCurve:
    """Spreads the rows of a file over its day by the activity of each hour."""

    def __init__(self, activity: tuple[int, ...], seed: int) -> None:
        whole = sum(activity)
        self._bounds = np.array([(total << 32) // whole for total in accumulate(activity, initial=0)], np.uint64)
        self._draws = Draws(seed, "time of day")

    def times(self, rows: Rows) -> Integers:
        """Microseconds since midnight of each row; a row is never before the rows at earlier places of its file."""
        within = (self._draws.bits(rows.index) >> np.uint64(32)).astype(np.int64)
        shares = (((rows.places << 32) + within) // rows.day.row_count).astype(np.uint64)
        hours = np.searchsorted(self._bounds, shares, side="right") - 1
        start, width = self._bounds[hours], self._bounds[hours + 1] - self._bounds[hours]
        return hours * HOUR + ((shares - start) * np.uint64(HOUR) // width).astype(np.int64)


def midnight(day: date) -> int:
    """Microseconds from 1970 to the start of a day."""
    return (day - date(1970, 1, 1)).days * DAY


def from_local(moments: Integers, zone: str) -> Integers:
    """Local times, in microseconds since 1970, as instants; those that clocks skip or show twice are moved on."""
    if zone in {"UTC", "Etc/UTC"}:
        return moments
    local = pl.Series(moments).cast(pl.Datetime("us"))
    for _ in range(_LONGEST_SHIFT_HOURS):
        instants = local.dt.replace_time_zone(zone, ambiguous="null", non_existent="null")
        if not instants.null_count():
            break
        local = pl.select(pl.when(instants.is_null()).then(local.dt.offset_by("1h")).otherwise(local)).to_series()
    return instants.dt.convert_time_zone("UTC").cast(pl.Int64).to_numpy().copy()


def to_local(instants: Integers, zone: str) -> pl.Series:
    """Instants, in microseconds since 1970, as local times without zone, each of which means one instant."""
    if zone in {"UTC", "Etc/UTC"}:
        return pl.Series(instants).cast(pl.Datetime("us"))
    local = pl.Series(instants).cast(_UTC).dt.convert_time_zone(zone).dt.replace_time_zone(None)
    return (
        pl.Series(from_local(local.cast(pl.Int64).to_numpy(), zone))
        .cast(_UTC)
        .dt.convert_time_zone(zone)
        .dt.replace_time_zone(None)
    )


def as_microseconds(moment: datetime) -> int:
    """An instant as microseconds since 1970."""
    since = moment - datetime.fromisoformat("1970-01-01T00:00:00+00:00")
    return (since.days * 86400 + since.seconds) * SECOND + since.microseconds
