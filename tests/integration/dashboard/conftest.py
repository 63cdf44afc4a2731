"""The dashboard as it is built, in a real browser, on a real server with a real ledger."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from served import Service
from trade_ingest.api.dashboard import FOLDER

REPOSITORY = Path(__file__).parents[3]
AXE = REPOSITORY / "frontend" / "node_modules" / "axe-core" / "axe.min.js"
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
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=program, args=list(ARGUMENTS))
        yield started
        started.close()


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


@pytest.fixture
def service(database_url, tmp_path) -> Iterator[Loaded]:
    """Nothing served yet."""
    made = Loaded(database_url, tmp_path / "files", tmp_path)
    made.folder.mkdir()
    yield made
    made.close()
