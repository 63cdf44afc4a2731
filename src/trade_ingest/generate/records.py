"""Cells to the records of a file: quoting, escaping, joining."""

from __future__ import annotations

import re
from collections.abc import Sequence

import polars as pl

from trade_ingest.contract.model import FileFormat
from trade_ingest.errors import GenerateError


def join_records(cells: pl.DataFrame, file_format: FileFormat) -> pl.Series:
    """One record, without line break, for each row of text cells; NULL is an empty cell.

    Raises:
        GenerateError: a cell holds the delimiter or a line break and the format can neither quote nor escape it.
    """
    plain = cells.select(pl.all().fill_null(""))
    records = _joined(plain, file_format)
    if not _has_marks(records, plain.width, file_format):
        return records
    return _joined(plain.select(_marked(plain.get_column(name), file_format) for name in plain.columns), file_format)


def join_record(cells: Sequence[str | None], file_format: FileFormat) -> str:
    """One record, the same that ``join_records`` makes of the cells.

    Raises:
        GenerateError: as ``join_records``.
    """
    return file_format.delimiter.join([_marked_cell(cell or "", file_format) for cell in cells])


def is_writable(text: str, file_format: FileFormat) -> bool:
    """Whether a cell can hold the text, with quotes or escapes where it needs them."""
    if file_format.quote is not None or file_format.escape is not None:
        return True
    is_comment = file_format.comment_prefix is not None and text.startswith(file_format.comment_prefix)
    return not (is_comment or file_format.delimiter in text or "\n" in text or "\r" in text)


def _joined(cells: pl.DataFrame, file_format: FileFormat) -> pl.Series:
    return cells.select(pl.concat_str(pl.all(), separator=file_format.delimiter)).to_series()


def _has_marks(records: pl.Series, width: int, file_format: FileFormat) -> bool:
    """Whether any cell needs a closer look: cheaper than looking at each column."""
    if file_format.comment_prefix or bool(
        (records.str.count_matches(file_format.delimiter, literal=True) >= width).any()
    ):
        return True
    return bool(records.str.contains(f"[{_escaped(_others(file_format))}]").any())


def _others(file_format: FileFormat) -> str:
    return "".join(filter(None, (file_format.quote, file_format.escape, "\r\n")))


def _escaped(characters: str) -> str:
    return "".join(f"\\x{ord(c):02x}" for c in characters)


def _marked(cells: pl.Series, file_format: FileFormat) -> pl.Series:
    special = f"[{_escaped(file_format.delimiter + _others(file_format))}]"
    comment = f"^{re.escape(file_format.comment_prefix)}" if file_format.comment_prefix else None
    needs = cells.str.contains(special if comment is None else f"{special}|{comment}")
    if not needs.any():
        return cells
    odd = cells.filter(needs).unique().to_list()
    return cells.replace(odd, [_marked_cell(cell, file_format) for cell in odd])


def _marked_cell(cell: str, file_format: FileFormat) -> str:
    quote, escape = file_format.quote, file_format.escape
    special = file_format.delimiter + _others(file_format)
    is_comment = file_format.comment_prefix is not None and cell.startswith(file_format.comment_prefix)
    if not is_comment and not any(mark in cell for mark in special):
        return cell
    if quote is None and escape is None:
        raise GenerateError(f"{cell!r} needs quotes, and the contract's format has none")
    if escape is not None:
        start = escape if is_comment and cell[0] not in special else ""
        cell = start + "".join(escape + character if character in special else character for character in cell)
        return cell if quote is None else f"{quote}{cell}{quote}"
    assert quote is not None
    return f"{quote}{cell.replace(quote, quote * 2)}{quote}"
