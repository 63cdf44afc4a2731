"""Rejects on the dashboard: found by their reason, corrected in place, replayed, discarded, exported."""

from decimal import Decimal

import psycopg
import pytest
from playwright.sync_api import expect

CONTRACT = """
name: fill
version: 1
format: {delimiter: ','}
columns:
  - {name: trade_id, type: text}
  - {name: symbol, type: text, max_length: 6}
  - {name: price, type: 'decimal(18,4)', greater_than: 0}
  - {name: executed_at, type: timestamp, zone: UTC}
key: [trade_id]
event_time: executed_at
rejects: {max_count: 1000, max_ratio: 1}
target: {table: fill, partition_by: none}
"""
ROWS = (
    "trade_id,symbol,price,executed_at\n"
    "A1,EURUSD,1.5,2024-01-02 10:00:00\n"
    "A2,EURUSD,abc,2024-01-02 10:00:01\n"
    "A3,EURUSD,-2,2024-01-02 10:00:02\n"
    "A4,EURUSDX,2.5,2024-01-02 10:00:03\n"
)


@pytest.fixture
def rejects(service):
    """One row is loaded, three have each another reason."""
    (service.tmp / "fill.yaml").write_text(CONTRACT)
    (service.folder / "fills.csv").write_text(ROWS)
    assert service.load("--contract", str(service.tmp / "fill.yaml")).returncode == 0
    return service


def rows_of(service):
    with psycopg.connect(service.database) as connection:
        return connection.execute("SELECT trade_id, price, row_number FROM fill ORDER BY trade_id").fetchall()


def states_of(service):
    with psycopg.connect(service.database) as connection:
        found = connection.execute("SELECT row_number, state, discard_reason FROM ingest.reject ORDER BY row_number")
        return found.fetchall()


def test_group_leads_to_its_rows_and_a_row_is_corrected_in_place(rejects, open_screen):
    page = open_screen(rejects.serve().url).open("/rejects")
    expect(page.locator("app-reject-groups tbody tr")).to_have_count(3)

    page.get_by_role("link", name="1 rejects: invalid decimal price").click()
    expect(page.locator("app-reject-rows li")).to_have_count(1)
    expect(page.locator("app-reject-rows mark")).to_have_text("abc")
    page.get_by_role("button", name="Correct row 2").click()
    entry = page.get_by_role("textbox", name="The whole row 2")
    expect(entry).to_be_focused()
    entry.fill("A2,EURUSD,-1,2024-01-02 10:00:01")
    page.locator("app-correction").get_by_role("button", name="Try").click()
    expect(page.locator("app-correction [role=status]")).to_contain_text("1 would be rejected again")
    expect(page.get_by_role("button", name="Load", exact=True)).to_be_disabled()
    assert states_of(rejects)[0] == (2, "open", None)

    entry.fill("A2,EURUSD,1.25,2024-01-02 10:00:01")
    page.locator("app-correction").get_by_role("button", name="Try").click()
    expect(page.locator("app-correction [role=status]")).to_contain_text("1 would be loaded")
    page.get_by_role("button", name="Load", exact=True).click()

    expect(page.locator("app-reject-rows li")).to_have_count(0)
    assert rows_of(rejects) == [("A1", Decimal("1.5000"), 1), ("A2", Decimal("1.2500"), 2)]
    assert states_of(rejects)[0] == (2, "replayed", None)


def test_group_is_replayed_by_the_contract_of_now(rejects, open_screen):
    (rejects.tmp / "fill.yaml").write_text(
        CONTRACT.replace("version: 1", "version: 2").replace("max_length: 6", "max_length: 7")
    )
    url = rejects.serve(TRADE_INGEST_CONTRACT=str(rejects.tmp / "fill.yaml")).url
    page = open_screen(url).open("/rejects?contract=fill&column=symbol")
    commands = page.locator("app-reject-commands")

    commands.get_by_role("button", name="Try").click()
    expect(commands.locator("[role=status]")).to_contain_text("1 would be rejected again")
    expect(commands.get_by_role("button", name="Load those that pass")).to_have_count(0)
    commands.get_by_role("checkbox").check()
    commands.get_by_role("button", name="Try").click()
    expect(commands.locator("[role=status]")).to_contain_text("1 would be loaded")
    assert len(rows_of(rejects)) == 1
    commands.get_by_role("button", name="Load those that pass").click()

    expect(commands.locator("[role=status]")).to_contain_text("1 are loaded")
    expect(page.locator("app-reject-rows li")).to_have_count(0)
    assert rows_of(rejects)[1] == ("A4", Decimal("2.5000"), 4)


def test_rejects_are_discarded_with_a_reason_after_a_question(rejects, open_screen):
    page = open_screen(rejects.serve().url).open("/rejects?reason=below_min")
    commands = page.locator("app-reject-commands")

    expect(commands.get_by_role("button", name="Discard…")).to_be_disabled()
    commands.get_by_role("textbox", name="Why").fill("a test of the venue")
    commands.get_by_role("button", name="Discard…").click()
    page.get_by_role("dialog").get_by_role("button", name="Back").click()
    assert {state for _, state, _ in states_of(rejects)} == {"open"}
    commands.get_by_role("button", name="Discard…").click()
    page.get_by_role("dialog").get_by_role("button", name="Discard 1").click()

    expect(page.locator("app-reject-rows li")).to_have_count(0)
    assert states_of(rejects) == [(2, "open", None), (3, "discarded", "a test of the venue"), (4, "open", None)]


def test_export_has_the_rejects_that_are_shown(rejects, open_screen):
    page = open_screen(rejects.serve().url).open("/rejects?column=symbol")

    with page.expect_download() as download:
        page.get_by_role("link", name="Export as CSV").click()

    text = download.value.path().read_text()
    assert text.count("\n") == 2
    assert "A4,EURUSDX" in text


def test_who_may_only_read_is_offered_no_command(rejects, open_screen):
    token = rejects.make_token("read")
    page = open_screen(rejects.serve("--auth", "token").url).open("/rejects?column=symbol")
    page.get_by_role("textbox", name="Token").fill(token)
    page.get_by_role("button", name="Sign in").click()

    expect(page.locator("app-reject-rows li")).to_have_count(1)
    expect(page.locator("app-reject-commands")).to_have_count(0)
    expect(page.get_by_role("button", name="Correct")).to_have_count(0)
