"""What is around all screens: the sign-in, the roles, the live stream, the colours, the zone."""

from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

KRAKEN = "kraken_trades"
SCREENS = ["Overview", "Runs", "Files", "Rejects", "Trades", "Contracts", "System"]


def test_frame_leads_to_each_screen(service, open_screen):
    page = open_screen(service.serve().url).open("/")

    for name in SCREENS:
        page.get_by_role("navigation", name="Screens").get_by_role("link", name=name, exact=True).click()
        expect(page.get_by_role("heading", level=1)).to_have_text(name)
        expect(page).to_have_title(f"{name} · trade-ingest")
        expect(page.get_by_role("navigation", name="Screens").locator("[aria-current=page]")).to_have_text(name)


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


def test_lost_connection_is_told_and_what_was_missed_comes_when_it_is_back(service, open_screen):
    server = service.serve()
    page = open_screen(server.url).open("/runs")
    live = page.locator("header [role=status]")
    expect(live).to_contain_text("live")

    server.kill()
    expect(live).to_contain_text("reconnecting")
    service.write("XBTUSD.csv", 50)
    assert service.load("--contract", KRAKEN).returncode == 0
    service.serve("--port", str(urlsplit(server.url).port))

    expect(live).to_contain_text("live", timeout=20_000)
    expect(page.get_by_role("link", name="1", exact=True).first).to_be_visible(timeout=20_000)


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


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_sign_in_is_accessible(service, open_screen, theme):
    screen = open_screen(service.serve("--auth", "token").url, theme=theme)
    page = screen.open("/")
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")

    assert screen.violations() == []
