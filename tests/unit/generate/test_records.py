"""Cells to records and back."""

import csv
import io

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trade_ingest.contract.model import FileFormat
from trade_ingest.errors import GenerateError
from trade_ingest.generate.records import is_writable, join_record, join_records

FORMATS = [
    FileFormat(),
    FileFormat(delimiter=";", quote="'"),
    FileFormat(escape="\\"),
    FileFormat(quote=None, escape="\\"),
    FileFormat(comment_prefix="#"),
    FileFormat(delimiter="|", quote='"', escape="!"),
    FileFormat(delimiter="$"),
]
CELLS = st.lists(st.one_of(st.none(), st.text(alphabet="ab,;|$'\"\\!# é", max_size=6)), min_size=2, max_size=4)


@pytest.mark.parametrize("file_format", FORMATS, ids=str)
@given(rows=st.lists(CELLS, min_size=1, max_size=5))
def test_csv_readers_find_the_same_cells(file_format, rows):
    width = len(rows[0])
    rows = [(row + [""] * width)[:width] for row in rows]
    frame = pl.DataFrame(rows, schema={f"c{i}": pl.String for i in range(width)}, orient="row")
    records = join_records(frame, file_format).to_list()
    assert records == [join_record(row, file_format) for row in rows]
    reader = csv.reader(
        io.StringIO("".join(f"{record}\r\n" for record in records), newline=""),
        delimiter=file_format.delimiter,
        quotechar=file_format.quote,
        escapechar=file_format.escape,
        doublequote=file_format.escape is None,
        quoting=csv.QUOTE_MINIMAL if file_format.quote else csv.QUOTE_NONE,
    )
    assert list(reader) == [[cell or "" for cell in row] for row in rows]


def test_first_cell_never_makes_a_comment():
    assert join_record(["#1", "#2"], FileFormat(comment_prefix="#")) == '"#1","#2"'


def test_plain_cells_stay_unquoted():
    frame = pl.DataFrame({"a": ["1", None], "b": ["x y", "it's"]})
    assert join_records(frame, FileFormat()).to_list() == ["1,x y", ",it's"]


def test_cells_that_the_format_cannot_hold_are_refused():
    file_format = FileFormat(quote=None)
    assert not is_writable("a,b", file_format)
    assert is_writable('a"b', file_format)
    for write in (
        lambda: join_record(["a,b"], file_format),
        lambda: join_records(pl.DataFrame({"a": ["a,b"]}), file_format),
    ):
        with pytest.raises(GenerateError, match="needs quotes"):
            write()
