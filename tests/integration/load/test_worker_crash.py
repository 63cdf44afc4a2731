import os
import signal
import threading
from contextlib import ExitStack

import psutil
import psycopg
import pytest

from trade_ingest import pipeline
from trade_ingest.engine.local import LocalEngine
from trade_ingest.run import RunOptions

WAITING_FOR_AN_ATTEMPT = (
    "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    " AND query LIKE 'UPDATE ingest.attempt%'"
)


@pytest.fixture
def two_files(feed):
    """Two files, so that worker processes are used."""
    feed.write("a.csv", feed.trades(1, 200))
    feed.write("b.csv", feed.trades(201, 210))
    feed.prepare()
    return feed


@pytest.fixture
def run_in_thread(feed):
    """Starts a run with two workers in a thread; what it returns gives the result."""

    def start():
        results = []
        thread = threading.Thread(target=lambda: results.append(feed.run(parallelism=2)))
        thread.start()

        def result():
            thread.join()
            return results[0]

        return result

    return start


def worker_of(feed, name, number):
    """The process that makes an attempt at a file."""
    found = feed.query(
        "SELECT a.worker FROM ingest.attempt AS a JOIN ingest.file AS f USING (file_id)"
        " WHERE f.uri LIKE %s AND a.number = %s AND a.state = 'running'",
        f"%/{name}",
        number,
    )
    return int(found[0][0].rpartition(":")[2]) if found else None


@pytest.mark.parametrize(
    ("moment", "table", "condition", "is_at_commit"),
    [
        ("BEFORE INSERT", "market.trade", "NEW.row_number = 150", False),
        ("BEFORE UPDATE", "ingest.file", "NEW.state = 'loaded' AND NEW.rows_read = 200", False),
    ],
    ids=["within COPY", "before COMMIT"],
)
def test_file_of_a_killed_worker_is_loaded_by_another_one(
    two_files, gate, run_in_thread, wait_until, moment, table, condition, is_at_commit
):
    feed = two_files
    gate.at(moment, table, condition, is_at_commit=is_at_commit)
    result = run_in_thread()
    (backend,) = gate.wait_for()
    worker = worker_of(feed, "a.csv", 1)
    assert psutil.Process(worker).ppid() == os.getpid()

    os.kill(worker, signal.SIGKILL)
    wait_until(lambda: ("a.csv", 1, "abandoned") in feed.attempts(), "the attempt is seen as abandoned")
    gate.open()

    assert (result().state, result().files_loaded, result().rows_loaded) == ("succeeded", 2, 210)
    assert feed.rows() == feed.expected("a.csv", "b.csv")
    assert [a for a in feed.attempts() if a[0] == "a.csv"] == [("a.csv", 1, "abandoned"), ("a.csv", 2, "loaded")]
    assert backend not in feed.query("SELECT array_agg(pid) FROM pg_stat_activity")[0][0]


def test_files_that_shared_a_worker_when_it_died_are_tried_again_alone(feed, gate, run_in_thread, wait_until):
    feed.write("a.csv", feed.trades(201, 400))  # the larger file comes first
    feed.write("b.csv", feed.trades(1, 200))
    feed.prepare()
    gate.at("BEFORE INSERT", "market.trade", "NEW.row_number = 150")
    result = run_in_thread()
    backends = gate.wait_for(2)
    worker = worker_of(feed, "a.csv", 1)
    assert worker_of(feed, "b.csv", 1) == worker

    os.kill(worker, signal.SIGKILL)
    for backend in backends:  # it would wait at the gate
        feed.query("SELECT pg_terminate_backend(%s, 60000)", backend)
    suspect = wait_until(lambda: worker_of(feed, "a.csv", 2), "the first file is tried again")
    (backend,) = gate.wait_for()
    assert worker_of(feed, "b.csv", 2) is None

    os.kill(suspect, signal.SIGKILL)
    feed.query("SELECT pg_terminate_backend(%s, 60000)", backend)
    gate.wait_for()
    gate.open()

    assert (result().state, result().files_loaded) == ("succeeded", 2)
    assert feed.attempts() == [
        ("a.csv", 1, "abandoned"),
        ("a.csv", 2, "abandoned"),
        ("a.csv", 3, "loaded"),
        ("b.csv", 1, "abandoned"),
        ("b.csv", 2, "loaded"),
    ]
    assert feed.rows() == feed.expected("a.csv", "b.csv")


def test_worker_killed_within_its_commit_has_loaded_the_file(two_files, gate, run_in_thread, wait_until):
    feed = two_files
    gate.at("AFTER UPDATE", "ingest.file", "NEW.state = 'loaded' AND NEW.rows_read = 200", is_at_commit=True)
    result = run_in_thread()
    gate.wait_for()

    os.kill(worker_of(feed, "a.csv", 1), signal.SIGKILL)
    wait_until(
        lambda: feed.query(WAITING_FOR_AN_ATTEMPT),
        "the engine waits to know what became of the attempt",
    )
    gate.open()

    assert (result().state, result().files_loaded, result().rows_loaded) == ("succeeded", 2, 210)
    assert feed.rows() == feed.expected("a.csv", "b.csv")
    assert [a for a in feed.attempts() if a[0] == "a.csv"] == [("a.csv", 1, "loaded")]


def test_file_whose_worker_dies_three_times_fails_and_the_others_are_loaded(two_files, gate, run_in_thread, wait_until):
    feed = two_files
    gate.at("BEFORE INSERT", "market.trade", "NEW.row_number = 150")
    result = run_in_thread()

    for number in (1, 2, 3):
        (backend,) = gate.wait_for()
        os.kill(wait_until(lambda: worker_of(feed, "a.csv", number), "the attempt is recorded"), signal.SIGKILL)  # noqa: B023
        wait_until(lambda: worker_of(feed, "a.csv", number) is None, "the attempt is abandoned")  # noqa: B023
        feed.query("SELECT pg_terminate_backend(%s, 60000)", backend)  # it would wait at the gate

    assert (result().state, result().files_loaded, result().files_failed) == ("failed", 1, 1)
    assert [(f.reason, f.error.is_retryable) for f in result().failed] == [("file.worker_lost", True)]
    assert feed.files("state, reason") == [("a.csv", "failed", "file.worker_lost"), ("b.csv", "loaded", None)]
    assert [a for a in feed.attempts() if a[0] == "a.csv"] == [("a.csv", n, "abandoned") for n in (1, 2, 3)]
    assert feed.query("SELECT kind FROM ingest.event WHERE file_id = 1") == [("file_failed",)]
    assert feed.rows() == feed.expected("b.csv")
    gate.open()
    assert feed.run().rows_loaded == 200
    assert feed.rows() == feed.expected("a.csv", "b.csv")


def test_cut_connection_of_a_load_is_replaced_by_a_new_one(feed, gate, drive):
    feed.write("a.csv", feed.trades(1, 200))
    feed.prepare()
    gate.at("BEFORE INSERT", "market.trade", "NEW.row_number = 150")
    run = drive()
    (backend,) = gate.wait_for()

    feed.query("SELECT pg_terminate_backend(%s, 60000)", backend)
    gate.open()

    assert run.result()["state"] == "succeeded"
    assert feed.rows() == feed.expected("a.csv")
    assert feed.attempts() == [("a.csv", 1, "failed"), ("a.csv", 2, "loaded")]
    ((code, said),) = feed.query(
        "SELECT error ->> 'code', error ->> 'message' FROM ingest.attempt WHERE state = 'failed'"
    )
    assert (code, said) == ("database.unavailable", "terminating connection due to administrator command")


def test_stop_lets_files_in_flight_finish_and_begins_no_other(feed, gate, make_contract):
    for number in range(6):
        feed.write(f"{number}.csv", feed.trades(10 * number, 10 * number + 9))
    feed.prepare()
    gate.at("BEFORE UPDATE", "ingest.file", "NEW.state = 'loaded'")
    stop = threading.Event()
    results = []
    thread = threading.Thread(
        target=lambda: results.append(
            pipeline.ingest(
                [str(feed.folder)],
                contract=feed.contract,
                database=feed.database,
                options=RunOptions(parallelism=2),
                stop=stop,
            )
        )
    )
    thread.start()
    gate.wait_for(2)
    stop.set()
    gate.open()
    thread.join()

    assert (results[0].state, results[0].files_planned, results[0].files_loaded) == ("interrupted", 6, 2)
    assert feed.rows() == feed.expected("0.csv", "1.csv")
    assert feed.runs() == ["interrupted"]
    assert feed.run().state == "succeeded"
    assert feed.rows() == feed.expected(*[f"{number}.csv" for number in range(6)])


@pytest.mark.parametrize(("parallelism", "processes"), [(2, 1), (6, 2), (20, 2)])
def test_idle_workers_end_with_the_engine(feed, parallelism, processes):
    names = [f"{number}.csv" for number in range(6)]
    for number, name in enumerate(names):
        feed.write(name, feed.trades(10 * number, 10 * number + 9))
    feed.prepare()
    with ExitStack() as stack:
        tasks = [stack.enter_context(feed.task(name)) for name in names]
        engine = LocalEngine(feed.database, parallelism)
        results = list(engine.run(tasks, on_progress=lambda _: None, stop=threading.Event()))

    assert [(r.state, r.rows_loaded) for r in results] == [("loaded", 10)] * 6
    assert len(engine.worker_pids) == processes
    assert [pid for pid in engine.worker_pids if psutil.pid_exists(pid)] == []
    with psycopg.connect(feed.database) as connection:
        names = connection.execute(
            "SELECT application_name FROM pg_stat_activity"
            " WHERE datname = current_database() AND application_name <> ''"
        ).fetchall()
    assert names == []
