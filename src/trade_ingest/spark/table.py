"""The table that a DataFrame is written into: made from its schema, or refused when it is another one."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import psycopg
from psycopg import sql

from trade_ingest.contract.types import LEDGER_SCHEMA
from trade_ingest.errors import TargetIncompatibleError, UsageError, WriteRefusedError
from trade_ingest.load.target import TargetTable, lock_target

Connection = psycopg.Connection[Any]

MOST_NAME_BYTES = 63  # PostgreSQL cuts off longer names

_KIND_SQL = """
SELECT c.relkind::text FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname = %s AND c.relname = %s
"""

_COLUMNS_SQL = """
SELECT a.attname::text, format_type(a.atttypid, a.atttypmod),
    a.attnotnull AND NOT a.atthasdef AND a.attidentity = '', a.attgenerated <> '' OR a.attidentity = 'a'
FROM pg_attribute AS a
WHERE a.attrelid = to_regclass(%s) AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attnum
"""

_HAS_KEY_SQL = """
SELECT count(*) FROM pg_index AS i
WHERE i.indrelid = to_regclass(%s) AND i.indisunique AND i.indisvalid AND i.indimmediate AND i.indpred IS NULL
    AND i.indexprs IS NULL AND (
        SELECT array_agg(a.attname::text ORDER BY a.attname)
        FROM unnest(i.indkey) WITH ORDINALITY AS k (attnum, position)
        JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
        WHERE k.position <= i.indnkeyatts
    ) = %s::text[]
"""

_SQL_TYPES = {
    "string": "text",
    "tinyint": "smallint",
    "smallint": "smallint",
    "int": "integer",
    "bigint": "bigint",
    "float": "real",
    "double": "double precision",
    "boolean": "boolean",
    "date": "date",
    "timestamp": "timestamp with time zone",
    "timestamp_ntz": "timestamp without time zone",
    "binary": "bytea",
}
"""What becomes of Spark's types (``simpleString``) in a new table."""

_WIDER = {
    "text": re.compile(r"uuid|jsonb|character varying(\(\d+\))?"),
    "smallint": re.compile("integer|bigint"),
    "integer": re.compile("bigint"),
    "real": re.compile("double precision"),
}
"""Other types that take the values of a type as they are, or refuse them."""

_DECIMAL = re.compile(r"decimal\((\d+),(\d+)\)")
_NUMERIC = re.compile(r"numeric(?:\((\d+),(\d+)\))?")


@dataclass(frozen=True, slots=True)
class WriteColumn:
    """One column that is written; ``sql_type`` is spelled as ``format_type`` spells it."""

    name: str
    sql_type: str


@dataclass(frozen=True, slots=True)
class WriteTarget:
    """A table, the columns that are written, in the DataFrame's order, and the key that tells its rows apart."""

    schema_name: str
    table: str
    columns: tuple[WriteColumn, ...]
    key: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """``schema.table``, as stored in the ledger."""
        return f"{self.schema_name}.{self.table}"

    @property
    def identifier(self) -> sql.Identifier:
        """The quoted name."""
        return sql.Identifier(self.schema_name, self.table)

    @property
    def column_list(self) -> sql.Composed:
        """The quoted columns, separated by commas."""
        return sql.SQL(", ").join(sql.Identifier(column.name) for column in self.columns)


def target_of(table: str, fields: Sequence[tuple[str, str]], key: Sequence[str]) -> WriteTarget:
    """The table that a DataFrame would be written into if it were new.

    Args:
        table: ``table`` or ``schema.table``; without a schema it is ``public``.
        fields: the DataFrame's columns: name and type (``simpleString``).
        key: columns that tell the rows apart.

    Raises:
        UsageError: the name is none, or the key is not of the DataFrame's columns.
        WriteRefusedError: columns that no table takes; all of them are listed.
    """
    schema_name, _, name = table.rpartition(".")
    schema_name = schema_name or "public"
    if not name or "." in schema_name or schema_name == LEDGER_SCHEMA or schema_name.startswith("pg_"):
        message = f"{table!r} is no table to write into, expected table or schema.table"
        raise UsageError(
            message, hint=f"schema {LEDGER_SCHEMA} is the ledger's, and those that begin with pg_ PostgreSQL's"
        )
    names = [field for field, _ in fields]
    problems = [f"column {n} is there twice" for n in sorted({n for n in names if names.count(n) > 1})]
    problems += [f"column {n} has a name of more than 63 bytes" for n in names if len(n.encode()) > MOST_NAME_BYTES]
    problems += [f"column {n} is {t}" for n, t in fields if _sql_type(t) is None]
    if problems or not names:
        message = f"the DataFrame fits no table: {'; '.join(problems) or 'it has no columns'}"
        raise WriteRefusedError(message, hint="rename or drop columns; write arrays, maps and structs with to_json")
    if strangers := [n for n in key if n not in names]:
        raise UsageError(
            f"key column {strangers[0]!r} is not in the DataFrame", hint=f"its columns: {', '.join(names)}"
        )
    columns = tuple(WriteColumn(n, _sql_type(t) or "") for n, t in fields)
    return WriteTarget(schema_name, name, columns, tuple(key))


def ensure_table(connection: Connection, target: WriteTarget) -> WriteTarget:
    """Make the table if it does not exist, in one transaction; check it if it does. Two callers at once are safe.

    Returns:
        The target with the types that its columns have in the table, as far as they matter to COPY.

    Raises:
        TargetIncompatibleError: a table of that name exists and does not take the DataFrame; it is not touched.
    """
    with connection.transaction():
        lock_target(connection, TargetTable(target.schema_name, target.table, (), (), "", "none"))
        row = connection.execute(_KIND_SQL, [target.schema_name, target.table]).fetchone()
        if row is None:
            _make(connection, target)
            return target
        if row[0] not in {"r", "p"}:
            raise TargetIncompatibleError(f"{target.name} is no table", hint="name another", differences=("no table",))
        found, differences = _compare(connection, target)
    if differences:
        message = f"table {target.name} exists and does not take the DataFrame: {'; '.join(differences)}"
        hint = "cast or rename columns, or name another table; it is never altered silently"
        raise TargetIncompatibleError(message, hint=hint, differences=tuple(differences))
    return found


def _make(connection: Connection, target: WriteTarget) -> None:
    if not connection.execute("SELECT 1 FROM pg_namespace WHERE nspname = %s", [target.schema_name]).fetchone():
        connection.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(target.schema_name)))
    columns = sql.SQL(", ").join(
        sql.SQL("{} {}{}").format(
            sql.Identifier(column.name),
            sql.SQL(column.sql_type),  # from the closed set of types
            sql.SQL(" NOT NULL" if column.name in target.key else ""),
        )
        for column in target.columns
    )
    connection.execute(sql.SQL("CREATE TABLE {} ({})").format(target.identifier, columns))
    if target.key:
        key = sql.SQL(", ").join(map(sql.Identifier, target.key))
        connection.execute(sql.SQL("CREATE UNIQUE INDEX ON {} ({})").format(target.identifier, key))


def _compare(connection: Connection, target: WriteTarget) -> tuple[WriteTarget, list[str]]:
    name = target.identifier.as_string(None)
    found = {row[0]: row[1:] for row in connection.execute(_COLUMNS_SQL, [name]).fetchall()}
    columns, differences = [], []
    for column in target.columns:
        if column.name not in found:
            differences.append(f"column {column.name} {column.sql_type} is missing")
            continue
        sql_type, _, is_generated = found.pop(column.name)
        if is_generated:
            differences.append(f"column {column.name} is generated by PostgreSQL")
        elif not _takes(sql_type, column.sql_type):
            differences.append(f"column {column.name} is {sql_type}, expected {column.sql_type}")
        # the payload of a decimal is the same whatever digits the column allows
        columns.append(column if sql_type.startswith("numeric") else replace(column, sql_type=sql_type))
    differences += [f"column {n} is NOT NULL and not in the DataFrame" for n, (_, needed, _) in found.items() if needed]
    if target.key:
        row = connection.execute(_HAS_KEY_SQL, [name, sorted(target.key)]).fetchone()
        if not row or not row[0]:
            differences.append(f"no unique index on ({', '.join(target.key)})")
    return replace(target, columns=tuple(columns)), differences


def _takes(found: str, wanted: str) -> bool:
    """Whether a column of one type takes all values of another, as they are."""
    if found == wanted:
        return True
    if (theirs := _NUMERIC.fullmatch(found)) and (ours := _NUMERIC.fullmatch(wanted)):
        if theirs[1] is None:
            return True
        whole = int(theirs[1]) - int(theirs[2]) - (int(ours[1]) - int(ours[2]))
        return whole >= 0 and int(theirs[2]) >= int(ours[2])
    return wanted in _WIDER and _WIDER[wanted].fullmatch(found) is not None


def _sql_type(spark_type: str) -> str | None:
    if match := _DECIMAL.fullmatch(spark_type):
        return f"numeric({match[1]},{match[2]})"
    if re.fullmatch(r"(var)?char\(\d+\)", spark_type) or spark_type.startswith("string collate"):
        return "text"
    return _SQL_TYPES.get(spark_type)
