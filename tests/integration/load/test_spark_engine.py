"""The engine ``spark`` in a session of its own on this machine."""

import contextlib
import importlib.util
import json
import logging
import socket
import subprocess
import sys
import threading
import urllib.request
from datetime import UTC, datetime
from types import SimpleNamespace

import psycopg
import pyarrow.parquet as pq
import pytest

from trade_ingest import pipeline
from trade_ingest import spark as ti
from trade_ingest.engine import spark, spark_session
from trade_ingest.engine.spark import SparkEngine
from trade_ingest.engines import WORKERS_FROM_BYTES, engine_for, open_engine
from trade_ingest.errors import EngineError
from trade_ingest.load.task import LoadTask
from trade_ingest.run import RunOptions
from trade_ingest.source.file import SourceFile
from trade_ingest.source.local import stat_path

pytest.importorskip("pyspark")


@pytest.fixture(scope="module")
def session():
    """A session with two slots and the web interface on a free port."""
    conf = {"spark.ui.enabled": "true", "spark.ui.port": "0", "spark.sql.shuffle.partitions": "1"}
    session, is_ours = spark_session.open_session("local[2]", conf)
    assert is_ours
    yield session
    session.stop()


@pytest.fixture
def engine(session, feed):
    return SparkEngine(session, feed.database)


@pytest.fixture
def four_files(feed):
    for number in range(4):
        feed.write(f"{number}.csv", feed.trades(100 * number + 100, 100 * number + 149))
    feed.prepare()
    return feed


def note_progress(feed):
    """Write what a loader writes after half a second."""
    feed.query(
        "INSERT INTO ingest.progress (file_id, run_id, stage, bytes_read, size_bytes, rows_read, rows_rejected)"
        " VALUES (1, 1, 'loading', 10, 20, 5, 0)"
    )


def test_files_are_loaded_as_by_the_local_engine(session, feed):
    feed.write("a.csv", feed.trades(1, 300))
    feed.write("b.csv", [*feed.trades(301, 400), "401,EURUSD,2024-01-15 10:00:00,x,2.00"])
    feed.write("c.csv", ["broken"] * 20)
    feed.write("d.csv", feed.trades(1, 300))

    result = feed.run(engine="spark", parallelism=2)

    assert (result.state, result.files_loaded, result.files_failed, result.files_skipped) == ("failed", 2, 1, 1)
    assert (result.rows_read, result.rows_loaded, result.rows_rejected) == (401, 400, 1)
    loaded = "a.csv" if ("a.csv", "loaded") in feed.files() else "d.csv"
    assert [row for row in feed.rows() if row[0] != "b.csv"] == feed.expected(loaded)
    assert len(feed.rows()) == 400
    assert [reject[:2] for reject in feed.rejects() if reject[0] == "b.csv"] == [("b.csv", 101)]
    assert feed.runs("engine") == ["spark"]
    assert feed.query("SELECT kind, count(*) FROM ingest.event WHERE file_id > 0 GROUP BY kind ORDER BY kind") == [
        ("file_failed", 1),
        ("file_loaded", 2),
        ("file_skipped", 1),
    ]


def test_executors_hand_over_what_they_have_loaded(session, feed, tmp_path):
    feed.write("a.csv", feed.trades(1, 30))
    feed.write("b.csv", [*feed.trades(31, 40), "41,EURUSD,2024-01-15 10:00:00,x,2.00"])
    kinds = ["parquet", *(["iceberg"] if importlib.util.find_spec("pyiceberg") else [])]

    result = feed.run(engine="spark", parallelism=2, also=[f"{kind}:{tmp_path}/{kind}" for kind in kinds])

    assert (result.files_loaded, result.files_handed_over, result.handover_failed) == (2, 2 * len(kinds), [])
    for kind in kinds:
        parts = [pq.read_table(path, partitioning=None) for path in (tmp_path / kind).rglob("*.parquet")]
        assert sorted(row["trade_id"] for part in parts for row in part.to_pylist()) == list(range(1, 41))


def test_active_session_is_reused_and_stays(session, feed):
    feed.write("a.csv", feed.trades(1, 3))
    assert engine_for("auto") == "spark"

    assert feed.run(engine="auto").rows_loaded == 3

    assert spark_session.active_session() is session
    assert session.range(3).count() == 3


def test_nothing_to_do_needs_no_spark(session, feed, monkeypatch):
    feed.write("a.csv", feed.trades(1, 3))
    feed.run(engine="spark")
    monkeypatch.setattr(spark_session, "open_session", None)

    assert feed.run(engine="spark").files_planned == 0


def test_progress_comes_from_the_ledger(engine, four_files, gate, wait_until):
    feed = four_files
    gate.at("BEFORE UPDATE", "ingest.file", "NEW.state = 'loaded'")
    seen, results = [], []

    def work():
        with contextlib.ExitStack() as stack:
            tasks = [stack.enter_context(feed.task("0.csv"))]
            results.extend(engine.run(tasks, on_progress=seen.append, stop=threading.Event()))

    thread = threading.Thread(target=work)
    thread.start()
    gate.wait_for()
    note_progress(feed)
    wait_until(lambda: seen, "progress is seen")
    gate.open()
    thread.join()

    assert (seen[0].uri, seen[0].bytes_read, seen[0].rows_read) == (f"{feed.folder}/0.csv", 10, 5)
    assert [r.rows_loaded for r in results] == [50]


def test_connections_stay_below_the_limit(session, four_files, gate):
    feed = four_files
    gate.at("BEFORE UPDATE", "ingest.file", "NEW.state = 'loaded'")
    results = []
    thread = threading.Thread(target=lambda: results.append(feed.run(engine="spark", parallelism=4, max_connections=6)))
    thread.start()
    gate.wait_for(2)
    used = feed.query(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
        " AND application_name LIKE 'trade-ingest %%'"
    )
    assert used[0][0] <= 6
    assert len(gate.waiting()) == 2
    gate.open()
    thread.join()
    assert results[0].files_loaded == 4


def test_task_loads_two_files_at_once(session, four_files, gate):
    """One is parsed while PostgreSQL takes the rows of the other."""
    feed = four_files
    gate.at("BEFORE UPDATE", "ingest.file", "NEW.state = 'loaded'")
    results = []
    thread = threading.Thread(target=lambda: results.append(feed.run(engine="spark", parallelism=1)))
    thread.start()
    gate.wait_for(2)
    workers = feed.query("SELECT DISTINCT worker FROM ingest.attempt WHERE state = 'running'")
    gate.open()
    thread.join()

    assert len(workers) == 1
    assert results[0].files_loaded == 4


def test_stop_lets_packs_in_flight_finish_and_begins_no_other(session, four_files, gate, monkeypatch):
    feed = four_files
    monkeypatch.setattr(spark, "PACK_FILES", 1)
    gate.at("BEFORE UPDATE", "ingest.file", "NEW.state = 'loaded'")
    stop, results = threading.Event(), []
    thread = threading.Thread(
        target=lambda: results.append(
            pipeline.ingest(
                [str(feed.folder)],
                contract=feed.contract,
                database=feed.database,
                options=RunOptions(engine="spark", parallelism=1, max_connections=4),
                stop=stop,
            )
        )
    )
    thread.start()
    gate.wait_for()
    stop.set()
    gate.open()
    thread.join()

    assert (results[0].state, results[0].files_loaded) == ("interrupted", 1)
    assert feed.run().state == "succeeded"
    assert feed.rows() == feed.expected(*[f"{number}.csv" for number in range(4)])


def test_given_up_run_cancels_its_jobs_and_loads_nothing(session, engine, four_files, gate, wait_until):
    feed = four_files
    gate.at("BEFORE INSERT", "market.trade", "NEW.row_number = 10")
    raised = []

    def give_up(_):
        raise KeyboardInterrupt

    def work():
        with feed.task("0.csv") as task:
            try:
                list(engine.run([task], on_progress=give_up, stop=threading.Event()))
            except KeyboardInterrupt as exc:
                raised.append(exc)

    thread = threading.Thread(target=work)
    thread.start()
    (backend,) = gate.wait_for()
    note_progress(feed)
    wait_until(lambda: not session.sparkContext.statusTracker().getActiveJobsIds(), "its jobs are cancelled")
    feed.query("SELECT pg_terminate_backend(%s, 60000)", backend)  # it would wait at the gate
    thread.join()
    gate.open()

    assert len(raised) == 1
    assert feed.rows() == []
    assert feed.run().state == "succeeded"
    assert feed.rows() == feed.expected(*[f"{number}.csv" for number in range(4)])


def jobs(session):
    """What the web interface shows of all jobs: description and group."""
    context = session.sparkContext
    with urllib.request.urlopen(f"{context.uiWebUrl}/api/v1/applications/{context.applicationId}/jobs") as answer:
        return [(job.get("description"), job.get("jobGroup")) for job in json.load(answer)]


def test_web_interface_says_which_files_a_job_loads(session, four_files):
    four_files.run(engine="spark", parallelism=1)

    assert "trade-ingest run 1: 0.csv, 1.csv, 2.csv, 3.csv" in [description for description, _ in jobs(session)]


def test_jobs_of_the_caller_keep_their_names_and_writes_have_theirs(session, four_files):
    context = session.sparkContext
    context.setJobGroup("cell 7", "the caller's")
    try:
        four_files.run(engine="spark", parallelism=1)
        ti.write(session.range(3), "public.n", four_files.database, write_id="w")
        session.range(1).collect()
        newest = jobs(session)[:2]
    finally:
        context.setLocalProperty("spark.jobGroup.id", None)
        context.setLocalProperty("spark.job.description", None)

    assert newest == [("the caller's", "cell 7"), ("trade-ingest write w: public.n", "cell 7")]


@pytest.mark.slow
def test_tasks_that_are_given_other_packages_are_tried_on_one_machine_too(four_files, tmp_path, drive):
    (tmp_path / "broken" / "trade_ingest").mkdir(parents=True)
    (tmp_path / "broken" / "trade_ingest" / "__init__.py").write_text("raise ImportError('not installed here')\n")
    conf = {"spark.ui.enabled": "false", "spark.executorEnv.PYTHONPATH": str(tmp_path / "broken")}

    error = drive(engine="spark", master="local[1]", spark_conf=conf).result()

    assert error["error"] == "engine.unusable"
    assert "ImportError: not installed here" in error["message"]
    assert four_files.query("SELECT file_id FROM ingest.file") == []  # found before the plan


def test_check_that_was_put_off_is_made_when_a_job_fails(engine, feed):
    file = SourceFile("/nowhere/a.csv", "1", 1, datetime(2024, 1, 1, tzinfo=UTC))
    task = LoadTask(1, 1, file, feed.contract, 1)
    engine.put_off_check(file)

    with pytest.raises(EngineError, match=r"cannot read /nowhere/a\.csv"):
        list(spark._SparkRun(engine, [task], print, threading.Event())._settle_failure([task], RuntimeError("lost")))
    engine.check_put_off()  # once is enough


@pytest.mark.parametrize(
    ("size", "parallelism", "width"), [(1000, None, 1), (WORKERS_FROM_BYTES, None, 2), (1000, 2, 2)]
)
def test_little_is_loaded_by_one_worker_of_one_machine(session, feed, size, parallelism, width):
    plan = SimpleNamespace(bytes_to_load=size, to_load=[SimpleNamespace(file=stat_path(__file__))])
    accesses = SimpleNamespace(of_uri=lambda _: None)
    options = RunOptions(session=session, parallelism=parallelism)

    with open_engine("spark", feed.database, options, plan, accesses) as opened:
        assert opened.parallelism == width


@pytest.mark.parametrize(
    ("conf", "is_this"),
    [({"spark.ui.enabled": "false"}, True), ({"spark.sql.execution.pyspark.python": "/usr/bin/python3"}, False)],
)
def test_session_of_this_python_is_known_by_its_settings(session, conf, is_this):
    assert spark_session.runs_this_python(session, conf) is is_this


def test_executors_that_cannot_read_the_files_are_found_before_the_run(engine):
    with pytest.raises(EngineError, match=r"cannot read /nowhere/a\.csv: No such file") as caught:
        engine.check_executors(SourceFile("/nowhere/a.csv", "1", 1, datetime(2024, 1, 1, tzinfo=UTC)))
    assert "same path" in caught.value.hint


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        ("x\nModuleNotFoundError: No module named 'pyarrow'", "executors lack the Python package pyarrow"),
        (
            "[PYTHON_VERSION_MISMATCH] Python in worker has different version: 3.11 than that in driver: 3.12, PySpark",
            "executors run Python 3.11, the driver 3.12",
        ),
        (
            "RuntimeError: Python in worker has different version (3, 10) than that in driver 3.11, PySpark cannot run",
            "executors run Python 3.10, the driver 3.11",
        ),
        (
            'java.io.IOException: Cannot run program "./env/bin/python": error=2',
            "executors have no Python at ./env/bin/python",
        ),
        ("PyArrow >= 18.0.0 must be installed; however", "executors lack pyarrow 18.0.0 or later"),
        ("\n something else\n more", "executors cannot run Python: something else"),
    ],
)
def test_executors_that_cannot_even_begin_are_told_with_the_fix(engine, monkeypatch, said, problem):
    monkeypatch.setattr(engine, "_collect", lambda *_: (_ for _ in ()).throw(RuntimeError(said)))
    with pytest.raises(EngineError) as caught:
        engine.check_executors(stat_path(__file__))
    assert str(caught.value) == problem
    assert caught.value.hint


def test_executors_that_cannot_use_the_database_are_found_before_the_run(session):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]  # and nobody listens there afterwards
    url = f"postgresql://nobody:secret@127.0.0.1:{port}/none"
    with pytest.raises(EngineError) as caught:
        SparkEngine(session, url).check_executors(stat_path(__file__))
    assert "cannot use the database" in str(caught.value)
    assert "secret" not in str(caught.value)
    assert "pg_hba.conf" in caught.value.hint


WITHOUT_GRPC = """
import sys
from trade_ingest.engine.spark_session import open_session
from trade_ingest.errors import EngineError
sys.modules["grpc"] = None
try:
    open_session("sc://127.0.0.1:1")
except EngineError as error:
    print(error.message, error.hint)
"""


def test_spark_connect_without_its_packages_is_told(tmp_path):
    program = tmp_path / "program.py"  # of one without a file pyspark thinks that it is a doctest
    program.write_text(WITHOUT_GRPC)
    done = subprocess.run([sys.executable, program], capture_output=True, text=True, check=False)

    assert "Spark does not start on sc://127.0.0.1:1: " in done.stdout, done.stderr
    assert "grpcio" in done.stdout
    assert "pip install 'pyspark[connect]'" in done.stdout


def test_wrong_master_is_told(monkeypatch):
    monkeypatch.setattr(spark_session, "active_session", lambda: None)
    with pytest.raises(EngineError, match="'nowhere' is no master of Spark") as caught:
        spark_session.open_session("nowhere")
    assert "spark://host:7077" in caught.value.hint


WITHOUT_SLOTS = """
from trade_ingest.engine.spark_session import open_session
from trade_ingest.errors import EngineError
try:
    open_session("local[0]")
except EngineError as error:
    print(error.message)
"""


def test_spark_that_refuses_says_why(tmp_path):
    program = tmp_path / "program.py"
    program.write_text(WITHOUT_SLOTS)
    done = subprocess.run([sys.executable, program], capture_output=True, text=True, check=False)

    assert done.stdout == "Spark does not start on local[0]: Asked to run locally with 0 threads\n", done.stderr


def test_session_that_is_active_is_used_without_what_was_asked_for(session, caplog):
    assert spark_session.open_session("local[4]") == (session, False)
    assert "is used as it is" in caplog.text


def test_spark_that_does_not_start_is_told(monkeypatch):
    monkeypatch.setattr(spark_session, "active_session", lambda: None)
    monkeypatch.setattr(spark_session, "start_session", lambda *_: (_ for _ in ()).throw(RuntimeError("no room\nat x")))
    with pytest.raises(EngineError, match=r"Spark does not start on local\[2\]: no room"):
        spark_session.open_session("local[2]")


def test_files_of_a_failed_job_are_tried_again_and_then_fail(session, four_files, monkeypatch, caplog):
    feed = four_files
    engine = SparkEngine(session, feed.database, 1)
    load, calls = engine.load, []

    def fail(pack):
        calls.append([task.file.uri.rpartition("/")[2] for task in pack])
        if any(task.file.uri.endswith("0.csv") for task in pack):
            raise RuntimeError("Job aborted due to stage failure\nmore")
        return load(pack)

    monkeypatch.setattr(engine, "load", fail)
    with contextlib.ExitStack() as stack, caplog.at_level(logging.WARNING):
        tasks = [stack.enter_context(feed.task(name)) for name in ("0.csv", "1.csv")]
        results = list(engine.run(tasks, on_progress=lambda _: None, stop=threading.Event()))

    assert calls == [["0.csv", "1.csv"], ["0.csv"], ["1.csv"]]
    assert sorted((r.uri[-5:], r.state, r.rows_loaded, r.reason) for r in results) == [
        ("0.csv", "failed", 0, "file.worker_lost"),
        ("1.csv", "loaded", 50, ""),
    ]
    assert "Job aborted due to stage failure" in results[0].error.message
    with psycopg.connect(feed.database) as connection:
        states = connection.execute("SELECT state FROM ingest.file ORDER BY file_id").fetchall()
    assert states == [("failed",), ("loaded",)]
