"""Ctrl-C on a real process: once, twice, and to the whole process group as a terminal sends it."""

import json
import os
import re
import signal
import time

import psycopg
import pytest

WAIT_SECONDS = 120


def until(condition, what):
    """Wait for something that another process does."""
    deadline = time.monotonic() + WAIT_SECONDS
    while not (found := condition()):
        assert time.monotonic() < deadline, f"{what} did not happen within {WAIT_SECONDS} s"
    return found


@pytest.fixture
def lock(program):
    """Holds the target locked, so that a load waits in the middle of its file until ``lock.close()``."""
    program.write("first.csv", [1])
    assert program("run", "first.csv").code == 0
    connection = psycopg.connect(program.database)
    connection.execute("LOCK TABLE tick IN ACCESS EXCLUSIVE MODE")
    yield connection
    connection.close()


def is_waiting(program):
    """Whether some load waits for the lock."""
    return program.query("SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'tick'::regclass")[0][0] > 0


def is_loading(program):
    """Whether a loader is connected."""
    query = (
        "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'trade-ingest file'"
    )
    return bool(program.query(query))


def start_and_wait(program, *arguments):
    process = program.start("run", "in", *arguments)
    until(lambda: is_waiting(program) or process.poll() is not None, "a load that waits")
    return process


def read_until(stream, start):
    """Read lines up to the one that starts so; lines of progress may be before it."""
    for line in stream:
        if line.startswith(start):
            return
    raise AssertionError(f"no line begins with {start!r}")


def states(program):
    return dict(program.query("SELECT split_part(uri, '/', -1), state FROM ingest.file"))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_first_signal_finishes_the_file_in_flight_and_stops(program, lock, number):
    for name in ("a", "b", "c"):
        program.write(f"in/{name}.csv", [ord(name)])
    process = start_and_wait(program)

    process.send_signal(number)
    read_until(process.stderr, "stopping after the files in flight; ")
    assert process.poll() is None
    lock.close()
    out, err = process.communicate(timeout=WAIT_SECONDS)

    assert process.returncode == 130
    assert re.sub(r"\d+\.\d\d s", "N s", out).splitlines()[:2] == [
        "run 2 interrupted in N s  tick → public.tick",
        "files    1 loaded, 0 skipped, up to 2 not begun",
    ]
    assert err.endswith("go on with: trade-ingest run in\n")
    assert states(program) == {"first.csv": "loaded", "a.csv": "loaded", "b.csv": "pending", "c.csv": "pending"}
    assert program("run", "in").code == 0
    assert set(states(program).values()) == {"loaded"}
    assert program.query("SELECT array_agg(tick_id ORDER BY tick_id) FROM tick") == [([1, 97, 98, 99],)]


@pytest.mark.parametrize("parallelism", [1, 2])
def test_second_signal_aborts_and_rolls_back_the_files_in_flight(program, lock, parallelism):
    for name in ("a", "b", "c"):
        program.write(f"in/{name}.csv", [ord(name)])
    process = start_and_wait(program, "--parallelism", parallelism)

    process.send_signal(signal.SIGINT)
    read_until(process.stderr, "stopping after ")
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=WAIT_SECONDS)
    lock.close()

    assert (process.returncode, out) == (130, "")
    assert err.endswith(
        "aborted: files in flight were rolled back; the ledger is consistent\n"
        "error[run.interrupted]: interrupted\n"
        "hint: nothing was half done: run it again\n"
    )
    assert program.query("SELECT state FROM ingest.run WHERE run_id = 2") == [("interrupted",)]
    assert program.query("SELECT tick_id FROM tick") == [(1,)]
    assert program("run", "in").code == 0
    assert program.query("SELECT array_agg(tick_id ORDER BY tick_id) FROM tick") == [([1, 97, 98, 99],)]


def test_signal_to_the_whole_group_leaves_the_workers_at_work(program):
    for number in range(40):
        program.write(f"in/{number:02}.csv", range(number * 1000, number * 1000 + 1000))
    process = program.start("run", "in", "--parallelism", "2", "-o", "jsonl")
    until(lambda: "run_planned" in process.stdout.readline(), "the plan")  # the workers are starting now

    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=WAIT_SECONDS)

    events = [json.loads(line) for line in out.splitlines()]
    loaded = [event for event in events if event["event"] == "file_loaded"]
    assert process.returncode == 130
    assert events[-1]["event"] == "run_ended"
    assert (events[-1]["state"], events[-1]["files_loaded"], events[-1]["files_failed"]) == (
        "interrupted",
        len(loaded),
        0,
    )
    assert "Traceback" not in err
    assert program.query("SELECT count(*) FROM ingest.attempt WHERE state <> 'loaded'") == [(0,)]
    assert program("run", "in").code == 0
    assert program.query("SELECT count(*), count(DISTINCT tick_id) FROM tick") == [(40_000, 40_000)]


@pytest.fixture
def spark_run(program, lock):
    """A run on Spark with three packs of files, the first of which waits for the lock."""
    pytest.importorskip("pyspark")
    for number in range(250):
        program.write(f"in/{number:03}.csv", [1000 + number])
    process = start_and_wait(program, "--engine", "spark", "--master", "local[2]", "--parallelism", "1")
    os.killpg(process.pid, signal.SIGINT)  # as a terminal sends it: to Java and to Spark's Python workers, too
    read_until(process.stderr, "stopping after the files in flight; ")
    return process


@pytest.mark.slow
def test_first_signal_lets_the_spark_job_in_flight_finish(program, lock, spark_run):
    lock.close()
    out, err = spark_run.communicate(timeout=WAIT_SECONDS)

    assert spark_run.returncode == 130
    assert "files    100 loaded, 0 skipped, up to 150 not begun" in out
    assert err.endswith("go on with: trade-ingest run in --engine spark --master 'local[2]' --parallelism 1\n")
    assert program("run", "in", "--engine", "local").code == 0
    assert program.query("SELECT array_agg(tick_id ORDER BY tick_id) FROM tick") == [([1, *range(1000, 1250)],)]


@pytest.mark.slow
def test_second_signal_cancels_the_spark_job_in_flight(program, lock, spark_run):
    os.killpg(spark_run.pid, signal.SIGINT)
    out, err = spark_run.communicate(timeout=WAIT_SECONDS)
    lock.close()

    assert (spark_run.returncode, out) == (130, "")
    assert err.startswith("aborted: files in flight were rolled back; the ledger is consistent\n")
    assert "Traceback" not in err
    until(lambda: not is_loading(program), "Spark's tasks end")
    assert program.query("SELECT tick_id FROM tick") == [(1,)]
    assert program("run", "in", "--engine", "local").code == 0
    assert program.query("SELECT array_agg(tick_id ORDER BY tick_id) FROM tick") == [([1, *range(1000, 1250)],)]
