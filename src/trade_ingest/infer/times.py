"""Times as text: in which formats they are written, and what they may mean."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache

import polars as pl

from trade_ingest.contract.timeformat import TimeShape, shape_of

_PIECES = {
    "%Y": "[12][0-9]{3}", "%y": "[0-9]{2}", "%m": "[01]?[0-9]", "%d": "[0-3]?[0-9]", "%b": "[A-Za-z]{3}",
    "%H": "[0-2]?[0-9]", "%I": "[01]?[0-9]", "%M": "[0-5][0-9]", "%S": "[0-5][0-9]", "%p": "[AaPp][Mm]",
    "%.f": r"(?:\.[0-9]{1,9})?", "%3f": "[0-9]{3}", "%6f": "[0-9]{6}", "%9f": "[0-9]{9}",
    "%#z": "(?:Z|[+-][0-9]{2}(?::?[0-9]{2})?)",
}  # fmt: skip
_DATES = (
    "%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%Y%m%d", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%m-%d-%Y", "%d.%m.%Y",
    "%d-%b-%Y", "%d/%b/%Y", "%d %b %Y", "%d%b%Y", "%b %d, %Y", "%b. %d, %Y", "%b %d %Y", "%Y-%b-%d",
    "%d-%b-%y", "%d %b %y", "%d/%m/%y", "%m/%d/%y", "%d.%m.%y", "%d-%m-%y", "%d%b%y",
)  # fmt: skip
_SEPARATORS = ("T", " ", "D", ";", ", ", "-", "_", ":", "")
_CLOCKS = (
    "%H:%M:%S%.f", "%H:%M:%S:%3f", "%H:%M:%S,%3f", "%I:%M:%S%.f %p", "%I:%M:%S%.f%p", "%I:%M %p", "%I:%M%p", "%H:%M",
    "%H%M%S%9f", "%H%M%S%6f", "%H%M%S%3f", "%H%M%S%.f",
)  # fmt: skip
_ZONES = ("", "%#z", " %#z", " UTC", " GMT", " Z")
_COMPACT = frozenset({"%Y%m%d", "%d%b%Y"})
_FIRST_CELLS = 12
_FEW = 0.002  # of the cells of a column that may be no times: they will be rejected
_YEARS = ("1900-01-01", "2100-01-01")


@dataclass(frozen=True, slots=True)
class TimeFormat:
    """How the times of a column are written.

    Attributes:
        pattern: a strptime pattern in the dialect of contracts.
        share: of the cells that have it.
        is_padded: contracts read such cells; else some numbers have no leading zeros.
        has_time: there is a time of day.
        has_offset: the cells say their offset from UTC.
        has_nanoseconds: some have digits beyond the microsecond.
        least: the first time, as text.
        most: the last one.
        is_ambiguous: day and month could be the other way round.
    """

    pattern: str
    share: float
    is_padded: bool
    has_time: bool
    has_offset: bool
    has_nanoseconds: bool
    least: str
    most: str
    is_ambiguous: bool = False

    @property
    def is_iso(self) -> bool:
        """Whether it is what a contract reads without a format."""
        return self.pattern in _ISO if self.has_time else self.pattern == "%Y-%m-%d"


_ISO = frozenset(f"%Y-%m-%d{sep}%H:%M:%S%.f{zone}" for sep in "T " for zone in ("", "%#z"))


def time_formats(cells: pl.Series, *, day_first: bool | None = None) -> list[TimeFormat]:
    """The formats that distinct cells have, the most frequent first; none if a cell is no date.

    Together they fit every cell. Where day and month could be the other way round, the formats are those with the
    shorter span of time, unless other columns say which comes first.

    Args:
        cells: distinct cells.
        day_first: in the file's other columns the day comes before the month, or after it; None: nothing is known.
    """
    if cells.str.len_chars().max() is None or int(str(cells.str.len_chars().max())) > 40:  # noqa: PLR2004
        return []
    found: list[TimeFormat] = []
    left = cells
    while len(left) and len(found) < 3:  # noqa: PLR2004  # more styles in one column are no styles
        best = _best(left, len(cells), day_first=day_first)
        if best is None:
            return found if len(left) < _FEW * len(cells) else []
        found_format, left = best
        found.append(found_format)
    return [] if len(left) >= max(1, _FEW * len(cells)) else found


def clock_format(cells: pl.Series) -> TimeFormat | None:
    """The format of times of day; None if a cell is none."""
    for pattern in _CLOCKS:
        regex = _loose(pattern)
        if cells.str.contains(regex).all():
            strict = _strict_clock(pattern)
            is_padded = bool(cells.str.contains(strict).all())
            has_nanoseconds = "%9f" in pattern or bool(cells.str.contains(r"\.[0-9]{7}").any())
            return TimeFormat(
                pattern=pattern,
                share=1.0,
                is_padded=is_padded,
                has_time=True,
                has_offset=False,
                has_nanoseconds=has_nanoseconds,
                least=str(cells.min()),
                most=str(cells.max()),
            )
    return None


def _best(cells: pl.Series, count: int, *, day_first: bool | None) -> tuple[TimeFormat, pl.Series] | None:
    """The format of the most cells, and the cells that do not have it."""
    choices: list[tuple[TimeFormat, pl.Series, int]] = []
    step = max(len(cells) // _FIRST_CELLS, 1)
    patterns = {pattern for cell in cells.gather_every(step).to_list() for pattern in _patterns(cell)}
    for pattern in sorted(patterns, key=_rank):
        matches = cells.str.contains(_loose(pattern))
        days = _days(cells.filter(matches), pattern)
        if days is None or not len(days):
            continue
        fits = cells.filter(matches)
        shape = shape_of(pattern)
        found = TimeFormat(
            pattern=pattern,
            share=len(fits) / count,
            is_padded=bool(fits.str.contains(shape.regex).all()),
            has_time=shape.has_time,
            has_offset=shape.has_offset,
            has_nanoseconds=shape.fraction != "none" and _has_nanoseconds(fits, shape),
            least=str(days.min()),
            most=str(days.max()),
        )
        span = int(str(days.cast(pl.Int64).max() or 0)) - int(str(days.cast(pl.Int64).min() or 0))
        choices.append((found, cells.filter(~matches), span))
    if not choices:
        return None
    most = max(choice[0].share for choice in choices)
    equal = [choice for choice in choices if choice[0].share == most]
    if day_first is not None:
        equal = [c for c in equal if is_day_first(c[0].pattern) in {day_first, None}] or equal
    best = min(equal, key=lambda choice: choice[2])
    is_ambiguous = len({_order(choice[0].pattern) for choice in equal}) > 1
    return replace(best[0], is_ambiguous=is_ambiguous), best[1]


def is_day_first(pattern: str) -> bool | None:
    """Whether the day comes before the month where it could come after it; None where it could not."""
    order = _order(pattern)
    return {"dmy": True, "mdy": False}.get(order)


def _order(pattern: str) -> str:
    return "".join(letter for letter in re.findall("%([Yymdb])", pattern)).lower()


def _rank(pattern: str) -> tuple[bool, int, str]:
    """Formats that are to be preferred come first: a point before the fraction, few special signs, the day."""
    return "%.f" not in pattern and "f" in pattern, len(pattern), pattern


def _patterns(cell: str) -> Iterator[str]:
    """The formats that a single cell may have."""
    for date in _DATES:
        if (match := re.match(_regex(date), cell)) is not None:
            rest = cell[match.end() :]
            yield from (f"{date}{more}" for more in (_after_date(rest, date) if rest else ("",)))
    for clock in _CLOCKS:  # the time of day may come first
        match = re.match(_regex(clock), cell)
        if match is not None and cell[match.end() : match.end() + 1] == " ":
            rest = cell[match.end() + 1 :]
            yield from (f"{clock} {date}" for date in _DATES if re.fullmatch(_regex(date), rest))


def _after_date(rest: str, date: str) -> Iterator[str]:
    """What stands behind a date, as formats."""
    for separator in _SEPARATORS:
        if not rest.startswith(separator) or (not separator and date not in _COMPACT):
            continue
        text = rest[len(separator) :]
        for clock in _CLOCKS:
            fits = (zone for zone in _ZONES if re.fullmatch(_regex(clock) + _regex(zone), text))
            yield from (f"{separator}{clock}{zone}" for zone in fits)


@cache
def _regex(pattern: str) -> str:
    parts = re.split(r"(%#z|%\.f|%[369]f|%[A-Za-z])", pattern)
    return "".join(_PIECES.get(part) or re.escape(part) for part in parts)


@cache
def _loose(pattern: str) -> str:
    return f"^{_regex(pattern)}$".replace(r"\ ", " ").replace(r"\/", "/").replace(r"\,", ",").replace(r"\:", ":")


@cache
def _strict_clock(pattern: str) -> str:
    return shape_of(f"%Y-%m-%d {pattern}").regex.partition(" ")[2].join(("^", ""))


def _days(cells: pl.Series, pattern: str) -> pl.Series | None:
    """The dates of cells; None if one is no date, or of a year that no trade has."""
    shape = shape_of(pattern)
    try:
        if shape.has_time:
            zone = {"time_zone": "UTC"} if shape.has_offset else {}
            times = cells.str.to_datetime(shape.polars_format, time_unit="us", strict=False, **zone)  # type: ignore[arg-type]
            days = times.dt.date()
        else:
            days = cells.str.to_date(shape.polars_format, strict=False)
    except pl.exceptions.PolarsError:
        return None
    if days.null_count():
        return None
    first, last = str(days.min()), str(days.max())
    return days if first >= _YEARS[0] and last < _YEARS[1] else None


def _has_nanoseconds(cells: pl.Series, shape: TimeShape) -> bool:
    if shape.fraction == "fixed":
        return "%9f" in shape.polars_format
    return bool(cells.str.contains(r"\.[0-9]{6}[0-9]{0,2}[1-9]").any())


EPOCHS = {"s": (9, 11), "ms": (12, 14), "us": (15, 17), "ns": (18, 20)}
"""Digits of numbers since 1970 in each unit, from 1973 on."""

_SECONDS = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
_EARLIEST, _LATEST = 631_152_000, 2_082_758_400  # 1990 and 2036


@dataclass(frozen=True, slots=True)
class Epoch:
    """Numbers that may be times since 1970.

    Attributes:
        units: the units that the magnitudes say; more than one where they change within the column.
        least: seconds of the first.
        most: seconds of the last.
        has_fraction: the numbers have decimals.
        has_nanoseconds: there are digits beyond the microsecond.
    """

    units: tuple[str, ...]
    least: float
    most: float
    has_fraction: bool
    has_nanoseconds: bool

    @property
    def unit(self) -> str:
        """What a contract calls it."""
        return self.units[0] if len(self.units) == 1 else "auto"


def epoch_of(cells: pl.Series) -> Epoch | None:
    """What numbers mean as times of the years 1990 to 2035; None if one does not."""
    if not cells.str.contains(r"^[1-9][0-9]{8,19}(?:\.[0-9]+)?$").all():
        return None
    has_fraction = bool(cells.str.contains(".", literal=True).any())
    values = cells.cast(pl.Float64)
    seconds: list[pl.Series] = []
    units: list[str] = []
    for unit, factor in _SECONDS.items():
        scaled = values / factor
        fits = scaled.filter(scaled.is_between(_EARLIEST, _LATEST))
        if len(fits):
            units.append(unit)
            seconds.append(fits)
    if sum(map(len, seconds)) != len(cells) or (has_fraction and len(units) > 1):
        return None
    both = pl.concat(seconds)
    has_nanoseconds = "ns" in units and bool(
        (cells.filter(values > 10**17).cast(pl.Int64, strict=False) % 1000 != 0).any()
    )
    if has_fraction:
        digits = {"s": 6, "ms": 3, "us": 0, "ns": 0}[units[0]]
        has_nanoseconds = bool(cells.str.contains(rf"\.[0-9]{{{digits}}}[0-9]*[1-9]").any())
    return Epoch(tuple(units), float(str(both.min())), float(str(both.max())), has_fraction, has_nanoseconds)


def formats_in_words(formats: Sequence[TimeFormat]) -> str:
    """``%d/%m/%Y (60 %) and %Y-%m-%d (40 %)``."""
    return " and ".join(f"{found.pattern} ({found.share:.0%})" for found in formats)
