# ruff: noqa: DTZ001 - times without a zone are what this is about
from datetime import datetime, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trade_ingest.parse.times import fixed_layout, parse_equal_width

EPOCH = datetime(1970, 1, 1)
moments = st.datetimes(datetime(1, 1, 1), datetime(9999, 12, 31)).map(lambda t: t.replace(year=t.year))


def written(moment, pattern):
    return moment.strftime(pattern.replace("%Y", f"{moment.year:04}").replace("%6f", f"{moment.microsecond:06}"))


@pytest.mark.parametrize(
    ("time_format", "pattern"),
    [
        (None, "%Y-%m-%dT%H:%M:%S"), ("iso", "%Y-%m-%d %H:%M:%S.%6f"), ("%F %T%.6f", "%Y-%m-%d %H:%M:%S.%6f"),
        ("%d/%m/%Y %H%M", "%d/%m/%Y %H%M"), ("%Y%m%d%H%M%S%6f", "%Y%m%d%H%M%S%6f"),
        ("%%%Y-%m-%d|%H:%M:%S", "%%%Y-%m-%d|%H:%M:%S"),
    ],
)  # fmt: skip
def test_times_of_one_width_are_those_of_datetime(time_format, pattern):
    @settings(max_examples=100, deadline=None)
    @given(st.lists(moments, min_size=1, max_size=5))
    def check(times):
        exact = "%6f" in pattern
        times = [t if exact else t.replace(microsecond=0, second=t.second if "%S" in pattern else 0) for t in times]
        read = parse_equal_width(pl.Series([written(t, pattern) for t in times]), time_format, with_offset=False)
        assert read is not None
        assert read[0].to_list() == [(t - EPOCH) // timedelta(microseconds=1) for t in times]
        assert read[1] is None

    check()


def test_nanoseconds_are_told_apart_from_microseconds():
    read = parse_equal_width(pl.Series(["1970-01-01 00:00:01.123456789"]), None, with_offset=False)
    assert read is not None
    assert (read[0].to_list(), read[1].to_list()) == ([1_123_456], [789])


def test_z_is_the_only_offset():
    assert parse_equal_width(pl.Series(["1970-01-01T00:00:01Z"]), None, with_offset=True)[0].to_list() == [1_000_000]
    assert parse_equal_width(pl.Series(["1970-01-01T00:00:01"]), None, with_offset=True) is None
    assert parse_equal_width(pl.Series(["1970-01-01T00:00:01Z"]), None, with_offset=False) is None


@pytest.mark.parametrize(
    "cells",
    [
        [], [None], ["1970-01-01 00:00:01", None], ["1970-01-01 00:00:01", "1970-01-01 00:00:01.5"], [""],
        ["1970-02-29 00:00:00"], ["1900-02-29 00:00:00"], ["0000-01-01 00:00:00"], ["1970-13-01 00:00:00"],
        ["1970-00-01 00:00:00"], ["1970-01-00 00:00:00"], ["1970-01-01 24:00:00"], ["1970-01-01 00:60:00"],
        ["1970-01-01 00:00:60"], ["1970-01-01 00:00:0x"], ["1970-01-01x00:00:00"], ["197é-01-01 00:00:00"],
        ["1970-01-01T00:00:00", "1970-01-01 00:00:00"], ["1970-01-01 00:00:0/"], ["1970-01-01 00:00:0:"],
    ],
)  # fmt: skip
def test_anything_else_is_left_to_the_general_way(cells):
    assert parse_equal_width(pl.Series(cells, dtype=pl.String), None, with_offset=False) is None


def test_leap_days_exist_in_leap_years():
    cells = ["2000-02-29 00:00:00", "2024-02-29 00:00:00", "0004-02-29 00:00:00"]
    read = parse_equal_width(pl.Series(cells), None, with_offset=False)
    assert read is not None
    assert read[0].to_list() == [(datetime.fromisoformat(c) - EPOCH) // timedelta(microseconds=1) for c in cells]


def test_a_part_of_a_column_is_read_alone():
    cells = pl.Series(["x", "1970-01-01 00:00:01", "1970-01-01 00:00:02", "yy"]).slice(1, 2)
    assert parse_equal_width(cells, None, with_offset=False)[0].to_list() == [1_000_000, 2_000_000]


@pytest.mark.parametrize(
    "time_format", ["%y-%m-%d %H:%M", "%d %b %Y %H:%M", "%Y-%m-%d", "%Y-%m-%d %H:%M:%S%.f", "%%.3f%Y", "%Y%Y%m%d%H%M"]
)
def test_formats_without_a_fixed_place_for_each_part_have_no_layout(time_format):
    assert fixed_layout(time_format) is None
