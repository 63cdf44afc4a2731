"""Which day has which file, how many rows it has, and which of them are broken or repeat earlier ones."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from trade_ingest.errors import GenerateError
from trade_ingest.generate.draws import Draws, Integers, Mask

_FRIDAY, _SATURDAY = 4, 5


@dataclass(frozen=True, slots=True)
class Day:
    """One file of a set.

    Attributes:
        number: its place in the set, from 0.
        date: the day that it holds.
        first_row: rows in the files before it.
        row_count: its rows, bad ones and duplicates included.
        bad_count: how many of them break the contract.
        duplicate_count: how many of them repeat a row of an earlier file.
    """

    number: int
    date: date
    first_row: int
    row_count: int
    bad_count: int
    duplicate_count: int


@dataclass(frozen=True, slots=True)
class Rows:
    """Some rows of one file, by their places in it (from 0)."""

    day: Day
    places: Integers
    attempt: int = 0

    @property
    def index(self) -> Integers:
        """Their places in the whole set, from 0."""
        return self.places + self.day.first_row


def make_schedule(
    *, rows: int, files: int, seed: int, start: date, weekdays_only: bool, bad_ratio: float, duplicate_ratio: float
) -> list[Day]:
    """Spread rows over days as trading does: no two days alike, less on Fridays and weekends.

    The row counts add up to ``rows`` and each file has at least one. The first row of a file is neither bad nor a
    duplicate; a share that finds no room for that reason is left out.

    Raises:
        GenerateError: a number is out of range, or the days would go beyond the year 9999.
    """
    _check_numbers(rows, files, bad_ratio, duplicate_ratio)
    dates = _dates(start, files, weekdays_only=weekdays_only)
    counts = _row_counts(rows, dates, seed)
    before = [0, *np.cumsum(counts).tolist()]
    bad = _shares(round(rows * bad_ratio), counts, [count - 1 for count in counts])
    later = [0, *counts[1:]]
    room = [count - 1 - taken for count, taken in zip(counts, bad, strict=True)]
    duplicates = _shares(round(rows * duplicate_ratio), later, room)
    return [Day(i, dates[i], before[i], counts[i], bad[i], duplicates[i] if i else 0) for i in range(len(dates))]


def _check_numbers(rows: int, files: int, bad_ratio: float, duplicate_ratio: float) -> None:
    if files < 1 or rows < files:
        raise GenerateError(f"{rows:,} rows in {files:,} files: each file needs at least one row")
    if not (0 <= bad_ratio <= 0.5 and 0 <= duplicate_ratio <= 0.5):  # noqa: PLR2004 - most rows are neither
        raise GenerateError(f"bad ratio {bad_ratio}, duplicate ratio {duplicate_ratio}: each must be 0 to 0.5")
    if duplicate_ratio and files == 1:
        hint = "ask for two or more files"
        raise GenerateError("duplicates repeat rows of earlier files, and there is one file only", hint=hint)


def _dates(start: date, count: int, *, weekdays_only: bool) -> list[date]:
    dates: list[date] = []
    try:
        while len(dates) < count:
            if not weekdays_only or start.weekday() < _SATURDAY:
                dates.append(start)
            start += timedelta(days=1)
    except OverflowError as exc:
        raise GenerateError(f"{count:,} days go beyond {date.max}", hint="choose an earlier start date") from exc
    return dates


def _row_counts(rows: int, dates: list[date], seed: int) -> list[int]:
    variation = Draws(seed, "rows of a day").normal(np.arange(len(dates)))
    weights = 1000 + variation * 150 // 1000
    weekdays = np.array([day.weekday() for day in dates])
    weights = weights * np.where(weekdays >= _SATURDAY, 70, np.where(weekdays == _FRIDAY, 90, 100)) // 100
    return [1 + extra for extra in _proportional(rows - len(dates), weights.tolist())]


def _proportional(total: int, weights: list[int]) -> list[int]:
    """Split a number by weights, without rounding it away."""
    whole, passed, given = sum(weights), 0, 0
    parts = []
    for weight in weights:
        passed += weight
        parts.append(total * passed // whole - given)
        given += parts[-1]
    return parts


def _shares(total: int, weights: list[int], room: list[int]) -> list[int]:
    """Split a number by weights; what finds no room in a file goes to the next ones."""
    if not total or not sum(weights):
        return [0] * len(weights)
    left_over, parts = 0, []
    for part, most in zip(_proportional(total, weights), room, strict=True):
        wanted = part + left_over
        parts.append(min(wanted, most))
        left_over = wanted - parts[-1]
    return parts


class SpecialRows:
    """Where the bad rows and the duplicates of a file are.

    The places after the first are cut into as many stretches as there are special rows, and each has one of them
    somewhere: so their number is exact, and a place can be judged without knowing the others.
    """

    def __init__(self, day: Day, seed: int) -> None:
        self._day = day
        self._count = day.bad_count + day.duplicate_count
        self._draws = Draws(seed, "special rows", day.number)

    def between(self, start: int, end: int) -> tuple[Integers, Mask]:
        """The special places from ``start`` to before ``end``, ascending, and which of them are bad."""
        if not self._count:
            return np.empty(0, np.int64), np.empty(0, np.bool_)
        first = max(0, self._stretch_of(max(start, 1)))
        last = self._stretch_of(max(end, 1))
        stretches = np.arange(first, min(last + 1, self._count), dtype=np.int64)
        places = self._place_in(stretches)
        is_within = (places >= start) & (places < end)
        return places[is_within], self._is_bad(stretches[is_within])

    def contain(self, places: Integers) -> Mask:
        """Whether the places are special."""
        if not self._count:
            return np.zeros(len(places), np.bool_)
        stretches = (places * self._count - 1) // (self._day.row_count - 1)
        return np.asarray((places > 0) & (self._place_in(np.clip(stretches, 0, self._count - 1)) == places))

    def _stretch_of(self, place: int) -> int:
        return min((place * self._count - 1) // (self._day.row_count - 1), self._count - 1)

    def _place_in(self, stretches: Integers) -> Integers:
        starts = 1 + stretches * (self._day.row_count - 1) // self._count
        ends = 1 + (stretches + 1) * (self._day.row_count - 1) // self._count
        return starts + self._draws.below(stretches, ends - starts)

    def _is_bad(self, stretches: Integers) -> Mask:
        bad = self._day.bad_count
        return np.asarray((stretches + 1) * bad // self._count > stretches * bad // self._count)


class RepeatedRows:
    """Which earlier rows the duplicates repeat: rows of the three files before, neither bad nor duplicates."""

    _FILES_BACK = 3

    def __init__(self, days: list[Day], seed: int) -> None:
        self._days = days
        self._seed = seed

    def originals(self, day: Day, places: Integers) -> Iterator[tuple[Mask, Rows]]:
        """For each earlier file that is repeated: which of the places repeat it, and the rows that they repeat."""
        index = places + day.first_row
        back = Draws(self._seed, "repeated file").below(index, min(self._FILES_BACK, day.number)) + 1
        for steps in np.unique(back).tolist():
            chosen = np.asarray(back == steps)
            earlier = self._days[day.number - steps]
            yield chosen, Rows(earlier, self._ordinary(earlier, index[chosen]))

    def _ordinary(self, day: Day, index: Integers) -> Integers:
        special = SpecialRows(day, self._seed)
        places = np.zeros(len(index), np.int64)  # the first row of a file is always ordinary
        is_open = np.ones(len(index), np.bool_)
        for attempt in range(20):
            drawn = Draws(self._seed, "repeated row", attempt).below(index, day.row_count)
            is_hit = is_open & ~special.contain(drawn)
            places[is_hit] = drawn[is_hit]
            is_open &= ~is_hit
            if not is_open.any():
                break
        return places
