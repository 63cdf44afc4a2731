"""Rights that the role in use lacks, and the statements that grant them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, LiteralString

import psycopg
from psycopg import errors as pg
from psycopg import sql
from psycopg.pq import TransactionStatus

from trade_ingest.contract.types import LEDGER_SCHEMA
from trade_ingest.errors import DatabasePermissionError

Connection = psycopg.Connection[Any]

_LEDGER_SQL = """
SELECT current_user,
    has_schema_privilege(n.oid, 'USAGE'),
    count(c.oid) > 0 OR has_schema_privilege(n.oid, 'CREATE'),
    coalesce(bool_and(has_table_privilege(c.oid, 'SELECT')), true),
    coalesce(
        bool_and(
            c.relname = 'schema_version'
            OR has_table_privilege(c.oid, 'INSERT')
            AND has_table_privilege(c.oid, 'UPDATE')
            AND has_table_privilege(c.oid, 'DELETE')
        ),
        true
    )
FROM pg_namespace AS n
LEFT JOIN pg_class AS c ON c.relnamespace = n.oid AND c.relkind = 'r'
WHERE n.nspname = %s
GROUP BY n.oid
"""


@dataclass(frozen=True, slots=True)
class MissingRight:
    """One thing that a role may not do.

    Attributes:
        what: what it may not do, as a verb and its object.
        grant: the statement that lets it.
        purpose: what alone needs it (``to make partitions``); empty if everything does.
    """

    what: str
    grant: str
    purpose: str = ""


@dataclass(frozen=True, slots=True)
class MissingRights:
    """What a role lacks; ``rights`` is empty if that is nothing."""

    role: str = ""
    rights: tuple[MissingRight, ...] = ()

    @property
    def message(self) -> str:
        """All that the role may not do, as a sentence."""
        return f"{self.role} may not {', nor '.join(right.what for right in self.rights)}"

    @property
    def hint(self) -> str:
        """The statements that let it."""
        statements = (f"{r.grant} ({r.purpose})" if r.purpose else r.grant for r in self.rights)
        return f"let an owner run: {'; '.join(statements)}"

    def error(self) -> DatabasePermissionError:
        """The error that says so."""
        return DatabasePermissionError(self.message, hint=self.hint)


def grant_text(rights: LiteralString, on: sql.Composable, role: str) -> str:
    """``GRANT … ON … TO …``, to be shown."""
    return sql.SQL("GRANT {} ON {} TO {}").format(sql.SQL(rights), on, sql.Identifier(role)).as_string(None)


def missing_ledger_rights(connection: Connection) -> MissingRights:
    """What the role in use lacks to work with the ledger, or to make it in a schema that is there."""
    row = connection.execute(_LEDGER_SQL, [LEDGER_SCHEMA]).fetchone()
    if row is None:
        return MissingRights()
    role, can_use, can_make, can_read, can_write = row
    schema = sql.SQL("SCHEMA {}").format(sql.Identifier(LEDGER_SCHEMA))
    tables = sql.SQL("ALL TABLES IN {}").format(schema)
    missing = []
    if not can_use:
        missing.append(MissingRight(f"use schema {LEDGER_SCHEMA}", grant_text("USAGE", schema, role)))
    if not can_make:
        missing.append(MissingRight("make the ledger's tables", grant_text("CREATE", schema, role)))
    if not can_read:
        missing.append(MissingRight("read the ledger", grant_text("SELECT", tables, role)))
    if not can_write:
        grant = grant_text("INSERT, UPDATE, DELETE", tables, role)
        missing.append(MissingRight("write the ledger", grant, "to load and to correct"))
    return MissingRights(role, tuple(missing))


@contextmanager
def naming_ledger_rights(connection: Connection) -> Iterator[None]:
    """Let a refusal for want of rights on the ledger name the statements that grant them.

    Raises:
        DatabasePermissionError: the role lacks rights on the ledger.
    """
    try:
        yield
    except pg.InsufficientPrivilege as exc:
        if connection.info.transaction_status != TransactionStatus.IDLE:
            raise
        missing = missing_ledger_rights(connection)
        if not missing.rights:
            raise
        raise missing.error() from exc
