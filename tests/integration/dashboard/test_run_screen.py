"""A run on the dashboard: started in the dialog, followed while it loads, cancelled, retried, done again elsewhere."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from playwright.sync_api import expect

from served import until
from trade_ingest.contract.loading import parse_contract

CONTRACT = """
name: fill
version: 1
format: {delimiter: ','}
columns:
  - {name: trade_id, type: text}
  - {name: price, type: 'decimal(18,4)', greater_than: 0}
  - {name: note, type: text}
  - {name: executed_at, type: timestamp, zone: UTC}
key: [trade_id]
event_time: executed_at
rejects: {max_count: 1000, max_ratio: 1}
target: {table: fill, partition_by: none}
"""
FILL = parse_contract(CONTRACT, origin="fill.yaml")
HEADER = "trade_id,price,note,executed_at\n"
NOTE = "x" * 200
ROWS = 100_000
"""Of 240 bytes: more than are parsed at once, so that a file has told of itself before its end."""
NEAR_THE_END = ROWS - 10


def write_fills(path, rows, *, bad=0):
    prices = ["-1"] * bad + ["1.5"] * (rows - bad)
    lines = [f"{path.stem}-{n},{price},{NOTE},2024-01-02 10:00:00\n" for n, price in enumerate(prices)]
    path.write_text(HEADER + "".join(lines))


@pytest.fixture
def fills(service):
    """A target with one row, and a server that has its contract."""
    (service.tmp / "fill.yaml").write_text(CONTRACT)
    write_fills(service.folder / "first.csv", 1)
    service.ingest(FILL)
    return service


def serve(service):
    return service.serve(TRADE_INGEST_CONTRACT=str(service.tmp / "fill.yaml"))


def test_run_is_started_after_a_dry_run_and_moves_to_its_end_without_reload(fills, gate, open_screen):
    (fills.folder / "broken.csv").write_text("a,b\n1,2\n")
    for name in ("one", "two", "three"):
        write_fills(fills.folder / f"{name}.csv", ROWS, bad=3)
    gate.close("fill", rows=f"NEW.row_number IN (10, {NEAR_THE_END})")
    page = open_screen(serve(fills).url).open("/")

    # the dialog: what is wrong is said at its field, then what would be done, then it is done
    page.get_by_role("button", name="Start a run").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="Dry run").click()
    expect(dialog.get_by_label("Sources")).to_be_focused()
    expect(dialog.get_by_role("alert")).to_contain_text("Name at least one source")
    dialog.get_by_label("Sources").fill(str(fills.folder))
    dialog.get_by_label("Contract").select_option("fill")
    dialog.get_by_text("More options").click()
    dialog.get_by_label("Files loaded at once").fill("2")
    expect(dialog.get_by_role("button", name="Go")).to_be_disabled()
    dialog.get_by_role("button", name="Dry run").click()
    expect(dialog.locator("app-plan-view tbody tr")).to_have_count(5)
    expect(dialog.locator("app-plan-view")).to_contain_text("4 to load")
    dialog.get_by_role("button", name="already loaded: 1").click()
    expect(dialog.locator("app-plan-view tbody th, app-plan-view tbody td.mono")).to_have_text(
        [re.compile("first.csv")]
    )
    assert fills.query("SELECT count(*) FROM ingest.run") == [(1,)]
    dialog.get_by_role("button", name="Go: load 4 files").click()
    dialog.get_by_role("link", name="Run 2").click()

    # the run: what is planned, what moves, what failed
    expect(page.get_by_role("heading", level=1)).to_have_text("Run 2")
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.evaluate("window.isTheSame = true")
    files, balance = page.locator("app-files-tab"), page.locator("app-balance")
    gate.wait_for(2)
    slow = "SELECT count(*) FROM ingest.attempt WHERE state = 'running' AND clock_timestamp() > started_at + '1 s'"
    until(lambda: fills.query(slow) == [(2,)], "two files have been loading for a second")
    gate.let_through()
    expect(files.locator("tbody app-progress")).to_have_count(2)
    expect(balance).to_contain_text("2 being loaded, 2 waiting")
    expect(balance).to_contain_text("6 rejected; nothing of them is committed yet")
    expect(page.get_by_role("progressbar", name="Run 2")).not_to_have_attribute("aria-valuenow", "0")
    expect(page.locator(".page-head app-state")).to_contain_text("running")
    gate.open()

    # its end
    expect(page.locator("app-failures li")).to_contain_text("broken.csv")
    expect(page.locator(".page-head app-state")).to_contain_text("failed")
    expect(balance).to_contain_text(
        re.compile(r"300,000\s+read.*299,991\s+loaded.*0\s+duplicate.*9\s+rejected", re.DOTALL)
    )
    expect(balance).to_contain_text("✓ every row is accounted for")
    expect(balance).to_contain_text("4 files planned: 3 loaded, 1 failed; 1 others skipped")
    expect(files.locator("tbody app-state")).to_have_count(4)
    expect(files.locator("tbody app-progress")).to_have_count(0)
    expect(page.get_by_role("heading", name="Progress")).to_have_count(0)
    expect(page.locator("app-stages li")).to_have_count(3)
    assert page.evaluate("window.isTheSame")


def test_run_is_told_as_a_log_as_options_and_as_a_command_that_does_it_again(fills, open_screen):
    write_fills(fills.folder / "second.csv", 20, bad=2)
    (fills.folder / "broken.csv").write_text("a,b\n1,2\n")
    server = serve(fills)
    options = {"on_changed": "skip", "parallelism": 1}
    asked = server.post("/runs", {"sources": [str(fills.folder)], "contract": "fill", "options": options})
    fills.ended(asked["run_request_id"])
    page = open_screen(server.url, permissions=["clipboard-read", "clipboard-write"]).open("/runs/2")
    parts = page.get_by_role("navigation", name="Parts of the run")

    parts.get_by_role("link", name="Events").click()
    log = page.locator("app-events-tab tbody tr:not(.space)")
    expect(log).to_have_count(5)
    expect(log.nth(0)).to_contain_text("run ended")
    expect(log.filter(has_text="second.csv")).to_contain_text(
        re.compile("20 rows read.*18 rows loaded, 2 rows rejected")
    )
    page.get_by_label("Kind").select_option("file_failed")
    expect(log).to_have_count(1)
    expect(log).to_contain_text("broken.csv")
    page.get_by_role("combobox", name="Kind").select_option("run_ended")
    expect(log).to_have_count(2)
    parts.get_by_role("link", name="Attempts").click()
    expect(page.locator("app-attempts-tab tbody tr:not(.space)")).to_have_count(2)
    parts.get_by_role("link", name="Configuration").click()
    options = page.locator("app-configuration-tab tbody tr")
    expect(options.filter(has_text="on changed")).to_have_text(re.compile(r"skip\s*the request"))
    expect(options.filter(has_text="reject limit")).to_contain_text("contract fill, version 1")
    expect(options.filter(has_text="reload")).to_contain_text("default")

    page.get_by_role("button", name="Copy: trade-ingest run").click()
    command = shlex.split(page.evaluate("navigator.clipboard.readText()"))
    write_fills(fills.folder / "third.csv", 7)
    program = Path(sys.executable).parent / command[0]
    environment = {"TRADE_INGEST_DATABASE_URL": fills.database, "TRADE_INGEST_CONTRACT": str(fills.tmp / "fill.yaml")}
    done = subprocess.run([program, *command[1:]], env=environment, cwd=fills.tmp, check=False, capture_output=True)
    assert done.returncode == 1, done.stderr
    assert fills.query(
        "SELECT rows_loaded, files_failed, options ->> 'on_changed' FROM ingest.run WHERE run_id = 3"
    ) == [(7, 1, "skip")]


def test_failed_files_are_retried_and_the_new_run_is_followed(fills, open_screen):
    write_fills(fills.folder / "second.csv", 20)
    (fills.folder / "broken.csv").write_text("a,b\n1,2\n")
    server = serve(fills)
    asked = server.post("/runs", {"sources": [str(fills.folder)], "contract": "fill"})
    fills.ended(asked["run_request_id"])
    write_fills(fills.folder / "broken.csv", 5)
    write_fills(fills.folder / "not_asked_for.csv", 5)
    page = open_screen(server.url).open("/runs/2")

    page.get_by_role("button", name="Retry 1 failed file").click()
    page.get_by_role("dialog").get_by_role("button", name="Retry").click()
    page.get_by_role("link", name="Run 3").click()

    expect(page.get_by_role("heading", level=1)).to_have_text("Run 3")
    expect(page.locator(".page-head app-state")).to_contain_text("succeeded")
    expect(page.locator("app-files-tab tbody tr:not(.space)")).to_have_count(1)
    expect(page.locator("app-files-tab tbody")).to_contain_text("broken.csv")
    expect(page.get_by_role("button", name="Retry")).to_have_count(0)


def test_running_run_is_cancelled_after_a_question(fills, gate, open_screen):
    for name in ("one", "two", "three"):
        write_fills(fills.folder / f"{name}.csv", 5)
    server = serve(fills)
    gate.close()
    options = {"parallelism": 1}
    asked = server.post("/runs", {"sources": [str(fills.folder)], "contract": "fill", "options": options})
    gate.wait_for()
    page = open_screen(server.url).open("/runs/2")

    page.get_by_role("button", name="Cancel run").click()
    question = page.get_by_role("dialog")
    expect(question).to_contain_text("3 of 3 files have not ended")
    question.get_by_role("button", name="Back").click()
    assert fills.query("SELECT stop_requested_at FROM ingest.run_request") == [(None,)]
    page.get_by_role("button", name="Cancel run").click()
    question.get_by_role("button", name="Cancel run").click()
    expect(page.get_by_text("stopping: the files in flight are finished")).to_be_visible()
    stopping = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'trade-ingest stop'"
    until(lambda: fills.query(stopping) == [(0,)], "the process knows")
    gate.open()

    expect(page.locator(".page-head app-state")).to_contain_text("interrupted")
    expect(page.locator("app-balance")).to_contain_text("3 files planned: 1 loaded, 0 failed, 2 not begun")
    assert fills.ended(asked["run_request_id"])["state"] == "cancelled"
