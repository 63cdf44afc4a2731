import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trade_ingest.parse.expressions import evaluate


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(["1", "22", "x", None]), max_size=70))
def test_each_row_has_its_value_or_why_it_has_none(cells):
    rows = pl.DataFrame({"cell": cells}, schema={"cell": pl.String})
    found = evaluate(rows, pl.sql_expr("CAST(cell AS BIGINT) + 1"), pl.Int64())
    assert found.values.dtype == pl.Int64
    assert found.values.to_list() == [int(cell) + 1 if cell in {"1", "22"} else None for cell in cells]
    why = "conversion from `str` to `i64` failed in column 'cell' for 1 out of 1 values: [\"x\"]"
    assert found.failures == {i: why for i, cell in enumerate(cells) if cell == "x"}
    assert list(found.failures) == sorted(found.failures)


def test_a_few_rows_that_fail_do_not_make_all_rows_slow():
    cells = ["1"] * 100_000
    cells[31_415] = cells[99_999] = "x"
    selects = 0

    class Counted(pl.DataFrame):
        def select(self, *expressions):
            nonlocal selects
            selects += 1
            return super().select(*expressions)

    found = evaluate(Counted({"cell": cells}), pl.sql_expr("CAST(cell AS BIGINT)"), pl.Int64())
    assert list(found.failures) == [31_415, 99_999]
    assert selects < 200


@pytest.mark.parametrize("height", [0, 1, 3])
def test_expression_without_columns_has_a_value_for_each_row(height):
    rows = pl.DataFrame({"cell": ["x"] * height}, schema={"cell": pl.String})
    assert evaluate(rows, pl.sql_expr("1 + 1"), pl.Int64()).values.to_list() == [2] * height
