"""Which days a feed is expected to have files of, by its own habit."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trade_ingest.ledger.feeds import HABIT_WEEKS, missing_days

MONDAY = date(2024, 1, 1)


def days(*numbers):
    return [MONDAY + timedelta(days=number) for number in numbers]


WORKING_DAYS = [number for number in range(56) if number % 7 < 5]


def missing(covered, first, last):
    return missing_days(set(days(*covered)), *days(first, last))


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
