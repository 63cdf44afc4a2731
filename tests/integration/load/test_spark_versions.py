"""The engine ``spark`` over Spark Connect, and in other versions of Spark where their interpreters are given."""

import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

pyspark = pytest.importorskip("pyspark")

from trade_ingest.engine.java import java_home  # noqa: E402

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

ROOT = Path(__file__).parents[3]
DRIVER = Path(__file__).with_name("drive_run.py")
INTERPRETERS = [path for path in os.environ.get("TRADE_INGEST_TEST_SPARK_PYTHONS", "").split(os.pathsep) if path]
START_SECONDS = 240


@pytest.fixture
def connect_url(tmp_path):
    """A Spark Connect server with two slots."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    home = Path(pyspark.__file__).parent
    environment = os.environ | {
        "SPARK_CONNECT_MODE": "0",  # the server itself is a classic program
        "JAVA_HOME": java_home(pyspark.__version__),
        "SPARK_LOCAL_IP": "127.0.0.1",
        "PYSPARK_PYTHON": sys.executable,
    }
    conf = {
        "spark.connect.grpc.binding.address": "127.0.0.1",
        "spark.connect.grpc.binding.port": str(port),
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.ui.enabled": "false",
    }
    with (tmp_path / "server.log").open("wb") as log:
        server = subprocess.Popen(
            [
                str(home / "bin" / "spark-submit"),
                *("--class", "org.apache.spark.sql.connect.service.SparkConnectServer"),
                *("--name", "test", "--master", "local[2]"),
                *(word for name, value in conf.items() for word in ("--conf", f"{name}={value}")),
            ],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    try:
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                assert time.monotonic() < deadline, (tmp_path / "server.log").read_text()[-2000:]
                time.sleep(0.2)
        yield f"sc://127.0.0.1:{port}"
    finally:
        server.kill()
        server.wait()


@pytest.fixture
def three_files(feed):
    feed.write("a.csv", feed.trades(1000, 1299))
    feed.write("b.csv", [*feed.trades(1300, 1399), "1400,EURUSD,2024-01-15 10:00:00,x,2.00"])
    feed.write("c.csv", ["broken"] * 20)
    return feed


def check(feed, result):
    assert (result["state"], result["files_loaded"], result["files_failed"]) == ("failed", 2, 1)
    assert (result["rows_loaded"], result["rows_rejected"]) == (400, 1)
    assert [row[2] for row in feed.rows()] == feed.trades(1000, 1399)
    assert feed.runs("engine") == ["spark"]


def test_loads_run_over_spark_connect(three_files, connect_url, drive):
    run = drive(parallelism=2, engine="spark", master=connect_url)

    check(three_files, run.result())


@pytest.mark.parametrize("interpreter", INTERPRETERS)
def test_loads_run_in_another_version(three_files, interpreter):
    feed = three_files
    order = {
        "sources": [str(feed.folder)],
        "contract": feed.contract.model_dump(mode="json", by_alias=True),
        "database": feed.database,
        "options": {"parallelism": 2, "engine": "spark", "master": "local[2]"},
    }
    done = subprocess.run(
        [interpreter, str(DRIVER), json.dumps(order)],
        env=os.environ | {"PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr

    check(feed, json.loads(done.stdout.splitlines()[-1]))
