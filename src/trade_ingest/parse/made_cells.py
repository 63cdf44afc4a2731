"""Cells that are made of other cells: templates, and JSON objects."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

import polars as pl

from trade_ingest.contract.model import FileFormat
from trade_ingest.parse.layout import TemplateCell

_NEEDS_ESCAPE = r'["\\\x00-\x1f]'
_ENCODED_PREFIX = len('{"v":')


def field_name(index: int) -> str:
    """The name of a field (0-based) while it is text; Polars insists on this form for files without a header."""
    return f"column_{index + 1}"


def filled_template(cells: pl.DataFrame, parts: Sequence[str | TemplateCell], file_format: FileFormat) -> pl.Series:
    """The template's text for each row; NULL where a cell of it that is not optional is empty or a null token."""
    texts = [pl.lit(part) if isinstance(part, str) else _cell(part, file_format) for part in parts]
    filled = cells.select(pl.concat_str(texts, ignore_nulls=False).alias("text")).to_series()
    return filled if len(filled) == cells.height else filled.new_from_index(0, cells.height)  # made of no cell


def json_object(
    cells: pl.DataFrame, fields: Mapping[str, int], file_format: FileFormat, *, is_required: bool
) -> pl.Series:
    """A JSON object for each row with the texts of its cells, by name; empty cells and null tokens are left out.

    One without members is ``{}`` if it is required, else NULL.
    """
    empty = "{}" if is_required else None
    members = [_member(cells.get_column(field_name(i)), name, file_format) for name, i in fields.items()]
    if not members:
        return pl.repeat(empty, cells.height, dtype=pl.String, eager=True)
    joined = pl.concat_str([pl.lit(member) for member in members], separator=",", ignore_nulls=True)
    text = pl.select(joined.alias("text")).to_series()
    return pl.select(pl.when(text != "").then(pl.lit("{") + text + pl.lit("}")).otherwise(pl.lit(empty))).to_series()


def _cell(part: TemplateCell, file_format: FileFormat) -> pl.Expr:
    cell = _trimmed(pl.col(field_name(part.index)), file_format)
    return cell.fill_null("") if part.is_optional else cell


def _trimmed(cell: pl.Expr, file_format: FileFormat) -> pl.Expr:
    """A cell by the format: NULL where it is empty or a null token."""
    if file_format.trim:
        cell = cell.str.strip_chars(" \t")
    return pl.when(~cell.is_in(list({"", *file_format.null_tokens}))).then(cell)


def _member(cell: pl.Series, name: str, file_format: FileFormat) -> pl.Series:
    cell = pl.select(_trimmed(pl.lit(cell), file_format)).to_series()
    if cell.str.contains(_NEEDS_ESCAPE).any():
        encoded = pl.select(pl.struct(cell.alias("v")).struct.json_encode()).to_series()
        value = pl.select(pl.lit(encoded.str.slice(_ENCODED_PREFIX).str.head(-1))).to_series()
        value = pl.select(pl.when(cell.is_not_null()).then(value)).to_series()
    else:
        value = '"' + cell + '"'
    return _json_string(name) + ":" + value


def _json_string(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
