"""A record of a file with its bad cells marked."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from trade_ingest.cli.display import is_terminal, printable, styled, terminal_width, text_width

_INDENT = "    "
_CONTEXT = 16  # characters kept before the first mark of a line that is too long


def marked_record(raw_text: str, marks: Sequence[tuple[int, int]]) -> list[str]:
    """The record as text for stdout, and below it carets under the bad cells.

    On a terminal a record that is too long is cut around the first bad cell. Control characters are shown escaped.

    Args:
        raw_text: the record.
        marks: start and end of each bad cell, in characters, in order, not overlapping.
    """
    pieces = _pieces(raw_text, marks)
    line = "".join(styled(text, "red" if is_bad else None, sys.stdout) for text, is_bad in pieces)
    carets, position = "", 0
    for text, is_bad in pieces:
        if is_bad:  # an empty cell is pointed at too
            carets = carets.ljust(position) + "^" * max(text_width(text), 1)
        position += text_width(text)
    return [f"{_INDENT}{line}"] + ([f"{_INDENT}{carets}"] if carets else [])


def _pieces(raw_text: str, marks: Sequence[tuple[int, int]]) -> list[tuple[str, bool]]:
    pieces: list[tuple[str, bool]] = []
    position = 0
    for start, end in marks:
        pieces.append((printable(raw_text[position:start]), False))
        pieces.append((printable(raw_text[start:end]), True))
        position = end
    pieces.append((printable(raw_text[position:]), False))
    if is_terminal(sys.stdout):
        pieces = _cut(pieces, terminal_width() - len(_INDENT))
    return pieces


def _cut(pieces: list[tuple[str, bool]], available: int) -> list[tuple[str, bool]]:
    if sum(text_width(text) for text, _ in pieces) <= available:
        return pieces
    before = pieces[0][0]
    if len(pieces) > 1 and text_width(before) + text_width(pieces[1][0]) + 1 > available:
        pieces = [("…" + before[-_CONTEXT:], False), *pieces[1:]]
    kept: list[tuple[str, bool]] = []
    room = available - 1
    for text, is_bad in pieces:
        part = text
        while part and text_width(part) > room:
            part = part[:-1]
        kept.append((part, is_bad and (bool(part) or not text)))
        room -= text_width(part)
        if part != text or room <= 0:
            return [*kept, ("…", False)]
    return kept
