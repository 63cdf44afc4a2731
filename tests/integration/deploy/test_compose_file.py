"""compose.yaml: valid, no secret in it, nothing reachable from outside, and profiles that start what they should."""

import os
import re
import subprocess
from importlib import metadata
from pathlib import Path

import pytest
import yaml

from compose_file import ROOT, MissingVariableError, Variable, load, variables

TEXT = (ROOT / "compose.yaml").read_text()
DOCUMENT = yaml.safe_load(TEXT)
ONE_SHOT = {"airflow-init", "storage-samples"}
CORE = {"target", "api"}
SPARK = {"spark-master", "spark-worker", "storage", "storage-samples"}
AIRFLOW = {f"airflow-{part}" for part in ("db", "init", "api-server", "scheduler", "dag-processor", "triggerer")}


@pytest.fixture
def secret_values(tmp_path):
    """What `make up` writes."""
    subprocess.run(["python3", str(ROOT / "deploy/docker/make_secrets.py"), str(tmp_path / "made")], check=True)
    lines = (tmp_path / "made" / "env").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines)


def test_file_is_as_the_compose_specification_says(run_tool):
    run_tool("check-jsonschema", "--builtin-schema", "vendor.compose-spec", str(ROOT / "compose.yaml"))


@pytest.mark.parametrize(
    ("profile", "services"),
    [
        ("db", {"target"}),
        ("airflow", CORE | AIRFLOW),
        ("spark", CORE | SPARK),
        ("full", CORE | SPARK | AIRFLOW),
    ],
)
def test_profile_starts(profile, services):
    chosen = {name for name, service in DOCUMENT["services"].items() if profile in service["profiles"]}

    assert chosen == services
    needed = {other for name in chosen for other in DOCUMENT["services"][name].get("depends_on", {})}
    assert needed <= chosen


def test_required_variables_are_the_secrets_that_make_up_makes(secret_values):
    required = {variable.name for variable in variables(TEXT) if variable.kind == "?"}

    assert required == secret_values.keys() - {"SPARK_SECRET"}  # that one goes into a file of its own
    assert {variable.rest for variable in variables(TEXT) if variable.kind == "?"} == {"run make up, which makes it"}


def test_only_what_is_no_secret_has_a_default():
    assert {variable for variable in variables(TEXT) if variable.kind != "?"} == {
        Variable("AIRFLOW_PARALLELISM", "-", "8"),
        Variable("AIRFLOW_PORT", "-", "8080"),
        Variable("API_PORT", "-", "8480"),
        Variable("SPARK_UI_PORT", "-", "8081"),
        Variable("SPARK_WORKER_CORES", "-", "2"),
        Variable("SPARK_WORKER_MEMORY", "-", "2g"),
        Variable("STORAGE_PORT", "-", "8333"),
        Variable("TARGET_PORT", "-", "5432"),
        Variable("TRADE_INGEST_AIRFLOW_SOURCE", "-", "/data"),
        Variable("TRADE_INGEST_ENGINE", "-", "local"),
        Variable("TRADE_INGEST_MAX_CONNECTIONS", "-", "60"),
        Variable("TRADE_INGEST_NOTIFY", "-", ""),
    }


def test_who_is_told_of_failures_is_told_by_the_api_and_by_airflow(secret_values):
    services = load(secret_values | {"TRADE_INGEST_NOTIFY": "mailto://desk.example"})

    told = {name for name, service in services.items() if service.environment.get("TRADE_INGEST_NOTIFY")}
    assert told == {"api"} | (AIRFLOW - {"airflow-db"})


def test_secrets_are_given_by_variables_only():
    secret = re.compile(r"(PASSWORD|SECRET|_KEY|CONN$|DATABASE_URL)")
    given = [
        (name, key, value)
        for name, service in DOCUMENT["services"].items()
        for key, value in service.get("environment", {}).items()
        if secret.search(key) and not key.endswith("_FILE")
    ]

    assert len(given) > 10
    assert [entry for entry in given if not any(v.kind == "?" for v in variables(entry[2]))] == []


def test_without_a_secret_it_says_what_to_do(secret_values):
    del secret_values["LOADER_PASSWORD"]

    with pytest.raises(MissingVariableError, match="LOADER_PASSWORD: run make up"):
        load(secret_values)


@pytest.mark.parametrize("name", DOCUMENT["services"])
def test_service_is_watched_restarted_and_logs_within_bounds(name):
    service = DOCUMENT["services"][name]

    assert service["logging"] == {"driver": "json-file", "options": {"max-size": "10m", "max-file": "3"}}
    if name in ONE_SHOT:
        assert service["restart"] == "no"
        assert "healthcheck" not in service
    else:
        assert service["restart"] == "unless-stopped"
        assert service["healthcheck"].keys() == {"test", "interval", "timeout", "retries", "start_period"}


@pytest.mark.parametrize("name", DOCUMENT["services"])
def test_service_waits_for_what_it_needs(name):
    for other, how in DOCUMENT["services"][name].get("depends_on", {}).items():
        expected = "service_completed_successfully" if other in ONE_SHOT else "service_healthy"
        assert how == {"condition": expected}


@pytest.mark.parametrize("name", DOCUMENT["services"])
def test_ports_are_of_this_machine_only(name):
    for port in DOCUMENT["services"][name].get("ports", []):
        assert re.fullmatch(r"127\.0\.0\.1:\$\{[A-Z_]+:-\d+}:\d+", port)


def test_ports_of_this_machine_differ():
    ports = [re.search(r":-(\d+)", port)[1] for s in DOCUMENT["services"].values() for port in s.get("ports", [])]

    assert len(ports) == len(set(ports)) == 5


@pytest.mark.parametrize("name", DOCUMENT["services"])
def test_image_has_a_version(name):
    service = DOCUMENT["services"][name]
    image, _, tag = service["image"].partition(":")

    assert re.match(r"\d+\.\d+", tag), service["image"]
    if "build" in service:
        assert tag == metadata.version("trade-ingest")
        assert re.search(
            rf"^FROM \S+ AS {service['build']['target']}$", (ROOT / "Dockerfile").read_text(), re.MULTILINE
        )
    else:
        assert image in {"postgres", "chrislusf/seaweedfs"}


def test_our_containers_have_few_rights():
    ours = [s for s in DOCUMENT["services"].values() if s["image"].startswith("trade-ingest:")]

    assert len(ours) == 4
    for service in ours:
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert "user" not in service  # the image's, which is not root


def test_volumes_are_declared_and_mounts_are_there():
    mounts = [m.split(":") for s in DOCUMENT["services"].values() for m in s.get("volumes", [])]
    named = {source for source, *_ in mounts if not source.startswith(".")}
    paths = {(source, *rest) for source, *rest in mounts if source.startswith(".")}

    assert named == DOCUMENT["volumes"].keys()
    assert {rest[-1] for _, *rest in paths} == {"ro"}
    assert {source for source, *_ in paths} == {"./data", "./airflow_dags", "./deploy/docker/init-target.sh"}
    assert os.access(ROOT / "deploy/docker/init-target.sh", os.X_OK)
    assert {secret["source"] for s in DOCUMENT["services"].values() for secret in s.get("secrets", [])} == {
        "spark-defaults"
    }
    assert DOCUMENT["secrets"] == {"spark-defaults": {"file": "./.compose/spark-defaults.conf"}}


def test_make_up_and_down_are_as_documented():
    def commands(*arguments):
        made = subprocess.run(["make", "-C", ROOT, "--dry-run", *arguments], capture_output=True, text=True, check=True)
        return [line for line in made.stdout.splitlines() if not line.startswith("make")]

    compose = "docker compose --env-file .compose/env --profile"
    assert commands("up", "PROFILE=spark", "PYTHON=python3") == [
        "mkdir -p data",
        "python3 deploy/docker/make_secrets.py .compose",
        f"{compose} spark up --detach --build",
        f"{compose} spark ps",
    ]
    assert [line.strip() for line in commands("down")] == [f"{compose} full down"]


def test_secrets_stay_out_of_git():
    ignored = subprocess.run(["git", "check-ignore", ".compose/env"], cwd=ROOT, capture_output=True, check=False)
    if not Path(ROOT, ".git").exists():
        pytest.skip("not a git checkout")
    assert ignored.returncode == 0
