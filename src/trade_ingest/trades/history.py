"""One trade over time: all its versions, and what files that were replaced had said of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, LiteralString

import psycopg
from psycopg import sql

from trade_ingest.errors import NotInLedgerError, UsageError
from trade_ingest.trades.rows import LINEAGE, TradeRow, select_rows
from trade_ingest.trades.window import find_window, within_time

if TYPE_CHECKING:
    from trade_ingest.trades.target import TradeTarget

    Connection = psycopg.Connection[Any]

MOST_VERSIONS: Final = 200

SEARCHED_BYTES: Final = 256 << 20
"""A table of replaced rows has no index on the key; of a larger one only files are searched that are related."""


@dataclass(frozen=True, slots=True)
class Version:
    """A row of a trade.

    Attributes:
        row: the row.
        is_current: it is what holds now of its trade.
        is_replaced: its file was replaced; it is kept beside the target.
        changed: the columns in which it differs from the version before it of the same trade.
    """

    row: TradeRow
    is_current: bool
    is_replaced: bool
    changed: Sequence[str]


@dataclass(frozen=True, slots=True)
class History:
    """The versions of a trade.

    Attributes:
        identity: the columns that its versions share; empty: each row stands for itself.
        versions: by the version column, then as they came in; at most ``MOST_VERSIONS``.
        is_complete: whether these are all of them.
    """

    identity: tuple[str, ...]
    versions: tuple[Version, ...]
    is_complete: bool


def history_of_row(connection: Connection, target: TradeTarget, *, file_id: int, row_number: int) -> History:
    """The history of the trade that a row is of; the row may be of a file that was replaced.

    Raises:
        NotInLedgerError: there is no such file in the target, or no such row.
        DatabaseUnavailableError: PostgreSQL takes longer than it may.
    """
    window = find_window(connection, target, file_id=file_id)
    condition = sql.SQL("{} AND row_number = {}").format(window.condition, sql.Literal(row_number))
    with within_time(target):
        rows = select_rows(connection, target, window.table, condition=condition, order=sql.SQL("file_id"), limit=1)
    if not rows:
        message = f"{target.name} has no row {row_number} of file {file_id}"
        hint = "rejects and duplicates are in no target: trade-ingest rejects --rows"
        raise NotInLedgerError(message, hint=hint, file_id=file_id)
    (row,) = rows
    values = {name: row.values.get(name) for name in target.identity}
    if not values or None in values.values():  # NULL is equal to nothing
        is_replaced = row.file_state == "replaced"
        return History((), (Version(row, not is_replaced, is_replaced, ()),), is_complete=True)
    return _history(connection, target, values, file_id=file_id)


def history_of_key(connection: Connection, target: TradeTarget, key: str) -> History:
    """The histories of all trades whose first key column has this value, such as a trade id.

    Raises:
        UsageError: the target has no key.
        NotInLedgerError: there is none.
        DatabaseUnavailableError: PostgreSQL takes longer than it may.
    """
    if not target.identity:
        message = f"{target.name} has no key: its rows have no history"
        raise UsageError(message, hint="ask for a row by file_id and row_number")
    try:
        history = _history(connection, target, {target.identity[0]: key})
    except psycopg.DataError:  # a word where the column has numbers
        history = History(target.identity, (), is_complete=True)
    if not history.versions:
        message = f"{target.name} has no row whose {target.identity[0]} is {key}"
        raise NotInLedgerError(message, hint="trade ids are compared letter by letter", target=target.name)
    return history


_BOTH_SQL: LiteralString = """
(SELECT {columns} FROM {table} WHERE {same} UNION ALL SELECT {columns} FROM {replaced} WHERE {same} AND {searched})
AS both_tables
"""

# the versions of a file that those were that have the trade's rows now
_RELATED_SQL: LiteralString = """
file_id = ANY(ARRAY(
    WITH RECURSIVE older (file_id) AS (
        SELECT {file_id}::bigint
        UNION
        SELECT f.replaces_file_id FROM ingest.file AS f WHERE f.file_id IN (SELECT file_id FROM {table} WHERE {same})
        UNION
        SELECT f.replaces_file_id FROM older JOIN ingest.file AS f USING (file_id)
    )
    SELECT file_id FROM older WHERE file_id IS NOT NULL
))
"""


def _history(
    connection: Connection, target: TradeTarget, values: Mapping[str, str | None], *, file_id: int | None = None
) -> History:
    same = sql.SQL(" AND ").join(
        sql.SQL("{} = {}").format(sql.Identifier(name), sql.Literal(value)) for name, value in values.items()
    )
    is_searched = _is_small(connection, target)
    related = sql.SQL("true") if is_searched else _related(target, same, file_id)
    names = [*(column.name for column in target.columns), *LINEAGE]
    both = sql.SQL(_BOTH_SQL).format(
        columns=sql.SQL(", ").join(map(sql.Identifier, names)),
        table=target.table,
        replaced=target.replaced_table,
        same=same,
        searched=related,
    )
    order = [*target.identity, *([target.version] if target.version else []), *LINEAGE]
    order_by = sql.SQL(", ").join(map(sql.Identifier, order))
    with within_time(target):
        found = select_rows(
            connection, target, both, condition=sql.SQL("true"), order=order_by, limit=MOST_VERSIONS + 1
        )
    is_complete = is_searched and len(found) <= MOST_VERSIONS
    return History(target.identity, tuple(_versions(target, found[:MOST_VERSIONS])), is_complete)


def _is_small(connection: Connection, target: TradeTarget) -> bool:
    name = target.replaced_table.as_string(connection)
    row = connection.execute("SELECT pg_table_size(to_regclass(%s))", [name]).fetchone()
    return row is not None and row[0] is not None and row[0] <= SEARCHED_BYTES


def _related(target: TradeTarget, same: sql.Composable, file_id: int | None) -> sql.Composable:
    return sql.SQL(_RELATED_SQL).format(table=target.table, same=same, file_id=sql.Literal(file_id))


def _versions(target: TradeTarget, rows: Sequence[TradeRow]) -> Iterator[Version]:
    trades = [tuple(row.values[name] for name in target.identity) for row in rows]
    last = {trade: row for trade, row in zip(trades, rows, strict=True) if row.file_state != "replaced"}
    before: dict[tuple[str | None, ...], TradeRow] = {}
    for trade, row in zip(trades, rows, strict=True):
        changed = _differing(before[trade], row) if trade in before else ()
        yield Version(row, row is last.get(trade), row.file_state == "replaced", changed)
        before[trade] = row


def _differing(before: TradeRow, after: TradeRow) -> Sequence[str]:
    return [name for name, value in after.values.items() if before.values[name] != value]
