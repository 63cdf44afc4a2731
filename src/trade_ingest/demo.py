"""What the demonstration works on: a folder and a database of its own, and two deliveries of files."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import LiteralString

from trade_ingest.embedded import default_data_dir
from trade_ingest.errors import UsageError
from trade_ingest.ledger.connection import open_connection, wrap_database_errors

ROWS = 100_000
FILES = 20
BAD_RATIO = 0.002

TRADES, CORRECTED = "trades", "corrected"
TWIN, TWIN_NAME = "trade_event_2024-01-10.csv", "late_delivery.csv"
CORRECTED_FILE = "trade_event_2024-01-16.csv"

VOLUME_SQL: LiteralString = """\
SELECT from_currency, to_currency, transaction_status AS status, count(*) AS trades, sum(from_cost) AS volume_sold
FROM trade_event_current
GROUP BY from_currency, to_currency, status
ORDER BY trades DESC, from_currency, to_currency
LIMIT 8"""

_MARKER = ".trade-ingest-demo"
_MARK_SQL = "CREATE SCHEMA IF NOT EXISTS trade_ingest_demo"
_IS_MARKED_SQL = "SELECT to_regnamespace('trade_ingest_demo') IS NOT NULL"
_IS_USED_SQL = "SELECT to_regnamespace('ingest') IS NOT NULL OR to_regclass('public.trade_event') IS NOT NULL"
_CLEAN_SQL = (
    "DROP SCHEMA IF EXISTS ingest CASCADE",
    "DROP VIEW IF EXISTS public.trade_event_current",
    "DROP TABLE IF EXISTS public.trade_event, public.trade_event_replaced",
)
_DEMO_LOCK = 0x7469_00DE


@dataclass(frozen=True, slots=True)
class DemoHome:
    """The demonstration's folder: files, settings, and its embedded database."""

    folder: Path

    @property
    def trades(self) -> Path:
        """Where files are delivered."""
        return self.folder / TRADES

    @property
    def data_dir(self) -> Path:
        """The folder of its embedded PostgreSQL."""
        return self.folder / "postgresql"


def default_home() -> Path:
    """The demonstration's folder when none is named: beside the user's embedded database, and apart from it."""
    return default_data_dir().parent / "demo"


def prepare_home(folder: Path, engine: str = "local") -> DemoHome:
    """Make the folder, with the settings that make every command in it use the demonstration's own database and engine.

    Raises:
        UsageError: the folder has something else in it; nothing is touched.
    """
    home = DemoHome(folder.expanduser().absolute())
    marker = home.folder / _MARKER
    if home.folder.exists() and not marker.exists() and (not home.folder.is_dir() or any(home.folder.iterdir())):
        raise UsageError(f"{home.folder} is not empty", hint="name a new folder")
    try:
        home.folder.mkdir(parents=True, exist_ok=True)
        marker.touch()
        settings = f'# the demonstration\'s own\ndata_dir = "{home.data_dir}"\nengine = "{engine}"\n'
        (home.folder / "trade-ingest.toml").write_text(settings, encoding="utf-8")
    except OSError as exc:
        raise UsageError(f"{exc.filename}: {exc.strerror}", hint="name a folder that you can write to") from exc
    return home


@contextmanager
def clean_database(database: str) -> Iterator[None]:
    """Empty a database that only demonstrations have used, and keep other demonstrations out of it meanwhile.

    Raises:
        UsageError: the database has a ledger or trades that are not a demonstration's, or one is under way.
        DatabaseUnavailableError, DatabaseAuthenticationError, DatabasePermissionError: it cannot be used.
    """
    with wrap_database_errors(), open_connection(database, name="trade-ingest demo") as connection:
        if not _answer(connection.execute("SELECT pg_try_advisory_lock(%s)", [_DEMO_LOCK]).fetchone()):
            raise UsageError("another demonstration is under way in this database", hint="wait for it to end")
        is_marked = _answer(connection.execute(_IS_MARKED_SQL).fetchone())
        if not is_marked and _answer(connection.execute(_IS_USED_SQL).fetchone()):
            hint = "name an empty database, or none"
            raise UsageError("the database has a ledger or trades already, and a demonstration begins clean", hint=hint)
        with connection.transaction():
            connection.execute(_MARK_SQL)
            for statement in _CLEAN_SQL:
                connection.execute(statement)
        yield


def remove_deliveries(home: DemoHome) -> None:
    """Remove the files of an earlier demonstration."""
    for name in (TRADES, CORRECTED):
        shutil.rmtree(home.folder / name, ignore_errors=True)


def deliver_twin(home: DemoHome) -> None:
    """Deliver one day's file again, under another name."""
    shutil.copyfile(home.trades / TWIN, home.trades / TWIN_NAME)


def deliver_correction(home: DemoHome) -> None:
    """Deliver one day's file again, under its name, with its broken rows mended."""
    (home.folder / CORRECTED / CORRECTED_FILE).replace(home.trades / CORRECTED_FILE)
    shutil.rmtree(home.folder / CORRECTED)


def _answer(row: tuple[object, ...] | None) -> bool:
    return bool(row and row[0])
