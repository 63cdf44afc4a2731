"""A standalone Spark cluster on this machine: a master and workers of one core."""

import contextlib
import os
import re
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pyspark

from trade_ingest.engine.java import java_home

START_SECONDS = 240
SMALL_JAVA = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


@dataclass
class SparkCluster:
    """The processes of a cluster; all listen on the loopback only.

    Attributes:
        folder: for logs and the files of executors.
        environments: further environment variables of a worker, by its number, and so of its executors.
    """

    folder: Path
    environments: dict[int, dict[str, str]] = field(default_factory=dict)
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

    def start(self, workers=2):
        self.master = self._start("master", "Master", "127.0.0.1", self.port)
        self._wait_for("master", "I have been elected leader")
        self.workers += [self._start_worker(number) for number in range(workers)]

    def replace_worker(self, worker):
        """Start a worker in the place of one that has been killed."""
        worker.wait()
        number = self.workers.index(worker)
        self.workers[number] = self._start_worker(number)

    def _start_worker(self, number):
        # an address of its own: Spark runs no speculative copy of a task on the host of its first attempt
        host, name = f"127.0.0.{number + 1}", f"worker{len(list(self.folder.glob('worker*.log')))}"
        resources = ("--cores", "1", "--memory", "1g", "--work-dir", str(self.folder / name), self.url)
        variables = self.environments.get(number, {})
        worker = self._start(name, "Worker", host, free_port(), *resources, variables=variables)
        self._wait_for(name, "Successfully registered with master")
        return worker

    def _start(self, name, part, host, port, *arguments, variables=()):
        home = Path(pyspark.__file__).parent
        environment = os.environ | {
            "SPARK_HOME": str(home),
            "JAVA_HOME": java_home(pyspark.__version__),
            "SPARK_LOCAL_IP": host,
            "SPARK_DAEMON_MEMORY": "256m",
            "SPARK_DAEMON_JAVA_OPTS": SMALL_JAVA,
            "SPARK_MASTER_OPTS": "-Dspark.master.rest.enabled=false",
            "PYSPARK_PYTHON": sys.executable,
            **dict(variables),
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

    def second_attempts(self):
        """What executors logged of starting a task for the second time."""
        return self._logged(r"Running task \d+\.1 in stage")

    def second_stages(self):
        """What executors logged of starting a task of a stage that is tried again."""
        return self._logged(r"Running task \d+\.0 in stage \d+\.1")

    def _logged(self, pattern):
        logs = [path.read_text(errors="replace") for path in self.folder.glob("worker*/app-*/*/stderr")]
        return [line for log in logs for line in log.splitlines() if re.search(pattern, line)]

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
