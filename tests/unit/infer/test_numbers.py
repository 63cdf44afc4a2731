import polars as pl
import pytest

from trade_ingest.infer.numbers import Marks, find_marks, numbers_of


@pytest.mark.parametrize(
    ("columns", "delimiter", "expected"),
    [
        ([["1.5", "2"]], ",", Marks(".")),
        ([["1,5", "2,25"]], ";", Marks(",")),
        ([["1.234,5", "2,25"]], ";", Marks(",", ".")),
        ([["27,000,000", "1.5"]], ",", Marks(".", ",")),
        ([["4 101.093", "12.5"]], ";", Marks(".", " ")),
        ([["1'234.5", "2"]], ";", Marks(".", "'")),
        ([["1,234"]], ";", Marks(",")),
        ([["1,234"]], ",", Marks(".", ",")),
        ([["1", "2"]], ";", Marks(".")),
        ([["ABC"]], ",", Marks(".")),
    ],
)
def test_marks_are_those_that_make_numbers_of_the_most_columns(columns, delimiter, expected):
    assert find_marks([pl.Series(column) for column in columns], delimiter) == expected


@pytest.mark.parametrize(
    ("cells", "made", "amount"),
    [
        (["1", "-2"], "integer", "decimal(38,12)"),
        (["1.5", ".62"], "decimal(38,12)", "decimal(38,12)"),
        (["79.200000000000003"], "decimal(38,15)", "decimal(38,15)"),
        (["1e-08", "8.1095e+09"], "decimal(38,12)", "decimal(38,12)"),
        (["4202588328000000101"], "decimal(38,12)", "decimal(38,12)"),
        (["1.5000000000000000000000"], "decimal(38,12)", "decimal(38,12)"),
    ],
)
def test_types_hold_every_digit(cells, made, amount):
    numbers = numbers_of(pl.Series(cells), Marks())

    assert (numbers.type, numbers.decimal_type) == (made, amount)


def test_what_no_type_holds_has_none():
    assert numbers_of(pl.Series(["1" * 30 + "." + "1" * 20]), Marks()).type == ""


def test_currency_signs_and_units_are_taken_out():
    signs = numbers_of(pl.Series(["€0.12", "-€5.00"]), Marks())
    units = numbers_of(pl.Series(["2214.01 EUR", "1.0 BTC"]), Marks())

    assert (signs.remove, signs.least) == ("[€]", -5.0)
    assert (units.remove, units.most) == (" [A-Z]{2,6}[0-9]?$", 2214.01)
    assert units.unit


def test_words_are_no_numbers():
    assert numbers_of(pl.Series(["1.5", "ABC"]), Marks()) is None
    assert numbers_of(pl.Series(["459200AG6"]), Marks()) is None


def test_leading_zeros_are_noticed():
    assert numbers_of(pl.Series(["007", "12"]), Marks()).has_leading_zero
    assert not numbers_of(pl.Series(["0", "0.5"]), Marks()).has_leading_zero
