import csv
import io
import json
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from pathlib import Path

import pytest

from trade_ingest.cli import output as module
from trade_ingest.cli.display import format_bytes
from trade_ingest.cli.output import FORMATS, Column, Output, plain_value


@dataclass(frozen=True)
class Row:
    uri: str
    rows: int
    state: str
    at: datetime | None


ROWS = [
    Row("a.csv", 1234567, "loaded", datetime(2024, 1, 2, 3, 4, 5, 600000, tzinfo=UTC)),
    Row('b,"2".csv', 8, "failed", None),
]
COLUMNS = (
    Column("uri", "file", shorten="end"),
    Column("rows", align="right"),
    Column("state", is_state=True),
    Column("at", "loaded"),
)


@pytest.fixture
def written(capsys):
    def write(name, call):
        call(Output.of(name))
        return capsys.readouterr().out

    return write


def test_table_as_text_is_aligned_with_separators_and_utc(written):
    assert written("text", lambda out: out.table(ROWS, COLUMNS, schema="s/1")) == (
        "FILE            ROWS  STATE   LOADED\n"
        "a.csv      1,234,567  loaded  2024-01-02 03:04:05Z\n"
        'b,"2".csv          8  failed\n'
    )


def test_json_that_is_written_row_by_row_reads_like_one_document(written):
    items = [{"a": "[]\n", "b": {"c": [1, 2]}}, {"a": None, "b": {}}]
    columns = [Column("a"), Column("b")]
    for count in range(3):
        text = written("json", lambda out, rows=items[:count]: out.table(iter(rows), columns, schema="[]"))
        assert text == json.dumps({"schema": "[]", "items": items[:count]}, indent=2) + "\n"


def test_table_as_json_has_schema_summary_and_items(written):
    text = written("json", lambda out: out.table(ROWS, COLUMNS, schema="s/1", summary={"total": 2}))

    assert json.loads(text) == {
        "schema": "s/1",
        "total": 2,
        "items": [
            {"uri": "a.csv", "rows": 1234567, "state": "loaded", "at": "2024-01-02T03:04:05.600000+00:00"},
            {"uri": 'b,"2".csv', "rows": 8, "state": "failed", "at": None},
        ],
    }


def test_json_lines_and_csv_have_the_same_values_as_json(written):
    items = json.loads(written("json", lambda out: out.table(ROWS, COLUMNS, schema="s/1")))["items"]
    lines = [
        json.loads(line) for line in written("jsonl", lambda out: out.table(ROWS, COLUMNS, schema="s/1")).splitlines()
    ]
    cells = list(csv.reader(io.StringIO(written("csv", lambda out: out.table(ROWS, COLUMNS, schema="s/1")))))

    assert lines == items
    assert cells[0] == list(items[0])
    assert cells[1:] == [["" if v is None else str(v) for v in item.values()] for item in items]


def test_rows_may_be_mappings(written):
    text = written(
        "csv", lambda out: out.table([{"uri": "a", "rows": 1, "state": "", "at": None}], COLUMNS, schema="s/1")
    )

    assert text == "uri,rows,state,at\na,1,,\n"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("text", "nothing yet\n"),
        ("json", {"schema": "s/1", "items": []}),
        ("jsonl", ""),
        ("csv", "uri,rows,state,at\n"),
    ],
)
def test_empty_table_is_still_a_result(written, name, expected):
    text = written(name, lambda out: out.table([], COLUMNS, schema="s/1", empty="nothing yet"))

    assert (json.loads(text) if name == "json" else text) == expected


def test_data_columns_are_left_out_of_text_only(written):
    columns = (Column("uri"), Column("rows", only_data=True))

    assert written("text", lambda out: out.table(ROWS[:1], columns, schema="s/1")) == "URI\na.csv\n"
    assert written("csv", lambda out: out.table(ROWS[:1], columns, schema="s/1")) == "uri,rows\na.csv,1234567\n"


def test_format_is_for_people_only(written):
    columns = (Column("rows", "size", format=format_bytes),)

    assert written("text", lambda out: out.table(ROWS[:1], columns, schema="s/1")) == "SIZE\n1.2 MiB\n"
    assert written("csv", lambda out: out.table(ROWS[:1], columns, schema="s/1")) == "rows\n1234567\n"


def test_object_in_each_form(written):
    values = {"run_id": 3, "ratio": 0.5, "tags": ["a", "b"], "ok": True, "none": None}

    def write(out):
        out.object(values, schema="s/1")

    assert written("text", write) == 'run id  3\nratio   0.5\ntags    ["a", "b"]\nok      yes\nnone\n'
    assert json.loads(written("json", write)) == {"schema": "s/1", **values}
    assert written("jsonl", write) == json.dumps({"schema": "s/1", **values}) + "\n"
    assert written("csv", write) == 'run_id,ratio,tags,ok,none\n3,0.5,"[""a"", ""b""]",true,\n'


def test_text_of_an_object_replaces_the_list(written):
    assert written("text", lambda out: out.object({"a": 1}, schema="s/1", text="done")) == "done\n"


@pytest.mark.parametrize(
    ("call", "speakers"),
    [(lambda out: out.text("hello"), {"text"}), (lambda out: out.event({"event": "run_ended"}), {"jsonl"})],
)
def test_text_and_events_are_for_one_form_each(written, call, speakers):
    assert {name for name in FORMATS if written(name, call)} == speakers


def test_narrow_terminal_cuts_what_may_be_cut(written, monkeypatch):
    monkeypatch.setattr(module, "is_terminal", lambda _: True)
    monkeypatch.setattr(module, "terminal_width", lambda: 40)
    rows = [{"uri": "/data/2024/01/02/trades.csv", "rows": 5, "why": "loaded by run 1 at noon"}]
    columns = (Column("uri", shorten="end"), Column("rows", align="right"), Column("why", shorten="start"))

    text = written("text", lambda out: out.table(rows, columns, schema="s/1"))

    assert text == ("URI               ROWS  WHY\n…1/02/trades.csv     5  loaded by run 1…\n")
    assert max(map(len, text.splitlines())) <= 40


def test_what_is_no_terminal_gets_all(written, monkeypatch):
    monkeypatch.setenv("COLUMNS", "20")
    rows = [{"uri": "x" * 100}]

    assert written("text", lambda out: out.table(rows, (Column("uri", shorten="end"),), schema="s/1")).endswith(
        "x" * 100 + "\n"
    )


def test_data_cannot_move_the_cursor_or_break_a_line(written):
    text = written("text", lambda out: out.table([{"v": "a\x1b[2J\nb\x00é日"}], (Column("v"),), schema="s/1"))

    assert text == "V\na\\x1b[2J\\nb\\x00é日\n"


class Colour(Enum):
    RED = "red"


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        (Decimal("1.10"), "1.10"),
        (date(2024, 1, 2), "2024-01-02"),
        (Path("a/b"), "a/b"),
        (b"\xffa", "\\xffa"),
        (Colour.RED, "red"),
        (12345678901234567890, 12345678901234567890),
    ],
)
def test_values_in_data_lose_nothing(value, plain):
    assert plain_value(value) == plain


def test_value_without_a_form_is_refused():
    with pytest.raises(TypeError, match="object has no JSON form"):
        plain_value(object())
