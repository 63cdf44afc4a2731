"""Each number of the dashboard leads to the rows behind it: what it says is what is found there."""

import re

from playwright.sync_api import Locator, Page, expect


def number(link: Locator) -> int:
    """The first number of a text."""
    found = re.search(r"[\d,]+", link.text_content() or "")
    assert found is not None
    return int(found[0].replace(",", ""))


def follow(page: Page, link: Locator, rows: str) -> None:
    """Follow a link, find as many rows as it says, and go back."""
    said = number(link)
    assert said > 0
    link.click()
    expect(page.locator(rows)).to_have_count(said)
    page.go_back()


def test_numbers_of_the_overview(ledger, open_screen):
    screen = open_screen(ledger.serve().url)
    page = screen.open("/")
    screen.wait()

    follow(page, page.get_by_role("link", name="open rejects"), "app-reject-rows li")
    follow(page, page.get_by_role("link", name=re.compile(r"^\d+ failed")), "app-files-table tbody tr")
    follow(page, page.get_by_role("link", name=re.compile(r"^\d+ files of the last 24")), "app-files-table tbody tr")
    strip = page.get_by_role("list", name="Last runs, the newest last").get_by_role("link")
    expect(strip).to_have_count(4)
    strip.nth(1).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Run 2")
    page.go_back()
    day = page.locator("app-feed-days").filter(has_text="trade_event").get_by_role("link").last
    said = re.search(r"rows of (\d+) files$", day.get_attribute("aria-label") or "")
    assert said is not None
    day.click()
    expect(page.locator("app-files-table tbody tr")).to_have_count(int(said[1]))


def test_numbers_of_the_list_of_runs(ledger, open_screen):
    page = open_screen(ledger.serve().url).open("/runs")
    cells = page.locator("app-runs-table tbody tr").filter(has=page.get_by_role("link", name="Run 2", exact=True))

    follow(page, cells.locator("td:nth-child(8) a"), "app-files-table tbody tr")
    follow(page, cells.locator("td:nth-child(9) a"), "app-failures li")
    cells = page.locator("app-runs-table tbody tr").filter(has=page.get_by_role("link", name="Run 1", exact=True))
    follow(page, cells.locator("td:nth-child(8) a"), "app-files-table tbody tr")
    follow(page, cells.locator("td:nth-child(14) a"), "app-reject-rows li")
    follow(page, cells.locator("td:nth-child(9) a"), "app-failures li")  # which run 2 has tried again


def test_numbers_of_a_run_and_its_files(ledger, open_screen):
    page = open_screen(ledger.serve().url).open("/runs/1")
    balance = page.locator("app-balance")

    follow(page, balance.get_by_role("link", name="rejected"), "app-reject-rows li")
    balance.get_by_role("link", name="read").click()
    expect(page.get_by_role("columnheader", name="Read")).to_have_attribute("aria-sort", "descending")
    expect(page.locator("app-files-tab tbody tr:not(.space)")).to_have_count(6)
    loaded = page.locator("app-files-tab tbody tr").filter(has_text="loaded").first.locator("td:nth-child(5) a")
    loaded.click()
    expect(page.locator("app-rows-panel tbody tr").first).to_be_visible()
    page.go_back()
    page = open_screen(ledger.servers[0].url).open("/files?sort=-rows_rejected")
    line = page.locator("app-files-table tbody tr").filter(has_text="loaded").first
    follow(page, line.locator("td:nth-child(7) a"), "app-reject-rows li")
    name = line.locator("th a").text_content()
    line.locator("td:nth-child(5) a").click()
    expect(page.locator("app-rows-panel tbody tr")).not_to_have_count(0)
    expect(page.locator("app-rows-panel tbody tr").filter(has_not_text=name or "?")).to_have_count(0)


def test_numbers_of_a_run_count_what_was_changed_since(ledger, open_screen):
    server = ledger.serve()
    server.post("/rejects/discard", {"run_id": 1, "reason": "invalid_decimal", "why": "a test"})
    page = open_screen(server.url).open("/runs/1")
    balance = page.locator("app-balance")

    follow(page, balance.get_by_role("link", name="rejected"), "app-reject-rows li")
    follow(page, balance.get_by_role("link", name=re.compile(r"^\d loaded$")), "app-files-tab tbody tr:not(.space)")
    page = open_screen(server.url).open("/runs")
    cells = page.locator("app-runs-table tbody tr").filter(has=page.get_by_role("link", name="Run 1", exact=True))
    follow(page, cells.locator("td:nth-child(14) a"), "app-reject-rows li")
    page = open_screen(server.url).open("/rejects")
    expect(page.get_by_label("State").locator("option").first).to_have_text("open")


def test_numbers_of_a_replay_lead_to_what_became_of_each_file(ledger, open_screen):
    server = ledger.serve()
    done = server.post("/rejects/replay", {"reason": "field_count"})
    page = open_screen(server.url).open("/runs")
    cells = page.locator("app-runs-table tbody tr").filter(
        has=page.get_by_role("link", name=f"Run {done['run_id']}", exact=True)
    )

    cells.locator("td:nth-child(14) a").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(f"Run {done['run_id']}")
    page.locator("app-balance").get_by_role("link", name="rejected").click()
    told = page.locator("app-events-tab tbody tr").filter(has_text="rejects replayed")
    expect(told).to_have_count(number(page.locator("app-balance").get_by_role("link", name="planned")))
    page.get_by_role("navigation", name="Parts of the run").get_by_role("link", name="Files").click()
    expect(page.locator("app-files-tab")).to_contain_text("its events name those whose rows it changed")


def test_numbers_of_a_group_of_rejects(ledger, open_screen):
    page = open_screen(ledger.serve().url).open("/rejects")

    follow(page, page.get_by_role("link", name=re.compile("^[0-9]+ rejects: field count")), "app-reject-rows li")
    page.get_by_role("link", name=re.compile("^[0-9]+ files: field count")).click()
    files = page.locator("app-reject-files tbody tr")
    expect(files).to_have_count(number(page.get_by_role("link", name=re.compile("^[0-9]+ files: field count"))))
    expect(page.get_by_role("heading", name="Files", exact=True)).to_be_in_viewport()
    follow(page, files.first.locator("td.number a"), "app-reject-rows li")
