"""Where the cells of a record are."""

import csv

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trade_ingest.contract.model import FileFormat
from trade_ingest.parse.spans import cell_spans

CELLS = st.lists(st.text(st.sampled_from('ab,;" \\é'), max_size=4), min_size=1, max_size=6)


@given(CELLS, st.sampled_from([",", ";"]))
def test_spans_are_those_of_the_cells_as_csv_writes_them(cells, delimiter):
    quoted = [f'"{cell.replace(chr(34), chr(34) * 2)}"' if set(cell) & {delimiter, '"'} else cell for cell in cells]
    text = delimiter.join(quoted)

    spans = cell_spans(text, FileFormat(delimiter=delimiter))

    assert [text[start:end] for start, end in spans] == quoted
    assert (next(csv.reader([text], delimiter=delimiter)) or [""]) == cells


@pytest.mark.parametrize(
    ("given", "text", "cells"),
    [
        ({"quote": None}, 'a,"b,c"', ["a", '"b', 'c"']),
        ({"escape": "\\"}, "a\\,b,c", ["a\\,b", "c"]),
        ({"delimiter": "|"}, "a||b", ["a", "", "b"]),
        ({}, "", [""]),
    ],
)
def test_spans_follow_the_format(given, text, cells):
    assert [text[start:end] for start, end in cell_spans(text, FileFormat(**given))] == cells
