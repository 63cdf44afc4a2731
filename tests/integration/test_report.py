"""Views and functions for analysts, against sums in plain Python."""

import csv
import json
import subprocess
import sys
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import psycopg
import pytest

from trade_ingest.contract.loading import load_contract
from trade_ingest.errors import NotInLedgerError, TargetIncompatibleError
from trade_ingest.pipeline import ingest
from trade_ingest.report.install import install, refresh
from trade_ingest.run import RunOptions

START = datetime(2024, 1, 2, 23, 50, tzinfo=UTC)


@pytest.fixture
def prints(tmp_path, database_url):
    """Trades of two symbols around midnight; their cells."""
    cells = defaultdict(list)
    for symbol, price in (("XBTUSD", 100), ("ETHUSD", 7)):
        for i in range(90):
            at = START + timedelta(seconds=20 * i)
            cells[symbol].append((at, Decimal(price + (i * 37) % 11) / 4, Decimal((i * 13) % 5 + 1) / 3))
        lines = [f"{int(at.timestamp())},{price},{quantity:.8f}" for at, price, quantity in cells[symbol]]
        cells[symbol] = [(at, price, Decimal(f"{quantity:.8f}")) for at, price, quantity in cells[symbol]]
        (tmp_path / f"{symbol}.csv").write_text("\n".join(lines) + "\n")
    ingest([str(tmp_path)], contract=load_contract("kraken_trades"), database=database_url, options=RunOptions())
    return cells


def query(database_url, sql, *parameters):
    with psycopg.connect(database_url) as connection:
        return connection.execute(sql, parameters).fetchall()


def summed(trades):
    """Open, high, low, close, volume, notional."""
    prices = [price for _, price, _ in trades]
    notional = sum((price * quantity for _, price, quantity in trades), Decimal(0))
    return (
        prices[0], max(prices), min(prices), prices[-1],
        sum((quantity for *_, quantity in trades), Decimal(0)), notional, len(trades),
    )  # fmt: skip


def test_daily_summary_and_bars_are_the_sums_of_the_files(prints, database_url):
    made = install(database_url)
    days, bars = defaultdict(list), defaultdict(list)
    for symbol, trades in prints.items():
        for trade in trades:
            days[trade[0].date(), symbol].append(trade)
            bars[START + (trade[0] - START) // timedelta(minutes=7) * timedelta(minutes=7), symbol].append(trade)

    columns = "open, high, low, close, {volume}, notional, trades"
    found = query(
        database_url,
        f"SELECT trade_date, symbol, {columns.format(volume='quantity')} FROM report.daily_summary",
    )
    of_bars = query(
        database_url,
        f"SELECT bar_start, symbol, {columns.format(volume='volume')}, vwap FROM report.bars('7 minutes', %s, %s)",
        START,
        START + timedelta(days=1),
    )

    assert {row[:2]: row[2:] for row in found} == {key: summed(trades) for key, trades in days.items()}
    assert {row[:2]: row[2:-1] for row in of_bars} == {key: summed(trades) for key, trades in bars.items()}
    for *_, volume, notional, _, vwap in of_bars:
        assert abs(vwap - notional / volume) < Decimal("1e-12")
    assert made.trades == "public.trade_print_current"
    assert made.events is None
    some = query(
        database_url,
        "SELECT DISTINCT symbol FROM report.bars('1 hour', %s, %s, ARRAY['kraken'], ARRAY['ETHUSD'])",
        START,
        START + timedelta(days=1),
    )
    assert some == [("ETHUSD",)]


def test_stored_summary_is_as_of_the_last_refresh(prints, tmp_path, database_url):
    install(database_url)
    before = query(database_url, "SELECT sum(trades) FROM report.daily_summary_stored")
    (tmp_path / "LTCUSD.csv").write_text(f"{int(START.timestamp())},5,1\n")
    ingest([str(tmp_path)], contract=load_contract("kraken_trades"), database=database_url, options=RunOptions())

    assert query(database_url, "SELECT sum(trades) FROM report.daily_summary_stored") == before == [(180,)]
    assert refresh(database_url) == ("daily_summary_stored",)
    assert query(database_url, "SELECT sum(trades) FROM report.daily_summary_stored") == [(181,)]


HEADER = (
    "TradeId,CustomerId,From_Currency,To_Currency,From_Cost,To_Cost,From_Pip,To_Pip,Transaction_Date,Transaction_Status,"
    "Created_By,Created_On,Updated_By,Updated_on,From_Deposited_Account,To_Debited_Account"
)


def test_exposure_is_that_of_the_latest_state_of_each_trade(tmp_path, database_url):
    rows = [
        ("T1", "C1", "EUR", "USD", "100", "110", "PENDING", 1),
        ("T1", "C1", "EUR", "USD", "100", "110", "COMPLETED", 2),
        ("T2", "C1", "USD", "EUR", "50", "45.5", "COMPLETED", 1),
        ("T3", "C2", "EUR", "USD", "10", "11", "FAILED", 1),
    ]
    with (tmp_path / "events.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(HEADER.split(","))
        for trade, customer, sold, bought, cost, got, status, minute in rows:
            at = f"2024-01-02 03:{minute:02}:00"
            writer.writerow(
                [
                    trade,
                    customer,
                    sold,
                    bought,
                    cost,
                    got,
                    "1",
                    "1",
                    "2024-01-02 03:00:00",
                    status,
                    "",
                    at,
                    "",
                    at,
                    "",
                    "",
                ]
            )
        file.write("T4,C1,EUR,NOPE,1,1,1,1,2024-01-02 03:00:00,PENDING,,2024-01-02 03:00:00,,2024-01-02 03:00:00,,\n")
    ingest([str(tmp_path)], contract=load_contract("trade_event"), database=database_url, options=RunOptions())
    install(database_url, schema_name="desk")

    exposure = query(
        database_url, "SELECT customer_id, currency, transaction_status, bought, sold, net FROM desk.customer_exposure"
    )
    assert sorted(exposure) == [
        ("C1", "EUR", "COMPLETED", Decimal("45.5"), 100, Decimal("-54.5")),
        ("C1", "USD", "COMPLETED", 110, 50, 60),
        ("C2", "EUR", "FAILED", 0, 10, -10),
        ("C2", "USD", "FAILED", 11, 0, 11),
    ]
    assert query(
        database_url, 'SELECT contract, reason, "column", rejects, open_rejects, files FROM desk.top_rejects'
    ) == [("trade_event", "failed_check", "to_currency", 1, 1, 1)]
    ((files, to_database, from_file),) = query(
        database_url, "SELECT files, event_to_database_median, file_to_database_p95 FROM desk.latency"
    )
    assert (files, to_database > timedelta(days=300), timedelta(0) < from_file < timedelta(hours=1)) == (1, True, True)


def test_reader_reads_the_views_and_changes_nothing(prints, database_url):
    install(database_url, reader="test_report_reader")
    install(database_url, reader="test_report_reader")  # again, as after an upgrade
    try:
        with psycopg.connect(database_url, autocommit=True) as connection:
            connection.execute("SET ROLE test_report_reader")
            for sql in (
                "SELECT * FROM report.daily_summary",
                "SELECT * FROM report.bars('1 hour', now() - interval '90 years', now())",
                "SELECT * FROM report.top_rejects",
                "SELECT * FROM report.latency",
                "SELECT * FROM trade_print",
            ):
                connection.execute(sql)
            for sql in ("DELETE FROM trade_print", "SELECT * FROM ingest.file", "CREATE TABLE report.mine (a int)"):
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    connection.execute(sql)
    finally:
        with psycopg.connect(database_url, autocommit=True) as connection:
            connection.execute("DROP OWNED BY test_report_reader")
            connection.execute("DROP ROLE test_report_reader")


def test_schema_of_somebody_else_is_left_alone(prints, database_url):
    query_only = "CREATE SCHEMA report; CREATE TABLE report.mine (a int)"
    with psycopg.connect(database_url) as connection:
        connection.execute(query_only)
    with pytest.raises(TargetIncompatibleError, match="was not made by"):
        install(database_url)
    assert query(database_url, "SELECT count(*) FROM report.mine") == [(0,)]
    with pytest.raises(NotInLedgerError, match="nothing stored"):
        refresh(database_url)
    with pytest.raises(NotInLedgerError, match="neither"):
        install(database_url, trades="no.such", events="no.other")
    with pytest.raises(TargetIncompatibleError, match="no name of a table"):
        install(database_url, trades="a; DROP TABLE b")


def test_command_names_what_it_made(prints, database_url):
    words = [sys.executable, "-m", "trade_ingest", "report", "install", "--database", database_url, "-o", "json"]
    done = subprocess.run(words, capture_output=True, text=True, check=True)

    made = json.loads(done.stdout)
    assert made["relations"] == ["bars(…)", "daily_summary", "daily_summary_stored", "latency", "top_rejects"]
    assert (made["trades"], made["events"]) == ("public.trade_print_current", None)
