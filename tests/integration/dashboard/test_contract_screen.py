"""Contracts on the dashboard: browsed, and files tried against them of which nothing is stored."""

import gzip

import psycopg
from playwright.sync_api import expect

from trade_ingest.contract.loading import builtin_names, contract_text

KRAKEN = b"1700000000,42000.5,0.25\n1700000001,-1,0.5\n1700000002,abc,0.5\n"


def test_contract_is_shown_with_its_columns_and_as_it_is_written(service, open_screen):
    page = open_screen(service.serve().url).open("/contracts")

    expect(page.locator("main tbody tr")).to_have_count(len(builtin_names()))
    page.get_by_role("link", name="kraken_trades", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Contract kraken_trades")
    price = page.locator("tbody tr").filter(has=page.get_by_role("link", name="Rejects in the column price"))
    expect(price.locator("td").nth(2)).to_have_text("field 2")
    expect(price.locator("td").nth(4)).to_have_text("> 0")
    assert page.locator("app-copy code").last.text_content() == contract_text("kraken_trades")


def test_file_is_tried_against_each_contract_and_nothing_is_stored(service, open_screen):
    screen = open_screen(service.serve().url)
    page = screen.open("/contracts")

    page.get_by_label("Drop a file here, or choose one").set_input_files(
        {"name": "XBTUSD.csv", "mimeType": "text/csv", "buffer": KRAKEN}
    )

    tried = page.locator("app-check-result tbody tr")
    expect(tried).to_have_count(len(builtin_names()))
    expect(tried.first).to_contain_text("kraken_trades")
    expect(tried.first.locator("td").nth(3)).to_have_text("1")
    expect(page.locator("app-check-result mark")).to_have_text(["-1", "abc"])
    assert screen.violations() == []
    with psycopg.connect(service.database) as connection:
        assert connection.execute("SELECT count(*) FROM ingest.file").fetchone() == (0,)
        assert connection.execute("SELECT to_regclass('trade_print')").fetchone() == (None,)


def test_compressed_file_and_one_contract(service, open_screen):
    page = open_screen(service.serve().url).open("/contracts?contract=kraken_trades")

    page.get_by_label("Drop a file here, or choose one").set_input_files(
        {"name": "XBTUSD.csv.gz", "mimeType": "application/gzip", "buffer": gzip.compress(KRAKEN)}
    )

    expect(page.locator("app-check-result tbody tr")).to_have_count(1)
    expect(page.locator("app-check-result tbody tr td").nth(2)).to_have_text("3")


def test_of_a_large_file_the_first_whole_lines_are_sent(service, open_screen):
    page = open_screen(service.serve().url).open("/contracts?contract=kraken_trades")
    line = b"1700000000,42000.5,0.25\n"
    large = line * 100_000

    with page.expect_request("**/contracts/check") as asked:
        page.get_by_label("Drop a file here, or choose one").set_input_files(
            {"name": "XBTUSD.csv", "mimeType": "text/csv", "buffer": large}
        )

    expect(page.get_by_text("the first lines were checked, not all")).to_be_visible()
    expect(page.locator("app-check-result tbody tr td").nth(3)).to_have_text(f"{(1 << 20) // len(line):,}")
    expect(page.locator("app-check-result tbody tr td").nth(4)).to_have_text("0")
    assert len(asked.value.post_data_buffer or b"") < (1 << 20) + 2000


def test_what_is_no_such_file_is_told(service, open_screen):
    page = open_screen(service.serve().url).open("/contracts?contract=kraken_trades")
    entry = page.get_by_label("Drop a file here, or choose one")

    entry.set_input_files({"name": "empty.csv", "mimeType": "text/csv", "buffer": b""})
    expect(page.locator("main [role=alert]")).to_contain_text("empty.csv is empty.")
    entry.set_input_files({"name": "cut.csv.gz", "mimeType": "text/csv", "buffer": gzip.compress(KRAKEN)[:-9]})

    expect(page.locator("app-check-result")).to_contain_text("no")
    expect(page.locator("app-check-result .bad").first).to_be_visible()
