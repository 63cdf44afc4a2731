"""What trades are, where feeds correct and cancel them: the views beside a target against plain Python."""

import random
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from trade_ingest.contract.loading import parse_contract
from trade_ingest.pipeline import ingest
from trade_ingest.rollback import rollback
from trade_ingest.run import RunOptions

CONTRACT = """
name: reports
version: 1
columns:
  - {name: venue, type: text, constant: sdr}
  - {name: symbol, type: text}
  - {name: trade_id, type: text}
  - {name: executed_at, type: timestamp, zone: UTC}
  - {name: reported_at, type: timestamp, zone: UTC, required: false}
  - {name: price, type: "decimal(38,12)"}
  - {name: quantity, type: "decimal(38,12)"}
  - {name: action, type: enum, values: {NEWT: NEW, CORR: CORRECT, EROR: CANCEL, TERM: TERMINATE, "-": NEW}}
  - {name: original_trade_id, type: text, required: false, null_tokens: ["", "-"]}
key: [trade_id, symbol, venue]
event_time: executed_at
target: {table: trade_print, layout: trade_print}
"""
HEADER = "symbol,trade_id,executed_at,reported_at,price,quantity,action,original_trade_id"
START = datetime(2024, 1, 2, 9, tzinfo=UTC)


@dataclass(frozen=True)
class Event:
    trade_id: str
    action: str = "NEWT"
    original: str = ""
    minute: int = 0
    price: int = 100
    symbol: str = "IRS"
    hour: int = 0

    @property
    def line(self):
        executed = START + timedelta(hours=self.hour)
        reported = executed + timedelta(minutes=self.minute)
        times = [f"{moment:%Y-%m-%dT%H:%M:%S}" for moment in (executed, reported)]
        return ",".join([self.symbol, self.trade_id, *times, str(self.price), "5", self.action, self.original or "-"])


def current_of(events):
    """What holds: the ids and prices, and the ids of what is parked; an oracle that follows each chain by hand."""
    original_of = {event.trade_id: event.original for event in events if event.original}

    def root_of(event):
        found, seen = event.trade_id, set()
        while found in original_of and found not in seen:
            seen.add(found)
            found = original_of[found]
        return found, len(seen)

    chains = {}
    for event in events:
        root, links = root_of(event)
        chains.setdefault(root, []).append((event, links))
    current, orphans = {}, set()
    for root, members in chains.items():
        if not any(event.trade_id == root and event.action == "NEWT" for event, _ in members):
            orphans |= {event.trade_id for event, _ in members}
            continue
        last, _ = max(members, key=lambda member: (member[0].hour * 60 + member[0].minute, member[1]))
        if last.action != "EROR":
            current[last.trade_id] = (last.price, last.action)
    return current, orphans


class Desk:
    """Delivers files into a database and looks at the views."""

    def __init__(self, folder, database, table="trade_print"):
        self.folder, self.database, self.table = folder, database, table
        text = CONTRACT.replace("table: trade_print", f"table: {table}")
        self.contract = parse_contract(text, origin="reports.yaml")
        folder.mkdir()

    def deliver(self, name, events):
        file = self.folder / name
        file.write_text("\n".join([HEADER, *(event.line for event in events)]) + "\n")
        result = ingest([str(file)], contract=self.contract, database=self.database, options=RunOptions())
        assert result.rows_rejected == 0
        return result

    def query(self, sql, *parameters):
        with psycopg.connect(self.database) as connection:
            return connection.execute(sql, parameters).fetchall()

    def current(self):
        words = {"NEW": "NEWT", "CORRECT": "CORR", "TERMINATE": "TERM", "CANCEL": "EROR"}
        rows = self.query(f"SELECT trade_id, price::int, action FROM {self.table}_current")
        assert len(rows) == len({row[0] for row in rows})
        return {trade_id: (price, words[action]) for trade_id, price, action in rows}

    def as_of(self, moment):
        with psycopg.connect(self.database) as connection:
            rows = connection.execute("SELECT trade_id, price::int FROM trade_print_as_of(%s)", [moment]).fetchall()
        return dict(rows)

    def orphans(self):
        return {trade_id for (trade_id,) in self.query(f"SELECT trade_id FROM {self.table}_orphans")}

    def now(self):
        return self.query("SELECT clock_timestamp()")[0][0]


@pytest.fixture
def desk(tmp_path, database_url):
    return Desk(tmp_path / "reports", database_url)


def test_correction_of_a_correction_holds_and_a_cancellation_ends_a_trade(desk):
    events = [
        Event("a"),
        Event("b", "CORR", "a", 1, 101),
        Event("c", "CORR", "b", 2, 102),
        Event("x"),
        Event("y", "EROR", "x", 5),
        Event("z", "TERM", "t", 9, 90),
        Event("t"),
        Event("alone", price=7),
    ]
    desk.deliver("all.csv", events)

    assert desk.current() == {"c": (102, "CORR"), "z": (90, "TERM"), "alone": (7, "NEWT")} == current_of(events)[0]
    assert desk.orphans() == set()
    assert desk.query("SELECT count(*) FROM trade_print") == [(8,)]  # nothing that was delivered is gone


def test_correction_is_parked_until_its_original_arrives(desk):
    desk.deliver("late.csv", [Event("b", "CORR", "a", 1, 101), Event("y", "EROR", "x", 5)])
    assert (desk.current(), desk.orphans()) == ({}, {"b", "y"})

    desk.deliver("early.csv", [Event("a"), Event("x")])
    assert (desk.current(), desk.orphans()) == ({"b": (101, "CORR")}, set())


def test_cancellation_under_the_same_id_and_a_circle_end(desk):
    desk.deliver("new.csv", [Event("n"), Event("k"), Event("p", "CORR", "q", 1), Event("q", "CORR", "p", 2)])
    desk.deliver("cancel.csv", [Event("n", "EROR", "", 30, hour=1)])

    assert desk.current() == {"k": (100, "NEWT")}
    assert desk.orphans() == {"p", "q"}


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_any_order_of_delivery_gives_the_same_trades(tmp_path, database_url, seed):
    draw = random.Random(seed)
    events = [Event(f"n{i}", price=draw.randint(1, 999), hour=draw.randint(0, 3)) for i in range(12)]
    for i in range(30):
        before = draw.choice([*events, Event(f"missing{draw.randint(0, 2)}")])
        action = draw.choice(["CORR", "CORR", "EROR", "TERM"])
        minute = (before.hour * 60 + before.minute) + 1 + i  # each report has a moment of its own
        events.append(Event(f"c{i}", action, before.trade_id, minute * 60 + i, draw.randint(1, 999)))
    events = [replace(event, minute=event.minute % 100_000) for event in events]
    expected = current_of(events)
    cuts = sorted(draw.sample(range(1, len(events)), 4))
    for order in range(3):
        shuffled = events[:]
        draw.shuffle(shuffled)
        desk = Desk(tmp_path / f"order{order}", database_url, f"order{order}")
        for i, (start, end) in enumerate(zip([0, *cuts], [*cuts, len(events)], strict=True)):
            desk.deliver(f"part{i}.csv", shuffled[start:end])
        assert (desk.current(), desk.orphans()) == expected


def test_trades_as_they_were_known(desk):
    before = desk.now()
    desk.deliver("one.csv", [Event("a"), Event("x", price=50)])
    loaded = desk.now()
    desk.deliver("two.csv", [Event("b", "CORR", "a", 1, 101)])
    corrected = desk.now()
    desk.deliver("one.csv", [Event("a"), Event("x", price=51)])  # delivered anew, the first version is kept beside
    replaced = desk.now()

    assert desk.as_of(before) == {}
    assert desk.as_of(loaded) == {"a": 100, "x": 50}
    assert desk.as_of(corrected) == {"b": 101, "x": 50}
    assert desk.as_of(replaced) == {"b": 101, "x": 51} == {t: price for t, (price, _) in desk.current().items()}

    ((file_id,),) = desk.query("SELECT max(file_id) FROM ingest.file")
    rollback(desk.database, file_ids=[file_id])
    assert desk.as_of(desk.now()) == {"b": 101, "x": 50}


def test_feed_without_ids_or_corrections_is_as_it_was_delivered(desk):
    text = CONTRACT.replace("key: [trade_id, symbol, venue]\n", "").replace("  - {name: trade_id, type: text}\n", "")
    for column in ("action", "original_trade_id", "reported_at"):
        text = "\n".join(line for line in text.splitlines() if f"name: {column}," not in line)
    desk.contract = parse_contract(text + "\ndrift: {unknown_columns: ignore}\n", origin="plain.yaml")

    desk.deliver("twins.csv", [Event("a"), Event("a")])

    assert desk.query("SELECT count(*), count(trade_id) FROM trade_print_current") == [(2, 0)]
