"""Records that are no rows: trailers, headers that come again, separators, lines of another kind."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import polars as pl

from trade_ingest.infer.dialect import FoundDialect, cells_of
from trade_ingest.infer.sample import Sample
from trade_ingest.infer.table import Odd, Table
from trade_ingest.parse.reject import ReasonCode

_LAST_WORDS = re.compile(
    r"(?:end|eof|eot|trailer|trl|totals?|totale|summe|gesamt|somme|suma|rt|footer|count|records?|rows)\b.*"
    r"|[a-z ]*\btotals?\b.*",
    re.IGNORECASE,
)
_MOST_PATTERNS = 8


@dataclass(frozen=True, slots=True)
class Footers:
    """What is no row.

    Attributes:
        table: without it.
        trailer: a pattern that the last record matches; empty: there is no trailer.
        counts: ``rows`` or ``lines``: what a number in the trailer counts; empty: it has no count.
        ignored: regular expressions of other records that are no rows.
        notes: what is worth telling.
        repeats_header: the header is among the ignored records, so that it cannot name the columns.
    """

    table: Table
    trailer: str = ""
    counts: str = ""
    ignored: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    repeats_header: bool = False


def without_footers(table: Table, samples: Sequence[Sample], dialect: FoundDialect) -> Footers:
    """Take off what is no row."""
    found = Footers(table)
    found = _without_separators(found, dialect)
    found = _without_headers(found, samples[0], dialect)
    found = _without_trailer(found, samples, dialect)
    return _without_odd(found, dialect)


def _taken(found: Footers, keep: pl.Series, **changes: object) -> Footers:
    """With those rows of the table that are to be kept."""
    table = found.table
    starts = [sum(table.file_rows[:i]) for i in range(len(table.file_rows))]
    rows = tuple(int(keep.slice(start, count).sum()) for start, count in zip(starts, table.file_rows, strict=True))
    return replace(found, table=replace(table, cells=table.cells.filter(keep), file_rows=rows), **changes)  # type: ignore[arg-type]


def _without_separators(found: Footers, dialect: FoundDialect) -> Footers:
    cells = found.table.cells
    is_blank = cells.select(pl.all_horizontal(pl.all().str.strip_chars(" \t").fill_null("") == "")).to_series()
    count = int(is_blank.sum())
    if not count or count == cells.height:
        return found
    pattern = rf'[{re.escape(dialect.delimiter)}\s"]*$'
    return _taken(found, ~is_blank, ignored=(*found.ignored, pattern),
                  notes=(*found.notes, f"{count:,} records without any value are passed over"))  # fmt: skip


def _without_headers(found: Footers, sample: Sample, dialect: FoundDialect) -> Footers:
    if dialect.header is None:
        return found
    cells = found.table.cells
    names = [name.strip() for name in dialect.header]
    same = [
        pl.col(f"c{i}").fill_null("").str.strip_chars() == name for i, name in enumerate(names, 1) if i <= cells.width
    ]
    is_header = cells.select(pl.all_horizontal(same)).to_series()
    if not is_header.any() or is_header.all():
        return found
    line = sample.head.split("\n")[dialect.preamble_lines].removesuffix("\r")
    times = int(is_header.sum())
    note = f"the header comes again {times:,} time{'s' if times > 1 else ''} in the file"
    return _taken(found, ~is_header, ignored=(*found.ignored, f"{escaped(line)}$"), notes=(*found.notes, note),
                  repeats_header=True)  # fmt: skip


def _without_trailer(found: Footers, samples: Sequence[Sample], dialect: FoundDialect) -> Footers:
    """A last record with another number of cells than the rows, or that begins as such do."""
    table, sample = found.table, samples[0]
    text = sample.head if sample.is_all else sample.tail
    lines = [line.removesuffix("\r") for line in text.rstrip("\r\n").split("\n")]
    last = lines[-1] if len(lines) > 1 else ""
    if not last:
        return found
    width = len(cells_of(last, dialect.delimiter, dialect.quote, dialect.escape))
    is_word = _LAST_WORDS.fullmatch(last.strip(' "')) is not None
    odd = [o for o in table.odd if o.code == ReasonCode.FIELD_COUNT]
    is_alone = width != dialect.width and (len(odd) == 1 or (not sample.is_all and not odd))
    rows = table.file_rows[0] + (-1 if width == dialect.width and sample.is_all else 0)
    pattern, counts = _trailer_pattern(last, rows, _lines(rows, dialect) if sample.is_all else -1)
    if is_word and not counts:  # sums are written in many ways
        start = re.match(r'"?[A-Za-z ]+', last)
        pattern = f"{escaped(start[0])}.*" if start else pattern
    is_other = is_alone and (counts or re.match(r"[A-Za-z\"]", last))  # a row that is cut off begins as the others do
    if not (is_word or is_other) or (is_word and _is_usual(last, table, dialect)):
        return found
    keep = pl.Series([True] * table.height)
    if width == dialect.width:
        ends = [sum(table.file_rows[: i + 1]) - 1 for i in range(len(table.file_rows))]
        first_cells = table.cells.get_column("c1")
        is_last = pl.Series(range(table.height)).is_in(ends) & (first_cells == _first_cell(last, dialect))
        keep = ~is_last.fill_null(value=False)
    note = f"the last line is {last[:80]!r}" + (f", whose number counts the {counts}" if counts else "")
    remaining = tuple(o for o in table.odd if o.text.rstrip("\r") != last)
    cleaned = _taken(found, keep, trailer=pattern, counts=counts, notes=(*found.notes, note))
    fewer = len(table.odd) - len(remaining)
    return replace(cleaned, table=replace(cleaned.table, odd=remaining, odd_count=table.odd_count - fewer))


def _is_usual(last: str, table: Table, dialect: FoundDialect) -> bool:
    """Whether other rows begin with the same word: a symbol that happens to be `END`."""
    return int((table.cells.get_column("c1") == _first_cell(last, dialect)).sum()) > len(table.file_rows)


def _first_cell(line: str, dialect: FoundDialect) -> str:
    return cells_of(line, dialect.delimiter, dialect.quote, dialect.escape)[0]


def _lines(rows: int, dialect: FoundDialect) -> int:
    return rows + dialect.preamble_lines + (dialect.header is not None) + 1


def _trailer_pattern(line: str, rows: int, lines: int) -> tuple[str, str]:
    """A pattern of lines like this one, and what its count counts."""
    parts: list[str] = []
    counts = ""
    for part in re.split(r"(\d+)", line):
        if not part.isdecimal():
            parts.append(escaped(part))
        elif not counts and len(line) > len(part) and int(part) in {rows, lines}:
            counts = "rows" if int(part) == rows else "lines"
            parts.append(r"(?P<rows>\d+)")
        else:
            parts.append(r"\d+")
    return "".join(parts), counts


def escaped(text: str) -> str:
    """A text as a regular expression that can still be read."""
    return re.sub(r"([\\.+*?()|\[\]{}^$])", r"\\\1", text)


def _without_odd(found: Footers, dialect: FoundDialect) -> Footers:
    """Records of another number of cells that begin as no row does."""
    usual = set(found.table.cells.get_column("c1").drop_nulls().unique())
    patterns: dict[str, None] = {}
    left: list[Odd] = []
    for odd in found.table.odd:
        first = _first_cell(odd.text, dialect) if odd.code == ReasonCode.FIELD_COUNT else ""
        word = re.match(r"[A-Za-z][A-Za-z _]*", first)
        if word is None or first in usual or len(patterns) >= _MOST_PATTERNS:
            left.append(odd)
            continue
        start = '"?' if dialect.quote == '"' else ""
        patterns[f"{start}{escaped(word[0])}"] = None
    fewer = len(found.table.odd) - len(left)
    if not fewer or any(re.match(pattern, str(cell)) for pattern in patterns for cell in usual):
        return found
    table = replace(found.table, odd=tuple(left), odd_count=found.table.odd_count - fewer)
    note = f"{fewer:,} records of another number of cells are passed over"
    return replace(found, table=table, ignored=(*found.ignored, *patterns), notes=(*found.notes, note))
