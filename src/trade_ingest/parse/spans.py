"""Where the cells of one record are in its text, so that a bad one can be pointed at."""

from __future__ import annotations

from trade_ingest.contract.model import FileFormat


def cell_spans(text: str, file_format: FileFormat) -> list[tuple[int, int]]:
    """Start and end (characters, end exclusive) of each cell of a record, quotes included.

    For text that breaks the quoting rules the spans are a best guess: they are for display only.
    """
    spans: list[tuple[int, int]] = []
    if file_format.escape is None and (file_format.quote is None or file_format.quote not in text):
        start = 0
        for cell in text.split(file_format.delimiter):
            spans.append((start, start + len(cell)))
            start += len(cell) + 1
        return spans
    start, is_quoted, is_escaped = 0, False, False
    for position, character in enumerate(text):
        if is_escaped:
            is_escaped = False
        elif character == file_format.escape:
            is_escaped = True
        elif character == file_format.quote and (is_quoted or position == start):
            is_quoted = not is_quoted
        elif character == file_format.quote and text[position - 1] == file_format.quote:
            is_quoted = True  # the second of a doubled quote: still inside
        elif character == file_format.delimiter and not is_quoted:
            spans.append((start, position))
            start = position + 1
    spans.append((start, len(text)))
    return spans
