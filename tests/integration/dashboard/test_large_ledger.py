"""The dashboard where there is much: 200,000 files in the ledger, 5,000 that move; for times see dashboard_bench.py."""

import re

import pytest
from api_bench import FILES_PER_RUN, seed
from dashboard_bench import MOVING, MOVING_RUN
from playwright.sync_api import expect

RUNS = 4000
SCREENS = (
    "/",
    "/runs?sort=-duration_seconds",
    "/runs/3125",
    "/files/150001",
    "/rejects",
    "/trades",
    "/system?tab=database",
)


@pytest.mark.slow
def test_each_screen_is_filled_from_a_ledger_of_200_000_files(service, open_screen):
    seed(service.database, RUNS)
    screen = open_screen(service.serve().url)
    page = screen.page

    for path in SCREENS:
        screen.open(path)
        screen.wait()
        alerts = page.locator("main [role=alert]").all_inner_texts()  # the files themselves are nowhere
        assert [text for text in alerts if "source.not_allowed" not in text] == [], path
        assert page.evaluate("document.querySelectorAll('main *').length") < 12_000, path
    screen.open("/files?state=failed")
    lines = page.locator("app-files-table tbody tr")
    expect(lines).not_to_have_count(0)
    first = lines.count()
    page.get_by_role("button", name=re.compile("more", re.IGNORECASE)).last.click()
    expect(lines).to_have_count(2 * first)
    page.get_by_label("Name or URI").fill(f"*/part-{RUNS * FILES_PER_RUN - 200}.csv.gz")
    page.keyboard.press("Enter")
    expect(lines).to_have_count(1)


def test_of_5000_moving_files_those_in_sight_are_made(service, gate, open_screen):
    server = service.serve()
    gate.connection.execute(MOVING_RUN)  # a server that starts finds that no process is behind it
    page = open_screen(server.url).open("/runs/1")
    files = page.get_by_role("region", name="Files of the run")
    rows = files.locator("tbody tr:not(.space)")

    expect(files.get_by_role("table")).to_have_attribute("aria-rowcount", str(MOVING + 1))
    expect(page.locator("app-overall-progress")).to_contain_text("5,000 files being loaded")
    assert rows.count() < 50
    last = f"part-{MOVING}.csv"
    files.evaluate("place => place.scrollTo(0, place.scrollHeight)")
    expect(rows.last).to_contain_text(last)
    assert rows.count() < 50
    gate.connection.execute("UPDATE ingest.progress SET rows_read = 4711, bytes_read = size_bytes")
    expect(rows.last).to_contain_text("4,711")
    gate.connection.execute("DELETE FROM ingest.progress WHERE file_id = %s", [MOVING])
    page.get_by_label("File", exact=True).fill(last)
    page.keyboard.press("Enter")
    expect(rows).to_have_count(1)
