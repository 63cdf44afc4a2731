"""A proposed contract as commented YAML."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from textwrap import wrap

from trade_ingest.infer.draft import Draft, DraftColumn

_PLAIN = re.compile(r"[A-Za-z_%][A-Za-z0-9_/%.-]*|[0-9]{1,9}")
_WORDS = frozenset({"null", "true", "false", "yes", "no", "on", "off", "y", "n", "~"})
_WIDTH = 110
CONFIRM = "CONFIRM"


def contract_yaml(draft: Draft) -> str:
    """The contract, with the comments of the draft; it loads once what is marked CONFIRM is right."""
    return "\n".join(_lines(draft)) + "\n"


def _lines(draft: Draft) -> Iterator[str]:
    yield from (f"#{' ' if line else ''}{line}" for paragraph in draft.head for line in _wrapped(paragraph))
    yield from (f"name: {draft.name}", "version: 1", f"description: {scalar(draft.description)}", "")
    if draft.format:
        yield "format:"
        for key, value in draft.format.items():
            yield _commented(f"  {key}: {_value(value)}", draft.format_comments.get(key, ""))
        yield ""
    if draft.path:
        if draft.path_comment:
            yield f"# {draft.path_comment}"
        yield from (f"path: {scalar(draft.path)}", "")
    yield "columns:"
    for column in draft.columns:
        yield from _column(column)
    yield ""
    yield from _rows(draft)


def _rows(draft: Draft) -> Iterator[str]:
    """What is said of whole rows, and where they go."""
    if draft.key:
        yield _commented(f"key: [{', '.join(draft.key)}]", draft.key_comment)
    elif draft.key_comment:
        yield f"# No key: {_clean(draft.key_comment)}. A row is its file and its number in it."
    yield f"event_time: {draft.event_time}"
    if draft.totals:
        yield f"control_totals: [{', '.join(draft.totals)}]"
    if draft.ignores_unknown:
        yield from ("", "drift:", "  unknown_columns: ignore")
    yield ""
    if draft.target_comment:
        yield from (f"# {line}" for line in _wrapped(draft.target_comment))
    yield from ("target:", f"  table: {draft.table}")
    if draft.layout:
        yield f"  layout: {draft.layout}"


def _wrapped(paragraph: str) -> list[str]:
    indent = "  " if paragraph.startswith("- ") else ""
    return wrap(_clean(paragraph), _WIDTH, subsequent_indent=indent, break_long_words=False) or [""]


def _column(column: DraftColumn) -> Iterator[str]:
    yield f"  - name: {column.name}"
    typed = scalar(column.type) if "(" not in column.type else f'"{column.type}"'
    yield _commented(f"    type: {typed}", column.comment)
    last = list(column.keys)[-1] if column.keys else ""
    marked = next(
        (key for key in ("zone", "constant", "epoch", "format", "path_group", "values") if key in column.keys), last
    )
    for key, value in column.keys.items():
        comment = f"{CONFIRM}: {column.confirm}" if column.confirm and key == marked else ""
        yield _commented(f"    {key}: {_value(value)}", comment)


def _commented(line: str, comment: str) -> str:
    return f"{line} # {_clean(comment)}" if comment else line


def _clean(text: str) -> str:
    """Text that may stand in a comment: on one line, printable."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def _value(value: object) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return str(value)
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{scalar(str(k))}: {scalar(str(v))}" for k, v in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(scalar(str(item)) for item in value) + "]"
    return scalar(str(value))


def scalar(text: str) -> str:
    """A text as YAML: plain where every reader takes it for a text or a number that it is, else quoted."""
    if _PLAIN.fullmatch(text) and text.lower() not in _WORDS:
        return text if not text.startswith("%") else f"'{text}'"
    if text.isprintable() and not text.startswith("\ufeff"):
        return "'" + text.replace("'", "''") + "'"
    return json.dumps(text)
