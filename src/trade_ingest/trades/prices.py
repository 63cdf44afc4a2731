"""What was traded at which price: a line for each symbol, and bars over time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, LiteralString

from psycopg import sql
from psycopg.rows import class_row

from trade_ingest.errors import UsageError
from trade_ingest.trades.window import Window, within_time

if TYPE_CHECKING:
    import psycopg

    from trade_ingest.trades.target import TradeTarget

    Connection = psycopg.Connection[Any]

INTERVALS: Final = {
    "1s": 1, "5s": 5, "15s": 15, "1m": 60, "5m": 300, "15m": 900, "1h": 3600, "4h": 14400, "1d": 86400, "1w": 604800,
}  # fmt: skip
"""What an interval may be, in seconds."""

MOST_BARS: Final = 2_000
MOST_SYMBOLS: Final = 500

_WANTED_BARS = 150  # where no interval is asked for: as many as a screen shows
_ORIGIN = datetime(2000, 1, 3, tzinfo=UTC)  # a Monday: bars of a week begin on one


@dataclass(frozen=True, slots=True)
class SymbolPrices:
    """What a span has of one symbol.

    Attributes:
        symbol: the symbol; None where the target has no column for it.
        trades: how many; of a trade with several versions the latest counts.
        volume: the sum of the quantities; None where the target has none.
        last_price: the price of the last trade; None where the target has none.
        last_at: when that was.
        file_id: the file that it came from.
        row_number: its place in the file.
    """

    symbol: str | None
    trades: int
    volume: Decimal | None
    last_price: Decimal | None
    last_at: datetime
    file_id: int
    row_number: int


@dataclass(frozen=True, slots=True)
class Bar:
    """The trades of one interval that begins at ``at``."""

    at: datetime
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal | None
    trades: int


@dataclass(frozen=True, slots=True)
class Bars:
    """The bars of a span that have trades, by time, and their interval."""

    interval: str
    bars: list[Bar]


# the greatest array is that of the last trade: no sorting of all rows, only one pass
_SYMBOLS_SQL: LiteralString = """
SELECT symbol, trades, volume, last[4] AS last_price, at AS last_at, last[2]::bigint AS file_id,
    last[3]::bigint AS row_number
FROM (
    SELECT symbol, count(*) AS trades, sum(quantity) AS volume, max(at) AS at, max({place}) AS last
    FROM ({trades}) AS trade GROUP BY symbol
) AS traded
ORDER BY trades DESC, symbol
LIMIT %s
"""

_BARS_SQL: LiteralString = """
SELECT begin AS at, first[4] AS open, high, low, last[4] AS close, volume, trades
FROM (
    SELECT date_bin(%s, at, %s) AS begin, min({place}) AS first, max(price) AS high, min(price) AS low,
        max({place}) AS last, sum(quantity) AS volume, count(*) AS trades
    FROM ({trades}) AS trade WHERE price IS NOT NULL AND symbol IS NOT DISTINCT FROM %s GROUP BY begin
) AS bar
ORDER BY begin
LIMIT %s
"""

_PLACE = sql.SQL("ARRAY[extract(epoch FROM at), file_id, row_number, price]")


def list_symbols(connection: Connection, window: Window) -> list[SymbolPrices]:
    """The symbols of a span, the most traded first; at most ``MOST_SYMBOLS``.

    Raises:
        DatabaseUnavailableError: PostgreSQL takes longer than it may.
    """
    query = sql.SQL(_SYMBOLS_SQL).format(place=_PLACE, trades=_trades(window))
    with within_time(window.target), connection.cursor(row_factory=class_row(SymbolPrices)) as cursor:
        return cursor.execute(query, [MOST_SYMBOLS]).fetchall()


def list_bars(connection: Connection, window: Window, *, symbol: str | None, interval: str | None = None) -> Bars:
    """The bars of a symbol in a span.

    Args:
        connection: to a database with a ledger.
        window: the span.
        symbol: the symbol, as `list_symbols` spells it; None for a target without symbols.
        interval: one of ``INTERVALS``; None: the shortest that gives about 150 bars at most.

    Raises:
        UsageError: the target has no price, or the span has more than ``MOST_BARS`` intervals.
        DatabaseUnavailableError: PostgreSQL takes longer than it may.
    """
    target = window.target
    if target.price is None:
        message = f"{target.name} has no column that is known as the price"
        raise UsageError(message, hint=f"it has: {', '.join(column.name for column in target.columns)}")
    chosen = interval or _fitting(window.seconds, _WANTED_BARS)
    if window.seconds / INTERVALS[chosen] > MOST_BARS:
        message = f"the span has more than {MOST_BARS} intervals of {chosen}"
        raise UsageError(message, hint=f"take {_fitting(window.seconds, MOST_BARS)}, or a shorter span")
    query = sql.SQL(_BARS_SQL).format(place=_PLACE, trades=_trades(window))
    width = timedelta(seconds=INTERVALS[chosen])
    with within_time(window.target), connection.cursor(row_factory=class_row(Bar)) as cursor:
        return Bars(chosen, cursor.execute(query, [width, _ORIGIN, symbol, MOST_BARS + 1]).fetchall())


def _fitting(seconds: float, most: int) -> str:
    return next((name for name, length in INTERVALS.items() if seconds / length <= most), "1w")


def _trades(window: Window) -> sql.Composed:
    """The rows of a span; of a trade with several versions the latest."""
    target = window.target
    rows = sql.SQL(
        "SELECT {latest}{symbol} AS symbol, {time} AS at, {price} AS price, {quantity} AS quantity, file_id, row_number"
        " FROM {table} WHERE {condition}{order}"
    )
    by = sql.SQL(", ").join(map(sql.Identifier, target.identity))
    latest: sql.Composable = sql.SQL("")
    order: sql.Composable = sql.SQL("")
    if target.version is not None:
        latest = sql.SQL("DISTINCT ON ({}) ").format(by)
        order = sql.SQL(" ORDER BY {}, {} DESC, file_id DESC, row_number DESC").format(
            by, sql.Identifier(target.version)
        )
    return rows.format(
        latest=latest,
        symbol=symbol_of(target),
        time=sql.Identifier(target.event_time),
        price=_number(target.price),
        quantity=_number(target.quantity),
        table=window.table,
        condition=window.condition,
        order=order,
    )


def _number(column: str | None) -> sql.Composable:
    return sql.SQL("NULL::numeric") if column is None else sql.SQL("{}::numeric").format(sql.Identifier(column))


def symbol_of(target: TradeTarget) -> sql.Composable:
    """SQL for the symbol of a row: a column, or a pair of currencies as ``EUR/USD``."""
    if not target.symbol:
        return sql.SQL("NULL::text")
    return sql.SQL(" || '/' || ").join(map(sql.Identifier, target.symbol))
