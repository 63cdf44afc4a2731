"""Airflow's services of compose.yaml, run as processes of this machine in the environment that `make airflow` makes."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
import requests

from compose_file import ROOT, load, on_this_machine, replaced
from stores.server_process import HOST, free_ports, run_server

PATIENCE_SECONDS = 180
BIN = Path(sys.prefix, "airflow", "bin")
pytestmark = [
    pytest.mark.airflow,
    pytest.mark.slow,
    pytest.mark.skipif(not (BIN / "airflow").exists(), reason="the environment with Airflow is not there"),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """What `make up` makes, and Airflow's home."""
    path = tmp_path_factory.mktemp("airflow")
    (path / "auth").mkdir()
    shutil.copytree(ROOT / "airflow_dags", path / "dags")
    subprocess.run([sys.executable, ROOT / "deploy/docker/make_secrets.py", path / "compose"], check=True)
    return path


@pytest.fixture(scope="module")
def services(folder):
    """The services of compose.yaml."""
    lines = (folder / "compose" / "env").read_text().splitlines()
    return load(dict(line.split("=", 1) for line in lines))


@pytest.fixture(scope="module")
def environment_of(services, folder):
    """Makes the variables of a service; its database is SQLite, as psycopg2 comes with Airflow's image only."""

    def make(name, port=8080):
        given = dict(services[name].environment)
        replacements = {
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": (
                given["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"],
                "sqlite:///{}/airflow.db",
            ),
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": ("/opt/airflow/auth", "{}/auth"),
            "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": ("airflow-api-server:8080", f"{HOST}:{port}"),
        }
        for key, (old, new) in replacements.items():
            (given[key],) = replaced([given[key]], {old: new.format(folder)})
        # how much there is of it, and where it listens
        small = {
            "AIRFLOW__API__WORKERS": "1",
            "AIRFLOW__CORE__PARALLELISM": "1",
            "AIRFLOW__DAG_PROCESSOR__PARSING_PROCESSES": "1",
        }
        own = {
            "AIRFLOW_HOME": str(folder),
            "AIRFLOW__CORE__DAGS_FOLDER": str(folder / "dags"),
            "HOSTNAME": socket.gethostname(),
        }
        return os.environ | given | small | own | {"PATH": f"{BIN}:{os.environ['PATH']}"}

    return make


@pytest.fixture(scope="module")
def database(services, environment_of, folder):
    """Airflow's database, as the first job makes it."""
    words = replaced(services["airflow-init"].words, {"/opt/airflow/auth": str(folder / "auth")})
    done = subprocess.run(words, env=environment_of("airflow-init"), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_first_job_gives_the_administrator_the_generated_password(services, database, folder):
    passwords = folder / "auth" / "passwords.json"

    assert json.loads(passwords.read_text()) == {
        "admin": services["airflow-init"].environment["AIRFLOW_ADMIN_PASSWORD"]
    }
    assert passwords.stat().st_mode & 0o777 == 0o600


@pytest.fixture(scope="module")
def api_server(services, environment_of, database):
    """The port of Airflow's API."""

    def command(ports, _):
        return [str(BIN / "airflow"), *services["airflow-api-server"].words, "--host", HOST, "--port", str(ports[0])]

    def is_ready(port):
        return is_healthy(services, environment_of, "airflow-api-server", {"8080": str(port)})

    with run_server(
        command,
        ports=1,
        start_seconds=PATIENCE_SECONDS,
        is_ready=is_ready,
        environment=environment_of("airflow-api-server"),
    ) as port:
        yield port


def is_healthy(services, environment_of, name, replacements=None):
    words = on_this_machine(replaced(services[name].health_words, replacements or {}))
    return subprocess.run(words, env=environment_of(name), capture_output=True, check=False).returncode == 0


def test_api_server_lets_the_administrator_in(services, api_server):
    password = services["airflow-init"].environment["AIRFLOW_ADMIN_PASSWORD"]

    def answer(given):
        body = {"username": "admin", "password": given}
        return requests.post(f"http://{HOST}:{api_server}/auth/token", json=body, timeout=30).status_code

    assert answer(password) == 201
    assert answer("admin") == 401


@contextmanager
def running(services, environment_of, name, *, port=8080, **variables):
    """A service that is healthy, with such variables, and the API at a port."""
    (health_port,) = free_ports(1)
    where = {"HOST": HOST, "PORT": str(health_port)}
    variables |= {f"AIRFLOW__SCHEDULER__SCHEDULER_HEALTH_CHECK_SERVER_{key}": value for key, value in where.items()}
    quiet = [] if name == "airflow-dag-processor" else ["--skip-serve-logs"]
    ports = {"8974": str(health_port)} if name == "airflow-scheduler" else {}

    def command(_, __):
        return [str(BIN / "airflow"), *services[name].words, *quiet]

    def is_ready(_):
        return is_healthy(services, environment_of, name, ports)

    with run_server(
        command,
        ports=1,
        start_seconds=PATIENCE_SECONDS,
        is_ready=is_ready,
        environment=environment_of(name, port) | variables,
    ):
        yield


def until(condition, what):
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not (value := condition()):
        assert time.monotonic() < deadline, what
        time.sleep(0.5)
    return value


def test_scheduler_is_healthy(services, environment_of, api_server):
    with running(services, environment_of, "airflow-scheduler", port=api_server):
        pass


@pytest.mark.parametrize("name", ["airflow-dag-processor", "airflow-triggerer"])
def test_others_are_healthy_once_they_work(services, environment_of, database, name):
    # one that an earlier test has ended counts as alive until its heartbeat is too old
    until(lambda: not is_healthy(services, environment_of, name), "it is healthy without a process")

    with running(services, environment_of, name):
        pass


@pytest.fixture
def ask(services, api_server):
    """Asks Airflow's API as the administrator."""
    url = f"http://{HOST}:{api_server}"
    login = {"username": "admin", "password": services["airflow-init"].environment["AIRFLOW_ADMIN_PASSWORD"]}
    session = requests.Session()
    token = session.post(f"{url}/auth/token", json=login, timeout=30).json()["access_token"]
    session.headers["Authorization"] = f"Bearer {token}"

    def request(path, method="GET", **body):
        reply = session.request(method, f"{url}/api/v2/{path}", json=body or None, timeout=60)
        return reply.json() if reply.ok else {}

    return request


@pytest.mark.timeout(900)
def test_dag_that_is_switched_on_loads_what_is_there(services, environment_of, api_server, ask, database_url, tmp_path):
    generate = [sys.executable, "-m", "trade_ingest", "generate", "--output", tmp_path, "--rows", "300", "--files", "2"]
    subprocess.run(generate, check=True, capture_output=True)
    given = services["airflow-scheduler"].environment
    assert given["TRADE_INGEST_AIRFLOW_SOURCE"] == "/data"
    variables = {
        "TRADE_INGEST_AIRFLOW_SOURCE": str(tmp_path),
        "TRADE_INGEST_COMMAND": f"{sys.executable} -m trade_ingest",
        "TRADE_INGEST_DATABASE_URL": database_url,
    }

    with (
        running(services, environment_of, "airflow-dag-processor", **variables),
        running(services, environment_of, "airflow-scheduler", port=api_server, **variables),
    ):
        until(lambda: ask("dags/trade_ingest"), "the DAG is known")
        ask("dags/trade_ingest", "PATCH", is_paused=False)

        def ended():
            runs = ask("dags/trade_ingest/dagRuns")["dag_runs"]
            return runs and runs[0]["state"] in {"success", "failed"} and runs[0]

        run = until(ended, "the run of the last interval ends")

    assert (run["state"], run["run_type"]) == ("success", "scheduled")
    with psycopg.connect(database_url) as connection:
        loaded = "SELECT count(*), sum(rows_loaded) FROM ingest.file WHERE state = 'loaded'"
        assert connection.execute(loaded).fetchone() == (2, 300)
    links = ask(f"dags/trade_ingest/dagRuns/{run['dag_run_id']}/taskInstances/load/links?map_index=0")
    assert links["extra_links"] == {"Run on the dashboard": f"{given['TRADE_INGEST_AIRFLOW_DASHBOARD']}/runs/1"}
    (event,) = ask("assets/events")["asset_events"]
    assert (event["name"], event["extra"]["rows_loaded"]) == ("public.trade_event", 300)
