"""The dashboard as it is built, in a real browser, on a real server with a real ledger."""

import gzip
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from served import PATIENCE_SECONDS, Gate, Service
from trade_ingest.api.dashboard import FOLDER
from trade_ingest.contract.loading import load_contract
from trade_ingest.contract.model import Contract, OnChanged
from trade_ingest.generate import generate
from trade_ingest.ledger.schema import upgrade
from trade_ingest.pipeline import ingest
from trade_ingest.run import RunOptions, RunResult

REPOSITORY = Path(__file__).parents[3]
AXE = REPOSITORY / "frontend" / "node_modules" / "axe-core" / "axe.min.js"
PATIENCE_MS = 1000 * PATIENCE_SECONDS
PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ON_MAC = "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"
# as root there is no sandbox; the others keep Chromium from asking its maker for anything
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def find_chromium() -> str | None:
    """The program of a browser, if there is one."""
    found = (os.environ.get("TRADE_INGEST_TEST_CHROMIUM"), *map(shutil.which, PROGRAMS))
    on_mac = ON_MAC if Path(ON_MAC).exists() else None
    return next(filter(None, found), on_mac)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A browser; for a module only, since its event loop is in the way of tests that run their own."""
    program = find_chromium()
    if program is None:
        pytest.skip("no Chromium here: install one, or name it in TRADE_INGEST_TEST_CHROMIUM")
    assert (FOLDER / "index.html").is_file(), "the dashboard is not built: make dashboard"
    expect.set_options(timeout=PATIENCE_MS)  # other tests and their servers share the processors
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=program, args=list(ARGUMENTS))
        yield started
        started.close()


FILLED = "() => document.querySelector('main h1') && !document.querySelector('main [aria-busy=true], .skeleton')"


@dataclass
class Screen:
    """A tab of the browser, and what went wrong in it."""

    page: Page
    url: str
    said: list[str] = field(default_factory=list)
    hosts: set[str] = field(default_factory=set)

    def open(self, path: str) -> Page:
        """Open a screen."""
        self.page.goto(f"{self.url}{path}")
        return self.page

    def wait(self) -> None:
        """Wait until all panels are filled."""
        self.page.wait_for_function(FILLED)

    def violations(self) -> list[tuple[str, list[str]]]:
        """What axe has against the page as it is: the rule, and where."""
        self.page.evaluate(AXE.read_text())
        tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
        found: dict[str, Any] = self.page.evaluate("tags => axe.run(document, {runOnly: tags})", tags)
        return [(found["id"], [node["html"][:200] for node in found["nodes"]]) for found in found["violations"]]


@pytest.fixture
def open_screen(browser) -> Iterator[Any]:
    """Opens tabs of a server; at the end no tab has complained or asked another host for anything."""
    screens: list[Screen] = []

    def begin(url: str, *, theme: str = "light", width: int = 1440, **options: Any) -> Screen:
        page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=theme, **options)
        page.set_default_timeout(PATIENCE_MS)
        screen = Screen(page, url)
        page.on("request", lambda request: screen.hosts.add(urlsplit(request.url).netloc))
        page.on("pageerror", lambda error: screen.said.append(str(error)))
        page.on("console", lambda message: screen.said.append(message.text) if message.type == "error" else None)
        screens.append(screen)
        return screen

    yield begin
    for screen in screens:
        screen.page.close()
    # what the API refuses is in the console, too, and is looked at by the tests that provoke it
    complaints = [text for screen in screens for text in screen.said if not text.startswith("Failed to load resource")]
    others = {host for screen in screens for host in screen.hosts - {urlsplit(screen.url).netloc, ""}}
    assert (complaints, others) == ([], set())


@dataclass
class Loaded(Service):
    """A service whose files can be loaded from outside, too."""

    def load(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run `trade-ingest run` on the folder."""
        words = [sys.executable, "-m", "trade_ingest", "--quiet", "run", str(self.folder), *arguments]
        environment = os.environ | {"TRADE_INGEST_DATABASE_URL": self.database}
        return subprocess.run(words, cwd=self.tmp, env=environment, capture_output=True, text=True, check=False)

    def ingest(self, contract: Contract, *, folder: Path | None = None, **options: Any) -> RunResult:
        """The same in this process, which takes a tenth of the time."""
        return ingest(
            [str(folder or self.folder)], contract=contract, database=self.database, options=RunOptions(**options)
        )


@pytest.fixture
def service(database_url, tmp_path) -> Iterator[Loaded]:
    """Nothing served yet."""
    made = Loaded(database_url, tmp_path / "files", tmp_path)
    made.folder.mkdir()
    yield made
    made.close()


@pytest.fixture
def ledger(service) -> Loaded:
    """Two contracts, rejects, duplicates, a failed file, a corrected one, a run that found nothing."""
    events, prints = load_contract("trade_event"), load_contract("binance_spot_trades")
    generate(events, service.folder, rows=3000, files=6, bad_ratio=0.01, duplicate_ratio=0.02, seed=3)
    (service.folder / "broken.csv").write_text("a,b\n1,2\n")
    (service.folder / "cut.csv.gz").write_bytes(gzip.compress(b"x" * 1000)[:-9])
    service.ingest(events)
    corrected = sorted(service.folder.glob("trade_event_*.csv"))[2]
    corrected.write_bytes(b"".join(corrected.read_bytes().splitlines(keepends=True)[:-20]))
    service.ingest(events, on_changed=OnChanged.REPLACE)
    service.folder = service.tmp / "prints"
    generate(prints, service.folder, rows=2000, files=4)
    service.ingest(prints)
    service.ingest(prints)
    return service


@pytest.fixture
def gate(service) -> Iterator[Gate]:
    """A gate in the service's database, which has a ledger; open."""
    upgrade(service.database)
    with psycopg.connect(service.database, autocommit=True) as connection:
        yield Gate(connection)
