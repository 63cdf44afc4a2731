"""Charts take any library's rows, and are drawn in the notebook's own colours."""

import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from xml.etree import ElementTree as ET

import polars as pl
import pytest

from trade_ingest import notebook as nb
from trade_ingest.errors import UsageError
from trade_ingest.ledger.attempts import RunAttempt
from trade_ingest.ledger.coverage import DayCoverage
from trade_ingest.notebook.bars import Bar, price_bars
from trade_ingest.notebook.charts import _calendar, _rows_per_second

START = datetime(2024, 1, 2, 9, tzinfo=UTC)
TRADES = [
    {"executed_at": START, "price": Decimal("10.5"), "quantity": 1},
    {"executed_at": START + timedelta(seconds=20), "price": Decimal(12), "quantity": 2},
    {"executed_at": START + timedelta(seconds=40), "price": Decimal(9), "quantity": 3},
    {"executed_at": START + timedelta(seconds=59), "price": Decimal(11), "quantity": 4},
    {"executed_at": START + timedelta(seconds=180), "price": Decimal(8), "quantity": 5},
]
BARS = (
    Bar(START, 10.5, 12.0, 9.0, 11.0, 10.0, 4),
    Bar(START + timedelta(minutes=3), 8.0, 8.0, 8.0, 8.0, 5.0, 1),
)


def bars_of(rows, **options):
    defaults = {"time": "executed_at", "price": "price", "quantity": "quantity", "interval": "1m", "most": 120}
    return price_bars(rows, **(defaults | options))


@pytest.mark.parametrize(
    "convert",
    [
        list,
        pl.DataFrame,
        lambda rows: pl.DataFrame(rows).to_arrow(),
        lambda rows: pl.DataFrame(rows).to_pandas(),
        lambda rows: pl.DataFrame(rows).sample(fraction=1, shuffle=True, seed=1),
        lambda rows: pl.DataFrame(rows).with_columns(pl.col("executed_at").dt.replace_time_zone(None)),
        lambda rows: pl.DataFrame(rows).with_columns(pl.col("executed_at").dt.convert_time_zone("Asia/Tokyo")),
    ],
    ids=["dicts", "polars", "arrow", "pandas", "unordered", "no zone: UTC", "another zone"],
)
def test_bars_of_any_table(convert):
    assert bars_of(convert(TRADES)).bars == BARS


def test_rows_without_price_are_left_out():
    assert bars_of([*TRADES, TRADES[0] | {"price": None}]).bars == BARS


@pytest.mark.parametrize(("most", "interval"), [(1000, "1s"), (40, "5s"), (4, "1m"), (1, "5m")])
def test_interval_is_the_shortest_with_so_many_bars(most, interval):
    assert bars_of(TRADES, interval=None, most=most).interval == interval


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"price": "prize"}, "no column prize"),
        ({"interval": "2m"}, "'2m' is no interval"),
        ({"time": "price"}, "expected a time"),
    ],
)
def test_what_cannot_be_drawn_is_refused(options, message):
    with pytest.raises(UsageError, match=message):
        bars_of(TRADES, **options)


def test_prices_are_an_svg_in_the_colour_of_the_text_that_fetches_nothing():
    chart = nb.prices(TRADES, quantity="quantity", interval="1m", title="<AAPL>")
    drawing = ET.fromstring(chart.svg)

    assert drawing.tag.endswith("svg")
    assert "currentColor" in chart.svg
    assert "#010203" not in chart.svg
    assert "#000000" not in chart.svg
    assert not re.search(r'(?:src|href)="(?!#)', chart.svg)
    assert repr(chart) == "<AAPL>: 5 rows in 2 bars of 1m, 8 to 12"
    assert 'aria-label="&lt;AAPL&gt;: 5 rows in 2 bars of 1m, 8 to 12"' in chart._repr_html_()


def test_no_prices_name_the_next_step():
    empty = pl.DataFrame(TRADES).clear()

    assert repr(nb.prices(empty)) == "no rows with a time and a price; see what was loaded: nb.files(database)"


def test_throughput_has_as_many_rows_as_were_read():
    def attempt(start: float, end: float, rows: int) -> RunAttempt:
        return RunAttempt(
            "/a", "w", "loaded", START + timedelta(seconds=start), START + timedelta(seconds=end), rows, 0
        )

    attempts = [attempt(0, 6, 600), attempt(3, 12, 900), attempt(12, 12, 5)]
    speeds = _rows_per_second(attempts[:2], START, 12.0)

    assert sum(speeds) * 12 / len(speeds) == pytest.approx(1500)
    assert speeds[0] == pytest.approx(100)
    assert speeds[len(speeds) // 4] == pytest.approx(200)
    assert speeds[-1] == pytest.approx(100)
    assert len(_rows_per_second(attempts, START, 12.0)) == len(speeds)


def test_calendar_shows_the_last_year():
    days = [DayCoverage(date(2020, 1, 1), 1, 10), DayCoverage(date(2024, 1, 2), 2, 1_000)]
    chart = _calendar("public.t", days)

    assert repr(chart) == "public.t: 2 days with rows from 2020-01-01 to 2024-01-02, 1,010 rows"
    assert "Jan 2023" in chart.svg
    assert "2020</text>" not in chart.svg
