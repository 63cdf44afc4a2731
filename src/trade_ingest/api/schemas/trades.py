"""Trades: targets, symbols, bars, rows, histories."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from trade_ingest.api.schemas.base import Answer, Id, Moment, PageQuery, Request, Text
from trade_ingest.trades.prices import MOST_BARS, MOST_SYMBOLS
from trade_ingest.trades.rows import as_text

Interval = Literal["1s", "5s", "15s", "1m", "5m", "15m", "1h", "4h", "1d", "1w"]


def _digits(value: Any) -> Any:  # noqa: ANN401  # a number of the database, or none
    return as_text(value)


DecimalText = Annotated[str, BeforeValidator(_digits)]
"""A number with all of its digits, and no zeros at its end."""


class TargetColumn(Answer):
    """A column of a target."""

    name: str
    sql_type: str = Field(description="As PostgreSQL spells it.")
    description: str


class TradeTarget(Answer):
    """A target, and the parts that its columns play."""

    target: str = Field(description="`schema.table`.")
    contract: str = Field(description="The contract that it was last loaded by.")
    columns: list[TargetColumn]
    key: list[str] = Field(description="No two rows share these; empty: a row is its file and its number in it.")
    event_time: str
    symbol: list[str] = Field(description="What was traded; two for a pair of currencies; empty: not known.")
    price: str | None
    quantity: str | None
    identity: list[str] = Field(description="What the versions of a trade share; empty: each row stands for itself.")
    version: str | None = Field(description="Orders the versions of a trade; null: a trade has one.")
    last_event_at: datetime | None = Field(description="Of its loaded files, or of the 20,000 newest if it has more.")


class TradeTargets(Answer):
    """All targets whose tables are there."""

    items: list[TradeTarget]


class _Span:
    """Which rows of a target are read."""

    target: str
    event_from: datetime | None
    event_to: datetime | None
    file_id: int | None

    @property
    def span(self) -> dict[str, Any]:
        """As `find_window` takes it."""
        return {"event_from": self.event_from, "event_to": self.event_to, "file_id": self.file_id}


_TARGET = Field(description="`schema.table`.")
_FROM = Field(None, description="This event time and later; else the last day before `event_to`.")
_TO = Field(None, description="Before this event time; else until the end of the last UTC day that has events.")
_FILE = Field(None, description="Only rows of this file, by default all of them; also of one that was replaced.")


class SymbolsQuery(_Span, Request):
    """Of which rows."""

    target: Text = _TARGET
    event_from: Moment | None = _FROM
    event_to: Moment | None = _TO
    file_id: Id | None = _FILE


class SymbolPrices(Answer):
    """What a span has of one symbol."""

    symbol: str | None = Field(description="Null where the target has no column for it.")
    trades: int = Field(description="Of a trade with several versions the latest counts.")
    volume: DecimalText | None = Field(description="The sum of the quantities, as decimal text.")
    last_price: DecimalText | None = Field(description="The price of the last trade, as decimal text.")
    last_at: datetime
    file_id: int = Field(description="Where the last trade came from.")
    row_number: int


class TradedSymbols(Answer):
    """The symbols of a span, the most traded first."""

    event_from: datetime | None = Field(description="The span that was read; null: the target has no rows.")
    event_to: datetime | None
    items: list[SymbolPrices] = Field(description=f"At most {MOST_SYMBOLS}.")


class BarsQuery(_Span, Request):
    """Of which rows, and how long a bar is."""

    target: Text = _TARGET
    symbol: Text | None = Field(None, description="As `/trades/symbols` spells it; none for a target without symbols.")
    interval: Interval | None = Field(None, description="None: the shortest that gives about 150 bars at most.")
    event_from: Moment | None = _FROM
    event_to: Moment | None = _TO
    file_id: Id | None = _FILE


class Bar(Answer):
    """The trades of one interval that begins at `at`; numbers as decimal text."""

    at: datetime
    open: DecimalText
    high: DecimalText
    low: DecimalText
    close: DecimalText
    volume: DecimalText | None
    trades: int


class Bars(Answer):
    """The intervals that have trades, by time."""

    event_from: datetime | None
    event_to: datetime | None
    interval: Interval
    items: list[Bar] = Field(description=f"At most {MOST_BARS}.")


class TradeRowsQuery(_Span, PageQuery):
    """Which rows are listed."""

    target: Text = _TARGET
    symbol: Text | None = Field(None, description="Only rows of this symbol.")
    event_from: Moment | None = _FROM
    event_to: Moment | None = _TO
    file_id: Id | None = _FILE


class TradeRow(Answer):
    """A row, and where it came from."""

    file_id: int
    row_number: int = Field(description="Its 1-based ordinal in the file.")
    uri: str
    file_state: str = Field(description="`replaced`: the row is kept beside the target.")
    run_id: int | None = Field(description="The run that loaded the file.")
    event_at: datetime
    symbol: str | None
    values: dict[str, str | None] = Field(description="Each column as text; null: NULL.")


class TradeRowPage(Answer):
    """Some rows of a span, the latest event first."""

    items: list[TradeRow]
    next_cursor: str | None


class HistoryQuery(Request):
    """Of which trade: that of a row, or all with a key."""

    target: Text = _TARGET
    key: Text | None = Field(None, description="The value of the first key column, such as a trade id.")
    file_id: Id | None = Field(None, description="With `row_number`: a row of the trade.")
    row_number: Id | None = Field(None, description="With `file_id`.")


class TradeVersion(Answer):
    """A row of a trade."""

    row: TradeRow
    is_current: bool = Field(description="It is what holds now.")
    is_replaced: bool = Field(description="Its file was replaced; the row is kept beside the target.")
    changed: list[str] = Field(description="The columns that differ from the version before it.")


class TradeHistory(Answer):
    """The versions of a trade, in order."""

    identity: list[str]
    versions: list[TradeVersion] = Field(description="At most 200.")
    is_complete: bool = Field(description="Whether these are all, also of replaced files.")
