"""Generated trade events, read back with nothing but Python's csv and decimal modules."""

import csv
from collections import Counter, defaultdict
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise

import numpy as np
import pytest

from trade_ingest.contract.loading import load_contract
from trade_ingest.generate import generate
from trade_ingest.generate.columns import Setting
from trade_ingest.generate.moments import FX_ACTIVITY, DayCurve
from trade_ingest.generate.schedule import Day, Rows
from trade_ingest.generate.trade_event import TradeEvents

HEADER = (
    "TradeId,CustomerId,From_Currency,To_Currency,From_Cost,To_Cost,From_Pip,To_Pip,Transaction_Date,"
    "Transaction_Status,Created_By,Created_On,Updated_By,Updated_on,From_Deposited_Account,To_Debited_Account"
)
MINOR_UNITS = {"JPY": 0}


def read_sets(files):
    for file in files:
        with file.path.open(newline="") as text:
            reader = csv.DictReader(text)
            assert ",".join(reader.fieldnames) == HEADER
            yield file, list(reader)


@pytest.fixture(scope="module")
def events(tmp_path_factory):
    """Twenty days of events: a list of (file, rows)."""
    result = generate(load_contract("trade_event"), tmp_path_factory.mktemp("events"), rows=20_000, files=20)
    return list(read_sets(result.files))


def moment(cell):
    return datetime.strptime(cell, "%Y-%m-%d %H:%M:%S.%f")  # noqa: DTZ007


def test_rows_are_as_many_as_asked_and_as_reported(events):
    assert sum(len(rows) for _, rows in events) == 20_000
    assert [len(rows) for _, rows in events] == [file.rows for file, _ in events]
    assert len({file.rows for file, _ in events}) > 10


def test_days_are_weekdays_and_hold_their_own_events(events):
    days = [file.date for file, _ in events]
    assert days[0] == date(2024, 1, 2)
    assert all(day.weekday() < 5 for day in days)
    assert days == sorted(set(days))
    for file, rows in events:
        for row in rows:
            assert moment(row["Transaction_Date"]).date() == moment(row["Created_On"]).date() == file.date
            assert (
                timedelta()
                <= moment(row["Updated_on"]) - datetime.combine(file.date, datetime.min.time())
                < timedelta(days=1, seconds=2)
            )


def test_times_follow_the_hours_of_the_market(events):
    hours = Counter(moment(row["Updated_on"]).hour for _, rows in events for row in rows)
    assert min(hours[h] for h in (13, 14, 15)) > 3 * max(hours[h] for h in (0, 21, 22))
    for _, rows in events:
        updates = [moment(row["Updated_on"]) for row in rows]
        assert sum(a > b for a, b in pairwise(updates)) < len(rows) / 100


def test_key_is_unique(events):
    keys = Counter((r["TradeId"], r["CustomerId"], r["Updated_on"]) for _, rows in events for r in rows)
    assert max(keys.values()) == 1


def test_trades_are_booked_before_they_end_and_change_nothing_else(events):
    trades = defaultdict(list)
    for _, rows in events:
        for row in rows:
            trades[row["TradeId"], row["CustomerId"]].append(row)
    histories = Counter()
    for history in trades.values():
        histories[tuple(row["Transaction_Status"] for row in history)] += 1
        if len(history) == 2:
            first, last = history
            changed = {name for name in first if first[name] != last[name]}
            assert changed <= {"Transaction_Status", "Updated_By", "Updated_on"}
            assert moment(first["Updated_on"]) < moment(last["Updated_on"])
        for row in history:
            assert moment(row["Transaction_Date"]) <= moment(row["Created_On"]) <= moment(row["Updated_on"])
    # a trade whose end did not fit into its file is only booked
    assert set(histories) == {("PENDING",), ("PENDING", "COMPLETED"), ("PENDING", "FAILED")}
    assert histories["PENDING", "COMPLETED"] > 10 * histories["PENDING", "FAILED"] > 0
    assert histories["PENDING", "COMPLETED"] > 3 * histories["PENDING",]


def test_amounts_are_the_one_times_the_rate(events):
    for _, rows in events:
        for row in rows:
            sold, bought, price, inverse = (Decimal(row[n]) for n in ("From_Cost", "To_Cost", "From_Pip", "To_Pip"))
            assert sold > 0
            assert price > 0
            assert abs(price * inverse - 1) < Decimal("0.001")
            unit = 10 ** -Decimal(MINOR_UNITS.get(row["To_Currency"], 2))
            assert abs(sold * price - bought) <= max(unit, bought * Decimal("0.0005"))
            for name in ("From", "To"):
                amount = Decimal(row[f"{name}_Cost"])
                assert amount == round(amount, MINOR_UNITS.get(row[f"{name}_Currency"], 2))


def test_rates_are_plausible_and_move(events):
    rates = defaultdict(list)
    for _, rows in events:
        for row in rows:
            rates[row["From_Currency"], row["To_Currency"]].append(Decimal(row["From_Pip"]))
    plausible = {
        ("EUR", "USD"): (Decimal("0.9"), Decimal("1.3")),
        ("USD", "JPY"): (Decimal(120), Decimal(180)),
        ("GBP", "USD"): (Decimal("1.0"), Decimal("1.5")),
        ("JPY", "USD"): (Decimal("0.005"), Decimal("0.009")),
    }
    for pair, (low, high) in plausible.items():
        assert low < min(rates[pair]) < max(rates[pair]) < high
        assert max(rates[pair]) / min(rates[pair]) > Decimal("1.005")
    assert len(rates) == 34


def test_customers_are_of_all_sizes_and_own_their_accounts(events):
    trades, accounts = Counter(), {}
    for _, rows in events:
        for row in rows:
            trades[row["CustomerId"]] += 1
            for account, currency in (
                ("From_Deposited_Account", "From_Currency"),
                ("To_Debited_Account", "To_Currency"),
            ):
                owner = (row["CustomerId"], row[currency])
                assert accounts.setdefault(row[account], owner) == owner
    assert len(trades) > 2_000
    assert max(trades.values()) > 3 * (20_000 / len(trades))


def test_optional_cells_are_sometimes_empty(events):
    empty = Counter(name for _, rows in events for row in rows for name, cell in row.items() if not cell)
    assert set(empty) == {"Created_By", "Updated_By"}


def test_unique_ids_make_each_row_a_trade_of_its_own(tmp_path):
    result = generate(load_contract("trade_event"), tmp_path, rows=5_000, files=5, unique_ids=True)
    rows = [row for _, rows in read_sets(result.files) for row in rows]
    assert len({(row["TradeId"], row["CustomerId"]) for row in rows}) == len(rows) == 5_000
    assert {row["Transaction_Status"] for row in rows} == {"PENDING", "COMPLETED", "FAILED"}


def test_duplicates_repeat_whole_rows_and_nothing_else_repeats(tmp_path):
    result = generate(load_contract("trade_event"), tmp_path, rows=6_000, files=6, duplicate_ratio=0.05, seed=4)
    seen, repeated, keys = {}, 0, set()
    for file, rows in read_sets(result.files):
        for row in rows:
            content = tuple(row.values())
            key = (row["TradeId"], row["CustomerId"], row["Updated_on"])
            if content in seen:
                repeated += 1
                assert seen[content] < file.date
            else:
                assert key not in keys
                keys.add(key)
        seen |= {tuple(row.values()): file.date for row in rows if tuple(row.values()) not in seen}
    assert repeated == result.duplicate_rows == 300


def test_key_is_unique_however_dense_the_day_is():
    contract = load_contract("trade_event")
    day = Day(0, date(2024, 1, 2), 0, 2_000_000_000, 0, 0)
    rows = Rows(day, np.arange(1_000_000_000, 1_000_020_000))
    setting = Setting(contract, seed=0, row_count=day.row_count, day_count=1)
    cells = TradeEvents(setting, DayCurve(FX_ACTIVITY, 0), unique_ids=False).cells(rows)
    keys = set(zip(*(cells[name].to_list() for name in contract.key), strict=True))
    assert len(keys) == 20_000
