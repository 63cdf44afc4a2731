"""How the text of a file is cut into lines and cells, from its first lines."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache

from trade_ingest.contract.model import FileFormat
from trade_ingest.errors import InferenceError
from trade_ingest.infer.header import is_header, is_value
from trade_ingest.infer.sample import Sample
from trade_ingest.source.records import Dialect, split_fields

_DELIMITERS = ",;\t|^~ "
_LOOKED_AT = 300  # lines
_LATEST_HEADER = 60  # lines before it
_COMMENTS = ("#", "//", "%")
_RULE = re.compile(r"""[-=_+\s,;|"]*[-=]{3,}[-=_+\s,;|"]*""")


@dataclass(frozen=True, slots=True)
class FoundDialect:
    """The marks of a file, and what stands before its rows.

    Attributes:
        delimiter: between cells.
        quote: around cells; None: quotes are ordinary characters.
        escape: before a quote in quotes; None: a quote is doubled.
        preamble_lines: lines before the header, or before the first row where there is none.
        comment_prefix: lines that start with it are no rows.
        header: the names, or None.
        ignored: regular expressions of records that are no rows.
        width: cells of most lines.
        evidence: what is worth telling.
    """

    delimiter: str
    quote: str | None
    escape: str | None
    preamble_lines: int
    comment_prefix: str | None
    header: tuple[str, ...] | None
    width: int
    ignored: tuple[str, ...] = ()
    evidence: tuple[str, ...] = field(default=())


def find_dialect(sample: Sample) -> FoundDialect:
    """The marks, preamble and header of a file.

    Raises:
        InferenceError: its lines have no delimiter that gives all of them the same number of cells, or end with CR.
    """
    if "\n" not in sample.head and "\r" in sample.head:
        message = f"{sample.file.uri}: its lines end with CR alone"
        raise InferenceError(message, hint="line breaks must be LF or CRLF: convert the file", uri=sample.file.uri)
    lines = [line.removesuffix("\r") for line in sample.head.split("\n")]
    comment = _comment_prefix(lines)
    looked_at = [line for line in lines[:_LOOKED_AT] if line and not (comment and line.startswith(comment))]
    escape = "\\" if any('\\"' in line for line in looked_at) else None
    delimiter, quote, width = _delimiter(looked_at, sample.file.uri, escape)
    preamble, header = _start(lines, delimiter, quote, escape, width, comment)
    if comment is not None and not any(line.startswith(comment) for line in lines[preamble + (header is not None) :]):
        comment = None  # all of them are in the preamble
    rest = lines[preamble + (header is not None) :]
    ignored = (r"[-=_+\s,;|\"]*[-=]{3,}[-=_+\s,;|\"]*$",) if any(map(_is_rule, rest[:_LOOKED_AT])) else ()
    evidence = [f"lines of {width} cells, delimiter {delimiter!r}"]
    if preamble:
        first = next((line for line in lines[:preamble] if line.strip()), "")
        count = f"{preamble} line{'s' if preamble > 1 else ''}"
        evidence.append(f"{count} before the {'header' if header else 'rows'}, such as {first[:60]!r}")
    if ignored:
        evidence.append("a line of dashes under the header")
    return FoundDialect(
        delimiter, quote, escape, preamble, comment, header, width, ignored=ignored, evidence=tuple(evidence)
    )


def cells_of(line: str, delimiter: str, quote: str | None, escape: str | None = None) -> list[str]:
    """The cells of one line, unquoted."""
    fields = split_fields(line.encode(), _dialect(delimiter, quote, escape))
    return [(cell or b"").decode() for cell in fields]


@cache
def _dialect(delimiter: str, quote: str | None, escape: str | None) -> Dialect:
    return Dialect.of(FileFormat(delimiter=delimiter, quote=quote, escape=escape))


def _comment_prefix(lines: Sequence[str]) -> str | None:
    return next((mark for mark in _COMMENTS if any(line.startswith(mark) for line in lines[:_LOOKED_AT])), None)


def _delimiter(lines: Sequence[str], uri: str, escape: str | None) -> tuple[str, str | None, int]:
    """The delimiter and the quote that give most lines the same number of cells, and that number."""
    best: tuple[float, str, str | None, int] = (0.0, "", None, 0)
    text = "\n".join(lines)
    quotes: tuple[str | None, ...] = ('"', None) if '"' in text else ('"',)
    if re.search(r"(?:^|[,;\t|])'[^',;|\t]*'(?:[,;\t|]|$)", text, re.MULTILINE):
        quotes = ("'", *quotes)
    for delimiter in _DELIMITERS:
        if delimiter not in text:
            continue
        for quote in quotes:
            counts = Counter(_count(line, delimiter, quote, escape) for line in lines)
            counts.pop(1, None)
            counts.pop(0, None)
            if not counts:
                continue
            width, agreeing = max(counts.items(), key=lambda item: (item[1], item[0]))
            share = agreeing / len(lines)
            # many cells are better than few, and blanks are rarely meant to delimit
            score = share**2 * (1 + min(width, 12) / 12) * (0.3 if delimiter == " " else 1) * (1 if quote else 0.6)
            if score > best[0] + 1e-9:
                best = (score, delimiter, quote, width)
    score, delimiter, quote, width = best
    if not delimiter and len(lines) > 1 and all(map(is_value, lines[1:])):
        return ",", '"', 1
    if not delimiter or score < 0.05:  # noqa: PLR2004
        message = f"{uri}: no delimiter (, ; tab | ^ ~ blank) gives its lines the same number of cells"
        hint = (
            "is it text with one record on a line? Files of fixed width and nested formats have to be converted first"
        )
        raise InferenceError(message, hint=hint, uri=uri)
    return delimiter, quote, width


def _count(line: str, delimiter: str, quote: str | None, escape: str | None) -> int:
    """The cells of a line; 0 if its quotes are out of place."""
    if quote is None or quote not in line:
        return line.count(delimiter) + 1
    match = _dialect(delimiter, quote, escape).record.fullmatch(line.encode())
    return len(cells_of(line, delimiter, quote, escape)) if match else 0


def _start(
    lines: Sequence[str], delimiter: str, quote: str | None, escape: str | None, width: int, comment: str | None
) -> tuple[int, tuple[str, ...] | None]:
    """How many lines are before the header or the first row, and the header."""
    rows = [(i, cells_of(line, delimiter, quote, escape)) for i, line in enumerate(lines[:_LOOKED_AT]) if line.strip()]
    wide = [(i, cells) for i, cells in rows if len(cells) == width]
    for place, (i, cells) in enumerate(wide):
        if i > _LATEST_HEADER:
            break
        if comment and lines[i].startswith(comment) and not is_header(_uncommented(cells, comment), []):
            continue
        below = [row for _, row in wide[place + 1 : place + 50]]
        if is_header(_uncommented(cells, comment), below):
            return i, tuple(cells)
        filled = sum(bool(cell.strip()) for cell in cells)
        if filled > max(1, width // 3):
            return i, None
    first = wide[0][0] if wide else 0
    return first, None


def _uncommented(cells: list[str], comment: str | None) -> list[str]:
    return [cells[0].removeprefix(comment).strip(), *cells[1:]] if comment and cells else cells


def _is_rule(line: str) -> bool:
    return _RULE.fullmatch(line) is not None
