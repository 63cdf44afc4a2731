import json
import subprocess
import sys

import pytest

from trade_ingest.embedded import start, stop
from trade_ingest.ledger.schema import HEAD


def test_url_is_the_configured_one(program):
    assert program("db", "url").out == f"{program.database}\n"


def test_upgrade_makes_the_ledger_and_then_finds_it(program):
    first, second = program("db", "upgrade"), program("db", "upgrade", "-o", "json")

    assert first.out == f"ledger is at revision {HEAD}, newly made\n"
    assert json.loads(second.out) == {
        "schema": "trade-ingest.db_upgrade/1",
        "revision": HEAD,
        "revision_before": HEAD,
    }


def test_status_of_a_server(program):
    before = json.loads(program("db", "status", "-o", "json").out)
    program("db", "upgrade")
    after = json.loads(program("db", "status", "-o", "json").out)

    assert (before["kind"], before["running"], before["ledger"]) == ("server", True, "none yet; the first run makes it")
    assert after["ledger"] == f"revision {HEAD}, current"


def test_stop_is_for_the_embedded_server_only(program):
    done = program("db", "stop")

    assert (done.code, done.out) == (2, "")
    assert done.err.startswith(f"error[usage]: the database is not the embedded one but {program.database}\n")


def shell(program, *arguments):
    command = [sys.executable, "-m", "trade_ingest", "db", "shell", "--", *arguments]
    return subprocess.run(command, cwd=program.folder, capture_output=True, text=True, check=False)


def test_shell_is_psql_on_the_database(program):
    done = shell(program, "-XAtc", "SELECT current_database()")

    assert (done.returncode, done.stderr) == (0, "")
    assert program.database.partition("?")[0].endswith(f"/{done.stdout.strip()}")


def test_exit_code_of_the_shell_is_that_of_psql(program):
    assert shell(program, "-Xc", "SELECT nonsense").returncode == 1


@pytest.fixture
def data_dir(server_directory):
    yield server_directory / "data"
    stop(server_directory / "data")


def test_embedded_server_is_used_where_no_database_is_configured(program, monkeypatch, data_dir):
    monkeypatch.setenv("TRADE_INGEST_DATABASE_URL", "")
    monkeypatch.setenv("TRADE_INGEST_DATA_DIR", str(data_dir))
    program.write("a.csv", [1, 2])

    before = json.loads(program("db", "status", "-o", "json").out)
    ran = program("run", "a.csv")
    after = json.loads(program("db", "status", "-o", "json").out)
    counted = shell(program, "-XAtc", "SELECT count(*) FROM tick")
    stopped, stopped_again = program("db", "stop"), program("db", "stop")

    assert (before["kind"], before["running"], before["version"]) == ("embedded", False, None)
    assert ran.code == 0
    assert ran.err.splitlines()[0] == f"no --database: using the embedded PostgreSQL in {data_dir}"
    assert (after["running"], after["url"], after["ledger"]) == (True, start_url(data_dir), f"revision {HEAD}, current")
    assert counted.stdout == "2\n"
    assert stopped.out == f"stopped; the data stays in {data_dir}\n"
    assert stopped_again.out == f"it was not running; its data is in {data_dir}\n"
    assert program("run", "a.csv", "-q", "--fail-if-empty").code == 5


def start_url(data_dir):
    return start(data_dir)
