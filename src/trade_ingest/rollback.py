"""Take files out again: exactly their rows, and what they had replaced comes back."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, LiteralString

from psycopg import errors as pg
from psycopg import sql
from psycopg.rows import class_row

from trade_ingest.errors import NotInLedgerError, RollbackRefusedError, UsageError
from trade_ingest.lake.handover import settle_handovers
from trade_ingest.ledger.contracts import stored_contract
from trade_ingest.ledger.events import Event, EventKind, record_event
from trade_ingest.ledger.files import FileRow, find_same_content, lock_file
from trade_ingest.ledger.queries import fetch_row, find_replacement, find_versions, get_run_row, open_ledger
from trade_ingest.ledger.runs import RUN_COUNTERS, RunState, end_run, start_run
from trade_ingest.load.replace import delete_rows, restore_replaced
from trade_ingest.load.target import TargetTable
from trade_ingest.load.task import HandedOver
from trade_ingest.source.access import Accesses
from trade_ingest.source.listing import Connections
from trade_ingest.source.location import canonical_uri

if TYPE_CHECKING:
    import psycopg

    Connection = psycopg.Connection[Any]


@dataclass(frozen=True, slots=True)
class RolledBackFile:
    """One file that was taken out.

    Attributes:
        file_id: its id.
        uri: its URI.
        target: the table that had its rows.
        rows_removed: rows taken out; in a preview the rows that the ledger says it has.
        restored_file_id: the file whose rows came back in its place.
        rows_restored: how many they are.
    """

    file_id: int
    uri: str
    target: str
    rows_removed: int
    restored_file_id: int | None = None
    rows_restored: int = 0


@dataclass(frozen=True, slots=True)
class LostDuplicates:
    """A loaded file, and how many of its rows were counted as duplicates of rows that are gone.

    ``contract`` is the name of the contract that it was loaded by.
    """

    file_id: int
    uri: str
    contract: str
    rows: int


@dataclass(frozen=True, slots=True)
class RollbackResult:
    """What a rollback did, or with ``is_preview`` would do.

    Attributes:
        run_id: the run that it is recorded as; None for a preview.
        files: the files, newest first.
        rows_missing: rows that the ledger said were loaded and that were not in the target any more.
        lost_duplicates: files that are loaded and had rows counted as duplicates of rows that are gone now. These rows
            are in no table, unless a restored file has them: roll these files back too and load them again.
        released: files that were skipped because they have the same content; the next run loads one of them.
        is_preview: nothing was changed.
        handed_over: what came of the lakes.
    """

    run_id: int | None
    files: tuple[RolledBackFile, ...]
    rows_missing: int = 0
    lost_duplicates: tuple[LostDuplicates, ...] = ()
    released: tuple[str, ...] = ()
    is_preview: bool = False
    handed_over: tuple[HandedOver, ...] = ()

    @property
    def rows_removed(self) -> int:
        """Rows taken out of all files."""
        return sum(file.rows_removed for file in self.files)

    @property
    def rows_restored(self) -> int:
        """Rows brought back."""
        return sum(file.rows_restored for file in self.files)

    @property
    def commands(self) -> list[str]:
        """The commands that load lost duplicates again."""
        if not self.lost_duplicates:
            return []
        ids = " ".join(str(lost.file_id) for lost in self.lost_duplicates)
        by_contract: dict[str, list[str]] = {}
        for lost in self.lost_duplicates:
            by_contract.setdefault(lost.contract, []).append(lost.uri)
        reloads = [
            shlex.join(["trade-ingest", "run", "--reload", *uris, "--contract", contract])
            for contract, uris in by_contract.items()
        ]
        return [f"trade-ingest rollback {ids}", *reloads]


def rollback(
    database: str,
    *,
    file_ids: Sequence[int] = (),
    run_id: int | None = None,
    preview: bool = False,
    connections: Connections = (),
) -> RollbackResult:
    """Take out the rows of files, bring back the rows that these had replaced, and mark the files rolled back.

    One transaction: all of it or nothing, also for many files. Rows are found by their lineage, so no other row is
    touched. A load of one of the files that is running is waited for. Later runs skip the files unless told to reload.
    The ledger keeps the files' counts and rejects as history, and the rollback as a run of kind ``rollback``. After the
    COMMIT the lakes follow; what fails there is left to the next run.

    Args:
        database: the URL of the database.
        file_ids: the files.
        run_id: instead of them all files that this run loaded.
        preview: find out what would happen, and change nothing.
        connections: the named connections of the settings, for lakes in object stores.

    Raises:
        NotInLedgerError: there is no such file or run.
        RollbackRefusedError: a file is not loaded, another one has taken its place, or rows that would come back
            collide with rows loaded since; ``fields['file_ids']`` has the files that are in the way.
        DatabaseUnavailableError: the connection was lost or another transaction was in the way; nothing was changed.
    """
    if bool(file_ids) == (run_id is not None):
        message = "either files or a run can be rolled back"
        raise UsageError(message, hint="name file ids, or one run")
    with open_ledger(database) as connection, connection.transaction():
        wanted = tuple(dict.fromkeys(file_ids)) if run_id is None else _files_of_run(connection, run_id)
        work = _Rollback(connection, wanted)
        if preview:
            return work.preview()
        result = work.apply(f"run {run_id}" if run_id is not None else f"file {', '.join(map(str, wanted))}")
    restored = [file.restored_file_id for file in result.files if file.restored_file_id is not None]
    handed_over = settle_handovers(database, [*wanted, *restored], Accesses.to((), connections))
    return replace(result, handed_over=tuple(handed_over))


def find_loaded(database: str, files: Sequence[str]) -> tuple[int, ...]:
    """The files that a user means: each is named by its number in the ledger, or by its path or URI.

    A path means the version that is loaded, in every target that has one.

    Raises:
        NotInLedgerError: no version of a path is loaded.
    """
    if all(file.isdecimal() for file in files):
        return tuple(int(file) for file in files)
    found: list[int] = []
    with open_ledger(database) as connection:
        for file in files:
            if file.isdecimal():
                found.append(int(file))
                continue
            versions = [v for v in find_versions(connection, canonical_uri(file)) if v.state == "loaded"]
            if not versions:
                message = f"{file}: no version of it is loaded"
                raise NotInLedgerError(message, hint=f"see: trade-ingest explain {shlex.quote(file)}")
            found += [version.file_id for version in versions]
    return tuple(found)


@dataclass(frozen=True, slots=True)
class _Step:
    """One file to take out; ``from_replaced`` because another step's file had taken its place."""

    file: FileRow
    target: TargetTable
    restores: FileRow | None
    from_replaced: bool


class _Rollback:
    """The steps of one rollback; all ledger rows that it changes are locked when it is made."""

    def __init__(self, connection: Connection, file_ids: Iterable[int]) -> None:
        self._connection = connection
        # a loader locks a file and then the older one that it replaces: the same order here
        self._files = {file_id: self._lock(file_id) for file_id in _newest_first(connection, file_ids)}
        self._steps = [self._step(file) for file in self._files.values()]

    def _lock(self, file_id: int) -> FileRow:
        file = lock_file(self._connection, file_id, waits=True)
        if file is None:
            message = f"the ledger has no file {file_id}"
            raise NotInLedgerError(message, hint="list the files with: trade-ingest files", file_id=file_id)
        return file

    def _step(self, file: FileRow) -> _Step:
        replacement = find_replacement(self._connection, file.file_id) if file.state == "replaced" else None
        if replacement is not None and replacement not in self._files:
            message = f"file {file.file_id} ({file.uri}) was replaced by file {replacement}"
            hint = f"roll that one back first: trade-ingest rollback {replacement}"
            raise RollbackRefusedError(message, hint=hint, file_ids=(replacement,))
        if file.state != "loaded" and replacement is None:
            raise _not_loaded(file)
        restores = None
        if file.replaces_file_id is not None and file.replaces_file_id not in self._files:
            restores = self._lock(file.replaces_file_id)
            restores = restores if restores.state == "replaced" else None
        return _Step(file, self._target_of(file), restores, from_replaced=replacement is not None)

    def _target_of(self, file: FileRow) -> TargetTable:
        query: LiteralString = "SELECT contract_id FROM ingest.file WHERE file_id = %s"
        (contract_id,) = fetch_row(self._connection, query, [file.file_id])
        return TargetTable.of(stored_contract(self._connection, contract_id))

    def preview(self) -> RollbackResult:
        """What would happen."""
        for step in self._steps:
            if step.restores is not None and (colliding := self._colliding(step.restores, step.target)):
                raise _collision(step.restores, colliding)
        files = tuple(
            RolledBackFile(
                step.file.file_id,
                step.file.uri,
                step.file.target,
                step.file.rows_loaded,
                step.restores.file_id if step.restores else None,
                step.restores.rows_loaded if step.restores else 0,
            )
            for step in self._steps
        )
        return self._result(None, files, is_preview=True)

    def apply(self, subject: str) -> RollbackResult:
        """Do it, and record it as a run that is seen when the transaction commits."""
        connection = self._connection
        run_id = start_run(
            connection,
            "rollback",
            sources=[step.file.uri for step in self._steps],
            contract_id=None,
            target=", ".join(sorted({step.file.target for step in self._steps})),
            engine="none",
            options={"subject": subject, "file_ids": list(self._files)},
        )
        files = []
        for step in self._steps:
            done = self._take_out(step)
            files.append(done)
            detail = {
                "uri": done.uri,
                "rows_removed": done.rows_removed,
                "restored_file_id": done.restored_file_id,
                "rows_restored": done.rows_restored,
            }
            record_event(connection, Event(EventKind.FILE_ROLLED_BACK, run_id, done.file_id, detail))
        result = self._result(run_id, tuple(files), is_preview=False)
        connection.execute("DELETE FROM ingest.overlap WHERE file_id = ANY(%s)", [list(self._files)])
        end_run(
            connection,
            run_id,
            RunState.SUCCEEDED,
            dict.fromkeys(RUN_COUNTERS, 0) | {"files_planned": len(files)},
            None,
        )
        return result

    def _take_out(self, step: _Step) -> RolledBackFile:
        file, connection = step.file, self._connection
        if step.from_replaced:
            removed = _delete_replaced(connection, step.target, file.file_id)
        else:
            removed = delete_rows(connection, step.target, file)
            if removed != file.rows_loaded:  # rows that somebody moved out of the file's range of event times
                removed += delete_rows(connection, step.target, replace(file, event_time_min=None, event_time_max=None))
        connection.execute(
            "UPDATE ingest.file SET state = 'rolled_back', reason = NULL WHERE file_id = %s", [file.file_id]
        )
        done = RolledBackFile(file.file_id, file.uri, file.target, removed)
        if step.restores is None:
            return done
        restored = self._restore(step, step.restores)
        return replace(done, restored_file_id=step.restores.file_id, rows_restored=restored)

    def _restore(self, step: _Step, restores: FileRow) -> int:
        # the version that comes back may have been registered again since; one row of the two stands for it
        self._connection.execute(
            "UPDATE ingest.file SET state = 'replaced', reason = 'superseded' WHERE target = %s AND uri = %s"
            " AND version = %s AND file_id <> %s AND state IN ('rolled_back', 'failed', 'skipped', 'pending')",
            [restores.target, restores.uri, restores.version, restores.file_id],
        )
        try:
            with self._connection.transaction():
                return restore_replaced(self._connection, step.target, restores.file_id)
        except pg.UniqueViolation as exc:
            colliding = self._colliding(restores, step.target)
            if not colliding:  # not for the rows: the ledger's own index says that the content is loaded
                raise
            raise _collision(restores, colliding) from exc

    def _colliding(self, restores: FileRow, target: TargetTable) -> dict[int, int]:
        """The files outside of this rollback that have keys, or the whole content, of what would be restored."""
        colliding: dict[int, int] = {}
        if restores.content_hash is not None:
            same = find_same_content(self._connection, restores.target, restores.content_hash)
            if same is not None and same not in self._files:
                colliding[same] = restores.rows_loaded
        if target.key:
            on = sql.SQL(" AND ").join(sql.SQL("r.{0} = t.{0}").format(sql.Identifier(name)) for name in target.key)
            query = sql.SQL(
                "SELECT t.file_id, count(*) FROM {} AS r JOIN {} AS t ON {} WHERE r.file_id = %s"
                " AND t.file_id <> ALL(%s) GROUP BY t.file_id"
            ).format(target.replaced_identifier, target.identifier, on)
            colliding |= dict(self._connection.execute(query, [restores.file_id, list(self._files)]))
        return colliding

    def _result(self, run_id: int | None, files: tuple[RolledBackFile, ...], *, is_preview: bool) -> RollbackResult:
        restored = [file.restored_file_id for file in files if file.restored_file_id is not None]
        parameters = {"gone": list(self._files), "restored": restored}
        with self._connection.cursor(row_factory=class_row(LostDuplicates)) as cursor:
            lost = cursor.execute(_LOST_DUPLICATES_SQL, parameters).fetchall()
        released = self._connection.execute(_RELEASED_SQL, parameters)
        missing = sum(
            max(step.file.rows_loaded - f.rows_removed, 0) for step, f in zip(self._steps, files, strict=True)
        )
        return RollbackResult(
            run_id, files, missing, tuple(lost), tuple(row[0] for row in released), is_preview=is_preview
        )


_LOST_DUPLICATES_SQL: LiteralString = """
SELECT f.file_id, f.uri, c.name AS contract, sum(o.rows)::bigint AS rows
FROM ingest.overlap AS o
JOIN ingest.file AS f USING (file_id)
JOIN ingest.contract AS c USING (contract_id)
JOIN ingest.file AS original ON original.file_id = o.original_file_id
WHERE f.file_id <> ALL(%(gone)s) AND f.state = 'loaded' AND o.original_file_id = ANY(%(gone)s)
    OR f.file_id = ANY(%(restored)s) AND original.state <> 'loaded' AND original.file_id <> ALL(%(restored)s)
GROUP BY f.file_id, f.uri, c.name
ORDER BY f.file_id
"""

_RELEASED_SQL: LiteralString = """
SELECT uri FROM ingest.file
WHERE same_as_file_id = ANY(%(gone)s) AND state = 'skipped' AND reason = 'same_content'
ORDER BY uri
"""


def _newest_first(connection: Connection, file_ids: Iterable[int]) -> Iterator[int]:
    wanted = list(file_ids)
    known = [
        row[0]
        for row in connection.execute(
            "SELECT file_id FROM ingest.file WHERE file_id = ANY(%s) ORDER BY loaded_at DESC NULLS LAST, file_id DESC",
            [wanted],
        )
    ]
    yield from (file_id for file_id in wanted if file_id not in known)  # locking them says that there are none
    yield from known


def _files_of_run(connection: Connection, run_id: int) -> tuple[int, ...]:
    """The files that a run loaded and that are still in the target, or that another file has replaced."""
    get_run_row(connection, run_id)  # refuses a run that does not exist
    found = connection.execute(
        "SELECT file_id FROM ingest.file WHERE run_id = %s AND state IN ('loaded', 'replaced')"
        " AND reason IS DISTINCT FROM 'superseded'",
        [run_id],
    )
    files = tuple(row[0] for row in found)
    if not files:
        message = f"run {run_id} has no file that is loaded"
        raise RollbackRefusedError(message, hint=f"see its files with: trade-ingest files --run {run_id}", file_ids=())
    return files


def _delete_replaced(connection: Connection, target: TargetTable, file_id: int) -> int:
    query = sql.SQL("DELETE FROM {} WHERE file_id = {}").format(target.replaced_identifier, sql.Literal(file_id))
    return connection.execute(query).rowcount


def _not_loaded(file: FileRow) -> RollbackRefusedError:
    states: Mapping[str, str] = {
        "rolled_back": "is rolled back already",
        "failed": "failed: nothing of it is in the target",
        "skipped": f"was skipped ({file.reason}): nothing of it is in the target",
        "pending": "is not loaded yet",
        "baseline": "was marked as loaded by a baseline: its rows are not known by their file",
        "replaced": "is superseded by another file of the same version",
    }
    message = f"file {file.file_id} ({file.uri}) {states[file.state]}"
    return RollbackRefusedError(message, hint=f"see: trade-ingest files {file.file_id}", file_ids=(file.file_id,))


def _collision(restores: FileRow, colliding: Mapping[int, int]) -> RollbackRefusedError:
    which = ", ".join(f"file {file_id} ({rows:,} rows)" for file_id, rows in sorted(colliding.items()))
    ids = " ".join(map(str, sorted(colliding)))
    message = f"rows of file {restores.file_id} ({restores.uri}) cannot come back: loaded since by {which}"
    hint = f"roll back the newer file first: trade-ingest rollback {ids}"
    return RollbackRefusedError(message, hint=hint, file_ids=tuple(sorted(colliding)))
