"""The DAG ``trade_ingest``, run by a real Airflow into a real PostgreSQL."""

import json
import os
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

pytestmark = pytest.mark.airflow
HAS_TIME = "TRADE_INGEST_TEST_AIRFLOW_PYTHON" in os.environ
COUNTS = {"files_skipped": 0, "rows_duplicate": 0, "rows_rejected": 0}


@pytest.fixture
def sink():
    """An HTTP server, its address and what it was sent."""
    received = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            received.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"127.0.0.1:{server.server_port}", received
    server.shutdown()
    thread.join()
    server.server_close()


def test_every_dag_is_imported(airflow):
    assert airflow.import_errors == {}
    assert airflow.dags == [
        "trade_ingest",
        "trade_ingest_databricks",
        "trade_ingest_dataproc_batch",
        "trade_ingest_emr_serverless",
        "trade_ingest_spark_submit",
    ]


def test_new_files_are_loaded_in_groups_reconciled_and_published_once(desk):
    for number in range(3):
        desk.write(f"{number}.csv", [number])

    first = desk.test(group_files=2)
    again = desk.test(group_files=2)

    assert desk.ticks() == [0, 1, 2]
    assert first.state == "success"
    assert first.of("load") == [("success", 1), ("success", 1)]
    assert [result["rows_loaded"] for result in first.xcom("load")] == [2, 1]
    runs = [result["run_id"] for result in first.xcom("load")]
    assert sorted(runs) == [1, 2]  # Airflow begins the mapped tasks in any order
    assert sorted(first.links) == [
        ["load", index, "Run on the dashboard", f"http://127.0.0.1:8000/runs/{run_id}"]
        for index, run_id in enumerate(runs)
    ]
    counts = {"files_loaded": 3, "rows_read": 3, "rows_loaded": 3, "run_ids": runs}
    compared = {"files_reconciled": 3, "rows_reconciled": 3}
    assert first.events == [
        ["public.tick", "x-trade-ingest://target/public/tick", COUNTS | counts | compared],
    ]
    assert (again.state, again.events) == ("success", [])
    assert {state for _, _, state, _ in again.tasks} == {"skipped"}


def test_what_a_run_leaves_out_is_the_setting_of_the_program(desk):
    desk.environment |= {"TRADE_INGEST_ENGINE": "local", "TRADE_INGEST_MASTER": "spark://127.0.0.1:1"}
    desk.write("a.csv", [1])

    done = desk.test()

    assert (done.state, desk.ticks()) == ("success", [1])
    assert desk.query("SELECT engine FROM ingest.run") == [("local",)]


def test_file_that_fails_keeps_no_other_group_away_is_not_tried_again_and_is_told(desk, sink):
    address, received = sink
    desk.environment["TRADE_INGEST_NOTIFY"] = f"json://{address}"
    desk.write("a.csv", [1])
    bad = desk.write("b.csv", [2], price="x")
    desk.write("c.csv", [3])

    done = desk.test(group_files=1)

    assert desk.ticks() == [1, 3]
    assert done.state == "failed"
    assert done.of("load") == [("success", 1), ("failed", 1), ("success", 1)]
    assert done.of("reconcile") == [("success", 1)]
    assert (done.of("publish"), done.events) == ([("upstream_failed", 0)], [])
    (told,) = received
    assert told["title"] == "trade_ingest failed in load"
    assert f"exit code 1; {bad}: " in told["message"]


def test_passing_fault_is_tried_again(desk, program_that, tmp_path):
    desk.write("a.csv", [1])
    program_that(
        f'[ "$1" = run ] && mkdir {tmp_path}/tried 2>/dev/null && TRADE_INGEST_DATABASE_URL=postgresql://127.0.0.1:1/none'
    )

    done = desk.test()

    assert (done.state, done.of("load")) == ("success", [("success", 2)])
    assert desk.ticks() == [1]


@pytest.mark.timeout(900)  # 50 tasks, each with a program of its own
@pytest.mark.parametrize(
    "group_files", [10, pytest.param(1, marks=pytest.mark.skipif(not HAS_TIME, reason="2 minutes: make test-airflow"))]
)
def test_fifty_files_are_loaded_by_mapped_tasks(group_files, desk):
    for number in range(50):
        desk.write(f"{number:02}.csv", [number])

    done = desk.test(group_files=group_files)

    assert done.of("load") == [("success", 1)] * (50 // group_files)
    assert desk.ticks() == list(range(50))
    assert done.events[0][2]["files_loaded"] == 50


def test_backfill_loads_each_day_in_its_own_run_by_a_connection_of_airflow(desk):
    desk.environment["AIRFLOW_CONN_TRADES"] = desk.environment.pop("TRADE_INGEST_DATABASE_URL")
    for day in range(3, 8):
        desk.write(f"2024/03/{day:02}/ticks.csv", [day])

    runs = desk.backfill("2024-03-04", "2024-03-06", source=f"{desk.folder}/{{date:%Y/%m/%d}}/*.csv", database="trades")

    assert [run.state for run in runs] == ["success"] * 3
    assert [run.interval[0][:10] for run in runs] == ["2024-03-04", "2024-03-05", "2024-03-06"]
    assert [run.events[0][2]["rows_loaded"] for run in runs] == [1, 1, 1]
    assert desk.ticks() == [4, 5, 6]


def test_day_without_a_delivery_fails_or_is_skipped_as_the_run_says(desk):
    source = f"{desk.folder}/{{date:%Y/%m/%d}}/*.csv"

    failed = desk.test(source=source, day="2024-03-10")
    skipped = desk.test(source=source, day="2024-03-11", on_missing="skip")

    assert (failed.state, failed.of("plan")) == ("failed", [("failed", 1)])
    assert (skipped.state, skipped.of("plan"), skipped.of("publish")) == ("success", [("skipped", 1)], [("skipped", 0)])
