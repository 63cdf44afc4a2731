"""Rows of a target a page at a time, each with its file and run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, LiteralString

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from trade_ingest.ledger.pages import Key, Page
from trade_ingest.trades.prices import symbol_of
from trade_ingest.trades.window import Window, within_time

if TYPE_CHECKING:
    from trade_ingest.contract.layout import TargetColumn
    from trade_ingest.trades.target import TradeTarget

    Connection = psycopg.Connection[Any]

_File = tuple[str, str, int | None]

LINEAGE = ("file_id", "row_number")


@dataclass(frozen=True, slots=True)
class TradeRow:
    """A row, and where it came from.

    Attributes:
        file_id: its file.
        row_number: its place in the file, from 1.
        uri: where the file is.
        file_state: its file's state: ``loaded``, or ``replaced`` for a row that is kept beside the target.
        run_id: the run that loaded the file.
        event_at: its event time.
        symbol: its symbol; None where the target has none.
        values: each column as text: numbers without zeros at their end, moments as ISO 8601 in UTC; None: NULL.
    """

    file_id: int
    row_number: int
    uri: str
    file_state: str
    run_id: int | None
    event_at: datetime
    symbol: str | None
    values: Mapping[str, str | None]


_ROWS_SQL: LiteralString = """
SELECT {columns}, {symbol} AS "*symbol", file_id, row_number
FROM {table} WHERE {condition} ORDER BY {order} LIMIT {limit}
"""


def page_rows(
    connection: Connection, window: Window, *, symbol: str | None, after: Key | None, limit: int
) -> Page[Any]:
    """A page of a span's rows, the latest event first.

    Args:
        connection: to a database with a ledger.
        window: the span.
        symbol: only rows of this symbol; None: all.
        after: where the page before ended.
        limit: at most so many; at least 1.

    Raises:
        psycopg.DataError: ``after`` is not where a page ended.
        DatabaseUnavailableError: PostgreSQL takes longer than it may.
    """
    event_time = sql.Identifier(window.target.event_time)
    order = sql.SQL(", ").join([event_time, *map(sql.Identifier, LINEAGE)])
    condition = window.condition
    if symbol is not None:
        condition += sql.SQL(" AND {} = {}").format(symbol_of(window.target), sql.Literal(symbol))
    if after is not None:
        at, _, file_id = after.value.partition(" ")
        place = sql.SQL(" AND ({}) < ({}::timestamptz, {}::bigint, {}::bigint)")
        condition += place.format(order, sql.Literal(at), sql.Literal(file_id), sql.Literal(after.row_id))
    latest_first = sql.SQL(", ").join(
        sql.SQL("{} DESC").format(sql.Identifier(name)) for name in (window.target.event_time, *LINEAGE)
    )
    with within_time(window.target):
        found = select_rows(
            connection, window.target, window.table, condition=condition, order=latest_first, limit=limit + 1
        )
    is_more = len(found) > limit
    last = found[limit - 1] if is_more else None
    key = Key(f"{last.event_at.isoformat()} {last.file_id}", last.row_number) if last else None
    return Page(found[:limit], key)


def select_rows(
    connection: Connection,
    target: TradeTarget,
    table: sql.Composable,
    *,
    condition: sql.Composable,
    order: sql.Composable,
    limit: int,
) -> list[TradeRow]:
    """Rows of ``table``, which has the target's columns and lineage, with what the ledger says of their files."""
    query = sql.SQL(_ROWS_SQL).format(
        columns=sql.SQL(", ").join(map(_selected, target.columns)),
        symbol=symbol_of(target),
        table=table,
        condition=condition,
        order=order,
        limit=sql.Literal(limit),
    )
    with connection.cursor(row_factory=dict_row) as cursor:
        found = cursor.execute(query).fetchall()
    files = _files(connection, {row["file_id"] for row in found})
    return [_row(target, row, files) for row in found]


def _selected(column: TargetColumn) -> sql.Composable:
    """A column as it is read: JSON as text, for a JSON null is not NULL."""
    name = sql.Identifier(column.name)
    return sql.SQL("{0}::text AS {0}").format(name) if column.sql_type in {"json", "jsonb"} else name


_FILES_SQL: LiteralString = "SELECT file_id, uri, state, run_id FROM ingest.file WHERE file_id = ANY(%s)"


def _files(connection: Connection, file_ids: Iterable[int]) -> dict[int, _File]:
    return {file_id: tuple(file) for file_id, *file in connection.execute(_FILES_SQL, [list(file_ids)])}


def _row(target: TradeTarget, row: Mapping[str, Any], files: Mapping[int, _File]) -> TradeRow:
    uri, state, run_id = files.get(row["file_id"], ("", "unknown", None))
    return TradeRow(
        row["file_id"],
        row["row_number"],
        uri,
        state,
        run_id,
        row[target.event_time],
        row["*symbol"],
        {column.name: as_text(row[column.name]) for column in target.columns},
    )


def as_text(value: Any) -> str | None:  # noqa: ANN401  # whatever a column holds
    """A value as text; None for NULL. Numbers keep every digit but zeros at the end, which a column's type adds."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        digits = f"{value:f}"
        return digits.rstrip("0").rstrip(".") if "." in digits else digits
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return value.isoformat() if isinstance(value, date) else str(value)
