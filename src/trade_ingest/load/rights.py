"""Rights on a target that the role in use lacks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import psycopg
from psycopg import sql
from psycopg.rows import class_row

from trade_ingest.ledger.rights import MissingRight, MissingRights, grant_text

if TYPE_CHECKING:
    from trade_ingest.load.target import TargetTable

Connection = psycopg.Connection[Any]

PARTITIONING = "to make partitions"
REPLACING = "to replace files and to roll them back"

_Access = Literal["SELECT", "INSERT", "DELETE"]
_VERBS: dict[_Access, str] = {"SELECT": "read", "INSERT": "insert into", "DELETE": "delete from"}

_SCHEMA_SQL = """
SELECT current_user::text AS role, current_database()::text AS database,
    has_database_privilege(current_database(), 'CREATE') AS can_make_schemas, n.oid IS NOT NULL AS is_there,
    has_schema_privilege(n.oid, 'USAGE') AS can_use, has_schema_privilege(n.oid, 'CREATE') AS can_create
FROM (SELECT) AS one
LEFT JOIN pg_namespace AS n ON n.nspname = %s
"""

_TABLE_SQL = """
SELECT r.rolname::text AS owner, pg_has_role(c.relowner, 'USAGE') AS is_owned, r.rolsuper AS is_superusers,
    ARRAY(SELECT needed FROM unnest(%s::text[]) AS needed WHERE NOT has_table_privilege(c.oid, needed)) AS lacking
FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace
JOIN pg_roles AS r ON r.oid = c.relowner
WHERE n.nspname = %s AND c.relname = %s
"""


@dataclass(frozen=True, slots=True)
class _Schema:
    role: str
    database: str
    can_make_schemas: bool
    is_there: bool
    can_use: bool | None
    can_create: bool | None


@dataclass(frozen=True, slots=True)
class _Table:
    owner: str
    is_owned: bool
    is_superusers: bool
    lacking: list[_Access]


def missing_target_rights(connection: Connection, target: TargetTable) -> MissingRights:
    """What the role in use lacks to load into a target, or to make it where there is none."""
    with connection.cursor(row_factory=class_row(_Schema)) as cursor:
        schema = cursor.execute(_SCHEMA_SQL, [target.schema_name]).fetchone()
    assert schema is not None
    table = _table(connection, target.schema_name, target.table)
    replaced = _table(connection, target.schema_name, target.replaced_table)
    return MissingRights(
        schema.role,
        (
            *_schema_rights(schema, target, is_complete=table is not None and replaced is not None),
            *(_table_rights(schema.role, target, table) if table else ()),
            *(_access_rights(schema.role, target.replaced_identifier, replaced, {}) if replaced else ()),
        ),
    )


def _table(connection: Connection, schema: str, name: str) -> _Table | None:
    with connection.cursor(row_factory=class_row(_Table)) as cursor:
        return cursor.execute(_TABLE_SQL, [list(_VERBS), schema, name]).fetchone()


def _schema_rights(schema: _Schema, target: TargetTable, *, is_complete: bool) -> Iterator[MissingRight]:
    """The schema's; ``is_complete`` if all tables but partitions are there."""
    name = target.schema_name
    if not schema.is_there:
        if not schema.can_make_schemas:
            on = sql.SQL("DATABASE {}").format(sql.Identifier(schema.database))
            yield MissingRight(f"make schema {name}", grant_text("CREATE", on, schema.role))
        return
    on = sql.SQL("SCHEMA {}").format(sql.Identifier(name))
    if not schema.can_use:
        yield MissingRight(f"use schema {name}", grant_text("USAGE", on, schema.role))
    if not schema.can_create and not (is_complete and target.partition_by == "none"):
        grant = grant_text("CREATE", on, schema.role)
        yield MissingRight(f"make tables in schema {name}", grant, PARTITIONING if is_complete else "")


def _table_rights(role: str, target: TargetTable, table: _Table) -> Iterator[MissingRight]:
    vital: dict[_Access, str] = {"INSERT": "", "SELECT": ""} if target.key else {"INSERT": ""}
    yield from _access_rights(role, target.identifier, table, vital)
    if target.partition_by != "none" and not table.is_owned:
        # who owns only tables may be shared; a superuser may not
        statement = "ALTER TABLE {table} OWNER TO {role}" if table.is_superusers else "GRANT {owner} TO {role}"
        names = {"table": target.identifier, "owner": sql.Identifier(table.owner), "role": sql.Identifier(role)}
        grant = sql.SQL(statement).format(**names).as_string(None)
        yield MissingRight(f"attach partitions to {_shown(target.identifier)} of {table.owner}", grant, PARTITIONING)


def _access_rights(
    role: str, identifier: sql.Identifier, table: _Table, purposes: Mapping[_Access, str]
) -> Iterator[MissingRight]:
    by_purpose: dict[str, list[_Access]] = {}
    for right in table.lacking:
        by_purpose.setdefault(purposes.get(right, REPLACING), []).append(right)
    for purpose, rights in by_purpose.items():
        what = f"{' or '.join(_VERBS[right] for right in rights)} {_shown(identifier)}"
        grant = grant_text(", ".join(rights), sql.SQL("TABLE {}").format(identifier), role)
        yield MissingRight(what, grant, purpose)


def _shown(identifier: sql.Identifier) -> str:
    return identifier.as_string(None).replace('"', "")
