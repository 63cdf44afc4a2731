"""What would be loaded: a source's listing minus the ledger, and for each other file why not."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from trade_ingest.contract.model import Contract, OnChanged
from trade_ingest.source.listing import SourceFile

if TYPE_CHECKING:
    import psycopg


class PlanReason(StrEnum):
    """Why a file is loaded or skipped; the closed set."""

    NEW = "new"
    RETRY = "retry"
    CHANGED = "changed"
    RELOAD = "reload"
    ALREADY_LOADED = "already_loaded"
    SAME_CONTENT = "same_content"
    CHANGED_SKIPPED = "changed_skipped"
    ROLLED_BACK = "rolled_back"
    BASELINE = "baseline"


LOADED_REASONS = frozenset({PlanReason.NEW, PlanReason.RETRY, PlanReason.CHANGED, PlanReason.RELOAD})


@dataclass(frozen=True, slots=True)
class PlannedFile:
    """One file of the listing and what the plan does with it.

    ``file_id`` is its row in the ledger, if it has one; ``other_file_id`` the file that explains the reason: the
    version that is loaded, or the file with the same content.
    """

    file: SourceFile
    reason: PlanReason
    file_id: int | None = None
    other_file_id: int | None = None
    explanation: str = ""

    @property
    def is_loaded(self) -> bool:
        """Whether the plan loads it."""
        return self.reason in LOADED_REASONS


@dataclass(frozen=True, slots=True)
class Plan:
    """The plan for a listing, in the listing's order.

    ``ignored`` are the paths that the listing left out because of their names.
    """

    contract: str
    target: str
    files: tuple[PlannedFile, ...]
    ignored: tuple[str, ...] = ()

    @property
    def to_load(self) -> tuple[PlannedFile, ...]:
        """The files that would be loaded."""
        return tuple(f for f in self.files if f.is_loaded)

    @property
    def skipped(self) -> tuple[PlannedFile, ...]:
        """The files that would not."""
        return tuple(f for f in self.files if not f.is_loaded)

    @property
    def bytes_to_load(self) -> int:
        """Size of the files to load, as stored."""
        return sum(f.file.size_bytes for f in self.to_load)


_LISTING_SQL = """
CREATE TEMPORARY TABLE trade_ingest_listing (
    uri text NOT NULL, version text NOT NULL, size_bytes bigint NOT NULL, modified_at timestamptz NOT NULL
) ON COMMIT DROP
"""

_COMPARE_SQL = """
SELECT
    l.uri, f.file_id, f.state, f.reason, f.run_id, f.loaded_at, f.same_as_file_id, s.state, s.uri,
    o.file_id, o.version, o.run_id
FROM trade_ingest_listing AS l
LEFT JOIN ingest.file AS f
    ON f.target = %(target)s AND f.uri = l.uri AND f.version = l.version AND f.state <> 'replaced'
LEFT JOIN ingest.file AS s ON s.file_id = f.same_as_file_id
LEFT JOIN LATERAL (
    SELECT p.file_id, p.version, p.run_id
    FROM ingest.file AS p
    WHERE p.target = %(target)s AND p.uri = l.uri AND p.version <> l.version AND p.state IN ('loaded', 'baseline')
    ORDER BY p.file_id DESC
    LIMIT 1
) AS o ON true
"""

_REGISTER_SQL = """
INSERT INTO ingest.file (target, uri, version, size_bytes, modified_at, contract_id, state)
SELECT %(target)s, uri, version, size_bytes, modified_at, %(contract_id)s, %(state)s
FROM trade_ingest_listing
ON CONFLICT (target, uri, version) WHERE state <> 'replaced' DO NOTHING
"""

_REGISTERED_SQL = """
SELECT f.uri, f.file_id
FROM trade_ingest_listing AS l
JOIN ingest.file AS f
    ON f.target = %(target)s AND f.uri = l.uri AND f.version = l.version AND f.state <> 'replaced'
"""

# a row that another run is loading is locked and stays as it is: only settled ones are opened again
_REOPEN_SQL = """
UPDATE ingest.file SET state = 'pending', reason = NULL
WHERE file_id = ANY(%s) AND state IN ('skipped', 'rolled_back')
"""


@dataclass(frozen=True, slots=True)
class _Known:
    """What the ledger says of a listed file: a row of ``_COMPARE_SQL``."""

    file_id: int | None
    state: str | None
    reason: str | None
    run_id: int | None
    loaded_at: datetime | None
    same_id: int | None
    same_state: str | None
    same_uri: str | None
    other_id: int | None
    other_version: str | None
    other_run_id: int | None


def make_plan(
    connection: psycopg.Connection[Any] | None,
    files: Sequence[SourceFile],
    contract: Contract,
    *,
    on_changed: OnChanged | None = None,
    reload: bool = False,
    ignored: tuple[str, ...] = (),
) -> Plan:
    """Compare a listing with the ledger; reads only.

    Args:
        connection: a connection to a database with a ledger, or None: then every file is new.
        files: the listing.
        contract: says the target, which the ledger is looked up for.
        on_changed: instead of the contract's policy.
        reload: load files again that were rolled back.
        ignored: paths that the listing left out, to be told with the plan.
    """
    target = contract.target.qualified_name
    known: dict[str, _Known] = {}
    if connection is not None:
        with connection.transaction():
            _copy_listing(connection, files)
            known = {row[0]: _Known(*row[1:]) for row in connection.execute(_COMPARE_SQL, {"target": target})}
    policy = on_changed or contract.on_changed
    planned = tuple(_decide(file, known.get(file.uri), policy, reload=reload) for file in files)
    return Plan(contract.name, target, planned, ignored)


def register_files(
    connection: psycopg.Connection[Any], files: Iterable[PlannedFile], target: str, contract_id: int, *, state: str
) -> dict[str, int]:
    """Give each file of a plan its row in the ledger; the file ids by URI.

    Two runs that register the same file get the same id.
    """
    files = list(files)
    with connection.transaction():
        _copy_listing(connection, [f.file for f in files])
        connection.execute(_REGISTER_SQL, {"target": target, "contract_id": contract_id, "state": state})
        ids = dict(connection.execute(_REGISTERED_SQL, {"target": target}).fetchall())
        reopened = [f.file_id for f in files if f.file_id is not None]
        connection.execute(_REOPEN_SQL, [reopened])
    return ids


def _copy_listing(connection: psycopg.Connection[Any], files: Iterable[SourceFile]) -> None:
    connection.execute(_LISTING_SQL)
    with connection.cursor() as cursor, cursor.copy("COPY trade_ingest_listing FROM STDIN") as copy:
        for file in files:
            copy.write_row((file.uri, file.version, file.size_bytes, file.modified_at))


def _decide(file: SourceFile, known: _Known | None, policy: OnChanged, *, reload: bool) -> PlannedFile:
    if known is None:
        return PlannedFile(file, PlanReason.NEW)
    decision = _settled(known, reload=reload) or _changed(known, policy)
    if decision is not None:
        reason, other, text = decision
        return PlannedFile(file, reason, known.file_id, other, text)
    if known.file_id is None:
        return PlannedFile(file, PlanReason.NEW)
    text = "never finished" if known.state == "pending" else f"last attempt: {known.reason}"
    return PlannedFile(file, PlanReason.RETRY, known.file_id, explanation=text)


_Decision = tuple[PlanReason, int | None, str]


def _settled(known: _Known, *, reload: bool) -> _Decision | None:
    """Whether the ledger knows the file at this very version, and what came of it."""
    if known.state == "loaded":
        text = f"loaded by run {known.run_id} at {known.loaded_at:%Y-%m-%d %H:%M:%S} UTC, same version"
        return PlanReason.ALREADY_LOADED, None, text
    if known.state == "baseline":
        return PlanReason.BASELINE, None, "marked as loaded by a baseline"
    if known.state == "rolled_back":
        if reload:
            return PlanReason.RELOAD, None, "rolled back before"
        return PlanReason.ROLLED_BACK, None, "rolled back; load it again with --reload"
    if known.state == "skipped" and known.reason == "same_content" and known.same_state == "loaded":
        return PlanReason.SAME_CONTENT, known.same_id, f"same content as file {known.same_id} ({known.same_uri})"
    return None


def _changed(known: _Known, policy: OnChanged) -> _Decision | None:
    """Whether another version of the file is loaded."""
    if known.other_id is None:
        return None
    text = f"version {known.other_version} is file {known.other_id}, loaded by run {known.other_run_id}"
    reason = PlanReason.CHANGED_SKIPPED if policy == OnChanged.SKIP else PlanReason.CHANGED
    return reason, known.other_id, f"{text}; on_changed is {policy.value}"
