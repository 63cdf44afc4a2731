"""``contracts match`` and ``infer`` as a user sees them."""

import json

import pytest

from trade_ingest.contract.loading import load_contract

KRAKEN = "".join(f"{1672531436 + i},{90 + i % 3}.5,{i % 5 + 1}.25\n" for i in range(50))
QUOTES = "moment,geld,brief\n" + "2024-01-02T09:30:00Z,1.1,1.2\n2024-01-02T09:30:01Z,1.11,1.21\n"
TRADES = "time,symbol,price,qty\n2024-01-02 09:30:00,A,1.5,2\n2024-01-02 09:30:01,A,1.6,3\n"


@pytest.fixture
def files(tmp_path):
    (tmp_path / "XBTEUR.csv").write_text(KRAKEN)
    (tmp_path / "renamed.csv.txt").write_text(KRAKEN)
    (tmp_path / "quotes.csv").write_text(QUOTES)
    (tmp_path / "trades.csv").write_text(TRADES)


@pytest.mark.parametrize("call", [("contracts", "--match"), ("contracts", "match")], ids=["flag", "command"])
def test_match_shows_the_contract_that_fits_with_its_evidence(program, files, call):
    done = program(*call, "XBTEUR.csv")

    assert done.code == 0
    assert "  likely   0.69  kraken_trades: Time and sales from Kraken's downloadable history\n" in done.out
    assert "50 of 50 rows accepted; executed_at from 2023-01-01 to 2023-01-01; the file's name" in done.out
    assert "load it: trade-ingest run FILE --contract kraken_trades" in done.out


def test_match_says_what_a_renamed_file_must_be_called(program, files):
    done = program("contracts", "match", "renamed.csv.txt")

    assert done.code == 0
    assert "symbol comes from the path: the file must be named as the vendor does, such as " in done.out
    assert "load it" not in done.out


def test_match_says_that_none_fits_and_what_to_do(program, files):
    done = program("contracts", "match", "quotes.csv", "XBTEUR.csv")

    assert done.code == 1
    assert "none fits\n  nearest: " in done.out
    assert "propose one: trade-ingest infer FILE" in done.out


def test_match_as_json_has_a_row_for_each_contract_that_fits(program, files):
    done = program("contracts", "--match", "XBTEUR.csv", "--match", "quotes.csv", "-o", "json")

    result = json.loads(done.out)
    assert (done.code, result["schema"]) == (1, "trade-ingest.contract_match/1")
    assert [(item["contract"], item["verdict"]) for item in result["items"][:1]] == [("kraken_trades", "likely")]
    (none,) = [item for item in result["items"] if item["verdict"] == "none"]
    assert none["problem"]


def test_match_beside_another_command_is_a_usage_error(program, files):
    done = program("contracts", "--match", "XBTEUR.csv", "list")

    assert done.code == 2
    assert "--match lists what fits a file: leave out `list`" in done.err


def test_infer_prints_the_contract_and_says_what_is_to_be_confirmed(program, files):
    done = program("infer", "trades.csv")

    assert done.code == 0
    assert done.out.startswith("# Proposed by `trade-ingest infer` from trades.csv: trades.\n")
    assert done.err == "trades: 2 rows tried, 0 rejects; 2 to confirm, 0 traps seen\n"


def test_infer_writes_a_contract_that_check_takes(program, files, tmp_path):
    done = program("infer", "trades.csv", "--output", "mine.yaml")

    assert (done.code, done.out) == (0, "")
    assert "wrote mine.yaml; check it: trade-ingest check trades.csv --contract mine.yaml" in done.err
    assert load_contract(str(tmp_path / "mine.yaml")).target.layout == "trade_print"
    assert program("check", "trades.csv", "--contract", "./mine.yaml").code == 0
    again = program("infer", "trades.csv", "--output", "mine.yaml")
    assert (again.code, "mine.yaml exists already" in again.err) == (2, True)
    assert program("infer", "trades.csv", "--output", "mine.yaml", "--force").code == 0


def test_infer_as_json_has_the_findings_and_the_contract(program, files):
    done = program("infer", "quotes.csv", "-o", "json")

    result = json.loads(done.out)
    assert (done.code, result["schema"], result["kind"]) == (0, "trade-ingest.inference/1", "quotes")
    assert result["contract"].startswith("# Proposed by")
    assert (result["rows_read"], result["rows_accepted"], result["builtin_contract"]) == (2, 2, None)


def test_infer_refuses_what_has_no_rows(program, tmp_path):
    (tmp_path / "empty.csv").write_text("")

    done = program("infer", "empty.csv")

    assert done.code == 2
    assert "no content to propose a contract from" in done.err
    assert "name a file with some rows" in done.err
