import polars as pl
import pytest

from trade_ingest.contract.model import Column, FileFormat
from trade_ingest.parse.cells import convert


def read(cells, *, form=None, **column):
    """The values and, by row, the codes."""
    converted = convert(pl.Series(cells, dtype=pl.String), Column(name="x", **column), FileFormat(**form or {}))
    codes = {}
    for code, mask in converted.failures:
        for i in mask.arg_true().to_list():
            codes.setdefault(i, []).append(str(code))
    return converted.values, codes


@pytest.mark.parametrize(
    "cell",
    [
        '"\\ud83d"', '"\\udc00 x"', '"\\u0000"', '{"\\u0000": 1}', "1e200000",
        "[1e-20000]", "[" * 100_000, "NaN", "-Infinity",
        "{'a': 1}", "", " ", "{", '{"a": 1} x', '"a\nb"', "01", "+1", "tru",
    ],
)  # fmt: skip
def test_what_jsonb_cannot_hold_is_a_reject(cell):
    assert read([cell], type="json", form={"null_tokens": ()})[1] == {0: ["invalid_json"]}


@pytest.mark.parametrize(
    "cell", ['"\\\\u0000"', '"\\ud83d\\ude00"', "1e400", " [1, 2.50]\t", '{"a": {}}', "null", '""']
)
def test_json_is_kept_as_it_was_written(cell):
    values, codes = read([cell], type="json")
    assert (values.to_list(), codes) == ([cell], {})


@pytest.mark.parametrize("mark", [" ", "'", "\u00a0", "\u202f", "_", "."])
def test_groups_of_three_digits_may_have_any_mark(mark):
    form = {"thousands_mark": mark, "decimal_mark": ","}
    values, codes = read([f"1{mark}234{mark}567,5", f"1{mark}23", f"12345{mark}678"], type="decimal(12,1)", form=form)
    assert str(values[0]) == "1234567.5"
    assert codes == {1: ["invalid_decimal"], 2: ["invalid_decimal"]}


def test_checks_are_made_on_values_not_on_null():
    _, codes = read(["USD", "usd", "XXZ", None, "DEM"], type="text", check="iso4217", required=False)
    assert codes == {1: ["failed_check"], 2: ["failed_check"]}


def test_lengths_are_counted_in_characters():
    assert read(["éé€", "éé€x"], type="text", max_length=3)[1] == {1: ["too_long"]}


def test_bounds_of_a_timestamp_are_moments():
    _, codes = read(
        ["2024-01-01 00:00:00", "2024-01-01 05:00:00"],
        type="timestamp",
        zone="America/New_York",
        min="2024-01-01T06:00:00Z",
    )
    assert codes == {0: ["below_min"]}


def test_bounds_of_a_date_and_beyond_a_bigint():
    assert read(["2024-01-01", "2023-12-31"], type="date", min="2024-01-01")[1] == {1: ["below_min"]}
    assert read(["5"], type="integer", max=10**30)[1] == {}
    assert read(["5"], type="integer", min=10**30)[1] == {0: ["below_min"]}


@pytest.mark.parametrize(
    ("cell", "code"),
    [
        ("2024-11-03 01:30:00", "ambiguous_time"),
        ("2024-03-10 02:30:00", "nonexistent_time"),
        ("2024-11-03 01:30:00.123456789", "ambiguous_time"),
        ("2024-11-02 01:30:60", "invalid_timestamp"),
        ("0000-01-01 00:00:00", "invalid_timestamp"),
        ("10000-01-01 00:00:00", "invalid_timestamp"),
        ("9999-12-31 23:00:00", "timestamp_out_of_range"),
        ("2024-11-02 01:30:00.1234567", "timestamp_too_precise"),
    ],
)
@pytest.mark.parametrize("neighbour", [None, "2024-01-01 00:00:00", "2024-01-01T00:00:00.5"])
def test_time_that_is_none_in_new_york_has_its_code(cell, code, neighbour):
    cells = [cell] if neighbour is None else [cell, neighbour]
    values, codes = read(cells, type="timestamp", zone="America/New_York")
    assert codes == {0: [code]}
    assert code == "timestamp_too_precise" or values[0] is None


def test_nanoseconds_stand_beside_the_timestamp():
    column = Column(name="x", type="timestamp", zone="UTC", nanoseconds="x_ns")
    cells = pl.Series(["2024-01-02 03:04:05.123456789", "1969-12-31 23:59:59.999999999"])
    converted = convert(cells, column, FileFormat())
    assert converted.nanoseconds.to_list() == [1704164645123456789, -1]
    assert converted.values.dt.epoch("us").to_list() == [1704164645123456, -1]
    assert converted.failures == []


def test_a_time_whose_nanoseconds_do_not_fit_is_a_reject_in_any_company():
    column = Column(name="x", type="timestamp", zone="UTC", nanoseconds="x_ns")
    for cells in (["2300-01-01 00:00:00"], ["2300-01-01 00:00:00", "2024-01-01 00:00:00.5"]):
        converted = convert(pl.Series(cells), column, FileFormat())
        assert [(str(code), mask.to_list()[0]) for code, mask in converted.failures] == [
            ("timestamp_out_of_range", True)
        ]


def test_blank_cell_that_is_trimmed_is_an_empty_one():
    values, codes = read(["  ", "\t a ", "", None], type="text", required=False, form={"trim": True})
    assert (values.to_list(), codes) == ([None, "a", "", None], {})


@pytest.mark.parametrize(
    "column", [{"type": t} for t in ("text", "integer", "decimal(5,2)", "boolean", "date", "uuid", "json")]
)
def test_no_cells_are_no_values(column):
    values, codes = read([], **column)
    assert (len(values), codes) == (0, {})
