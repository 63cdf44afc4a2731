from textwrap import indent

import pytest

from trade_ingest.contract.layout import TargetColumn, layout_columns, layout_named, unique_key
from trade_ingest.contract.loading import load_contract, parse_contract
from trade_ingest.errors import ContractError

PRINTS = """\
name: prints
version: 1
columns:
  - {name: venue, type: text, constant: xyz}
  - {name: symbol, type: text}
  - {name: executed_at, type: timestamp, epoch: ns, nanoseconds: executed_at_ns}
  - {name: price, type: "decimal(38,12)"}
  - {name: quantity, type: "decimal(38,12)"}
event_time: executed_at
target: {table: trade_print, layout: trade_print}
"""


def parsed(text):
    return parse_contract(text, origin="c.yaml")


def with_columns(*columns, key=""):
    text = PRINTS.replace("event_time", indent("".join(f"- {column}\n" for column in columns), "  ") + "event_time")
    return text + key


def problems_of(text):
    with pytest.raises(ContractError) as caught:
        parsed(text)
    return [(p.path, p.message) for p in caught.value.fields["problems"]]


def test_layout_columns_are_all_of_the_layouts_whatever_the_contract_fills():
    assert [(c.name, c.sql_type, c.nullable) for c in layout_columns(parsed(PRINTS))] == [
        ("venue", "text", False),
        ("symbol", "text", False),
        ("trade_id", "text", True),
        ("executed_at", "timestamp with time zone", False),
        ("executed_at_ns", "bigint", True),
        ("price", "numeric(38,12)", True),
        ("quantity", "numeric(38,12)", False),
        ("quote_quantity", "numeric(38,12)", True),
        ("side", "text", True),
        ("currency", "text", True),
        ("sequence_number", "bigint", True),
        ("action", "text", True),
        ("original_trade_id", "text", True),
        ("extra", "jsonb", True),
    ]


def test_contracts_of_one_layout_have_the_same_target():
    binance, kraken = load_contract("binance_spot_trades"), load_contract("kraken_trades")
    assert layout_columns(binance) == layout_columns(kraken)
    assert unique_key(binance) == unique_key(kraken) == ("trade_id", "symbol", "venue", "executed_at")


def test_own_columns_are_in_contract_order_each_with_its_nanoseconds():
    text = PRINTS.replace(", layout: trade_print", "").replace(
        "type: text}", "type: text, required: false, description: d}"
    )
    assert layout_columns(parsed(text)) == (
        TargetColumn("venue", "text", nullable=False, description=""),
        TargetColumn("symbol", "text", nullable=True, description="d"),
        TargetColumn("executed_at", "timestamp with time zone", nullable=False, description=""),
        TargetColumn(
            "executed_at_ns", "bigint", nullable=False, description="executed_at in nanoseconds since 1970-01-01 UTC"
        ),
        TargetColumn("price", "numeric(38,12)", nullable=False, description=""),
        TargetColumn("quantity", "numeric(38,12)", nullable=False, description=""),
    )


@pytest.mark.parametrize(
    ("key", "partition_by", "expected"),
    [
        ("[symbol]", "month", ("symbol", "executed_at")),
        ("[symbol]", "none", ("symbol",)),
        ("[executed_at, symbol]", "day", ("executed_at", "symbol")),
        ("[]", "month", ()),
    ],
)
def test_unique_key_has_the_event_time_where_the_target_is_partitioned(key, partition_by, expected):
    text = PRINTS.replace("layout: trade_print", f"partition_by: {partition_by}") + f"key: {key}\n"
    assert unique_key(parsed(text)) == expected


def test_layouts_key_takes_trade_ids_that_may_be_null():
    column = "{name: trade_id, type: text, required: false}"
    contract = parsed(with_columns(column, key="key: [trade_id, symbol, venue]\n"))
    assert unique_key(contract) == ("trade_id", "symbol", "venue", "executed_at")


@pytest.mark.parametrize(
    ("text", "path", "message"),
    [
        (with_columns("{name: prise, type: text}"), "columns[prise].name", "'prise' is not"),
        (with_columns("{name: currency, type: integer}"), "columns[currency].type", "'currency' is integer, but text"),
        (with_columns("{name: side, type: text}"), "columns[side].type", "it is one of buy, sell, unknown"),
        (
            with_columns("{name: side, type: enum, values: {B: buy, S: SELL}}"),
            "columns[side].values",
            "'SELL' is not one of buy, sell, unknown ",
        ),
        (
            with_columns("{name: side, type: text, constant: bid}"),
            "columns[side].values",
            "'bid' is not one of buy, sell, unknown ",
        ),
        (with_columns("{name: trade_id, type: text}"), "columns[trade_id].name", "'trade_id' identifies rows"),
        (PRINTS + "key: [symbol]\n", "key", "must be [trade_id, symbol, venue] or absent"),
        (PRINTS.replace("38,12", "20,8", 1), "columns[price].type", "'price' is decimal(20,8), but decimal(38,12)"),
        (
            PRINTS.replace("name: symbol, type: text", "name: symbol, type: text, required: no"),
            "columns[symbol].required",
            "'symbol' must be required",
        ),
        (PRINTS.replace("executed_at_ns", "executed_ns"), "columns[executed_at].nanoseconds", "'executed_ns' is not"),
        (
            PRINTS.replace('  - {name: quantity, type: "decimal(38,12)"}\n', ""),
            "columns",
            "the layout trade_print needs a column 'quantity' (decimal(38,12))",
        ),
        (
            PRINTS.replace(
                "layout: trade_print", "layout: trade_print, current_view: {name: v, by: [symbol], latest: executed_at}"
            ),
            "target.current_view",
            "has no current view",
        ),
    ],
)
def test_contract_that_does_not_fit_its_layout_is_refused(text, path, message):
    ((found_path, found),) = problems_of(text)
    assert found_path == path
    assert message in found


def test_side_may_be_a_constant_of_the_layouts():
    assert parsed(with_columns("{name: side, type: text, constant: unknown}")).column("side").constant == "unknown"


def test_layout_is_sound_by_itself():
    layout = layout_named("trade_print")
    names = [column.name for column in layout.columns]
    assert len(set(names)) == len(names)
    assert {*layout.key, layout.event_time} <= set(names)
    assert all(column.sql_type and column.description for column in layout.columns)
