"""The columns of a clean block, all at once.

Each column is two expressions: its values, and whether all its cells are good. A block's columns are evaluated
together, in three calls into Polars instead of a dozen for each column. The conditions are stricter than the rules of
``cells.convert``, never looser: a column for which they do not hold is converted there, which tells good cells from
bad.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl

from trade_ingest.contract.checks import currency_codes
from trade_ingest.contract.model import Column, Contract, FileFormat
from trade_ingest.contract.types import Kind, ValueType
from trade_ingest.contract.values import parse_bound
from trade_ingest.parse.cells import UUID_REGEX, decimal_regex
from trade_ingest.parse.times import parse_equal_width

_UTC_MICROSECONDS = pl.Datetime("us", "UTC")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST_MICROSECONDS = 10**14  # epoch numbers from here on are microseconds, those below milliseconds


_prepared: dict[tuple[int, tuple[tuple[str, str], ...]], tuple[Contract, FastColumns]] = {}
_MOST_PREPARED = 64


def fast_columns(contract: Contract, columns: Sequence[tuple[Column, str]]) -> FastColumns:
    """The prepared columns for files of one contract and layout; made once, as that takes as long as 2,000 rows."""
    key = id(contract), tuple((column.name, field) for column, field in columns)
    found = _prepared.get(key)
    if found is not None and found[0] is contract:
        return found[1]
    if len(_prepared) >= _MOST_PREPARED:
        _prepared.clear()
    prepared = FastColumns(columns, contract.format)
    _prepared[key] = contract, prepared
    return prepared


class FastColumns:
    """Evaluates the columns of a file whose type and format allow it."""

    def __init__(self, columns: Iterable[tuple[Column, str]], file_format: FileFormat) -> None:
        """Prepare the expressions.

        Args:
            columns: the columns that are read from the file, each with the name of its field.
            file_format: the contract's format.
        """
        self._values: list[pl.Expr] = []
        self._conditions: list[pl.Expr] = []
        self._times: dict[tuple[str | None, bool], list[_TimeColumn]] = {}
        for column, field in columns:
            if _is_equal_width_time(column, file_format):
                key = column.format, column.zone is None
                self._times.setdefault(key, []).append(_TimeColumn(column.name, field, *_microsecond_bounds(column)))
            elif (value := _value(column, field, file_format)) is not None:
                self._values.append(value.alias(column.name))
                self._conditions.append(_condition(column, field, file_format).alias(column.name))

    def convert(self, cells: pl.DataFrame) -> dict[str, pl.Series]:
        """The columns whose cells are all good, by name; the others are left out."""
        columns: dict[str, pl.Series] = {}
        if self._values and cells.height:
            both = cells.with_columns(self._values)
            good = both.select(self._conditions).row(0, named=True)
            columns = {name: both.get_column(name) for name, is_good in good.items() if is_good}
        for (time_format, with_offset), group in self._times.items():
            columns |= _times(group, cells, time_format, with_offset=with_offset)
        return columns


@dataclass(frozen=True, slots=True)
class _TimeColumn:
    """A column of times, the field that it is read from, and the first and last microsecond that it may have."""

    name: str
    field: str
    first: int | None
    last: int | None


def _is_equal_width_time(column: Column, file_format: FileFormat) -> bool:
    return (
        column.value_type.kind == Kind.TIMESTAMP
        and column.epoch is None
        and column.since_midnight is None
        and column.nanoseconds is None
        and column.remove is None
        and not file_format.trim
        and column.zone in {None, "UTC", "Etc/UTC", "Etc/GMT"}
    )


def _times(
    group: list[_TimeColumn], cells: pl.DataFrame, time_format: str | None, *, with_offset: bool
) -> dict[str, pl.Series]:
    """Columns of one format, read as one; each alone if together they have not one width."""
    together = cells.get_column(group[0].field)
    if len(group) > 1:
        together = pl.concat([cells.get_column(column.field) for column in group])
    read = parse_equal_width(together, time_format, with_offset=with_offset)
    if read is None or (read[1] is not None and read[1].max()):
        if len(group) == 1:
            return {}
        alone = [_times([column], cells, time_format, with_offset=with_offset) for column in group]
        return {name: values for times in alone for name, values in times.items()}
    columns = {}
    for number, column in enumerate(group):
        microseconds = read[0].slice(number * cells.height, cells.height)
        is_late_enough = column.first is None or microseconds.min() >= column.first  # type: ignore[operator]
        is_early_enough = column.last is None or microseconds.max() <= column.last  # type: ignore[operator]
        if is_late_enough and is_early_enough:
            columns[column.name] = microseconds.cast(_UTC_MICROSECONDS)
    return columns


def _microsecond_bounds(column: Column) -> tuple[int | None, int | None]:
    def microseconds(bound: Any) -> int | None:  # noqa: ANN401  # text, as the contract has it
        if bound is None:
            return None
        moment = parse_bound(column, bound)
        assert isinstance(moment, datetime)
        return (moment - _EPOCH) // timedelta(microseconds=1)

    least, above = microseconds(column.min), microseconds(column.greater_than)
    most, below = microseconds(column.max), microseconds(column.less_than)
    firsts = [first for first in (least, None if above is None else above + 1) if first is not None]
    lasts = [last for last in (most, None if below is None else below - 1) if last is not None]
    return max(firsts, default=None), min(lasts, default=None)


def _value(column: Column, field: str, file_format: FileFormat) -> pl.Expr | None:
    """The column's values; None if only ``cells.convert`` can tell them."""
    if (
        file_format.trim
        or column.nanoseconds
        or column.remove
        or column.multiply_by
        or (column.check is not None and column.check != "iso4217")
    ):
        return None
    return _typed(_text(column, field, file_format), column, file_format)


def _text(column: Column, field: str, file_format: FileFormat) -> pl.Expr:
    """The cells, with NULL for the null tokens."""
    text = pl.col(field)
    tokens = file_format.null_tokens if column.null_tokens is None else column.null_tokens
    if "" not in tokens:
        text = text.fill_null("")
    if named := [token for token in tokens if token]:
        text = pl.when(text.is_in(named)).then(None).otherwise(text)
    return text


def _typed(text: pl.Expr, column: Column, file_format: FileFormat) -> pl.Expr | None:
    kind = column.value_type
    if kind.kind in {Kind.INTEGER, Kind.DECIMAL}:
        has_marks = file_format.thousands_mark is not None or file_format.decimal_mark != "."
        return None if has_marks else _number(text, kind)
    if kind.kind in {Kind.TEXT, Kind.ENUM}:
        if not isinstance(column.values, dict):
            return text
        stored = list(column.values.values())
        return text.replace_strict(list(column.values), stored, default=None, return_dtype=pl.String)
    if kind.kind == Kind.BOOLEAN:
        is_true, is_false = text.is_in(list(column.true_tokens)), text.is_in(list(column.false_tokens))
        return pl.when(is_true).then(pl.lit(value=True)).when(is_false).then(pl.lit(value=False))
    if kind.kind == Kind.UUID:
        return pl.when(text.str.contains(UUID_REGEX)).then(text.str.to_lowercase())
    is_plain_epoch = kind.kind == Kind.TIMESTAMP and column.epoch in {"s", "ms", "us", "auto"}
    return _epoch(text.cast(pl.Int64, strict=False), str(column.epoch)) if is_plain_epoch else None


def _number(text: pl.Expr, kind: ValueType) -> pl.Expr:
    if kind.kind == Kind.INTEGER:
        return text.cast(pl.Int64, strict=False)
    return text.cast(pl.Decimal(kind.precision, kind.scale), strict=False)


def _epoch(number: pl.Expr, unit: str) -> pl.Expr:
    if unit == "auto":
        is_milli = number.is_between(10**11, _FIRST_MICROSECONDS - 1)
        is_micro = number.is_between(_FIRST_MICROSECONDS, 10**17 - 1)
        return pl.when(is_micro).then(number).when(is_milli).then(number * 1000).cast(_UTC_MICROSECONDS)
    factor = {"s": 10**6, "ms": 10**3, "us": 1}[unit]
    last = 253_402_300_799 * 10**6 // factor  # year 9999; the first is year 363, long before any trade
    return pl.when(number.is_between(-last // 5, last)).then(number * factor).cast(_UTC_MICROSECONDS)


def _condition(column: Column, field: str, file_format: FileFormat) -> pl.Expr:
    """Whether all values of the column are good, given its values under its name and the cells under the field's."""
    value = pl.col(column.name)
    conditions = [
        value.null_count() == (pl.lit(0) if column.required else _text(column, field, file_format).null_count())
    ]
    kind = column.value_type.kind
    if kind == Kind.DECIMAL:
        conditions.append(_is_exact(_text(column, field, file_format), column.value_type.scale))
    if kind == Kind.ENUM and not isinstance(column.values, dict):
        conditions.append(value.is_in(list(column.values)).all())
    if column.check == "iso4217":
        conditions.append(value.is_in(sorted(currency_codes())).all())
    if column.max_length is not None:
        conditions.append((value.str.len_chars() <= column.max_length).all())
    if column.regex is not None:
        conditions.append(value.str.contains(rf"^(?:{column.regex})$").all())
    conditions.append(_within_bounds(value, column))
    return pl.all_horizontal(conditions)


def _is_exact(text: pl.Expr, scale: int) -> pl.Expr:
    """Whether no cell that Polars takes for a decimal is rounded by it.

    It rounds what has more decimals than the scale, for which a cell of ``scale + 1`` bytes has no room, unless it has
    an exponent. So only longer cells need a look each: a quarter of the time.
    """
    longer = text.filter(text.str.len_bytes() > scale + 1)
    has_exponent = text.str.join("").str.contains("[eE]").any()
    return longer.str.contains(decimal_regex(scale)).all() & ~has_exponent


def _within_bounds(value: pl.Expr, column: Column) -> pl.Expr:
    def limit(bound: Any) -> pl.Expr:  # noqa: ANN401  # text or number, as the contract has it
        value = parse_bound(column, bound)
        return pl.lit(value.astimezone(UTC) if isinstance(value, datetime) else value)

    conditions = [pl.lit(value=True)]
    if column.min is not None:
        conditions.append(value.min() >= limit(column.min))
    if column.greater_than is not None:
        conditions.append(value.min() > limit(column.greater_than))
    if column.max is not None:
        conditions.append(value.max() <= limit(column.max))
    if column.less_than is not None:
        conditions.append(value.max() < limit(column.less_than))
    return pl.all_horizontal([c.fill_null(value=True) for c in conditions])
