"""Each screen on a ledger that has something of everything: accessible in both themes, on a phone, and when empty."""

import gzip
import os
import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from trade_ingest.contract.loading import load_contract
from trade_ingest.generate import generate

REPOSITORY = Path(__file__).parents[3]
IMAGES = os.environ.get("TRADE_INGEST_SCREENSHOTS")
"""Where to put pictures of the screens; without it none is made."""

SCREENS = {
    "overview": "/",
    "runs": "/runs",
    "compare": "/runs/compare?left=1&right=2",
    "run": "/runs/2",
    "files": "/files",
    "file": "/files/3",
    "rejects": "/rejects",
    "trades": "/trades",
    "contracts": "/contracts",
    "contract": "/contracts/trade_event",
    "system": "/system",
}
FILLED = "() => document.querySelector('main h1') && !document.querySelector('main [aria-busy=true], .skeleton')"


@pytest.fixture
def ledger(service):
    """Two contracts, rejects, duplicates, a failed file, a corrected one, a run that found nothing."""
    events = load_contract("trade_event")
    generate(events, service.folder, rows=3000, files=6, bad_ratio=0.01, duplicate_ratio=0.02, seed=3)
    (service.folder / "broken.csv").write_text("a,b\n1,2\n")
    (service.folder / "cut.csv.gz").write_bytes(gzip.compress(b"x" * 1000)[:-9])
    assert service.load("--contract", "trade_event").returncode == 1
    corrected = sorted(service.folder.glob("trade_event_*.csv"))[2]
    corrected.write_bytes(b"".join(corrected.read_bytes().splitlines(keepends=True)[:-20]))
    assert service.load("--contract", "trade_event", "--on-changed", "replace").returncode == 1
    prints = service.tmp / "prints"
    generate(load_contract("binance_spot_trades"), prints, rows=2000, files=4)
    service.folder = prints
    assert service.load("--contract", "binance_spot_trades").returncode == 0
    assert service.load("--contract", "binance_spot_trades").returncode == 0
    return service


@pytest.mark.slow
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_each_screen_is_accessible(ledger, open_screen, theme):
    screen = open_screen(ledger.serve().url, theme=theme)

    found = {}
    for name, path in SCREENS.items():
        page = screen.open(path)
        page.wait_for_function(FILLED)
        expect(page.locator("h1")).to_have_count(1)
        found[name] = screen.violations()
        if IMAGES:
            page.screenshot(path=f"{IMAGES}/{name}-{theme}.png", full_page=False)

    assert {name: violations for name, violations in found.items() if violations} == {}


@pytest.mark.slow
def test_no_screen_is_wider_than_a_phone(ledger, open_screen):
    screen = open_screen(ledger.serve().url, width=390)

    widths = {}
    for name, path in SCREENS.items():
        page = screen.open(path)
        page.wait_for_function(FILLED)
        widths[name] = page.evaluate("document.documentElement.scrollWidth")

    assert widths == dict.fromkeys(SCREENS, 390)


def test_empty_ledger_is_told_with_the_command_that_fills_it(service, open_screen):
    screen = open_screen(service.serve().url)

    for path in ("/", "/runs", "/files", "/rejects", "/trades"):
        page = screen.open(path)
        page.wait_for_function(FILLED)
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
