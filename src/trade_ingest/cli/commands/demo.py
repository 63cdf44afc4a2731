"""``trade-ingest demo``: see it work."""

from __future__ import annotations

import os
import shlex
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import chdir, contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import click

from trade_ingest.cli.display import format_seconds, styled
from trade_ingest.cli.invocation import Invocation, setting_option
from trade_ingest.cli.output import Column, Output

if TYPE_CHECKING:
    from trade_ingest.demo import DemoHome

_PREFIX = "TRADE_INGEST_"
_VOLUME_COLUMNS = (
    Column("from_currency"),
    Column("to_currency"),
    Column("status"),
    Column("trades", align="right"),
    Column("volume_sold", align="right", format=lambda volume: f"{volume:,.2f}"),
)


class _StepFailedError(Exception):
    """A command of the demonstration did not succeed; it has said why."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


@click.command()
@click.option(
    "--keep",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Work in this folder, new or an earlier demo's. By default the demo has one of its own.",
)
@setting_option(
    "--database", setting="database_url", metavar="URL", help="An empty database instead of the demo's own."
)
@click.option(
    "--engine",
    type=click.Choice(["local", "spark"]),
    default="local",
    show_default=True,
    help="What loads the files: processes of this machine, or PySpark on local[*].",
)
@click.pass_obj
def command(invocation: Invocation, folder: Path | None, *, engine: str) -> int:
    """See it work: generate trades, load them, run again, deliver corrections, look at rejects and results.

    Takes a few seconds, and a database and a folder of its own: nothing of yours is touched. Every step shows the
    command that does it. A second demo begins clean.

    \b
    Example:
      trade-ingest demo
    """  # noqa: D301  # \b keeps click from joining the lines
    from trade_ingest.demo import clean_database, default_home, prepare_home, remove_deliveries
    from trade_ingest.embedded import start, stop

    url = invocation.settings.database_url if "database_url" in invocation.flags else None
    started = time.monotonic()
    home = prepare_home(folder or default_home(), engine)
    database = url.get_secret_value() if url else start(home.data_dir)
    is_ours = False
    try:
        with clean_database(database), chdir(home.folder), _environment(database if url else None) as changes:
            is_ours = True
            remove_deliveries(home)
            _introduce(home, changes)
            with _spark_session() if engine == "spark" else nullcontext():
                _tell(home, database)
    except _StepFailedError as exc:
        return exc.code
    finally:
        if url is None and is_ours:  # else another demonstration is using the server
            stop(home.data_dir)
    _conclude(home, time.monotonic() - started, "until the next demo" if folder is None else "")
    return 0


def _introduce(home: DemoHome, changes: Sequence[str]) -> None:
    _heading("A folder and a database for the demo")
    _command("cd", str(home.folder))
    for change in changes:
        _command_line(change)


@contextmanager
def _spark_session() -> Iterator[None]:
    """A session that all runs of the demo use; by itself each would start its own."""
    from trade_ingest.engine.spark_session import open_session, stop_session

    _heading("Spark starts, once for all runs of the demo; a run on its own starts it by itself")
    session, is_ours = open_session("local[*]")
    _print(f"Spark {session.version} on local[*]")
    try:
        yield
    finally:
        if is_ours:
            stop_session(session)


def _tell(home: DemoHome, database: str) -> None:
    from trade_ingest.demo import (
        BAD_RATIO,
        CORRECTED,
        CORRECTED_FILE,
        FILES,
        ROWS,
        TRADES,
        TWIN,
        TWIN_NAME,
        deliver_correction,
        deliver_twin,
    )

    size = ["--rows", str(ROWS), "--files", str(FILES)]
    _heading(f"A vendor delivers {FILES} daily files; two rows in a thousand are broken")
    _run("generate", "--output", TRADES, *size, "--bad-ratio", str(BAD_RATIO))

    _heading("Load them: each file is one transaction, and each row is loaded or kept with its reasons")
    _run("run", TRADES)

    _heading("Two more deliveries: a day again under another name, and a day with its broken rows mended")
    _command("cp", f"{TRADES}/{TWIN}", f"{TRADES}/{TWIN_NAME}")
    deliver_twin(home)
    _run("generate", "--output", CORRECTED, *size)
    _command("mv", f"{CORRECTED}/{CORRECTED_FILE}", f"{TRADES}/{CORRECTED_FILE}")
    deliver_correction(home)

    _heading("Load again: the mended day takes the place of the first one, the known content is left out")
    _run("run", TRADES)
    _run("explain", f"{TRADES}/{TWIN_NAME}")
    _run("explain", f"{TRADES}/{CORRECTED_FILE}")

    _heading("And again: nothing to do")
    _run("run", TRADES)

    _heading("The ledger: what ran, and what became of the files")
    _run("runs")
    _run("files", "--limit", "4")
    _run("files", "--state", "replaced")

    _heading("The rejects: by reason and column, and the rows as they were delivered")
    _run("rejects")
    _run("rejects", "--reason", "failed_check", "--rows", "--limit", "2")

    _heading("The result: what each pair of currencies traded, each trade in its latest state")
    _show_volumes(database)


def _show_volumes(database: str) -> None:
    from psycopg.rows import dict_row

    from trade_ingest.demo import VOLUME_SQL
    from trade_ingest.ledger.queries import open_ledger

    _command("trade-ingest", "db", "shell", "--", "-c", VOLUME_SQL)
    with open_ledger(database) as connection, connection.cursor(row_factory=dict_row) as cursor:
        Output.of("text").table(cursor.execute(VOLUME_SQL).fetchall(), _VOLUME_COLUMNS, schema="trade-ingest.demo/1")


def _conclude(home: DemoHome, seconds: float, how_long: str) -> None:
    _heading(f"That was the demo, in {format_seconds(seconds)}; look around")
    _command("cd", str(home.folder))
    _command("trade-ingest", "rejects", "--export", "rejects.csv")
    _command("trade-ingest", "rollback", "--run", "2", "--preview")
    _command("trade-ingest", "reconcile")
    _command("trade-ingest", "db", "shell")
    stays = f"Files and results stay in {home.folder} {how_long}".rstrip()
    _print(f"\n{stays}. Your own trades, into a database of their own: trade-ingest run FOLDER")


def _run(*words: str) -> None:
    """Show a command and carry it out, in this process."""
    from trade_ingest.cli.main import main

    _command("trade-ingest", *words)
    code = main([*words, "--quiet"])
    sys.stdout.flush()
    if code:
        raise _StepFailedError(code)


@contextmanager
def _environment(database: str | None) -> Iterator[list[str]]:
    """Let the demo's commands see no settings of the user; gives what a user would type to have that."""
    from trade_ingest.settings import mask_url

    before = {name: value for name, value in os.environ.items() if name.startswith(_PREFIX)}
    for name in before:
        del os.environ[name]
    changes = [f"unset {' '.join(sorted(before))}"] if before else []
    if database is not None:
        os.environ[f"{_PREFIX}DATABASE_URL"] = database
        changes.append(f"export {_PREFIX}DATABASE_URL={shlex.quote(mask_url(database))}")
    try:
        yield changes
    finally:
        os.environ.pop(f"{_PREFIX}DATABASE_URL", None)
        os.environ.update(before)


def _heading(text: str) -> None:
    _print(f"\n{styled(text, 'bold', sys.stdout)}")


def _command(*words: str) -> None:
    _command_line(shlex.join(words))


def _command_line(line: str) -> None:
    _print(styled(f"$ {line}", "cyan", sys.stdout))


def _print(text: str) -> None:
    print(text, flush=True)  # noqa: T201
