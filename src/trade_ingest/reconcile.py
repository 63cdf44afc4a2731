"""Compare what the ledger says with the rows that are in the targets."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, Any, LiteralString

from psycopg import IsolationLevel, sql
from psycopg.rows import class_row, dict_row

from trade_ingest.errors import NotInLedgerError, ReconciliationError
from trade_ingest.ledger.queries import get_run_row, open_ledger
from trade_ingest.ledger.runs import live_run_ids

if TYPE_CHECKING:
    import psycopg

    from trade_ingest.contract.model import Contract

    Connection = psycopg.Connection[Any]


class MismatchKind(StrEnum):
    """What differs; the closed set."""

    ROWS = "rows"
    CONTROL_TOTAL = "control_total"
    EVENT_TIME = "event_time"
    ROW_NUMBER = "row_number"
    BALANCE = "balance"
    REJECTS = "rejects"
    REPLACED_ROWS = "replaced_rows"
    UNKNOWN_FILE = "unknown_file"
    FILE_NOT_LOADED = "file_not_loaded"
    UNFINISHED_LOAD = "unfinished_load"
    TARGET_MISSING = "target_missing"


@dataclass(frozen=True, slots=True)
class Mismatch:
    """One difference.

    Attributes:
        kind: what differs.
        file_id: of which file; None: of the target as a whole.
        uri: the file's URI, if the ledger knows the file.
        expected: what the ledger says.
        found: what is there.
        column: the column, for a control total.
    """

    kind: MismatchKind
    file_id: int | None
    uri: str | None
    expected: str
    found: str
    column: str | None = None

    def __str__(self) -> str:
        where = "" if self.file_id is None else f"file {self.file_id}" + (f" ({self.uri})" if self.uri else "") + ": "
        return f"{where}{_LABELS[self.kind].format(column=self.column)}: ledger {self.expected}, found {self.found}"


_LABELS: Mapping[MismatchKind, str] = {
    MismatchKind.ROWS: "rows in the target",
    MismatchKind.CONTROL_TOTAL: "sum of {column}",
    MismatchKind.EVENT_TIME: "event times",
    MismatchKind.ROW_NUMBER: "row numbers",
    MismatchKind.BALANCE: "rows read and accounted for",
    MismatchKind.REJECTS: "rejects kept",
    MismatchKind.REPLACED_ROWS: "rows kept of the replaced file",
    MismatchKind.UNKNOWN_FILE: "rows of a file that the ledger does not know",
    MismatchKind.FILE_NOT_LOADED: "rows of a file that is not loaded",
    MismatchKind.UNFINISHED_LOAD: "rows of a load that died between its commits (the next run takes them out)",
    MismatchKind.TARGET_MISSING: "the target table",
}


@dataclass(frozen=True, slots=True)
class LostDuplicates:
    """Rows of a loaded file that were counted as duplicates of a file that is not loaded any more.

    No mismatch of the ledger, but the rows are in no table, unless a file that took the other's place has them.
    """

    file_id: int
    uri: str
    original_file_id: int
    original_state: str
    rows: int


@dataclass(frozen=True, slots=True)
class ReconciledTarget:
    """One target.

    Attributes:
        target: ``schema.table``.
        files: loaded files that were compared.
        rows: rows that the target has.
        mismatches: all differences, by file.
        lost_duplicates: rows that may be missing although the counts agree.
    """

    target: str
    files: int
    rows: int
    mismatches: tuple[Mismatch, ...]
    lost_duplicates: tuple[LostDuplicates, ...]

    @property
    def is_balanced(self) -> bool:
        """Whether ledger and target agree."""
        return not self.mismatches


@dataclass(frozen=True, slots=True)
class ReconcileResult:
    """What was compared, and each difference."""

    targets: tuple[ReconciledTarget, ...]
    duration_seconds: float = 0.0

    @property
    def files(self) -> int:
        """Loaded files that were compared."""
        return sum(target.files for target in self.targets)

    @property
    def rows(self) -> int:
        """Rows that the targets have."""
        return sum(target.rows for target in self.targets)

    @property
    def mismatches(self) -> tuple[Mismatch, ...]:
        """The differences of all targets."""
        return tuple(mismatch for target in self.targets for mismatch in target.mismatches)

    @property
    def is_balanced(self) -> bool:
        """Whether ledger and targets agree."""
        return not self.mismatches

    @property
    def error(self) -> ReconciliationError | None:
        """The mismatch as an error that says the first difference; None if all agrees."""
        if self.is_balanced:
            return None
        first, *others = self.mismatches
        message = f"{first}" + (f"; and {len(others):,} more" if others else "")
        hint = "somebody changed the target or the ledger: roll the file back and load it again with --reload"
        return ReconciliationError(message, hint=hint, mismatches=self.mismatches)


def reconcile(
    database: str,
    *,
    target: str | None = None,
    contract: Contract | None = None,
    file_ids: Sequence[int] = (),
    run_ids: Sequence[int] = (),
    timeout_seconds: float | None = None,
) -> ReconcileResult:
    """Compare the ledger with the rows in the targets; reads only, and each target once.

    For each loaded file: its rows, its control totals, the range of its event times and row numbers, its balance and
    its rejects; for each replaced file the rows kept of it; and rows whose file is not loaded. All as of one moment, so
    that loads that are running do not matter. A value changed in a column that has no control total is not seen.

    Args:
        database: the URL of the database.
        target: only this target, ``schema.table``.
        contract: only this contract's target.
        file_ids: only these files; rows of other files are not looked at.
        run_ids: only the files that these runs were the last to load, and ``file_ids``.
        timeout_seconds: a statement that takes longer is given up; a target takes four, one of which reads it.

    Raises:
        NotInLedgerError: the ledger has no such target, file or run.
        DatabaseUnavailableError: the time was over.
    """
    started = time.monotonic()
    wanted = contract.target.qualified_name if contract is not None else target
    with open_ledger(database) as connection:
        if timeout_seconds is not None:
            milliseconds = max(1, int(timeout_seconds * 1000))
            connection.execute("SELECT set_config('statement_timeout', %s, false)", [f"{milliseconds}ms"])
        live_runs = live_run_ids(connection)
        connection.isolation_level = IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        with connection.transaction():
            if run_ids:
                file_ids = [*file_ids, *_files_of_runs(connection, run_ids)]
                if not file_ids:
                    return ReconcileResult((), time.monotonic() - started)
            names = _targets(connection, wanted, file_ids)
            targets = tuple(_Target(connection, name, file_ids, live_runs).reconcile() for name in names)
    return ReconcileResult(targets, time.monotonic() - started)


def _files_of_runs(connection: Connection, run_ids: Sequence[int]) -> list[int]:
    for run_id in run_ids:
        get_run_row(connection, run_id)
    found = connection.execute("SELECT file_id FROM ingest.file WHERE run_id = ANY(%s)", [list(run_ids)])
    return [file_id for (file_id,) in found]


def _targets(connection: Connection, wanted: str | None, file_ids: Sequence[int]) -> list[str]:
    ids = list(file_ids)
    known = dict(connection.execute("SELECT file_id, target FROM ingest.file WHERE file_id = ANY(%s)", [ids]))
    for file_id in ids:
        if file_id not in known:
            message = f"the ledger has no file {file_id}"
            raise NotInLedgerError(message, hint="list the files with: trade-ingest files", file_id=file_id)
    found = connection.execute(
        "SELECT DISTINCT target FROM ingest.file WHERE (%(wanted)s::text IS NULL OR target = %(wanted)s)"
        " AND (%(ids)s::bigint[] = '{}' OR file_id = ANY(%(ids)s)) ORDER BY target",
        {"wanted": wanted, "ids": ids},
    )
    names = [row[0] for row in found]
    if wanted is not None and not names:
        message = f"the ledger has no file for {wanted}"
        raise NotInLedgerError(message, hint="list the files with: trade-ingest files", target=wanted)
    return names


@dataclass(frozen=True, slots=True)
class _Claim:
    """What the ledger says of a file."""

    file_id: int
    uri: str
    state: str
    reason: str | None
    rows_read: int
    rows_loaded: int
    rows_duplicate: int
    rows_rejected: int
    control_totals: dict[str, str]
    event_time_min: datetime | None
    event_time_max: datetime | None
    rejects: int


_CLAIMS_SQL: LiteralString = """
SELECT file_id, uri, state, reason, rows_read, rows_loaded, rows_duplicate, rows_rejected, control_totals,
    event_time_min, event_time_max,
    (SELECT count(*) FROM ingest.reject AS r WHERE r.file_id = f.file_id AND r.state <> 'replayed') AS rejects
FROM ingest.file AS f
WHERE target = %(target)s AND (%(ids)s::bigint[] = '{}' OR file_id = ANY(%(ids)s))
ORDER BY file_id
"""

_LOST_SQL: LiteralString = """
SELECT f.file_id, f.uri, original.file_id AS original_file_id, original.state AS original_state, o.rows
FROM ingest.overlap AS o
JOIN ingest.file AS f USING (file_id)
JOIN ingest.file AS original ON original.file_id = o.original_file_id
WHERE f.target = %(target)s AND f.state = 'loaded' AND original.state <> 'loaded'
    AND (%(ids)s::bigint[] = '{}' OR f.file_id = ANY(%(ids)s))
ORDER BY f.file_id, original.file_id
"""


# a large file's parts are committed a moment before the file: no mismatch while their run lives
_UNFINISHED_SQL: LiteralString = """
SELECT p.file_id, bool_or(a.run_id = ANY(%(live)s))
FROM ingest.file_part AS p
JOIN ingest.attempt AS a USING (attempt_id)
GROUP BY p.file_id
"""


@dataclass(slots=True)
class _Target:
    """One target's comparison."""

    connection: Connection
    name: str
    file_ids: Sequence[int]
    live_runs: set[int]
    claims: dict[int, _Claim] = field(default_factory=dict)

    def reconcile(self) -> ReconciledTarget:
        parameters = {"target": self.name, "ids": list(self.file_ids)}
        with self.connection.cursor(row_factory=class_row(_Claim)) as cursor:
            self.claims = {claim.file_id: claim for claim in cursor.execute(_CLAIMS_SQL, parameters)}
        with self.connection.cursor(row_factory=class_row(LostDuplicates)) as cursor:
            lost = cursor.execute(_LOST_SQL, parameters).fetchall()
        found = self._scan()
        mismatches = [] if found is None else list(self._compare(found))
        if found is None and any(claim.state == "loaded" for claim in self.claims.values()):
            mismatches = [Mismatch(MismatchKind.TARGET_MISSING, None, None, self.name, "no such table")]
        mismatches += self._compare_replaced()
        loaded = sum(claim.state == "loaded" for claim in self.claims.values())
        rows = sum(facts["rows"] for facts in (found or {}).values())
        return ReconciledTarget(self.name, loaded, rows, tuple(mismatches), tuple(lost))

    def _scan(self) -> dict[int, dict[str, Any]] | None:
        """What the target has of each file; None if there is no such table."""
        columns = self._columns()
        if not columns:
            return None
        wanted = {name for claim in self.claims.values() for name in claim.control_totals}
        event_time = self._event_time()
        facts: list[sql.Composable] = [
            sql.SQL("file_id, count(*) AS rows, min(row_number) AS first_row, max(row_number) AS last_row")
        ]
        facts += [
            sql.SQL("coalesce(sum({}), 0) AS {}").format(sql.Identifier(name), sql.Identifier(f"total {name}"))
            for name in sorted(wanted & columns)
        ]
        if event_time in columns:
            facts.append(sql.SQL("min({0}) AS first_time, max({0}) AS last_time").format(sql.Identifier(event_time)))
        query = sql.SQL("SELECT {} FROM {}{} GROUP BY file_id").format(
            sql.SQL(", ").join(facts), sql.Identifier(*self.name.split(".", 1)), self._only_wanted()
        )
        with self.connection.cursor(row_factory=dict_row) as cursor:
            return {row["file_id"]: row for row in cursor.execute(query)}

    def _only_wanted(self) -> sql.Composable:
        if not self.file_ids:
            return sql.SQL("")
        return sql.SQL(" WHERE file_id = ANY({})").format(sql.Literal(list(self.file_ids)))

    def _columns(self, suffix: str = "") -> set[str]:
        schema, table = self.name.split(".", 1)
        identifier = sql.Identifier(schema, table + suffix).as_string(None)
        return {
            row[0]
            for row in self.connection.execute(
                "SELECT attname FROM pg_attribute WHERE attrelid = to_regclass(%s) AND attnum > 0 AND NOT attisdropped",
                [identifier],
            )
        }

    def _event_time(self) -> str | None:
        row = self.connection.execute(
            "SELECT c.definition->>'event_time' FROM ingest.file AS f JOIN ingest.contract AS c USING (contract_id)"
            " WHERE f.target = %s ORDER BY f.file_id DESC LIMIT 1",
            [self.name],
        ).fetchone()
        return None if row is None else row[0]

    def _compare(self, found: Mapping[int, Mapping[str, Any]]) -> Iterator[Mismatch]:
        for claim in self.claims.values():
            if claim.state == "loaded":
                yield from _file_mismatches(claim, found.get(claim.file_id))
        unfinished = dict(self.connection.execute(_UNFINISHED_SQL, {"live": list(self.live_runs)}))
        for file_id in sorted(found):
            rows = f"{found[file_id]['rows']:,}"
            if not file_id or (file_id in self.claims and self.claims[file_id].state == "baseline"):
                continue  # rows that were there before, by other means
            if file_id not in self.claims:
                yield Mismatch(MismatchKind.UNKNOWN_FILE, file_id, None, "0", rows)
            elif self.claims[file_id].state != "loaded":
                claim = self.claims[file_id]
                if file_id in unfinished:
                    if not unfinished[file_id]:
                        yield Mismatch(MismatchKind.UNFINISHED_LOAD, file_id, claim.uri, "0", rows)
                    continue
                yield Mismatch(MismatchKind.FILE_NOT_LOADED, file_id, claim.uri, f"0 ({claim.state})", rows)

    def _compare_replaced(self) -> Iterator[Mismatch]:
        expected = {
            claim.file_id: claim.rows_loaded
            for claim in self.claims.values()
            if claim.state == "replaced" and claim.reason != "superseded"
        }
        found: dict[int, int] = {}
        if self._columns("_replaced"):
            schema, table = self.name.split(".", 1)
            query = sql.SQL("SELECT file_id, count(*) FROM {}{} GROUP BY file_id").format(
                sql.Identifier(schema, f"{table}_replaced"), self._only_wanted()
            )
            found = dict(self.connection.execute(query))
        for file_id in sorted(expected | found):
            if expected.get(file_id, 0) != found.get(file_id, 0):
                uri = self.claims[file_id].uri if file_id in self.claims else None
                says, has = f"{expected.get(file_id, 0):,}", f"{found.get(file_id, 0):,}"
                yield Mismatch(MismatchKind.REPLACED_ROWS, file_id, uri, says, has)


def _file_mismatches(claim: _Claim, found: Mapping[str, Any] | None) -> Iterator[Mismatch]:
    def differs(kind: MismatchKind, expected: str, value: str, column: str | None = None) -> Mismatch:
        return Mismatch(kind, claim.file_id, claim.uri, expected, value, column)

    facts = found or {"rows": 0}
    if facts["rows"] != claim.rows_loaded:
        yield differs(MismatchKind.ROWS, f"{claim.rows_loaded:,}", f"{facts['rows']:,}")
    for column, total in claim.control_totals.items():
        has = facts.get(f"total {column}") if found else Decimal(0)
        if has is None or Decimal(total) != has:
            yield differs(MismatchKind.CONTROL_TOTAL, total, "no such column" if has is None else f"{has}", column)
    first, last = facts.get("first_time"), facts.get("last_time")
    if first is not None and last is not None and not _is_within(claim, first, last):
        expected = f"{_moment(claim.event_time_min)} to {_moment(claim.event_time_max)}"
        yield differs(MismatchKind.EVENT_TIME, expected, f"{_moment(first)} to {_moment(last)}")
    if found and not 1 <= found["first_row"] <= found["last_row"] <= claim.rows_read:
        yield differs(
            MismatchKind.ROW_NUMBER, f"1 to {claim.rows_read:,}", f"{found['first_row']} to {found['last_row']}"
        )
    accounted = claim.rows_loaded + claim.rows_duplicate + claim.rows_rejected
    if accounted != claim.rows_read:
        yield differs(MismatchKind.BALANCE, f"{claim.rows_read:,}", f"{accounted:,}")
    if claim.rejects != claim.rows_rejected:
        yield differs(MismatchKind.REJECTS, f"{claim.rows_rejected:,}", f"{claim.rejects:,}")


def _is_within(claim: _Claim, first: datetime, last: datetime) -> bool:
    return (
        claim.event_time_min is not None
        and claim.event_time_max is not None
        and claim.event_time_min <= first
        and last <= claim.event_time_max
    )


def _moment(moment: datetime | None) -> str:
    return "none" if moment is None else moment.isoformat()
