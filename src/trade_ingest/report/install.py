"""Views and functions for analysts, in a schema of their own: made, refreshed, and shown to a role that only reads."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import resources
from typing import Any, LiteralString

import psycopg
from psycopg import sql

from trade_ingest.errors import NotInLedgerError, TargetIncompatibleError
from trade_ingest.ledger.connection import open_connection, wrap_database_errors
from trade_ingest.ledger.schema import require_ledger

Connection = psycopg.Connection[Any]

SCHEMA = "report"
_MARK = "Views of trade-ingest for analysts: trade-ingest report install"
_TARGET = re.compile(r"(?:([a-z_][a-z0-9_]*)\.)?([a-z_][a-z0-9_]*)")
_STORED = ("daily_summary_stored",)


@dataclass(frozen=True, slots=True)
class Installed:
    """What is there now.

    Attributes:
        schema_name: the schema.
        relations: its views and functions, sorted.
        trades: the view of market trades that it is made of; None: there is no such target.
        events: the same of trade events.
        reader: the role that may read all of it; None: none was named.
    """

    schema_name: str
    relations: tuple[str, ...]
    trades: str | None
    events: str | None
    reader: str | None


def install(
    database: str,
    *,
    schema_name: str = SCHEMA,
    trades: str = "public.trade_print",
    events: str = "public.trade_event",
    reader: str | None = None,
) -> Installed:
    """Make the views, or make them anew, in one transaction; nothing else in the database is changed.

    Args:
        database: its URL, with a ledger.
        schema_name: the schema; made if it is not there. One that was made by somebody else is refused.
        trades: the target of market trades (layout ``trade_print``); passed over if it does not exist.
        events: the target of trade events (contract ``trade_event``); the same.
        reader: a role that gets the right to read the views, the targets and the ledger's part in them, and nothing
            else; made, without login, if it is not there.

    Raises:
        TargetIncompatibleError: the schema is somebody else's, or a target lacks the view of its trades.
        NotInLedgerError: neither target exists.
        DatabasePermissionError: the role in use may not make schemas, or roles.
    """
    with wrap_database_errors(), open_connection(database, name="trade-ingest report") as connection:
        require_ledger(connection)
        with connection.transaction():
            current = {name: _current_view(connection, name) for name in (trades, events)}
            if not any(current.values()):
                message = f"there is neither {trades} nor {events}"
                raise NotInLedgerError(message, hint="load some files first, or name the targets")
            _renew_schema(connection, schema_name)
            for statement in _statements(schema_name, current[trades], current[events]):
                connection.execute(statement)
            if reader is not None:
                _let_read(connection, schema_name, reader, [name for name, view in current.items() if view])
            return Installed(
                schema_name,
                _relations(connection, schema_name),
                None if current[trades] is None else f"{trades}_current",
                None if current[events] is None else f"{events}_current",
                reader,
            )


def refresh(database: str, *, schema_name: str = SCHEMA) -> tuple[str, ...]:
    """Bring what is stored up to date; readers are not held up. Gives the names of what was refreshed.

    Raises:
        NotInLedgerError: the views are not there.
    """
    with wrap_database_errors(), open_connection(database, name="trade-ingest report") as connection:
        stored = [name for name in _STORED if _exists(connection, f"{schema_name}.{name}")]
        if not stored:
            message = f"there is nothing stored in the schema {schema_name}"
            raise NotInLedgerError(message, hint="make the views with: trade-ingest report install")
        for name in stored:
            identifier = sql.Identifier(schema_name, name)
            connection.execute(sql.SQL("REFRESH MATERIALIZED VIEW CONCURRENTLY {}").format(identifier))
        return tuple(stored)


def _current_view(connection: Connection, target: str) -> sql.Identifier | None:
    """The view of a target's trades as they stand; None if there is no target."""
    match = _TARGET.fullmatch(target)
    if match is None:
        message = f"{target!r} is no name of a table"
        raise TargetIncompatibleError(message, hint="a target is written schema.table")
    if not _exists(connection, target):
        return None
    if not _exists(connection, f"{target}_current"):
        message = f"{target} has no view {target}_current"
        raise TargetIncompatibleError(message, hint="it was made before this version: make it anew, or name another")
    return sql.Identifier(match[1] or "public", f"{match[2]}_current")


def _exists(connection: Connection, name: str) -> bool:
    row = connection.execute("SELECT to_regclass(%s) IS NOT NULL", [name]).fetchone()
    return bool(row and row[0])


def _renew_schema(connection: Connection, schema_name: str) -> None:
    identifier = sql.Identifier(schema_name)
    row = connection.execute(
        "SELECT obj_description(oid, 'pg_namespace') FROM pg_namespace WHERE nspname = %s", [schema_name]
    ).fetchone()
    if row is not None and row[0] != _MARK:
        message = f"the schema {schema_name} is there, and was not made by trade-ingest report"
        raise TargetIncompatibleError(message, hint="name another one with --schema")
    if row is not None:
        connection.execute(sql.SQL("DROP SCHEMA {} CASCADE").format(identifier))
    connection.execute(sql.SQL("CREATE SCHEMA {}").format(identifier))
    connection.execute(sql.SQL("COMMENT ON SCHEMA {} IS {}").format(identifier, sql.Literal(_MARK)))


def _statements(
    schema_name: str, trades: sql.Identifier | None, events: sql.Identifier | None
) -> Iterator[sql.Composed]:
    report = sql.Identifier(schema_name)
    for name, view in (("prints", trades), ("events", events), ("loads", report)):
        if view is not None:
            yield sql.SQL(_text(name)).format(report=report, trades=view, events=view)


def _text(name: str) -> LiteralString:
    """The statements of a file of this package."""
    text: Any = (resources.files(__package__) / f"{name}.sql").read_text(encoding="utf-8")
    literal: LiteralString = text
    return literal


def _let_read(connection: Connection, schema_name: str, reader: str, targets: list[str]) -> None:
    role = sql.Identifier(reader)
    if connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [reader]).fetchone() is None:
        connection.execute(sql.SQL("CREATE ROLE {} NOLOGIN").format(role))
    schemas = {schema_name, *(name.rpartition(".")[0] or "public" for name in targets)}
    for schema in sorted(schemas):
        connection.execute(sql.SQL("GRANT USAGE ON SCHEMA {} TO {}").format(sql.Identifier(schema), role))
    connection.execute(
        sql.SQL("GRANT SELECT ON ALL TABLES IN SCHEMA {} TO {}").format(sql.Identifier(schema_name), role)
    )
    connection.execute(
        sql.SQL("GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA {} TO {}").format(sql.Identifier(schema_name), role)
    )
    for target in targets:
        schema, _, table = target.rpartition(".")
        for name in (table, f"{table}_current"):
            connection.execute(
                sql.SQL("GRANT SELECT ON {} TO {}").format(sql.Identifier(schema or "public", name), role)
            )


def _relations(connection: Connection, schema_name: str) -> tuple[str, ...]:
    rows = connection.execute(
        """
        SELECT relname::text FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
        WHERE nspname = %(schema)s AND relkind IN ('v', 'm')
        UNION ALL
        SELECT proname || '(…)' FROM pg_proc AS p JOIN pg_namespace AS n ON n.oid = p.pronamespace
        WHERE nspname = %(schema)s
        ORDER BY 1
        """,
        {"schema": schema_name},
    )
    return tuple(name for (name,) in rows)
