"""Whether a line of cells is a header, and names for columns."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence

_VALUE = re.compile(
    r"""\s*(?:
        [^\w\s(]{0,2}[+-]?[$€£¥]?\s?[\d.,' ]*\d[\d.,' ]*(?:[eE][+-]?\d+)?\s?[%$€£¥+]?   # numbers
      | \d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}.*                                                # dates
      | \d{4}-?\d{2}-?\d{2}[ T;].*
      | \d{1,2}[-/. ]\w{3,9}\.?[-/., ]+\d{2,4}.*
      | \w{3,9}\.?\s\d{1,2},?\s\d{4}.*
      | \d{1,2}:\d{2}(?::\d{2})?.*                                                       # times of day
      | [0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}                             # UUIDs
      | true|false|True|False|TRUE|FALSE|null|NULL|None|NaN|N/A
    )\s*""",
    re.VERBOSE,
)
_LONGEST_NAME = 100
_FEW = 3


def is_value(cell: str) -> bool:
    """Whether a cell is a number, a date, a time or the like, rather than a name."""
    return _VALUE.fullmatch(cell) is not None


def is_header(cells: Sequence[str], below: Sequence[Sequence[str]]) -> bool:
    """Whether a line names the columns of the lines below it."""
    names = [cell.strip() for cell in cells]
    filled = [name for name in names if name]
    if len(names) == 1:
        return bool(filled) and not is_value(filled[0]) and all(is_value(row[0]) for row in below if row)
    return _may_be_names(names, filled) and (not below or _names_differ(names, filled, below))


def _may_be_names(names: Sequence[str], filled: Sequence[str]) -> bool:
    """Whether most cells are filled, and none looks like a value."""
    few_empty = len(filled) >= 2 and len(names) - len(filled) <= 2  # noqa: PLR2004  # an index, a comma too much
    if len(filled) < max(2, len(names) * 0.6) and not few_empty:
        return False
    if any(is_value(name) or len(name) > _LONGEST_NAME for name in filled):
        return False
    return len({name.casefold() for name in filled}) >= 0.5 * len(filled)  # a few may be twice


def _names_differ(names: Sequence[str], filled: Sequence[str], below: Sequence[Sequence[str]]) -> bool:
    """Whether the lines below have values, or at least none of the names."""
    same = sum(names[i] == row[i].strip() for row in below[:1] for i in range(min(len(row), len(names))) if names[i])
    if same == len(filled) and len(below) > 1:
        below = below[1:]
    values = [
        sum(bool(row[i].strip()) and is_value(row[i]) for row in below if i < len(row)) for i in range(len(names))
    ]
    if any(values):
        return True
    texts = {cell.strip() for row in below for cell in row}
    return not texts & set(filled)


def snake_names(names: Iterable[str]) -> list[str]:
    """Lower-case SQL identifiers for names, all different, in order."""
    found: list[str] = []
    for i, name in enumerate(names, 1):
        candidate = re.sub(r"^column_(?=\d)", "field_", snake_name(name)) or f"field_{i}"  # the parser's own names
        unique, number = candidate, 2
        while unique in found:
            unique, number = f"{candidate[:58]}_{number}", number + 1
        found.append(unique)
    return found


def snake_name(name: str) -> str:
    """A lower-case SQL identifier for a name; empty if nothing of it is left."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    split = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", plain)
    snake = re.sub(r"[^a-z0-9]+", "_", split.lower()).strip("_")[:60].strip("_")
    if snake and snake[0].isdigit():
        snake = f"column_{snake}"
    return f"{snake}_" if snake in {"file_id", "row_number"} else snake
