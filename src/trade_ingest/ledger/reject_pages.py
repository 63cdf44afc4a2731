"""Rejects a page at a time, in groups with their trend by day, and by file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, LiteralString

import psycopg
from psycopg.rows import class_row

from trade_ingest.errors import NotInLedgerError
from trade_ingest.ledger.pages import Condition, Key, Listing, Order, Page, SortKey, Total
from trade_ingest.ledger.rejects import LAST_RUN_BEFORE, WHERE, Marker, RejectFilter

Connection = psycopg.Connection[Any]

REJECTS = Listing(
    table="ingest.reject",
    id_column="reject_id",
    columns="t.reject_id, t.file_id, t.run_id, t.row_number, t.byte_offset, t.raw_text, t.reasons, t.state,"
    " t.resolved_at, t.resolved_run_id, t.discard_reason",
    sorts={
        "reject_id": SortKey("t.reject_id", "bigint"),
        "row_number": SortKey("t.row_number", "bigint", is_narrow=True),
    },
)


def page_rejects(
    connection: Connection,
    wanted: RejectFilter,
    *,
    order: Order,
    after: Key | None,
    limit: int,
) -> Page[dict[str, Any]]:
    """A page of rejects: the fields of ``RejectRow``, the bad cells marked."""
    page = REJECTS.page(connection, list(_conditions(wanted)), order=order, after=after, limit=limit)
    _mark(connection, page.items)
    return page


def count_rejects(connection: Connection, wanted: RejectFilter) -> Total:
    """How many rejects those pages have."""
    return REJECTS.count(connection, list(_conditions(wanted)))


def get_reject(connection: Connection, reject_id: int) -> dict[str, Any]:
    """One reject, as in a page.

    Raises:
        NotInLedgerError: there is none with that id.
    """
    found = REJECTS.find(connection, reject_id)
    if found is None:
        message = f"the ledger has no reject {reject_id}"
        raise NotInLedgerError(message, hint="list the rejects with: trade-ingest rejects --rows", reject_id=reject_id)
    _mark(connection, [found])
    return found


def _mark(connection: Connection, rejects: Sequence[dict[str, Any]]) -> None:
    """Add what is not in the rejects' own rows: the URIs of their files, and the marks."""
    marker = Marker(connection)
    uris = marker.learn({reject["file_id"] for reject in rejects})
    for reject in rejects:
        file_id = reject["file_id"]
        reject["uri"] = uris[file_id]
        reject["marks"] = marker.marks_of(file_id, reject["raw_text"], reject["reasons"])


def _conditions(wanted: RejectFilter) -> Iterator[Condition]:
    parameters = wanted.parameters
    if wanted.file_ids:
        yield Condition("t.file_id = ANY(%(file_ids)s)", {"file_ids": parameters["file_ids"]}, is_indexed=True)
    if wanted.run_id is not None:
        yield Condition("t.run_id = %(run_id)s", {"run_id": wanted.run_id}, is_indexed=True)
    if parameters["reason"] is not None:
        yield Condition("t.reasons @> %(reason)s::jsonb", {"reason": parameters["reason"]})
    if wanted.states:
        yield Condition("t.state = ANY(%(states)s)", {"states": parameters["states"]})
    if wanted.contract is not None:
        yield Condition(
            "EXISTS (SELECT FROM ingest.file AS f JOIN ingest.contract AS c USING (contract_id)"
            " WHERE f.file_id = t.file_id AND c.name = %(contract)s)",
            {"contract": wanted.contract},
        )
    if wanted.days is not None:  # the first reject that a run since then found bounds them; ids are given out in time
        yield Condition(_FOUND_SINCE_SQL, {"days": wanted.days}, is_indexed=True)


_FOUND_SINCE_SQL: LiteralString = (
    f"t.run_id > {LAST_RUN_BEFORE}"  # noqa: S608  # made of constants
    f" AND t.reject_id >= (SELECT min(reject_id) FROM ingest.reject WHERE run_id > {LAST_RUN_BEFORE})"
)


@dataclass(frozen=True, slots=True)
class DayCount:
    """The rejects that the runs of one UTC day found."""

    date: date
    rejects: int


@dataclass(frozen=True, slots=True)
class RejectTrend:
    """The rejects with the same reason in the same column by the same contract; as ``RejectGroup``, with its days."""

    reason: str
    column: str | None
    contract: str
    rejects: int
    files: int
    example_reject_id: int
    example_value: str | None
    days: list[DayCount] = field(default_factory=list)


_TRENDS_SQL: LiteralString = f"""
WITH found AS (
    SELECT entry->>'code' AS reason, entry->>'column' AS "column", c.name AS contract, r.reject_id, r.file_id,
        entry->>'value' AS value, (run.started_at AT TIME ZONE 'UTC')::date AS day
    FROM ingest.reject AS r
    JOIN ingest.run AS run USING (run_id)
    JOIN ingest.file AS f ON f.file_id = r.file_id
    JOIN ingest.contract AS c ON c.contract_id = f.contract_id
    CROSS JOIN jsonb_array_elements(r.reasons) AS entry
    WHERE {WHERE}
)
SELECT reason, "column", contract, count(DISTINCT reject_id) AS rejects, count(DISTINCT file_id) AS files,
    min(reject_id) AS example_reject_id, (array_agg(value ORDER BY reject_id))[1] AS example_value, day
FROM found
GROUP BY GROUPING SETS ((reason, "column", contract), (reason, "column", contract, day))
ORDER BY day NULLS FIRST, rejects DESC, reason, "column", contract
"""  # noqa: S608  # made of constants


@dataclass(frozen=True, slots=True)
class _Count:
    """A row of ``_TRENDS_SQL``; without a day it is a group's total."""

    reason: str
    column: str | None
    contract: str
    rejects: int
    files: int
    example_reject_id: int
    example_value: str | None
    day: date | None


def reject_trends(connection: Connection, wanted: RejectFilter) -> list[RejectTrend]:
    """Rejects by reason, column and contract, the most frequent first, with what was found on each day."""
    groups: dict[tuple[str, str | None, str], RejectTrend] = {}
    with connection.cursor(row_factory=class_row(_Count)) as cursor:
        for count in cursor.execute(_TRENDS_SQL, wanted.parameters):
            key = (count.reason, count.column, count.contract)
            if count.day is None:  # totals come first
                example = (count.example_reject_id, count.example_value)
                groups[key] = RejectTrend(*key, count.rejects, count.files, *example)
            else:
                groups[key].days.append(DayCount(count.day, count.rejects))
    return list(groups.values())


_FILES_SQL: LiteralString = f"""
WITH found AS (
    SELECT r.file_id, count(*) AS rejects, count(*) OVER () AS files
    FROM ingest.reject AS r
    WHERE {WHERE}
    GROUP BY r.file_id
    ORDER BY rejects DESC, r.file_id DESC
    LIMIT %(limit)s
)
SELECT found.file_id, f.uri, f.state, found.rejects, found.files
FROM found
JOIN ingest.file AS f USING (file_id)
ORDER BY found.rejects DESC, found.file_id DESC
"""  # noqa: S608  # made of constants


@dataclass(frozen=True, slots=True)
class FileRejects:
    """How many rejects a file has."""

    file_id: int
    uri: str
    state: str
    rejects: int
    files: int


def rejects_by_file(connection: Connection, wanted: RejectFilter, *, limit: int) -> list[FileRejects]:
    """The files that rejects are of, those with the most first; ``files`` of each is how many there are in all."""
    with connection.cursor(row_factory=class_row(FileRejects)) as cursor:
        return cursor.execute(_FILES_SQL, wanted.parameters | {"limit": limit}).fetchall()
