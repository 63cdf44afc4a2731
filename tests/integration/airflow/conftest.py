"""A real Airflow in its environment, driven by ``drive_airflow.py``, and a desk's files for it to load."""

import fcntl
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest

ROOT = Path(__file__).parents[3]
PYTHON = Path(os.environ.get("TRADE_INGEST_TEST_AIRFLOW_PYTHON", ROOT / ".venv/airflow/bin/python"))
PLATFORMS = ["spark_submit", "emr_serverless", "dataproc_batch", "databricks"]
DASHBOARD = "http://127.0.0.1:8000"
CONTRACT = """
name: tick
version: 1
columns:
  - {name: tick_id, type: integer}
  - {name: price, type: "decimal(12,2)", min: 0}
  - {name: traded_at, type: timestamp, zone: UTC}
key: [tick_id]
event_time: traded_at
target: {table: tick, partition_by: none}
rejects: {max_count: 0, max_ratio: 0}
"""


@dataclass(frozen=True, slots=True)
class DagRun:
    """What became of a DAG run."""

    state: str
    interval: list[str]
    tasks: list[tuple[str, int, str, int]]
    links: list[tuple[str, int, str, str]]
    xcoms: list[tuple[str, int, str, Any]]
    events: list[tuple[str, str, dict[str, Any]]]

    def of(self, task_id: str) -> list[tuple[str, int]]:
        """State and tries of each instance of a task, by map index."""
        return [(state, tries) for name, _, state, tries in sorted(self.tasks, key=lambda t: t[1]) if name == task_id]

    def xcom(self, task_id: str, key: str = "return_value") -> list[Any]:
        """What the instances of a task have left, by map index."""
        return [value for name, _, k, value in sorted(self.xcoms, key=lambda x: x[1]) if (name, k) == (task_id, key)]


class Airflow:
    """A process that runs DAGs; one that did not answer is replaced. What it logs is in ``log``."""

    def __init__(self, environment: dict[str, str], log: Path) -> None:
        self.environment, self.log = environment, log
        self.dags: list[str] = []
        self.import_errors: dict[str, str] = {}
        self._process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Start the process, and wait until it has read the DAGs."""
        command = [PYTHON, Path(__file__).with_name("drive_airflow.py")]
        with self.log.open("a") as stderr:
            self._process = subprocess.Popen(
                command, env=self.environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=stderr, text=True
            )
        hello = self._answer()
        self.dags, self.import_errors = hello["dags"], hello["errors"]

    def ask(self, request: dict[str, Any]) -> list[DagRun]:
        """Have DAG runs made, and wait for their ends."""
        if self._process is None:
            self.start()
        try:
            self._process.stdin.write(json.dumps(request) + "\n")
            self._process.stdin.flush()
            return [DagRun(**found) for found in self._answer()]
        except BaseException:  # also where pytest's time is over: it would answer the next test
            self.stop()
            raise

    def stop(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None

    def _answer(self) -> Any:
        line = self._process.stdout.readline()
        assert line, self.log.read_text()[-5000:]
        return json.loads(line)


@pytest.fixture(scope="session")
def airflow_environment(tmp_path_factory, worker_id) -> dict[str, str]:
    """The environment of an Airflow with a database of its own; databases are migrated once for all processes."""
    if not PYTHON.exists():
        pytest.skip("there is no Airflow: make airflow")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "TRADE_INGEST_"))}
    base = tmp_path_factory.getbasetemp()
    shared = (base if worker_id == "master" else base.parent) / "airflow"
    shared.mkdir(exist_ok=True)
    environment = kept | {
        "AIRFLOW_HOME": str(shared),
        "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "airflow_dags"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "false",
        "TRADE_INGEST_AIRFLOW_DASHBOARD": DASHBOARD,
        "TRADE_INGEST_AIRFLOW_RETRY_SECONDS": "1",
        "TRADE_INGEST_AIRFLOW_SPARK": ",".join(PLATFORMS),
    }
    with (shared / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (shared / "airflow.db").exists():
            command = [PYTHON, "-m", "airflow", "db", "migrate"]
            subprocess.run(command, env=environment, check=True, capture_output=True, timeout=240)
    home = tmp_path_factory.mktemp("airflow-home")
    shutil.copytree(shared, home, dirs_exist_ok=True)
    return environment | {"AIRFLOW_HOME": str(home)}


@pytest.fixture(scope="session")
def airflow(airflow_environment, tmp_path_factory) -> Iterable[Airflow]:
    """Airflow with the project's DAGs."""
    started = Airflow(airflow_environment, tmp_path_factory.mktemp("log") / "airflow.log")
    started.start()
    yield started
    started.stop()


@dataclass
class Desk:
    """A folder of ticks, and the DAGs that load them into a database."""

    airflow: Airflow
    folder: Path
    database: str
    environment: dict[str, str]

    def write(self, name: str, tick_ids: Iterable[int], *, price: str = "10.50") -> Path:
        """Write a file of ticks."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        lines = [f"{tick_id},{price},2024-03-04 09:00:00\n" for tick_id in tick_ids]
        path.write_text("tick_id,price,traded_at\n" + "".join(lines))
        return path

    def test(self, dag_id: str = "trade_ingest", *, day: str | None = None, **conf: Any) -> DagRun:
        """Run a DAG once as ``airflow dags test`` does, for the interval that ends with a day."""
        logical_date = day and f"{day}T00:00:00+00:00"
        (done,) = self.airflow.ask(self._request(dag_id, conf) | {"logical_date": logical_date})
        return done

    def backfill(self, first: str, last: str, **conf: Any) -> list[DagRun]:
        """Backfill the days from the first to the last."""
        days = {"from_date": f"{first}T00:00:00+00:00", "to_date": f"{last}T00:00:00+00:00"}
        return self.airflow.ask(self._request("trade_ingest", conf) | days)

    def _request(self, dag_id: str, conf: dict[str, Any]) -> dict[str, Any]:
        conf = {"source": str(self.folder), "contract": str(self.folder.parent / "tick.yaml")} | conf
        return {"dag_id": dag_id, "conf": conf, "environment": self.environment}

    def query(self, statement: str) -> list[tuple[Any, ...]]:
        """The rows of a query."""
        with psycopg.connect(self.database, autocommit=True) as connection:
            return connection.execute(statement).fetchall()

    def ticks(self) -> list[int]:
        """The ticks that are loaded."""
        return [tick_id for (tick_id,) in self.query("SELECT tick_id FROM tick ORDER BY tick_id")]


@pytest.fixture
def desk(airflow, database_url, tmp_path) -> Desk:
    """An empty folder and a new database; the program is that of this environment."""
    (tmp_path / "tick.yaml").write_text(CONTRACT)
    (tmp_path / "in").mkdir()
    environment = {
        "TRADE_INGEST_COMMAND": f"{sys.executable} -m trade_ingest",
        "TRADE_INGEST_DATABASE_URL": database_url,
        "TRADE_INGEST_PARALLELISM": "1",
    }
    return Desk(airflow, tmp_path / "in", database_url, environment)


@pytest.fixture
def program_that(desk, tmp_path) -> Callable[[str], None]:
    """Let the DAGs call the program through a shell script, which has its arguments in ``$@``."""

    def replace(script: str) -> None:
        path = tmp_path / "program"
        path.write_text(f'#!/bin/sh\n{script}\nexec {sys.executable} -m trade_ingest "$@"\n')
        path.chmod(0o755)
        desk.environment["TRADE_INGEST_COMMAND"] = str(path)

    return replace
