"""Dates in paths: ranges of them, the directives that spell them, and the time that a path's date stands for."""

from __future__ import annotations

from calendar import isleap, monthrange
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from trade_ingest.errors import UsageError

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_UNITS = ("year", "month", "day", "hour")
_CENTURY_FROM = 69  # as POSIX has it: 69 is 1969, 68 is 2068
_ONE_DATE = len("2024-01-02")
_SMALLEST = timedelta(microseconds=1)
_END_OF_TIME = datetime.max  # noqa: DTZ901  # times here have no zone


@dataclass(frozen=True, slots=True)
class DateRange:
    """A range of dates, both ends included; None: without end. The times have no zone, as dates in paths have none."""

    start: datetime | None = None
    end: datetime | None = None

    def overlaps(self, start: datetime, end: datetime) -> bool:
        """Whether some of the time from ``start`` to ``end`` (both included) is within."""
        return (self.end is None or start <= self.end) and (self.start is None or end >= self.start)

    def moments(self, unit: str, *, most: int) -> list[datetime] | None:
        """A moment of each year, month, day or hour of the range; None if there are more than ``most``, or no end."""
        if self.start is None or self.end is None:
            return None
        moment, found = _floor(self.start, unit), list[datetime]()
        while moment <= self.end:
            if len(found) == most:
                return None
            found.append(moment)
            last = _last_moment(moment, unit)
            if last == _END_OF_TIME:
                break
            moment = last + _SMALLEST
        return found

    def as_dict(self) -> dict[str, str | None]:
        """Its ends as they are written, ``from`` and ``to``."""
        return {"from": _written(self.start, time.min), "to": _written(self.end, time.max)}


def parse_dates(start: str | None, end: str | None) -> DateRange | None:
    """The range from a date or time to another, both included: a date as the end is the whole day.

    Raises:
        UsageError: one of them is no date or time, has a zone, or the range is empty.
    """
    if start is None and end is None:
        return None
    found = DateRange(_moment(start, time.min), _moment(end, time.max))
    if found.start is not None and found.end is not None and found.start > found.end:
        raise UsageError(f"from {start} to {end}: the end is before the start", hint="exchange them")
    return found


def _moment(text: str | None, at: time) -> datetime | None:
    if text is None:
        return None
    try:
        found = (
            datetime.combine(date.fromisoformat(text), at) if len(text) <= _ONE_DATE else datetime.fromisoformat(text)
        )
    except ValueError:
        found = None
    if found is None or found.tzinfo is not None:
        message = f"{text!r}: expected a date or a time without zone"
        raise UsageError(message, hint="write it as 2024-01-31 or 2024-01-31T15:00")
    return found


def _written(moment: datetime | None, whole_day_at: time) -> str | None:
    if moment is None:
        return None
    return str(moment.date()) if moment.time() == whole_day_at else moment.isoformat()


@dataclass(frozen=True, slots=True)
class Directive:
    """A piece of a date in a path: the part of ``strftime`` that is the same everywhere.

    Attributes:
        unit: ``year``, ``month``, ``day`` or ``hour``.
        regex: what it looks like.
        text: how it is spelled; None where there are several spellings, upper and lower case.
    """

    unit: str
    regex: str
    text: Callable[[datetime], str] | None


DIRECTIVES = {
    "Y": Directive("year", "[0-9]{4}", lambda at: f"{at.year:04}"),
    "y": Directive("year", "[0-9]{2}", lambda at: f"{at.year % 100:02}"),
    "m": Directive("month", "0[1-9]|1[0-2]", lambda at: f"{at.month:02}"),
    "b": Directive("month", f"(?i:{'|'.join(_MONTHS)})", None),
    "d": Directive("day", "0[1-9]|[12][0-9]|3[01]", lambda at: f"{at.day:02}"),
    "j": Directive("day", "[0-3][0-9]{2}", lambda at: f"{at.timetuple().tm_yday:03}"),
    "H": Directive("hour", "[01][0-9]|2[0-3]", lambda at: f"{at.hour:02}"),
}
"""The directives, by their letters."""


def finest_unit(directives: Iterable[Directive]) -> str:
    """The smallest unit that they tell."""
    return max((directive.unit for directive in directives), key=_UNITS.index)


def period_of(values: Mapping[str, str]) -> tuple[datetime, datetime] | None:
    """The first and the last moment of the hour, day, month or year that directives tell.

    Args:
        values: what each directive's place holds, by its letter; at least a year.

    Returns:
        None if there is no such date, or if two directives contradict each other.
    """
    numbers = {letter: int(text) for letter, text in values.items() if letter != "b"}
    if "b" in values:
        numbers["b"] = _MONTHS.index(values["b"].capitalize()) + 1
    year = numbers["Y"] if "Y" in numbers else _full_year(numbers["y"])
    month = numbers.get("m", numbers.get("b", 1))
    try:
        start = datetime(year, month, numbers.get("d", 1), numbers.get("H", 0))  # noqa: DTZ001  # paths have no zone
        if "j" in numbers:
            start = datetime(year, 1, 1, start.hour) + timedelta(days=numbers["j"] - 1)  # noqa: DTZ001
    except (ValueError, OverflowError):
        return None
    unit = finest_unit(DIRECTIVES[letter] for letter in values)
    is_consistent = all(int(_spelled(letter, start)) == number for letter, number in numbers.items())
    return (start, _last_moment(start, unit)) if is_consistent else None


def _full_year(year: int) -> int:
    return year + (1900 if year >= _CENTURY_FROM else 2000)


def _spelled(letter: str, at: datetime) -> str:
    spell = DIRECTIVES[letter].text
    return str(at.month) if spell is None else spell(at)


def _floor(moment: datetime, unit: str) -> datetime:
    """The first moment of the unit that ``moment`` is in."""
    least = {"month": 1, "day": 1, "hour": 0}
    smaller = {part: value for part, value in least.items() if _UNITS.index(part) > _UNITS.index(unit)}
    return moment.replace(**smaller, minute=0, second=0, microsecond=0)  # type: ignore[arg-type]  # all are numbers


def _last_moment(start: datetime, unit: str) -> datetime:
    """The last microsecond of the unit that ``start`` begins."""
    length = {
        "year": timedelta(days=366 if isleap(start.year) else 365),
        "month": timedelta(days=monthrange(start.year, start.month)[1]),
        "day": timedelta(days=1),
        "hour": timedelta(hours=1),
    }[unit]
    return start + (length - _SMALLEST)
