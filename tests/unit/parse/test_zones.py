# ruff: noqa: DTZ001 - times without a zone are what this is about
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trade_ingest.parse.zones import to_utc


def by_python(local, zone):
    """The moment, or which flag is set."""
    first, second = (local.replace(tzinfo=ZoneInfo(zone), fold=fold) for fold in (0, 1))
    if first.astimezone(UTC).astimezone(ZoneInfo(zone)).replace(tzinfo=None) != local:
        return "nonexistent"
    return "ambiguous" if first.utcoffset() != second.utcoffset() else first.astimezone(UTC)


@pytest.mark.parametrize(
    "zone",
    [
        "America/New_York",
        "Europe/Dublin",
        "Australia/Lord_Howe",
        "Asia/Kolkata",
        "Africa/Casablanca",
        "UTC",
        "Etc/GMT+5",
    ],
)
def test_moments_are_those_of_zoneinfo_in_any_century(zone):
    changes = [
        datetime(y, m, d, h, 30)
        for y in (2024, 2140)
        for m in (3, 4, 10, 11)
        for d in range(1, 32, 3)
        if d < 31
        for h in (1, 2)
    ]
    around = st.one_of(st.datetimes(datetime(1850, 1, 1), datetime(2400, 1, 1)), st.sampled_from(changes))

    @settings(max_examples=80, deadline=None)
    @given(st.lists(around, min_size=1, max_size=20))
    def check(times):
        moments, is_ambiguous, is_nonexistent = to_utc(pl.Series(times, dtype=pl.Datetime("us")), zone)
        found = [
            "ambiguous" if a else "nonexistent" if n else m
            for m, a, n in zip(moments, is_ambiguous, is_nonexistent, strict=True)
        ]
        assert found == [by_python(local, zone) for local in times]

    check()


def test_null_stays_null():
    moments, is_ambiguous, is_nonexistent = to_utc(
        pl.Series([None, datetime(2150, 7, 1)], dtype=pl.Datetime("us")), "Europe/London"
    )
    assert moments.to_list() == [None, datetime(2150, 6, 30, 23, tzinfo=UTC)]
    assert (is_ambiguous.to_list(), is_nonexistent.to_list()) == ([False, False], [False, False])
