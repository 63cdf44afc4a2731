"""Values as the cells that mean them in a contract's files."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import polars as pl
import pyarrow as pa

from trade_ingest.contract.model import Column, FileFormat
from trade_ingest.errors import GenerateError
from trade_ingest.generate.draws import Integers
from trade_ingest.generate.moments import to_local

_MICROSECONDS_SINCE = 1_735_689_600_000_000  # 2025-01-01: from then on feeds with `epoch: auto` count microseconds
_ZERO_OFFSETS = {"%z": "+0000", "%:z": "+00:00", "%#z": "Z"}
_LEAST_MILLISECONDS = 100_000_000_000  # `epoch: auto` takes smaller numbers for seconds


@dataclass(frozen=True, slots=True)
class Decimals:
    """Numbers with the same count of decimals: ``scaled`` / 10 ** ``scale``."""

    scaled: Integers
    scale: int


def integer_cells(values: Integers, file_format: FileFormat) -> pl.Series:
    """Whole numbers."""
    return _with_marks(pl.Series(values).cast(pl.String), file_format)


def decimal_cells(values: Decimals, file_format: FileFormat) -> pl.Series:
    """Decimal numbers, all their decimals written."""
    words = np.empty((len(values.scaled), 2), np.int64)  # 128 bits, little-endian
    words[:, 0] = values.scaled
    words[:, 1] = values.scaled >> 63
    numbers = pa.Array.from_buffers(
        pa.decimal128(38, values.scale), len(words), [None, pa.py_buffer(words.astype("<i8", copy=False))]
    )
    cells = pl.from_arrow(numbers)
    assert isinstance(cells, pl.Series)
    return _with_marks(cells.cast(pl.String), file_format)


def _with_marks(plain: pl.Series, file_format: FileFormat) -> pl.Series:
    mark = file_format.thousands_mark
    if mark is not None and (mark != file_format.delimiter or file_format.quote is not None):
        parts = plain.str.split_exact(".", 1).struct.unnest()
        whole, fraction = parts.to_series(0), parts.to_series(1)
        backwards = whole.str.reverse().str.replace_all("([0-9]{3})", f"${{1}}{mark.replace('$', '$$')}")
        whole = backwards.str.strip_suffix(mark).str.reverse().str.replace(rf"^-{re.escape(mark)}", "-")
        point = pl.when(fraction.is_null()).then(pl.lit("")).otherwise(pl.lit(file_format.decimal_mark))
        return pl.select(pl.concat_str(whole, point, fraction.fill_null(""))).to_series()
    if file_format.decimal_mark != ".":
        return plain.str.replace(".", file_format.decimal_mark, literal=True)
    return plain


def date_cells(days: Integers, column: Column) -> pl.Series:
    """Days since 1970 in the column's format."""
    pattern = "%Y-%m-%d" if column.format in {None, "iso"} else str(column.format)
    return pl.Series(days).cast(pl.Int32).cast(pl.Date).dt.to_string(pattern)


def time_cells(instants: Integers, column: Column, nanoseconds: Integers | None = None) -> pl.Series:
    """Instants in the column's format and zone, cut to the precision that the format has.

    Local times that clocks skip or show twice are moved to the next hour.

    Args:
        instants: microseconds since 1970.
        column: the timestamp column.
        nanoseconds: 0 to 999 for each instant; written where the column keeps nanoseconds.

    Raises:
        GenerateError: ``epoch: auto`` would mistake such an early time.
    """
    if column.epoch is not None:
        return _epoch_cells(instants, column, nanoseconds)
    if column.format in {None, "iso"}:
        fraction = "%.9f" if column.nanoseconds else "%.3f"
        pattern = f"%Y-%m-%d %H:%M:%S{fraction}" if column.zone else f"%Y-%m-%dT%H:%M:%S{fraction}%#z"
    else:
        pattern = str(column.format)
    local = to_local(instants, column.zone or "UTC")
    if column.nanoseconds and nanoseconds is not None:
        local = (local.cast(pl.Datetime("ns")).cast(pl.Int64) + pl.Series(nanoseconds)).cast(pl.Datetime("ns"))
    # the formatter wants a zone for an offset, and not for %#z; an instant in UTC has the offset zero
    return local.dt.to_string(re.sub("%%|%[:#]?z", lambda match: _ZERO_OFFSETS.get(match[0], match[0]), pattern))


def _epoch_cells(instants: Integers, column: Column, nanoseconds: Integers | None) -> pl.Series:
    if column.epoch == "auto":
        milliseconds = instants // 1000
        if len(milliseconds) and int(milliseconds.min()) < _LEAST_MILLISECONDS:
            hint = "choose a later start date"
            raise GenerateError(f"{column.name}: `epoch: auto` mistakes times before 1973-03-04", hint=hint)
        return pl.Series(np.where(instants < _MICROSECONDS_SINCE, milliseconds, instants)).cast(pl.String)
    if column.epoch == "ns":
        below = nanoseconds if column.nanoseconds and nanoseconds is not None else 0
        return pl.Series(instants * 1000 + below).cast(pl.String)
    return pl.Series(instants // {"s": 1_000_000, "ms": 1000, "us": 1}[str(column.epoch)]).cast(pl.String)
