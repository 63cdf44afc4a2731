"""What a file holds: trades, or something else that looks like them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

import polars as pl

from trade_ingest.contract.types import Kind
from trade_ingest.infer.columns import FoundColumn
from trade_ingest.infer.header import snake_name
from trade_ingest.infer.roles import Roles
from trade_ingest.infer.shapes import NumericColumns
from trade_ingest.infer.vocabulary import Role


class FileKind(StrEnum):
    """What the rows of a file are."""

    TRADES = "trades"
    ORDER_EVENTS = "order events"
    BARS = "bars"
    QUOTES = "quotes"
    SUMMARIES = "summaries"
    STATEMENT = "account statement"
    UNKNOWN = "rows of an unknown kind"


@dataclass(frozen=True, slots=True)
class FoundKind:
    """What the rows of a file are, and why; ``names`` of its columns, where it is a known layout without a header."""

    kind: FileKind
    reason: str
    names: tuple[str, ...] = ()


_ORDER_WORDS = re.compile(
    r"(?:order[ _-]?)?(?:placement|placed|new[ _]?order|add(?:ed)?|insert(?:ed)?|submit(?:ted)?|modif(?:y|ied)|"
    r"amend(?:ed)?|replaced?|cancel/replace|deleted?|cancel(?:led|ed)?|open|done|received|expired)(?:[ _]order)?",
    re.IGNORECASE,
)
_EVENT_NAMES = re.compile(
    r"action|event(_?type)?|type|(update|msg|message|order_event|order)_?(type|action|status)?|status|ord_status"
)
_LEVEL = re.compile(
    r"(?:bid|ask|offer|buy|sell)s?_?(?:px|price|sz|size|qty|amount|volume)?_?\d+.*|.*(?:bids?|asks?)_\d+_.*"
)
_TOTALS = re.compile(
    r".*(total|count|notional|open_interest|settle|turnover|number_of_trades|trades|first|prev|change).*"
)
_MOVEMENTS = re.compile(
    r".*\b(?:deposit|withdraw\w*|dividend\w*|interest|staking|custody|cash\s+\w+|transfer|fees?|reward\w*|commission|tax|storting|"
    r"onttrekking|rente|bonifico|cedola|provento|coupon|einzahlung|auszahlung|zinsen|ausschüttung|gebühr|überboeking|"
    r"overboeking|dep[oó]sito|retirada|dividendo|sweep|airdrop|distribution|send|receive)\b.*",
    re.IGNORECASE,
)
_MOVEMENT_NAMES = re.compile(
    r".*(?:type|tipo|action|operation|operazione|transaction|transact|mutatie|event|omschrijving|category|kind|descri|art|"
    r"vorgang|remark|mouvement|movimiento).*"
)
_FEW_WORDS = 120
_LEAST_MOVEMENTS = 0.12  # of the rows


def find_kind(columns: Sequence[FoundColumn], cells: pl.DataFrame, roles: Roles, numbers: NumericColumns) -> FoundKind:
    """What the rows are, by the columns and their values.

    Args:
        columns: of the file.
        cells: its cells as text.
        roles: of the columns.
        numbers: the numeric columns.
    """
    for found in (
        _book(columns, numbers),
        _order_events(columns, cells, roles),
        _bars(columns, cells, roles),
        _quotes(roles),
        _statement(columns, cells),
        _trades(columns, roles),
    ):
        if found is not None:
            return found
    return FoundKind(FileKind.UNKNOWN, "no column is a time, a price and a quantity")


def _names(columns: Sequence[FoundColumn]) -> Iterator[tuple[str, FoundColumn]]:
    return ((snake_name(column.header or ""), column) for column in columns)


def _book(columns: Sequence[FoundColumn], numbers: NumericColumns) -> FoundKind | None:
    levels = [name for name, _ in _names(columns) if _LEVEL.fullmatch(name)]
    if len(levels) >= 4:  # noqa: PLR2004  # a price and a size on each side
        return FoundKind(
            FileKind.ORDER_EVENTS, f"an order book: {len(levels)} columns are of its levels, such as {levels[0]}"
        )
    if columns[0].header is None and len(columns) >= 8 and all(column.is_number for column in columns):  # noqa: PLR2004
        places = [(i, i + 2) for i in range(1, len(columns) - 2, 4)]
        if all(numbers.is_quote(bid, ask) or numbers.is_quote(ask, bid) for bid, ask in places[:2]):
            return FoundKind(
                FileKind.ORDER_EVENTS, "an order book: prices and sizes of several levels, bids beside asks"
            )
    return None


def _order_events(columns: Sequence[FoundColumn], cells: pl.DataFrame, roles: Roles) -> FoundKind | None:
    names = dict(_names(columns))
    if "is_snapshot" in names:
        return FoundKind(FileKind.ORDER_EVENTS, "changes of an order book: there is a column is_snapshot")
    for name, column in names.items():
        if not _EVENT_NAMES.fullmatch(name) or column.distinct > _FEW_WORDS:
            continue
        words = [str(word).strip() for word in cells.get_column(column.cell_name).drop_nulls().unique()]
        found = sorted(word for word in words if _ORDER_WORDS.fullmatch(word))
        if name == "action" and set(words) <= set("ACMTFRN") and set(words) & set("ACM"):
            found = sorted(words)
        if found and (len(found) > 1 or not roles.has(Role.PRICE, Role.QUANTITY)):
            what = ", ".join(found[:4])
            more = (
                "; trades are among them"
                if any(re.search("trade|fill|exec|^T$", word, re.IGNORECASE) for word in words)
                else ""
            )
            return FoundKind(FileKind.ORDER_EVENTS, f"column {column.label} says what happened to orders: {what}{more}")
    return _lobster(columns, roles) if columns[0].header is None else None


def _lobster(columns: Sequence[FoundColumn], roles: Roles) -> FoundKind | None:
    """Messages of orders without a header: time of day, type, order, size, price, direction."""
    if roles.since_midnight is None or len(columns) not in range(6, 9):
        return None
    types = next((c for c in columns[1:] if c.kind == Kind.INTEGER and c.values and c.distinct > 1), None)
    if types is None or not {value for value, _ in types.values} <= set("1234567"):
        return None
    if not any({value for value, _ in column.values} == {"1", "-1"} for column in columns):
        return None
    counts = dict(types.values)
    executed = sum(count for value, count in counts.items() if value in "456")
    if executed == types.filled:
        return None
    return FoundKind(
        FileKind.ORDER_EVENTS,
        f"messages of orders as LOBSTER's: {types.label} has the types {', '.join(sorted(counts))}; only 4, 5 and 6 are"
        f" executions, {executed:,} of {types.filled:,} rows",
        ("time", "event_type", "order_id", "size", "price", "direction"),
    )


def _bars(columns: Sequence[FoundColumn], cells: pl.DataFrame, roles: Roles) -> FoundKind | None:
    ends = [role for role in (Role.OPEN, Role.CLOSE) if roles.has(role)]
    names = [name for name, _ in _names(columns)]
    has_last = any(name in {"last", "last_price"} for name in names)
    if not roles.has(Role.HIGH, Role.LOW) or not (ends or has_last):
        return None
    which = ", ".join(c.label for role in (Role.OPEN, Role.HIGH, Role.LOW, Role.CLOSE) if (c := roles.get(role)))
    if _is_of_days(cells, roles) and any(_TOTALS.fullmatch(name) for name in names):
        return FoundKind(FileKind.SUMMARIES, f"one row for each product and day, with {which} and totals")
    return FoundKind(FileKind.BARS, f"each row spans an interval: {which}")


def _is_of_days(cells: pl.DataFrame, roles: Roles) -> bool:
    """Whether there are several rows for a day, and none has a time of day."""
    if roles.has(Role.TIME) or roles.has(Role.CLOCK):
        return False
    day = roles.get(Role.DATE)
    days = 1 if day is None else max(cells.get_column(day.cell_name).n_unique(), 1)
    return cells.height / days > 1


def _quotes(roles: Roles) -> FoundKind | None:
    if roles.has(Role.BID, Role.ASK) and not roles.has(Role.PRICE, Role.QUANTITY):
        bid, ask = roles.columns[Role.BID], roles.columns[Role.ASK]
        return FoundKind(
            FileKind.QUOTES, f"{bid.label} is the bid and {ask.label} the ask, and there is no traded price"
        )
    return None


def _statement(columns: Sequence[FoundColumn], cells: pl.DataFrame) -> FoundKind | None:
    for column in columns:
        name = snake_name(column.header or "")
        if (
            column.kind != Kind.TEXT
            or column.is_empty
            or column.distinct > _FEW_WORDS
            or not _MOVEMENT_NAMES.fullmatch(name)
        ):
            continue
        counts = cells.get_column(column.cell_name).drop_nulls().alias("word").value_counts(name="count")
        found = [(str(word), int(count)) for word, count in counts.rows() if _MOVEMENTS.match(str(word))]
        rows = sum(count for _, count in found)
        if rows >= max(_LEAST_MOVEMENTS * column.rows, 2) or (rows and column.rows < 10):  # noqa: PLR2004
            words = ", ".join(word[:30] for word, _ in sorted(found, key=lambda item: -item[1])[:3])
            return FoundKind(
                FileKind.STATEMENT, f"{rows:,} of {column.rows:,} rows are no trades by {column.label}: {words}"
            )
    return None


def _trades(columns: Sequence[FoundColumn], roles: Roles) -> FoundKind | None:
    when = roles.get(Role.TIME) or roles.get(Role.DATE) or roles.get(Role.CLOCK)
    words = {Role.PRICE: "price", Role.QUANTITY: "quantity", Role.SIDE: "side", Role.TRADE_ID: "trade id"}
    found = [f"{words[role]} {column.label}" for role in words if (column := roles.get(role))]
    if when is not None and (roles.has(Role.PRICE, Role.QUANTITY) or (roles.has(Role.QUANTITY) and len(found) > 1)):
        return FoundKind(FileKind.TRADES, f"time {when.label}, {', '.join(found)}")
    says_trade = next((column for name, column in _names(columns) if "trade" in name and column.filled), None)
    if says_trade is not None and (when is not None or found):
        return FoundKind(FileKind.TRADES, f"deals, by the name of {says_trade.label}")
    return None
