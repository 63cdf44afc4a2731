"""Lists over HTTP: sort parameters, cursors, pages."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import psycopg
from flask import Response
from pydantic import Field

from trade_ingest.api.connections import ledger
from trade_ingest.api.cursors import decode_cursor, encode_cursor
from trade_ingest.api.replies import reply
from trade_ingest.api.schemas.base import Answer, CountedQuery, PageQuery
from trade_ingest.errors import CursorError, RequestInvalidError
from trade_ingest.ledger.pages import Condition, Key, Listing, Order, Page, SortKey, Total


def sort_field(sorts: Mapping[str, SortKey], default: str) -> Any:  # noqa: ANN401  # as pydantic's Field
    """The field of a parameter ``sort``: a name, with a minus before it for the other direction."""
    names = [f"{sign}{name}" for name in sorts for sign in ("", "-")]
    narrow = ", ".join(name for name, key in sorts.items() if key.is_narrow)
    text = "By what the list is ordered; a minus: the largest first."
    return Field(
        default,
        description=f"{text} Only together with run_id or file_id: {narrow}." if narrow else text,
        pattern=f"^-?({'|'.join(sorts)})$",
        json_schema_extra={"enum": [*names]},
    )


def order_of(sorts: Mapping[str, SortKey], sort: str, *, is_narrowed: bool) -> Order:
    """The order that a parameter ``sort`` means.

    Raises:
        RequestInvalidError: it is offered only for a list that is narrowed to one run or file.
    """
    key = sorts[sort.removeprefix("-")]
    if key.is_narrow and not is_narrowed:
        message = f"sort={sort} is offered only for the files or rejects of one run or file"
        hint = "add run_id, or sort by " + ", ".join(name for name, other in sorts.items() if not other.is_narrow)
        raise RequestInvalidError(message, hint=hint, errors=({"pointer": "/query/sort", "detail": message},))
    return Order(key, is_descending=sort.startswith("-"))


def reply_listing(
    model: type[Answer],
    query: PageQuery,
    listing: Listing,
    conditions: Sequence[Condition],
    order: Order,
    *,
    require: Callable[[], object] | None = None,
) -> Response:
    """Answer with a page of a listing, after the key that the query's cursor says.

    ``require`` raises if what the list belongs to is not in the ledger; it is called only for an empty page.

    Raises:
        CursorError: the cursor is not one of this list.
    """
    return reply_page(
        model,
        query,
        lambda after: listing.page(ledger(), conditions, order=order, after=after, limit=query.limit),
        count=lambda: listing.count(ledger(), conditions),
        require=require,
    )


def reply_page(
    model: type[Answer],
    query: PageQuery,
    find: Callable[[Key | None], Page[Any]],
    *,
    count: Callable[[], Total] | None = None,
    require: Callable[[], object] | None = None,
) -> Response:
    """Answer with a page: ``find`` gets it, after the key that the query's cursor says; ``count`` if that is asked for.

    ``require`` is as that of ``reply_listing``.

    Raises:
        CursorError: the cursor is not one of this list.
    """
    filters = query.model_dump(mode="json", exclude={"limit", "cursor", "include"}) | {"list": model.__name__}
    after = None if query.cursor is None else decode_cursor(query.cursor, filters)
    try:
        page = find(after)
    except psycopg.DataError as exc:
        if after is None:
            raise
        message = "the cursor is not one that a list gave"
        raise CursorError(message, hint="leave the cursor out to begin again") from exc
    if require is not None and not page.items:
        require()
    cursor = None if page.next_key is None else encode_cursor(page.next_key, filters)
    values: dict[str, Any] = {"items": page.items, "next_cursor": cursor}
    if count is not None and isinstance(query, CountedQuery) and query.include:
        total = count()
        values |= {"total": total.rows, "total_is_exact": total.is_exact}
    return reply(model, values)
