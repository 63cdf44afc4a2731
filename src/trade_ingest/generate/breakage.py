"""Ways to break a row, each of which the parser is known to reject for the contract at hand."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import cast

import numpy as np

from trade_ingest.contract.model import Column, Contract, FileFormat
from trade_ingest.contract.types import Kind
from trade_ingest.contract.values import parse_bound
from trade_ingest.generate.cells import Decimals, decimal_cells, integer_cells, time_cells
from trade_ingest.generate.columns import MOST_DIGITS, null_token
from trade_ingest.generate.draws import Draws, Integers
from trade_ingest.generate.judge import BAD_BYTE, Judge, has_bad_bytes
from trade_ingest.generate.moments import DAY, SECOND, as_microseconds
from trade_ingest.generate.records import join_record

Cells = list[str | None]

_WRONG_TYPE = {
    Kind.INTEGER: "12x",
    Kind.DECIMAL: "1..2",
    Kind.BOOLEAN: "perhaps",
    Kind.DATE: "31 February",
    Kind.TIMESTAMP: "2024-02-30 25:61:00",
    Kind.UUID: "550e8400-e29b-41d4-a716",
    Kind.ENUM: "UNHEARD_OF",
    Kind.JSON: '{"leg":',
}
_LONG_AGO = -4_000_000_000 * SECOND  # 1843: event times before 1900 are rejected


@dataclass(frozen=True, slots=True)
class Breakage:
    """One way to break a record; ``apply`` makes the broken record from the cells of a good one."""

    name: str
    apply: Callable[[Cells], str]


class Breakages:
    """The ways to break the rows of a contract that the parser rejects, and nothing but the row itself.

    Args:
        contract: the contract.
        columns: the column of each field of a record; None for a field that the contract passes over.
        samples: the cells of two good rows, for trying.
        judge: the parser's verdict.
        seed: which row is broken in which way.
    """

    def __init__(
        self, contract: Contract, columns: Sequence[Column | None], samples: list[Cells], judge: Judge, seed: int
    ) -> None:
        self._by_name: dict[str, list[Breakage]] = {}
        for breakage in _proven(list(_candidates(contract, columns)), samples, contract.format, judge):
            self._by_name.setdefault(breakage.name, []).append(breakage)
        self._names = sorted(self._by_name)
        self._which = Draws(seed, "breakage")
        self._where = Draws(seed, "breakage", "where")

    @property
    def names(self) -> list[str]:
        """The kinds of breakage that the contract allows for."""
        return self._names

    def records(self, index: Integers, rows: list[Cells]) -> list[str]:
        """A broken record for each row."""
        names = self._which.below(index, len(self._names))
        numbers = self._where.below(index, 1 << 31)
        broken = []
        for name, number, cells in zip(names.tolist(), numbers.tolist(), rows, strict=True):
            choices = self._by_name[self._names[name]]
            broken.append(choices[number % len(choices)].apply(cells))
        return broken


def _proven(candidates: list[Breakage], samples: list[Cells], file_format: FileFormat, judge: Judge) -> list[Breakage]:
    """The breakages that the parser rejects in each sample, and that leave the rows around them alone."""
    good = join_record(samples[0], file_format)
    records = [good]
    for breakage in candidates:
        for cells in samples:
            records += [breakage.apply(cells), good]
    rejects = judge.rejects(records)
    rejected = {reject.row_number - 1 for reject in rejects or ()}
    if rejects is None or any(row % 2 == 0 for row in rejected):
        if len(candidates) == 1:
            return []
        half = len(candidates) // 2  # one of them harms its neighbours: find it
        parts = (candidates[:half], candidates[half:])
        return [proven for part in parts for proven in _proven(part, samples, file_format, judge)]
    rows = [range(1 + 2 * i * len(samples), 1 + 2 * (i + 1) * len(samples), 2) for i in range(len(candidates))]
    return [breakage for breakage, own in zip(candidates, rows, strict=True) if rejected.issuperset(own)]


def _candidates(contract: Contract, columns: Sequence[Column | None]) -> Iterator[Breakage]:
    file_format = contract.format
    yield from _record_breakages(file_format)
    for i, column in enumerate(columns):
        if column is None:
            continue
        for name, cell in _cell_breakages(column, contract):
            yield Breakage(name, _replacing(i, cell, file_format))
        if column.value_type.kind == Kind.TEXT:
            yield Breakage("nul_byte", _replacing(i, "N\0L", file_format))
            if has_bad_bytes(file_format.encoding):
                yield Breakage("bad_encoding", _replacing(i, f"caf{BAD_BYTE}", file_format))
            if file_format.quote is not None:
                yield Breakage("stray_quote", _stray_quote(i, file_format))


def _record_breakages(file_format: FileFormat) -> Iterator[Breakage]:
    delimiter = file_format.delimiter
    yield Breakage("surplus_field", lambda cells: join_record(cells, file_format) + f"{delimiter}surplus")
    yield Breakage("missing_field", lambda cells: join_record(cells[:-1], file_format))
    yield Breakage("nul_byte", lambda cells: join_record([*cells[:-1], f"{cells[-1] or ''}\0"], file_format))
    if has_bad_bytes(file_format.encoding):
        yield Breakage(
            "bad_encoding", lambda cells: join_record([f"{cells[0] or ''}{BAD_BYTE}", *cells[1:]], file_format)
        )


def _replacing(position: int, cell: str | None, file_format: FileFormat) -> Callable[[Cells], str]:
    return lambda cells: join_record([*cells[:position], cell, *cells[position + 1 :]], file_format)


def _stray_quote(position: int, file_format: FileFormat) -> Callable[[Cells], str]:
    # a quote inside an unquoted cell costs its own line only; at the start of a cell it would open a quoted one
    marker = "\ue0fe"
    place = _replacing(position, f"stray{marker}quote", file_format)
    return lambda cells: place(cells).replace(marker, str(file_format.quote))


def _cell_breakages(column: Column, contract: Contract) -> Iterator[tuple[str, str | None]]:
    kind = column.value_type.kind
    if kind in _WRONG_TYPE:
        yield ("bad_timestamp" if kind == Kind.TIMESTAMP else "wrong_type"), _WRONG_TYPE[kind]
    if column.required and (token := null_token(column, contract)) is not None:
        yield "missing_value", token
    if column.check == "iso4217":
        yield "bad_currency", "XQX"
    elif column.check is not None:
        yield "bad_code", "0000000000"
    if column.regex is not None:
        yield "bad_pattern", "?!"
    if column.max_length is not None:
        yield "too_long", "x" * (column.max_length + 1)
    for cell in _out_of_range(column, contract):
        yield "out_of_range", cell


def _out_of_range(column: Column, contract: Contract) -> Iterator[str]:
    kind, file_format = column.value_type, contract.format
    if kind.kind == Kind.INTEGER:
        yield "9" * 20
    if kind.kind == Kind.DECIMAL:
        yield "9" * (kind.precision - kind.scale + 1)
    if kind.kind == Kind.TIMESTAMP and column.name == contract.event_time and column.epoch is None:
        yield time_cells(np.array([_LONG_AGO], np.int64), column)[0]
    for bound, step in ((column.min, -1), (column.greater_than, -1), (column.max, 1), (column.less_than, 1)):
        if bound is not None and kind.kind in {Kind.INTEGER, Kind.DECIMAL, Kind.TIMESTAMP}:
            yield from _beyond(column, bound, step, file_format)


def _beyond(column: Column, bound: str | int | Decimal, step: int, file_format: FileFormat) -> Iterator[str]:
    limit = parse_bound(column, bound)
    if column.value_type.kind == Kind.TIMESTAMP:
        yield time_cells(np.array([as_microseconds(cast("datetime", limit)) + step * DAY], np.int64), column)[0]
        return
    beyond = int(cast("Decimal", limit)) + step
    if abs(beyond) < 10**MOST_DIGITS:
        number = np.array([beyond], np.int64)
        is_whole = column.value_type.kind == Kind.INTEGER or not column.value_type.scale
        yield (
            integer_cells(number, file_format) if is_whole else decimal_cells(Decimals(number * 100, 2), file_format)
        )[0]
