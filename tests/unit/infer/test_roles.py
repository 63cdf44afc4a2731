import pytest

from trade_ingest.infer.columns import FoundColumn, find_column
from trade_ingest.infer.numbers import Marks
from trade_ingest.infer.roles import find_roles
from trade_ingest.infer.shapes import NumericColumns
from trade_ingest.infer.sides import side_values
from trade_ingest.infer.vocabulary import Role, name_score

import polars as pl  # isort: skip


def columns_of(rows, header=None) -> list[FoundColumn]:
    cells = list(zip(*rows, strict=True))
    names = header or [None] * len(cells)
    return [
        find_column(pl.Series(column), position=i, header=name, marks=Marks())
        for i, (column, name) in enumerate(zip(cells, names, strict=True), 1)
    ]


def roles_of(rows, header=None):
    columns = columns_of(rows, header)
    floats = {
        c.position: pl.Series([row[c.position - 1] for row in rows]).cast(pl.Float64, strict=False)
        for c in columns
        if c.numbers is not None
    }
    roles = find_roles(columns, NumericColumns(floats))
    return {role.name: column.position for role, column in roles.columns.items()}


@pytest.mark.parametrize(
    ("header", "row", "expected"),
    [
        (
            ["ts_recv", "ts_event", "side", "price", "size", "symbol"],
            ["1719878281218485389", "1719878281218218853", "A", "55.5", "2", "ESU4"],
            {"TIME": 2, "SIDE": 3, "PRICE": 4, "QUANTITY": 5, "SYMBOL": 6},
        ),
        (
            ["Datum", "Uhrzeit", "ISIN", "Anzahl", "Kurs"],
            ["02.01.2024", "09:30:00", "DE0007164600", "5", "1.5"],
            {"DATE": 1, "CLOCK": 2, "SYMBOL": 3, "QUANTITY": 4, "PRICE": 5},
        ),
        (
            ["成交日期", "成交時間", "商品代號", "成交價格", "成交數量(B+S)"],
            ["20240102", "084500", "TX", "17000", "2"],
            {"DATE": 1, "CLOCK": 2, "SYMBOL": 3, "PRICE": 4, "QUANTITY": 5},
        ),
        (
            ["timestamp", "bid", "ask"],
            ["2024-01-02 09:30:00", "1.1", "1.2"],
            {"TIME": 1, "BID": 2, "ASK": 3},
        ),
        (
            ["date", "open", "high", "low", "close", "volume"],
            ["2024-01-02", "1.1", "1.2", "1.0", "1.1", "5"],
            {"DATE": 1, "OPEN": 2, "HIGH": 3, "LOW": 4, "CLOSE": 5, "QUANTITY": 6},
        ),
        (
            ["Execution Timestamp", "Expiration Date", "Limit Price", "Price", "Order Quantity", "Fee"],
            ["2024-01-02T09:30:00Z", "2025-01-02", "1.2", "1.1", "7", "0.1"],
            {"TIME": 1, "PRICE": 4},
        ),
    ],
)
def test_roles_by_names(header, row, expected):
    found = roles_of([row, row], header)

    assert {name: place for name, place in found.items() if name in expected} == expected
    assert set(found) - set(expected) <= {"QUOTE_QUANTITY", "VENUE", "CURRENCY"}


def test_roles_by_values_tell_price_from_quantity_by_how_much_they_change():
    rows = [[str(1672531436 + i * 7), f"{90 + i % 3 / 10}", f"{[0.5, 12, 3, 0.07][i % 4]}"] for i in range(40)]

    assert roles_of(rows) == {"TIME": 1, "PRICE": 2, "QUANTITY": 3}
    assert roles_of([[row[0], row[2], row[1]] for row in rows]) == {"TIME": 1, "PRICE": 3, "QUANTITY": 2}


def test_roles_by_values_find_the_product_of_price_and_quantity():
    rows = [
        [str(1000 + i), f"{5 + i % 3}", f"{i % 7 + 1}", f"{(5 + i % 3) * (i % 7 + 1)}", str(1704067200000 + i)]
        for i in range(40)
    ]

    found = roles_of(rows)

    assert (found["TRADE_ID"], found["QUOTE_QUANTITY"], found["TIME"]) == (1, 4, 5)
    assert {found["PRICE"], found["QUANTITY"]} == {2, 3}


@pytest.mark.parametrize(
    ("values", "is_maker", "expected"),
    [
        (("buy", "sell"), False, {"buy": "buy", "sell": "sell"}),
        (("sell",), False, {"buy": "buy", "sell": "sell"}),
        (("A", "N"), False, {"B": "buy", "A": "sell", "N": "unknown"}),
        (("True", "False"), True, {"True": "sell", "False": "buy"}),
        (("true",), True, {"true": "sell", "false": "buy"}),
        (("Kauf", "Verkauf"), False, {"Kauf": "buy", "Verkauf": "sell"}),
        (("1", "-1"), False, {"1": "buy", "-1": "sell"}),
        (("buy", "deposit"), False, None),
        (("N",), False, None),
        (("C", "P"), False, None),
    ],
)
def test_cells_that_are_sides(values, is_maker, expected):
    assert side_values(values, is_maker=is_maker) == expected


@pytest.mark.parametrize(
    ("role", "name", "is_one"),
    [
        (Role.PRICE, "executed_price", True),
        (Role.PRICE, "limit_price", False),
        (Role.PRICE, "strike_price", False),
        (Role.QUANTITY, "fee_amount", False),
        (Role.TIME, "settlement_date", False),
        (Role.TRADE_ID, "account_id", False),
        (Role.SIDE, "order_type", False),
    ],
)
def test_names_that_do_not_mean_a_role_score_nothing(role, name, is_one):
    assert bool(name_score(role, name, name)) == is_one
