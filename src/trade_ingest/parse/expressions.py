"""The values of a contract's expressions, where some rows make them fail."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import polars as pl

_PIECES = 16


@dataclass(frozen=True, slots=True)
class Evaluated:
    """What an expression gives.

    Attributes:
        values: one per row; NULL where the row makes the expression fail.
        failures: the indexes of these rows, ascending, each with why.
    """

    values: pl.Series
    failures: Mapping[int, str] = field(default_factory=dict)


def evaluate(rows: pl.DataFrame, expression: pl.Expr, dtype: pl.DataType) -> Evaluated:
    """Evaluate an expression that looks at nothing beyond its own row; a row that makes it fail costs no other row.

    Args:
        rows: the columns that it may name.
        expression: gives one value per row, or one for all.
        dtype: the type of its values.
    """
    try:
        values = rows.select(expression).to_series()
    except pl.exceptions.PolarsError as exc:
        if rows.height > 1:
            return _in_pieces(rows, expression, dtype)
        why = dict.fromkeys(range(rows.height), str(exc).strip().partition("\n")[0])
        return Evaluated(pl.Series([None] * rows.height, dtype=dtype), why)
    if len(values) != rows.height:  # an expression without columns
        values = values.new_from_index(0, rows.height)
    return Evaluated(values)


def _in_pieces(rows: pl.DataFrame, expression: pl.Expr, dtype: pl.DataType) -> Evaluated:
    """Pieces of pieces, down to the rows that fail, which are few: 100,000 rows one by one take 2 s."""
    size = -(-rows.height // _PIECES)
    starts = range(0, rows.height, size)
    parts = [evaluate(rows.slice(start, size), expression, dtype) for start in starts]
    failures = {start + i: why for start, part in zip(starts, parts, strict=True) for i, why in part.failures.items()}
    return Evaluated(pl.concat([part.values for part in parts], rechunk=True), failures)
