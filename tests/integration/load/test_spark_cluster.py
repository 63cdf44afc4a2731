"""A standalone Spark cluster, a master and two workers of one core, of which parts are killed while files are loaded.

After each fault a further run brings the target to exactly the rows of the files.
"""

import os
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest

pytest.importorskip("pyspark")

from relay import Relay
from spark_cluster import SparkCluster, children, command_of
from trade_ingest.embedded.cluster import DATABASE, Cluster

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


def longer(value):
    """A further form of a fault that another form shows too; each takes half a minute: `make torture`."""
    return pytest.param(value, marks=pytest.mark.torture)


WRITER = Path(__file__).with_name("writer.py")
FILES = [f"{number}.csv" for number in range(4)]
SPECULATION = {
    "spark.speculation": "true",
    "spark.speculation.interval": "100ms",
    "spark.speculation.minTaskRuntime": "500ms",
    "spark.speculation.task.duration.threshold": "1s",
}


@pytest.fixture(scope="module")
def relay(postgres_server):
    """The way to the server that the second worker has, for a database of which no host is named."""
    relay = Relay(postgres_server.postmaster.socket_dir, postgres_server.postmaster.port)
    yield relay
    relay.cut()


@pytest.fixture(scope="module")
def cluster(postgres_server, relay):
    with tempfile.TemporaryDirectory(prefix="trade-ingest-spark") as folder:
        direct = {"PGHOST": postgres_server.postmaster.socket_dir, "PGPORT": str(postgres_server.postmaster.port)}
        cluster = SparkCluster(Path(folder), {0: direct, 1: {"PGHOST": "127.0.0.1", "PGPORT": str(relay.port)}})
        try:
            cluster.start()
            yield cluster
        finally:
            cluster.stop()


@pytest.fixture
def files(feed):
    for number, name in enumerate(FILES):
        feed.write(name, feed.trades(1000 * number + 1000, 1000 * number + 1199))
    feed.prepare()
    return feed


@pytest.fixture
def stopped_load(cluster, files, gate, drive):
    """A run on the cluster, with loads that wait at the gate in the middle of their COPY."""
    gate.at("BEFORE INSERT", "market.trade", "NEW.row_number = 150")
    run = drive(parallelism=2, **cluster.options)
    gate.wait_for(2)
    return run


def loading(feed):
    """The processes that load files now."""
    found = feed.query("SELECT worker FROM ingest.attempt WHERE state = 'running' ORDER BY attempt_id")
    return [int(worker.rpartition(":")[2]) for (worker,) in found]


def waiting_for(feed, session):
    """The sessions that wait for the transaction of another one."""
    return feed.query("SELECT pid FROM pg_stat_activity WHERE %s = ANY (pg_blocking_pids(pid))", session)


def end_waiting_sessions(feed, gate):
    """A session that waits for a lock does not notice that its client is gone."""
    for backend in gate.waiting():
        feed.query("SELECT pg_terminate_backend(%s, 60000)", backend)


def check(feed):
    """A further run, and then each row is there once."""
    result = feed.run()
    assert result.files_failed == 0
    assert feed.rows() == feed.expected(*FILES)
    assert feed.files() == [(name, "loaded") for name in FILES]


@pytest.fixture
def order(cluster, feed):
    """A write of 400 numbers in two partitions into a table that is there."""
    feed.query("CREATE TABLE public.number (id bigint NOT NULL)")
    return {"master": cluster.url, "conf": cluster.options["spark_conf"], "database": feed.database, "rows": 400}


def check_numbers(feed):
    assert feed.query("SELECT id FROM public.number ORDER BY id") == [(number,) for number in range(400)]


@pytest.mark.parametrize("part", ["python worker", "executor", "worker"])
def test_killed_part_of_the_cluster_costs_nothing_but_time(cluster, files, stopped_load, gate, part):
    (victim, *_) = loading(files)
    processes = {
        "python worker": lambda: [victim],
        "executor": lambda: [cluster.executor_of(victim).pid],
        # an executor outlives its worker for a while: a machine that is gone takes both
        "worker": lambda: [cluster.worker_of(victim).pid, cluster.executor_of(victim).pid],
    }[part]()
    worker = cluster.worker_of(victim)
    for process in processes:
        os.kill(process, signal.SIGKILL)
    end_waiting_sessions(files, gate)
    gate.open()

    result = stopped_load.result()
    if part == "worker":
        cluster.replace_worker(worker)

    assert (result["files_loaded"] + result["files_failed"], result["files_planned"]) == (4, 4)
    check(files)


def test_killed_driver_leaves_a_run_that_the_next_one_finds_abandoned(cluster, files, stopped_load, gate, wait_until):
    loaders = loading(files)
    stopped_load.kill()
    end_waiting_sessions(files, gate)
    gate.open()
    wait_until(lambda: not any(map(psutil.pid_exists, loaders)), "its tasks end")

    check(files)
    assert files.runs() == ["abandoned", "succeeded"]


@pytest.mark.parametrize("winner", ["first attempt", longer("twin")])
def test_speculative_twin_waits_for_the_first_attempt_and_then_finds_its_work_done(
    cluster, files, gate, drive, wait_until, winner
):
    gate.at("BEFORE INSERT", "market.trade", "NEW.row_number = 150")
    options = cluster.options
    before = len(cluster.second_attempts())
    run = drive(parallelism=1, **options | {"spark_conf": options["spark_conf"] | SPECULATION})
    first = gate.wait_for(2)  # a task loads two files at once
    wait_until(lambda: len(cluster.second_attempts()) > before, "Spark starts a second attempt of the task")
    wait_until(lambda: all(waiting_for(files, pid) for pid in first), "the twin waits for both transactions")
    if winner == "twin":
        for pid in first:
            files.query("SELECT pg_terminate_backend(%s, 60000)", pid)
        wait_until(lambda: len(gate.waiting()) == 2, "the twin has the files")  # or one of each has
    gate.open()

    assert run.result()["state"] == "succeeded"
    check(files)
    if winner == "first attempt":  # which the twin has not cut short
        assert files.attempts() == [(name, 1, "loaded") for name in FILES]


@pytest.mark.parametrize("how_long", ["for a moment", longer("until the end")])
def test_worker_that_is_cut_off_from_the_database_costs_nothing_but_time(
    cluster, files, gate, drive, wait_until, relay, monkeypatch, how_long
):
    for name, value in cluster.environments[0].items():
        monkeypatch.setenv(name, value)  # the driver has the way of the first worker
    gate.at("BEFORE INSERT", "market.trade", "NEW.row_number = 150")
    run = drive(parallelism=2, database=f"postgresql://postgres@{urlsplit(files.database).path}", **cluster.options)
    gate.wait_for(2)
    wait_until(lambda: relay.clients() >= 2, "the second worker loads, too")
    relay.cut()
    if how_long == "for a moment":
        relay.open()
    gate.open()
    result = run.result()
    if how_long == "for a moment":
        assert result["state"] == "succeeded"
    else:
        relay.open()
        assert result["files_loaded"] + result["files_failed"] == len(FILES)
        assert result["files_failed"] > 0
    check(files)


def test_loads_that_are_cut_off_from_the_database_are_tried_again(files, stopped_load, gate):
    for _ in range(3):
        files.query(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
            " AND application_name IN ('trade-ingest file', 'trade-ingest ledger')"
        )
        time.sleep(0.3)
    gate.open()

    assert stopped_load.result()["state"] == "succeeded"
    check(files)


def test_restart_of_the_server_is_survived(cluster, feed, server_directory, gate_of, drive):
    server = Cluster(server_directory, settings={"fsync": "off", "shared_buffers": "32MB"})
    other = replace(feed, database=server.start().url(DATABASE))
    try:
        for number, name in enumerate(FILES):
            other.write(name, other.trades(1000 * number + 1000, 1000 * number + 1199))
        other.prepare()
        with gate_of(other.database) as gate:
            gate.at("BEFORE INSERT", "market.trade", "NEW.row_number = 150")
            run = drive(parallelism=2, of=other, **cluster.options)
            gate.wait_for(2)
        server.stop()  # at once: what is open is rolled back
        server.start()

        # its own connection is gone too, so the run may end with an error; what it has loaded is in the ledger
        run.process.communicate(timeout=120)
        check(other)
    finally:
        server.stop()


def test_two_drivers_share_the_files(cluster, files, gate, drive):
    options = cluster.options
    one_core = options | {"spark_conf": options["spark_conf"] | {"spark.cores.max": "1"}}
    gate.at("BEFORE INSERT", "market.trade", "NEW.row_number = 150")
    runs = [drive(parallelism=1, **one_core) for _ in range(2)]
    gate.wait_for(2)
    gate.open()

    results = [run.result() for run in runs]
    assert [result["state"] for result in results] == ["succeeded", "succeeded"]
    assert sum(result["files_loaded"] for result in results) == 4
    check(files)


def test_executors_without_the_package_are_found_before_the_run(cluster, files, tmp_path, drive):
    (tmp_path / "trade_ingest").mkdir()
    (tmp_path / "trade_ingest" / "__init__.py").write_text("raise ImportError('not installed here')\n")
    options = cluster.options
    conf = options["spark_conf"] | {"spark.executorEnv.PYTHONPATH": str(tmp_path)}

    error = drive(parallelism=2, **options | {"spark_conf": conf}).result()

    assert error["error"] == "engine.unusable"
    assert "cannot import trade_ingest: not installed here" in error["message"]
    assert "spark.archives" in error["hint"]
    assert files.query("SELECT state, error ->> 'code' FROM ingest.run") == [("failed", "engine.unusable")]
    assert files.rows() == []


@pytest.mark.parametrize("part", [longer("python worker"), "executor", longer("driver")])
def test_write_goes_on_where_it_was_cut_off(cluster, feed, gate, start, wait_until, order, part):
    gate.at("BEFORE INSERT", "public.number", "NEW.id IN (150, 350)")
    first = start(WRITER, order)
    sessions = gate.wait_for(2)
    (executor, *_) = cluster.executors.values()
    writers = [process for process in children(executor.pid) if "pyspark" in command_of(process)]
    victims = {"python worker": writers, "executor": [executor], "driver": []}[part]
    for process in victims:
        process.kill()
    if part == "driver":
        first.kill()
    end_waiting_sessions(feed, gate)
    wait_until(lambda: set(sessions).isdisjoint(gate.waiting()), "the cut-off sessions end")
    gate.open()

    if part != "driver":
        assert first.result() == [2, 400, 0]
    again = start(WRITER, order).result()

    assert (again[0], again[1] + again[2]) == (2, 400)
    check_numbers(feed)


@pytest.mark.parametrize("way", [longer("write"), "postgres_copy"])
@pytest.mark.parametrize("winner", [longer("first attempt"), "twin"])
def test_speculative_twin_of_a_write_waits_and_writes_nothing_twice(
    cluster, feed, gate, start, wait_until, order, way, winner
):
    gate.at("BEFORE INSERT", "public.number", "NEW.id = 150")
    before = len(cluster.second_attempts())
    run = start(WRITER, order | {"conf": order["conf"] | SPECULATION, "is_format": way == "postgres_copy"})
    (first,) = gate.wait_for()
    wait_until(lambda: len(cluster.second_attempts()) > before, "Spark starts a second attempt of the task")
    wait_until(lambda: waiting_for(feed, first), "the twin waits for the transaction of the first attempt")
    if winner == "twin":
        feed.query("SELECT pg_terminate_backend(%s, 60000)", first)
        wait_until(lambda: set(gate.waiting()) - {first}, "the twin has the partition")
    gate.open()

    assert run.result() == ([2, 400, 0] if way == "write" else [2, 0, 400])
    check_numbers(feed)


def test_write_survives_a_stage_that_is_tried_again(cluster, feed, gate, start, order):
    """The executor that is killed had rows that other tasks were to fetch from it."""
    gate.at("BEFORE INSERT", "public.number")
    before = len(cluster.second_stages())
    run = start(WRITER, order | {"partitions": 6})
    gate.wait_for(2)  # four tasks of the second stage have not begun
    (executor, *_) = cluster.executors.values()
    executor.kill()
    gate.open()

    assert run.result() == [6, 400, 0]
    assert len(cluster.second_stages()) > before
    check_numbers(feed)


@pytest.mark.torture
def test_archive_of_packages_is_all_that_executors_need(cluster, feed, monkeypatch):
    root = Path(__file__).parents[3]
    subprocess.run(["make", "-C", str(root), "dist"], check=True, stdout=subprocess.DEVNULL)
    archive = root / "dist" / "trade-ingest-packages.tar.gz"
    conf = cluster.options["spark_conf"] | {
        "spark.archives": f"{archive}#packages",
        "spark.executorEnv.PYTHONPATH": "./packages",
    }
    monkeypatch.setenv("PYSPARK_PYTHON", sys._base_executable)  # has no packages
    monkeypatch.setenv("PYSPARK_DRIVER_PYTHON", sys.executable)
    feed.write("0.csv", feed.trades(1, 100))

    result = feed.run(engine="spark", master=cluster.url, spark_conf=conf, parallelism=2)

    assert (result.state, result.rows_loaded) == ("succeeded", 100)
    assert feed.rows() == feed.expected("0.csv")
