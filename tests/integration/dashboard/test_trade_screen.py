"""Trades on the dashboard: prices by symbol, bars, rows with their file and run, the history of a trade."""

import psycopg
import pytest
from playwright.sync_api import expect

CONTRACT = """
name: order_fill
version: 1
format: {delimiter: ','}
columns:
  - {name: trade_id, type: text}
  - {name: version, type: integer}
  - {name: symbol, type: text}
  - {name: price, type: 'decimal(18,4)'}
  - {name: quantity, type: 'decimal(18,4)'}
  - {name: executed_at, type: timestamp, zone: UTC}
key: [trade_id, version]
event_time: executed_at
target:
  table: order_fill
  partition_by: none
  current_view: {name: order_fill_current, by: [trade_id], latest: version}
"""
HEADER = "trade_id,version,symbol,price,quantity,executed_at\n"
FIRST = (
    "A1,1,EURUSD,1.5,10,2024-01-02 10:00:00\n"
    "A2,1,EURUSD,1.75,20,2024-01-02 10:07:00\n"
    "B1,1,USDJPY,148.25,5,2024-01-02 11:00:00\n"
)
SECOND = "A2,2,EURUSD,1.625,20,2024-01-02 10:07:00\n"


@pytest.fixture
def trades(service):
    """Three trades of two symbols; one of them is amended by a second file."""
    (service.tmp / "fill.yaml").write_text(CONTRACT)
    for number, rows in ((1, FIRST), (2, SECOND)):
        (service.folder / f"fills_{number}.csv").write_text(HEADER + rows)
        assert service.load("--contract", str(service.tmp / "fill.yaml")).returncode == 0
    return service


def test_prices_bars_and_rows_are_those_of_the_target(trades, open_screen):
    page = open_screen(trades.serve().url).open("/trades?target=public.order_fill")
    symbols = page.locator("app-symbols-panel tbody tr")

    expect(symbols).to_have_count(2)
    expect(symbols.nth(0)).to_contain_text("EURUSD")
    with psycopg.connect(trades.database) as connection:
        found = connection.execute(
            "SELECT count(*)::text, trim_scale(sum(quantity))::text FROM order_fill_current WHERE symbol = 'EURUSD'"
        ).fetchone()
    assert found == ("2", "30")
    expect(symbols.nth(0).locator("td").nth(1)).to_have_text(found[0])
    expect(symbols.nth(0).locator("td").nth(2)).to_have_text(found[1])
    expect(symbols.nth(0).locator("td").nth(4)).to_have_text("1.625")
    expect(page.locator("app-rows-panel tbody tr")).to_have_count(4)

    page.get_by_role("link", name="USDJPY", exact=True).click()
    expect(page.locator("app-rows-panel tbody tr")).to_have_count(1)
    expect(page.get_by_role("img", name="Prices of USDJPY: 1 bars")).to_be_visible()
    page.get_by_text("As a table").click()
    expect(page.locator("app-bars-panel tbody tr td").nth(4)).to_have_text("148.25")
    page.reload()
    expect(page.locator("app-rows-panel tbody tr")).to_have_count(1)


def test_row_leads_to_the_history_of_its_trade_its_file_and_its_run(trades, open_screen):
    page = open_screen(trades.serve().url).open("/trades?target=public.order_fill&symbol=EURUSD")

    page.get_by_role("link", name="Open the history of row 2 of file 1").click()
    history = page.locator("app-history-panel")
    expect(history.get_by_role("heading", level=2)).to_have_text("History of the trade: 2 versions")
    expect(history.locator("thead th")).to_have_text(["Column", "before", "✓ holds now"])
    expect(history.locator("td.changed").filter(has_text="1.625")).to_have_count(1)
    history.get_by_role("link", name="run 2").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Run 2")
    page.go_back()
    page.locator("app-history-panel").get_by_role("link", name="fills_2.csv").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("fills_2.csv")


def test_trade_is_found_by_its_key_and_days_are_stepped(trades, open_screen):
    page = open_screen(trades.serve().url).open("/trades?target=public.order_fill")

    page.get_by_role("searchbox", name="Find a trade by trade_id").fill("B1")
    page.keyboard.press("Enter")
    expect(page.locator("app-history-panel tbody")).to_contain_text("148.25")
    page.get_by_role("searchbox", name="Find a trade by trade_id").fill("none such")
    page.keyboard.press("Enter")
    expect(page.locator("app-history-panel")).to_contain_text("has no row whose trade_id is none such")
    page.get_by_role("button", name="◀ Before").click()
    expect(page.locator("app-rows-panel")).to_contain_text("No row in this span.")
    expect(page.get_by_label("Events from (UTC)")).to_have_value("2024-01-01")
    page.get_by_role("button", name="Last day").click()

    expect(page.locator("app-rows-panel tbody tr")).to_have_count(4)
