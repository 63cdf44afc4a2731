"""Legal values for any column of a contract, plausible as far as its name tells what it is."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import cast

import numpy as np
import polars as pl

from trade_ingest.contract.model import Column, Contract
from trade_ingest.contract.types import Kind
from trade_ingest.contract.values import parse_bound
from trade_ingest.errors import GenerateError
from trade_ingest.generate.cells import Decimals, date_cells, decimal_cells, integer_cells, time_cells
from trade_ingest.generate.codes import valid_codes
from trade_ingest.generate.draws import MILLION, Draws, Integers
from trade_ingest.generate.market import PriceWalk
from trade_ingest.generate.moments import DAY, HOUR, SECOND, as_microseconds, from_local, midnight
from trade_ingest.generate.pattern import fixed_choices, matching_cells, numbered_cells, parse_pattern
from trade_ingest.generate.records import is_writable
from trade_ingest.generate.schedule import Rows
from trade_ingest.generate.words import words_for

MOST_DIGITS = 18
"""Digits of the largest number that is made; longer ones are legal in many columns but nowhere plausible."""

_LARGEST_TYPICAL = 10**10  # times a factor in millionths, it still fits into 64 bits
_NULL_SHARE = 40_000  # of a million cells of an optional column
_FIRST_NUMBER = 1_000_001  # of ids
_PRICE = re.compile(r"price|rate|bid|ask|offer|\bpx\b|_px|pip")
_NOON_HOURS = 4  # even times begin at four: clocks are changed before


@dataclass(frozen=True, slots=True)
class Moments:
    """When rows happen: microseconds since local midnight, and since 1970 (UTC)."""

    times: Integers
    instants: Integers


CellMaker = Callable[[Rows, Moments], pl.Series]
"""Makes the cells of a column: text, NULL for a cell that means NULL."""


@dataclass(frozen=True, slots=True)
class Setting:
    """What makers need to know besides their column."""

    contract: Contract
    seed: int
    row_count: int
    day_count: int


def cell_maker(column: Column, setting: Setting, *, is_unique: bool) -> CellMaker:
    """A maker of legal cells for a column.

    Args:
        column: a column whose value is a cell of the file.
        setting: the contract, the seed and the size of the set.
        is_unique: no two rows of the set may have the same value.

    Raises:
        GenerateError: there is no legal value, or no way to make one.
    """
    make = (_unique_maker if is_unique else _maker)(column, setting)
    if column.required or is_unique or null_token(column, setting.contract) is None:
        return make
    return _with_nulls(make, Draws(setting.seed, column.name, "null"))


def can_be_unique(column: Column) -> bool:
    """Whether ``cell_maker`` can make the column's values unique, other rules permitting."""
    if column.check is not None:
        return False
    return column.value_type.kind in {Kind.TEXT, Kind.INTEGER, Kind.DECIMAL, Kind.UUID, Kind.TIMESTAMP}


def null_token(column: Column, contract: Contract) -> str | None:
    """How NULL is written in a column; None if it cannot be."""
    tokens = contract.format.null_tokens if column.null_tokens is None else column.null_tokens
    is_alone = len(contract.file_columns) == 1  # an empty line is no row
    return next((token for token in sorted(tokens) if token or not is_alone), None)


def even_times(rows: Rows, resolution: int) -> Integers:
    """Microseconds since midnight at even distances, different for each row of a day.

    Raises:
        GenerateError: the day has more rows than moments.
    """
    step = (DAY - _NOON_HOURS * HOUR) // rows.day.row_count // resolution * resolution
    if not step:
        message = f"{rows.day.row_count:,} rows a day, but their key is a time that cannot tell so many apart"
        raise GenerateError(message, hint="ask for more files, or add a column to the contract's key")
    return _NOON_HOURS * HOUR + rows.places * step


def resolution_of(column: Column) -> int:
    """The microseconds by which two times must differ to be written differently."""
    if column.epoch is not None:
        return {"s": SECOND, "ms": 1000, "auto": 1000}.get(column.epoch, 1)
    if column.format in {None, "iso"}:
        return 1000
    pattern = str(column.format)
    if re.search(r"%\.?[69]f|%\.f", pattern):
        return 1
    return 1000 if "3f" in pattern else SECOND if re.search("%[ST]", pattern) else 60 * SECOND


def _with_nulls(make: CellMaker, draws: Draws) -> CellMaker:
    def make_some(rows: Rows, moments: Moments) -> pl.Series:
        is_null = pl.Series(draws.chance(rows.index, _NULL_SHARE))
        return pl.select(pl.when(~is_null).then(make(rows, moments))).to_series()

    return make_some


def _maker(column: Column, setting: Setting) -> CellMaker:
    kind = column.value_type.kind
    return {
        Kind.TEXT: _text,
        Kind.INTEGER: _number,
        Kind.DECIMAL: _number,
        Kind.BOOLEAN: _boolean,
        Kind.DATE: _date,
        Kind.TIMESTAMP: _timestamp,
        Kind.UUID: _uuid,
        Kind.ENUM: _enum,
        Kind.JSON: _json,
    }[kind](column, setting)


def _unique_maker(column: Column, setting: Setting) -> CellMaker:
    kind = column.value_type.kind
    if kind == Kind.TEXT:
        return _unique_text(column, setting)
    if kind in {Kind.INTEGER, Kind.DECIMAL}:
        return _unique_number(column, setting)
    if kind == Kind.TIMESTAMP:
        return _unique_time(column)
    return _uuid(column, setting)


def _draws(column: Column, setting: Setting, *purpose: str | int) -> Callable[[Rows], Draws]:
    """The stream of a column; a row that is drawn again has another one."""
    return lambda rows: Draws(setting.seed, column.name, *purpose, rows.attempt)


def _one_of(cells: list[str], column: Column, setting: Setting) -> CellMaker:
    table, draws = pl.Series(cells, dtype=pl.String), _draws(column, setting)

    def make(rows: Rows, moments: Moments) -> pl.Series:
        del moments
        # the least of two draws: the first cells are the usual ones, as in life
        first = draws(rows).below(rows.index, len(cells))
        second = Draws(setting.seed, column.name, "second", rows.attempt).below(rows.index, len(cells))
        return table.gather(pl.Series(np.minimum(first, second).astype(np.uint32)))

    return make


def _text(column: Column, setting: Setting) -> CellMaker:
    fits = _Fits(column)
    if column.check is not None:
        cells = valid_codes(column.check, lambda i: Draws(setting.seed, column.name, "code", i))
    else:
        cells = words_for(column.name, setting.contract.format.encoding)
    if legal := [cell for cell in cells if fits(cell) and is_writable(cell, setting.contract.format)]:
        return _one_of(legal, column, setting)
    if column.check is not None:
        raise GenerateError(f"column {column.name!r}: no {column.check} code satisfies its other rules")
    part = parse_pattern(column.regex or f"[A-Z]{{1,{column.max_length or 8}}}")

    def make(rows: Rows, moments: Moments) -> pl.Series:
        del moments
        return matching_cells(part, rows.index, lambda i: _draws(column, setting, i)(rows))

    return make


class _Fits:
    """Whether a text satisfies the regex and the length of a column."""

    def __init__(self, column: Column) -> None:
        self._regex = None if column.regex is None else re.compile(column.regex)
        self._max_length = column.max_length

    def __call__(self, text: str) -> bool:
        if self._max_length is not None and len(text) > self._max_length:
            return False
        return self._regex is None or self._regex.fullmatch(text) is not None


def _unique_text(column: Column, setting: Setting) -> CellMaker:
    if column.regex is not None:
        return _unique_match(column, setting)
    width = max(8, len(str(setting.row_count + _FIRST_NUMBER)))
    prefix = column.name[0].upper()
    if column.max_length is not None:
        prefix = prefix if column.max_length > width else ""
        width = min(width, column.max_length)
    if 10**width <= setting.row_count:
        raise _too_few(column, setting)
    # begins with zeros: ids that look like numbers are text all the same
    return lambda rows, moments: pl.select(  # noqa: ARG005
        pl.concat_str(pl.lit(prefix), pl.lit(pl.Series(rows.index).cast(pl.String).str.zfill(width)))
    ).to_series()


def _unique_match(column: Column, setting: Setting) -> CellMaker:
    places = fixed_choices(parse_pattern(str(column.regex)))
    if places is None:
        message = f"column {column.name!r} identifies rows, but texts for {column.regex!r} cannot be numbered"
        raise GenerateError(message, hint="give the regular expression a fixed length, without alternatives")
    capacity = 1
    for choices in places:
        capacity *= len(choices)
    if capacity < setting.row_count:
        raise _too_few(column, setting)
    return lambda rows, moments: numbered_cells(places, rows.index)  # noqa: ARG005


def _too_few(column: Column, setting: Setting) -> GenerateError:
    message = f"column {column.name!r} identifies rows, but has fewer than {setting.row_count:,} legal values"
    return GenerateError(message, hint="ask for fewer rows")


def _number(column: Column, setting: Setting) -> CellMaker:
    low, high, scale = _range_of(column)
    draws, file_format = _draws(column, setting), setting.contract.format
    typical = (100 if column.value_type.kind == Kind.DECIMAL else 1000) * 10**scale
    is_typical = low < typical < high and typical < _LARGEST_TYPICAL
    if _PRICE.search(column.name) and is_typical:
        return _price(column, setting, low, high, scale)

    def make(rows: Rows, moments: Moments) -> pl.Series:
        del moments
        if is_typical:
            values = typical * draws(rows).lognormal(rows.index, 1200) // MILLION
        else:
            values = low + draws(rows).below(rows.index, high - low + 1)
        values = np.clip(values, low, high)
        return integer_cells(values, file_format) if not scale else decimal_cells(Decimals(values, scale), file_format)

    return make


def _price(column: Column, setting: Setting, low: int, high: int, scale: int) -> CellMaker:
    # one walk for all prices of a contract, so that bid and ask go together
    base = 100 * 10**scale
    walk = PriceWalk(setting.seed, "prices", days=setting.day_count, daily_move=[12_000], noise=50)
    side = 1 if re.search("ask|offer", column.name) else -1 if "bid" in column.name else 0
    spread = _draws(column, setting, "spread")

    def make(rows: Rows, moments: Moments) -> pl.Series:
        factors = walk.factors(rows, np.zeros(len(rows.places), np.int64), moments.times)
        factors += side * spread(rows).below(rows.index, 400)
        values = np.clip(base * factors // MILLION, low, high)
        return decimal_cells(Decimals(values, scale), setting.contract.format)

    return make


def _unique_number(column: Column, setting: Setting) -> CellMaker:
    low, high, scale = _range_of(column)
    first = _FIRST_NUMBER * 10**scale
    if not (low <= first and first + setting.row_count <= high):
        first = low
    if first + setting.row_count - 1 > high:
        raise _too_few(column, setting)
    file_format = setting.contract.format
    return lambda rows, moments: decimal_cells(Decimals(rows.index + first, scale), file_format)  # noqa: ARG005


def _range_of(column: Column) -> tuple[int, int, int]:
    """Least and greatest legal number, scaled, and the decimals to write: few, but enough to have a choice."""
    kind = column.value_type
    most = kind.scale if kind.kind == Kind.DECIMAL else 0
    for scale in range(min(most, 5 if _PRICE.search(column.name) else 2), most + 1):
        low, high = _bounds(column, scale)
        if high - low >= 1000 or (scale == most and low <= high):  # noqa: PLR2004 - a choice worth the name
            return low, high, scale
    raise GenerateError(f"column {column.name!r}: no number of at most {MOST_DIGITS} digits is within its bounds")


def _bounds(column: Column, scale: int) -> tuple[int, int]:
    kind = column.value_type
    digits = MOST_DIGITS
    if kind.kind == Kind.DECIMAL:
        digits = min(MOST_DIGITS, kind.precision - kind.scale + scale)
    low, high = -(10**digits) + 1, 10**digits - 1
    factor = Decimal(10) ** scale

    def scaled(bound: str | int | Decimal, rounding: str) -> int:
        return int((cast("Decimal", parse_bound(column, bound)) * factor).to_integral_value(rounding))

    if column.min is not None:
        low = max(low, scaled(column.min, ROUND_CEILING))
    if column.greater_than is not None:
        low = max(low, scaled(column.greater_than, ROUND_FLOOR) + 1)
    if column.max is not None:
        high = min(high, scaled(column.max, ROUND_FLOOR))
    if column.less_than is not None:
        high = min(high, scaled(column.less_than, ROUND_CEILING) - 1)
    return low, high


def _boolean(column: Column, setting: Setting) -> CellMaker:
    if not (column.true_tokens and column.false_tokens):
        raise GenerateError(f"column {column.name!r} lacks a token for true or false")
    return _one_of([column.true_tokens[0], column.false_tokens[0]], column, setting)


def _enum(column: Column, setting: Setting) -> CellMaker:
    stored = column.values if isinstance(column.values, dict) else {cell: cell for cell in column.values}
    fits = _Fits(column)
    legal = [cell for cell, value in stored.items() if fits(value)]
    # one spelling of each value: `True` and `true` are not mixed in one file
    first = {stored[cell]: cell for cell in reversed(legal)}
    if not first:
        raise GenerateError(f"column {column.name!r}: none of its values satisfies its other rules")
    return _one_of([cell for cell in legal if first[stored[cell]] == cell], column, setting)


def _date(column: Column, setting: Setting) -> CellMaker:
    del setting
    return lambda rows, moments: date_cells(  # noqa: ARG005
        np.full(len(rows.places), midnight(rows.day.date) // DAY), column
    )


def _timestamp(column: Column, setting: Setting) -> CellMaker:
    delay, below = _draws(column, setting), _draws(column, setting, "nanoseconds")
    is_event_time = column.name == setting.contract.event_time

    def make(rows: Rows, moments: Moments) -> pl.Series:
        instants = moments.instants
        if not is_event_time:
            instants = _within_bounds(instants + delay(rows).below(rows.index, 5 * SECOND), column)
        return time_cells(instants, column, below(rows).below(rows.index, 1000))

    return make


def _within_bounds(instants: Integers, column: Column) -> Integers:
    """Instants moved into the column's bounds, as far as the bounds are wide."""

    def limit(bound: str | int | Decimal | None, step: int) -> int | None:
        return None if bound is None else as_microseconds(cast("datetime", parse_bound(column, bound))) + step

    resolution = resolution_of(column)
    for low in (limit(column.min, resolution - 1), limit(column.greater_than, resolution)):
        instants = instants if low is None else np.maximum(instants, low)
    for high in (limit(column.max, 0), limit(column.less_than, -resolution)):
        instants = instants if high is None else np.minimum(instants, high)
    return instants


def _unique_time(column: Column) -> CellMaker:
    def make(rows: Rows, moments: Moments) -> pl.Series:
        del moments
        local = midnight(rows.day.date) + even_times(rows, resolution_of(column))
        return time_cells(from_local(local, column.zone or "UTC"), column)

    return make


def _uuid(column: Column, setting: Setting) -> CellMaker:
    quads = pl.Series([f"{i:04x}" for i in range(1 << 16)])
    streams = [Draws(setting.seed, column.name, "uuid", half) for half in range(2)]

    def make(rows: Rows, moments: Moments) -> pl.Series:
        del moments
        parts = []
        for stream in streams:
            bits = stream.bits(rows.index)
            parts += [(bits >> np.uint64(shift) & np.uint64(0xFFFF)).astype(np.uint32) for shift in (0, 16, 32, 48)]
        parts[3] = parts[3] & np.uint32(0x0FFF) | np.uint32(0x4000)  # version 4
        parts[4] = parts[4] & np.uint32(0x3FFF) | np.uint32(0x8000)  # the variant of RFC 9562
        q = [quads.gather(pl.Series(part)) for part in parts]
        dash = pl.lit("-")
        return pl.select(
            pl.concat_str(q[0], q[1], dash, q[2], dash, q[3], dash, q[4], dash, q[5], q[6], q[7])
        ).to_series()

    return make


def _json(column: Column, setting: Setting) -> CellMaker:
    file_format = setting.contract.format
    candidates = (['{"leg": 1, "tags": ["auto", "block"]}', '{"leg": 2, "tags": []}'], ['{"leg": 1}', "{}"], ["1", "2"])
    for cells in candidates:
        if file_format.quote is not None or not any(file_format.delimiter in cell for cell in cells):
            break
    return _one_of(cells, column, setting)
