"""Results on stdout, as text for people or as JSON, JSON lines or CSV for programs, from one description.

Only data goes to stdout; progress, hints and errors go to stderr. The columns of a result are named once, so that the
four forms cannot drift apart: the JSON fields and the CSV header are the columns' names, the text shows their labels.
"""

from __future__ import annotations

import csv
import dataclasses
import io
import json
import sys
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from pathlib import PurePath
from textwrap import indent
from typing import Any, Literal

from trade_ingest.cli.display import (
    STATE_COLOURS,
    format_count,
    format_time,
    is_terminal,
    printable,
    shortened,
    styled,
    terminal_width,
    text_width,
)

FORMATS = ("text", "json", "jsonl", "csv")

_GAP = "  "
_LEAST_WIDTH = 8  # a column is never cut shorter


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table.

    Attributes:
        name: the key or attribute of the rows; the JSON field and the CSV header.
        label: the heading in text; the name in words if empty.
        align: numbers are best aligned right.
        format: the value as text for people; by default counts get thousands separators and times are in UTC.
        shorten: which part of the text stays when the terminal is too narrow; None: it is never cut.
        only_data: left out of text.
        is_state: coloured by what it says.
    """

    name: str
    label: str = ""
    align: Literal["left", "right"] = "left"
    format: Callable[[Any], str] | None = None
    shorten: Literal["start", "end"] | None = None
    only_data: bool = False
    is_state: bool = False

    @property
    def heading(self) -> str:
        """The label in text."""
        return (self.label or self.name.replace("_", " ")).upper()

    def text_of(self, row: object) -> str:
        """The value of a row as text."""
        value = value_of(row, self.name)
        if value is None:
            return ""
        return printable(str(self.format(value) if self.format else _text(value)))


class Output(ABC):
    """Writes results to stdout in one of the ``FORMATS``."""

    format: str

    @staticmethod
    def of(name: str) -> Output:
        """The output of that name."""
        outputs: dict[str, Callable[[], Output]] = {
            "text": TextOutput,
            "json": JsonOutput,
            "jsonl": JsonLinesOutput,
            "csv": CsvOutput,
        }
        return outputs[name]()

    @property
    def is_text(self) -> bool:
        """Whether people read it."""
        return self.format == "text"

    @abstractmethod
    def table(
        self,
        rows: Iterable[Any],
        columns: Sequence[Column],
        *,
        schema: str,
        empty: str = "",
        summary: Mapping[str, Any] | None = None,
    ) -> None:
        """Write rows: mappings, dataclasses or objects with attributes.

        Args:
            rows: the rows.
            columns: what of each row is written.
            schema: name and version of the result, ``trade-ingest.files/1``; the field ``schema`` in JSON.
            empty: what text says when there are no rows.
            summary: fields about the rows as a whole, for JSON; the caller says them in text by ``text``.
        """

    @abstractmethod
    def object(self, values: Mapping[str, Any], *, schema: str, text: str | None = None) -> None:
        """Write one object.

        Args:
            values: its fields, in order.
            schema: name and version of the result.
            text: what text says instead of a list of names and values.
        """

    def event(self, values: Mapping[str, Any]) -> None:
        """Write something that happens while the command works; JSON lines only."""
        del values

    def text(self, line: str = "") -> None:
        """Write a line of text, where people read; nothing in the other forms."""
        del line


class TextOutput(Output):
    """Tables and lists for people."""

    format = "text"

    def table(
        self,
        rows: Iterable[Any],
        columns: Sequence[Column],
        *,
        schema: str,
        empty: str = "",
        summary: Mapping[str, Any] | None = None,
    ) -> None:
        """Write aligned columns; cut to the width of the terminal, whole where stdout is no terminal."""
        del schema, summary
        rows = list(rows)
        if not rows:
            _print(empty)
            return
        shown = [c for c in columns if not c.only_data]
        cells = [[c.text_of(row) for c in shown] for row in rows]
        widths = [
            max(text_width(t) for t in (c.heading, *column))
            for c, column in zip(shown, zip(*cells, strict=True), strict=True)
        ]
        if is_terminal(sys.stdout):
            widths = _fitted(widths, shown, terminal_width())
        _print(_line([c.heading for c in shown], shown, widths, style="bold"))
        for row in cells:
            _print(_line(row, shown, widths))

    def object(self, values: Mapping[str, Any], *, schema: str, text: str | None = None) -> None:
        """Write the text, or names and values below each other."""
        del schema
        if text is not None:
            _print(text)
            return
        width = max(map(len, values), default=0)
        for name, value in values.items():
            _print(f"{name.replace('_', ' '):<{width}}  {printable(_text(value))}".rstrip())

    def text(self, line: str = "") -> None:
        """Write the line."""
        _print(line)


class JsonOutput(Output):
    """One JSON document."""

    format = "json"

    def table(
        self,
        rows: Iterable[Any],
        columns: Sequence[Column],
        *,
        schema: str,
        empty: str = "",
        summary: Mapping[str, Any] | None = None,
    ) -> None:
        """Write ``{"schema": …, (summary) …, "items": […]}``, as the rows come: there may be a million."""
        del empty
        before, _, after = _json({"schema": schema, **(summary or {}), "items": []}, indent=2).rpartition("[]")
        separator = "["
        for row in rows:
            item = _json({c.name: value_of(row, c.name) for c in columns}, indent=2)
            sys.stdout.write(f"{before}{separator}\n{indent(item, '    ')}")
            before, separator = "", ","
        _print(f"{before}[]{after}" if before else f"\n  ]{after}")

    def object(self, values: Mapping[str, Any], *, schema: str, text: str | None = None) -> None:
        """Write the object with its schema."""
        del text
        _print(_json({"schema": schema, **values}, indent=2))


class JsonLinesOutput(Output):
    """One JSON object per line."""

    format = "jsonl"

    def table(
        self,
        rows: Iterable[Any],
        columns: Sequence[Column],
        *,
        schema: str,
        empty: str = "",
        summary: Mapping[str, Any] | None = None,
    ) -> None:
        """Write a line for each row, as the rows come."""
        del schema, empty, summary
        for row in rows:
            _print(_json({c.name: value_of(row, c.name) for c in columns}))

    def object(self, values: Mapping[str, Any], *, schema: str, text: str | None = None) -> None:
        """Write the object with its schema."""
        del text
        _print(_json({"schema": schema, **values}))

    def event(self, values: Mapping[str, Any]) -> None:
        """Write the event at once."""
        _print(_json(values), flush=True)


class CsvOutput(Output):
    """A header and rows (RFC 4180, but with line feeds)."""

    format = "csv"

    def table(
        self,
        rows: Iterable[Any],
        columns: Sequence[Column],
        *,
        schema: str,
        empty: str = "",
        summary: Mapping[str, Any] | None = None,
    ) -> None:
        """Write the column names, then a record for each row."""
        del schema, empty, summary
        _print_record([c.name for c in columns])
        for row in rows:
            _print_record([_csv_cell(value_of(row, c.name)) for c in columns])

    def object(self, values: Mapping[str, Any], *, schema: str, text: str | None = None) -> None:
        """Write the names and one record."""
        del schema, text
        _print_record(list(values))
        _print_record([_csv_cell(value) for value in values.values()])


def value_of(row: object, name: str) -> Any:  # noqa: ANN401  # a field may be anything
    """A field of a mapping or an object."""
    return row.get(name) if isinstance(row, Mapping) else getattr(row, name)


def _line(cells: Sequence[str], columns: Sequence[Column], widths: Sequence[int], style: str | None = None) -> str:
    parts = []
    for cell, column, width in zip(cells, columns, widths, strict=True):
        text = shortened(cell, width, keep=column.shorten or "start")
        padding = " " * (width - text_width(text))
        shown = styled(text, STATE_COLOURS.get(cell) if column.is_state and style is None else style, sys.stdout)
        parts.append(padding + shown if column.align == "right" else shown + padding)
    return _GAP.join(parts).rstrip()


def _fitted(widths: list[int], columns: Sequence[Column], available: int) -> list[int]:
    """The widths, those of columns that may be cut made smaller until the table fits, the widest first."""
    widths = list(widths)
    excess = sum(widths) + len(_GAP) * (len(widths) - 1) - available
    flexible = [i for i, c in enumerate(columns) if c.shorten is not None]
    while excess > 0 and flexible:
        widest = max(flexible, key=lambda i: widths[i])
        if widths[widest] <= _LEAST_WIDTH:
            break
        widths[widest] -= 1
        excess -= 1
    return widths


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return format_time(value)
    if isinstance(value, int) and not isinstance(value, Enum):
        return format_count(value)
    plain = plain_value(value)
    return plain if isinstance(plain, str) else _json(plain)


def plain_value(value: object) -> object:
    """A value as JSON has it: decimals and times as text, so that nothing is lost.

    Raises:
        TypeError: there is no JSON form for it.
    """
    if isinstance(value, Enum):
        return value.value
    if value is None or isinstance(value, (str, int, float, list, tuple, dict)):
        return value
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    if isinstance(value, (Decimal, PurePath)):
        return str(value)
    if isinstance(value, bytes):
        return value.decode("utf-8", "backslashreplace")
    if dataclasses.is_dataclass(value):
        return {f.name: getattr(value, f.name) for f in dataclasses.fields(value)}
    message = f"{type(value).__name__} has no JSON form"
    raise TypeError(message)


def _json(value: object, *, indent: int | None = None) -> str:
    return json.dumps(value, default=plain_value, ensure_ascii=False, indent=indent)


def _csv_cell(value: object) -> object:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    plain = plain_value(value)
    return _json(plain) if isinstance(plain, (dict, list, tuple)) else plain


def _print_record(cells: Sequence[Any]) -> None:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerow(cells)
    sys.stdout.write(buffer.getvalue())


def _print(line: str, *, flush: bool = False) -> None:
    print(line, flush=flush)  # noqa: T201
