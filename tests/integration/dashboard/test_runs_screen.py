"""All runs on the dashboard: sorted, filtered in the address, compared, retried and cancelled together."""

import gzip
import re

import pytest
from playwright.sync_api import Page, expect

from trade_ingest.contract.loading import load_contract

KRAKEN = load_contract("kraken_trades")


@pytest.fixture
def runs(service):
    """Run 1 loads 30 rows, 2 loads 60 and has a failed file, 3 finds nothing to do, 4 has another failed file."""
    service.write("XBTUSD.csv", 30)
    service.ingest(KRAKEN)
    service.write("ETHUSD.csv", 60)
    (service.folder / "CUT.csv.gz").write_bytes(gzip.compress(b"1600000000,100.5,0.25\n" * 100)[:-9])
    service.ingest(KRAKEN)
    (service.folder / "CUT.csv.gz").unlink()
    service.ingest(KRAKEN)
    (service.folder / "SHORT.csv.gz").write_bytes(gzip.compress(b"1600000000,7.5,0.25\n" * 100)[:-9])
    service.ingest(KRAKEN)
    return service


def ids(page: Page):
    return page.locator("app-runs-table tbody th.id")


def test_order_and_filters_are_in_the_address_and_come_back_with_it(runs, open_screen):
    page = open_screen(runs.serve().url).open("/runs")
    chips = page.get_by_role("list", name="Filters that are set").get_by_role("listitem")

    expect(ids(page)).to_have_text(["4", "3", "2", "1"])
    page.get_by_role("columnheader", name="read", exact=True).get_by_role("button").click()
    expect(ids(page).first).to_have_text("2")
    expect(page).to_have_url(re.compile(r"/runs\?sort=-rows_read$"))
    page.get_by_role("columnheader", name="read", exact=True).get_by_role("button").click()
    expect(ids(page).last).to_have_text("2")
    page.get_by_label("State").select_option("failed")
    expect(ids(page)).to_have_text(["4", "2"])
    expect(chips).to_have_text([re.compile(r"State: failed"), "Clear all"])
    page.get_by_role("link", name="Run 4", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Run 4")
    page.go_back()
    expect(ids(page)).to_have_text(["4", "2"])
    page.go_forward()
    expect(page.get_by_role("heading", level=1)).to_have_text("Run 4")
    page.go_back()
    expect(chips).to_have_count(2)
    page.reload()
    expect(ids(page)).to_have_text(["4", "2"])
    expect(page.get_by_role("columnheader", name="read", exact=True)).to_have_attribute("aria-sort", "ascending")
    page.get_by_role("button", name="Remove the filter State failed").click()
    expect(ids(page)).to_have_count(4)
    page.get_by_role("button", name="More filters").click()
    page.get_by_label("Started by").fill("nobody")
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_contain_text("No run fits all of the filters.")
    page.get_by_role("navigation", name="Views of the runs").get_by_role("link", name="With failed files").click()
    expect(ids(page)).to_have_text(["4", "2"])


def test_two_runs_are_compared(runs, open_screen):
    screen = open_screen(runs.serve().url)
    page = screen.open("/runs")

    page.get_by_label("Select run 1", exact=True).check()
    page.get_by_label("Select run 2", exact=True).check()
    page.get_by_role("link", name="Compare 1 and 2").click()

    expect(page.get_by_role("heading", level=1)).to_have_text("Compare runs")
    expect(page).to_have_url(re.compile(r"/runs/compare\?left=1&right=2$"))
    measures = page.get_by_role("region", name="What they did, side by side")
    loaded = measures.get_by_role("row").filter(has_text="rows loaded")
    expect(loaded).to_contain_text(re.compile(r"30.*60.*\+30"))
    expect(page.locator("app-failed-table tbody tr")).to_have_count(1)
    expect(page.locator("app-failed-table")).to_contain_text("CUT.csv")
    page.get_by_role("button", name="Swap").click()
    expect(loaded).to_contain_text(re.compile(r"60.*30.*\u221230"))
    page.reload()
    expect(loaded).to_contain_text(re.compile(r"60.*30.*\u221230"))


def test_failed_files_of_several_runs_are_retried_together(runs, open_screen):
    for first, name in ((1000, "CUT.csv"), (2000, "SHORT.csv")):
        path = runs.write(name, 4, first=first)
        (runs.folder / f"{name}.gz").write_bytes(gzip.compress(path.read_bytes()))
        path.unlink()
    page = open_screen(runs.serve().url).open("/runs?state=failed")

    page.get_by_label("Select all runs that are shown").check()
    page.get_by_role("button", name="Retry failed files of 2 runs").click()
    question = page.get_by_role("dialog")
    expect(question).to_contain_text("Runs 4, 2: 2 files failed.")
    question.get_by_role("button", name="Retry").click()

    report = page.locator("app-report")
    expect(report.get_by_role("heading")).to_have_text("Retry of 2 runs: 2 done, 0 refused")
    expect(report.get_by_text("has begun.")).to_have_count(2)
    page.get_by_role("link", name="All", exact=True).click()
    expect(ids(page)).to_have_text(["6", "5", "4", "3", "2", "1"])
    expect(page.locator("app-runs-table tbody tr").filter(has_text="succeeded")).to_have_count(4)
    assert runs.query("SELECT count(*) FROM trade_print") == [(98,)]


def test_running_runs_are_cancelled_together_and_the_list_moves_by_itself(service, gate, open_screen):
    folders = [service.folder / name for name in ("one", "two")]
    for folder in folders:
        folder.mkdir()
        for name in ("XBTUSD.csv", "ETHUSD.csv"):
            (folder / name).write_text(f"1600000000,{len(folder.name)}.5,0.{len(name)}\n")
    server = service.serve()
    gate.close()
    page = open_screen(server.url).open("/runs")
    page.evaluate("window.isTheSame = true")
    options = {"parallelism": 1}
    for folder in folders:
        server.post("/runs", {"sources": [str(folder)], "contract": "kraken_trades", "options": options})
    gate.wait_for(2)

    expect(page.locator("app-runs-table tbody tr").filter(has_text="running")).to_have_count(2)
    page.get_by_label("Select all runs that are shown").check()
    page.get_by_role("button", name="Cancel 2 runs").click()
    page.get_by_role("dialog").get_by_role("button", name="Cancel 2 runs").click()
    expect(page.locator("app-report")).to_contain_text("2 done, 0 refused")
    gate.open()

    expect(page.locator("app-runs-table tbody tr").filter(has_text=re.compile("interrupted|succeeded"))).to_have_count(
        2
    )
    assert page.evaluate("window.isTheSame")
