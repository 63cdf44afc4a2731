"""Time formats against two oracles: Python's strptime says what a cell means, Polars must agree."""

import re
from datetime import UTC, date, datetime, timedelta, timezone

import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from trade_ingest.contract.timeformat import ISO_DATE, TimeShape, iso_shapes, shape_of

DATES = (
    "%Y-%m-%d", "%d/%m/%Y", "%m/%d/%y", "%Y%m%d", "%d-%b-%Y", "%b %d, %Y", "%d%b%y", "%Y.%j", "%F", "%D", "%j%Y",
    "%%%Y%m%d", "%-d/%-m/%Y",
)  # fmt: skip
TIMES = (
    "",
    " %H:%M",
    "T%H:%M:%S",
    " %T",
    "%H%M%S",
    " %I:%M %p",
    " %I:%M:%S%p",
    "D%H.%M.%S",
    " %-H:%M:%S",
    " %-I:%M %p",
)
FRACTIONS = ("%.f", "%.3f", "%.6f", "%.9f", "%3f", "%6f", "%9f", ",%3f")
OFFSETS = ("%z", "%:z", "%#z", " %z")


def polars_reading(shape: TimeShape, cells: list[str]) -> list[datetime | None]:
    return (
        pl.Series(cells, dtype=pl.String).str.to_datetime(shape.polars_format, time_unit="us", strict=False).to_list()
    )


def matches(shape: TimeShape, cells: list[str]) -> list[bool]:
    by_polars = pl.Series(cells, dtype=pl.String).str.contains(shape.regex).to_list()
    assert by_polars == [re.fullmatch(shape.regex, cell) is not None for cell in cells], "the two engines differ"
    return by_polars


def python_reading(cell: str, pattern: str) -> datetime | None:
    """What strptime makes of a cell of a format without fraction; its two-digit years turn at 69, not at 70."""
    expanded = pattern.replace("%F", "%Y-%m-%d").replace("%D", "%m/%d/%y").replace("%T", "%H:%M:%S").replace("%-", "%")
    try:
        moment = datetime.strptime(cell, expanded.replace("%:z", "%z").replace("%#z", "%z"))  # noqa: DTZ007
    except ValueError:
        return None
    if (
        "%j" in expanded
        and cell[0 if expanded.startswith("%j") else 5 :].startswith("366")
        and moment.strftime("%j") == "001"
    ):
        return None  # strptime takes day 366 of a common year for the first day of the next
    return moment.replace(year=2069) if "%y" in expanded and moment.year == 1969 else moment


@pytest.mark.parametrize("day_format", DATES)
@settings(max_examples=25, deadline=None)
@given(data=st.data(), time_format=st.sampled_from(TIMES))
def test_every_cell_that_matches_means_what_strptime_says(day_format, time_format, data):
    pattern = day_format + time_format
    shape = shape_of(pattern)
    cells = data.draw(st.lists(st.from_regex(shape.regex, fullmatch=True), min_size=1, max_size=20))
    cells = [cell.removesuffix("\n") for cell in cells]
    assert all(matches(shape, cells))
    assert polars_reading(shape, cells) == [python_reading(cell, pattern) for cell in cells]


@pytest.mark.parametrize("day_format", DATES)
@settings(max_examples=25, deadline=None)
@given(
    moment=st.datetimes(min_value=datetime(1970, 1, 1), max_value=datetime(2069, 12, 31, 23, 59)),  # noqa: DTZ001
    time_format=st.sampled_from(TIMES),
)
def test_every_moment_written_in_the_format_is_read_back(day_format, time_format, moment):
    pattern = day_format + time_format
    cell = moment.strftime(pattern)
    written = {"H": "%H", "I": "%I %p", "M": "%M", "S": "%S"}
    expanded = pattern.replace("%T", "%H:%M:%S").replace("%-", "%")
    kept = [code for letter, code in written.items() if f"%{letter}" in expanded]
    expected = datetime.strptime(moment.strftime(" ".join(["%Y %j", *kept])), " ".join(["%Y %j", *kept]))  # noqa: DTZ007
    assert matches(shape_of(pattern), [cell]) == [True]
    assert polars_reading(shape_of(pattern), [cell]) == [expected]


@pytest.mark.parametrize("fraction", FRACTIONS)
@settings(max_examples=25, deadline=None)
@given(micros=st.integers(0, 999_999))
def test_fraction_is_read_to_the_microsecond_and_its_digits_are_group_1(fraction, micros):
    shape = shape_of(f"%Y-%m-%d %H:%M:%S{fraction}")
    width = int(match[0]) if (match := re.search(r"\d", fraction)) else 9
    digits = f"{micros:06}000"[:width]
    mark = "." if fraction.startswith("%.") else fraction[: fraction.index("%")]
    cell = f"2024-02-29 23:59:58{mark}{digits}"
    assert matches(shape, [cell]) == [True]
    assert re.fullmatch(shape.regex, cell)[1] == digits
    assert pl.Series([cell]).str.extract(shape.regex, 1).to_list() == [digits]
    expected = datetime(2024, 2, 29, 23, 59, 58, int(digits[:6].ljust(6, "0")))  # noqa: DTZ001
    assert polars_reading(shape, [cell]) == [expected]


@pytest.mark.parametrize("offset_format", OFFSETS)
@settings(max_examples=50, deadline=None)
@given(minutes=st.integers(-15 * 60 - 59, 15 * 60 + 59), form=st.sampled_from(["+hhmm", "+hh:mm", "+hh", "Z"]))
@example(minutes=0, form="Z")
def test_offset_cells_come_out_in_utc_or_do_not_match(offset_format, minutes, form):
    shape = shape_of(f"%Y-%m-%d %H:%M{offset_format}")
    if form in {"+hh", "Z"}:
        minutes = minutes // 60 * 60 if form == "+hh" else 0
        minutes = max(minutes, -15 * 60)
    hours, rest = divmod(abs(minutes), 60)
    sign = "-" if minutes < 0 else "+"
    text = {"+hhmm": f"{sign}{hours:02}{rest:02}", "+hh:mm": f"{sign}{hours:02}:{rest:02}", "+hh": f"{sign}{hours:02}"}
    cell = f"2024-03-10 12:30{' ' if offset_format[0] == ' ' else ''}{text.get(form, 'Z')}"
    legal = {"%z": {"+hhmm", "+hh:mm"}, "%:z": {"+hh:mm"}, "%#z": {"+hhmm", "+hh:mm", "+hh", "Z"}}
    assert matches(shape, [cell]) == [form in legal[offset_format.strip()]]
    if form in legal[offset_format.strip()]:
        local = datetime(2024, 3, 10, 12, 30, tzinfo=timezone(timedelta(minutes=minutes)))
        assert polars_reading(shape, [cell]) == [local.astimezone(UTC)]


@pytest.mark.parametrize(
    ("pattern", "cell"),
    [
        ("%Y-%m-%d", "2024-1-1"),
        ("%Y-%m-%d", " 2024-01-01"),
        ("%Y-%m-%d", "2024-01-01 "),
        ("%Y-%m-%d", "2024-01-01\n"),
        ("%Y-%m-%d", "2024-13-01"),
        ("%Y-%m-%d", "2024-01-32"),
        ("%Y-%m-%d", "2024-00-10"),
        ("%Y-%m-%d", "0000-01-01"),
        ("%Y-%m-%d", "+2024-01-01"),
        ("%Y-%m-%d", "12024-01-01"),
        ("%Y-%m-%d", "\uff12\uff10\uff12\uff14-01-01"),
        ("%Y-%m-%d %H:%M:%S", "2024-01-01 23:59:60"),
        ("%Y-%m-%d %H:%M:%S", "2024-01-01 24:00:00"),
        ("%Y-%m-%d %H:%M:%S", "2024-01-01  23:59:59"),
        ("%Y-%m-%d %H:%M:%S", "2024-01-01 23:59:59.5"),
        ("%Y-%m-%d %H:%M:%S%.f", "2024-01-01 23:59:59."),
        ("%Y-%m-%d %H:%M:%S%.f", "2024-01-01 23:59:59.1234567890"),
        ("%Y-%m-%d %H:%M:%S%.f", "2024-01-01 23:59:59,5"),
        ("%Y-%m-%d %H:%M:%S%.3f", "2024-01-01 23:59:59.1234"),
        ("%Y-%m-%d %H:%M:%S%.3f", "2024-01-01 23:59:59"),
        ("%Y-%m-%d %I:%M %p", "2024-01-01 00:30 AM"),
        ("%Y-%m-%d %I:%M %p", "2024-01-01 13:30 PM"),
        ("%d %b %Y", "01 Jan. 2024"),
        ("%d %b %Y", "01 January 2024"),
        ("%d %b %Y", "01 \u017fep 2024"),
        ("%Y-%j", "2024-000"),
        ("%Y-%j", "2024-367"),
        ("%Y-%m-%dT%H:%M%#z", "2024-01-01T10:00z"),
        ("%Y-%m-%dT%H:%M%#z", "2024-01-01T10:00+16"),
        ("%Y-%m-%dT%H:%M%z", "2024-01-01T10:00"),
        ("%Y.%m.%d", "2024-01-01"),
        ("%-d/%-m/%Y", "001/1/2024"),
        ("%-d/%-m/%Y", " 1/1/2024"),
        ("%-d/%-m/%Y", "1/13/2024"),
        ("%Y-%m-%d %-H:%M", "2024-01-01 24:00"),
    ],
)
def test_sloppy_cell_does_not_match(pattern, cell):
    assert matches(shape_of(pattern), [cell]) == [False]


@pytest.mark.parametrize(
    ("pattern", "named"),
    [
        ("%Y-%m-%d %H:%M:%S.%f", "'%f'"),
        ("%Y-%m-%d %Q", "'%Q'"),
        ("%-Y-%m-%d", "'%-Y'"),
        ("%e %b %Y", "'%e'"),
        ("%d %B %Y", "'%B'"),
        ("%Y-%m-%d %H:%M %Z", "'%Z'"),
        ("%s", "'%s'"),
        ("%Y-%m-%d%", "'%'"),
        ("%Y-%m-%d %H:%M:%S%.4f", "'%.4f'"),
        ("%Y-%m-%d %::z", "'%::z'"),
        ("%Y-%Y-%m-%d", "year twice"),
        ("%Y-%m-%d %m", "month twice"),
        ("%Y-%m-%b-%d", "month twice"),
        ("%Y-%m", "no whole date"),
        ("%H:%M:%S", "no whole date"),
        ("%%Y-%%m", "no whole date"),
        ("%Y-%m-%j", "no whole date"),
        ("", "no whole date"),
        ("%Y-%m-%d %H", "no whole time"),
        ("%Y-%m-%d %S", "no whole time"),
        ("%Y-%m-%d %I:%M", "no whole time"),
        ("%Y-%m-%d %H:%M %p", "no whole time"),
        ("%Y-%m-%d %H:%M%.f", "no whole time"),
        ("%Y-%m-%d %z", "offset but no time"),
    ],
)
def test_format_that_means_no_moment_is_refused_with_the_reason(pattern, named):
    with pytest.raises(ValueError, match=re.escape(named)):
        shape_of(pattern)


def test_shape_tells_what_its_cells_have():
    shape = shape_of("%d/%m/%y %I:%M:%S%.3f %p %:z")
    assert (shape.has_time, shape.has_offset, shape.fraction) == (True, True, "dot")
    assert shape.polars_format == "%d/%m/%y %I:%M:%S%.3f %p %:z"
    assert (shape_of("%F").has_time, shape_of("%F").has_offset, shape_of("%F").fraction) == (False, False, "none")
    assert shape_of("%F %T,%6f").fraction == "fixed"
    assert shape_of("%F").polars_format == "%Y-%m-%d"


def test_shorthand_after_a_literal_percent_sign_is_text():
    assert matches(shape_of("%%F %Y-%m-%d"), ["%F 2024-01-02", "%2024-01-02 2024-01-02"]) == [True, False]


def test_regex_characters_of_a_format_stand_for_themselves():
    shape = shape_of("[%Y.%m.%d] (%H+%M) a|b? ^$ {1} \\ *")
    cell = "[2024.01.02] (03+04) a|b? ^$ {1} \\ *"
    assert matches(shape, [cell, cell.replace(".", "x")]) == [True, False]
    assert polars_reading(shape, [cell]) == [datetime(2024, 1, 2, 3, 4)]  # noqa: DTZ001


MOMENTS = st.datetimes(min_value=datetime(1, 1, 2), max_value=datetime(9999, 12, 30))  # noqa: DTZ001


@settings(deadline=None)
@given(moment=MOMENTS, separator=st.sampled_from("T "), digits=st.integers(0, 9))
def test_iso_cell_without_offset_matches_exactly_one_shape_and_is_read_back(moment, separator, digits):
    fraction = f".{moment.microsecond:06}000"[: digits + 1] if digits else ""
    cell = f"{moment.year:04}-{moment:%m-%d}{separator}{moment:%H:%M:%S}{fraction}"
    (shape,) = [shape for shape in iso_shapes(has_offset=False) if matches(shape, [cell]) == [True]]
    expected = moment.replace(microsecond=int(fraction[1:7].ljust(6, "0")) if fraction else 0)
    assert polars_reading(shape, [cell]) == [expected]
    assert not any(matches(shape, [cell])[0] for shape in iso_shapes(has_offset=True))


@settings(deadline=None)
@given(
    moment=MOMENTS,
    separator=st.sampled_from("T "),
    minutes=st.integers(-15 * 60 - 59, 15 * 60 + 59),
    form=st.sampled_from(["colon", "plain", "hours", "Z"]),
)
def test_iso_cell_with_offset_matches_exactly_one_shape_and_comes_out_in_utc(moment, separator, minutes, form):
    hours, rest = divmod(abs(minutes), 60)
    rest = 0 if form in {"hours", "Z"} else rest
    hours = 0 if form == "Z" else hours
    sign = -1 if minutes < 0 else 1
    text = {"colon": f"{hours:02}:{rest:02}", "plain": f"{hours:02}{rest:02}", "hours": f"{hours:02}"}
    offset = "Z" if form == "Z" else "+-"[sign < 0] + text[form]
    cell = f"{moment.year:04}-{moment:%m-%d}{separator}{moment:%H:%M:%S}.{moment.microsecond:06}{offset}"
    (shape,) = [shape for shape in iso_shapes(has_offset=True) if matches(shape, [cell]) == [True]]
    expected = moment - sign * timedelta(hours=hours, minutes=rest)
    assert polars_reading(shape, [cell]) == [expected.replace(tzinfo=UTC)]
    assert not any(matches(shape, [cell])[0] for shape in iso_shapes(has_offset=False))


@settings(deadline=None)
@given(day=st.dates())
def test_iso_date_is_read_back(day: date):
    assert matches(ISO_DATE, [day.isoformat()]) == [True]
    assert polars_reading(ISO_DATE, [day.isoformat()]) == [datetime(day.year, day.month, day.day)]  # noqa: DTZ001


def test_impossible_dates_match_but_are_no_moment():
    cells = ["2023-02-29", "2024-04-31", "1900-02-29"]
    assert matches(ISO_DATE, cells) == [True] * 3
    assert polars_reading(ISO_DATE, cells) == [None] * 3
    assert polars_reading(shape_of("%Y-%j"), ["2023-366"]) == [None]
