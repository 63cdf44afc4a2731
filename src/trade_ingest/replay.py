"""Load rejected rows again, corrected or under a changed contract, through the same checks."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, LiteralString

import psycopg
from psycopg.rows import class_row

from trade_ingest.errors import (
    DatabaseUnavailableError,
    FileError,
    TradeIngestError,
    UsageError,
)
from trade_ingest.lake.handover import settle_handovers
from trade_ingest.ledger.connection import as_ingest_error, open_connection
from trade_ingest.ledger.contracts import contract_id_of, stored_contract
from trade_ingest.ledger.export import EditedExport, read_edited
from trade_ingest.ledger.known import require_known
from trade_ingest.ledger.queries import open_ledger
from trade_ingest.ledger.rejects import OPEN_REJECTS, WHERE, RejectFilter
from trade_ingest.ledger.relocation import Relocation, relocate
from trade_ingest.ledger.runs import RUN_COUNTERS, RunState, end_run, start_run
from trade_ingest.load.target import ensure_target
from trade_ingest.load.task import ErrorInfo, HandedOver
from trade_ingest.source.access import Accesses
from trade_ingest.source.listing import Connections

if TYPE_CHECKING:
    from trade_ingest.contract.model import Contract

    Connection = psycopg.Connection[Any]

_TRIES = 5  # of a file that another transaction is in the way of


@dataclass(frozen=True, slots=True)
class Refusal:
    """Rejects that were not tried.

    Attributes:
        why: a sentence, with what to do.
        rejects: how many they are.
        reject_ids: which, where an edited export names them.
        file_id: their file, if there is one.
        is_settled: they were replayed or discarded before, so that nothing is left to do.
    """

    why: str
    rejects: int
    reject_ids: tuple[int, ...] = ()
    file_id: int | None = None
    is_settled: bool = False


@dataclass(frozen=True, slots=True)
class ReplayedFile:
    """What came of one file's rejects: ``rows_tried = rows_loaded + rows_duplicate + rows_rejected`` without an error.

    Attributes:
        file_id: the file.
        uri: its URI.
        rows_tried: rejects that were tried.
        rows_loaded: rows that are in the target now.
        rows_duplicate: rows that the target had with the same content.
        rows_rejected: rows that stay open.
        reasons: how many of these have each reason code.
        error: why none could be tried.
    """

    file_id: int
    uri: str
    rows_tried: int = 0
    rows_loaded: int = 0
    rows_duplicate: int = 0
    rows_rejected: int = 0
    reasons: Mapping[str, int] = field(default_factory=dict)
    error: ErrorInfo | None = None


@dataclass(frozen=True, slots=True)
class ReplayResult:
    """What a replay did, or with ``is_preview`` would do.

    Attributes:
        run_id: the run that it is recorded as; None for a preview, or if there was nothing to try.
        files: the files whose rejects were tried.
        refused: rejects that were not tried, and why.
        is_preview: nothing was changed.
        rejects_moved: rejects of an edited export whose file was loaded again since, so that they have other ids: they
            were found by their place.
        handed_over: what came of the lakes; what failed there is left to the next run.
    """

    run_id: int | None
    files: tuple[ReplayedFile, ...]
    refused: tuple[Refusal, ...]
    is_preview: bool = False
    rejects_moved: int = 0
    handed_over: tuple[HandedOver, ...] = ()

    @property
    def rows_tried(self) -> int:
        """Rejects that were tried."""
        return sum(file.rows_tried for file in self.files)

    @property
    def rows_loaded(self) -> int:
        """Rows that are in the target now."""
        return sum(file.rows_loaded for file in self.files)

    @property
    def rows_duplicate(self) -> int:
        """Rows that the target had already."""
        return sum(file.rows_duplicate for file in self.files)

    @property
    def rows_rejected(self) -> int:
        """Rows that stay open."""
        return sum(file.rows_rejected for file in self.files)

    @property
    def reasons(self) -> dict[str, int]:
        """How many of the rows that stay open have each reason code, the most frequent first."""
        counts: dict[str, int] = {}
        for file in self.files:
            for code, count in file.reasons.items():
                counts[code] = counts.get(code, 0) + count
        return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))

    @property
    def failed(self) -> tuple[ReplayedFile, ...]:
        """The files none of whose rejects could be tried."""
        return tuple(file for file in self.files if file.error is not None)


def replay(
    database: str,
    *,
    edited: str | Path | EditedExport | None = None,
    wanted: RejectFilter = OPEN_REJECTS,
    contract: Contract | None = None,
    preview: bool = False,
    connections: Connections = (),
) -> ReplayResult:
    """Try open rejects of loaded files again: those that pass are loaded, the others stay open with their new reasons.

    A row that passes gets the ``file_id`` and ``row_number`` that it always had, so that lineage, rollback and
    reconciliation hold; the file's counts, control totals and event times follow. Each file is one transaction. A row
    is loaded at most once, however often and by however many it is replayed. Where a file was loaded again since its
    rejects were exported, they are found by its URI, their row numbers and their content as exported.

    Args:
        database: the URL of the database.
        edited: an export of rejects with the column ``raw`` corrected, or what was read of one; None: the open
            rejects as they are, for a contract that has changed or conflicts that are gone.
        wanted: without an export, which rejects.
        contract: a newer version of the contract that the files were loaded by; None: that one.
        preview: find out what would happen, and change nothing.
        connections: the named connections of the settings, for object stores.

    Raises:
        ReplayRefusedError: the export cannot be read.
        NotInLedgerError: ``wanted`` names a file, a run, a reason or a column that the ledger does not know.
        TargetIncompatibleError: the target does not fit the newer contract.
        DatabaseUnavailableError: the connection was lost; what is recorded as replayed is done.
    """
    if edited is not None and wanted != OPEN_REJECTS:
        message = "an edited export names its rejects itself"
        raise UsageError(message, hint="leave out the filters, or the file")
    read = read_edited(edited) if isinstance(edited, str | Path) else edited
    with open_ledger(database) as connection:
        require_known(connection, wanted)
        relocation = None if read is None else relocate(connection, read)
        export = None if relocation is None else relocation.export
        if contract is not None:
            ensure_target(connection, contract)
        found = _find_rejects(connection, wanted) if export is None else _find_edited(connection, export)
        groups, refused = _sort_out(found, contract)
        if relocation is not None:
            refused = [*_refuse_ids(found, relocation), *refused]
        moved = 0 if relocation is None else relocation.moved
        if not groups:
            return ReplayResult(None, (), tuple(refused), is_preview=preview, rejects_moved=moved)
        run = _Replay(connection, database, contract, wanted, export, connections)
        files, run_id = run.preview(groups) if preview else run.apply(groups)
    replayed = [file.file_id for file in files if file.rows_loaded and not preview]
    handed_over = settle_handovers(database, replayed, Accesses.to((), connections)) if replayed else ()
    return ReplayResult(
        run_id,
        tuple(files),
        tuple(refused),
        is_preview=preview,
        rejects_moved=moved,
        handed_over=tuple(handed_over),
    )


@dataclass(frozen=True, slots=True)
class _Found:
    """The rejects of one file and one state that are to be tried."""

    file_id: int
    uri: str
    target: str
    file_state: str
    contract_id: int
    contract_name: str
    reject_state: str
    resolved_run_id: int | None
    rejects: int
    reject_ids: list[int]


_FOUND_SQL: LiteralString = """
SELECT f.file_id, f.uri, f.target, f.state AS file_state, f.contract_id, c.name AS contract_name,
    r.state AS reject_state, r.resolved_run_id, count(*) AS rejects,
    coalesce(array_agg(r.reject_id ORDER BY r.reject_id) FILTER (WHERE %(with_ids)s), '{}') AS reject_ids
FROM ingest.reject AS r
JOIN ingest.file AS f USING (file_id)
JOIN ingest.contract AS c USING (contract_id)
WHERE
"""
_GROUP_SQL: LiteralString = " GROUP BY f.file_id, c.name, r.state, r.resolved_run_id ORDER BY f.file_id, r.state"


def _find_rejects(connection: Connection, wanted: RejectFilter) -> list[_Found]:
    return _find(connection, WHERE, {**wanted.parameters, "states": ["open"], "with_ids": False})


def _find_edited(connection: Connection, export: EditedExport) -> list[_Found]:
    parameters = {"reject_ids": list(export.raw_texts), "with_ids": True}
    return _find(connection, "r.reject_id = ANY(%(reject_ids)s)", parameters)


def _find(connection: Connection, condition: LiteralString, parameters: Mapping[str, Any]) -> list[_Found]:
    with connection.cursor(row_factory=class_row(_Found)) as cursor:
        return cursor.execute(_FOUND_SQL + condition + _GROUP_SQL, parameters).fetchall()


def _sort_out(found: list[_Found], contract: Contract | None) -> tuple[list[_Found], list[Refusal]]:
    """What can be tried, and what is refused."""
    groups: list[_Found] = []
    refused: list[Refusal] = []
    for group in found:
        why = _why_refused(group, contract)
        if why is None:
            groups.append(group)
        else:
            refused.append(
                Refusal(
                    why, group.rejects, tuple(group.reject_ids), group.file_id, is_settled=group.reject_state != "open"
                )
            )
    return groups, refused


def _why_refused(group: _Found, contract: Contract | None) -> str | None:
    if group.reject_state == "replayed":
        return f"already replayed by run {group.resolved_run_id}"
    if group.reject_state == "discarded":
        return "discarded"
    if group.file_state == "failed":
        return (
            f"file {group.file_id} failed, so that none of its rows is loaded: correct the file or the contract,"
            " or raise the limit with --max-rejects, and run it again"
        )
    if group.file_state != "loaded":
        return f"file {group.file_id} is not loaded ({group.file_state}): its rejects are kept for the record"
    if contract is not None and (contract.name, contract.target.qualified_name) != (group.contract_name, group.target):
        return (
            f"file {group.file_id} was loaded into {group.target} by contract {group.contract_name},"
            f" not into {contract.target.qualified_name} by {contract.name}"
        )
    return None


_EXPORT_AGAIN = "export again with: trade-ingest rejects --export FILE.csv"
_LOST = (
    "the ledger has no such reject, nor one of the same row with the same content: its file was loaded again since the"
    f" export, or the export is of another database; {_EXPORT_AGAIN}"
)
_AMBIGUOUS = f"the ledger has no such reject, and several files have its row; {_EXPORT_AGAIN}"


def _refuse_ids(found: list[_Found], relocation: Relocation) -> Iterator[Refusal]:
    export = relocation.export
    # one that a rollback took away in this moment is lost, too
    vanished = set(export.raw_texts) - {reject_id for group in found for reject_id in group.reject_ids}
    if lost := tuple(sorted({*relocation.lost, *vanished})):
        yield Refusal(_LOST, len(lost), lost)
    if relocation.ambiguous:
        yield Refusal(_AMBIGUOUS, len(relocation.ambiguous), relocation.ambiguous)
    if export.repeated:
        yield Refusal("more than once in the file: which one is meant?", len(export.repeated), export.repeated)


class _Replay:
    """One replay: its run, and its files one after the other."""

    def __init__(
        self,
        connection: Connection,
        database: str,
        contract: Contract | None,
        wanted: RejectFilter,
        export: EditedExport | None,
        connections: Connections,
    ) -> None:
        self._connection = connection
        self._database = database
        self._contract = contract
        self._wanted = wanted
        self._export = export
        self._connections = connections

    def preview(self, groups: list[_Found]) -> tuple[list[ReplayedFile], None]:
        """Do it all and undo it."""
        return [self._replay_file(group, None) for group in groups], None

    def apply(self, groups: list[_Found]) -> tuple[list[ReplayedFile], int]:
        """Do it, recorded as a run."""
        connection = self._connection
        contract_ids = {group.contract_id for group in groups}
        contract_id = contract_ids.pop() if len(contract_ids) == 1 else None
        if self._contract is not None:
            contract_id = contract_id_of(connection, self._contract)
        run_id = start_run(
            connection,
            "replay",
            sources=[group.uri for group in groups],
            contract_id=contract_id,
            target=", ".join(sorted({group.target for group in groups})),
            engine="none",
            options=self._options(),
        )
        files: list[ReplayedFile] = []
        try:
            files.extend(self._replay_file(group, run_id) for group in groups)
        except BaseException as exc:
            state = RunState.INTERRUPTED if isinstance(exc, KeyboardInterrupt) else RunState.FAILED
            if not connection.closed:
                code = exc.code if isinstance(exc, TradeIngestError) else type(exc).__name__
                end_run(connection, run_id, state, _counters(groups, files), {"code": code, "message": str(exc)})
            raise
        is_failed = any(file.error is not None for file in files)
        end_run(
            connection, run_id, RunState.FAILED if is_failed else RunState.SUCCEEDED, _counters(groups, files), None
        )
        return files, run_id

    def _options(self) -> dict[str, Any]:
        wanted = self._wanted
        return {
            "edited": self._export is not None,
            "file_ids": list(wanted.file_ids),
            "run_id": wanted.run_id,
            "reason": wanted.reason,
            "column": wanted.column,
        }

    def _replay_file(self, group: _Found, run_id: int | None) -> ReplayedFile:
        for attempt in range(1, _TRIES + 1):
            try:
                return self._replay_once(group, run_id)
            except psycopg.Error as exc:
                error = as_ingest_error(exc)
                if not error.retryable or attempt == _TRIES or self._connection.closed:
                    raise error from exc
            except DatabaseUnavailableError:
                if attempt == _TRIES or self._connection.closed:
                    raise
            except FileError as exc:
                return ReplayedFile(group.file_id, group.uri, error=ErrorInfo.of(exc))
            time.sleep(0.05 * 2**attempt)
        raise AssertionError  # pragma: no cover

    def _replay_once(self, group: _Found, run_id: int | None) -> ReplayedFile:
        from trade_ingest.load.rejects import RejectLoad

        is_preview = run_id is None
        contract = self._contract or stored_contract(self._connection, group.contract_id)
        # partitions are made beside the transaction; a preview makes them inside, and undoes them
        side = self._connection if is_preview else open_connection(self._database, name="trade-ingest ledger")
        try:
            with self._connection.transaction() as transaction:
                if is_preview:
                    self._connection.execute("SET LOCAL lock_timeout = '5s'")
                load = RejectLoad(
                    self._connection, side, group.file_id, contract, run_id, connections=self._connections
                )
                if self._export is None:
                    done = load.run(self._wanted, None)
                else:
                    texts = {i: self._export.raw_texts[i] for i in group.reject_ids}
                    done = load.run(OPEN_REJECTS, texts)
                if is_preview:
                    raise psycopg.Rollback(transaction)
        finally:
            if side is not self._connection:
                side.close()
        return ReplayedFile(
            group.file_id,
            group.uri,
            done.rows_tried,
            done.rows_loaded,
            done.rows_duplicate,
            done.rows_rejected,
            dict(sorted(done.reasons.items(), key=lambda item: (-item[1], item[0]))),
        )


def _counters(groups: list[_Found], files: list[ReplayedFile]) -> dict[str, int]:
    counters = dict.fromkeys(RUN_COUNTERS, 0)
    counters["files_planned"] = len(groups)
    for file in files:
        counters["files_failed" if file.error else "files_loaded"] += 1
        counters["rows_read"] += file.rows_tried
        counters["rows_loaded"] += file.rows_loaded
        counters["rows_duplicate"] += file.rows_duplicate
        counters["rows_rejected"] += file.rows_rejected
    return counters
