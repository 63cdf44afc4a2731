"""Why a file was loaded, or was not, and what the next run does with it."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trade_ingest.contract.loading import load_contract
from trade_ingest.contract.model import Contract
from trade_ingest.errors import UsageError
from trade_ingest.ledger import schema
from trade_ingest.ledger.after_load import FileAction, find_action, find_place
from trade_ingest.ledger.connection import open_connection, wrap_database_errors
from trade_ingest.ledger.contracts import stored_contract
from trade_ingest.ledger.handover import FileHandover, file_handovers
from trade_ingest.ledger.known import similar_uris
from trade_ingest.ledger.queries import Attempt, FileSummary, find_replacement, find_versions, list_attempts
from trade_ingest.plan import LOADED_REASONS, PlannedFile, PlanReason, make_plan
from trade_ingest.source.delivery import judged
from trade_ingest.source.file import SourceFile
from trade_ingest.source.listing import Connections, find_file
from trade_ingest.source.location import canonical_uri

if TYPE_CHECKING:
    import psycopg

    Connection = psycopg.Connection[Any]

DEFAULT_CONTRACT = "trade_event"


@dataclass(frozen=True, slots=True)
class ExplainedVersion:
    """One version of a file that the ledger knows.

    Attributes:
        file: its row.
        sentence: why it is in its state.
        hint: what to do about it; empty if nothing is to be done.
        attempts: all tries to load it, first to last.
        after_load: what was to be done with it then, and what came of it; None: it was to be kept.
        lakes: what the lakes of its target hold of it.
    """

    file: FileSummary
    sentence: str
    hint: str
    attempts: list[Attempt]
    after_load: FileAction | None = None
    lakes: list[FileHandover] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class NextRun:
    """What the next run over the file would do with it, by which contract, and why."""

    contract: str
    target: str
    version: str
    reason: PlanReason
    sentence: str

    @property
    def is_loaded(self) -> bool:
        """Whether it would load the file."""
        return self.reason in LOADED_REASONS


@dataclass(frozen=True, slots=True)
class Explanation:
    """All that is known of a file.

    Attributes:
        uri: the file.
        versions: the versions that the ledger knows, newest first.
        next_run: what the next run would do; None if the file is not there now.
        similar: where nothing is known of the file: up to three URIs of the ledger that may have been meant.
    """

    uri: str
    versions: tuple[ExplainedVersion, ...]
    next_run: NextRun | None
    similar: tuple[str, ...] = ()

    @property
    def sentence(self) -> str:
        """The short answer."""
        if self.versions:
            return self.versions[0].sentence
        if self.next_run is None:
            return "not in the ledger, and no such file is there"
        return f"not in the ledger: {self.next_run.sentence}"


def explain(
    database: str,
    uri: str,
    *,
    contract: Contract | None = None,
    target: str | None = None,
    connections: Connections = (),
) -> Explanation:
    """Say why a file was loaded or was not, for each version that the ledger knows, and what the next run would do.

    Args:
        database: the URL of the database; it need not have a ledger.
        uri: the file's URI or path.
        contract: what the next run would load it by; None: the contract that it was last loaded by, or the default.
        target: only versions for this target; None: the contract's, or all.
        connections: the named connections of the settings, for object stores.

    Raises:
        UsageError: the path is a folder.
    """
    path = canonical_uri(uri)
    if Path(path).is_dir():
        message = f"{path} is a folder"
        raise UsageError(message, hint=f"name one file, or see all of them with: trade-ingest plan {uri}")
    wanted = contract.target.qualified_name if contract is not None else target
    with wrap_database_errors(), open_connection(database) as connection:
        has_ledger = schema.current_revision(connection) is not None
        if has_ledger:
            schema.require_ledger(connection)
        explained = explain_versions(connection, path, target=wanted) if has_ledger else ()
        if contract is None:
            contract = (
                stored_contract(connection, explained[0].file.contract_id)
                if explained
                else load_contract(DEFAULT_CONTRACT)
            )
        next_run = _next_run(connection, find_file(uri, connections=connections), contract, has_ledger=has_ledger)
        is_unknown = has_ledger and not explained and next_run is None
        similar = tuple(similar_uris(connection, path)) if is_unknown else ()
    return Explanation(path, explained, next_run, similar)


def explain_versions(connection: Connection, uri: str, *, target: str | None = None) -> tuple[ExplainedVersion, ...]:
    """Say of each version that the ledger knows why it is in its state, newest first; asks no source."""
    versions = find_versions(connection, uri, target=target)
    return tuple(_explain_version(connection, version) for version in versions)


def _next_run(
    connection: Connection, file: SourceFile | None, contract: Contract, *, has_ledger: bool
) -> NextRun | None:
    if file is None:
        return None
    plan = make_plan(connection, [judged(file, contract.delivery)], contract, has_ledger=has_ledger)
    planned = next(plan.files)
    return NextRun(contract.name, plan.target, planned.file.version, planned.reason, _plan_sentence(planned))


def _plan_sentence(planned: PlannedFile) -> str:
    why = {
        PlanReason.NEW: "it is new",
        PlanReason.RETRY: "it was not loaded before",
        PlanReason.CHANGED: "its content has changed",
        PlanReason.RELOAD: "it was rolled back and reloading is asked for",
        PlanReason.ALREADY_LOADED: "this version is loaded",
        PlanReason.SAME_CONTENT: "its content is loaded from another file",
        PlanReason.CHANGED_SKIPPED: "its content has changed, and the contract skips changed files",
        PlanReason.ROLLED_BACK: "it was rolled back",
        PlanReason.BASELINE: "a baseline marked it as loaded",
        PlanReason.NOT_SETTLED: "it may still be being written",
        PlanReason.NO_MARKER: "its delivery is not marked as whole",
        PlanReason.NO_MANIFEST: "its delivery has no manifest",
        PlanReason.NOT_IN_MANIFEST: "its delivery's manifest leaves it out",
        PlanReason.INCOMPLETE_DELIVERY: "its delivery is not whole",
        PlanReason.NO_CHECKSUM: "it has no checksum",
    }[planned.reason]
    detail = f" ({planned.explanation})" if planned.explanation else ""
    return f"{'would be loaded' if planned.is_loaded else 'would be skipped'}: {why}{detail}"


def _explain_version(connection: Connection, file: FileSummary) -> ExplainedVersion:
    sentence, hint = _SENTENCES[file.state](connection, file)
    action = find_action(connection, file.file_id)
    lakes = file_handovers(connection, file.file_id)
    return ExplainedVersion(file, sentence, hint, list_attempts(connection, file.file_id), action, lakes)


def _loaded(_: Connection, file: FileSummary) -> tuple[str, str]:
    counts = f"{file.rows_loaded:,} of {file.rows_read:,} rows"
    extra = [f"{file.rows_duplicate:,} duplicate"] if file.rows_duplicate else []
    extra += [f"{file.rows_rejected:,} rejected"] if file.rows_rejected else []
    detail = f"; {', '.join(extra)}" if extra else ""
    hint = f"see the rejects with: trade-ingest rejects --file {file.file_id}" if file.rows_rejected else ""
    replaced = f", in place of file {file.replaces_file_id}" if file.replaces_file_id is not None else ""
    return f"loaded by run {file.run_id} at {file.loaded_at:%Y-%m-%d %H:%M:%S} UTC{replaced} ({counts}{detail})", hint


def _failed(_: Connection, file: FileSummary) -> tuple[str, str]:
    error = file.error or {"code": file.reason, "message": "", "hint": ""}
    return f"failed in run {file.run_id} because {error['message']} ({error['code']})", str(error["hint"])


def _skipped(connection: Connection, file: FileSummary) -> tuple[str, str]:
    other = file.same_as_file_id
    uri = _uri_of(connection, other)
    if file.reason == "same_content":
        return f"skipped by run {file.run_id}: same content as file {other} ({uri})", ""
    if file.reason == "changed":
        hint = "load it all the same with: trade-ingest run --on-changed replace (or append)"
        return f"skipped by run {file.run_id}: file {other} is loaded, and changed files are skipped", hint
    return f"skipped by run {file.run_id}: {file.reason}", ""


def _replaced(connection: Connection, file: FileSummary) -> tuple[str, str]:
    if file.reason == "superseded":
        return "taken out; an earlier file of the same version was brought back in its place", ""
    by = find_replacement(connection, file.file_id)
    hint = f"bring it back with: trade-ingest rollback {by}" if by is not None else ""
    return f"loaded by run {file.run_id}, then replaced by file {by}: its rows are kept aside", hint


def _rolled_back(connection: Connection, file: FileSummary) -> tuple[str, str]:
    row = connection.execute(
        "SELECT run_id, at FROM ingest.event WHERE file_id = %s AND kind = 'file_rolled_back'"
        " ORDER BY event_id DESC LIMIT 1",
        [file.file_id],
    ).fetchone()
    when = f" by run {row[0]} at {row[1]:%Y-%m-%d %H:%M:%S} UTC" if row else ""
    contract = stored_contract(connection, file.contract_id).name
    place = find_place(connection, file.file_id) or file.uri
    command = shlex.join(["trade-ingest", "run", "--reload", place, "--contract", contract])
    sentence = f"loaded by run {file.run_id}, then rolled back{when}: none of its rows is in the target"
    return sentence, f"load it again with: {command}"


def _pending(_: Connection, __: FileSummary) -> tuple[str, str]:
    return (
        "planned, but not finished: it is being loaded now, or its run was interrupted",
        "run again: nothing is doubled",
    )


def _baseline(_: Connection, file: FileSummary) -> tuple[str, str]:
    return f"marked as loaded by the baseline of run {file.run_id}: its rows were not read", ""


def _uri_of(connection: Connection, file_id: int | None) -> str:
    row = connection.execute("SELECT uri FROM ingest.file WHERE file_id = %s", [file_id]).fetchone()
    return str(row[0]) if row else "unknown"


_SENTENCES = {
    "loaded": _loaded,
    "failed": _failed,
    "skipped": _skipped,
    "replaced": _replaced,
    "rolled_back": _rolled_back,
    "pending": _pending,
    "baseline": _baseline,
}
