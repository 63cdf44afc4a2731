"""What a new delivery of a file changed: its rows against those of the version that it took the place of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, LiteralString

from psycopg import errors as pg
from psycopg import sql
from psycopg.rows import dict_row

from trade_ingest.errors import DatabaseUnavailableError, NotInLedgerError
from trade_ingest.ledger.queries import FileSummary, get_file_summary
from trade_ingest.trades.aside import ASIDE, copy_aside
from trade_ingest.trades.rows import TradeRow, select_rows
from trade_ingest.trades.target import TradeTarget, get_target_of_file
from trade_ingest.trades.window import Window, find_window

if TYPE_CHECKING:
    import psycopg

    from trade_ingest.contract.model import Contract
    from trade_ingest.source.file import SourceFile

    Connection = psycopg.Connection[Any]


@dataclass(frozen=True, slots=True)
class ColumnChange:
    """A column, and how many of the changed rows have another value in it."""

    column: str
    rows: int


@dataclass(frozen=True, slots=True)
class ChangedRow:
    """A row of both versions, and the columns in which they differ."""

    before: TradeRow
    now: TradeRow
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FileChanges:
    """What a file changed against the file that it took the place of.

    Attributes:
        file_id: the file; 0: it is not loaded.
        before_file_id: the version before it.
        target: ``schema.table`` that has or had their rows.
        key: the columns by which a row is found again; empty: rows are compared whole, and none is ``changed``.
        rows_before: rows of the version before.
        rows_now: rows of the file.
        rows_added: rows that only the file has.
        rows_removed: rows that only the version before has.
        rows_changed: rows that both have, with other values.
        columns: the columns that differ in changed rows, in the target's order.
        is_complete: both still have all the rows that were loaded, or all that would be.
        added: the first added rows by their place in the file; of equal ones one.
        removed: the first removed rows, likewise.
        changed: the first changed rows by their place in the file.
    """

    file_id: int
    before_file_id: int
    target: str
    key: tuple[str, ...]
    rows_before: int
    rows_now: int
    rows_added: int
    rows_removed: int
    rows_changed: int
    columns: tuple[ColumnChange, ...]
    is_complete: bool
    added: Sequence[TradeRow]
    removed: Sequence[TradeRow]
    changed: Sequence[ChangedRow]

    @property
    def rows_same(self) -> int:
        """Rows that both have, equal in all columns."""
        return self.rows_now - self.rows_added - self.rows_changed


def find_changes(connection: Connection, file_id: int, *, limit: int) -> FileChanges:
    """Compare a file's rows with those of the file that it took the place of, as of one moment.

    Rows that the file delivered and that are rejects, or duplicates of other files, are not among its rows.

    Args:
        connection: in autocommit mode.
        file_id: the file; it may have been replaced itself since.
        limit: how many rows of each kind are given; at least 1.

    Raises:
        NotInLedgerError: there is no such file, it took no other's place, or the rows of one of them are not kept.
        DatabaseUnavailableError: PostgreSQL takes longer than it may.
    """
    with connection.transaction():
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        connection.execute("SET LOCAL work_mem = '64MB'")  # a million rows are hashed
        now = get_file_summary(connection, file_id)
        before = _version_before(connection, now)
        target, is_keyed = get_target_of_file(connection, now.file_id)
        sides = [_side(connection, target, file) for file in (before, now)]
        try:
            return _Comparison(connection, target, target.key if is_keyed else (), *sides).result(limit)
        except pg.QueryCanceled as exc:
            message = f"comparing file {now.file_id} with file {before.file_id} took longer than the server allows"
            hint = f"compare {now.target} and {now.target}_replaced in SQL, by file_id"
            raise DatabaseUnavailableError(message, hint=hint) from exc


def find_coming_changes(
    connection: Connection, file: SourceFile, contract: Contract, before_file_id: int, *, limit: int
) -> FileChanges:
    """Compare what a changed file has in its source now with the rows of the version that is loaded.

    The file is read and parsed as loading would, into a table of this session that is gone afterwards; nothing else
    is written. Rejects are left out, and so are rows whose key an earlier row of the file has. Whether other files
    have the same rows is not looked up.

    Args:
        connection: in autocommit mode.
        file: the file, with its access.
        contract: what it would be loaded by.
        before_file_id: the version that is loaded.
        limit: how many rows of each kind are given; at least 1.

    Raises:
        NotInLedgerError: the rows of the version before are not kept.
        FileError, StoreError: the file cannot be read, or does not fit the contract.
    """
    with connection.transaction():
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        connection.execute("SET LOCAL work_mem = '64MB'")
        target, _ = get_target_of_file(connection, before_file_id)
        before = get_file_summary(connection, before_file_id)
        rows = copy_aside(connection, file, contract)
        window = Window(target, ASIDE, None, None, sql.SQL("true"))
        sides = [_side(connection, target, before), _Side(0, rows, window)]
        return _Comparison(connection, target, target.key if contract.key else (), *sides).result(limit)


def _version_before(connection: Connection, file: FileSummary) -> FileSummary:
    if file.replaces_file_id is None:
        message = f"file {file.file_id} took the place of no other file"
        raise NotInLedgerError(message, hint="see its versions with: trade-ingest explain", file_id=file.file_id)
    before = get_file_summary(connection, file.replaces_file_id)
    for version, states in ((file, {"loaded", "replaced"}), (before, {"replaced"})):
        if version.state not in states:
            message = f"file {version.file_id} is {version.state}: its rows are not kept to be compared"
            hint = f"see: trade-ingest files {version.file_id}"
            raise NotInLedgerError(message, hint=hint, file_id=version.file_id)
    return before


_TOTALS: LiteralString = """
    (SELECT count(*) FROM {before_table} WHERE {before_condition}) AS rows_before,
    (SELECT count(*) FROM {now_table} WHERE {now_condition}) AS rows_now
"""

# only what differs is kept: to sort or to count by columns what is the same would take longer than to find it out
_BY_KEY_SQL: LiteralString = f"""
WITH differing AS MATERIALIZED (
    SELECT b.row_number AS before_row, n.row_number AS now_row, {{values}}
    FROM (SELECT {{columns}}, row_number FROM {{before_table}} WHERE {{before_condition}}) AS b
    FULL JOIN (SELECT {{columns}}, row_number FROM {{now_table}} WHERE {{now_condition}}) AS n ON {{same_key}}
    WHERE b.row_number IS NULL OR n.row_number IS NULL OR {{differs}}
)
SELECT {_TOTALS},
    count(*) FILTER (WHERE before_row IS NULL) AS rows_added,
    count(*) FILTER (WHERE now_row IS NULL) AS rows_removed,
    count(*) FILTER (WHERE before_row + now_row IS NOT NULL) AS rows_changed,
    ARRAY[{{column_counts}}]::bigint[] AS column_rows,
    (array_agg(now_row ORDER BY now_row) FILTER (WHERE before_row IS NULL))[:{{limit}}] AS added,
    (array_agg(before_row ORDER BY before_row) FILTER (WHERE now_row IS NULL))[:{{limit}}] AS removed,
    (array_agg(now_row ORDER BY now_row) FILTER (WHERE before_row + now_row IS NOT NULL))[:{{limit}}] AS changed,
    (array_agg(before_row ORDER BY now_row) FILTER (WHERE before_row + now_row IS NOT NULL))[:{{limit}}]
        AS changed_before
FROM differing
"""  # noqa: S608  # made of constants

# equal rows are one group; what one version has more of them than the other was added or removed
_WHOLE_SQL: LiteralString = f"""
WITH differing AS MATERIALIZED (
    SELECT count(before_row) AS before_rows, count(now_row) AS now_rows,
        max(before_row) AS before_row, max(now_row) AS now_row
    FROM (
        SELECT {{columns}}, row_number AS before_row, NULL AS now_row FROM {{before_table}} WHERE {{before_condition}}
        UNION ALL
        SELECT {{columns}}, NULL, row_number FROM {{now_table}} WHERE {{now_condition}}
    ) AS both_versions
    GROUP BY {{columns}}
    HAVING count(before_row) <> count(now_row)
)
SELECT {_TOTALS},
    sum(now_rows - before_rows) FILTER (WHERE now_rows > before_rows)::bigint AS rows_added,
    sum(before_rows - now_rows) FILTER (WHERE before_rows > now_rows)::bigint AS rows_removed,
    (array_agg(now_row ORDER BY now_row) FILTER (WHERE now_rows > before_rows))[:{{limit}}] AS added,
    (array_agg(before_row ORDER BY before_row) FILTER (WHERE before_rows > now_rows))[:{{limit}}] AS removed
FROM differing
"""  # noqa: S608  # made of constants


@dataclass(frozen=True, slots=True)
class _Side:
    """A version of a file: how many rows it should have, and where they are."""

    file_id: int
    rows_loaded: int
    window: Window


def _side(connection: Connection, target: TradeTarget, file: FileSummary) -> _Side:
    return _Side(file.file_id, file.rows_loaded, find_window(connection, target, file_id=file.file_id))


class _Comparison:
    """The rows of two versions of a file, in the tables that have them now."""

    def __init__(
        self, connection: Connection, target: TradeTarget, key: tuple[str, ...], before: _Side, now: _Side
    ) -> None:
        self._connection = connection
        self._before, self._now = before, now
        self._target, self._key = target, key
        self._windows = [before.window, now.window]

    def result(self, limit: int) -> FileChanges:
        found = self._compare(limit)
        counts = {name: int(found[name] or 0) for name in ("rows_before", "rows_now", "rows_added", "rows_removed")}
        before, now = self._windows
        changes = zip(self._target.columns, found.get("column_rows") or (), strict=False)
        pairs = zip(found.get("changed_before") or (), found.get("changed") or (), strict=True)
        return FileChanges(
            file_id=self._now.file_id,
            before_file_id=self._before.file_id,
            target=self._target.name,
            key=self._key,
            **counts,
            rows_changed=found.get("rows_changed") or 0,
            columns=tuple(ColumnChange(column.name, rows) for column, rows in changes if rows),
            is_complete=(counts["rows_before"], counts["rows_now"])
            == (self._before.rows_loaded, self._now.rows_loaded),
            added=list(self._rows(now, found["added"]).values()),
            removed=list(self._rows(before, found["removed"]).values()),
            changed=list(self._changed(list(pairs))),
        )

    def _compare(self, limit: int) -> dict[str, Any]:
        before, now = self._windows
        parts: dict[str, sql.Composable] = {
            "columns": sql.SQL(", ").join(sql.Identifier(column.name) for column in self._target.columns),
            "before_table": before.table,
            "before_condition": before.condition,
            "now_table": now.table,
            "now_condition": now.condition,
        }
        query = self._by_key(parts, limit) if self._key else self._whole(parts, limit)
        with self._connection.cursor(row_factory=dict_row) as cursor:
            found = cursor.execute(query).fetchone()
        assert found is not None
        return found

    def _by_key(self, parts: Mapping[str, sql.Composable], limit: int) -> sql.Composed:
        names = [column.name for column in self._target.columns]
        counts, values = [], []
        for number, name in enumerate(names):
            of_pair = {"b": sql.Identifier(f"before {number}"), "n": sql.Identifier(f"now {number}")}
            values += [sql.SQL("{} AS {}").format(sql.Identifier(side, name), of_pair[side]) for side in of_pair]
            count = "count(*) FILTER (WHERE before_row + now_row IS NOT NULL AND {b} IS DISTINCT FROM {n})"
            counts.append(sql.SQL(count).format(**of_pair))
        return sql.SQL(_BY_KEY_SQL).format(
            column_counts=sql.SQL(", ").join(counts),
            values=sql.SQL(", ").join(values),
            differs=sql.SQL("({}) IS DISTINCT FROM ({})").format(_listed("b", names), _listed("n", names)),
            same_key=sql.SQL(" AND ").join(
                sql.SQL("{} = {}").format(sql.Identifier("b", name), sql.Identifier("n", name)) for name in self._key
            ),
            limit=sql.Literal(limit),
            **parts,
        )

    def _whole(self, parts: Mapping[str, sql.Composable], limit: int) -> sql.Composed:
        return sql.SQL(_WHOLE_SQL).format(limit=sql.Literal(limit), **parts)

    def _changed(self, pairs: Sequence[tuple[int, int]]) -> Iterator[ChangedRow]:
        before, now = self._windows
        old_rows = self._rows(before, [old for old, _ in pairs])
        new_rows = self._rows(now, [new for _, new in pairs])
        for old, new in pairs:
            values = new_rows[new].values
            differing = tuple(name for name, value in old_rows[old].values.items() if values[name] != value)
            yield ChangedRow(old_rows[old], new_rows[new], differing)

    def _rows(self, window: Window, row_numbers: Sequence[int] | None) -> dict[int, TradeRow]:
        """Rows by their number, in order."""
        if not row_numbers:
            return {}
        condition = sql.SQL("{} AND row_number = ANY({})").format(window.condition, sql.Literal(list(row_numbers)))
        rows = select_rows(
            self._connection,
            self._target,
            window.table,
            condition=condition,
            order=sql.Identifier("row_number"),
            limit=len(row_numbers),
        )
        return {row.row_number: row for row in rows}


def _listed(table: str, names: Sequence[str]) -> sql.Composed:
    return sql.SQL(", ").join(sql.Identifier(table, name) for name in names)
