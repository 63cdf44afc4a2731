"""Pages of the ledger's long lists: in any offered order, with any filter, in about the same time whatever the length.

A page is found from a key, never by counting: what is inserted while somebody pages neither shifts nor doubles
anything. Conditions with an index narrow what is read; all others are tried on at most ``SCANNED_ROWS`` rows in the
list's order. A page may therefore be short, or empty, and still have a next one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, LiteralString, TypeVar

import psycopg
from psycopg.rows import dict_row

Connection = psycopg.Connection[Any]
Row = TypeVar("Row")

SCANNED_ROWS = 500
"""Rows that one page tries conditions on that have no index: about 1 ms, whatever the order."""

COUNTED_ROWS = 10_000
"""As many rows are counted for a total."""

COUNTED_OF_ROWS = 50_000
"""Rows that conditions without an index are tried on for a total: about 30 ms."""


@dataclass(frozen=True, slots=True)
class SortKey:
    """What a list can be ordered by.

    Attributes:
        expression: SQL over the list's table, never NULL.
        type: its type; ``text`` of it must lead back to it.
        is_narrow: there is no index for it, so that it is offered only where the list is narrowed to one run.
    """

    expression: LiteralString
    type: LiteralString
    is_narrow: bool = False


@dataclass(frozen=True, slots=True)
class Condition:
    """A part of ``WHERE`` with named parameters.

    Attributes:
        sql: over the list's table, which is ``t``.
        parameters: its parameters.
        is_indexed: it narrows what is read.
        only_by_id: but only in the order of the primary key; with another one, PostgreSQL might look for the few rows
            that it leaves in the whole of that order.
    """

    sql: LiteralString
    parameters: Mapping[str, Any]
    is_indexed: bool = False
    only_by_id: bool = False

    def narrows(self, order: Order, id_column: str) -> bool:
        """Whether it narrows what is read of a list in this order."""
        return self.is_indexed and (not self.only_by_id or order.by.expression == f"t.{id_column}")


@dataclass(frozen=True, slots=True)
class Key:
    """Where a page ended: the text of its last row's sort expression, and the row's id."""

    value: str
    row_id: int


@dataclass(frozen=True, slots=True)
class Order:
    """By what, and in which direction; rows with equal values are ordered by their ids in the same direction."""

    by: SortKey
    is_descending: bool = True


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """Some rows of a list, and where the next ones begin; ``next_key`` is None at the end."""

    items: list[Row]
    next_key: Key | None


@dataclass(frozen=True, slots=True)
class Total:
    """How many rows a list has; at least `rows` where that is not exact."""

    rows: int
    is_exact: bool


@dataclass(frozen=True, slots=True)
class Listing:
    """A list of the ledger; its rows are dictionaries, which take a fifth of the time that objects take to be made.

    Attributes:
        table: the table.
        id_column: its primary key.
        columns: columns of the table, which is ``t``.
        joined: further columns, of what ``joins`` adds to the page.
        joins: what is joined to the rows of the page, which are ``t``.
        sorts: what it can be ordered by; the first is the primary key.
    """

    table: LiteralString
    id_column: LiteralString
    columns: LiteralString
    sorts: Mapping[str, SortKey]
    joined: LiteralString = ""
    joins: LiteralString = ""

    def page(
        self, connection: Connection, conditions: Sequence[Condition], *, order: Order, after: Key | None, limit: int
    ) -> Page[dict[str, Any]]:
        """A page: at most ``limit`` rows after a key; ``limit`` must be at least 1.

        Raises:
            psycopg.DataError: the key's value is not of the sort expression's type.
        """
        query = _PageQuery(self, conditions, order, after)
        with connection.cursor(row_factory=dict_row, binary=True) as cursor:
            found = cursor.execute(query.sql, {**query.parameters, "limit": limit + 1}).fetchall()
        keys = [Key(row.pop("page_key"), row[self.id_column]) for row in found]
        return Page(found[:limit], keys[limit - 1] if len(found) > limit else query.last_scanned(connection))

    def find(self, connection: Connection, row_id: int) -> dict[str, Any] | None:
        """The row with this id, as in a page; None if there is none."""
        condition = Condition(f"t.{self.id_column} = %(row_id)s", {"row_id": row_id}, is_indexed=True)
        order = Order(self.sorts[self.id_column])
        return next(iter(self.page(connection, [condition], order=order, after=None, limit=1).items), None)

    def count(self, connection: Connection, conditions: Sequence[Condition]) -> Total:
        """How many rows there are: counted up to ``COUNTED_ROWS``, and among at most ``COUNTED_OF_ROWS``."""
        parameters: dict[str, Any] = {}
        for condition in conditions:
            parameters.update(condition.parameters)
        tried = [condition.sql for condition in conditions if not condition.is_indexed]
        indexed = [condition.sql for condition in conditions if condition.is_indexed]
        limit = COUNTED_OF_ROWS if tried else COUNTED_ROWS
        candidates: LiteralString = f"SELECT t.* FROM {self.table} AS t WHERE {_all(indexed or ['true'])}"
        query: LiteralString = (
            f"SELECT count(*), count(*) FILTER (WHERE {_all(tried or ['true'])})"
            f" FROM ({candidates} LIMIT %(count_limit)s) AS t"
        )
        found = connection.execute(query, {**parameters, "count_limit": limit + 1}).fetchone()
        assert found is not None
        seen, rows = found
        return Total(min(rows, COUNTED_ROWS), is_exact=seen <= limit and rows <= COUNTED_ROWS)


class _PageQuery:
    """The SQL of one page."""

    def __init__(self, listing: Listing, conditions: Sequence[Condition], order: Order, after: Key | None) -> None:
        self._listing = listing
        self._order = order
        self._after = after
        narrowing = [condition.narrows(order, listing.id_column) for condition in conditions]
        self._indexed = [condition.sql for condition, is_so in zip(conditions, narrowing, strict=True) if is_so]
        self._scanned = [condition.sql for condition, is_so in zip(conditions, narrowing, strict=True) if not is_so]
        self.parameters: dict[str, Any] = {}
        for condition in conditions:
            self.parameters.update(condition.parameters)
        if after is not None:
            self.parameters |= {"page_key": after.value, "page_id": after.row_id}

    @property
    def sql(self) -> LiteralString:
        listing, by = self._listing, self._order.by.expression
        rows = self._candidates
        if self._scanned:
            rows = f"SELECT * FROM ({rows} LIMIT {SCANNED_ROWS}) AS t WHERE {_all(self._scanned)} {self._ordered}"
        page = f"SELECT {listing.columns}, ({by})::text AS page_key FROM ({rows} LIMIT %(limit)s) AS t"
        if not listing.joins:
            return f"{page} {self._ordered}"
        # joined after the limit: the planner cannot trade the index's order for a join
        return f"SELECT t.*, {listing.joined} FROM ({page}) AS t {listing.joins} {self._ordered}"

    @property
    def _candidates(self) -> LiteralString:
        """All rows in order that the indexed conditions leave after the key."""
        conditions = [*self._indexed]
        if self._after is not None:
            sign: LiteralString = "<" if self._order.is_descending else ">"
            by, row_id = self._order.by, self._listing.id_column
            if by.expression == f"t.{row_id}":
                conditions.append(f"t.{row_id} {sign} %(page_id)s")
            else:
                conditions.append(
                    f"({by.expression}, t.{row_id}) {sign} (%(page_key)s::{by.type}, %(page_id)s::bigint)"
                )
        where: LiteralString = f"WHERE {_all(conditions)}" if conditions else ""
        return f"SELECT t.* FROM {self._listing.table} AS t {where} {self._ordered}"

    @property
    def _ordered(self) -> LiteralString:
        direction: LiteralString = "DESC" if self._order.is_descending else "ASC"
        by, row_id = self._order.by.expression, f"t.{self._listing.id_column}"
        if by == row_id:
            return f"ORDER BY {row_id} {direction}"
        return f"ORDER BY {by} {direction}, {row_id} {direction}"

    def last_scanned(self, connection: Connection) -> Key | None:
        """Where the rows end that the conditions were tried on; None if there are no more."""
        if not self._scanned:
            return None
        query: LiteralString = (
            f"SELECT ({self._order.by.expression})::text, t.{self._listing.id_column}"
            f" FROM ({self._candidates} OFFSET {SCANNED_ROWS - 1} LIMIT 1) AS t"
        )
        found = connection.execute(query, self.parameters).fetchone()
        return None if found is None else Key(*found)


def _all(conditions: Sequence[LiteralString]) -> LiteralString:
    return " AND ".join(conditions)
