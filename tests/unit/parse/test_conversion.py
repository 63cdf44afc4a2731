"""What each cell becomes, by every way through the parser, against plain Python: decimal, datetime, zoneinfo."""

# ruff: noqa: DTZ001 - times without a zone are what this is about

import json
import re
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from fractions import Fraction
from uuid import UUID
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from trade_ingest.contract.loading import parse_contract
from trade_ingest.parse.layout import layout_of
from trade_ingest.parse.rows import BlockParser
from trade_ingest.source.blocks import Block
from trade_ingest.source.records import Dialect, scan_records

AT = "2024-01-02 03:04:05"

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)

CONTRACT = """
name: cells
version: 1
format: {{{format}}}
columns:
  - {{name: at, type: timestamp, zone: UTC}}
  - {{name: x, {column}}}
event_time: at
drift: {{unknown_columns: ignore}}
target: {{table: cells}}
"""


class BadError(Exception):
    """A cell that has no value; the codes say why."""

    def __init__(self, *codes):
        self.codes = codes


@dataclass
class Case:
    """A column and, independently, what its cells mean."""

    column: str
    read: object  # text to value; raises BadError
    cells: st.SearchStrategy
    format: str = ""
    nulls: tuple[str, ...] = ("",)
    required: bool = False
    check: object = lambda _: []  # value to codes
    examples: list[str] = field(default_factory=list)


# ---- plain Python readers


def read_integer(text, *, thousands=None):
    if thousands and re.fullmatch(rf"[+-]?[0-9]{{1,3}}({re.escape(thousands)}[0-9]{{3}})+", text):
        text = text.replace(thousands, "")
    if not re.fullmatch("[+-]?[0-9]+", text):
        raise BadError("invalid_integer")
    if not -(2**63) <= int(text) < 2**63:
        raise BadError("integer_out_of_range")
    return int(text)


def decimal_reader(precision, scale, *, mark=".", thousands=None):
    def read(text):
        if thousands and re.fullmatch(
            rf"[+-]?[0-9]{{1,3}}({re.escape(thousands)}[0-9]{{3}})+({re.escape(mark)}[0-9]*)?", text
        ):
            text = text.replace(thousands, "")
        if mark != ".":
            text = text.replace(".", "?").replace(mark, ".")
        if not re.fullmatch(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,3})?", text):
            raise BadError("invalid_decimal")
        value = Fraction(Decimal(text))
        if (value * 10**scale).denominator != 1:
            raise BadError("scale_exceeded")
        if abs(value) >= 10 ** (precision - scale):
            raise BadError("precision_exceeded")
        return value

    return read


def read_boolean(text):
    if text not in {"Y", "N"}:
        raise BadError("invalid_boolean")
    return text == "Y"


def read_side(text):
    if text not in {"B", "S"}:
        raise BadError("not_in_values")
    return {"B": "BUY", "S": "SELL"}[text]


def read_date(text):
    if not re.fullmatch("[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
        raise BadError("invalid_date")
    try:
        return date(*map(int, text.split("-")))
    except ValueError as exc:
        raise BadError("invalid_date") from exc


def read_uuid(text):
    if not re.fullmatch("[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", text):
        raise BadError("invalid_uuid")
    return str(UUID(text))


def read_json(text):
    try:
        json.loads(text, parse_constant=lambda _: 1 / 0)
    except (ValueError, ZeroDivisionError) as exc:
        raise BadError("invalid_json") from exc
    return text


def moment(pattern, text, order="YmdHMSfo", **changes):
    """The parts of a time that the pattern's groups hold, as (datetime, nanoseconds below it, offset)."""
    match = re.fullmatch(pattern, text, re.ASCII)
    if not match:
        raise BadError("invalid_timestamp")
    parts = dict(zip(order, match.groups(), strict=False)) | {k: f(match) for k, f in changes.items()}
    fraction = (parts.get("f") or "").ljust(9, "0")
    try:
        local = datetime(
            *(int(parts.get(k) or 0) for k in "YmdHMS"),
            int(fraction[:6]),
        )
    except ValueError as exc:
        raise BadError("invalid_timestamp") from exc
    return local, int(fraction[6:]), parts.get("o")


def to_microseconds(local, below, zone, *, keeps_nanoseconds):
    first, second = (local.replace(tzinfo=zone, fold=fold) for fold in (0, 1))
    try:
        utc = first.astimezone(UTC)
    except OverflowError as exc:
        raise BadError("timestamp_out_of_range") from exc
    if utc.astimezone(zone).replace(tzinfo=None) != local:
        raise BadError("nonexistent_time")
    if first.utcoffset() != second.utcoffset():
        raise BadError("ambiguous_time")
    return with_below((utc - EPOCH) // MICROSECOND, below, keeps_nanoseconds=keeps_nanoseconds)


def with_below(microseconds, below, *, keeps_nanoseconds):
    if not keeps_nanoseconds:
        if below:
            raise BadError("timestamp_too_precise")
        return microseconds
    if abs(microseconds) >= 2**63 // 1000:
        raise BadError("timestamp_out_of_range")
    return microseconds, microseconds * 1000 + below


ISO = r"(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?"


def local_reader(zone, pattern=ISO, *, keeps_nanoseconds=False, order="YmdHMSf", **changes):
    def read(text):
        local, below, _ = moment(pattern, text, order, **changes)
        return to_microseconds(local, below, ZoneInfo(zone), keeps_nanoseconds=keeps_nanoseconds)

    return read


def offset_reader(*, keeps_nanoseconds):
    def read(text):
        local, below, offset = moment(ISO + r"(Z|[+-](?:0\d|1[0-5])(?::?[0-5]\d)?)", text)
        minutes = 0
        if offset != "Z":
            digits = offset[1:].replace(":", "").ljust(4, "0")
            minutes = (int(digits[:2]) * 60 + int(digits[2:])) * (-1 if offset[0] == "-" else 1)
        zone = timezone(timedelta(minutes=minutes))
        return to_microseconds(local, below, zone, keeps_nanoseconds=keeps_nanoseconds)

    return read


def epoch_reader(unit, *, keeps_nanoseconds=False):
    def read(text):
        match = re.fullmatch(r"([+-]?[0-9]+)(?:\.([0-9]+))?", text)
        if not match:
            raise BadError("invalid_timestamp")
        codes, whole = [], int(match[1])
        size = {"s": 9, "ms": 6, "us": 3, "ns": 0}.get(unit)
        if size is None:
            size = next((s for s, least in ((0, 10**17), (3, 10**14), (6, 10**11)) if abs(whole) >= least), 9)
        if (match[2] or "")[0 if unit == "auto" else size :].strip("0"):
            codes.append("timestamp_too_precise")
        sign = -1 if match[1].startswith("-") else 1
        part = Fraction(int(match[2] or 0), 10 ** len(match[2] or ""))
        nanoseconds = (whole + sign * part) * 10**size
        microseconds = nanoseconds // 1000
        first, last = (datetime(1, 1, 1, tzinfo=UTC) - EPOCH), (datetime.max.replace(tzinfo=UTC) - EPOCH)
        is_in_years = first // MICROSECOND <= microseconds <= last // MICROSECOND
        if not is_in_years or not -(2**63) <= whole < 2**63:
            raise BadError("timestamp_out_of_range", *codes)
        if codes:
            raise BadError(*codes)
        return with_below(int(microseconds), int(nanoseconds % 1000), keeps_nanoseconds=keeps_nanoseconds)

    return read


# ---- cells

digits = st.text("0123456789", max_size=12)
number_like = st.one_of(
    st.integers(-(10**6), 10**6).map(str),
    st.integers(-(2**64), 2**64).map(str),
    st.decimals(-1000, 1000, places=3).map(str),
    st.tuples(st.sampled_from(["", "-", "+"]), digits, st.sampled_from(["", ".", ","]), digits).map("".join),
    st.text("0123456789+-.,eE _ '", max_size=8),
)
NUMBERS = [
    "+5", " 5", "5 ", "5.", ".5", ".", "+", "-", "-0", "-0.000", "1e5", "1E-3", "1_000",
    "５", "٣", "Inf", "NaN", "0x10",  # noqa: RUF001
    "--5", "9223372036854775807", "9223372036854775808", "-9223372036854775808",
    "-9223372036854775809", "0" * 40 + "7",
    "1,234", "1,234,567.5", "12,34", "1.234,5", "1e999", "1e-999", "0e999", "1e1000",
    "1.50000000000000000000000000", "0.0000",
    "99999999999999999999.999999999999999999", "100000000000000000000", "1.0000000000000000001", "1\u00a0000",
]  # fmt: skip
times = st.datetimes(datetime(1, 1, 1), datetime(9999, 12, 31, 23, 59, 59)).map(lambda t: t.replace(microsecond=0))
near_now = st.datetimes(datetime(1965, 1, 1), datetime(2130, 1, 1)).map(lambda t: t.replace(microsecond=0))
CLOCK_CHANGES = [
    datetime(2024, 3, 10, 2, 30), datetime(2024, 11, 3, 1, 30), datetime(2024, 3, 31, 1, 30),
    datetime(2024, 10, 27, 1, 30),
    datetime(2140, 7, 1, 12), datetime(2140, 3, 13, 2, 30), datetime(2140, 11, 6, 1, 30), datetime(9999, 12, 31, 23, 0),
    datetime(1, 1, 1), datetime(1677, 9, 21, 0, 12, 43), datetime(2262, 4, 11, 23, 47, 16),
]  # fmt: skip
fractions = st.sampled_from(
    ["", "", ".5", ".123", ".123456", ".123456789", ".000000001", ".1234567", ".100000000", "."]
)
BROKEN_TIMES = [
    "2024-02-30 00:00:00", "2023-02-29 00:00:00", "2024-01-02 03:04:60", "2024-01-02 24:00:00", "0000-01-01 00:00:00",
    "10000-01-01 00:00:00", "2024-1-2 03:04:05", "2024-01-02", "2024-01-02 03:04", " 2024-01-02 03:04:05", "now",
    "2024-01-02 03:04:05 ", "2024-01-02t03:04:05", "２０２４-01-02 03:04:05",  # noqa: RUF001
    "2024-13-01 00:00:00", "2024-00-10 00:00:00",
    "2024-01-02 03:04:05.1234567890", "2024/01/02 03:04:05", "2024-01-02 03:60:05",
]  # fmt: skip


def written(pattern, moments=None, tails=fractions):
    moments = st.one_of(near_now, times, st.sampled_from(CLOCK_CHANGES)) if moments is None else moments
    # strftime does not pad the years before 1000
    text = st.tuples(moments, tails).map(lambda p: p[0].strftime(pattern.replace("%Y", f"{p[0].year:04}")) + p[1])
    return st.one_of(text, text, st.sampled_from(BROKEN_TIMES))


offsets = st.sampled_from(["Z", "Z", "+00:00", "-05:00", "+0530", "+14", "-15:59", "+16:00", "z", "", " Z", "+5:00"])
offset_tails = st.tuples(fractions, offsets).map("".join)
epochs = st.one_of(
    st.integers(-(10**11), 10**12).map(str),
    st.integers(10**8, 3 * 10**18).map(str),
    st.tuples(st.integers(-(10**10), 10**13).map(str), st.text("0123456789", max_size=11)).map(".".join),
    st.tuples(st.integers(-5, 5).map(str), st.sampled_from(["0", "5", "000000001", "1234567890"])).map(".".join),
)
EPOCHS = [
    "+5", "-0.5", "-0.000000001", "5.", ".5", "1e9", " 5", "", "NA",
    "9223372036854775807", "9223372036854775808", "9300000000",
    "-9223372036854775808", "9999999999999999999", "99999999999999999999",
    "253402300799", "253402300800", "-62135596800",
    "-62135596801", "253402300799.999999", "000000000000000000000000001", "1700000000000.000", "1700000000.123456789",
    "1700000000.1234567891", "100000000000", "99999999999", "100000000000000", "100000000000000000",
]  # fmt: skip

CASES = {
    "text": Case(
        "type: text, required: false", str, st.text(max_size=5), examples=["NA", "NULL", "TRUE", "INF", "007"]
    ),
    "text with tokens": Case(
        "type: text, required: false, null_tokens: [NA]",
        str,
        st.sampled_from(["NA", "", "NULL", "na", "a"]),
        nulls=("NA",),
    ),
    "required text": Case("type: text", str, st.text("ab", max_size=2), required=True),
    "text with rules": Case(
        'type: text, regex: "[A-Z]{2,4}", max_length: 3, required: false',
        str,
        st.text("ABc\n", max_size=5),
        check=lambda v: (
            (["too_long"] if len(v) > 3 else []) + ([] if re.fullmatch("[A-Z]{2,4}", v) else ["regex_mismatch"])
        ),
        examples=["AB\n", "ABCD", "ÄÖÜ", "AB"],
    ),
    "trimmed text": Case(
        "type: text, required: false",
        str,
        st.text(" a\t", max_size=3),
        format="trim: true",
    ),
    "integer": Case("type: integer, required: false", read_integer, number_like, examples=NUMBERS),
    "required integer without null token": Case(
        "type: integer", read_integer, number_like, format="null_tokens: [NA]", nulls=("NA",), required=True
    ),
    "bounded integer": Case(
        "type: integer, min: -5, less_than: 100, required: false",
        read_integer,
        st.integers(-7, 102).map(str),
        check=lambda v: ["below_min"] * (v < -5) + ["above_max"] * (v >= 100),
    ),
    "integer with thousands": Case(
        "type: integer, required: false",
        lambda text: read_integer(text, thousands="'"),
        number_like,
        format='thousands_mark: "\'"',
        examples=[*NUMBERS, "1'234", "12'34", "1'234'567", "'1", "1'234.", "-1'000"],
    ),
    "decimal(10,2)": Case(
        'type: "decimal(10,2)", required: false', decimal_reader(10, 2), number_like, examples=NUMBERS
    ),
    "decimal(38,18)": Case(
        'type: "decimal(38,18)", required: false', decimal_reader(38, 18), number_like, examples=NUMBERS
    ),
    "decimal(3,3)": Case('type: "decimal(3,3)", required: false', decimal_reader(3, 3), number_like, examples=NUMBERS),
    "decimal(5,0)": Case('type: "decimal(5,0)", required: false', decimal_reader(5, 0), number_like, examples=NUMBERS),
    "bounded decimal": Case(
        'type: "decimal(6,2)", min: 0.001, max: 10.005, required: false',
        decimal_reader(6, 2),
        st.decimals(-1, 11, places=2).map(str),
        check=lambda v: ["below_min"] * (v < Fraction(1, 1000)) + ["above_max"] * (v > Fraction(10005, 1000)),
        examples=["0", "0.00", "0.01", "10.00", "10.01", "-0"],
    ),
    "decimal between open bounds": Case(
        'type: "decimal(6,2)", greater_than: 0, less_than: 1e30, required: false',
        decimal_reader(6, 2),
        st.decimals(-1, 1, places=2).map(str),
        check=lambda v: ["below_min"] * (v <= 0),
        examples=["0", "9999.99"],
    ),
    "decimal comma": Case(
        'type: "decimal(10,2)", required: false',
        decimal_reader(10, 2, mark=",", thousands="."),
        number_like,
        format='delimiter: ";", decimal_mark: ",", thousands_mark: "."',
        examples=[*NUMBERS, "1.234,50", "1.234.567", "1,5", "12.34"],
    ),
    "boolean": Case(
        "type: boolean, true_tokens: [Y], false_tokens: [N], required: false",
        read_boolean,
        st.sampled_from(["Y", "N", "y", "1", " Y", "YN"]),
    ),
    "enum": Case(
        "type: enum, values: {B: BUY, S: SELL}, required: false",
        read_side,
        st.sampled_from(["B", "S", "BUY", "b", " B"]),
    ),
    "uuid": Case(
        "type: uuid, required: false",
        read_uuid,
        st.one_of(st.uuids().map(str), st.uuids().map(lambda u: str(u).upper()), st.uuids().map(lambda u: u.hex)),
        examples=["0190e0d0-0000-7000-8000-00000000000g", "0190e0d0-0000-7000-8000-000000000000\n"],
    ),
    "json": Case(
        "type: json, required: false",
        read_json,
        st.one_of(st.recursive(st.integers() | st.text("a\\", max_size=2), st.lists, max_leaves=4).map(json.dumps)),
        format='delimiter: ";", quote: null',
        examples=["{", "NaN", "[Infinity]", "1 2", '{"a": 1}', "'a'", "nul", "null", '"\\\\u0000"'],
    ),
    "date": Case(
        "type: date, required: false",
        read_date,
        st.one_of(st.dates().map(str), st.text("0129-", min_size=8, max_size=10)),
        examples=["2024-02-30", "0000-01-01", "2024-1-1", "9999-12-31", "0001-01-01", "20240101", "2024-01-01 "],
    ),
    "timestamp in New York": Case(
        "type: timestamp, zone: America/New_York, required: false",
        local_reader("America/New_York"),
        written("%Y-%m-%d %H:%M:%S"),
    ),
    "timestamp in London with nanoseconds": Case(
        "type: timestamp, zone: Europe/London, nanoseconds: x_ns, required: false",
        local_reader("Europe/London", keeps_nanoseconds=True),
        written("%Y-%m-%dT%H:%M:%S"),
    ),
    "timestamp in UTC": Case(
        "type: timestamp, zone: UTC, required: false", local_reader("UTC"), written("%Y-%m-%d %H:%M:%S")
    ),
    "timestamp in UTC with nanoseconds": Case(
        "type: timestamp, zone: UTC, nanoseconds: x_ns, required: false",
        local_reader("UTC", keeps_nanoseconds=True),
        written("%Y-%m-%d %H:%M:%S", tails=st.sampled_from(["", ".123456789", ".000000001"])),
    ),
    "timestamp with offset": Case(
        "type: timestamp, required: false",
        offset_reader(keeps_nanoseconds=False),
        written("%Y-%m-%dT%H:%M:%S", tails=offset_tails),
    ),
    "timestamp with offset and nanoseconds": Case(
        "type: timestamp, nanoseconds: x_ns, required: false",
        offset_reader(keeps_nanoseconds=True),
        written("%Y-%m-%d %H:%M:%S", tails=st.sampled_from(["Z", ".123456789Z", ".5+02:00", "-15"])),
    ),
    "timestamp of digits": Case(
        'type: timestamp, format: "%Y%m%d%H%M%S%3f", zone: Australia/Lord_Howe, required: false',
        local_reader("Australia/Lord_Howe", r"(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d{3})"),
        written("%Y%m%d%H%M%S", tails=st.sampled_from(["000", "123", "", "12"])),
        examples=["00000101000000000", "20240102030460000"],
    ),
    "timestamp of nine digits": Case(
        'type: timestamp, format: "%Y-%m-%d %H:%M:%S%.9f", zone: America/New_York, required: false',
        local_reader("America/New_York", r"(\d{4})-(\d\d)-(\d\d) (\d\d):(\d\d):(\d\d)\.(\d{9})"),
        written("%Y-%m-%d %H:%M:%S", tails=st.sampled_from([".123456789", ".123456000", ".12"])),
        examples=["2024-11-03 01:30:00.123456789", "2024-03-10 02:30:00.000000001"],
    ),
    "timestamp of minutes": Case(
        'type: timestamp, format: "%d/%m/%Y %H:%M", zone: Asia/Kolkata, nanoseconds: x_ns, required: false',
        local_reader("Asia/Kolkata", r"(\d\d)/(\d\d)/(\d{4}) (\d\d):(\d\d)", order="dmYHM", keeps_nanoseconds=True),
        written("%d/%m/%Y %H:%M", tails=st.just("")),
    ),
    **{
        f"epoch in {unit}": Case(
            f"type: timestamp, epoch: {unit}, required: false", epoch_reader(unit), epochs, examples=EPOCHS
        )
        for unit in ("s", "ms", "us", "ns", "auto")
    },
    **{
        f"epoch in {unit} with nanoseconds": Case(
            f"type: timestamp, epoch: {unit}, nanoseconds: x_ns, required: false",
            epoch_reader(unit, keeps_nanoseconds=True),
            epochs,
            examples=EPOCHS,
        )
        for unit in ("s", "ns", "auto")
    },
}


def expected_of(case, cell, *, is_quoted):
    """The value, or the codes of what is wrong."""
    text = cell if cell or is_quoted else None
    if "trim" in case.format and text is not None:
        text = text.strip(" \t") or (None if text else "")
    if text is None and "" not in case.nulls:
        text = ""
    is_null = text is None or (text in case.nulls and (text or not case.column.startswith("type: text")))
    if is_null:
        return None, ["null_value"] if case.required else []
    try:
        value = case.read(text)
    except BadError as bad:
        return None, list(bad.codes)
    return value, case.check(value)


def parser_of(case):
    contract = parse_contract(CONTRACT.format(column=case.column, format=case.format), origin="cells.yaml")
    layout = layout_of(contract, "file.csv", header=["at", "x", "other"], first_record=None)
    return BlockParser(contract, layout, "file.csv"), contract


def found_by(parser, contract, block):
    """By row number: the value, or the reasons; rejects with their offset and raw text."""
    parsed = parser.parse(block)
    assert parsed.row_count == block.row_count
    rows = parsed.rows
    values = rows.get_column("x")
    if values.dtype == pl.Datetime:
        values = values.dt.epoch("us")
        if "x_ns" in rows.columns:
            pairs = zip(values, rows.get_column("x_ns"), strict=True)
            values = [None if first is None else (first, second) for first, second in pairs]
    if isinstance(values, pl.Series) and values.dtype == pl.Decimal:
        column = contract.column("x").value_type
        assert values.dtype == pl.Decimal(column.precision, column.scale)
        values = [None if value is None else Fraction(value) for value in values]
    found = dict(zip(rows.get_column("row_number"), ((value, []) for value in values), strict=True))
    for reject in parsed.rejects:
        assert block.data[reject.byte_offset - block.byte_offset :].startswith(reject.raw)
        found[reject.row_number] = (None, [(r.code, r.column, r.value) for r in reject.reasons])
    return found


def check_cells(case, cells, *, quotes=()):
    parser, contract = parser_of(case)
    delimiter, quote = contract.format.delimiter, contract.format.quote
    if quote is None:
        cells = [cell for cell in cells if not set(cell) & {delimiter, "\n", "\r"}]
    cells = [cell.replace("\0", "").replace("\ud800", "") for cell in cells]
    are_quoted = [
        quote is not None and (bool(set(cell) & {delimiter, '"', "\n", "\r"}) or i in quotes)
        for i, cell in enumerate(cells)
    ]
    fields = ['"' + c.replace('"', '""') + '"' if q else c for c, q in zip(cells, are_quoted, strict=True)]
    lines = [f"{AT}{delimiter}{field}{delimiter}é\n".encode() for field in fields]
    expected = {}
    for i, (cell, is_quoted) in enumerate(zip(cells, are_quoted, strict=True)):
        value, codes = expected_of(case, cell, is_quoted=is_quoted)
        shown = cell if cell or is_quoted else None
        expected[i + 1] = (None, [(code, "x", shown) for code in codes]) if codes else (value, [])
    data = b"".join(lines)
    records, _ = scan_records(data, Dialect.of(contract.format), is_final=True)
    assert found_by(parser, contract, Block(data, 0, 1, len(cells), records)) == expected
    if not any(are_quoted):
        assert found_by(parser, contract, Block(data, 0, 1, len(cells), None)) == expected
    alone = {}  # what a cell becomes does not depend on its neighbours
    for i, line in enumerate(lines):
        records = scan_records(line, Dialect.of(contract.format), is_final=True)[0] if are_quoted[i] else None
        alone |= found_by(parser, contract, Block(line, 1000, i + 1, 1, records))
    assert alone == expected


@pytest.mark.parametrize("name", CASES)
def test_each_way_through_the_parser_gives_what_python_gives(name):
    case = CASES[name]
    cells = st.one_of(case.cells, case.cells, case.cells, st.sampled_from([*case.examples, *case.nulls]))

    @settings(max_examples=45, deadline=None, derandomize=True, database=None)
    @given(st.lists(cells, min_size=1, max_size=5), st.sets(st.integers(0, 4), max_size=2))
    @example([*case.examples, ""], set())
    def check(cells, quotes):
        check_cells(case, cells, quotes=quotes)

    check()
