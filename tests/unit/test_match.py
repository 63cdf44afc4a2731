"""Which built-in contracts fit a file, and how sure that is."""

import pytest

from generated_feeds import can_be_generated
from trade_ingest import match
from trade_ingest.contract.loading import builtin_names, contract_text, load_contract, parse_contract
from trade_ingest.generate import generate
from trade_ingest.match import FileMatch, Verdict, example_name, match_contracts
from vendor_feeds import FEEDS

KRAKEN = "".join(f"{1672531436 + i},{90 + i % 3}.5,{i % 5 + 1}.25\n" for i in range(50))
TICKS = """
name: {name}
version: 1
columns:
  - {{name: tick_id, type: integer}}
  - {{name: price, type: "decimal(12,2)"}}
  - {{name: traded_at, type: timestamp, zone: UTC}}
event_time: traded_at
target: {{table: tick}}
"""


def matched(path, content) -> FileMatch:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    (found,) = match_contracts([str(path)])
    return found


@pytest.fixture
def contracts(monkeypatch):
    """Use other built-in contracts: name → YAML."""

    def use(texts):
        parsed = {name: parse_contract(text, origin=name) for name, text in texts.items()}
        monkeypatch.setattr(match, "builtin_names", lambda: tuple(parsed))
        monkeypatch.setattr(match, "load_contract", parsed.__getitem__)
        example_name.cache_clear()

    yield use
    example_name.cache_clear()


@pytest.mark.parametrize("name", [name for name in builtin_names() if can_be_generated(name)])
def test_generated_files_fit_their_own_contract_as_well_as_any(tmp_path, name):
    generate(load_contract(name), tmp_path, rows=300, files=1)

    (found,) = match_contracts([str(tmp_path)])

    own = next(fit for fit in found.fits if fit.contract == name)
    assert own.score >= found.best.score - 0.1
    assert (own.takes_all, own.rows_accepted) == (True, own.rows_read)


def test_header_that_is_the_contracts_is_certain(tmp_path):
    generate(load_contract("trade_event"), tmp_path, rows=300, files=1)

    (found,) = match_contracts([str(tmp_path)])

    assert (found.best.contract, found.best.verdict) == ("trade_event", Verdict.CERTAIN)
    assert "16 of the header's 16 names exactly" in found.best.evidence


def test_renamed_file_says_how_it_must_be_named(tmp_path, contracts):
    contracts({"kraken_trades": contract_text("kraken_trades")})
    found = matched(tmp_path / "ticks.data.csv", KRAKEN)

    assert (found.best.contract, found.best.path_fits, found.best.takes_all) == ("kraken_trades", False, False)
    assert (found.best.path_columns, found.best.expected_name[-4:]) == (("symbol",), ".csv")
    named = matched(tmp_path / "XBTEUR.csv", KRAKEN)
    assert named.best.score > found.best.score


def test_archive_members_are_tried_each(tmp_path):
    feed = next(feed for feed in FEEDS if feed.name == "binance spot")
    found = matched(tmp_path / feed.file, feed.content)

    assert found.uri.endswith("!/BTCUSDT-trades-2024-03-04.csv")
    assert (found.best.contract, found.best.verdict) == ("binance_spot_trades", Verdict.CERTAIN)


def test_times_of_no_year_with_trades_do_not_fit(tmp_path, contracts):
    contracts({"kraken_trades": contract_text("kraken_trades")})
    found = matched(tmp_path / "XBTEUR.csv", "".join(f"{i},{90 + i % 3},{i % 5 + 1}\n" for i in range(1, 50)))

    nearest = next(fit for fit in found.nearest if fit.contract == "kraken_trades")
    assert found.fits == ()
    assert nearest.problem == "executed_at would be from 1970-01-01 to 1970-01-01: no years of trades"


def test_nearest_contract_is_named_with_what_is_wrong(tmp_path):
    generate(load_contract("trade_event"), tmp_path, rows=20, files=1)
    (path,) = tmp_path.rglob("*.csv")
    text = path.read_text().replace("CustomerId", "Client", 1)

    found = matched(tmp_path / "x.csv", text)

    assert found.fits == ()
    assert found.nearest[0].contract == "trade_event"
    assert found.nearest[0].problem.startswith("header: column 'CustomerId' is missing")


def test_share_of_accepted_rows_counts(tmp_path, contracts):
    contracts({"tick": TICKS.format(name="tick")})
    good = "".join(f"{i},1.50,2024-03-04 09:00:00\n" for i in range(99))

    few = matched(tmp_path / "a.csv", "tick_id,price,traded_at\n" + good + "x,1,2024-03-04 09:00:00\n")
    many = matched(tmp_path / "b.csv", "tick_id,price,traded_at\n" + good + "x,1,2024-03-04 09:00:00\n" * 50)

    assert (few.best.contract, few.best.rows_accepted, few.best.takes_all) == ("tick", 99, False)
    assert many.nearest[0].problem == "50 of 149 rows rejected: invalid_integer in tick_id"


def test_contracts_that_fit_equally_well_are_named_and_none_is_certain(tmp_path, contracts):
    contracts({name: TICKS.format(name=name) for name in ("one", "two")})

    found = matched(tmp_path / "a.csv", "tick_id,price,traded_at\n" + "1,1.5,2024-03-04 09:00:00\n" * 9)

    assert [(fit.contract, fit.equals) for fit in found.fits] == [("one", ("two",)), ("two", ("one",))]
    assert {fit.verdict for fit in found.fits} == {Verdict.LIKELY}


@pytest.mark.parametrize(
    "content", ["", "tick_id,price,traded_at\n", b"\x1f\x8b\x08 damaged"], ids=["empty", "header", "damaged"]
)
def test_files_without_rows_fit_nothing(tmp_path, content):
    found = matched(tmp_path / "a.csv", content)

    assert found.fits == ()
    assert all(fit.problem for fit in found.nearest)


def test_example_of_a_name_is_made_also_where_case_does_not_matter(contracts):
    path = r"path: '(?i)DAT_ASCII_(?P<symbol>[A-Z]{6})_T_?\d{6}'"
    contracts({"ticks": TICKS.format(name="ticks").replace("columns:", f"{path}\ncolumns:")})

    assert example_name("ticks").startswith("DAT_ASCII_")


def test_best_alone_is_certain(tmp_path, contracts):
    looser = TICKS.format(name="looser").replace("target:", "drift: {unknown_columns: ignore}\ntarget:")
    looser = looser.replace('  - {name: price, type: "decimal(12,2)"}\n', "")
    contracts({"tick": TICKS.format(name="tick"), "looser": looser})

    found = matched(tmp_path / "a.csv", "tick_id,price,traded_at\n" + "1,1.5,2024-03-04 09:00:00\n" * 9)

    assert [fit.contract for fit in found.fits] == ["tick", "looser"]
    assert found.fits[1].verdict != Verdict.CERTAIN


def test_a_bad_row_of_a_small_file_does_not_rule_its_contract_out(tmp_path, contracts):
    contracts({"tick": TICKS.format(name="tick")})

    found = matched(
        tmp_path / "a.csv", "tick_id,price,traded_at\n" + "1,1.5,2024-03-04 09:00:00\n" * 9 + "x,1,2024-03-04\n"
    )

    assert (found.best.rows_read, found.best.rows_accepted, found.best.takes_all) == (10, 9, False)
