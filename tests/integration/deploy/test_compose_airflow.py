"""Airflow's services of compose.yaml, run as processes of this machine in the environment that `make airflow` makes."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

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
    for part in ("auth", "dags"):
        (path / part).mkdir()
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


def test_scheduler_is_healthy(services, environment_of, api_server):
    def command(ports, _):
        return [str(BIN / "airflow"), *services["airflow-scheduler"].words, "--skip-serve-logs"]

    def is_ready(port):
        return is_healthy(services, environment_of, "airflow-scheduler", {"8974": str(port)})

    def environment(port):
        where = {"HOST": HOST, "PORT": str(port)}
        return {f"AIRFLOW__SCHEDULER__SCHEDULER_HEALTH_CHECK_SERVER_{key}": value for key, value in where.items()}

    (port,) = free_ports(1)
    variables = environment_of("airflow-scheduler", api_server) | environment(port)
    with run_server(
        command, ports=1, start_seconds=PATIENCE_SECONDS, is_ready=lambda _: is_ready(port), environment=variables
    ):
        pass


@pytest.mark.parametrize("name", ["airflow-dag-processor", "airflow-triggerer"])
def test_others_are_healthy_once_they_work(services, environment_of, database, name):
    quiet = ["--skip-serve-logs"] if name == "airflow-triggerer" else []

    assert not is_healthy(services, environment_of, name)

    def command(_, __):
        return [str(BIN / "airflow"), *services[name].words, *quiet]

    def is_ready(_):
        return is_healthy(services, environment_of, name)

    with run_server(
        command, ports=1, start_seconds=PATIENCE_SECONDS, is_ready=is_ready, environment=environment_of(name)
    ):
        pass
