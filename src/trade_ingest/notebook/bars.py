"""Prices over time as bars: first, highest, lowest and last price of each interval."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from trade_ingest.errors import UsageError

if TYPE_CHECKING:
    import polars as pl

_INTERVALS = {
    "1s": 1, "5s": 5, "15s": 15, "1m": 60, "5m": 300, "15m": 900, "1h": 3600, "4h": 14400, "1d": 86400, "1w": 604800,
}  # fmt: skip
"""What an interval may be, in seconds; the names are those of Polars."""


@dataclass(frozen=True, slots=True)
class Bar:
    """The rows of one interval that begins at ``at`` (UTC); prices as floats, for drawing only."""

    at: datetime
    first: float
    high: float
    low: float
    last: float
    volume: float
    rows: int


@dataclass(frozen=True, slots=True)
class Bars:
    """The bars that have rows, by time, and their interval."""

    bars: tuple[Bar, ...]
    interval: str
    seconds: int

    @property
    def rows(self) -> int:
        """All rows."""
        return sum(bar.rows for bar in self.bars)


def price_bars(
    rows: Any,  # noqa: ANN401  # a table of any library
    *,
    time: str,
    price: str,
    quantity: str | None,
    interval: str | None,
    most: int,
) -> Bars:
    """Bars of rows; those without a time or a price are left out.

    Args:
        rows: a Polars, pandas, Arrow or Spark table, or what Polars makes one of.
        time: the column of the time.
        price: the column of the price.
        quantity: the column of what was traded; None: volumes are 0.
        interval: one of ``1s 5s 15s 1m 5m 15m 1h 4h 1d 1w``; None: the shortest that gives at most ``most`` bars.
        most: see ``interval``.

    Raises:
        UsageError: there is no such column or interval, or the times are none.
    """
    import polars as pl

    table = _table(rows)
    for name in filter(None, (time, price, quantity)):
        if name not in table.columns:
            raise UsageError(f"the rows have no column {name}", hint=f"they have: {', '.join(table.columns)}")
    if interval is not None and interval not in _INTERVALS:
        raise UsageError(f"{interval!r} is no interval", hint=f"take one of {' '.join(_INTERVALS)}")
    volume = pl.col(quantity).cast(pl.Float64) if quantity else pl.lit(0.0)
    drawn = table.select(at=_utc(table, time), price=pl.col(price).cast(pl.Float64), volume=volume)
    drawn = drawn.drop_nulls(["at", "price"]).sort("at", maintain_order=True)
    chosen = interval or _interval_of(drawn, most)
    grouped = drawn.group_by_dynamic("at", every=chosen).agg(
        first=pl.col("price").first(),
        high=pl.col("price").max(),
        low=pl.col("price").min(),
        last=pl.col("price").last(),
        volume=pl.col("volume").sum(),
        rows=pl.len(),
    )
    return Bars(tuple(Bar(**bar) for bar in grouped.iter_rows(named=True)), chosen, _INTERVALS[chosen])


def _table(rows: Any) -> pl.DataFrame:  # noqa: ANN401
    import polars as pl

    if hasattr(rows, "sparkSession"):
        # toArrow came with Spark 4
        rows = rows.toArrow() if hasattr(rows, "toArrow") else rows.toPandas()
    return rows if isinstance(rows, pl.DataFrame) else pl.DataFrame(rows)


def _utc(table: pl.DataFrame, name: str) -> pl.Expr:
    """A column of dates or times as instants in UTC; times without a zone are taken to be in UTC."""
    import polars as pl

    kind = table.schema[name]
    if not isinstance(kind, pl.Datetime | pl.Date):
        raise UsageError(f"column {name} is {kind}, expected a time")
    moments = pl.col(name).cast(pl.Datetime("us", kind.time_zone if isinstance(kind, pl.Datetime) else None))
    has_zone = isinstance(kind, pl.Datetime) and kind.time_zone is not None
    return moments.dt.convert_time_zone("UTC") if has_zone else moments.dt.replace_time_zone("UTC")


def _interval_of(drawn: pl.DataFrame, most: int) -> str:
    if drawn.is_empty():
        return "1d"
    first, last = drawn["at"][0], drawn["at"][-1]
    seconds = (last - first).total_seconds()
    return next((name for name, length in _INTERVALS.items() if seconds / length <= most), "1w")
