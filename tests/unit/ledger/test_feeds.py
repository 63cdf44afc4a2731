"""What is said of the days of a feed, by its own habit."""

import statistics
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trade_ingest.ledger.feeds import HABIT_WEEKS, DayState, judge_days, last_expected_day

MONDAY = date(2024, 1, 1)


def days(*numbers):
    return [MONDAY + timedelta(days=number) for number in numbers]


WORKING_DAYS = [number for number in range(56) if number % 7 < 5]


def missing(covered, first, last, holidays=()):
    states = judge_days(dict.fromkeys(days(*covered), 1), *days(first, last), holidays)
    return [day for day, state in states.items() if state in (DayState.MISSING, DayState.LATE)]


def test_day_without_a_file_is_missing_and_weekends_are_not():
    covered = [number for number in WORKING_DAYS if number != 30]

    assert missing(covered, 21, 55) == days(30)


def test_feed_that_stops_is_missed_until_it_has_a_new_habit():
    assert missing(WORKING_DAYS, 56, 112) == days(*(n for n in range(56, 77) if n % 7 < 5))


def test_new_feed_has_no_habit_yet():
    assert missing([0, 1, 3, 4], 0, 13) == []


def test_weekly_feed_is_missed_on_its_day_alone():
    assert missing([4, 11, 18, 32], 19, 40) == days(25, 39)


@pytest.mark.parametrize(("first", "last"), [(5, 4), (30, 0)])
def test_no_day_is_missing_of_an_empty_range(first, last):
    assert missing(WORKING_DAYS, first, last) == []


@given(st.sets(st.integers(0, 70)), st.integers(0, 70), st.integers(0, 70))
def test_missing_days_are_uncovered_within_the_range_and_had_files_before(covered, first, last):
    found = missing(covered, first, last)

    assert found == sorted(set(found))
    for day in found:
        number = (day - MONDAY).days
        assert first <= number <= last
        assert number not in covered
        assert sum(number - 7 * weeks in covered for weeks in range(1, HABIT_WEEKS + 1)) >= 2


def states(rows, first, last, holidays=()):
    counts = dict(zip(days(*rows), rows.values(), strict=True))
    found = judge_days(counts, *days(first, last), days(*holidays))
    return {(day - MONDAY).days: state.value for day, state in found.items()}


MONDAYS = {0: 100, 7: 100, 14: 100, 21: 100}


@pytest.mark.parametrize(("rows", "state"), [(50, "loaded"), (49, "partial"), (1000, "loaded")])
def test_day_with_less_than_half_of_the_usual_rows_is_partial(rows, state):
    assert states(MONDAYS | {28: rows}, 28, 28) == {28: state}


def test_usual_is_the_median_of_the_days_that_had_rows():
    assert states({0: 1, 7: 100, 21: 120, 28: 49}, 28, 28) == {28: "partial"}
    assert states({0: 1, 7: 100, 21: 120, 28: 50}, 28, 28) == {28: "loaded"}


def test_expected_day_without_rows_is_late_until_a_later_one_has_some():
    assert states(MONDAYS, 22, 29) == {28: "late"}
    assert states(MONDAYS | {29: 1}, 22, 29) == {28: "missing", 29: "loaded"}


def test_nothing_is_expected_of_a_holiday_and_what_it_has_is_never_partial():
    assert states(MONDAYS, 28, 28, holidays=[28]) == {28: "holiday"}
    assert states(MONDAYS | {28: 3}, 28, 28, holidays=[28]) == {28: "loaded"}


@given(
    st.dictionaries(st.integers(0, 60), st.integers(0, 9)),
    st.sets(st.integers(0, 60)),
    st.integers(-10, 70),
    st.integers(-10, 70),
)
def test_days_are_judged_as_they_would_be_one_by_one(rows, holidays, first, last):
    newest = max((day for day, count in rows.items() if count), default=-1000)
    expected = {}
    for day in range(first, last + 1):
        usual = [rows[day - 7 * week] for week in (1, 2, 3, 4) if rows.get(day - 7 * week)]
        if rows.get(day):
            is_low = len(usual) >= 2 and 2 * rows[day] < statistics.median(usual) and day not in holidays
            expected[day] = "partial" if is_low else "loaded"
        elif day in holidays:
            expected[day] = "holiday"
        elif len(usual) >= 2:
            expected[day] = "late" if day > newest else "missing"

    assert states(rows, first, last, holidays) == expected


def test_days_at_both_ends_of_the_calendar_are_days():
    rows = {date.min: 3, date.max: 1}

    assert judge_days(rows, date.min, date.max) == dict.fromkeys(rows, DayState.LOADED)


def test_a_row_of_long_ago_makes_no_days_between():
    assert states({-100_000: 5} | MONDAYS, -200_000, 27) == {-100_000: "loaded"} | dict.fromkeys(MONDAYS, "loaded")


@pytest.mark.parametrize(
    ("newest", "last"),
    [(0, 27), (-1, 27), (-2, -2), (28, 28), (40, 40)],
)
def test_current_feed_is_asked_up_to_yesterday_and_an_old_one_up_to_its_newest_day(newest, last):
    (today,) = days(28)
    assert last_expected_day(days(newest)[0], today) == days(last)[0]
