"""Times written as numbers since 1970."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

FIRST_MICROSECOND, LAST_MICROSECOND = -62_135_596_800_000_000, 253_402_300_799_999_999
"""Years 1 to 9999."""

_MICROSECONDS = {"s": 1_000_000, "ms": 1_000, "us": 1}
_PLACES = {"s": 9, "ms": 6, "us": 3}


@dataclass(slots=True)
class Epochs:
    """What the cells of a column say.

    Attributes:
        microseconds: since 1970, rounded down; NULL or meaningless where a flag is set.
        below: the nanoseconds below them, 0 to 999.
        is_invalid: the cell is no number.
        is_out_of_range: it is beyond the years 1 to 9999.
        is_too_precise: it has digits below the nanosecond.
    """

    microseconds: pl.Series
    below: pl.Series
    is_invalid: pl.Series
    is_out_of_range: pl.Series
    is_too_precise: pl.Series


def read_epochs(text: pl.Series, unit: str) -> Epochs:
    """Read whole numbers, or such with a fraction, as times; flags are never NULL.

    Args:
        text: the cells.
        unit: ``s``, ``ms``, ``us``, ``ns``, or ``auto``: by magnitude, each number on its own, and without fractions.
    """
    whole = text.cast(pl.Int64, strict=False)
    never = pl.repeat(False, len(text), dtype=pl.Boolean, eager=True)  # noqa: FBT003
    if whole.null_count() == text.null_count():
        microseconds, below, is_beyond = _of_whole(whole, unit)
        epochs = Epochs(microseconds, below, never, is_beyond, never)
    else:
        epochs = _of_fraction(text, unit)
    is_out = (epochs.microseconds > LAST_MICROSECOND) | (epochs.microseconds < FIRST_MICROSECOND)
    epochs.is_out_of_range |= is_out.fill_null(value=False)
    return epochs


def _of_whole(whole: pl.Series, unit: str) -> tuple[pl.Series, pl.Series, pl.Series]:
    """Microseconds, nanoseconds below them, and where the product would not fit."""
    none = pl.repeat(0, len(whole), dtype=pl.Int64, eager=True)
    if unit == "ns":
        return whole // 1000, whole % 1000, none != 0
    if unit == "auto":
        has_12, has_15, has_18 = (~whole.is_between(-(10**n), 10**n, closed="none") for n in (11, 14, 17))
        by_magnitude = pl.when(has_18).then(whole // 1000).when(has_15).then(whole).when(has_12).then(whole * 1000)
        value = pl.select(by_magnitude.otherwise(whole * 1_000_000)).to_series()
        return value, pl.select(pl.when(has_18).then(whole % 1000).otherwise(none)).to_series(), none != 0
    factor = _MICROSECONDS[unit]
    is_out = (whole > LAST_MICROSECOND // factor) | (whole < FIRST_MICROSECOND // factor)
    return whole * factor, none, is_out.fill_null(value=False)


def _of_fraction(text: pl.Series, unit: str) -> Epochs:
    """Numbers some of which have a fraction, or are none."""
    parts = text.str.extract_groups(r"^([+-]?[0-9]+)(?:\.([0-9]+))?$").struct.unnest()
    whole_text, fraction = parts.to_series(0), parts.to_series(1).fill_null("")
    whole, is_number = whole_text.cast(pl.Int64, strict=False), whole_text.is_not_null()
    microseconds, below, is_beyond = _of_whole(whole, unit)
    places = _PLACES.get(unit, 0)
    if places:  # a fraction counts away from zero, the nanoseconds below a microsecond count up
        sign = pl.select(pl.when(whole_text.str.starts_with("-")).then(-1).otherwise(1)).to_series()
        nanoseconds = sign * fraction.str.slice(0, places).str.pad_end(places, "0").cast(pl.Int64)
        microseconds, below = microseconds + nanoseconds // 1000, nanoseconds % 1000
    return Epochs(
        microseconds,
        below,
        is_invalid=~is_number & text.is_not_null(),
        is_out_of_range=is_beyond | (is_number & whole.is_null()),
        is_too_precise=is_number & (fraction.str.slice(places).str.strip_chars_end("0") != ""),
    )
