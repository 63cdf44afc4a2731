"""The demonstration: what it claims is in its database, and a second one is like the first."""

import os
import re
import subprocess
import sys

import psycopg
import pytest

from trade_ingest import embedded
from trade_ingest.demo import BAD_RATIO, FILES, ROWS

STATES = "SELECT state, coalesce(reason, ''), count(*) FROM ingest.file GROUP BY 1, 2 ORDER BY 1, 2"
RUNS = "SELECT files_planned, files_loaded, files_skipped, rows_loaded, rows_rejected FROM ingest.run ORDER BY run_id"
REPLACED = """
SELECT old.rows_read, old.rows_rejected, new.rows_read, new.rows_rejected, new.uri = old.uri
FROM ingest.file AS new JOIN ingest.file AS old ON old.file_id = new.replaces_file_id
"""


def run_demo(*arguments, **environment):
    command = [sys.executable, "-m", "trade_ingest", "demo", *map(str, arguments)]
    return subprocess.run(
        command, capture_output=True, text=True, check=False, env=os.environ | environment, stdin=subprocess.DEVNULL
    )


def check_claims(database, output):
    bad = round(ROWS * BAD_RATIO)
    with psycopg.connect(database) as connection:
        runs = connection.execute(RUNS).fetchall()
        states = connection.execute(STATES).fetchall()
        (replaced,) = connection.execute(REPLACED).fetchall()
        (rows,) = connection.execute("SELECT count(*) FROM trade_event").fetchone()
        (rejects,) = connection.execute("SELECT count(*) FROM ingest.reject").fetchone()
    old_rows, mended, new_rows, new_rejects, is_same_name = replaced
    assert (old_rows, new_rejects, is_same_name) == (new_rows, 0, True)
    assert mended > 0
    assert runs == [
        (FILES, FILES, 0, ROWS - bad, bad),
        (2, 1, FILES, new_rows, 0),  # the mended day; the twin and all others are left out
        (0, 0, FILES + 1, 0, 0),  # nothing to do
    ]
    assert states == [("loaded", "", FILES), ("replaced", "", 1), ("skipped", "same_content", 1)]
    assert (rows, rejects) == (ROWS - bad + mended, bad)
    for claim in (
        f"{ROWS:,} read = {ROWS - bad:,} loaded + 0 duplicate + {bad} rejected  ✓ balanced",
        f"{new_rows:,} read = {new_rows:,} loaded + 0 duplicate + 0 rejected  ✓ balanced",
        f"0 loaded, {FILES + 1} skipped",
        "same content as file",
        "in place of file",
        f"{bad} rejects",
        "^^^",
    ):
        assert claim in output, claim
    assert re.search(r"^USD +EUR +COMPLETED +[\d,]+ +[\d,.]+$", output, re.MULTILINE)
    assert re.findall(r"^\$ trade-ingest run trades$", output, re.MULTILINE) == ["$ trade-ingest run trades"] * 3


@pytest.mark.slow
def test_demo_shows_what_its_database_holds_each_time(server_directory):
    home = server_directory / "demo"
    for _ in range(2):
        done = run_demo("--keep", home, TRADE_INGEST_CONTRACT="kraken_trades")
        assert (done.returncode, done.stderr) == (0, "")
        assert "unset TRADE_INGEST_CONTRACT" in done.stdout
        assert not embedded.status(home / "postgresql").running
        try:
            check_claims(embedded.start(home / "postgresql"), done.stdout)
        finally:
            embedded.stop(home / "postgresql")


def test_demo_works_on_an_empty_database_of_a_server(tmp_path, database_url):
    done = run_demo("--keep", tmp_path / "demo", "--database", database_url)
    assert (done.returncode, done.stderr) == (0, "")
    assert "export TRADE_INGEST_DATABASE_URL=" in done.stdout
    assert not (tmp_path / "demo" / "postgresql").exists()
    check_claims(database_url, done.stdout)


@pytest.mark.slow
def test_demo_on_spark_loads_the_same(tmp_path, database_url):
    pytest.importorskip("pyspark")
    done = run_demo("--keep", tmp_path / "demo", "--database", database_url, "--engine", "spark")
    assert done.returncode == 0, done.stderr
    assert re.search(r"^Spark [\d.]+ on local\[\*\]$", done.stdout, re.MULTILINE)
    check_claims(database_url, done.stdout)
    with psycopg.connect(database_url) as connection:
        assert connection.execute("SELECT DISTINCT engine FROM ingest.run").fetchall() == [("spark",)]


def test_database_with_tables_of_its_own_is_refused(tmp_path, database_url):
    with psycopg.connect(database_url) as connection:
        connection.execute("CREATE TABLE trade_event (precious text)")
    done = run_demo("--keep", tmp_path / "demo", "--database", database_url)
    assert done.returncode == 2
    assert "has a ledger or trades already" in done.stderr
    with psycopg.connect(database_url) as connection:
        assert connection.execute("SELECT count(*) FROM trade_event").fetchone() == (0,)


def test_folder_with_files_of_its_own_is_refused(tmp_path):
    (tmp_path / "precious.csv").write_text("a\n")
    done = run_demo("--keep", tmp_path)
    assert done.returncode == 2
    assert "is not empty" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["precious.csv"]


def test_demo_in_use_is_left_alone(tmp_path, database_url):
    from trade_ingest.demo import clean_database

    with clean_database(database_url):
        done = run_demo("--keep", tmp_path / "demo", "--database", database_url)
    assert done.returncode == 2
    assert "another demonstration is under way" in done.stderr
