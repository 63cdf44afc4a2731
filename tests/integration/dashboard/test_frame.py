"""What is around all screens: the sign-in, the roles, the live stream, the colours, the zone, the keyboard."""

import re
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Locator, Page, expect

from trade_ingest.contract.loading import load_contract

KRAKEN = "kraken_trades"
MOST_SCRIPT_BYTES = 200_000
WRITING = re.compile(r"^(Start a|Retry|Cancel|Roll back|Discard|Correct|Load \d|Make|Revoke)")
SCREENS = ["Overview", "Runs", "Files", "Rejects", "Trades", "Contracts", "System"]


def test_frame_leads_to_each_screen(service, open_screen):
    page = open_screen(service.serve().url).open("/")

    for name in SCREENS:
        page.get_by_role("navigation", name="Screens").get_by_role("link", name=name, exact=True).click()
        expect(page.get_by_role("heading", level=1)).to_have_text(name)
        expect(page).to_have_title(f"{name} · trade-ingest")
        expect(page.get_by_role("navigation", name="Screens").locator("[aria-current=page]")).to_have_text(name)


def test_scripts_of_a_first_load_are_sent_compressed(service, open_screen):
    screen = open_screen(service.serve().url)
    sent: list[int] = []
    screen.page.on(
        "requestfinished",
        lambda done: sent.append(done.sizes()["responseBodySize"]) if done.resource_type == "script" else None,
    )

    screen.open("/runs")
    screen.wait()

    assert len(sent) > 1
    assert sum(sent) < MOST_SCRIPT_BYTES


def test_address_that_no_screen_has_is_told(service, open_screen):
    page = open_screen(service.serve().url).open("/nowhere/at-all")

    expect(page.get_by_role("heading", level=1)).to_have_text("There is no such page")


def test_token_opens_a_session_and_its_scope_decides_what_is_offered(service, open_screen):
    token = service.make_token("read")
    screen = open_screen(service.serve("--auth", "token").url)
    page = screen.open("/runs")

    page.get_by_role("textbox", name="Token").fill("not a token")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_be_visible()
    page.get_by_role("textbox", name="Token").fill(token)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Runs")
    expect(page.get_by_role("button", name="Start a run")).to_have_count(0)
    kept = page.evaluate("JSON.stringify(localStorage) + JSON.stringify(sessionStorage) + document.cookie")
    assert token not in kept

    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")
    page.reload()
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")


def test_who_may_operate_is_offered_runs(service, open_screen):
    token = service.make_token("operate")
    page = open_screen(service.serve("--auth", "token").url).open("/")

    page.get_by_role("textbox", name="Token").fill(token)
    page.get_by_role("button", name="Sign in").click()

    expect(page.get_by_role("button", name="Start a run")).to_be_visible()


def test_who_may_only_read_is_offered_no_writing_action(ledger, open_screen):
    token = ledger.make_token("read")
    server = ledger.serve("--auth", "token")
    screen = open_screen(server.url)
    page = screen.open("/")
    page.get_by_role("textbox", name="Token").fill(token)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Overview")
    (loaded,) = ledger.query("SELECT max(file_id) FROM ingest.file WHERE state = 'loaded'")[0]

    offered: dict[str, list[str]] = {}
    for path in ("/", "/runs", "/runs/2", f"/files/{loaded}", "/rejects?run_id=1", "/system?tab=tokens"):
        screen.open(path)
        if path == "/runs":
            page.get_by_label("Select all runs that are shown").check()
        screen.wait()
        writing = page.get_by_role("button", name=WRITING).or_(page.get_by_role("link", name=WRITING))
        offered[path] = writing.all_text_contents()
    assert {path: names for path, names in offered.items() if names} == {}
    refused = page.evaluate("fetch('/api/v1/runs/2/retry', {method: 'POST'}).then(answer => answer.status)")
    assert refused == 403


def test_lost_connection_is_told_and_what_was_missed_comes_when_it_is_back(service, open_screen):
    server = service.serve()
    screen = open_screen(server.url)
    page = screen.open("/runs")
    live = page.locator("header [role=status]")
    expect(live).to_contain_text("live")
    screen.wait()

    server.kill()
    expect(live).to_contain_text("reconnecting")
    expect(page.get_by_text("stale, as of").first).to_be_visible()  # what is shown may have changed since
    service.write("XBTUSD.csv", 50)
    assert service.load("--contract", KRAKEN).returncode == 0
    service.serve("--port", str(urlsplit(server.url).port))

    expect(live).to_contain_text("live", timeout=20_000)
    expect(page.get_by_role("link", name="1", exact=True).first).to_be_visible(timeout=20_000)
    expect(page.get_by_text("stale, as of")).to_have_count(0)


def test_where_the_server_has_no_stream_left_it_is_asked_again_and_again(service, open_screen):
    server = service.serve(TRADE_INGEST_API_MAX_STREAMS="1")
    first = open_screen(server.url).open("/")
    expect(first.locator("header [role=status]")).to_contain_text("live")
    second = open_screen(server.url).open("/runs")
    expect(second.locator("header [role=status]")).to_contain_text("every 2 s")

    service.write("XBTUSD.csv", 50)
    assert service.load("--contract", KRAKEN).returncode == 0

    expect(second.get_by_role("link", name="1", exact=True).first).to_be_visible(timeout=20_000)


def test_colours_and_zone_are_kept(service, open_screen):
    screen = open_screen(service.serve().url, theme="light")
    page = screen.open("/")
    background = "getComputedStyle(document.body).backgroundColor"
    bright = page.evaluate(background)

    page.get_by_role("button", name="Colours").click()
    page.get_by_role("button", name="Colours").click()
    page.get_by_role("button", name="Zone").click()
    page.reload()

    expect(page.get_by_role("button", name="Colours")).to_contain_text("dark")
    expect(page.get_by_role("button", name="Zone")).to_contain_text("local")
    assert page.evaluate(background) != bright


def test_times_are_those_of_the_zone_that_is_chosen(service, open_screen):
    service.write("XBTUSD.csv", 5)
    service.ingest(load_contract(KRAKEN))
    service.query("UPDATE ingest.run SET started_at = '2024-07-01 02:30:00Z'")
    page = open_screen(service.serve().url, timezone_id="America/New_York").open("/runs/1")
    started = page.locator("app-time").first

    expect(started).to_have_text("2024-07-01 02:30:00Z")
    page.get_by_role("button", name="Zone").click()
    expect(started).to_have_text("2024-06-30 22:30:00")
    page.get_by_role("button", name="Zone").click()
    expect(started).to_have_text("2024-07-01 02:30:00Z")


def press_until(page: Page, wanted: Locator, key: str = "Tab") -> None:
    """Go on with the keyboard until something has the focus, and is seen to have it."""
    for _ in range(80):
        page.keyboard.press(key)
        if wanted.evaluate("element => element === document.activeElement"):
            assert wanted.evaluate("element => getComputedStyle(element).outlineStyle") != "none"
            return
    pytest.fail(f"the keyboard does not get to {wanted}")


def test_keyboard_alone_starts_a_run_finds_it_and_retries_it(service, open_screen):
    service.write("XBTUSD.csv", 5)
    (service.folder / "short.csv").write_text("1600000000\n")
    page = open_screen(service.serve().url).open("/")
    expect(page.get_by_role("heading", level=1)).to_have_text("Overview")
    start = page.get_by_role("button", name="Start a run")
    dialog = page.get_by_role("dialog")

    press_until(page, page.get_by_role("link", name="Skip to the content"))
    page.keyboard.press("Enter")
    expect(page.get_by_role("main")).to_be_focused()
    press_until(page, start, "Shift+Tab")
    page.keyboard.press("Enter")
    expect(dialog).to_be_visible()
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(start).to_be_focused()
    page.keyboard.press("Enter")
    sources = dialog.get_by_label("Sources")
    expect(dialog).to_be_visible()
    if not sources.evaluate("element => element === document.activeElement"):
        press_until(page, sources)
    page.keyboard.type(str(service.folder))
    press_until(page, dialog.get_by_label("Contract"))
    page.keyboard.type(KRAKEN)
    press_until(page, dialog.get_by_role("button", name="Dry run"))
    page.keyboard.press("Enter")
    expect(dialog.get_by_role("region", name="Dry run", exact=True)).to_be_focused()
    press_until(page, dialog.get_by_role("button", name="Go: load 2 files"))
    page.keyboard.press("Enter")
    run = dialog.get_by_role("link", name="Run 1")
    expect(run).to_be_visible()
    press_until(page, run)
    page.keyboard.press("Enter")
    retry = page.get_by_role("button", name="Retry 1 failed file")
    expect(retry).to_be_visible()
    press_until(page, retry)
    page.keyboard.press("Enter")
    expect(dialog).to_be_visible()
    press_until(page, dialog.get_by_role("button", name="Retry"))
    page.keyboard.press("Enter")
    follow = page.get_by_role("link", name="Run 2")
    expect(follow).to_be_visible()
    press_until(page, follow)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Run 2")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_sign_in_is_accessible(service, open_screen, theme):
    screen = open_screen(service.serve("--auth", "token").url, theme=theme)
    page = screen.open("/")
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")

    assert screen.violations() == []
