"""Local times of a zone to UTC."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

import polars as pl

_ALWAYS_UTC = frozenset({"UTC", "Etc/UTC", "Etc/GMT"})
_END_OF_POLARS_ZONES = datetime(2100, 1, 1)  # noqa: DTZ001 - from then on Polars 2.1 knows no daylight saving time
_UTC_MICROSECONDS = pl.Datetime("us", "UTC")


def to_utc(local: pl.Series, zone: str) -> tuple[pl.Series, pl.Series, pl.Series]:
    """UTC of local times, microseconds.

    Returns:
        The moments, NULL where there is not exactly one; where a local time happens twice, as clocks are set back;
        and where it never happens, as they are set forward.
    """
    if zone in _ALWAYS_UTC:
        never = pl.repeat(False, len(local), dtype=pl.Boolean, eager=True)  # noqa: FBT003
        return local.dt.replace_time_zone("UTC"), never, never
    early, late = _on_side(local, zone, "earliest"), _on_side(local, zone, "latest")
    is_ambiguous = (early != late).fill_null(value=False)
    is_nonexistent = early.is_null() & local.is_not_null()
    if is_ambiguous.any():
        early = pl.select(pl.when(~is_ambiguous).then(early)).to_series()
    return early, is_ambiguous, is_nonexistent


def _on_side(local: pl.Series, zone: str, side: Literal["earliest", "latest"]) -> pl.Series:
    utc = local.dt.replace_time_zone(zone, ambiguous=side, non_existent="null").dt.convert_time_zone("UTC")
    is_late = local >= _END_OF_POLARS_ZONES
    if not is_late.any():
        return utc
    moments = local.filter(is_late).unique().to_list()
    epochs = [_microseconds(moment, ZoneInfo(zone), fold=int(side == "latest")) for moment in moments]
    late = local.replace_strict(moments, epochs, default=None, return_dtype=pl.Int64).cast(_UTC_MICROSECONDS)
    return pl.select(pl.when(is_late).then(late).otherwise(utc)).to_series()


def _microseconds(local: datetime, zone: ZoneInfo, *, fold: int) -> int | None:
    """Microseconds since 1970 of a local time, or None where the zone has no such time."""
    before = local.replace(tzinfo=zone, fold=0).utcoffset() or timedelta()
    after = local.replace(tzinfo=zone, fold=1).utcoffset() or timedelta()
    if before < after:  # of two offsets, the smaller comes first only where clocks are set forward
        return None
    epoch = datetime(1970, 1, 1)  # noqa: DTZ001
    return (local - epoch - (after if fold else before)) // timedelta(microseconds=1)
