"""``trade-ingest db``: the database behind it all."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from trade_ingest.cli.display import format_bytes
from trade_ingest.cli.invocation import Invocation, common_options

if TYPE_CHECKING:
    from collections.abc import Sequence


@click.group()
def command() -> None:
    """Work with the database: the one configured, or the embedded PostgreSQL.

    \b
    Examples:
      trade-ingest db shell
      trade-ingest db shell -- -c 'SELECT count(*) FROM trade_event'
      psql "$(trade-ingest db url)"
    """  # noqa: D301  # \b keeps click from joining the lines


@command.command("url")
@common_options("database")
@click.pass_obj
def show_url(invocation: Invocation) -> None:
    """Print the URL, password included; starts the embedded server."""
    click.echo(invocation.database)


@command.command("shell", context_settings={"ignore_unknown_options": True})
@click.argument("psql_arguments", metavar="[-- PSQL-ARGUMENT...]", nargs=-1, type=click.UNPROCESSED)
@common_options("database")
@click.pass_obj
def open_shell(invocation: Invocation, psql_arguments: Sequence[str]) -> None:
    """Open psql on the database."""
    import sys

    database = invocation.database
    program = _psql(is_embedded=invocation.settings.database_url is None)
    sys.stdout.flush()
    # the connection string goes by the environment: a password in the arguments could be seen by every user
    os.execve(program, [program, *psql_arguments], {**os.environ, **_connection_variables(database)})  # noqa: S606


@command.command("upgrade")
@common_options("database", "output")
@click.pass_obj
def upgrade_ledger(invocation: Invocation) -> None:
    """Make the ledger, or bring it to this program's version.

    Targets are not touched.
    """
    from trade_ingest.ledger.schema import HEAD, upgrade

    before = upgrade(invocation.database)
    text = f"ledger is at revision {HEAD}"
    text += " already" if before == HEAD else f", was at {before}" if before else ", newly made"
    values = {"revision": HEAD, "revision_before": before or None}
    invocation.output.object(values, schema="trade-ingest.db_upgrade/1", text=text)


@command.command("status")
@common_options("database", "output")
@click.pass_obj
def show_status(invocation: Invocation) -> None:
    """Show where the database is, and what state it is in.

    Starts and changes nothing.
    """
    settings = invocation.settings
    values = _embedded_status(invocation) if settings.database_url is None else _server_status(invocation)
    shown = {name: value for name, value in values.items() if value is not None}
    if "size_bytes" in shown:
        shown["size"] = format_bytes(shown.pop("size_bytes"))
    text = "\n".join(f"{name.replace('_', ' '):<9} {_word(value)}" for name, value in shown.items())
    invocation.output.object(values, schema="trade-ingest.db_status/1", text=text)


@command.command("stop")
@common_options("output")
@click.pass_obj
def stop_server(invocation: Invocation) -> None:
    """Stop the embedded server; its data stays.

    The next command that needs it starts it again.
    """
    from trade_ingest.embedded import stop
    from trade_ingest.errors import UsageError
    from trade_ingest.settings import embedded_data_dir

    settings = invocation.settings
    if settings.database_url is not None:
        message = f"the database is not the embedded one but {settings.shown('database_url')}"
        raise UsageError(message, hint="stop that server with its own tools, or unset TRADE_INGEST_DATABASE_URL")
    data_dir = embedded_data_dir(settings)
    was_running = stop(data_dir)
    text = f"stopped; the data stays in {data_dir}" if was_running else f"it was not running; its data is in {data_dir}"
    values = {"was_running": was_running, "data_dir": data_dir}
    invocation.output.object(values, schema="trade-ingest.db_stop/1", text=text)


def _embedded_status(invocation: Invocation) -> dict[str, Any]:
    from trade_ingest.embedded import status
    from trade_ingest.settings import embedded_data_dir

    found = status(embedded_data_dir(invocation.settings))
    return {
        "kind": "embedded",
        "running": found.running,
        "version": found.version,
        "url": found.url,
        "pid": found.pid,
        "data_dir": found.data_dir,
        "size_bytes": found.size_bytes,
        **(_ledger(found.url) if found.url else {"ledger": None}),
    }


def _server_status(invocation: Invocation) -> dict[str, Any]:
    from trade_ingest.ledger.connection import open_connection, wrap_database_errors

    database = invocation.database
    with wrap_database_errors(), open_connection(database) as connection:
        version = connection.info.parameter_status("server_version")
    return {
        "kind": "server",
        "running": True,
        "version": version,
        "url": invocation.settings.shown("database_url"),
        **_ledger(database),
    }


def _ledger(database: str) -> dict[str, Any]:
    from trade_ingest.ledger.connection import open_connection, wrap_database_errors
    from trade_ingest.ledger.schema import HEAD, current_revision

    with wrap_database_errors(), open_connection(database) as connection:
        revision = current_revision(connection)
    if revision is None:
        ledger = "none yet; the first run makes it"
    elif revision == HEAD:
        ledger = f"revision {revision}, current"
    else:
        ledger = f"revision {revision}, this program needs {HEAD}"
    return {"ledger": ledger}


def _word(value: object) -> str:
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)


def _psql(*, is_embedded: bool) -> str:
    from trade_ingest.errors import UsageError

    bundled = _bundled_psql()
    installed = shutil.which("psql")
    # psql of the server's own version for the embedded one; else the one that the user has set up
    program = (bundled or installed) if is_embedded else (installed or bundled)
    if program is None:
        raise UsageError("no psql was found", hint="install a PostgreSQL client, or use: trade-ingest db url")
    return program


def _bundled_psql() -> str | None:
    from importlib.util import find_spec

    from trade_ingest.embedded.cluster import MAJOR
    from trade_ingest.embedded.programs import FOLDER_BY_MAJOR, PACKAGE

    spec = find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        return None
    program = Path(spec.origin).parent / FOLDER_BY_MAJOR[MAJOR] / "bin" / "psql"
    return str(program) if program.is_file() else None


def _connection_variables(database: str) -> dict[str, str]:
    """The connection string as the environment variables that libpq reads."""
    from psycopg.conninfo import conninfo_to_dict

    from trade_ingest.ledger.connection import wrap_database_errors

    names = {"dbname": "PGDATABASE", "host": "PGHOST", "hostaddr": "PGHOSTADDR", "port": "PGPORT", "user": "PGUSER"}
    names |= {"password": "PGPASSWORD", "passfile": "PGPASSFILE", "service": "PGSERVICE", "options": "PGOPTIONS"}
    with wrap_database_errors():
        parameters = conninfo_to_dict(database)
    return {names.get(name, f"PG{name.upper().replace('_', '')}"): str(value) for name, value in parameters.items()}
