"""Checks of all that a run needs: each passes, warns or fails, and says what would mend it."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, LiteralString

from trade_ingest.errors import DatabaseUnavailableError, TradeIngestError
from trade_ingest.settings import Settings, embedded_data_dir, resolve_database

if TYPE_CHECKING:
    import psycopg

NEWEST_TESTED_PYTHON = (3, 13)
LEAST_FREE_BYTES, COMFORTABLE_FREE_BYTES = 1 << 30, 10 << 30
TOLERATED_CLOCK_DIFFERENCE = timedelta(seconds=2)
_OTHER_CONNECTIONS = 3  # the run's own, and room for a person


class CheckState(StrEnum):
    """How a check ended."""

    PASS = "pass"  # noqa: S105  # no password
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class CheckResult:
    """One check.

    Attributes:
        name: what was checked.
        state: ``fail`` means that a run would not work.
        message: what was found.
        fix: what to do, or empty.
        duration_seconds: how long it took.
    """

    name: str
    state: CheckState
    message: str
    fix: str = ""
    duration_seconds: float = 0.0


Finding = tuple[CheckState, str, str]
"""State, what was found, and the fix."""


def diagnose(settings: Settings) -> Iterator[CheckResult]:
    """Run all checks, one after the other; those that need what failed before are left out.

    Starts the embedded server if no database is configured. Changes nothing in the database.
    """
    yield timed("python", _check_python)
    yield timed("contract", lambda: _check_contract(settings))
    yield timed("engines", lambda: _check_engines(settings))
    if settings.database_url is None:
        yield timed("disk", lambda: check_disk(embedded_data_dir(settings)))
    connections: list[psycopg.Connection[Any]] = []
    found = timed("database", lambda: _check_database(settings, connections))
    yield found
    if not connections:
        return
    with connections[0] as connection:
        yield timed("durability", lambda: _check_durability(connection))
        yield timed("connections", lambda: _check_connections(connection, settings))
        yield timed("clock", lambda: check_clock(connection, lambda: datetime.now(UTC)))
        yield timed("rights", lambda: check_rights(connection))
        yield timed("ledger", lambda: check_ledger(connection))
        yield timed("target", lambda: _check_target(connection, settings))


def timed(name: str, check: Callable[[], Finding]) -> CheckResult:
    """Run a check; an error is a check that fails."""
    started = time.monotonic()
    try:
        with _wrapped():
            state, message, fix = check()
    except TradeIngestError as exc:
        state, message, fix = CheckState.FAIL, exc.message, exc.hint
    return CheckResult(name, state, message, fix, round(time.monotonic() - started, 3))


@contextmanager
def _wrapped() -> Iterator[None]:
    from trade_ingest.ledger.connection import wrap_database_errors

    with wrap_database_errors():
        yield


def _check_python() -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info[:2] > NEWEST_TESTED_PYTHON:
        newest = ".".join(map(str, NEWEST_TESTED_PYTHON))
        return CheckState.WARN, f"Python {version} is newer than what is tested", f"use Python 3.11 to {newest}"
    return CheckState.PASS, f"Python {version}", ""


def _check_contract(settings: Settings) -> Finding:
    from trade_ingest.contract.loading import load_contract

    contract = load_contract(settings.contract)
    return CheckState.PASS, f"{contract.name} version {contract.version} → {contract.target.qualified_name}", ""


def _check_engines(settings: Settings) -> Finding:
    from trade_ingest.engines import default_parallelism, engine_for, processors

    parallelism = settings.parallelism or default_parallelism()
    message = f"{engine_for(settings.engine, settings.master)}: {parallelism} at once on {processors()} processors"
    if parallelism > 2 * processors():
        return CheckState.WARN, message, f"more than {2 * processors()} at once gains nothing: lower parallelism"
    return CheckState.PASS, message, ""


def check_disk(data_dir: Path) -> Finding:
    """Whether the disk of the embedded server has room."""
    place = next(p for p in (data_dir, *data_dir.parents) if p.exists())
    free = shutil.disk_usage(place).free
    message = f"{free / (1 << 30):,.1f} GiB free for {data_dir}"
    fix = "free some space, or choose another disk with TRADE_INGEST_DATA_DIR"
    if free < LEAST_FREE_BYTES:
        return CheckState.FAIL, message, fix
    return (CheckState.WARN, message, fix) if free < COMFORTABLE_FREE_BYTES else (CheckState.PASS, message, "")


def _check_database(settings: Settings, connections: list[psycopg.Connection[Any]]) -> Finding:
    from trade_ingest.ledger.connection import open_connection

    database = resolve_database(settings)
    try:
        connection = open_connection(database, name="trade-ingest doctor")
    except DatabaseUnavailableError as exc:
        fix = "check host and port in the database URL, that the server runs, and that no firewall is between"
        return CheckState.FAIL, exc.message, fix
    connections.append(connection)
    version = connection.info.parameter_status("server_version")
    where = "the embedded server" if settings.database_url is None else settings.shown("database_url")
    return CheckState.PASS, f"PostgreSQL {version} answers: {where}", ""


def _check_durability(connection: psycopg.Connection[Any]) -> Finding:
    off = [
        name for name in ("fsync", "full_page_writes") if _one(connection, "SELECT current_setting(%s)", name) == "off"
    ]
    if off:
        message = f"{' and '.join(off)} off: a crash of the server's machine may lose or damage what was loaded"
        return CheckState.WARN, message, "set them to on in postgresql.conf"
    return CheckState.PASS, "what is committed survives a crash", ""


def _check_connections(connection: psycopg.Connection[Any], settings: Settings) -> Finding:
    from trade_ingest.engines import CONNECTIONS_PER_FILE, default_parallelism

    needed = (settings.parallelism or default_parallelism()) * CONNECTIONS_PER_FILE + _OTHER_CONNECTIONS
    free = _one(
        connection,
        "SELECT current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int"
        " - (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend')::int + 1",
    )
    message = f"{free} free, a run needs {needed}"
    if free < needed:
        return CheckState.WARN, message, "lower parallelism, or raise max_connections on the server"
    return CheckState.PASS, message, ""


def check_clock(connection: psycopg.Connection[Any], now: Callable[[], datetime]) -> Finding:
    """Whether this machine and the server agree on the time, as far as the way there and back lets one know."""
    before = now()
    theirs: datetime = _one(connection, "SELECT clock_timestamp()")
    after = now()
    difference = max(before - theirs, theirs - after, timedelta(0))
    message = f"{difference.total_seconds():.3f} s between this machine and the server"
    if difference > TOLERATED_CLOCK_DIFFERENCE:
        return CheckState.WARN, message, "let both set their clocks by NTP: logs and ledger would not match"
    return CheckState.PASS, message, ""


_RIGHTS_SQL = """
SELECT current_user, current_database(),
    to_regnamespace('ingest') IS NOT NULL,
    has_database_privilege(current_database(), 'CREATE'),
    has_database_privilege(current_database(), 'TEMPORARY')
"""


def check_rights(connection: psycopg.Connection[Any]) -> Finding:
    """Whether the user may do what a run does, whatever its target."""
    from psycopg import sql

    from trade_ingest.ledger.rights import MissingRight, MissingRights, grant_text, missing_ledger_rights

    row = connection.execute(_RIGHTS_SQL).fetchone()
    user, database, has_ledger, can_create, can_use_temp = row or ("", "", False, False, False)
    on = sql.SQL("DATABASE {}").format(sql.Identifier(database))
    missing: list[MissingRight] = []
    if not can_create and not has_ledger:
        missing.append(MissingRight("create schemas", grant_text("CREATE", on, user)))
    if not can_use_temp:
        missing.append(MissingRight("make temporary tables", grant_text("TEMPORARY", on, user)))
    missing += missing_ledger_rights(connection).rights
    if missing:
        rights = MissingRights(user, tuple(missing))
        return CheckState.FAIL, rights.message, rights.hint
    return CheckState.PASS, f"{user} may make schemas and temporary tables" if can_create else f"{user} may use it", ""


def check_ledger(connection: psycopg.Connection[Any]) -> Finding:
    """Whether the ledger is of this program's version."""
    from trade_ingest.ledger.schema import HEAD, current_revision, require_ledger

    revision = current_revision(connection)
    if revision is None:
        return CheckState.PASS, "none yet; the first run makes it", ""
    require_ledger(connection)
    return CheckState.PASS, f"revision {HEAD}, current", ""


def _check_target(connection: psycopg.Connection[Any], settings: Settings) -> Finding:
    from trade_ingest.contract.loading import load_contract
    from trade_ingest.load.rights import missing_target_rights
    from trade_ingest.load.target import TargetTable, has_table, target_differences

    contract = load_contract(settings.contract)
    target, name = TargetTable.of(contract), contract.target.qualified_name
    is_there = has_table(connection, target.schema_name, target.table)
    missing = missing_target_rights(connection, target)
    if missing.rights:
        return CheckState.FAIL, missing.message, missing.hint
    if not is_there:
        return CheckState.PASS, f"no table {name} yet; the first run makes it", ""
    if differences := target_differences(connection, target):
        fix = "name another target in the contract, or bring the table in line"
        return CheckState.FAIL, f"table {name} differs from the contract: {'; '.join(differences)}", fix
    return CheckState.PASS, f"table {name} fits the contract", ""


def _one(connection: psycopg.Connection[Any], query: LiteralString, *parameters: object) -> Any:  # noqa: ANN401
    row = connection.execute(query, parameters).fetchone()
    return row[0] if row else None
