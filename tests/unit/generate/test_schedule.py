"""Days, row counts, and where the special rows are."""

from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trade_ingest.errors import GenerateError
from trade_ingest.generate.schedule import Day, RepeatedRows, SpecialRows, make_schedule

DEFAULTS = {
    "rows": 10_000, "files": 10, "seed": 1, "start": date(2024, 1, 5), "weekdays_only": True, "bad_ratio": 0.0,
    "duplicate_ratio": 0.0,
}  # fmt: skip


def schedule(**changes):
    return make_schedule(**(DEFAULTS | changes))


@given(
    files=st.integers(1, 40),
    extra=st.integers(0, 5000),
    bad_ratio=st.floats(0, 0.5),
    duplicate_ratio=st.floats(0, 0.5),
    seed=st.integers(-5, 5),
)
def test_counts_add_up_and_leave_the_first_row_ordinary(files, extra, bad_ratio, duplicate_ratio, seed):
    if files == 1:
        duplicate_ratio = 0.0
    days = schedule(rows=files + extra, files=files, bad_ratio=bad_ratio, duplicate_ratio=duplicate_ratio, seed=seed)
    assert sum(day.row_count for day in days) == files + extra
    assert [day.first_row for day in days] == [sum(d.row_count for d in days[:i]) for i in range(files)]
    assert all(0 <= day.bad_count + day.duplicate_count < day.row_count for day in days)
    assert days[0].duplicate_count == 0
    assert sum(day.bad_count for day in days) <= round((files + extra) * bad_ratio)


def test_shares_are_exact_where_there_is_room():
    days = schedule(rows=100_003, files=20, bad_ratio=0.01, duplicate_ratio=0.02)
    assert sum(day.bad_count for day in days) == 1000
    assert sum(day.duplicate_count for day in days) == 2000


def test_row_counts_vary_as_days_do():
    counts = [day.row_count for day in schedule(rows=1_000_000, files=250)]
    assert 0.1 < np.std(counts) / np.mean(counts) < 0.25
    assert len(set(counts)) > 200  # nearly all differ


def test_weekday_feeds_have_no_weekend():
    days = schedule(files=6)
    assert [str(day.date) for day in days] == [
        "2024-01-05", "2024-01-08", "2024-01-09", "2024-01-10", "2024-01-11", "2024-01-12",
    ]  # fmt: skip


def test_other_feeds_trade_less_on_weekends():
    days = schedule(rows=1_000_000, files=140, weekdays_only=False)
    by_weekday = [np.mean([d.row_count for d in days if d.date.weekday() == w]) for w in range(7)]
    assert max(by_weekday[5:]) < min(by_weekday[:5])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"rows": 3}, "3 rows in 10 files"),
        ({"files": 0}, "each file needs at least one row"),
        ({"bad_ratio": 0.6}, "must be 0 to 0.5"),
        ({"duplicate_ratio": -0.1}, "must be 0 to 0.5"),
        ({"files": 1, "duplicate_ratio": 0.1}, "one file only"),
        ({"start": date(9999, 12, 25)}, "go beyond 9999-12-31"),
    ],
)
def test_impossible_numbers_are_refused(changes, message):
    with pytest.raises(GenerateError, match=message):
        schedule(**changes)


@given(rows=st.integers(2, 400), special=st.integers(0, 399), bad=st.integers(0, 399), cut=st.integers(1, 400))
def test_special_places_are_distinct_and_as_many_as_planned(rows, special, bad, cut):
    special = min(special, rows - 1)
    bad = min(bad, special)
    day = Day(2, date(2024, 1, 5), 1000, rows, bad, special - bad)
    found = SpecialRows(day, 1)
    places, is_bad = found.between(0, rows)
    assert len(set(places.tolist())) == len(places) == special
    assert int(is_bad.sum()) == bad
    assert found.contain(np.arange(rows)).tolist() == [place in set(places.tolist()) for place in range(rows)]
    parts = [found.between(start, min(start + cut, rows)) for start in range(0, rows, cut)]
    assert np.concatenate([p for p, _ in parts]).tolist() == places.tolist()
    assert np.concatenate([b for _, b in parts]).tolist() == is_bad.tolist()


def test_originals_of_duplicates_are_ordinary_rows_of_recent_files():
    days = schedule(rows=5_000, files=8, bad_ratio=0.3, duplicate_ratio=0.3)
    day = days[6]
    places = np.arange(day.row_count)
    seen = np.zeros(len(places), int)
    for chosen, rows in RepeatedRows(days, 1).originals(day, places):
        seen += chosen
        assert rows.day.number in {3, 4, 5}
        assert rows.places.max() < rows.day.row_count
        assert not SpecialRows(rows.day, 1).contain(rows.places).any()
    assert (seen == 1).all()
