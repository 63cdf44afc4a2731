"""The rows that broke their contract: grouped, listed with the bad cells marked, discarded."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, LiteralString

import psycopg
from psycopg.rows import class_row

from trade_ingest.contract.model import FileFormat
from trade_ingest.errors import FileError, UsageError
from trade_ingest.ledger.contracts import stored_contracts
from trade_ingest.ledger.events import Event, EventKind, record_event
from trade_ingest.ledger.queries import fetch_row
from trade_ingest.parse.layout import FileLayout, layout_of
from trade_ingest.parse.spans import cell_spans

Connection = psycopg.Connection[Any]

Mark = tuple[int, int]
"""Start and end of a cell, in characters of the record's text."""


@dataclass(frozen=True, slots=True)
class RejectFilter:
    """Which rejects are meant; what is empty or None does not narrow them.

    Attributes:
        file_ids: of these files.
        run_id: found by this run.
        reason: with this code among their reasons.
        column: with a reason that names this column; together with ``reason``: both in the same reason.
        states: ``open``, ``replayed``, ``discarded``.
        contract: of files that were loaded by the contract of this name.
        days: found by runs of the last so many days.
    """

    file_ids: tuple[int, ...] = ()
    run_id: int | None = None
    reason: str | None = None
    column: str | None = None
    states: tuple[str, ...] = ("open",)
    contract: str | None = None
    days: int | None = None

    @property
    def parameters(self) -> dict[str, Any]:
        """The values of ``WHERE``."""
        wanted = {"code": self.reason, "column": self.column}
        reason = {name: value for name, value in wanted.items() if value is not None}
        return {
            "file_ids": list(self.file_ids),
            "run_id": self.run_id,
            "reason": json.dumps([reason]) if reason else None,
            "states": list(self.states),
            "contract": self.contract,
            "days": self.days,
        }


OPEN_REJECTS = RejectFilter()
"""All open rejects."""

# ids of runs are given out as these begin: the newest one that is too old bounds them, without a look at older ones
LAST_RUN_BEFORE: LiteralString = """coalesce((
    SELECT of_run.run_id FROM ingest.run AS of_run
    WHERE of_run.started_at < now() - make_interval(days => %(days)s::integer)
    ORDER BY of_run.run_id DESC LIMIT 1
), 0)"""
"""The id of the last run that began more than ``days`` ago."""

WHERE: LiteralString = f"""
    (%(file_ids)s::bigint[] = '{{}}' OR r.file_id = ANY(%(file_ids)s))
    AND (%(run_id)s::bigint IS NULL OR r.run_id = %(run_id)s)
    AND (%(reason)s::jsonb IS NULL OR r.reasons @> %(reason)s::jsonb)
    AND (%(states)s::text[] = '{{}}' OR r.state = ANY(%(states)s))
    AND (%(contract)s::text IS NULL OR EXISTS (
        SELECT FROM ingest.file AS of_file JOIN ingest.contract AS of_contract USING (contract_id)
        WHERE of_file.file_id = r.file_id AND of_contract.name = %(contract)s))
    AND (%(days)s::integer IS NULL OR r.run_id > {LAST_RUN_BEFORE})
"""
"""The condition of a ``RejectFilter`` on ``ingest.reject AS r``, for its ``parameters``."""

_GROUPS_SQL: LiteralString = f"""
SELECT reason->>'code' AS reason, reason->>'column' AS column, count(DISTINCT r.reject_id) AS rejects,
    count(DISTINCT r.file_id) AS files, min(r.reject_id) AS example_reject_id,
    (array_agg(reason->>'value' ORDER BY r.reject_id))[1] AS example_value
FROM ingest.reject AS r
CROSS JOIN jsonb_array_elements(r.reasons) AS reason
WHERE {WHERE}
GROUP BY reason->>'code', reason->>'column'
ORDER BY count(DISTINCT r.reject_id) DESC, reason->>'code', reason->>'column'
"""  # noqa: S608  # made of constants

_COUNT_SQL: LiteralString = "SELECT count(*) FROM ingest.reject AS r WHERE "

_LIST_SQL: LiteralString = f"""
SELECT r.reject_id, r.file_id, f.uri, r.run_id, r.row_number, r.byte_offset, r.raw_text, r.reasons, r.state,
    r.resolved_at, r.resolved_run_id, r.discard_reason
FROM ingest.reject AS r
JOIN ingest.file AS f USING (file_id)
WHERE {WHERE} AND (
    %(after)s::bigint IS NULL
    OR (r.file_id, r.row_number) > (SELECT file_id, row_number FROM ingest.reject WHERE reject_id = %(after)s)
)
ORDER BY r.file_id, r.row_number
LIMIT %(limit)s
"""  # noqa: S608

_DISCARD_SQL: LiteralString = f"""
UPDATE ingest.reject AS r SET state = 'discarded', resolved_at = clock_timestamp(), discard_reason = %(why)s
WHERE {WHERE} AND r.state = 'open' AND (%(reject_ids)s::bigint[] = '{{}}' OR reject_id = ANY(%(reject_ids)s))
"""  # noqa: S608


@dataclass(frozen=True, slots=True)
class RejectGroup:
    """The rejects with the same reason in the same column.

    A row with several reasons is in several groups. ``column`` is None where the whole record is wrong. The example is
    the oldest reject of the group; its value may be None for an empty cell.
    """

    reason: str
    column: str | None
    rejects: int
    files: int
    example_reject_id: int
    example_value: str | None


def group_rejects(connection: Connection, wanted: RejectFilter) -> list[RejectGroup]:
    """Rejects by reason and column, the most frequent first."""
    with connection.cursor(row_factory=class_row(RejectGroup)) as cursor:
        return cursor.execute(_GROUPS_SQL, wanted.parameters).fetchall()


def count_rejects(connection: Connection, wanted: RejectFilter) -> int:
    """How many rejects there are."""
    (count,) = fetch_row(connection, _COUNT_SQL + WHERE, wanted.parameters)
    return int(count)


@dataclass(frozen=True, slots=True)
class RejectRow:
    r"""One reject.

    Attributes:
        reject_id: its id.
        file_id: its file.
        uri: its file's URI.
        run_id: the run that found it.
        row_number: its 1-based ordinal in the file.
        byte_offset: where it begins in the decompressed file.
        raw_text: the row as text; bytes that are no text are shown as ``\x00``.
        reasons: objects with ``code``, ``column`` (None: the whole record) and ``value``.
        state: ``open``, ``replayed`` or ``discarded``.
        resolved_at: when it was replayed or discarded.
        resolved_run_id: the run that replayed it.
        discard_reason: why it was discarded.
        marks: start and end (characters of ``raw_text``) of each bad cell, in order.
    """

    reject_id: int
    file_id: int
    uri: str
    run_id: int
    row_number: int
    byte_offset: int
    raw_text: str
    reasons: list[Mapping[str, str | None]]
    state: str
    resolved_at: datetime | None
    resolved_run_id: int | None
    discard_reason: str | None
    marks: list[Mark] = field(default_factory=list)


def list_rejects(
    connection: Connection, wanted: RejectFilter, *, limit: int | None = 50, after: int | None = None
) -> Iterator[RejectRow]:
    """Rejects in the order of files and rows, the bad cells marked; memory is constant.

    Args:
        connection: to a database with a ledger.
        wanted: which.
        limit: at most so many.
        after: only rejects after the one of this id, to go on from a list.
    """
    marker = Marker(connection)
    parameters = {**wanted.parameters, "after": after, "limit": limit}
    with connection.transaction(), connection.cursor("rejects", row_factory=class_row(RejectRow)) as cursor:
        cursor.itersize = 1000
        cursor.execute(_LIST_SQL, parameters)
        for reject in cursor:
            reject.marks.extend(marker.marks_of(reject.file_id, reject.raw_text, reject.reasons))
            yield reject


@dataclass(frozen=True, slots=True)
class _Layout:
    """What is needed to find cells of a file: how its bytes are read, and where each column's cells are."""

    format: FileFormat
    layout: FileLayout


_LAYOUTS: dict[tuple[str, tuple[str, ...]], _Layout] = {}
"""Layouts of this process, by fingerprint of the contract and header, which are all that a layout depends on."""

_MOST_LAYOUTS = 1_000

_FILES_SQL: LiteralString = """
SELECT file_id, uri, contract_id, fingerprint, header
FROM ingest.file JOIN ingest.contract USING (contract_id)
WHERE file_id = ANY(%s)
"""


class Marker:
    """Finds the bad cells of rejects; knows the layout of each file once it has seen one reject of it."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._files: dict[int, _Layout] = {}

    def marks_of(self, file_id: int, raw_text: str, reasons: Sequence[Mapping[str, str | None]]) -> list[Mark]:
        """Start and end (characters of ``raw_text``) of each bad cell, in order."""
        columns = {name for reason in reasons if reason["column"] for name in reason["column"].split(", ")}
        if not columns:
            return []
        if file_id not in self._files:
            self.learn([file_id])
        layout = self._files[file_id]
        indexes = sorted({index for name in columns for index in layout.layout.cells_of(name)})
        if not indexes:
            return []
        spans = cell_spans(raw_text, layout.format)
        return [spans[i] for i in indexes if i < len(spans)]

    def learn(self, file_ids: Collection[int]) -> dict[int, str]:
        """Get the layouts of many files at once; their URIs."""
        with self._connection.cursor(binary=True) as cursor:
            found = cursor.execute(_FILES_SQL, [list(file_ids)]).fetchall()
        keys = [(fingerprint, tuple(header or ())) for *_, fingerprint, header in found]
        known = {key: _LAYOUTS.get(key) for key in keys}
        new = {row[2] for row, key in zip(found, keys, strict=True) if known[key] is None}
        contracts = stored_contracts(self._connection, new) if new else {}
        for (file_id, uri, contract_id, _, header), key in zip(found, keys, strict=True):
            layout = known[key]
            if layout is None:
                contract = contracts[contract_id]
                try:
                    layout = _Layout(contract.format, layout_of(contract, uri, header=header, first_record=None))
                except FileError:  # failed before its header was kept, or moved to where its path says nothing
                    layout = _Layout(contract.format, FileLayout(0, {}, {}))
                else:
                    _remember(key, layout)
            self._files[file_id] = layout
        return {row[0]: row[1] for row in found}


def _remember(key: tuple[str, tuple[str, ...]], layout: _Layout) -> None:
    if len(_LAYOUTS) >= _MOST_LAYOUTS:
        _LAYOUTS.clear()
    _LAYOUTS[key] = layout


def discard_rejects(
    connection: Connection, *, why: str, wanted: RejectFilter = OPEN_REJECTS, reject_ids: Sequence[int] = ()
) -> int:
    """Mark open rejects as discarded: looked at, and not to be loaded. They stay in the ledger and in its balance.

    Args:
        connection: to a database with a ledger.
        why: kept with each of them.
        wanted: which; its states do not matter, only open ones are discarded.
        reject_ids: only these.

    Returns:
        How many they were.

    Raises:
        UsageError: no reason is given.
    """
    if not why.strip():
        message = "a reason is needed to discard rejects"
        raise UsageError(message, hint="say it with --why")
    with connection.transaction():
        discarded = connection.execute(
            _DISCARD_SQL, {**wanted.parameters, "why": why, "reject_ids": list(reject_ids)}
        ).rowcount
        if discarded:
            record_event(connection, Event(EventKind.REJECTS_DISCARDED, detail={"rejects": discarded, "why": why}))
    return discarded
