"""The contracts that come with the product, and the commented examples of the documentation."""

import re
from pathlib import Path

import pytest

from trade_ingest.contract.layout import layout_columns, unique_key
from trade_ingest.contract.loading import builtin_names, contract_text, load_contract, parse_contract

ROOT = Path(__file__).parents[3]
EXAMPLES = sorted((ROOT / "docs/examples/contracts").glob("*.yaml"))


def test_built_in_contracts_are_sorted_and_the_default_is_among_them():
    assert list(builtin_names()) == sorted(builtin_names())
    assert "trade_event" in builtin_names()


@pytest.mark.parametrize("name", builtin_names())
def test_built_in_contract_is_accepted_with_its_expressions_compiled(name):
    contract = parse_contract(contract_text(name), origin=name, compile_expressions=True)
    assert contract == load_contract(name)
    assert contract.name == name
    assert contract.description


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_example_is_accepted_and_every_column_is_described(path):
    contract = load_contract(str(path))
    assert contract.name == path.stem
    assert all(column.description for column in contract.columns)


def test_examples_are_these():
    assert [path.stem for path in EXAMPLES] == ["mtgox_dump", "tardis_download", "truefx_quotes"]


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_example_names_every_column_of_the_header_it_quotes(path):
    header = re.search(r"with this header:\n#   (.+)", path.read_text(encoding="utf-8"))[1].split(",")
    contract = load_contract(str(path))
    assert sorted(name for column in contract.file_columns for name in column.header_names) == sorted(header)


@pytest.mark.parametrize("path", [*EXAMPLES, *sorted((ROOT / "src/trade_ingest/contract/builtin").glob("*.yaml"))])
def test_editors_find_the_schema_where_the_first_line_says(path):
    first_line = path.read_text(encoding="utf-8").partition("\n")[0]
    relative = first_line.removeprefix("# yaml-language-server: $schema=")
    assert (path.parent / relative).resolve() == ROOT / "docs/contract.schema.json"


def test_trade_event_takes_the_default_headers():
    contract = load_contract("trade_event")
    headers = (
        "TradeId CustomerId From_Currency To_Currency From_Cost To_Cost From_Pip To_Pip Transaction_Date "
        "Transaction_Status Created_By Created_On Updated_By Updated_on From_Deposited_Account To_Debited_Account"
    )
    assert [column.header_names for column in contract.columns] == [(header,) for header in headers.split()]
    assert [column.name for column in contract.columns if not column.required] == [
        "created_by",
        "updated_by",
        "from_deposited_account",
        "to_debited_account",
    ]
    assert {column.zone for column in contract.columns if column.type == "timestamp"} == {"UTC"}
    assert {column.sql_type for column in layout_columns(contract)} == {
        "text",
        "numeric(38,10)",
        "timestamp with time zone",
    }
    assert contract.column("transaction_status").values == ("PENDING", "COMPLETED", "FAILED")
    assert [column.name for column in contract.columns if column.check] == ["from_currency", "to_currency"]


def test_trade_event_keeps_every_state_and_shows_the_latest():
    contract = load_contract("trade_event")
    assert unique_key(contract) == ("trade_id", "customer_id", "updated_at", "transaction_date")
    assert contract.target.current_view.model_dump() == {
        "name": "trade_event_current",
        "by": ("trade_id", "customer_id"),
        "latest": "updated_at",
    }


@pytest.mark.parametrize(
    ("name", "uri", "symbol"),
    [
        ("binance_spot_trades", "s3://b/data/spot/daily/trades/BTCUSDT/BTCUSDT-trades-2024-01-02.zip", "BTCUSDT"),
        ("binance_spot_trades", "BTCUSDT-trades-2024-01.csv.gz", "BTCUSDT"),
        ("binance_spot_trades", "/x/1INCHBTC-trades-2024-01-02.csv", "1INCHBTC"),
        ("binance_spot_trades", "/x/BTCUSDT-aggTrades-2024-01-02.csv", None),
        ("kraken_trades", "/data/Kraken_Trading_History/XBTEUR.csv", "XBTEUR"),
        ("kraken_trades", "gs://b/k/BCHEUR_incremental_q2.csv", "BCHEUR"),
        ("kraken_trades", "XBTEUR.csv.gz", "XBTEUR"),
        ("kraken_trades", "/data/notes.csv", None),
    ],
)
def test_symbol_is_taken_from_the_path(name, uri, symbol):
    match = re.search(load_contract(name).path, uri)
    assert (match and match["symbol"]) == symbol


def test_side_of_a_binance_trade_is_the_aggressors():
    values = load_contract("binance_spot_trades").column("side").values
    assert values == {"True": "sell", "False": "buy", "true": "sell", "false": "buy"}
