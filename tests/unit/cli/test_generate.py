"""The generate command."""

import json
import shlex

import pytest


@pytest.fixture
def generate(program):
    """Call it with a command line; the files go to the folder ``made``."""
    return lambda line: program("generate", "--output", "made", *shlex.split(line))


@pytest.fixture
def made(tmp_path):
    """The folder that takes the files."""
    return tmp_path / "made"


def test_result_and_next_command_are_shown(generate, made):
    done = generate("--rows 600 --files 3 --bad-ratio 0.01 --duplicate-ratio 0.02")
    assert done.code == 0
    assert done.out.startswith("600 rows in 3 files, ")
    assert ", 6 bad, 12 duplicate" in done.out
    assert done.err == "load them: trade-ingest run made\n"
    assert sorted(path.name for path in made.iterdir()) == [f"trade_event_2024-01-0{day}.csv" for day in (2, 3, 4)]


def test_json_is_one_object(generate, made):
    done = generate("--rows 50 --contract kraken_trades --start-date 2023-12-31 --compress -o json")
    assert done.code == 0
    assert json.loads(done.out) | {"duration_seconds": 0, "rows_per_second": 0} == {
        "schema": "trade-ingest.generate/1",
        "contract": "kraken_trades",
        "output": "made",
        "files": 20,
        "rows": 50,
        "bad_rows": 0,
        "duplicate_rows": 0,
        "size_bytes": sum(path.stat().st_size for path in made.iterdir()),
        "duration_seconds": 0,
        "rows_per_second": 0,
    }
    assert done.err == "load them: trade-ingest run made --contract kraken_trades\n"
    assert min(path.name for path in made.iterdir()) == "XBTEUR_2023-12-31.csv.gz"


def test_json_lines_report_each_file(generate):
    done = generate("--rows 7 --files 2 -o jsonl -q")
    *events, last = map(json.loads, done.out.splitlines())
    assert [(event["event"], event["date"]) for event in events] == [
        ("file_generated", "2024-01-02"),
        ("file_generated", "2024-01-03"),
    ]
    assert sum(event["rows"] for event in events) == last["rows"] == 7
    assert done.err == ""


def test_few_rows_make_few_files(generate, made):
    assert generate("--rows 3").code == 0
    assert len(list(made.iterdir())) == 3


def test_existing_files_need_force(generate, made):
    assert generate("--rows 4 --files 2").code == 0
    before = {path: path.read_bytes() for path in made.iterdir()}
    refused = generate("--rows 4 --files 2 --seed 1")
    assert refused.code == 2
    assert refused.err.startswith(
        f"error[generate.impossible]: {made}/trade_event_2024-01-02.csv exists already, and 1 more"
    )
    assert "--force" in refused.err
    assert {path: path.read_bytes() for path in made.iterdir()} == before
    assert generate("--rows 4 --files 2 --seed 1 --force").code == 0
    assert {path: path.read_bytes() for path in made.iterdir()} != before


def test_unique_makes_each_row_its_own_trade(generate, made):
    assert generate("--rows 400 --files 2 --unique").code == 0
    ids = [tuple(line.split(",")[:2]) for path in made.iterdir() for line in path.read_text().splitlines()[1:]]
    assert len(set(ids)) == len(ids) == 400


def test_impossible_ratio_is_a_usage_error(generate):
    refused = generate("--bad-ratio 0.7")
    assert refused.code == 2
    assert "error[usage]" in refused.err
