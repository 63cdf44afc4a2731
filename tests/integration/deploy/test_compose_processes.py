"""Each service of compose.yaml: its command and its health check, run as processes of this machine.

No container runs here: addresses, ports and folders are replaced, all else is as the file says it. Airflow's services
are in test_compose_airflow.py.
"""

import json
import os
import re
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psycopg
import pyspark
import pytest
import requests

from compose_file import ROOT, load, on_this_machine, replaced
from stores.server_process import HOST, answers, free_ports, run_server
from trade_ingest.embedded.account import claim_data_dir
from trade_ingest.embedded.programs import find_programs

PATIENCE_SECONDS = 180
SMALL_JAVA = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"


@pytest.fixture(scope="module")
def folder():
    """What `make up` makes, and room for the servers' files."""
    # named like the folders of other test servers: one left by a killed test process is found and deleted
    with tempfile.TemporaryDirectory(prefix=f"trade-ingest-test-{os.getpid()}-") as name:
        path = Path(name)
        path.chmod(0o755)
        for part in ("home", "data", "java"):
            (path / part).mkdir()
        subprocess.run([sys.executable, ROOT / "deploy/docker/make_secrets.py", path / "compose"], check=True)
        subprocess.run([sys.executable, "-m", "trade_ingest.engine.java", path / "java"], check=True)
        yield path


@pytest.fixture(scope="module")
def values(folder):
    """The variables of compose.yaml."""
    lines = (folder / "compose" / "env").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines) | {"SPARK_WORKER_CORES": "1", "SPARK_WORKER_MEMORY": "1g"}


@pytest.fixture(scope="module")
def services(values):
    """The services of compose.yaml."""
    return load(values)


def until(condition, what):
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not (value := condition()):
        assert time.monotonic() < deadline, what
        time.sleep(0.1)
    return value


def is_healthy(words, **environment):
    return subprocess.run(words, env=os.environ | environment, capture_output=True, check=False).returncode == 0


# ---------------------------------------------------------------- target


@pytest.fixture(scope="module")
def target(services, folder, values):
    """The port of the target, made as the image makes it: the server's own user, a password for all, our script."""
    service = services["target"]
    directory = folder / "target"
    programs = find_programs(18, claim_data_dir(directory))
    account = programs.account
    as_account = {} if account.is_current else {"user": account.uid, "group": account.gid, "extra_groups": []}
    programs.run(
        "initdb",
        "--auth-local=trust",
        "--auth-host=scram-sha-256",
        "--username=postgres",
        "--encoding=UTF8",
        f"--pgdata={directory}/18",
    )
    (port,) = free_ports(1)
    program, *arguments = service.words
    assert program == "postgres"
    local = ["-D", f"{directory}/18", "-h", HOST, "-p", str(port), "-k", str(directory)]
    env = {"LC_ALL": "C", "PATH": f"{programs.bin_dir}:{os.environ['PATH']}"}
    health = replaced(service.health_words, {"pg_isready": str(programs.bin_dir / "pg_isready")})
    assert not is_healthy(health, PGPORT=str(port))
    with (folder / "target.log").open("wb") as log:
        server = subprocess.Popen(
            [programs.bin_dir / "postgres", *arguments, *local], stdout=log, stderr=log, cwd="/", env=env, **as_account
        )
    try:
        until(lambda: is_healthy(health, PGPORT=str(port)), (folder / "target.log").read_text)
        here = {"PGHOST": str(directory), "PGPORT": str(port)} | service.environment
        subprocess.run([ROOT / "deploy/docker/init-target.sh"], env=os.environ | env | here, check=True)
        yield port
    finally:
        server.kill()
        server.wait()


@pytest.fixture(scope="module")
def database_url_of_loader(services, target):
    """The URL that the API and Airflow get."""
    url = services["api"].environment["TRADE_INGEST_DATABASE_URL"]
    return replaced([url], {"target:5432": f"{HOST}:{target}"})[0]


def test_target_has_the_settings_and_a_loader_that_is_no_superuser(services, database_url_of_loader):
    given = dict(word.removeprefix("-c").split("=") for word in services["target"].words[1:])

    with psycopg.connect(database_url_of_loader) as connection:
        in_effect = {name: connection.execute(f"SHOW {name}").fetchone()[0] for name in given}
        role = connection.execute(
            "SELECT current_user::text, rolsuper, rolcreatedb FROM pg_roles WHERE rolname = current_user"
        )
        owner = "SELECT pg_get_userbyid(datdba)::text FROM pg_database WHERE datname = current_database()"
        assert role.fetchone() == ("loader", False, False)
        assert connection.execute(owner).fetchone() == ("loader",)
    assert in_effect == given
    assert services["airflow-scheduler"].environment["TRADE_INGEST_DATABASE_URL"].startswith("postgresql://loader:")


def test_target_refuses_a_wrong_password(target):
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(f"postgresql://loader:{secrets.token_hex(4)}@{HOST}:{target}/trades")


# ---------------------------------------------------------------- storage


@pytest.fixture(scope="module")
def storage(services):
    """The port of the store."""
    names = ["s3.port.grpc", "master.port", "master.port.grpc", "volume.port", "volume.port.grpc"]
    names += ["filer.port", "filer.port.grpc"]

    def command(ports, own_folder):
        s3, *others = ports
        replacements = {"/data": str(own_folder), "0.0.0.0": HOST, "=8333": f"={s3}"}
        options = [f"-{name}={port}" for name, port in zip(names, others, strict=True)]
        sockets = [f"-s3.localSocket={own_folder}/s3.sock", f"-filer.localSocket={own_folder}/filer.sock"]
        return [*on_this_machine(replaced(services["storage"].words, replacements)), *options, *sockets]

    def is_ready(port):
        return answers(f"http://{HOST}:{port}/healthz")

    with run_server(
        command, ports=8, start_seconds=PATIENCE_SECONDS, is_ready=is_ready, environment=services["storage"].environment
    ) as port:
        yield port


@pytest.mark.skipif(shutil.which("wget") is None, reason="its health check is wget, which this machine has not")
def test_storage_is_healthy_when_it_serves(services, storage):
    def words(port):
        return replaced(services["storage"].health_words, {"8333": str(port)})

    assert is_healthy(words(storage))
    assert not is_healthy([*words(free_ports(1)[0]), "--tries=1"])


def test_storage_lets_only_the_key_in(storage):
    assert requests.get(f"http://{HOST}:{storage}/samples", timeout=10).status_code == 403


@pytest.fixture(scope="module")
def samples(services, storage):
    """What the job that writes the samples says, the first and the second time."""
    service = services["storage-samples"]
    words = on_this_machine(
        replaced(service.words, {"/opt/trade-ingest/share/seed.py": str(ROOT / "deploy/docker/seed.py")})
    )
    assert "COPY deploy/docker/seed.py /opt/trade-ingest/share/" in (ROOT / "Dockerfile").read_text()
    endpoint = replaced([service.environment["STORAGE_ENDPOINT"]], {"storage:8333": f"{HOST}:{storage}"})
    environment = os.environ | service.environment | {"STORAGE_ENDPOINT": endpoint[0]}
    return [subprocess.run(words, env=environment, capture_output=True, text=True, check=True).stdout for _ in range(2)]


def test_samples_are_written_once(samples):
    assert samples == ["wrote 10 files to s3://samples\n", "the samples are there already\n"]


# ---------------------------------------------------------------- the API


@pytest.fixture(scope="module")
def program_environment(services, folder, database_url_of_loader, storage, samples):
    """The variables of a container with the program; no other setting, and a home that stays empty."""
    given = dict(services["api"].environment)
    given["TRADE_INGEST_DATABASE_URL"] = database_url_of_loader
    (given["TRADE_INGEST_CONNECTIONS"],) = replaced(
        [given["TRADE_INGEST_CONNECTIONS"]], {"storage:8333": f"{HOST}:{storage}"}
    )
    given["SPARK_CONF_DIR"] = str(folder / "compose")  # where the file is that the secret mounts into /etc/spark
    others = {
        name: value for name, value in os.environ.items() if not name.startswith(("TRADE_INGEST_", "AWS_", "SPARK"))
    }
    image = {"SPARK_HOME": str(Path(pyspark.__file__).parent), "JAVA_HOME": str(folder / "java")}
    image |= {"HOME": str(folder / "home"), "PYSPARK_PYTHON": sys.executable, "PYTHONDONTWRITEBYTECODE": "1"}
    for name in image:
        assert re.search(rf"^(ENV|   ) {name}=", (ROOT / "Dockerfile").read_text(), re.MULTILINE), name
    return others | given | image | {"SPARK_LOCAL_IP": HOST}


@pytest.fixture(scope="module")
def api(services, folder, program_environment):
    """The port of the API."""

    def command(ports, _):
        replacements = {"0.0.0.0": HOST, "8480": str(ports[0]), "/data": str(folder / "data")}
        return on_this_machine(replaced(services["api"].words, replacements))

    def is_ready(port):
        return answers(f"http://{HOST}:{port}/healthz") and is_healthy(health_of_api(services, port))

    with run_server(
        command, ports=1, start_seconds=PATIENCE_SECONDS, is_ready=is_ready, environment=program_environment
    ) as port:
        yield port


def health_of_api(services, port):
    return on_this_machine(replaced(services["api"].health_words, {"8480": str(port)}))


def test_api_is_healthy_only_where_it_answers(services, api):
    assert is_healthy(health_of_api(services, api))
    assert not is_healthy(health_of_api(services, free_ports(1)[0]))


def test_api_loads_samples_for_who_has_a_token(api, program_environment, database_url_of_loader):
    url = f"http://{HOST}:{api}/api/v1"
    assert requests.get(f"{url}/runs", timeout=10).status_code == 401
    make = [sys.executable, "-m", "trade_ingest", "token", "create", "--name", "me", "--scope", "operate", "-o", "json"]
    made = subprocess.run(make, env=program_environment, capture_output=True, text=True, check=True).stdout
    session = requests.Session()
    session.headers["Authorization"] = f"Bearer {json.loads(made)['token']}"
    refused = session.post(f"{url}/runs", json={"sources": ["s3://other/"], "contract": "kraken_trades"}, timeout=30)
    assert refused.status_code == 403
    begun = session.post(
        f"{url}/runs", json={"sources": ["s3://samples/kraken_trades/"], "contract": "kraken_trades"}, timeout=30
    )
    assert begun.status_code == 202, begun.text

    until(lambda: loaded(database_url_of_loader, "kraken_trades") == (5, 10_000), "the run loads the samples")


def loaded(database_url, prefix):
    """How many files of the samples are loaded, and how many rows of them."""
    with psycopg.connect(database_url) as connection:
        query = "SELECT count(*), sum(rows_loaded) FROM ingest.file WHERE state = 'loaded' AND uri LIKE %s"
        return connection.execute(query, [f"s3://samples/{prefix}/%"]).fetchone()


# ---------------------------------------------------------------- Spark


@pytest.fixture(scope="module")
def spark_environment(services, folder, program_environment):
    """The variables of Spark's services, with Java's options for short lives."""
    given = services["spark-master"].environment
    assert given == services["spark-worker"].environment
    here = {"SPARK_LOCAL_DIRS": str(folder / "local"), "SPARK_CONF_DIR": str(folder / "compose")}
    return program_environment | given | here | {"SPARK_DAEMON_JAVA_OPTS": SMALL_JAVA}


@pytest.fixture(scope="module")
def spark_master(services, spark_environment):
    """The ports of the master and of its page."""
    ports = {}

    def command(numbers, _):
        page, ports["master"] = numbers
        replacements = {"spark-master": HOST, "7077": str(ports["master"]), "8080": str(page)}
        return on_this_machine(replaced(services["spark-master"].words, replacements))

    def is_ready(page):
        return answers(f"http://{HOST}:{page}") and is_healthy(health_of(services, "spark-master", page))

    with run_server(
        command, ports=2, start_seconds=PATIENCE_SECONDS, is_ready=is_ready, environment=spark_environment
    ) as page:
        yield ports["master"], page


@pytest.fixture(scope="module")
def spark_worker(services, spark_master, spark_environment):
    """The port of the worker's page."""
    master, master_page = spark_master

    def command(ports, own_folder):
        replacements = {"spark-master:7077": f"{HOST}:{master}", "8080": str(ports[0])}
        replacements["/var/lib/spark"] = str(own_folder)
        return on_this_machine(replaced(services["spark-worker"].words, replacements))

    def is_ready(page):
        health = health_of(services, "spark-worker", page, master_page=master_page)
        return answers(f"http://{HOST}:{page}") and is_healthy(health)

    with run_server(
        command, ports=1, start_seconds=PATIENCE_SECONDS, is_ready=is_ready, environment=spark_environment
    ) as page:
        yield page


def health_of(services, name, port, *, master_page=None):
    replacements = {"127.0.0.1:8080": f"{HOST}:{port}"}
    if master_page is not None:
        replacements["spark-master:8080"] = f"{HOST}:{master_page}"
    return on_this_machine(replaced(services[name].health_words, replacements))


@pytest.mark.slow
def test_spark_loads_samples_with_the_secret_that_all_of_it_has(
    services, spark_master, spark_worker, program_environment, database_url_of_loader
):
    master, master_page = spark_master
    master_url = services["api"].environment["TRADE_INGEST_MASTER"]
    (master_url,) = replaced([master_url], {"spark-master:7077": f"{HOST}:{master}"})
    command = [sys.executable, "-m", "trade_ingest", "run", "s3://samples/trade_event/", "--engine", "spark"]
    for setting in ("spark.ui.enabled=false", f"spark.executor.extraJavaOptions={SMALL_JAVA}"):
        command += ["--conf", setting]

    environment = program_environment | {"TRADE_INGEST_MASTER": master_url}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout + done.stderr
    assert loaded(database_url_of_loader, "trade_event") == (5, 10_000)
    told = requests.get(f"http://{HOST}:{master_page}/json/", timeout=10).json()
    assert len(told["completedapps"] + told["activeapps"]) == 1
    assert not is_healthy(health_of(services, "spark-master", spark_worker))  # a worker's page is no master's
