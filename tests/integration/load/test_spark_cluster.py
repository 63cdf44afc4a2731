"""A standalone Spark cluster, a master and two workers of one core, of which parts are killed while files are loaded.

After each fault a further run brings the target to exactly the rows of the files.
"""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field, replace
from pathlib import Path

import psutil
import pytest

pyspark = pytest.importorskip("pyspark")

from trade_ingest.embedded.cluster import DATABASE, Cluster  # noqa: E402
from trade_ingest.engine.java import java_home  # noqa: E402

pytestmark = pytest.mark.slow

START_SECONDS = 60
SMALL_JAVA = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"
FILES = [f"{number}.csv" for number in range(4)]


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


@dataclass
class SparkCluster:
    """The processes of a cluster; all listen on the loopback only."""

    folder: Path
    port: int = field(default_factory=free_port)
    master: subprocess.Popen[bytes] | None = None
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def url(self):
        return f"spark://127.0.0.1:{self.port}"

    @property
    def options(self):
        """Options of a run on this cluster."""
        conf = {
            "spark.driver.host": "127.0.0.1",
            "spark.driver.bindAddress": "127.0.0.1",
            "spark.ui.enabled": "false",
            "spark.executor.memory": "512m",
            "spark.executor.cores": "1",
            "spark.executor.extraJavaOptions": SMALL_JAVA,
        }
        return {"engine": "spark", "master": self.url, "spark_conf": conf}

    def start(self):
        self.master = self._start("master", "Master", "127.0.0.1", self.port)
        self._wait_for("master", "I have been elected leader")
        for number in (1, 2):
            self.add_worker(number)

    def add_worker(self, number):
        # an address of its own: Spark runs no speculative copy of a task on the host of its first attempt
        host, name = f"127.0.0.{number}", f"worker{len(self.workers)}"
        resources = ("--cores", "1", "--memory", "1g", "--work-dir", str(self.folder / name), self.url)
        self.workers.append(self._start(name, "Worker", host, free_port(), *resources))
        self._wait_for(name, "Successfully registered with master")

    def _start(self, name, part, host, port, *arguments):
        home = Path(pyspark.__file__).parent
        environment = os.environ | {
            "SPARK_HOME": str(home),
            "JAVA_HOME": java_home(pyspark.__version__),
            "SPARK_LOCAL_IP": host,
            "SPARK_DAEMON_MEMORY": "256m",
            "SPARK_DAEMON_JAVA_OPTS": SMALL_JAVA,
            "SPARK_MASTER_OPTS": "-Dspark.master.rest.enabled=false",
            "PYSPARK_PYTHON": sys.executable,
        }
        port_option = ["--port", str(port)] if part == "Master" else []
        with (self.folder / f"{name}.log").open("wb") as log:
            return subprocess.Popen(
                [
                    str(home / "bin" / "spark-class"),
                    f"org.apache.spark.deploy.{part.lower()}.{part}",
                    *("--host", host, *port_option, "--webui-port", str(free_port())),
                    *arguments,
                ],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def _wait_for(self, name, text):
        deadline = time.monotonic() + START_SECONDS
        while text not in (log := (self.folder / f"{name}.log").read_text(errors="replace")):
            assert time.monotonic() < deadline, log[-2000:]
            time.sleep(0.1)

    @property
    def executors(self):
        """The executors' JVMs, by the worker that started them."""
        return {
            worker.pid: process
            for worker in self.workers
            for process in children(worker.pid)
            if "CoarseGrainedExecutorBackend" in command_of(process)
        }

    def executor_of(self, pid):
        """The executor whose Python worker a process is."""
        parents = {parent.pid for parent in psutil.Process(pid).parents()}
        return next(process for process in self.executors.values() if process.pid in parents)

    def worker_of(self, pid):
        """The worker whose executor's Python worker a process is."""
        parents = {parent.pid for parent in psutil.Process(pid).parents()}
        return next(worker for worker in self.workers if worker.pid in parents)

    def stop(self):
        for process in [*self.workers, self.master]:
            if process is not None:
                rest = children(process.pid)
                process.kill()
                process.wait()
                for child in rest:
                    with contextlib.suppress(psutil.NoSuchProcess):
                        child.kill()


def command_of(process):
    with contextlib.suppress(psutil.NoSuchProcess):  # also of one that has ended and is not reaped yet
        return " ".join(process.cmdline())
    return ""


def children(pid):
    with contextlib.suppress(psutil.NoSuchProcess):
        return psutil.Process(pid).children(recursive=True)
    return []


@pytest.fixture(scope="module")
def cluster():
    with tempfile.TemporaryDirectory(prefix="trade-ingest-spark") as folder:
        cluster = SparkCluster(Path(folder))
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
        worker.wait()
        cluster.add_worker(cluster.workers.index(worker) + 1)
        cluster.workers.remove(worker)

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


def test_speculative_twins_load_nothing_twice(cluster, files, gate, drive):
    speculation = {
        "spark.speculation": "true",
        "spark.speculation.interval": "100ms",
        "spark.speculation.minTaskRuntime": "500ms",
        "spark.speculation.task.duration.threshold": "1s",
    }
    gate.at("BEFORE INSERT", "market.trade", "NEW.row_number = 150")
    options = cluster.options
    run = drive(parallelism=1, **options | {"spark_conf": options["spark_conf"] | speculation})
    gate.wait_for()
    time.sleep(4)  # long enough for a second attempt of the task, if Spark makes one
    gate.open()

    assert run.result()["state"] == "succeeded"
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
