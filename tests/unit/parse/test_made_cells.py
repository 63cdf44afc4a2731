"""Values that are made of several cells or of a changed one, against plain Python."""

import csv
import io
import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trade_ingest.contract.loading import parse_contract
from trade_ingest.contract.model import FileFormat, parse_template
from trade_ingest.errors import ContractError, FileHeaderError, PathMismatchError
from trade_ingest.parse.file import open_rows
from trade_ingest.parse.layout import TemplateCell
from trade_ingest.parse.made_cells import filled_template, json_object
from trade_ingest.source.blocks import BlockReader

CONTRACT = """
name: made
version: 1
format: {FORMAT}
path: '(?P<day>\\d{4}-\\d{2}-\\d{2})'
columns:
  - {name: at, type: timestamp, source: At, zone: UTC}
  - COLUMN
event_time: at
rejects: {max_count: 1000000}
target: {table: made}
"""


def contract_of(column, form="{}"):
    return parse_contract(CONTRACT.replace("COLUMN", column).replace("{FORMAT}", form), origin="made.yaml")


def parsed(tmp_path, column, text, *, form="{}", name="2024-03-08.csv"):
    """The values of the column that are accepted, by row number, and the codes of the others."""
    file = tmp_path / name
    file.write_text(text, newline="")
    contract = contract_of(column, form)
    reader = BlockReader(str(file), contract.format)
    rows = open_rows(reader, contract, str(file))
    values, codes = {}, {}
    for block in rows.reader:
        found = rows.parser.parse(block)
        values |= dict(zip(found.rows["row_number"], found.rows[contract.columns[1].name], strict=True))
        codes |= {reject.row_number: [reason.code for reason in reject.reasons] for reject in found.rejects}
    return values, codes


def written(header, rows):
    text = io.StringIO()
    csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_MINIMAL).writerows([["At", *header], *rows])
    return text.getvalue()


AT = "2024-01-02T03:04:05"
NEW_YORK = "{name: x, type: timestamp, template: '{path:day} {T}', since_midnight: UNIT, zone: America/New_York}"


def test_template_joins_cells_and_parts_of_the_path(tmp_path):
    text = written(["D", "T"], [[AT, "20240102", "030405.5"], [AT, "", "030405"], [AT, "20240102", "256060"]])
    column = "{name: x, type: timestamp, template: '{D} {T}', format: '%Y%m%d %H%M%S%.f', zone: UTC}"

    values, codes = parsed(tmp_path, column, text)
    texts, _ = parsed(tmp_path, "{name: x, type: text, template: '{path:day}/{D}-{T}', required: false}", text)

    assert values == {1: datetime(2024, 1, 2, 3, 4, 5, 500_000, UTC)}
    assert codes == {2: ["null_value"], 3: ["invalid_timestamp"]}
    assert texts == {1: "2024-03-08/20240102-030405.5", 2: None, 3: "2024-03-08/20240102-256060"}


def test_template_of_the_path_alone_is_the_same_in_each_row(tmp_path):
    texts, _ = parsed(tmp_path, "{name: x, type: text, template: 'of {path:day}'}", written([], [[AT], [AT], [AT]]))

    assert texts == dict.fromkeys((1, 2, 3), "of 2024-03-08")


@settings(deadline=None)
@given(st.integers(0, 86_399_999_999_999), st.sampled_from([("s", 9), ("ms", 6), ("us", 3), ("ns", 0)]))
def test_time_since_midnight_is_what_a_clock_of_the_zone_shows(tmp_path_factory, nanoseconds, unit):
    name, places = unit
    whole, rest = divmod(nanoseconds - nanoseconds % 1000, 10**places)
    cell = f"{whole}.{rest:0{places}}" if places else str(whole)

    values, codes = parsed(
        tmp_path_factory.mktemp("midnight"), NEW_YORK.replace("UNIT", name), written(["T"], [[AT, cell]])
    )

    local = datetime(2024, 3, 8, tzinfo=ZoneInfo("America/New_York")) + timedelta(microseconds=nanoseconds // 1000)
    assert (values, codes) == ({1: local.astimezone(UTC)}, {})


@pytest.mark.parametrize(
    ("cell", "code"),
    [
        ("86400", "invalid_timestamp"),
        ("-1", "invalid_timestamp"),
        ("x", "invalid_timestamp"),
        ("1.0000000001", "timestamp_too_precise"),
        ("1.000000001", "timestamp_too_precise"),
        ("", "null_value"),
    ],
)
def test_what_is_no_time_since_midnight_is_rejected(tmp_path, cell, code):
    assert parsed(tmp_path, NEW_YORK.replace("UNIT", "s"), written(["T"], [[AT, cell]])) == ({}, {1: [code]})


def test_time_since_midnight_that_never_was_or_was_twice_is_rejected(tmp_path):
    text = written(["T"], [[AT, "9000"], [AT, "5400"]])  # 02:30 and 01:30

    _, spring = parsed(tmp_path, NEW_YORK.replace("UNIT", "s"), text, name="2024-03-10.csv")
    _, autumn = parsed(tmp_path, NEW_YORK.replace("UNIT", "s"), text, name="2024-11-03.csv")

    assert (spring, autumn) == ({1: ["nonexistent_time"]}, {2: ["ambiguous_time"]})


TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\r\n"), max_size=8)


@settings(deadline=None)
@given(st.lists(st.tuples(TEXTS, TEXTS), min_size=1, max_size=5))
def test_members_are_the_cells_as_json_without_the_empty_ones(tmp_path_factory, cells):
    names = ['a "b', "c\\"]
    text = written(names, [[AT, *pair] for pair in cells])

    for column in (
        "{name: x, type: json, members: rest}",
        "{name: x, type: json, members: {'a \"b': 'a \"b', 'c\\': 'c\\'}}",
    ):
        values, codes = parsed(tmp_path_factory.mktemp("members"), column, text)
        assert codes == {}
        assert [json.loads(value) for value in values.values()] == [
            {name: cell for name, cell in zip(names, pair, strict=True) if cell} for pair in cells
        ]


def test_members_leave_out_null_tokens_and_what_the_header_lacks(tmp_path):
    text = written(["a", "b"], [[AT, "NA", " y "], [AT, "", "NA"]])
    column = "{name: x, type: json, members: {a: a, b: b, c: gone}, required: false}"

    values, _ = parsed(tmp_path, column, text, form="{null_tokens: ['', NA], trim: true}")

    assert values == {1: '{"b":"y"}', 2: None}


def test_positions_and_groups_are_used_where_there_is_no_header(tmp_path):
    file = tmp_path / "2024-03-08.csv"
    file.write_text("1704164645,7,x,\n")
    text = """
    name: positions
    version: 1
    format: {header: false}
    path: '(?P<day>\\d{4}-\\d{2}-\\d{2})'
    columns:
      - {name: at, type: timestamp, position: 1, epoch: s}
      - {name: day, type: text, template: "{path:day}#{2}"}
      - {name: extra, type: json, members: {kind: "3", more: "4"}}
    event_time: at
    target: {table: positions}
    """
    contract = parse_contract(text, origin="positions.yaml")
    reader = BlockReader(str(file), contract.format)
    rows = open_rows(reader, contract, str(file))
    (block,) = rows.reader

    (row,) = rows.parser.parse(block).rows.rows(named=True)

    assert (row["day"], row["extra"]) == ("2024-03-08#7", '{"kind":"x"}')
    assert rows.layout.field_count == 4
    with pytest.raises(PathMismatchError, match="day"):
        open_rows(BlockReader(str(file), contract.format), contract, "/in/no-date.csv")


@settings(deadline=None)
@given(
    st.decimals(-(10**9), 10**9, allow_nan=False, allow_infinity=False, places=3),
    st.sampled_from(["0.0001", "0.5", "100", "0.000000001"]),
)
def test_factor_is_applied_exactly(tmp_path_factory, number, factor):
    column = "{name: x, type: 'decimal(38,13)', source: X, multiply_by: FACTOR}".replace("FACTOR", factor)

    values, codes = parsed(tmp_path_factory.mktemp("factor"), column, written(["X"], [[AT, str(number)]]))

    assert (values, codes) == ({1: number * Decimal(factor)}, {})


def test_factor_refuses_what_it_cannot_keep(tmp_path):
    column = "{name: x, type: 'decimal(6,4)', source: X, multiply_by: 0.0001, required: false}"

    values, codes = parsed(tmp_path, column, written(["X"], [[AT, "1.5"], [AT, "x"], [AT, "9999999"], [AT, ""]]))

    assert values == {4: None}
    assert codes == {1: ["scale_exceeded"], 2: ["invalid_decimal"], 3: ["precision_exceeded"]}


def test_what_is_removed_is_kept_in_the_reason(tmp_path):
    text = written(["X"], [[AT, "€1,234.50+"], [AT, "€x"], [AT, "€"]])
    column = "{name: x, type: 'decimal(10,2)', source: X, remove: '[€+]'}"

    values, codes = parsed(tmp_path, column, text, form='{thousands_mark: ","}')

    assert values == {1: Decimal("1234.50")}
    assert codes == {2: ["invalid_decimal"], 3: ["null_value"]}


def test_missing_cells_of_a_template_are_named(tmp_path):
    column = "{name: x, type: text, template: '{D} {Tme}'}"

    with pytest.raises(FileHeaderError, match=r"'Tme' is missing \(is it 'Time'\?\)"):
        parsed(tmp_path, column, written(["D", "Time"], []))
    values, _ = parsed(tmp_path, column.replace("}'}", "}', required: false}"), written(["D"], [[AT, "d"]]))
    assert values == {1: None}


@pytest.mark.parametrize(
    ("column", "message"),
    [
        ("{name: x, type: text, template: 'no place'}", "no placeholder"),
        ("{name: column_3, type: text, source: x}", "'column_3' is what the parser calls a cell"),
        ("{name: x, type: text, template: '{a'}", "brace"),
        ("{name: x, type: text, template: '{path:dy}'}", "no group named 'dy'; did you mean `day`"),
        ("{name: x, type: text, template: '{1}'}", "'1' is not a name of the header"),
        ("{name: x, type: text, template: '{a}', source: b}", "comes from source already"),
        ("{name: x, type: text, members: rest}", "members is for json"),
        ("{name: x, type: json, members: {a: '2'}}", "'2' is not a name of the header"),
        ("{name: x, type: integer, multiply_by: 2}", "multiply_by is for decimal"),
        ("{name: x, type: 'decimal(4,2)', multiply_by: 0}", "multiply_by"),
        ("{name: x, type: text, remove: '['}", "not a regular expression"),
        ("{name: x, type: timestamp, template: '{path:day} {T}', since_midnight: s}", "whose midnight"),
        ("{name: x, type: timestamp, epoch: s, since_midnight: s, zone: UTC}", "since_midnight or epoch"),
        ("{name: x, type: timestamp, since_midnight: s, zone: UTC, format: '%Y%m%d %H:%M'}", "time of day"),
    ],
)
def test_contradictions_are_found_before_any_file_is(column, message):
    with pytest.raises(ContractError, match=message):
        contract_of(column)


IGNORING = "{ignore_records: '(?i)[^,]*,no'}"


def test_ignored_records_are_no_rows_and_are_counted(tmp_path):
    text = written(["X"], [[AT, "1"], [AT, "no"], ["At", "X"], [AT, "no, quoted"], [AT, "2"], [AT, "NO"], [AT, "3"]])
    file = tmp_path / "2024-03-08.csv"
    file.write_text(text)
    column = "{name: x, type: text, source: X}"

    values, codes = parsed(tmp_path, column, text, form=IGNORING)

    assert (values, codes) == ({1: "1", 2: "no, quoted", 3: "2", 4: "3"}, {})
    for block_bytes in (1, 30, 1 << 20):
        reader = BlockReader(str(file), contract_of(column, IGNORING).format, block_bytes=block_bytes)
        assert sum(block.row_count for block in reader) == 4
        assert (reader.row_count, reader.ignored_count, reader.line_count) == (4, 3, 8)


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_ignored_records_are_found_in_plain_text_and_among_quotes(tmp_path, end):
    column = "{name: x, type: integer, source: X}"
    lines = ["At,X", *[f"{AT},{n}" for n in range(400)], f"{AT},400"]
    lines[200:200] = ["skip,1", "At,X", ""]
    plain = end.join(lines) + end
    quoted = plain.replace(f"{AT},300", f'"{AT}",300')

    for text, form in [(plain, "{ignore_records: skip}"), (quoted, "{ignore_records: 'skip|SKIP$'}")]:
        file = tmp_path / "2024-03-08.csv"
        file.write_text(text, newline="")
        for block_bytes in (64, 1 << 20):
            contract = contract_of(column, form)
            reader = BlockReader(str(file), contract.format, block_bytes=block_bytes)
            rows = open_rows(reader, contract, str(file))
            found = [x for block in rows.reader for x in rows.parser.parse(block).rows["x"]]
            assert (found, reader.ignored_count, reader.row_count) == (list(range(401)), 2, 401)


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("79.2000000000000003", "79.20"),
        ("0.125", "0.12"),  # half to even
        ("0.135", "0.14"),
        ("-0.005", "0"),
        ("5.9e-08", "0"),
        ("1e-400", "0"),
        ("12345678.994999", "12345678.99"),
        ("99999999.995", ["precision_exceeded"]),
        ("1e400", ["precision_exceeded"]),
        ("3e-07.0", ["invalid_decimal"]),
    ],
)
def test_number_with_too_many_decimals_is_rounded_where_the_contract_says_so(tmp_path, cell, value):
    text = written(["X"], [[AT, cell], [AT, "1.5"]])
    column = "{name: x, type: 'decimal(10,2)', source: X, round: true}"

    values, codes = parsed(tmp_path, column, text)

    assert values.pop(2) == Decimal("1.5")
    assert (values, codes) == (({1: Decimal(value)}, {}) if isinstance(value, str) else ({}, {1: value}))


def test_rest_keeps_the_cell_of_a_number_that_may_be_rounded(tmp_path):
    column = "{name: x, type: json, members: rest}\n  - {name: y, type: 'decimal(4,1)', round: true}"
    column += "\n  - {name: z, type: 'decimal(4,1)'}"
    text = written(["y", "z", "other"], [[AT, "1.25", "1.5", "a"], [AT, "", "1.5", "b"], [AT, "2", "1.5", ""]])

    values, codes = parsed(tmp_path, column, text)

    assert {number: json.loads(value) for number, value in values.items()} == {
        1: {"y": "1.25", "other": "a"},
        3: {"y": "2"},
    }
    assert codes == {2: ["null_value"]}


def cells(*rows):
    return pl.DataFrame(rows, schema={"column_1": pl.String, "column_2": pl.String}, orient="row")


def test_template_is_null_where_a_cell_of_it_is_unless_that_is_optional():
    rows = cells(("BRK", "B"), ("IBM", None), ("IBM", ""), (None, "B"))
    root, suffix = TemplateCell(0), TemplateCell(1)
    assert filled_template(rows, (root, ".", suffix), FileFormat()).to_list() == ["BRK.B", None, None, None]
    optional = TemplateCell(1, is_optional=True)
    assert filled_template(rows, (root, ".", optional), FileFormat()).to_list() == ["BRK.B", "IBM.", "IBM.", None]


def test_template_takes_cells_as_the_format_reads_them():
    form = FileFormat(trim=True, null_tokens=("", "-"))
    rows = cells((" 20240102 ", " - "), ("20240102", " 7 "))
    parts = (TemplateCell(0), " ", TemplateCell(1))
    assert filled_template(rows, parts, form).to_list() == [None, "20240102 7"]


def test_question_mark_makes_a_cell_of_a_template_optional():
    name, position, path = (parse_template(text)[0] for text in ("{Suffix?}", "{2?}", "{path:date}"))
    assert (name.header_name, name.is_optional) == ("Suffix", True)
    assert (position.position, position.is_optional) == (2, True)
    assert (path.path_group, path.is_optional) == ("date", False)


@pytest.mark.parametrize("template", ["{?}", "no place", "{a}}"])
def test_template_that_names_nothing_is_refused(template):
    with pytest.raises(ValueError, match=r"names no cell|no placeholder|brace"):
        parse_template(template)


def test_object_leaves_out_empty_cells_and_escapes_the_others():
    rows = cells(('a "b"\\', None), (None, None))
    found = json_object(rows, {"first": 0, "second": 1}, FileFormat(), is_required=False).to_list()
    assert [None if text is None else json.loads(text) for text in found] == [{"first": 'a "b"\\'}, None]
