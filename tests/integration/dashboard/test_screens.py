"""Each screen on a ledger that has something of everything: accessible in both themes, on a phone, and when empty."""

import re

import pytest
from playwright.sync_api import expect

SCREENS = {
    "overview": "/",
    "runs": "/runs",
    "compare": "/runs/compare?left=1&right=2",
    "run": "/runs/2",
    "files": "/files",
    "file": "/files/3",
    "rejects": "/rejects",
    "rejects of a reason": "/rejects?reason=field_count",
    "trades": "/trades",
    "contracts": "/contracts",
    "contract": "/contracts/trade_event",
    "system": "/system",
    "database": "/system?tab=database",
    "settings": "/system?tab=settings",
    "tokens": "/system?tab=tokens",
    "reconciliation": "/system?tab=reconciliation",
    "audit": "/system?tab=audit",
    "events of a run": "/runs/2?tab=events",
    "options of a run": "/runs/2?tab=configuration",
}


@pytest.mark.slow
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_each_screen_is_accessible(ledger, open_screen, theme):
    screen = open_screen(ledger.serve().url, theme=theme)

    found = {}
    for name, path in SCREENS.items():
        page = screen.open(path)
        screen.wait()
        expect(page.locator("h1")).to_have_count(1)
        if name == "overview":  # charts and the calendar are made when they come into sight
            for panel in ("app-calendar", "app-throughput"):
                page.locator("main app-panel").last.scroll_into_view_if_needed()
                page.locator(f"{panel} svg, {panel} canvas").first.wait_for()
        found[name] = screen.violations()
    page = screen.open("/runs")
    screen.wait()
    page.get_by_role("button", name="Start a run").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    found["start a run"] = screen.violations()
    page.get_by_role("dialog").get_by_role("button", name="Dry run").click()
    expect(page.get_by_role("dialog").get_by_role("alert")).to_be_visible()
    found["start a run, without a source"] = screen.violations()

    assert {name: violations for name, violations in found.items() if violations} == {}


@pytest.mark.slow
def test_no_screen_is_wider_than_a_phone(ledger, open_screen):
    screen = open_screen(ledger.serve().url, width=390)

    widths = {}
    for name, path in SCREENS.items():
        page = screen.open(path)
        screen.wait()
        widths[name] = page.evaluate("document.documentElement.scrollWidth")

    assert widths == dict.fromkeys(SCREENS, 390)


NAMES_APART = """
() => [...document.querySelectorAll('main table.data thead tr:last-child')].map(row => {
  const texts = document.createTreeWalker(row, NodeFilter.SHOW_TEXT);
  const tops = [];
  while (texts.nextNode()) {
    const text = texts.currentNode;
    if (!/[a-z]/.test(text.data) || text.parentElement.closest('.unseen')) continue;
    const place = document.createRange();
    place.selectNodeContents(text);
    tops.push(place.getBoundingClientRect().top);
  }
  return Math.max(...tops) - Math.min(...tops);
})
"""


def test_names_of_columns_stand_on_one_line(ledger, open_screen):
    screen = open_screen(ledger.serve().url, width=2400)

    for path in ("/runs", "/runs/2", "/files?run_id=1"):
        page = screen.open(path)
        page.locator("main table.data thead").wait_for()
        apart = page.evaluate(NAMES_APART)
        assert len(apart) == 1, path
        assert apart[0] < 2, path


def test_empty_ledger_is_told_with_the_command_that_fills_it(service, open_screen):
    screen = open_screen(service.serve().url)

    for path in ("/", "/runs", "/files", "/rejects", "/trades"):
        page = screen.open(path)
        screen.wait()
        expect(page.locator("main")).to_contain_text(re.compile(r"trade-ingest (run|generate|demo)"))
        expect(page.locator("main [role=alert]")).to_have_count(0)
        assert screen.violations() == []


@pytest.mark.parametrize(
    ("path", "said"),
    [("/runs/77", "77"), ("/files/77", "77"), ("/contracts/none_such", "none_such"), ("/runs/x", "x")],
)
def test_what_is_not_there_is_told_with_what_to_do(service, open_screen, path, said):
    page = open_screen(service.serve().url).open(path)

    alert = page.locator("main [role=alert]").first
    expect(alert).to_contain_text(said)
    expect(page.locator("h1")).to_have_count(1)
