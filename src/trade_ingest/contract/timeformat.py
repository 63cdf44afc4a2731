"""Which cells a time format means, exactly, and how Polars is to read those.

The dialect is that of chrono and Polars (https://docs.rs/chrono/latest/chrono/format/strftime). Their parser alone is
too lenient for money: it takes ``2024-1-1``, blanks at the start, second 60 (as the next minute), and drops digits
beyond the precision. So each format has a regular expression for the cells it means; a cell that matches can then be
parsed in one call, and only an impossible date (30 February) comes out as NULL.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

Fraction = Literal["none", "dot", "fixed"]


@dataclass(frozen=True, slots=True)
class TimeShape:
    """The cells that a time format means.

    Attributes:
        regex: anchored with ``^`` and ``$`` and valid in both Python (with ``re.fullmatch``) and Polars. Only ASCII
            digits, zero padded, and no blanks but those in the format. Group 1, the only group, holds the digits of
            the fraction of a second; a format without fraction has no group.
        has_time: the format has a time of day; without one ``str.to_datetime`` gives midnight.
        has_offset: the cells carry their offset from UTC; ``str.to_datetime`` gives UTC.
        fraction: ``dot``: a point and digits, ``fixed``: a fixed number of digits, ``none``.
        polars_format: cells that match ``regex`` are parsed by
            ``str.to_datetime(polars_format, time_unit="us", strict=False)``; NULL means that there is no such date.
            Digits of the fraction beyond the sixth are dropped by that call.
    """

    regex: str
    has_time: bool
    has_offset: bool
    fraction: Fraction
    polars_format: str


_YEAR = "(?:[1-9][0-9]{3}|0[1-9][0-9]{2}|00[1-9][0-9]|000[1-9])"  # PostgreSQL has no year 0
_OFFSET_HOUR = "[+-](?:0[0-9]|1[0-5])"  # PostgreSQL's largest offset is 15:59
_SIXTY = "[0-5][0-9]"
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

_DIRECTIVES = {
    "%Y": _YEAR,
    "%y": "[0-9]{2}",
    "%m": "(?:0[1-9]|1[0-2])",
    "%b": "(?:{})".format("|".join("".join(f"[{c.upper()}{c.lower()}]" for c in month) for month in _MONTHS)),
    "%d": "(?:0[1-9]|[12][0-9]|3[01])",
    "%j": "(?:00[1-9]|0[1-9][0-9]|[12][0-9]{2}|3[0-5][0-9]|36[0-6])",
    "%H": "(?:[01][0-9]|2[0-3])",
    "%I": "(?:0[1-9]|1[0-2])",
    "%-m": "(?:0?[1-9]|1[0-2])",
    "%-d": "(?:0?[1-9]|[12][0-9]|3[01])",
    "%-H": "(?:[01]?[0-9]|2[0-3])",
    "%-I": "(?:0?[1-9]|1[0-2])",
    "%p": "[AaPp][Mm]",
    "%M": _SIXTY,
    "%S": _SIXTY,
    "%.f": r"(?:\.([0-9]{1,9}))?",
    "%.3f": r"\.([0-9]{3})",
    "%.6f": r"\.([0-9]{6})",
    "%.9f": r"\.([0-9]{9})",
    "%3f": "([0-9]{3})",
    "%6f": "([0-9]{6})",
    "%9f": "([0-9]{9})",
    "%z": f"{_OFFSET_HOUR}:?{_SIXTY}",
    "%:z": f"{_OFFSET_HOUR}:{_SIXTY}",
    "%#z": f"(?:Z|{_OFFSET_HOUR}(?::?{_SIXTY})?)",
    "%%": "%",
}
_SHORTHANDS = {"%F": "%Y-%m-%d", "%T": "%H:%M:%S", "%D": "%m/%d/%y"}
_DATES = ({"year", "month", "day"}, {"year", "day of year"})
_TIMES: tuple[set[str], ...] = (
    set(),
    {"hour", "minute"},
    {"hour", "minute", "second"},
    {"hour", "minute", "second", "fraction"},
    {"hour of half-day", "half-day", "minute"},
    {"hour of half-day", "half-day", "minute", "second"},
    {"hour of half-day", "half-day", "minute", "second", "fraction"},
)
_FIELDS = {
    "Y": "year", "y": "year", "m": "month", "b": "month", "d": "day", "j": "day of year", "H": "hour",
    "I": "hour of half-day", "p": "half-day", "M": "minute", "S": "second", "f": "fraction", "z": "offset",
}  # fmt: skip
_HINTS = {
    "%f": "write %.f for a point and up to 9 digits, or %3f, %6f, %9f for that many digits",
    "%s": "use `epoch: s` for seconds since 1970",
    "%Z": "a zone's abbreviation is ambiguous; name the zone with `zone`",
    "%e": "write %d for days with two digits, %-d for days with or without a zero",
    "%B": "months have three letters: %b",
}
_TOKEN = re.compile(r"%(?:[.]?[0-9]*f|[:#]*z|[-_0]?.)|%$|[^%]+", re.DOTALL)


def shape_of(format: str) -> TimeShape:  # noqa: A002 - the contract's word for it
    """The shape of a strptime pattern.

    Directives: %Y %y %m %b %d %j %H %I %p %M %S, fractions %.f %.3f %.6f %.9f %3f %6f %9f, offsets %z (+hhmm or
    +hh:mm) %:z (+hh:mm) %#z (also +hh and Z), shorthands %F %T %D, and %%. %b and %p ignore case. %y means 1970 to
    2069.

    Raises:
        ValueError: a directive is not supported or given twice, or they do not make a whole date and, if there is
            one, a whole time of day; the message says which.
    """
    tokens = list(_tokens(format))
    fields = [_FIELDS[token[-1]] for token in tokens if token in _DIRECTIVES and token[-1] in _FIELDS]
    _check_fields(format, fields)
    fraction: Fraction = "none"
    if "fraction" in fields:
        fraction = "dot" if any(token.startswith("%.") for token in tokens) else "fixed"
    return TimeShape(
        regex="^" + "".join(map(_pattern, tokens)) + "$",
        has_time="minute" in fields,
        has_offset="offset" in fields,
        fraction=fraction,
        polars_format="".join(tokens),
    )


def iso_shapes(has_offset: bool) -> tuple[TimeShape, ...]:  # noqa: FBT001 - the one thing it is about
    """The shapes of ``format: iso`` timestamps: ``YYYY-MM-DD``, ``T`` or a blank, ``hh:mm:ss[.f{1,9}]``.

    With ``has_offset`` the cells end in ``Z``, ``±hh:mm``, ``±hhmm`` or ``±hh``; without it they must not. The shapes
    exclude each other; a file mostly has one of them throughout. Source: ISO 8601 and RFC 3339.
    """
    return _ISO_WITH_OFFSET if has_offset else _ISO_LOCAL


def _tokens(format: str) -> Iterator[str]:  # noqa: A002
    expanded = re.sub("%%|%[FTD]", lambda match: _SHORTHANDS.get(match[0], match[0]), format)
    for match in _TOKEN.finditer(expanded):
        token = match[0]
        if token.startswith("%") and token not in _DIRECTIVES:
            hint = _HINTS.get(token)
            raise ValueError(f"unsupported directive {token!r} in {format!r}" + (f": {hint}" if hint else ""))
        yield token


def _pattern(token: str) -> str:
    # Not re.escape: it escapes characters that other engines refuse to see escaped.
    return _DIRECTIVES.get(token) or re.sub(r"[\\.+*?()|\[\]{}^$]", r"\\\g<0>", token)


def _check_fields(format: str, fields: list[str]) -> None:  # noqa: A002
    problem: Callable[[str], ValueError] = lambda what: ValueError(f"{format!r} {what}")  # noqa: E731
    if twice := sorted({field for field in fields if fields.count(field) > 1}):
        raise problem(f"gives the {twice[0]} twice")
    named = set(fields)
    date = named & {"year", "month", "day", "day of year"}
    if date not in _DATES:
        raise problem("is no whole date: give year, month and day, or year and day of year (%j)")
    if named - date - {"offset"} not in _TIMES:
        raise problem("is no whole time of day: give %H or %I and %p, then %M, %S and the fraction as far as needed")
    if "offset" in named and "minute" not in named:
        raise problem("has an offset but no time of day")


_ISO_LOCAL = tuple(shape_of(f"%Y-%m-%d{separator}%H:%M:%S%.f") for separator in "T ")
_ISO_WITH_OFFSET = tuple(shape_of(f"%Y-%m-%d{separator}%H:%M:%S%.f%#z") for separator in "T ")
ISO_DATE = shape_of("%Y-%m-%d")
"""The shape of ``format: iso`` dates."""
