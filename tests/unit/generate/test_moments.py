"""Times within the day, and local times that exist once."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from trade_ingest.generate.moments import DAY, FX_ACTIVITY, HOUR, DayCurve, from_local, midnight, to_local
from trade_ingest.generate.schedule import Day, Rows


def rows_of_a_day(count):
    return Rows(Day(0, date(2024, 1, 2), 0, count, 0, 0), np.arange(count))


@pytest.mark.parametrize("count", [1, 2, 100_000])
def test_times_are_in_order_and_within_the_day(count):
    times = DayCurve(FX_ACTIVITY, 1).times(rows_of_a_day(count))
    assert times.min() >= 0
    assert times.max() < DAY
    assert (np.diff(times) >= 0).all()


def test_hours_get_their_share_of_the_rows():
    times = DayCurve(FX_ACTIVITY, 1).times(rows_of_a_day(100_000))
    shares = np.bincount(times // HOUR, minlength=24) / 100_000
    assert np.abs(shares - np.array(FX_ACTIVITY) / sum(FX_ACTIVITY)).max() < 0.001


# clocks change at 02:00 and 03:00 local time there, on a working day in Cairo
CHANGES = [
    ("America/New_York", date(2024, 3, 10)),
    ("America/New_York", date(2024, 11, 3)),
    ("Europe/London", date(2024, 3, 31)),
    ("Africa/Cairo", date(2024, 4, 26)),
    ("Africa/Cairo", date(2024, 10, 31)),
    ("Australia/Lord_Howe", date(2024, 4, 7)),
]


@pytest.mark.parametrize(("zone", "day"), CHANGES)
def test_local_times_never_fall_where_clocks_change(zone, day):
    minutes = np.arange(0, 24 * 60) * 60_000_000 + midnight(day)
    local = to_local(from_local(minutes, zone), zone).to_list()
    assert len(local) == len(minutes)
    for moment in local:
        early, late = (moment.replace(tzinfo=ZoneInfo(zone), fold=fold) for fold in (0, 1))
        assert early.utcoffset() == late.utcoffset()
        assert early.astimezone(UTC).astimezone(ZoneInfo(zone)).replace(tzinfo=None) == moment


def test_instants_of_ordinary_local_times_are_exact():
    local = midnight(date(2024, 7, 1)) + 9 * HOUR + 123_456
    instant = from_local(np.array([local]), "America/New_York")[0]
    assert datetime.fromtimestamp(instant // 1_000_000, UTC) == datetime(2024, 7, 1, 13, tzinfo=UTC)
    assert instant % 1_000_000 == 123_456


@pytest.mark.parametrize(("zone", "day"), CHANGES)
def test_instants_shown_twice_by_the_clock_are_moved(zone, day):
    instants = np.arange(0, 24 * 60) * 60_000_000 + midnight(day)
    for moment in to_local(instants, zone).to_list():
        assert len({moment.replace(tzinfo=ZoneInfo(zone), fold=fold).utcoffset() for fold in (0, 1)}) == 1
