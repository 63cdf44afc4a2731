"""The ledger's schema: is it there, is it ours, make it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from psycopg import sql

from trade_ingest.errors import DatabasePermissionError, LedgerVersionError
from trade_ingest.ledger.connection import open_connection, wrap_database_errors
from trade_ingest.ledger.rights import missing_ledger_rights, naming_ledger_rights

if TYPE_CHECKING:
    import psycopg

HEAD = "0006"
"""The revision that this program works with; a test compares it with the newest migration."""


def current_revision(connection: psycopg.Connection[object]) -> str | None:
    """The revision of the ledger in the database, or None where there is none.

    Raises:
        DatabasePermissionError: the role may not read it; the hint has the statements that let it.
    """
    with naming_ledger_rights(connection):
        found = connection.execute("SELECT to_regclass('ingest.schema_version') IS NOT NULL").fetchone()
        if not found or not found[0]:  # type: ignore[index]
            return None
        row = connection.execute("SELECT version_num FROM ingest.schema_version").fetchone()
    return str(row[0]) if row else None  # type: ignore[index]


def require_ledger(connection: psycopg.Connection[object]) -> None:
    """Refuse to work on a ledger of another version.

    Raises:
        LedgerVersionError: there is no ledger, or it is older or newer than this program.
    """
    revision = current_revision(connection)
    if revision == HEAD:
        return
    if revision is None:
        message = "the database has no ledger (schema ingest)"
        raise LedgerVersionError(message, hint="make it with: trade-ingest db upgrade", revision=None)
    if revision > HEAD:
        message = f"the ledger is at revision {revision}, newer than this program's {HEAD}"
        raise LedgerVersionError(message, hint="upgrade trade-ingest", revision=revision)
    message = f"the ledger is at revision {revision}, this program needs {HEAD}"
    raise LedgerVersionError(message, hint="bring it up with: trade-ingest db upgrade", revision=revision)


def upgrade(database: str) -> str:
    """Make the ledger, or bring it to this program's version; does nothing if it is there already.

    Two callers at once are safe: the second waits and finds the work done.

    Returns:
        The revision that the ledger had before, or an empty string.

    Raises:
        DatabasePermissionError: the user may not create the schema.
        LedgerVersionError: the ledger is newer than this program.
    """
    with wrap_database_errors(), open_connection(database) as connection:
        before = current_revision(connection)
        if before is not None and before > HEAD:
            require_ledger(connection)
        if before == HEAD:
            return before
        # one upgrade at a time, also against another machine's
        connection.execute("SELECT pg_advisory_lock(%s)", [UPGRADE_LOCK])
        if current_revision(connection) != HEAD:
            _create_schema(connection)
            _migrate(database)
    return before or ""


UPGRADE_LOCK = 0x7469_0001


def _create_schema(connection: psycopg.Connection[object]) -> None:
    import psycopg

    if connection.execute("SELECT 1 FROM pg_namespace WHERE nspname = 'ingest'").fetchone():
        missing = missing_ledger_rights(connection)
        if missing.rights:
            raise missing.error()
        return  # IF NOT EXISTS wants the right to make one even where there is one
    try:
        connection.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(sql.Identifier("ingest")))
    except psycopg.errors.InsufficientPrivilege as exc:
        message = f"cannot create schema ingest: {exc.diag.message_primary}"
        name = connection.info.dbname
        hint = f'let an owner run: GRANT CREATE ON DATABASE "{name}" TO "{connection.info.user}"'
        raise DatabasePermissionError(message, hint=hint) from exc


def _migrate(database: str) -> None:
    import sqlalchemy
    from alembic import command
    from alembic.config import Config

    engine = sqlalchemy.create_engine(
        "postgresql+psycopg://",
        creator=lambda: open_connection(database, autocommit=False),
        poolclass=sqlalchemy.NullPool,
    )
    try:
        with engine.begin() as connection:
            config = Config()
            config.set_main_option("script_location", "trade_ingest.ledger:migrations")
            config.set_main_option("path_separator", "os")
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    finally:
        engine.dispose()
