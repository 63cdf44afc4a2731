"""One large file over several connections: the same rows, once, whatever happens between the commits."""

import subprocess
import sys
import threading

import psycopg
import pytest

from trade_ingest.load import transaction
from trade_ingest.load.parts import publish_parts, repair_parts
from trade_ingest.load.task import FileState, LoadOptions
from trade_ingest.load.transaction import Loader

LANES = {"lanes": 3, "threads": 3, "block_bytes": 400}

CRASHING_LOAD = """
import os, pickle, sys, threading
from trade_ingest.load import lanes, transaction
copy_rows, each_lane_has_a_block = lanes.copy_rows, threading.Barrier(3)
def copy_after_all_have_begun(cursor, into, target, payload):
    def wait_once():
        for number, part in enumerate(payload):
            if number == 0:
                each_lane_has_a_block.wait()
            yield part
    return copy_rows(cursor, into, target, wait_once())
lanes.copy_rows = copy_after_all_have_begun
def die_between_commits(lanes, file_id):
    for lane in lanes[1:]:
        lane.commit()
    os._exit(9)
transaction.publish_parts = die_between_commits
database, task = pickle.load(sys.stdin.buffer)
transaction.Loader(database).load(task)
"""


@pytest.fixture
def many(feed):
    feed.write("many.csv", feed.trades(1, 500))
    return feed


def crash_between_commits(feed, name):
    """Load a file in a process that dies when its lanes are committed and the file's transaction is not."""
    import pickle

    with feed.task(name, LoadOptions(**LANES)) as task:
        order = pickle.dumps((feed.database, task))
        process = subprocess.run([sys.executable, "-c", CRASHING_LOAD], input=order, check=False)
    assert process.returncode == 9


def test_lanes_load_the_same_rows_as_one_transaction(many):
    result = many.load("many.csv", **LANES)
    assert (result.state, result.rows_read, result.rows_loaded) == (FileState.LOADED, 500, 500)
    assert many.rows() == many.expected("many.csv")
    assert many.files("state, rows_loaded, control_totals ->> 'quantity'") == [("many.csv", "loaded", 500, "1000.00")]
    assert many.query("SELECT count(*) FROM ingest.file_part") == [(0,)]


def test_lanes_really_work_at_once(many, monkeypatch):
    used = []
    monkeypatch.setattr(
        transaction, "publish_parts", lambda lanes, file_id: used.append(len(lanes)) or publish_parts(lanes, file_id)
    )
    many.load("many.csv", **LANES)
    assert used == [3]


def test_partitions_that_appear_within_a_file_are_seen_by_all_lanes(feed):
    lines = [feed.trade(n, at=f"2024-{1 + n % 12:02}-15 10:00:00") for n in range(1, 400)]
    feed.write("year.csv", lines)
    assert feed.load("year.csv", **LANES).rows_loaded == 399
    assert feed.rows() == feed.expected("year.csv")
    assert len(feed.partitions()) == 12


def test_rejects_of_all_lanes_are_kept_once(feed, make_contract):
    feed.contract = make_contract(rejects={"max_count": 1000, "max_ratio": 1})
    good, bad = feed.trades(1, 300), [feed.trade(n, price="-1.00") for n in range(301, 501)]
    feed.write("mixed.csv", [line for pair in zip(bad + bad[:100], good, strict=True) for line in pair])
    result = feed.load("mixed.csv", **LANES)
    assert (result.rows_loaded, result.rows_rejected) == (300, 300)
    assert [row_number for _, row_number, _, _ in feed.rejects()] == list(range(1, 600, 2))


def test_a_key_conflict_falls_back_to_one_transaction_that_tells_rows_apart(feed):
    feed.write("first.csv", feed.trades(1, 100))
    feed.load("first.csv")
    feed.write("second.csv", [*feed.trades(1, 99), feed.trade(100, price="9.99"), *feed.trades(101, 300)])
    result = feed.load("second.csv", **LANES)
    assert (result.rows_loaded, result.rows_duplicate, result.rows_rejected) == (200, 99, 1)
    assert [codes for _, _, _, codes in feed.rejects()] == [["key_conflict"]]
    assert feed.attempts() == [("first.csv", 1, "loaded"), ("second.csv", 1, "loaded")]


def test_a_key_twice_in_one_file_does_not_lock_its_lanes_against_each_other(feed):
    feed.write("twice.csv", [line for n in range(1, 200) for line in (feed.trade(n), feed.trade(n))])
    result = feed.load("twice.csv", **LANES)
    assert (result.rows_loaded, result.rows_duplicate) == (199, 199)


def test_too_many_rejects_undo_all_lanes(feed):
    feed.write("bad.csv", [*feed.trades(1, 300), *(feed.trade(n, price="0.00") for n in range(301, 400))])
    result = feed.load("bad.csv", **LANES)
    assert (result.state, result.error.code) == (FileState.FAILED, "file.reject_limit")
    assert feed.rows() == []
    assert feed.query("SELECT count(*) FROM ingest.file_part") == [(0,)]


def test_a_changed_file_is_replaced_as_a_whole(many):
    many.load("many.csv", **LANES)
    many.write("many.csv", many.trades(11, 600))
    assert many.load("many.csv", **LANES).rows_loaded == 590
    assert many.rows() == many.expected("many.csv")


def test_a_crash_between_the_commits_is_undone_by_the_next_load(many):
    crash_between_commits(many, "many.csv")
    assert 0 < len(many.rows()) < 500, "the lanes had committed"
    assert many.files() == [("many.csv", "pending")]
    assert many.load("many.csv", **LANES).rows_loaded == 500
    assert many.rows() == many.expected("many.csv")
    assert many.attempts() == [("many.csv", 1, "abandoned"), ("many.csv", 2, "loaded")]
    assert many.query("SELECT count(*) FROM ingest.file_part") == [(0,)]


def test_a_crash_between_the_commits_is_undone_by_the_next_run_though_the_file_is_gone(many):
    crash_between_commits(many, "many.csv")
    (many.folder / "many.csv").unlink()
    many.write("other.csv", many.trades(1, 10))
    assert many.run().state == "succeeded"
    assert many.rows() == many.expected("other.csv")


def test_a_lost_connection_between_the_commits_is_tried_again(many, monkeypatch):
    calls = []

    def fail_once(lanes, file_id):
        if not calls:
            calls.append(1)
            lanes[1].commit()
            raise psycopg.OperationalError("server closed the connection unexpectedly")
        publish_parts(lanes, file_id)

    monkeypatch.setattr(transaction, "publish_parts", fail_once)
    assert many.load("many.csv", **LANES).rows_loaded == 500
    assert many.rows() == many.expected("many.csv")
    assert many.attempts() == [("many.csv", 1, "failed"), ("many.csv", 2, "loaded")]


def test_repair_leaves_a_file_alone_that_is_being_loaded(many):
    crash_between_commits(many, "many.csv")
    half = many.rows()
    with psycopg.connect(many.database) as other, psycopg.connect(many.database, autocommit=True) as connection:
        other.execute("SELECT 1 FROM ingest.file FOR NO KEY UPDATE")
        assert repair_parts(connection) == []
        assert many.rows() == half
        other.rollback()
        assert len(repair_parts(connection)) == 1
    assert many.rows() == []


def test_a_later_attempt_waits_until_the_lanes_of_an_earlier_one_can_commit_no_more(many, wait_until):
    with many.task("many.csv", LoadOptions(**LANES)) as task, psycopg.connect(many.database) as lane:
        lane.execute(
            "INSERT INTO ingest.attempt (file_id, run_id, number, state, worker)"
            " VALUES (%s, %s, 1, 'running', 'dead:1')",
            [task.file_id, task.run_id],
        )
        lane.commit()
        lane.execute("SELECT 1 FROM ingest.attempt WHERE worker = 'dead:1' FOR SHARE")
        results = []
        with Loader(many.database) as loader:
            thread = threading.Thread(target=lambda: results.append(loader.load(task)))
            thread.start()
            wait_until(
                lambda: many.query(
                    "SELECT 1 FROM pg_stat_activity"
                    " WHERE wait_event_type = 'Lock' AND query LIKE 'UPDATE ingest.attempt%%'"
                ),
                "the later attempt waits",
            )
            assert many.rows() == []
            lane.rollback()
            thread.join()
    assert results[0].rows_loaded == 500
    assert many.attempts() == [("many.csv", 1, "abandoned"), ("many.csv", 2, "loaded")]
