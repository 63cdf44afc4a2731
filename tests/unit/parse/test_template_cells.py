import json

import polars as pl
import pytest

from trade_ingest.contract.model import FileFormat, parse_template
from trade_ingest.parse.layout import TemplateCell
from trade_ingest.parse.made_cells import filled_template, json_object


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
