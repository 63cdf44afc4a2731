"""The table that takes the rows: made from the contract, or refused when it is another one."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

from trade_ingest.contract.layout import TargetColumn, layout_columns, unique_key
from trade_ingest.contract.model import Contract, CurrentView
from trade_ingest.errors import TargetIncompatibleError
from trade_ingest.load.lifecycle import VIEWS, lifecycle_ddl
from trade_ingest.load.rights import missing_target_rights

LINEAGE_COLUMNS = (
    TargetColumn("file_id", "bigint", nullable=False, description="The file that the row came from: ingest.file."),
    TargetColumn("row_number", "bigint", nullable=False, description="The row's place in its file, from 1."),
)

_KINDS = {
    "v": "a view",
    "m": "a materialized view",
    "f": "a foreign table",
    "S": "a sequence",
    "i": "an index",
    "I": "an index",
    "c": "a composite type",
}
"""What ``pg_class.relkind`` says of a relation that is no table."""

_TARGET_LOCK = 0x7469_0002  # first half of the advisory lock that orders DDL on targets

_KIND_SQL = """
SELECT c.relkind::text FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname = %s AND c.relname = %s
"""

_COLUMNS_SQL = """
SELECT a.attname, format_type(a.atttypid, a.atttypmod), NOT a.attnotnull
FROM pg_attribute AS a
WHERE a.attrelid = to_regclass(%s) AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attnum
"""

_UNIQUE_KEYS_SQL = """
SELECT array_agg(a.attname::text ORDER BY k.position)
FROM pg_index AS i
CROSS JOIN LATERAL unnest(i.indkey) WITH ORDINALITY AS k (attnum, position)
JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
WHERE i.indrelid = to_regclass(%s) AND i.indisunique AND i.indpred IS NULL AND i.indexprs IS NULL
    AND k.position <= i.indnkeyatts
GROUP BY i.indexrelid
"""

_PARTITIONS_SQL = """
SELECT c.relname FROM pg_inherits AS i JOIN pg_class AS c ON c.oid = i.inhrelid WHERE i.inhparent = to_regclass(%s)
"""

_PARTITION_KEY_SQL = "SELECT pg_get_partkeydef(to_regclass(%s))"


@dataclass(frozen=True)
class TargetTable:
    """A target and the SQL that names it.

    Attributes:
        schema_name: its schema.
        table: its name.
        columns: its columns without lineage, in order.
        key: the columns of its unique index; empty for none.
        event_time: the column that it is partitioned by.
        partition_by: ``day``, ``month``, ``year`` or ``none``.
    """

    schema_name: str
    table: str
    columns: tuple[TargetColumn, ...]
    key: tuple[str, ...]
    event_time: str
    partition_by: str

    @classmethod
    def of(cls, contract: Contract) -> TargetTable:
        """The target of a contract."""
        target = contract.target
        return cls(
            target.schema_name,
            target.table,
            layout_columns(contract),
            unique_key(contract),
            contract.event_time,
            target.partition_by,
        )

    @property
    def identifier(self) -> sql.Identifier:
        """The quoted ``schema.table``."""
        return sql.Identifier(self.schema_name, self.table)

    @property
    def replaced_table(self) -> str:
        """The table that keeps rows of replaced files, for a rollback."""
        return f"{self.table}_replaced"

    @property
    def replaced_identifier(self) -> sql.Identifier:
        """The quoted ``schema.table_replaced``."""
        return sql.Identifier(self.schema_name, self.replaced_table)

    @property
    def quoted_name(self) -> str:
        """``"schema"."table"``, for ``to_regclass``."""
        return self.identifier.as_string(None)

    @property
    def column_names(self) -> tuple[str, ...]:
        """All columns, lineage last: the order of COPY."""
        return tuple(c.name for c in (*self.columns, *LINEAGE_COLUMNS))

    @property
    def column_list(self) -> sql.Composed:
        """The quoted ``column_names``, separated by commas."""
        return sql.SQL(", ").join(map(sql.Identifier, self.column_names))


def ensure_target(connection: psycopg.Connection[Any], contract: Contract) -> bool:
    """Make the target if it does not exist, in one transaction; check it if it does.

    A target that was made by somebody else gets the table beside it that keeps rows of replaced files. Two callers at
    once are safe.

    Returns:
        Whether it was made.

    Raises:
        TargetIncompatibleError: a table of that name exists and differs, or something that is no table; it is not
            touched.
        DatabasePermissionError: the role may not make the target or load into it; the hint has the statements that let
            it.
    """
    target = TargetTable.of(contract)
    with connection.transaction():
        lock_target(connection, target)
        is_there = has_table(connection, target.schema_name, target.table)
        has_replaced = has_table(connection, target.schema_name, target.replaced_table)
        for name in [] if is_there else _view_names(contract):
            _refuse_taken_name(connection, target.schema_name, name)
        missing = missing_target_rights(connection, target)
        if any(not right.purpose for right in missing.rights):
            raise missing.error()
        differences = target_differences(connection, target) if is_there else []
        if has_replaced and not differences:
            differences = replaced_differences(connection, target)
        if differences:
            raise _incompatible(target, differences)
        if not _has_schema(connection, target):  # IF NOT EXISTS wants the right to make one even where there is one
            connection.execute(_schema_ddl(target))
        for statement in [] if has_replaced else _replaced_ddl(target):
            connection.execute(statement)
        for statement in [] if is_there else [*_table_ddl(contract, target), *_views_ddl(contract, target)]:
            connection.execute(statement)
    return not is_there


def has_table(connection: psycopg.Connection[Any], schema_name: str, name: str) -> bool:
    """Whether there is a table of that name, partitioned or not.

    Raises:
        TargetIncompatibleError: there is something else of that name.
    """
    row = connection.execute(_KIND_SQL, [schema_name, name]).fetchone()
    if row is None:
        return False
    if kind := _KINDS.get(row[0]):
        message = f"{schema_name}.{name} is {kind}, expected a table or nothing of that name"
        hint = f"name another target in the contract, or rename the {kind.partition(' ')[2]}"
        raise TargetIncompatibleError(message, hint=hint, differences=(f"is {kind}",))
    return True


def _view_names(contract: Contract) -> list[str]:
    target = contract.target
    names = [] if target.current_view is None else [target.current_view.name]
    if target.layout:
        names += [f"{target.table}_{view}" for view in VIEWS]
    return names


def _refuse_taken_name(connection: psycopg.Connection[Any], schema_name: str, name: str) -> None:
    row = connection.execute(_KIND_SQL, [schema_name, name]).fetchone()
    if row is not None:
        kind = _KINDS.get(row[0], "a table")
        message = f"{schema_name}.{name} is {kind} already, expected nothing of the name of the target's view"
        hint = "name another target or `current_view` in the contract, or rename what is there"
        raise TargetIncompatibleError(message, hint=hint, differences=(f"view {name}: is {kind}",))


def _has_schema(connection: psycopg.Connection[Any], target: TargetTable) -> bool:
    row = connection.execute("SELECT 1 FROM pg_namespace WHERE nspname = %s", [target.schema_name]).fetchone()
    return row is not None


def lock_target(connection: psycopg.Connection[Any], target: TargetTable) -> None:
    """Wait until no other transaction does DDL on the target; released at the transaction's end."""
    connection.execute("SELECT pg_advisory_xact_lock(%s, hashtext(%s))", [_TARGET_LOCK, target.quoted_name])


def target_differences(connection: psycopg.Connection[Any], target: TargetTable) -> list[str]:
    """How an existing table differs from what the contract needs; columns it has beyond that must be nullable."""
    name = target.quoted_name
    differences = _column_differences(connection, target.identifier, target)
    if target.key:
        keys = [set(row[0]) for row in connection.execute(_UNIQUE_KEYS_SQL, [name])]
        if set(target.key) not in keys:
            differences.append(f"no unique index on ({', '.join(target.key)})")
    row = connection.execute(_PARTITION_KEY_SQL, [name]).fetchone()
    found_key = row[0] if row and row[0] else "none"
    wanted_key = "none" if target.partition_by == "none" else f"RANGE ({target.event_time})"
    if found_key != wanted_key:
        differences.append(f"partitioned by {found_key}, expected {wanted_key}")
    elif found_lengths := _partition_lengths(connection, target) - {target.partition_by}:
        differences.append(f"has partitions by {', '.join(sorted(found_lengths))}, expected {target.partition_by}")
    return differences


def replaced_differences(connection: psycopg.Connection[Any], target: TargetTable) -> list[str]:
    """The same for the table of replaced rows, which has neither key nor partitions."""
    name = target.replaced_identifier
    return [f"{d} in {name.as_string(None)}" for d in _column_differences(connection, name, target)]


def _column_differences(connection: psycopg.Connection[Any], table: sql.Identifier, target: TargetTable) -> list[str]:
    found = {n: (t, nullable) for n, t, nullable in connection.execute(_COLUMNS_SQL, [table.as_string(None)])}
    differences = []
    for column in (*target.columns, *LINEAGE_COLUMNS):
        if column.name not in found:
            differences.append(f"column {column.name} {column.sql_type} is missing")
            continue
        sql_type, nullable = found.pop(column.name)
        if sql_type != column.sql_type:
            differences.append(f"column {column.name} is {sql_type}, expected {column.sql_type}")
        elif column.nullable and not nullable:
            differences.append(f"column {column.name} is NOT NULL, expected nullable")
    return differences + [
        f"column {n} is NOT NULL and not in the contract" for n, (_, nullable) in found.items() if not nullable
    ]


def attached_partitions(connection: psycopg.Connection[Any], target: TargetTable) -> set[str]:
    """The names of the partitions of a target."""
    return {row[0] for row in connection.execute(_PARTITIONS_SQL, [target.quoted_name])}


def _partition_lengths(connection: psycopg.Connection[Any], target: TargetTable) -> set[str]:
    """The lengths of time of the partitions that were made for contracts, as their names tell them."""
    lengths = set()
    for name in attached_partitions(connection, target):
        digits = re.fullmatch(re.escape(target.table) + r"_p(\d{4}|\d{6}|\d{8})", name)
        if digits:
            lengths.add({4: "year", 6: "month", 8: "day"}[len(digits[1])])
    return lengths


def _incompatible(target: TargetTable, differences: list[str]) -> TargetIncompatibleError:
    message = f"table {target.schema_name}.{target.table} exists and differs: {'; '.join(differences)}"
    hint = "name another target in the contract, or bring the table in line; it is never altered silently"
    return TargetIncompatibleError(message, hint=hint, differences=tuple(differences))


def target_ddl(contract: Contract) -> list[sql.Composed]:
    """The statements that make a contract's target."""
    target = TargetTable.of(contract)
    return [
        _schema_ddl(target),
        *_table_ddl(contract, target),
        *_replaced_ddl(target),
        *_views_ddl(contract, target),
    ]


def _schema_ddl(target: TargetTable) -> sql.Composed:
    return sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(sql.Identifier(target.schema_name))


def _replaced_ddl(target: TargetTable) -> list[sql.Composed]:
    name = target.replaced_identifier
    return [
        sql.SQL("CREATE TABLE {} ({})").format(name, _columns_ddl(target)),
        sql.SQL("CREATE INDEX ON {} (file_id)").format(name),
    ]


def _columns_ddl(target: TargetTable) -> sql.Composed:
    return sql.SQL(", ").join(
        sql.SQL("{} {}{}").format(
            sql.Identifier(c.name), _type_of(c, target), sql.SQL("" if c.nullable else " NOT NULL")
        )
        for c in (*target.columns, *LINEAGE_COLUMNS)
    )


def _table_ddl(contract: Contract, target: TargetTable) -> list[sql.Composed]:
    partition: sql.Composable = sql.SQL("")
    if target.partition_by != "none":
        partition = sql.SQL(" PARTITION BY RANGE ({})").format(sql.Identifier(target.event_time))
    statements = [
        sql.SQL("CREATE TABLE {} ({}){}").format(target.identifier, _columns_ddl(target), partition),
        # rows of a file lie together, so the summary index finds them; a tree would cost a tenth of the load
        sql.SQL("CREATE INDEX ON {} USING brin (file_id) WITH (pages_per_range = 32)").format(target.identifier),
    ]
    if target.key:
        key = sql.SQL(", ").join(map(sql.Identifier, target.key))
        statements.append(sql.SQL("CREATE UNIQUE INDEX ON {} ({})").format(target.identifier, key))
    statements += [
        sql.SQL("COMMENT ON COLUMN {}.{} IS {}").format(
            target.identifier, sql.Identifier(c.name), sql.Literal(c.description)
        )
        for c in (*target.columns, *LINEAGE_COLUMNS)
        if c.description
    ]
    if contract.description:
        statements.append(
            sql.SQL("COMMENT ON TABLE {} IS {}").format(target.identifier, sql.Literal(contract.description))
        )
    if contract.target.current_view:
        statements.append(_current_view(target, contract.target.current_view))
    return statements


def _views_ddl(contract: Contract, target: TargetTable) -> list[sql.Composed]:
    """The views beside a target with a shared layout, for which its table of replaced rows is needed, too."""
    if not contract.target.layout:
        return []
    return lifecycle_ddl(
        target.schema_name, target.identifier, target.replaced_identifier, target.table, target.column_names
    )


def _type_of(column: TargetColumn, target: TargetTable) -> sql.Composable:
    # identifiers are compared byte by byte: no locale rules in the index, half the cost of each comparison
    collation = ' COLLATE "C"' if column.sql_type == "text" and column.name in target.key else ""
    return sql.SQL(column.sql_type + collation)  # from the closed set of types


def _current_view(target: TargetTable, view: CurrentView) -> sql.Composed:
    by = sql.SQL(", ").join(map(sql.Identifier, view.by))
    order = sql.SQL("{} DESC, file_id DESC, row_number DESC").format(sql.Identifier(view.latest))
    return sql.SQL("CREATE VIEW {} AS SELECT DISTINCT ON ({}) * FROM {} ORDER BY {}, {}").format(
        sql.Identifier(target.schema_name, view.name), by, target.identifier, by, order
    )
