"""Pictures of each screen for the documentation: `make screenshots`. Their ledger looks like one that is used daily."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from PIL import Image
from playwright.sync_api import expect

from served import Service
from trade_ingest.contract.loading import load_contract
from trade_ingest.contract.model import Contract, OnChanged
from trade_ingest.generate import generate
from trade_ingest.pipeline import ingest
from trade_ingest.run import RunOptions

IMAGES = Path(__file__).parents[3] / "docs" / "images"
DELIVERIES = Path(tempfile.gettempdir()) / "deliveries"
SCREENS = {
    "runs": "/runs",
    "compare": "/runs/compare?left=4&right=5",
    "files": "/files",
    "rejects": "/rejects",
    "trades": "/trades?target=public.trade_print",
    "contracts": "/contracts",
    "contract": "/contracts/trade_event",
    "system": "/system?tab=database",
}
MOST_BYTES = 150_000
COLOURS = 128
DAYS = 182
NIGHTS = 24
SATURDAY = 5
TODAY = datetime.now(UTC)
# all that a run has left in the ledger, moved into the past; and no name of the machine that makes the pictures
BACKDATE = """
UPDATE ingest.run SET started_at = started_at - {age}, ended_at = ended_at - {age}, host = 'loader-1',
    started_by = 'nightly' WHERE run_id = {run};
UPDATE ingest.attempt SET started_at = started_at - {age}, ended_at = ended_at - {age}, worker = 'loader-1'
    WHERE run_id = {run};
UPDATE ingest.file SET discovered_at = discovered_at - {age}, loaded_at = loaded_at - {age} WHERE run_id = {run};
UPDATE ingest.event SET at = at - {age} WHERE run_id = {run}
"""

UNNAMED = "UPDATE ingest.run SET host = 'loader-1', started_by = 'nightly' WHERE host <> 'loader-1'"


@dataclass
class Feed:
    """Files of a vendor, which are delivered day after day."""

    contract: Contract
    made: Path
    place: Path
    database: str

    def days(self) -> list[date]:
        return sorted({day_of(path) for path in self.made.iterdir()})

    def deliver(self, first: date, last: date, *, but: tuple[date, ...] = ()) -> None:
        """Put the files of the days into place, each written in the night after its day."""
        self.place.mkdir(parents=True, exist_ok=True)
        for path in sorted(self.made.iterdir()):
            day = day_of(path)
            if first <= day <= last and day not in but:
                written = datetime.combine(day + timedelta(1), time(0, 40), UTC).timestamp()
                os.utime(shutil.copy(path, self.place), (written, written))

    def run(self, at: datetime, **options: object) -> int:
        """Load what is there, as if it was that moment."""
        result = ingest(
            [str(self.place)], contract=self.contract, database=self.database, options=RunOptions(**options)
        )
        assert result.run_id is not None
        age = f"interval '{int((TODAY - at).total_seconds())} seconds'"
        with psycopg.connect(self.database, autocommit=True) as connection:
            connection.execute(BACKDATE.format(age=age, run=result.run_id))
        return result.run_id


def day_of(path: Path) -> date:
    return date.fromisoformat(path.stem[-10:])


def last_of(feed: Feed, day: date) -> Path:
    return max(path for path in feed.place.iterdir() if day_of(path) == day)


@pytest.fixture
def service(database_url, tmp_path) -> Iterator[Service]:
    """A service of a folder whose name may be seen."""
    assert not DELIVERIES.exists(), f"{DELIVERIES} is there already: remove it"
    made = Service(database_url, DELIVERIES, tmp_path)
    yield made
    made.close()
    shutil.rmtree(DELIVERIES)


@pytest.fixture
def history(service) -> Service:
    """Two feeds over half a year: a day that is missing, a bad header, a re-delivery, a file that was sent twice."""
    fx, spot = (
        make_feed(service, name, folder, rows=rows)
        for name, folder, rows in (("trade_event", "fx", 120_000), ("binance_spot_trades", "spot", 240_000))
    )
    yesterday = TODAY.date() - timedelta(1)
    first_night = yesterday - timedelta(NIGHTS)
    for feed in (fx, spot):
        feed.deliver(feed.days()[0], first_night)
        feed.run(at_night(first_night + timedelta(1)))
    traded = fx.days()
    missing, misspelled, partial = traded[-12], traded[-8], yesterday - timedelta(10)
    for number in range(NIGHTS - 1, -1, -1):
        day = yesterday - timedelta(number)
        night = at_night(day + timedelta(1))
        if day in traded:
            fx.deliver(day, day, but=(missing,))
            if day == misspelled:
                file = last_of(fx, day)
                file.write_bytes(file.read_bytes().replace(b"TradeId", b"Trade Ref", 1))
                fx.run(night)
                fx.deliver(day, day)
            fx.run(night + timedelta(minutes=2 if day != misspelled else 400))
        spot.deliver(day, day)
        if day == partial:
            file = last_of(spot, day)
            file.write_bytes(b"".join(file.read_bytes().splitlines(keepends=True)[:400]))
        spot.run(night + timedelta(minutes=6))
    corrected = last_of(fx, traded[-3])
    corrected.write_bytes(b"".join(corrected.read_bytes().splitlines(keepends=True)[:-40]))
    written = at_night(TODAY.date()).timestamp()
    os.utime(corrected, (written, written))
    fx.run(at_night(TODAY.date()) + timedelta(minutes=20), on_changed=OnChanged.REPLACE)
    shutil.copy(last_of(fx, traded[-2]), fx.place / f"resent-{last_of(fx, traded[-2]).name}")
    fx.run(at_night(TODAY.date()) + timedelta(minutes=40))
    return service


def make_feed(service: Service, name: str, folder: str, *, rows: int) -> Feed:
    contract = load_contract(name)
    first = TODAY.date() - timedelta(DAYS)
    days = [first + timedelta(number) for number in range(DAYS)]
    files = sum(day.weekday() < SATURDAY for day in days) if name == "trade_event" else len(days)
    generate(contract, service.tmp / name, rows=rows, files=files, bad_ratio=0.0015, start_date=first, seed=11)
    return Feed(contract, service.tmp / name, service.folder / folder, service.database)


def at_night(day: date) -> datetime:
    return datetime.combine(day, time(0, 50), UTC)


def take(screen: Any, name: str) -> None:
    """Make a picture of what is to be seen, small enough to be kept."""
    page = screen.page
    screen.wait()
    page.wait_for_timeout(500)  # a panel that has to wait says so after a moment only
    screen.wait()
    path = IMAGES / f"{name}.png"
    page.mouse.move(0, 0)
    page.screenshot(path=path, animations="disabled")
    picture = Image.open(path).convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
    picture.save(path, optimize=True)
    assert path.stat().st_size < MOST_BYTES


@pytest.mark.pictures
def test_pictures_of_each_screen(history, open_screen):
    server = history.serve("--allow", str(DELIVERIES))
    kraken = DELIVERIES / "kraken"
    generate(load_contract("kraken_trades"), kraken, rows=3_000_000, files=10, seed=4)
    screen = open_screen(server.url)
    ((replacing,),) = history.query("SELECT file_id FROM ingest.file WHERE replaces_file_id IS NOT NULL")

    for name, path in (SCREENS | {"file": f"/files/{replacing}"}).items():
        screen.open(path)
        take(screen, name)
    page = screen.open("/")
    page.get_by_role("button", name="Start a run").click()
    page.get_by_label("Sources").fill(str(kraken))
    page.get_by_label("Contract").select_option("kraken_trades")
    page.get_by_role("button", name="Dry run").click()
    expect(page.locator("app-plan-view tbody tr")).to_have_count(10)
    take(screen, "start-run")
    page = screen.open("/")
    asked = server.post("/runs", {"sources": [str(kraken)], "contract": "kraken_trades"})
    expect(page.get_by_role("heading", name="Running now")).to_be_visible()
    take(screen, "overview")
    request = server.get(f"/run-requests/{asked['run_request_id']}")
    with psycopg.connect(history.database, autocommit=True) as connection:
        connection.execute(UNNAMED)
    page = screen.open(f"/runs/{request['run_id']}")
    expect(page.locator("app-files-tab app-progress").nth(1)).to_be_visible()
    take(screen, "run")
    page.emulate_media(color_scheme="dark")
    take(screen, "run-dark")
    history.ended(asked["run_request_id"])
    page = screen.open("/")
    expect(page.locator("app-feed-days svg")).to_have_count(3)  # the run has brought another feed
    take(screen, "overview-dark")
