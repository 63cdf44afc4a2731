"""The commands that need no database."""

import csv
import io
import json

import pytest
import yaml

from trade_ingest.contract.loading import builtin_names, contract_text, load_contract
from trade_ingest.settings import Settings

CONTRACT = """
name: tick
version: 1
columns:
  - {name: tick_id, type: integer}
  - {name: price, type: "decimal(12,2)", min: 0}
  - {name: traded_at, type: timestamp, zone: UTC}
event_time: traded_at
target: {table: tick}
rejects: {max_count: 1, max_ratio: 0}
"""
HEADER = "tick_id,price,traded_at\n"
GOOD = "1,10.50,2024-03-04 09:00:00\n"


@pytest.fixture
def files(tmp_path):
    (tmp_path / "tick.yaml").write_text(CONTRACT)
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "bad.csv").write_text(HEADER + GOOD + "2,x,2024-03-04 09:00:00\n3,,2024-03-04 09:00:00\n")
    (tmp_path / "in" / "good.csv").write_text(HEADER + GOOD)
    return tmp_path / "in"


def test_check_shows_each_file_and_the_bad_cells(program, files):
    done = program("check", "in", "--contract", "./tick.yaml")

    assert done.code == 1
    assert done.err == ""
    assert done.out == (
        f"FAIL  {files}/bad.csv  99 B: 3 read = 1 accepted + 2 rejected\n"
        f"  [file.reject_limit] {files}/bad.csv: 2 of 3 rows rejected, more than 1 and 0.00%\n"
        "  hint: mend the rows or the contract, or allow more with --max-rejects\n"
        "  1 row: invalid_decimal in price\n"
        "  1 row: null_value in price\n"
        "  row 2, byte 52: price 'x' invalid_decimal\n"
        "    2,x,2024-03-04 09:00:00\n"
        "      ^\n"
        "  row 3, byte 76: price null_value\n"
        "    3,,2024-03-04 09:00:00\n"
        "      ^\n"
        "\n"
        f"pass  {files}/good.csv  52 B: 1 read = 1 accepted + 0 rejected\n"
        "2 files: 1 would fail; 4 rows, 2 rejects\n"
    )


def test_check_passes_when_no_file_would_fail(program, files):
    done = program("check", "in", "--contract", "./tick.yaml", "--max-rejects", "2", "--limit", "0")

    assert done.code == 0
    assert done.out.endswith("2 files: all would be loaded; 4 rows, 2 rejects\n")
    assert "row 2," not in done.out


def test_check_as_data_has_the_same_facts(program, files):
    arguments = ("check", "in", "--contract", "./tick.yaml", "--limit", "1")
    items = json.loads(program(*arguments, "-o", "json").out)["items"]
    lines = [json.loads(line) for line in program(*arguments, "-o", "jsonl").out.splitlines()]
    cells = list(csv.DictReader(io.StringIO(program(*arguments, "-o", "csv").out)))

    assert lines == items
    assert [cell["rows_rejected"] for cell in cells] == ["2", "0"]
    bad = items[0]
    assert (bad["state"], bad["rows_read"], bad["rows_accepted"], bad["error"]["code"]) == (
        "fail",
        3,
        1,
        "file.reject_limit",
    )
    assert bad["rejects"] == [
        {
            "row_number": 2,
            "byte_offset": 52,
            "raw_text": "2,x,2024-03-04 09:00:00",
            "reasons": [{"column": "price", "value": "x", "code": "invalid_decimal"}],
            "marks": [[2, 3]],
        }
    ]


def test_commands_without_a_source_say_how_to_give_one(program):
    for name in ("run", "plan", "check", "baseline"):
        done = program(name)

        assert (done.code, done.out) == (2, "")
        assert done.err == (
            "error[usage]: no source given and none configured\n"
            "hint: name files, a folder or a glob, or set TRADE_INGEST_SOURCE (see .env.example)\n"
        )


def test_configured_source_is_used_without_arguments(program, files, monkeypatch):
    monkeypatch.setenv("TRADE_INGEST_SOURCE", "in/good.csv")
    monkeypatch.setenv("TRADE_INGEST_CONTRACT", "./tick.yaml")

    assert program("check").out.endswith("1 file: all would be loaded; 1 row, 0 rejects\n")


def test_contracts_lists_the_built_in_ones(program):
    rows = list(csv.DictReader(io.StringIO(program("contracts", "-o", "csv").out)))

    assert [row["name"] for row in rows] == list(builtin_names())
    assert program("contracts").out == program("contracts", "list").out


@pytest.mark.parametrize("name", builtin_names())
def test_contracts_show_prints_the_file_as_it_is(program, name):
    assert program("contracts", "show", name).out == contract_text(name)


def test_contracts_show_as_json_is_the_contract_as_understood(program):
    shown = json.loads(program("contracts", "show", "trade_event", "-o", "json").out)

    assert shown.pop("schema") == "trade-ingest.contract/1"
    assert type(load_contract("trade_event")).model_validate(shown) == load_contract("trade_event")


def test_contracts_check_lists_every_problem_with_its_line(program, tmp_path):
    document = yaml.safe_load(CONTRACT)
    (tmp_path / "ok.yaml").write_text(yaml.safe_dump(document))
    (tmp_path / "bad.yaml").write_text(
        CONTRACT.replace("type: integer", "type: intger").replace("table: tick", "tabel: x")
    )

    good, bad = program("contracts", "check", "ok.yaml"), program("contracts", "check", "bad.yaml")

    assert (good.code, good.out.splitlines()[0]) == (0, "ok: contract tick version 1, 3 columns → public.tick")
    assert bad.code == 2
    first, *problems, hint = bad.err.splitlines()
    assert first == f"error[contract.invalid]: {len(problems)} problems"
    assert len(problems) >= 2
    assert all(problem.startswith("  bad.yaml:") for problem in problems)
    assert hint.startswith("hint: ")


def test_contracts_ddl_is_sql(program):
    text = program("contracts", "ddl", "kraken_trades").out

    lines = text.splitlines()
    assert lines[0] == 'CREATE SCHEMA IF NOT EXISTS "public";'
    assert lines[1].startswith('CREATE TABLE "public"."trade_print" (')
    assert text.endswith(";\n")
    statements = text.split(";\n")
    assert {"CREATE", "COMMENT", ""} >= {statement.strip().partition(" ")[0] for statement in statements}


def test_config_show_says_where_each_value_is_from(program, tmp_path, monkeypatch):
    (tmp_path / ".env").write_text("TRADE_INGEST_DATABASE_URL=postgresql://me:hunter2@db/trades\n")
    (tmp_path / "trade-ingest.toml").write_text("parallelism = 3\n")
    monkeypatch.setenv("TRADE_INGEST_MAX_REJECTS", "0")

    text = program("config", "show", "--origin", "--contract", "kraken_trades")
    items = json.loads(program("config", "show", "-o", "json", "--contract", "kraken_trades").out)["items"]

    assert text.code == 0
    assert "hunter2" not in text.out + text.err + json.dumps(items)
    assert [line.split()[0] for line in text.out.splitlines()[1:]] == list(Settings.model_fields)
    given = {i["name"]: (i["value"], i["origin"], i["layer"]) for i in items if i["layer"] != "default"}
    assert given == {
        "database_url": ("postgresql://me:***@db/trades", "TRADE_INGEST_DATABASE_URL in .env", "env_file"),
        "contract": ("kraken_trades", "--contract", "flag"),
        "parallelism": (3, "parallelism in trade-ingest.toml", "config_file"),
        "max_rejects": ("0", "TRADE_INGEST_MAX_REJECTS", "environment"),
        "output": ("json", "--output", "flag"),
    }


def test_config_check_lists_all_problems(program, tmp_path):
    (tmp_path / "trade-ingest.toml").write_text('parallelism = 0\nengin = "local"\n')

    done = program("config", "check")

    assert (done.code, done.out) == (2, "")
    assert done.err == (
        "error[configuration.invalid]: 2 problems\n"
        "  engin in trade-ingest.toml: no such setting; did you mean engine?\n"
        "  parallelism in trade-ingest.toml: 0 is too small; expected at least 1\n"
        "hint: .env.example describes each setting\n"
    )


def test_config_check_looks_at_the_contract_too(program):
    good, bad = program("config", "check"), program("config", "check", "--contract", "trade_evnt")

    assert good.code == 0
    assert good.out == f"ok: 0 of {len(Settings.model_fields)} settings given; contract trade_event version 1\n"
    assert (bad.code, bad.err.splitlines()[0].partition(":")[0]) == (2, "error[contract.unknown]")


def test_output_setting_is_what_output_option_is(program, monkeypatch):
    as_option = program("contracts", "-o", "jsonl").out
    monkeypatch.setenv("TRADE_INGEST_OUTPUT", "jsonl")

    assert program("contracts").out == as_option
