import polars as pl
import pytest

from trade_ingest.infer.columns import find_column
from trade_ingest.infer.numbers import Marks


def found(*cells, header="x", marks=None):
    return find_column(pl.Series(cells, dtype=pl.String), position=1, header=header, marks=marks or Marks())


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        (["1", "2"], "integer"),
        (["1.5", "2"], "decimal"),
        (["007", "12"], "text"),
        (["4202588328000000101"], "text"),
        (["1719878281218485389"], "decimal"),
        (["true", "false"], "boolean"),
        (["Y", "N"], "boolean"),
        (["Y"], "text"),
        (["ccc3c1fa-212c-e8b0-1706-9b9c4f3d5ecf"], "uuid"),
        (["2024-01-02"], "date"),
        (["2024-01-02 03:04:05"], "timestamp"),
        (["ABC"], "text"),
        ([None], "text"),
        (["12345678", "99999999"], "integer"),
    ],
)
def test_kind_of_cells(cells, kind):
    assert found(*cells).kind == kind


def test_words_for_nothing_are_null_where_the_rest_is_of_a_kind():
    assert found("1.5", "-", "NA").null_words == ("NA", "-")
    assert found("ABC", "NA").null_words == ()


def test_blanks_around_cells_are_noticed_and_left_aside():
    column = found(" 1.5", "2 ", "  ")

    assert (column.kind, column.is_padded, column.filled, column.rows) == ("decimal", True, 2, 3)


def test_a_few_bad_cells_among_many_are_told():
    column = found(*[f"{i}.5" for i in range(2000)], "8e-08.0")

    assert (column.kind, column.bad, column.bad_example) == ("decimal", 1, "8e-08.0")
    assert "1 would be rejected, such as '8e-08.0'" in column.evidence


@pytest.mark.parametrize(
    ("cells", "evidence"),
    [
        (
            ["1704067200123", "1704153600000"],
            "2 of 2 cells; 1704067200123: epoch milliseconds, 2024-01-01 to 2024-01-02",
        ),
        (["1.5", None], "1 of 2 cells, the others are empty; only 1.5"),
        ([None, None], "always empty in 2 rows"),
        (["buy", "sell", "buy"], "3 of 3 cells; only buy, sell"),
        (
            ["10/01/2017", "2014-05-13", "13/01/2017", "14/01/2017"],
            "4 of 4 cells; 10/01/2017: %d/%m/%Y (75%) and %Y-%m-%d (25%) from 2014-05-13 to 2017-01-14",
        ),
    ],
)
def test_evidence_is_told_in_words(cells, evidence):
    assert found(*cells).evidence == evidence


def test_order_of_times_is_noticed():
    assert found("1704067200123", "1704067200124").is_ascending
    assert not found("2024-01-03", "2024-01-02").is_ascending
