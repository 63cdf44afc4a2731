import polars as pl
import pytest

from trade_ingest.infer.times import clock_format, epoch_of, time_formats


@pytest.mark.parametrize(
    ("cell", "pattern"),
    [
        ("2024-01-02", "%Y-%m-%d"),
        ("20230522", "%Y%m%d"),
        ("02-Apr-2025", "%d-%b-%Y"),
        ("2017-04-25 07:09:31.804000+00:00", "%Y-%m-%d %H:%M:%S%.f%#z"),
        ("2024-01-01D00:00:01.000000000", "%Y-%m-%dD%H:%M:%S%.f"),
        ("20200101 170000065", "%Y%m%d %H%M%S%3f"),
        ("20240102;093000", "%Y%m%d;%H%M%S%.f"),
        ("Jan. 28, 2022, 12:13 AM", "%b. %d, %Y, %I:%M %p"),
        ("2025-01-17 16:57:02 UTC", "%Y-%m-%d %H:%M:%S%.f UTC"),
        ("2026.01.01 10:15:00", "%Y.%m.%d %H:%M:%S%.f"),
        ("31.12.2023 23:59:59", "%d.%m.%Y %H:%M:%S%.f"),
        ("12/31/2023", "%m/%d/%Y"),
        ("31/12/2023", "%d/%m/%Y"),
    ],
)
def test_format_of_one_cell(cell, pattern):
    (found,) = time_formats(pl.Series([cell]))

    assert (found.pattern, found.share, found.is_padded) == (pattern, 1.0, True)


@pytest.mark.parametrize("cells", [["ABC"], ["33-09-2024"], ["2024-01-02", "ABC"], ["12"], ["a" * 50]])
def test_what_is_no_date_has_no_format(cells):
    assert time_formats(pl.Series(cells)) == []


def test_day_and_month_are_told_apart_by_other_cells():
    (found,) = time_formats(pl.Series(["06/12/2016", "22/12/2016"]))

    assert (found.pattern, found.is_ambiguous) == ("%d/%m/%Y", False)


def test_day_and_month_that_could_be_exchanged_are_said_so_and_read_as_other_columns_are():
    (found,) = time_formats(pl.Series(["01/02/2024"]))
    (american,) = time_formats(pl.Series(["01/02/2024"]), day_first=False)

    assert (found.pattern, found.is_ambiguous) == ("%d/%m/%Y", True)
    assert (american.pattern, american.is_ambiguous) == ("%m/%d/%Y", False)


def test_mixed_styles_are_all_named():
    found = time_formats(pl.Series(["10/01/2017", "13/01/2017", "2014-05-13"]))

    assert [(f.pattern, round(f.share, 2)) for f in found] == [("%d/%m/%Y", 0.67), ("%Y-%m-%d", 0.33)]


def test_numbers_without_leading_zeros_are_not_padded():
    assert not time_formats(pl.Series(["1/5/2024 9:30"]))[0].is_padded


def test_nanoseconds_are_noticed():
    assert time_formats(pl.Series(["2024-07-01T23:58:01.218485389Z"]))[0].has_nanoseconds
    assert not time_formats(pl.Series(["2024-07-01T23:58:01.218485000Z"]))[0].has_nanoseconds


@pytest.mark.parametrize(
    ("cells", "pattern", "is_padded"),
    [
        (["09:30:00.5", "10:00:00"], "%H:%M:%S%.f", True),
        (["18:33"], "%H:%M", True),
        (["093000123456789"], "%H%M%S%9f", True),
        (["9:30:01"], "%H:%M:%S%.f", False),
    ],
)
def test_times_of_day(cells, pattern, is_padded):
    found = clock_format(pl.Series(cells))

    assert (found.pattern, found.is_padded) == (pattern, is_padded)


@pytest.mark.parametrize(
    ("cells", "unit", "has_nanoseconds"),
    [
        (["1672531436"], "s", False),
        (["1704067200123"], "ms", False),
        (["1735689600010866"], "us", False),
        (["1719878281218485389"], "ns", True),
        (["1704067200123", "1735689600010866"], "auto", False),
        (["1741910443.7357"], "s", False),
    ],
)
def test_epochs_by_magnitude(cells, unit, has_nanoseconds):
    found = epoch_of(pl.Series(cells))

    assert (found.unit, found.has_nanoseconds) == (unit, has_nanoseconds)


@pytest.mark.parametrize("cells", [["28457"], ["1672531436", "12"], ["-1672531436"], ["99999999999999999999"]])
def test_other_numbers_are_no_epochs(cells):
    assert epoch_of(pl.Series(cells)) is None
