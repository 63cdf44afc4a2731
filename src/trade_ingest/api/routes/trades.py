"""What landed: the rows of a target by symbol, as bars, one by one, and one trade's history."""

from __future__ import annotations

from typing import Any

from apiflask import APIBlueprint
from flask import Response

from trade_ingest.api.access import Scope, needs
from trade_ingest.api.connections import ledger
from trade_ingest.api.paging import reply_page
from trade_ingest.api.replies import reply
from trade_ingest.api.schemas.trades import (
    Bars,
    BarsQuery,
    HistoryQuery,
    SymbolsQuery,
    TradedSymbols,
    TradeHistory,
    TradeRowPage,
    TradeRowsQuery,
    TradeTargets,
)
from trade_ingest.errors import RequestInvalidError
from trade_ingest.trades.history import history_of_key, history_of_row
from trade_ingest.trades.prices import list_bars, list_symbols
from trade_ingest.trades.rows import page_rows
from trade_ingest.trades.target import TradeTarget, get_target, list_targets
from trade_ingest.trades.window import find_window, last_event_at

blueprint = APIBlueprint("trades", __name__, url_prefix="/api/v1/trades", tag="Trades")


@blueprint.get("/targets")
@blueprint.output(TradeTargets)
@needs(Scope.READ)
def list_trade_targets() -> Response:
    """List the targets, and which of their columns are symbol, price, quantity and event time."""
    return reply(TradeTargets, {"items": [_described(target) for target in list_targets(ledger())]})


def _described(target: TradeTarget) -> dict[str, Any]:
    names = ("contract", "columns", "key", "event_time", "symbol", "price", "quantity", "identity", "version")
    values = {name: getattr(target, name) for name in names}
    return values | {"target": target.name, "last_event_at": last_event_at(ledger(), target)}


@blueprint.get("/symbols")
@blueprint.input(SymbolsQuery, location="query")
@blueprint.output(TradedSymbols)
@needs(Scope.READ)
def list_traded_symbols(query_data: SymbolsQuery) -> Response:
    """List the latest price and the volume of each symbol in a span, by default on the last day that has events."""
    window = find_window(ledger(), get_target(ledger(), query_data.target), **query_data.span)
    values = {"event_from": window.event_from, "event_to": window.event_to}
    return reply(TradedSymbols, values | {"items": list_symbols(ledger(), window)})


@blueprint.get("/bars")
@blueprint.input(BarsQuery, location="query")
@blueprint.output(Bars)
@needs(Scope.READ)
def list_price_bars(query_data: BarsQuery) -> Response:
    """List first, highest, lowest and last price and the volume of a symbol in each interval of a span."""
    window = find_window(ledger(), get_target(ledger(), query_data.target), **query_data.span)
    bars = list_bars(ledger(), window, symbol=query_data.symbol, interval=query_data.interval)
    values = {"event_from": window.event_from, "event_to": window.event_to}
    return reply(Bars, values | {"interval": bars.interval, "items": bars.bars})


@blueprint.get("/rows")
@blueprint.input(TradeRowsQuery, location="query")
@blueprint.output(TradeRowPage)
@needs(Scope.READ)
def list_trade_rows(query_data: TradeRowsQuery) -> Response:
    """List rows with all their values, their file and their run, the latest event first."""
    window = find_window(ledger(), get_target(ledger(), query_data.target), **query_data.span)
    symbol, limit = query_data.symbol, query_data.limit
    return reply_page(
        TradeRowPage, query_data, lambda after: page_rows(ledger(), window, symbol=symbol, after=after, limit=limit)
    )


@blueprint.get("/history")
@blueprint.input(HistoryQuery, location="query")
@blueprint.output(TradeHistory)
@needs(Scope.READ)
def show_trade_history(query_data: HistoryQuery) -> Response:
    """Show all versions of a trade, also those of files that were replaced: of one row's, or all with a key."""
    target = get_target(ledger(), query_data.target)
    key, file_id, row_number = query_data.key, query_data.file_id, query_data.row_number
    if key is not None and file_id is None and row_number is None:
        return reply(TradeHistory, history_of_key(ledger(), target, key))
    if key is None and file_id is not None and row_number is not None:
        return reply(TradeHistory, history_of_row(ledger(), target, file_id=file_id, row_number=row_number))
    message = "a history is that of a key, or that of a row"
    raise RequestInvalidError(message, hint="give key, or file_id and row_number")
