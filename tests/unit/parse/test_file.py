import pytest

from trade_ingest.contract.loading import parse_contract
from trade_ingest.contract.model import RejectLimit
from trade_ingest.errors import FileTrailerError
from trade_ingest.parse.file import check_trailer, open_rows, reject_limit_error
from trade_ingest.parse.reject import Reason, Reject
from trade_ingest.source.blocks import BlockReader

CONTRACT = """
name: fills
version: 1
format:
  preamble_lines: 1
  trailer: {TRAILER}
columns:
  - {name: at, type: timestamp, zone: UTC}
  - {name: id, type: text}
event_time: at
target: {table: fill}
"""


def read(tmp_path, content, trailer="{pattern: 'T[|](?P<rows>.*)'}"):
    contract = parse_contract(CONTRACT.replace("{TRAILER}", trailer), origin="fills.yaml")
    path = tmp_path / "f.csv"
    path.write_text("made today\n" + content)
    reader = BlockReader(str(path), contract.format)
    rows = open_rows(reader, contract, str(path))
    found = [] if rows is None else [cell for block in reader for cell in rows.parser.parse(block).rows["id"]]
    check_trailer(reader, contract, "f.csv")
    return found


GOOD = "at,id\n2024-01-02 03:04:05,a\n2024-01-02 03:04:05,b\n"


@pytest.mark.parametrize("end", ["T|2", "T|2\n", "T|2\r\n", "T|02\n\n\n"])
def test_right_trailer_is_no_row(tmp_path, end):
    assert read(tmp_path, GOOD + end) == ["a", "b"]


def test_trailer_may_count_all_lines(tmp_path):
    assert read(tmp_path, GOOD + "T|5", "{pattern: 'T[|](?P<rows>.*)', counts: lines}") == ["a", "b"]


def test_trailer_may_have_no_count(tmp_path):
    assert read(tmp_path, GOOD + "END\n", "{pattern: 'END(?P<rows>[0-9]+)?'}") == ["a", "b"]


@pytest.mark.parametrize(
    ("end", "message"),
    [
        ("", "no trailer that matches .* at the end of 2 rows"),
        ("T|3\n", "the trailer says 3 rows, found 2"),
        ("T|1\n", "the trailer says 1 rows, found 2"),
        ("T|\n", "the trailer's count of rows is '', expected digits"),
        ("T|x\n", "the trailer's count of rows is 'x', expected digits"),
    ],
)
def test_missing_or_wrong_trailer_fails_the_file(tmp_path, end, message):
    with pytest.raises(FileTrailerError, match=message) as caught:
        read(tmp_path, GOOD + end)
    assert caught.value.hint


def test_empty_file_lacks_its_trailer(tmp_path):
    with pytest.raises(FileTrailerError, match="at the end of 0 rows"):
        read(tmp_path, "")


def test_trailer_that_is_not_required_may_be_missing(tmp_path):
    optional = "{pattern: 'T[|](?P<rows>.*)', required: false}"
    assert read(tmp_path, GOOD, optional) == ["a", "b"]
    assert read(tmp_path, "", optional) == []


@pytest.mark.parametrize(
    ("reason", "where"),
    [
        (Reason("invalid_decimal", "price", "1,5"), "f.csv:7:price: invalid_decimal ('1,5')"),
        (Reason("null_value", "price"), "f.csv:7:price: null_value"),
        (Reason("field_count", None, "3 fields, expected 4"), "f.csv:7: field_count ('3 fields, expected 4')"),
        (Reason("invalid_json", "doc", "\n" * 500), "f.csv:7:doc: invalid_json ('" + "\\n" * 60 + "')"),
    ],
)
def test_reject_limit_error_says_where_to_look(reason, where):
    limit = RejectLimit(max_count=1, max_ratio=0)
    error = reject_limit_error(
        "f.csv", limit, rows_rejected=2, rows_read=9, hint="", first=Reject(7, 100, b"x", (reason,))
    )
    assert str(error) == f"f.csv: 2 of 9 rows rejected, more than 1 and 0.00%; first: {where}"


def test_reject_limit_error_says_the_numbers():
    error = reject_limit_error(
        "f.csv", RejectLimit(max_count=10, max_ratio=0.01), rows_rejected=1200, rows_read=5000, hint="look"
    )
    assert str(error) == "f.csv: 1,200 of 5,000 rows rejected, more than 10 and 1.00%"
    assert (error.hint, error.fields) == ("look", {"uri": "f.csv", "rows_rejected": 1200})
