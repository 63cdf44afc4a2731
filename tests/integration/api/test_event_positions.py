"""Events that commit late, and readers that come and go: each event is read exactly once."""

import contextlib
import itertools
import random

import psycopg
import pytest

from trade_ingest.errors import UsageError
from trade_ingest.ledger.events import Event, EventKind, record_event
from trade_ingest.ledger.schema import upgrade
from trade_ingest.ledger.stream import (
    BEGINNING,
    EventFilter,
    Position,
    Snapshot,
    current_position,
    read_events,
)


@pytest.fixture
def ledger(database_url):
    upgrade(database_url)
    with psycopg.connect(database_url, autocommit=True) as connection:
        yield connection


def record(connection, why):
    record_event(connection, Event(EventKind.REJECTS_DISCARDED, detail={"why": why}))


def read_all(connection, position, **options):
    """What a reader gets until nothing is left, and where it stands then."""
    texts = []
    while True:
        page = read_events(connection, position, **options)
        texts += [event.detail["why"] for event in page.events]
        position = page.position
        if page.is_last:
            return texts, position


def test_event_of_a_held_back_transaction_is_read_when_it_commits(ledger, database_url):
    start = current_position(ledger)
    with psycopg.connect(database_url) as held_back:
        record(held_back, "late")  # has the lower id
        record(ledger, "early")
        before, position = read_all(ledger, start)
        held_back.commit()
    after, position = read_all(ledger, position)

    assert (before, after) == (["early"], ["late"])
    assert read_all(ledger, position)[0] == []


def test_position_crosses_a_connection_as_text(ledger, database_url):
    with psycopg.connect(database_url) as held_back:
        record(held_back, "late")
        record(ledger, "early")
        text = str(read_all(ledger, BEGINNING)[1])
        held_back.commit()

    assert read_all(ledger, Position.parse(text))[0] == ["late"]


def test_page_that_was_cut_off_goes_on_without_what_committed_since(ledger, database_url):
    with psycopg.connect(database_url) as held_back:
        record(held_back, "late")
        for number in range(4):
            record(ledger, number)
        page = read_events(ledger, BEGINNING, limit=2)
        held_back.commit()
    rest = [read_events(ledger, page.position, limit=2)]
    rest.append(read_events(ledger, rest[-1].position, limit=2))
    rest.append(read_events(ledger, rest[-1].position, limit=2))

    assert [event.detail["why"] for event in page.events] == [0, 1]
    assert [[event.detail["why"] for event in page.events] for page in rest] == [[2, 3], [], ["late"]]
    assert [page.is_last for page in rest] == [False, False, True]


def test_event_of_a_rolled_back_transaction_is_no_gap(ledger, database_url):
    with psycopg.connect(database_url) as undone:
        record(undone, "undone")
        undone.rollback()
    record(ledger, "done")

    assert read_all(ledger, BEGINNING)[0] == ["done"]


@pytest.mark.parametrize("seed", range(5))
def test_any_interleaving_of_commits_and_reads_gives_each_event_once(ledger, database_url, seed):
    chance = random.Random(seed)
    numbers = itertools.count()
    read, position, committed = [], BEGINNING, set()
    with contextlib.ExitStack() as stack:
        writers = [stack.enter_context(psycopg.connect(database_url)) for _ in range(5)]
        pending = {writer: [] for writer in writers}
        for _ in range(150):
            writer = chance.choice(writers)
            match chance.randrange(4):
                case 0 | 1:
                    pending[writer].append(next(numbers))
                    record(writer, pending[writer][-1])
                case 2:
                    if chance.random() < 0.2:
                        writer.rollback()
                    else:
                        writer.commit()
                        committed.update(pending[writer])
                    pending[writer] = []
                case _:
                    page = read_events(ledger, Position.parse(str(position)), limit=chance.choice([1, 2, 1000]))
                    read += [event.detail["why"] for event in page.events]
                    position = page.position
        for writer in writers:
            writer.rollback()
    read += read_all(ledger, position, limit=3)[0]

    assert sorted(read) == sorted(committed)


def test_filter_narrows_what_is_read(ledger):
    record(ledger, "wanted")
    record_event(ledger, Event(EventKind.TARGET_CREATED, detail={"why": "not wanted"}))

    assert read_all(ledger, BEGINNING, wanted=EventFilter(kinds=("rejects_discarded",)))[0] == ["wanted"]


def test_events_of_before_the_migration_come_first(ledger):
    record(ledger, "old")
    ledger.execute("UPDATE ingest.event SET transaction_id = '0'")
    start = current_position(ledger)
    record(ledger, "new")

    assert read_all(ledger, BEGINNING)[0] == ["old", "new"]
    assert read_all(ledger, start)[0] == ["new"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "7",
        "a:b:",
        "5:3:",
        "5:9:3",
        "1:2:~",
        "1:2:~0:0:~4",
        "1:2:~1:2:~x",
        "1:2:~1:2:~3~4",
        "9" * 30 + ":1:",
        "1:2:" * 3000,
    ],
)
def test_what_is_no_position_is_refused(text):
    with pytest.raises(UsageError, match="no position in the events"):
        Position.parse(text)


def test_snapshot_sees_what_had_ended():
    snapshot = Snapshot.parse("10:20:10,14")

    assert [number for number in (0, 9, 10, 13, 14, 19, 20, 99) if snapshot.sees(number)] == [0, 9, 13, 19]
    assert str(snapshot) == "10:20:10,14"
    assert Snapshot.parse("10:20:10").is_newer_than(snapshot)
    assert not snapshot.is_newer_than(snapshot)
