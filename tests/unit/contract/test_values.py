from datetime import UTC, date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from trade_ingest.contract.model import Column
from trade_ingest.contract.values import check_constant, parse_bound


def column(type_, **keys):
    return Column.model_validate({"name": "x", "type": type_, **keys})


@pytest.mark.parametrize(
    ("type_", "keys", "bound", "expected"),
    [
        ("integer", {}, "-5", -5),
        ("integer", {}, 7, 7),
        ("decimal(10,2)", {}, "0.10", Decimal("0.10")),
        ("decimal(10,2)", {}, Decimal("1e3"), Decimal(1000)),
        ("decimal(10,2)", {}, ".5", Decimal("0.5")),
        ("date", {}, "2024-02-29", date(2024, 2, 29)),
        ("timestamp", {}, "2024-01-31T09:30:00Z", datetime(2024, 1, 31, 9, 30, tzinfo=UTC)),
        ("timestamp", {}, "2024-01-31 09:30:00.5+02:00", datetime(2024, 1, 31, 7, 30, 0, 500_000, tzinfo=UTC)),
        ("timestamp", {"zone": "America/New_York"}, "2024-07-01", datetime(2024, 7, 1, 4, tzinfo=UTC)),
        ("timestamp", {"zone": "America/New_York"}, "2024-07-01T00:00:00Z", datetime(2024, 7, 1, tzinfo=UTC)),
    ],
)
def test_bound_is_a_value_of_the_columns_type(type_, keys, bound, expected):
    found = parse_bound(column(type_, **keys), bound)
    assert found == expected
    assert type(found) is type(expected)


def test_local_bound_is_in_the_columns_zone():
    bound = parse_bound(column("timestamp", zone="Asia/Tokyo"), "2024-01-31 09:30:00")
    assert isinstance(bound, datetime)
    assert bound.tzinfo == ZoneInfo("Asia/Tokyo")


@pytest.mark.parametrize(
    ("type_", "bound"),
    [
        ("integer", "1.5"),
        ("integer", "1_000"),
        ("integer", "\u0661"),
        ("decimal(10,2)", "abc"),
        ("decimal(10,2)", "NaN"),
        ("decimal(10,2)", "Infinity"),
        ("decimal(10,2)", "1,5"),
        ("date", "2024-02-30"),
        ("date", "20240201"),
        ("timestamp", "2024-01-31T09:30:00"),
        ("timestamp", "2024-01-31"),
        ("timestamp", "2024-01-31T09:30Z"),
        ("timestamp", "yesterday"),
    ],
)
def test_bound_of_another_type_is_refused(type_, bound):
    with pytest.raises(ValueError, match=r"."):
        parse_bound(column(type_), bound)


@pytest.mark.parametrize(
    ("type_", "keys", "good", "bad"),
    [
        ("integer", {}, "-12", "1.0"),
        ("decimal(5,2)", {}, "1.25", "one"),
        ("boolean", {}, "TRUE", "yes"),
        ("uuid", {}, "12345678-1234-5678-1234-567812345678", "1234"),
        ("enum", {"values": ["a", "b"]}, "b", "c"),
        ("enum", {"values": {"a": "x"}}, "a", "x"),
        ("json", {}, '{"a": [1]}', "{a: 1}"),
    ],
)
def test_constant_must_be_a_cell_of_the_columns_type(type_, keys, good, bad):
    check_constant(column(type_, **keys), good)
    with pytest.raises(ValueError, match=r"."):
        check_constant(column(type_, **keys), bad)


def test_any_text_is_a_constant_of_a_text_column():
    check_constant(column("text"), "")
