from decimal import Decimal

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trade_ingest.contract.loading import parse_contract
from trade_ingest.errors import PathMismatchError
from trade_ingest.parse.layout import layout_of
from trade_ingest.parse.reject import Reason, Reject
from trade_ingest.parse.rows import BlockParser, control_totals
from trade_ingest.source.blocks import Block, BlockReader
from trade_ingest.source.records import Dialect, count_plain_records, scan_records

CONTRACT = """
name: rows
version: 1
format: {FORMAT}
path: "(?P<venue>[a-z]+)-(?P<lot>[^/.]*)[.]csv"
columns:
  - {name: at, type: timestamp, zone: UTC}
  - {name: symbol, type: text}
  - {name: price, type: "decimal(38,18)"}
  - {name: note, type: text, required: false}
  - {name: venue, type: text, path_group: venue}
EXTRA
event_time: at
drift: {unknown_columns: ignore}
target: {table: rows}
"""
HEADER = ["at", "symbol", "price", "note"]
AT = "2024-01-02T03:04:05"


def parser_of(*, header=HEADER, form="{}", extra="", uri="/in/xnys-1.csv"):
    text = CONTRACT.replace("{FORMAT}", form).replace("EXTRA", extra)
    contract = parse_contract(text, origin="rows.yaml")
    return BlockParser(contract, layout_of(contract, uri, header=header, first_record=None), uri), contract


def parse_both_ways(data, **keys):
    """The accepted rows and the rejects, the same with and without a look at each record."""
    parser, contract = parser_of(**keys)
    records, _ = scan_records(data, Dialect.of(contract.format), is_final=True)
    by_record = parser.parse(Block(data, 0, 1, len(records), records))
    if count_plain_records(data, Dialect.of(contract.format), is_final=True) == len(records):
        plain = parser.parse(Block(data, 0, 1, len(records), None))
        assert plain.rejects == by_record.rejects
        assert plain.rows.rows(named=True) == by_record.rows.rows(named=True)
    assert by_record.row_count == len(records)
    return by_record.rows.rows(named=True), by_record.rejects


def symbols_and_reasons(data, **keys):
    rows, rejects = parse_both_ways(data, **keys)
    return {row["row_number"]: row["symbol"] for row in rows}, {r.row_number: r.reasons for r in rejects}


def line(symbol="A", price="1.5", note="n"):
    return f"{AT},{symbol},{price},{note}\n"


@pytest.mark.parametrize(
    "symbol", ["NA", "NULL", "TRUE", "INF", "null", "NaN", "007", "1E05", "-", "9223372036854775808123"]
)
def test_symbols_that_look_like_something_else_stay_text(symbol):
    assert symbols_and_reasons(line(symbol).encode()) == ({1: symbol}, {})


def test_price_keeps_38_digits():
    rows, _ = parse_both_ways(line(price="99999999999999999999.999999999999999999").encode())
    assert rows[0]["price"] == Decimal("99999999999999999999.999999999999999999")


def test_quoted_empty_text_is_empty_and_nothing_is_null():
    data = (line(note="") + line(note='""') + line(note='"x"')).encode()
    rows, _ = parse_both_ways(data)
    assert [row["note"] for row in rows] == [None, "", "x"]


@pytest.mark.parametrize("form", ["{}", '{escape: "\\\\"}'], ids=["doubled", "escaped"])
def test_empty_text_and_null_are_told_apart_with_any_quoting(form):
    data = (line(note="") + line(note='""') + line(note='"a,b"')).encode()
    rows, _ = parse_both_ways(data, form=form)
    assert [row["note"] for row in rows] == [None, "", "a,b"]


def test_escaped_characters_are_themselves():
    data = (line(note=r"a\,b\\") + line(note=r'"a\"b""c"') + line(note="a\\\nb") + line(note="x\\\r")).encode()
    rows, rejects = parse_both_ways(data, form='{escape: "\\\\"}')
    assert rejects == []
    assert [row["note"] for row in rows] == ["a,b\\", 'a"b"c', "a\nb", "x\r"]


def test_cell_with_escapes_may_be_as_long_as_a_record():
    rows, _ = parse_both_ways(line(note="\\x" * 200_000).encode(), form='{escape: "\\\\"}')
    assert rows[0]["note"] == "x" * 200_000


def test_ragged_records_are_rejects_and_their_neighbours_are_not():
    data = (line() + f"{AT},B,1\n" + line("C") + f"{AT},D,1,n,x\n" + line("E")).encode()
    rows, rejects = parse_both_ways(data)
    assert [row["symbol"] for row in rows] == ["A", "C", "E"]
    assert rejects == [
        Reject(2, 28, f"{AT},B,1".encode(), (Reason("field_count", None, "3 fields, expected 4"),)),
        Reject(4, 80, f"{AT},D,1,n,x".encode(), (Reason("field_count", None, "5 fields, expected 4"),)),
    ]


@pytest.mark.parametrize("order", [["short", "long"], ["long", "short"]])
@pytest.mark.parametrize("header", [[*HEADER, "more"], ["more", *HEADER], ["at", "symbol", "more", "price", "note"]])
def test_a_short_and_a_long_record_do_not_make_up_for_each_other(header, order):
    good = {"at": AT, "symbol": "A", "price": "1", "note": "n", "more": "m"}
    cells = [good[name] for name in header]
    odd = {"short": cells[:-1], "long": [*cells, "y"]}
    data = "".join(",".join(c) + "\n" for c in [cells, odd[order[0]], odd[order[1]], cells]).encode()
    found, reasons = symbols_and_reasons(data, header=header)
    assert found == {1: "A", 4: "A"}
    counts = {"short": "4 fields, expected 5", "long": "6 fields, expected 5"}
    assert reasons == {i + 2: (Reason("field_count", None, counts[kind]),) for i, kind in enumerate(order)}


def test_nul_and_undecodable_bytes_are_rejects_also_in_columns_that_are_not_read():
    header = [*HEADER, "unread"]
    lines = [line("A").replace("\n", ",u\n").encode() for _ in range(4)]
    lines[1] = lines[1].replace(b",u", b",\xff\xfe")
    lines[2] = lines[2].replace(b"A", b"A\0")
    found, reasons = symbols_and_reasons(b"".join(lines), header=header)
    assert found == {1: "A", 4: "A"}
    assert reasons == {
        2: (Reason("bad_encoding", None, "byte 0xff at byte 28 of the record"),),
        3: (Reason("nul_byte"),),
    }


def test_raw_text_of_a_reject_can_be_stored():
    _, rejects = parse_both_ways(line("A\0B").encode() + line().encode().replace(b"n", b"\xe9"))
    assert [r.raw_text for r in rejects] == [f"{AT},A\\x00B,1.5,n", f"{AT},A,1.5,\\xe9"]
    assert [r.raw for r in rejects] == [f"{AT},A\0B,1.5,n".encode(), f"{AT},A,1.5,".encode() + b"\xe9"]


def test_a_malformed_record_is_a_reject_of_one_line():
    data = (line() + line('"B').replace(",n", ',n"x') + line("C") + line('"D"')).encode()
    found, reasons = symbols_and_reasons(data)
    assert found == {1: "A", 3: "C", 4: "D"}
    assert reasons == {2: (Reason("malformed_record"),)}


def test_all_that_is_wrong_with_a_row_is_said():
    data = f"2024-13-01,,x,{'y' * 2000}\n".encode()
    _, reasons = symbols_and_reasons(data, extra="  - {name: n2, source: unread, type: text, required: false}")
    assert reasons == {
        1: (
            Reason("invalid_timestamp", "at", "2024-13-01"),
            Reason("null_value", "symbol", None),
            Reason("invalid_decimal", "price", "x"),
        )
    }


def test_the_value_that_is_shown_has_a_bound():
    _, reasons = symbols_and_reasons(line(price="x" * 5000).encode())
    assert reasons == {1: (Reason("invalid_decimal", "price", "x" * 1000),)}


def test_block_of_nothing_but_rejects_has_no_rows():
    rows, rejects = parse_both_ways(
        b"x\ny\n", extra='  - {name: twice, type: integer, expression: "LENGTH(symbol) * 2"}'
    )
    assert (rows, len(rejects)) == ([], 2)


def test_byte_order_mark_inside_the_file_is_data():
    data = ("\ufeff" + line()).encode()
    _, reasons = symbols_and_reasons(data)
    assert reasons == {1: (Reason("invalid_timestamp", "at", "\ufeff" + AT),)}


def test_byte_order_mark_at_the_start_of_a_text_block_survives():
    header = ["note", "at", "symbol", "price"]
    rows, _ = parse_both_ways(f"\ufeffx,{AT},A,1\ny,{AT},B,2\n".encode(), header=header)
    assert [(row["row_number"], row["note"]) for row in rows] == [(1, "\ufeffx"), (2, "y")]


def test_carriage_returns_are_line_breaks_only_before_a_line_feed():
    data = f"{AT},A,1,x\ry\r\n{AT},B,1,z\r\r\n{AT},C,1,w\r".encode()
    rows, _ = parse_both_ways(data)
    assert [row["note"] for row in rows] == ["x\ry", "z\r", "w"]


def test_single_column_of_quoted_text_keeps_its_empty_cells():
    text = (
        CONTRACT.replace("{FORMAT}", "{}")
        .replace("EXTRA", "")
        .replace("symbol, type: text", "symbol, type: text, constant: A")
    )
    text = text.replace('{name: price, type: "decimal(38,18)"}', "{name: price, type: integer, constant: 1}")
    text = text.replace(
        "at, type: timestamp, zone: UTC", "at, type: timestamp, zone: UTC, constant: '2024-01-02T00:00:00'"
    )
    contract = parse_contract(text, origin="rows.yaml")
    parser = BlockParser(contract, layout_of(contract, "a-1.csv", header=["note"], first_record=None), "a-1.csv")
    data = b'x\n""\n"y"\n'
    records, _ = scan_records(data, Dialect.of(contract.format), is_final=True)
    assert parser.parse(Block(data, 0, 1, 3, records)).rows["note"].to_list() == ["x", "", "y"]


def test_values_from_the_path_and_derived_ones_stand_in_each_row():
    extra = """
  - {name: lot, type: integer, path_group: lot}
  - {name: total, type: "decimal(38,18)", expression: "price * 2"}
  - {name: one, type: integer, expression: "LENGTH(symbol)"}
"""
    rows, _ = parse_both_ways((line() + line("B", "3")).encode(), extra=extra, uri="/in/xnas-7.csv")
    assert [(r["venue"], r["lot"], r["total"], r["one"]) for r in rows] == [
        ("xnas", 7, Decimal(3), 1),
        ("xnas", 7, Decimal(6), 1),
    ]


def test_value_from_the_path_must_be_of_its_type():
    with pytest.raises(PathMismatchError, match=r"lot is 'x7', which is no integer \(invalid_integer\)"):
        parser_of(extra="  - {name: lot, type: integer, path_group: lot}", uri="/in/xnas-x7.csv")


def test_row_rules_reject_with_their_name_and_let_null_pass():
    extra = """
  - {name: high, type: integer, required: false}
rules:
  - {name: high_is_high, expression: "high > price"}
"""
    header = [*HEADER, "high"]
    data = "".join(f"{AT},A,5,n,{high}\n" for high in ("9", "1", "", "x")).encode()
    found, reasons = symbols_and_reasons(data, header=header, extra=extra)
    assert found == {1: "A", 3: "A"}
    assert reasons == {2: (Reason("high_is_high"),), 4: (Reason("invalid_integer", "high", "x"),)}


def test_rule_that_cannot_be_evaluated_for_some_rows_rejects_these_alone():
    extra = """
rules:
  - {name: note_is_small, expression: "CAST(note AS BIGINT) < 10"}
  - {name: square_is_small, expression: "price * price < 50"}
"""
    cells = [("1", "9"), ("1", "x"), ("1", "99"), ("99999999999999999999", ""), ("8", "y"), ("2", "3")]
    data = "".join(line(price=price, note=note) for price, note in cells).encode()
    found, reasons = symbols_and_reasons(data, extra=extra)
    assert found == {1: "A", 6: "A"}
    cast = "rule note_is_small: conversion from `str` to `i64` failed in column 'note' for 1 out of 1 values: [\"{}\"]"
    overflow = "rule square_is_small: overflow in decimal multiplication: result doesn't fit Decimal(38, 36)"
    assert reasons == {
        2: (Reason("expression_failed", None, cast.format("x")),),
        3: (Reason("note_is_small"),),
        4: (Reason("expression_failed", None, overflow),),
        5: (Reason("expression_failed", None, cast.format("y")), Reason("square_is_small")),
    }


def test_derived_value_that_fails_rejects_its_row_only():
    extra = '  - {name: half, type: integer, expression: "CAST(note AS BIGINT)"}'
    found, reasons = symbols_and_reasons((line(note="4") + line(note="x") + line(note="6")).encode(), extra=extra)
    assert found == {1: "A", 3: "A"}
    assert reasons == {2: (Reason("expression_failed", "half"),)}


def test_event_times_outside_the_bounds_of_partitions_are_rejects():
    data = "".join(
        f"{at},A,1,n\n" for at in ("1899-12-31 23:59:59", "1900-01-01 00:00:00", "2100-01-01 00:00:00")
    ).encode()
    found, reasons = symbols_and_reasons(data)
    assert found == {2: "A"}
    assert {number: [r.code for r in rs] for number, rs in reasons.items()} == {1: ["below_min"], 3: ["above_max"]}


def test_control_totals_are_exact():
    rows = pl.DataFrame({"price": pl.Series(["0.1", "0.2", None]).cast(pl.Decimal(38, 18)), "n": [2**62, 2**62, 1]})
    assert control_totals(rows, ("price", "n")) == {"price": Decimal("0.3"), "n": Decimal(2**63 + 1)}
    assert control_totals(rows.clear(), ("price",)) == {"price": Decimal(0)}
    assert control_totals(rows, ()) == {}


record_texts = st.sampled_from(
    [
        f"{AT},A,1.5,n", f'{AT},"B",2,"x,y"', f"{AT},C,x,n", f"{AT},D,1", f"{AT},E,1,n,",
        f'{AT},F,1,"a""b"', f'{AT},G,1,"',
        f'{AT},H,1,"two\nlines"', f"{AT},I\0,1,n", f"{AT},É,1,", f"{AT},J,1,x\r",
        "2024-02-30T00:00:00,K,1,n", "", f'{AT},L,1,""',
    ]
)  # fmt: skip


@settings(max_examples=80, deadline=None)
@given(st.lists(record_texts, max_size=10), st.sampled_from(["\n", "\r\n"]), st.booleans(), st.integers(1, 200))
def test_rows_and_rejects_do_not_depend_on_how_the_file_is_cut(folder, texts, line_break, is_ended, block_bytes):
    path = folder / "xnys-1.csv"
    content = (line_break.join([",".join(HEADER), *texts]) + (line_break if is_ended else "")).encode()
    path.write_bytes(content)
    parser, contract = parser_of(uri=str(path))

    def parse(size):
        rows, rejects = [], []
        for block in BlockReader(str(path), contract.format, block_bytes=size):
            parsed = parser.parse(block)
            assert parsed.row_count == block.row_count
            rows += parsed.rows.rows(named=True)
            rejects += parsed.rejects
        return rows, rejects

    whole = parse(1 << 20)
    assert parse(block_bytes) == whole
    numbers = [row["row_number"] for row in whole[0]] + [reject.row_number for reject in whole[1]]
    assert sorted(numbers) == list(range(1, len(numbers) + 1))
    for reject in whole[1]:
        assert content[reject.byte_offset : reject.byte_offset + len(reject.raw)] == reject.raw


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("rows")
