"""The system on the dashboard: checks, database, settings with their origin, tokens, the audit."""

import re

import psycopg
import pytest
import requests
from playwright.sync_api import Page, expect

from trade_ingest.contract.loading import load_contract


def sign_in(page: Page, token: str) -> None:
    page.get_by_role("textbox", name="Token").fill(token)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()


def test_checks_database_and_settings_are_those_of_the_server(service, open_screen):
    service.write("XBTUSD.csv", 20)
    service.ingest(load_contract("kraken_trades"))
    server = service.serve(TRADE_INGEST_API_MAX_RUNS="3")
    screen = open_screen(server.url)

    page = screen.open("/system")
    expect(page.locator("app-checks li")).not_to_have_count(0)
    expect(page.locator("app-checks li").filter(has_text="ledger").first).to_contain_text("pass")
    page.get_by_role("button", name="Run the checks again").click()
    expect(page.get_by_role("button", name="Run the checks again")).to_be_enabled()
    expect(page.get_by_role("region", name="Readiness")).to_contain_text("The server takes requests")

    with psycopg.connect(service.database) as holder:
        holder.execute("LOCK TABLE ingest.run IN ROW EXCLUSIVE MODE")
        parts = page.get_by_role("navigation", name="Parts of the system")
        parts.get_by_role("link", name="Database").click()
        held = page.get_by_role("region", name="Locks, a table that scrolls").locator("tr")
        expect(held.filter(has_text="ingest.run")).to_contain_text("✓ held")
    connections = page.get_by_role("region", name="Connections, a table that scrolls").locator("tbody tr")
    expect(connections.first).to_contain_text("trade-ingest")
    tables = page.get_by_role("region", name="Tables, a table that scrolls").locator("tbody tr")
    expect(tables.filter(has_text="ingest.file").first).to_contain_text(re.compile("[KM]iB"))
    tables.get_by_role("link", name="ingest.file", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Files")

    page = screen.open("/system?tab=settings")
    settings = page.locator("app-settings tbody tr")
    page.get_by_label("Name, variable or text").fill("api_max_runs")
    page.keyboard.press("Enter")
    expect(settings).to_have_count(1)
    expect(settings).to_contain_text(re.compile("3.*TRADE_INGEST_API_MAX_RUNS", re.DOTALL))
    page.get_by_role("button", name="Clear all").click()
    page.get_by_label("Comes from").select_option("environment")
    expect(settings.filter(has_text="database_url")).to_contain_text("TRADE_INGEST_DATABASE_URL")

    page.get_by_role("navigation", name="Parts of the system").get_by_role("link", name="Reconciliation").click()
    page.get_by_role("button", name="Compare now").click()
    expect(page.locator("app-reconciled-target")).to_contain_text(re.compile("balanced.*1 files, 20 rows", re.DOTALL))
    service.query("DELETE FROM trade_print WHERE row_number = 7")
    page.get_by_role("button", name="Compare now").click()
    expect(page.locator("app-reconciled-target tbody tr").filter(has_text="rows")).to_contain_text("XBTUSD.csv")


def test_token_is_shown_once_lets_in_and_is_revoked(service, open_screen):
    administrator = service.make_token("admin")
    server = service.serve("--auth", "token")
    page = open_screen(server.url).open("/system?tab=tokens")
    sign_in(page, administrator)

    page.get_by_label("Name: who or what uses it").fill("grafana")
    page.get_by_label("May").select_option("read")
    page.get_by_role("button", name="Make the token").click()
    token = page.locator("app-new-token app-copy code").text_content()
    headers = {"Authorization": f"Bearer {token}"}
    assert requests.get(f"{server.url}/api/v1/runs", headers=headers, timeout=10).status_code == 200
    page.get_by_role("button", name="I have it").click()
    row = page.locator("app-tokens tbody tr").filter(has_text="grafana")
    expect(row).to_contain_text(re.compile("read.*valid", re.DOTALL))
    page.reload()
    expect(row).to_be_visible()
    assert token not in page.content()

    row.get_by_role("button", name="Revoke the token grafana").click()
    page.get_by_role("dialog").get_by_role("button", name="Revoke").click()
    expect(row).to_contain_text("revoked")
    assert requests.get(f"{server.url}/api/v1/runs", headers=headers, timeout=10).status_code == 401
    page.get_by_role("navigation", name="Parts of the system").get_by_role("link", name="Audit").click()
    entries = page.locator("app-audit tbody tr")
    expect(entries.nth(0)).to_contain_text(re.compile("the admin.*✓ 204", re.DOTALL))
    page.get_by_label("Who").fill("nobody")
    page.keyboard.press("Enter")
    expect(page.locator("app-audit")).to_contain_text("Nobody of this name has changed anything.")


@pytest.mark.parametrize("scope", ["read", "operate"])
def test_tokens_and_audit_are_for_administrators(service, open_screen, scope):
    token = service.make_token(scope)
    page = open_screen(service.serve("--auth", "token").url).open("/system?tab=tokens")
    sign_in(page, token)

    parts = page.get_by_role("navigation", name="Parts of the system").get_by_role("link")
    expect(parts).to_have_text(["Checks", "Database", "Settings", "Reconciliation"])
    expect(page.locator("app-tokens")).to_have_count(0)
