"""Cells of one column: text to values.

Conversion is exact. A cell either has one value that equals its text, or it fails with a code; nothing is rounded,
truncated, padded or turned into NULL. A whole column is converted at once; the slow diagnosis of single cells runs only
when the column's result shows that some cell failed.
"""

from __future__ import annotations

import json
import operator
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Context, Decimal, InvalidOperation, localcontext
from typing import Any, NoReturn

import polars as pl

from trade_ingest.contract.checks import invalid_values
from trade_ingest.contract.model import Column, FileFormat
from trade_ingest.contract.timeformat import ISO_DATE, TimeShape, iso_shapes, shape_of
from trade_ingest.contract.types import MAX_PRECISION, Kind, ValueType
from trade_ingest.contract.values import parse_bound
from trade_ingest.parse.epochs import FIRST_MICROSECOND, LAST_MICROSECOND, read_epochs
from trade_ingest.parse.reject import ReasonCode
from trade_ingest.parse.times import parse_equal_width
from trade_ingest.parse.zones import to_utc

UUID_REGEX = r"^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$"
_INTEGER = r"^[+-]?[0-9]+$"
_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?")
_JSON_NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")
_JSON_EXPONENT = 16_000  # PostgreSQL's numeric has 131,072 digits before the point and 16,383 after it
_EXACT = Context(prec=1000)
_NANOSECOND_RANGE = 9_223_372_036_854_775  # microseconds whose nanoseconds fit a bigint
_UTC_MICROSECONDS = pl.Datetime("us", "UTC")

Failure = tuple[str, pl.Series]
"""A reject code and the cells it applies to: booleans, never NULL, one per row."""


@dataclass(slots=True)
class Converted:
    """A column's values and what went wrong with them.

    Attributes:
        values: one per row; NULL where the cell is NULL or failed.
        nanoseconds: epoch nanoseconds of a timestamp with a nanosecond companion.
        failures: codes with the rows they apply to; empty when all cells are good.
    """

    values: pl.Series
    nanoseconds: pl.Series | None = None
    failures: list[Failure] = field(default_factory=list)


def convert(cells: pl.Series, column: Column, file_format: FileFormat) -> Converted:
    """Convert the cells of a column.

    Args:
        cells: text, NULL for an unquoted empty cell.
        column: the column of the contract.
        file_format: the contract's format.

    Returns:
        Values of the column's type, checked against all its rules.
    """
    if column.remove is not None:
        cells = cells.str.replace_all(column.remove, "")
    text = _with_nulls(cells, column, file_format)
    kind = column.value_type.kind
    converted = _CONVERTERS[kind](text, column, file_format)
    if column.required and text.null_count():
        converted.failures.append((ReasonCode.NULL_VALUE, text.is_null()))
    _check_bounds(converted, column)
    if kind in {Kind.TEXT, Kind.ENUM}:
        _check_text(converted, column)
    return converted


def _with_nulls(cells: pl.Series, column: Column, file_format: FileFormat) -> pl.Series:
    tokens = file_format.null_tokens if column.null_tokens is None else column.null_tokens
    if file_format.trim:
        trimmed = cells.str.strip_chars(" \t")
        became_empty = (trimmed.str.len_bytes() == 0) & (cells.str.len_bytes() > 0)
        cells = _only(trimmed, ~became_empty) if became_empty.any() else trimmed
    keeps_empty_text = column.value_type.kind == Kind.TEXT
    if "" not in tokens:
        cells = cells.fill_null("")
    # a quoted empty cell is an empty text, but no number, time or code
    nulls = [t for t in tokens if t or not keeps_empty_text]
    if not nulls:
        return cells
    if nulls == [""]:
        if cells.str.len_bytes().min() != 0:
            return cells
        is_null = cells == ""
    else:
        is_null = cells.is_in(nulls)
    return pl.select(pl.when(is_null).then(None).otherwise(cells)).to_series()


def _fail(converted: Converted, code: str, mask: pl.Series) -> None:
    mask = mask.fill_null(value=False)
    if mask.any():
        converted.failures.append((code, mask))


def _is_new_null(values: pl.Series, text: pl.Series) -> pl.Series | None:
    """Where a cell has text but no value; None when that is nowhere."""
    if values.null_count() == text.null_count():
        return None
    return values.is_null() & text.is_not_null()


def _text(text: pl.Series, column: Column, file_format: FileFormat) -> Converted:
    return Converted(text)


def _integer(text: pl.Series, column: Column, file_format: FileFormat) -> Converted:
    text = _without_thousands(text, file_format)
    converted = Converted(text.cast(pl.Int64, strict=False))
    failed = _is_new_null(converted.values, text)
    if failed is not None:
        is_number = text.str.contains(_INTEGER).fill_null(value=False)
        _fail(converted, ReasonCode.INVALID_INTEGER, failed & ~is_number)
        _fail(converted, ReasonCode.INTEGER_OUT_OF_RANGE, failed & is_number)
    return converted


def _decimal(text: pl.Series, column: Column, file_format: FileFormat) -> Converted:
    kind = column.value_type
    text = _without_thousands(text, file_format)
    if file_format.decimal_mark != ".":
        # a point is no decimal mark here: hide it so that it cannot be taken for one
        text = text.str.replace_all(".", "?", literal=True)
        text = text.str.replace_all(file_format.decimal_mark, ".", literal=True)
    is_plain = text.str.contains(decimal_regex(kind.scale)) if column.multiply_by is None else _never(text)
    dtype = pl.Decimal(kind.precision, kind.scale)
    if is_plain.all():
        converted = Converted(text.cast(dtype, strict=False))
        failed = _is_new_null(converted.values, text)
        if failed is not None:
            _fail(converted, ReasonCode.PRECISION_EXCEEDED, failed)
        return converted
    # longer fractions, exponents and errors: rare, so each distinct cell is read on its own
    odd = text.filter(~is_plain.fill_null(value=True)).unique().to_list()
    read = {cell: _read_decimal(cell, column) for cell in odd}
    as_text = {cell: value for cell, (value, _) in read.items()}
    values = text.replace_strict(list(as_text), list(as_text.values()), default=text, return_dtype=pl.String)
    converted = Converted(values.cast(dtype, strict=False))
    by_code: dict[str, list[str]] = {}
    for cell, (_, code) in read.items():
        if code:
            by_code.setdefault(code, []).append(cell)
    for code, cells in by_code.items():
        _fail(converted, code, text.is_in(cells))
    _fail(converted, ReasonCode.PRECISION_EXCEEDED, converted.values.is_null() & is_plain)
    return converted


def _never(text: pl.Series) -> pl.Series:
    """False for each cell that is not NULL."""
    return text.is_null() & text.str.contains("^$")


def decimal_regex(scale: int) -> str:
    """Numbers without exponent and with at most ``scale`` decimals: what Polars reads exactly."""
    if not scale:
        return r"^[+-]?[0-9]+\.?$"
    return rf"^[+-]?(?:[0-9]+(?:\.[0-9]{{0,{scale}}})?|\.[0-9]{{1,{scale}}})$"


def _read_decimal(cell: str, column: Column) -> tuple[str | None, str]:
    """The cell times the column's factor as plain decimal text, or None and the code of what is wrong with it."""
    precision, scale = column.value_type.precision, column.value_type.scale
    if not _NUMBER.fullmatch(cell):
        return None, ReasonCode.INVALID_DECIMAL
    try:
        value = _EXACT.multiply(Decimal(cell), column.multiply_by or Decimal(1))
    except InvalidOperation:
        return None, ReasonCode.INVALID_DECIMAL
    if column.round and value.adjusted() < precision:
        value = value.quantize(Decimal(1).scaleb(-scale), ROUND_HALF_EVEN, _EXACT)
    _, digits, exponent = value.as_tuple()
    assert isinstance(exponent, int)
    significant = "".join(map(str, digits)).rstrip("0")
    if value and -(exponent + len(digits) - len(significant)) > scale:
        return None, ReasonCode.SCALE_EXCEEDED
    if value and value.adjusted() + 1 > precision - scale:
        return None, ReasonCode.PRECISION_EXCEEDED
    if not value:
        return "0", ""
    plain = f"{value:f}"
    return (plain.rstrip("0") if "." in plain else plain), ""


def _without_thousands(text: pl.Series, file_format: FileFormat) -> pl.Series:
    mark = file_format.thousands_mark
    if mark is None:
        return text
    grouped = rf"^[+-]?[0-9]{{1,3}}(?:{re.escape(mark)}[0-9]{{3}})+(?:{re.escape(file_format.decimal_mark)}[0-9]*)?$"
    is_grouped = text.str.contains(grouped).fill_null(value=False)
    if not is_grouped.any():
        return text
    plain = text.str.replace_all(mark, "", literal=True)
    return pl.select(pl.when(is_grouped).then(plain).otherwise(text)).to_series()


def _boolean(text: pl.Series, column: Column, file_format: FileFormat) -> Converted:
    is_true, is_false = text.is_in(list(column.true_tokens)), text.is_in(list(column.false_tokens))
    values = pl.select(pl.when(is_true).then(True).when(is_false).then(False)).to_series()  # noqa: FBT003
    converted = Converted(values)
    failed = _is_new_null(values, text)
    if failed is not None:
        _fail(converted, ReasonCode.INVALID_BOOLEAN, failed)
    return converted


def _enum(text: pl.Series, column: Column, file_format: FileFormat) -> Converted:
    if isinstance(column.values, dict):
        values = text.replace_strict(
            list(column.values), list(column.values.values()), default=None, return_dtype=pl.String
        )
        failed = _is_new_null(values, text)
    else:
        values = text
        is_bad = ~text.is_in(list(column.values))
        failed = is_bad if is_bad.any() else None
    converted = Converted(values)
    if failed is not None:
        _fail(converted, ReasonCode.NOT_IN_VALUES, failed)
    return converted


def _uuid(text: pl.Series, column: Column, file_format: FileFormat) -> Converted:
    converted = Converted(text.str.to_lowercase())
    _fail(converted, ReasonCode.INVALID_UUID, ~text.str.contains(UUID_REGEX))
    return converted


def _json(text: pl.Series, column: Column, file_format: FileFormat) -> Converted:
    bad = [cell for cell in text.drop_nulls().unique() if not _is_jsonb(cell)]
    converted = Converted(text)
    if bad:
        _fail(converted, ReasonCode.INVALID_JSON, text.is_in(bad))
    return converted


def _is_jsonb(cell: str) -> bool:
    """Whether it is JSON that a jsonb can hold: no NUL, no half of a surrogate pair, no number beyond ``numeric``."""
    try:
        value = json.loads(cell, parse_constant=_refuse_number, parse_float=_check_number)
        json.dumps(value, ensure_ascii=False, default=str).encode()  # half of a surrogate pair has no encoding
    except (ValueError, RecursionError):
        return False
    return not _JSON_NUL.search(cell)


def _check_number(text: str) -> Decimal:
    value = Decimal(text)
    if abs(value.adjusted()) > _JSON_EXPONENT:
        _refuse_number(text)
    return value


def _refuse_number(text: str) -> NoReturn:
    raise ValueError(text)


def _date(text: pl.Series, column: Column, file_format: FileFormat) -> Converted:
    shape = ISO_DATE if column.format in {None, "iso"} else shape_of(str(column.format))
    has_shape = text.str.contains(shape.regex)
    shaped = text if has_shape.all() else _only(text, has_shape)
    converted = Converted(shaped.str.to_date(shape.polars_format, strict=False))
    failed = _is_new_null(converted.values, text)
    if failed is not None:
        _fail(converted, ReasonCode.INVALID_DATE, failed)
    return converted


def _only(text: pl.Series, mask: pl.Series) -> pl.Series:
    return pl.select(pl.when(mask).then(text)).to_series()


def _timestamp(text: pl.Series, column: Column, file_format: FileFormat) -> Converted:
    if column.epoch is not None:
        return _epoch(text, column)
    if column.since_midnight is not None:
        return _since_midnight(text, column)
    has_offset = column.zone is None
    read = parse_equal_width(text, column.format, with_offset=has_offset)
    if read is not None:
        return _from_equal_width(*read, column, has_offset=has_offset)
    shapes = _shapes(column)
    local: pl.Series | None = None
    for shape in shapes:
        wanted = text if local is None else _only(text, local.is_null())
        has_shape = wanted.str.contains(shape.regex)
        part = wanted if has_shape.all() and wanted.null_count() == text.null_count() else _only(wanted, has_shape)
        parsed = _parse_shape(part, shape)
        local = parsed if local is None else pl.select(pl.coalesce(local, parsed)).to_series()
        if local.null_count() == text.null_count():
            break
    assert local is not None
    converted = Converted(local)
    failed = _is_new_null(local, text)
    if failed is not None:
        _fail(converted, ReasonCode.INVALID_TIMESTAMP, failed)
    if not shapes[0].has_offset and column.zone is not None:
        _apply_zone(converted, column.zone)
    else:
        _refuse_outside_years(converted)
    if column.nanoseconds or _may_exceed_microseconds(text, shapes):
        _apply_below(converted, column, _below_microseconds(text, shapes))
    return converted


def _from_equal_width(
    microseconds: pl.Series, below: pl.Series | None, column: Column, *, has_offset: bool
) -> Converted:
    converted = Converted(microseconds.cast(_UTC_MICROSECONDS if has_offset else pl.Datetime("us")))
    if not has_offset and column.zone is not None:
        _apply_zone(converted, column.zone)
    if below is not None or column.nanoseconds:
        none = pl.zeros(len(microseconds), pl.Int64, eager=True)
        _apply_below(converted, column, none if below is None else below)
    return converted


def _shapes(column: Column) -> list[TimeShape]:
    if column.format in {None, "iso"}:
        return list(iso_shapes(has_offset=column.zone is None))
    return [shape_of(str(column.format))]


def _parse_shape(text: pl.Series, shape: TimeShape) -> pl.Series:
    if shape.has_offset:
        return text.str.to_datetime(shape.polars_format, time_unit="us", time_zone="UTC", strict=False)
    if not shape.has_time:
        return text.str.to_date(shape.polars_format, strict=False).cast(pl.Datetime("us"))
    return text.str.to_datetime(shape.polars_format, time_unit="us", strict=False)


def _apply_zone(converted: Converted, zone: str) -> None:
    converted.values, is_ambiguous, is_nonexistent = to_utc(converted.values, zone)
    _fail(converted, ReasonCode.NONEXISTENT_TIME, is_nonexistent)
    _fail(converted, ReasonCode.AMBIGUOUS_TIME, is_ambiguous)
    _refuse_outside_years(converted)


def _refuse_outside_years(converted: Converted) -> None:
    """Fail the moments that are not, in UTC, in the years 1 to 9999."""
    microseconds = converted.values.dt.epoch("us")
    is_out = (microseconds > LAST_MICROSECOND) | (microseconds < FIRST_MICROSECOND)
    if is_out.any():
        _fail(converted, ReasonCode.TIMESTAMP_OUT_OF_RANGE, is_out)
        converted.values = _only(converted.values, ~is_out)


def _apply_below(converted: Converted, column: Column, below: pl.Series) -> None:
    """Keep, or refuse, the nanoseconds below the microseconds that a timestamp holds."""
    if not column.nanoseconds:
        _fail(converted, ReasonCode.TIMESTAMP_TOO_PRECISE, (below != 0) & converted.values.is_not_null())
        return
    microseconds = converted.values.dt.epoch("us")
    is_in_range = (microseconds > -_NANOSECOND_RANGE) & (microseconds < _NANOSECOND_RANGE)
    converted.nanoseconds = pl.select(pl.when(is_in_range).then(microseconds * 1000 + below)).to_series()
    _fail(converted, ReasonCode.TIMESTAMP_OUT_OF_RANGE, ~is_in_range)


def _may_exceed_microseconds(text: pl.Series, shapes: list[TimeShape]) -> bool:
    if any(shape.fraction == "dot" for shape in shapes):
        return bool(text.str.contains(r"\.[0-9]{7}").any())
    return any(shape.fraction == "fixed" for shape in shapes)


def _below_microseconds(text: pl.Series, shapes: list[TimeShape]) -> pl.Series:
    """The seventh to ninth digit of the fraction of a second, as a number; 0 where there are none."""
    digits = pl.Series([None], dtype=pl.String).new_from_index(0, len(text))
    for shape in shapes:
        if shape.fraction != "none":
            digits = pl.select(pl.coalesce(digits, text.str.extract(shape.regex, 1))).to_series()
    return digits.str.pad_end(9, "0").str.slice(6, 3).cast(pl.Int64).fill_null(0)


def _epoch(text: pl.Series, column: Column) -> Converted:
    read = read_epochs(text, str(column.epoch))
    is_good = ~(read.is_invalid | read.is_out_of_range | read.is_too_precise)
    microseconds = read.microseconds if is_good.all() else _only(read.microseconds, is_good)
    converted = Converted(microseconds.cast(_UTC_MICROSECONDS))
    _fail(converted, ReasonCode.INVALID_TIMESTAMP, read.is_invalid)
    _fail(converted, ReasonCode.TIMESTAMP_OUT_OF_RANGE, read.is_out_of_range)
    _fail(converted, ReasonCode.TIMESTAMP_TOO_PRECISE, read.is_too_precise)
    _apply_below(converted, column, read.below)
    return converted


_DAY_MICROSECONDS = 86_400_000_000


def _since_midnight(text: pl.Series, column: Column) -> Converted:
    """A date, a blank, and the time that a clock of the zone shows, as a number since midnight."""
    parts = text.str.extract_groups(r"^(.*) ([^ ]+)$").struct.unnest()
    shape = ISO_DATE if column.format in {None, "iso"} else shape_of(str(column.format))
    days = _only(parts.to_series(0), parts.to_series(0).str.contains(shape.regex))
    midnight = days.str.to_date(shape.polars_format, strict=False).cast(pl.Datetime("us")).dt.epoch("us")
    read = read_epochs(parts.to_series(1), str(column.since_midnight))
    is_time = read.microseconds.is_between(0, _DAY_MICROSECONDS, closed="left") & ~read.is_invalid
    is_good = is_time.fill_null(value=False) & midnight.is_not_null() & ~read.is_too_precise
    local = _only(midnight + read.microseconds, is_good).cast(pl.Datetime("us"))
    converted = Converted(local)
    _fail(converted, ReasonCode.TIMESTAMP_TOO_PRECISE, read.is_too_precise)
    _fail(converted, ReasonCode.INVALID_TIMESTAMP, text.is_not_null() & ~is_good & ~read.is_too_precise)
    _apply_zone(converted, str(column.zone))
    _apply_below(converted, column, read.below)
    return converted


def _check_bounds(converted: Converted, column: Column) -> None:
    values = converted.values
    bounds = (
        (column.min, operator.lt, "min", ROUND_CEILING, ReasonCode.BELOW_MIN),
        (column.greater_than, operator.le, "min", ROUND_FLOOR, ReasonCode.BELOW_MIN),
        (column.max, operator.gt, "max", ROUND_FLOOR, ReasonCode.ABOVE_MAX),
        (column.less_than, operator.ge, "max", ROUND_CEILING, ReasonCode.ABOVE_MAX),
    )
    for bound, breaks, extreme, rounding, code in bounds:
        if bound is None:
            continue
        limit: Any = parse_bound(column, bound)
        worst = getattr(values, extreme)()
        if worst is not None and breaks(worst, limit):
            if isinstance(limit, Decimal):
                limit = _to_scale(limit, column.value_type, rounding)
            elif isinstance(limit, int):
                limit = min(max(limit, -(2**63)), 2**63 - 1)
            _fail(converted, code, pl.select(breaks(pl.lit(values), pl.lit(limit).cast(values.dtype))).to_series())


def _to_scale(bound: Decimal, kind: ValueType, rounding: str) -> Decimal:
    """A limit with the column's scale that tells the column's values apart as the bound does."""
    with localcontext(prec=2 * MAX_PRECISION):
        unit = Decimal(1).scaleb(-kind.scale)
        beyond = Decimal(10) ** (kind.precision - kind.scale)
        return min(max(bound, unit - beyond), beyond - unit).quantize(unit, rounding=rounding)


def _check_text(converted: Converted, column: Column) -> None:
    text = converted.values
    if column.max_length is not None:
        _fail(converted, ReasonCode.TOO_LONG, text.str.len_chars() > column.max_length)
    if column.regex is not None:
        _fail(converted, ReasonCode.REGEX_MISMATCH, ~text.str.contains(rf"^(?:{column.regex})$"))
    if column.check is not None:
        bad = invalid_values(column.check, text.drop_nulls().unique().to_list())
        if bad:
            _fail(converted, ReasonCode.FAILED_CHECK, text.is_in(list(bad)))


_CONVERTERS: dict[Kind, Callable[[pl.Series, Column, FileFormat], Converted]] = {
    Kind.TEXT: _text,
    Kind.INTEGER: _integer,
    Kind.DECIMAL: _decimal,
    Kind.BOOLEAN: _boolean,
    Kind.ENUM: _enum,
    Kind.UUID: _uuid,
    Kind.JSON: _json,
    Kind.DATE: _date,
    Kind.TIMESTAMP: _timestamp,
}
