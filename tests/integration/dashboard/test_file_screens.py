"""Files on the dashboard: found, explained, compared with their contract and their last delivery, rolled back."""

import re
import shutil
from decimal import Decimal

import pytest
from playwright.sync_api import expect

from trade_ingest.contract.loading import parse_contract
from trade_ingest.contract.model import OnChanged

CONTRACT = """
name: fill
version: 1
format: {delimiter: ','}
columns:
  - {name: trade_id, type: text, source: [trade_id, deal]}
  - {name: symbol, type: text}
  - {name: price, type: 'decimal(18,4)', greater_than: 0}
  - {name: fee, type: 'decimal(38,10)', required: false}
  - {name: executed_at, type: timestamp, zone: UTC}
key: [trade_id]
event_time: executed_at
drift: {unknown_columns: ignore}
rejects: {max_count: 1000, max_ratio: 1}
control_totals: [price, fee]
target: {table: fill, partition_by: none}
"""
FILL = parse_contract(CONTRACT, origin="fill.yaml")
MONDAY = (
    "deal,Symbol,price,fee,executed_at,desk\n"
    "A1,EURUSD,1.5,0,2024-01-02 10:00:00,x\n"
    "A2,EURUSD,abc,0,2024-01-02 10:00:01,x\n"
    "A3,EURUSD,-2,0,2024-01-02 10:00:02,x\n"
)
CORRECTED = MONDAY.replace("abc,0", "1.25,0.5").replace(",desk", "").replace(",x\n", "\n")


@pytest.fixture
def files(service):
    """1: an unknown header. 2: has rejects, and is replaced by 4, which brings one row more. 3: the same again."""
    (service.folder / "broken.csv").write_text("a,b\n1,2\n")
    (service.folder / "monday.csv").write_text(MONDAY)
    service.ingest(FILL)
    shutil.copy(service.folder / "monday.csv", service.folder / "resent.csv")
    service.ingest(FILL)
    (service.folder / "monday.csv").write_text(CORRECTED)
    service.ingest(FILL, on_changed=OnChanged.REPLACE)
    return service


def test_files_are_searched_and_each_says_why(files, open_screen):
    page = open_screen(files.serve().url).open("/files")
    lines = page.locator("app-files-table tbody tr")

    expect(lines).to_have_count(4)
    expect(lines.filter(has_text="broken.csv")).to_contain_text(re.compile("failed.*header", re.DOTALL))
    expect(lines.filter(has_text="resent.csv")).to_contain_text(
        re.compile("skipped.*same content as.*file 2", re.DOTALL)
    )
    expect(lines.filter(has_text="replaced")).to_contain_text("a newer version took its place")
    page.get_by_label("Name or URI").fill("*/mon*.csv")
    page.keyboard.press("Enter")
    expect(lines).to_have_count(2)
    expect(lines.filter(has_text="in place of")).to_contain_text("file 2")
    page.get_by_label("State").select_option("loaded")
    expect(lines).to_have_count(1)
    page.get_by_role("button", name="Clear all").click()
    page.get_by_role("columnheader", name="Rejected").get_by_role("button").click()
    expect(lines.first).to_contain_text("replaced")
    page.reload()
    expect(lines.first).to_contain_text("replaced")


def test_header_and_first_rows_are_shown_beside_the_contract(files, open_screen):
    screen = open_screen(files.serve().url)
    page = screen.open("/files")

    page.locator("app-files-table tbody tr").filter(has_text="in place of").locator("th a").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("monday.csv")
    expect(page.get_by_role("region", name="Rows", exact=True)).to_contain_text("each row is accounted for")
    header = page.get_by_role("region", name="Header against contract").last.locator("tbody tr")
    expect(header).to_have_count(5)
    expect(header.nth(0)).to_contain_text(re.compile("1.*deal.*matched by another of its names.*trade_id.*text"))
    expect(header.nth(1)).to_contain_text("matched, spelled otherwise")
    expect(header.nth(2)).to_contain_text("✓matched")
    bad = page.locator("app-first-lines tr.rejected")
    expect(bad).to_have_count(1)
    expect(bad.locator("mark")).to_have_text("-2")
    expect(bad).to_contain_text("Row 3 is rejected: price")
    bad.get_by_role("link", name="rejects").click()
    expect(page.locator("app-reject-rows li")).to_have_count(1)

    delivery = screen.open(f"/files/{loaded(files)}").locator("app-delivery")
    expect(delivery).to_contain_text("The header has changed")
    rows = delivery.locator("tbody tr")
    expect(rows.filter(has_text="loaded")).to_contain_text(re.compile(r"Loaded\s*1\s*2\s*\+1"))
    expect(rows.filter(has_text="fee")).to_contain_text(re.compile(r"fee\D*0\s*0\.5\s*\+0\.5"))
    expect(rows.filter(has_text="price")).to_contain_text(re.compile(r"price\D*1\.5\s*2\.75\s*\+1\.25"))
    expect(page.locator("app-explanation")).to_contain_text("The next run")
    page = screen.open("/files/1")
    expect(page.locator("app-attempts")).to_contain_text("file.header")
    expect(page.locator("app-attempts")).to_contain_text("It fails again until something is changed.")
    expect(page.get_by_role("button", name="Roll back…")).to_have_count(0)


def loaded(files):
    return files.query("SELECT file_id FROM ingest.file WHERE state = 'loaded'")[0][0]


def test_file_is_rolled_back_after_its_consequences_were_shown(files, open_screen):
    page = open_screen(files.serve().url).open(f"/files/{loaded(files)}")
    before = files.query("SELECT trade_id, price FROM fill ORDER BY 1")
    assert before == [("A1", Decimal("1.5000")), ("A2", Decimal("1.2500"))]

    page.get_by_role("button", name="Roll back…").click()
    question = page.get_by_role("dialog")
    expect(question).to_contain_text("2 rows of")
    expect(question).to_contain_text("1 rows of file 2 come back")
    question.get_by_role("button", name="Back").click()
    assert files.query("SELECT trade_id, price FROM fill ORDER BY 1") == before
    page.get_by_role("button", name="Roll back…").click()
    question.get_by_role("button", name="Take out 2 rows").click()

    expect(page.locator(".page-head app-state")).to_contain_text("rolled back")
    expect(page.locator("app-file-events")).to_contain_text("rolled back")
    expect(page.get_by_role("button", name="Roll back…")).to_have_count(0)
    assert files.query("SELECT trade_id, price FROM fill") == [("A1", Decimal("1.5000"))]
