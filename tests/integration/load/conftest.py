"""Small trade files, loads of them in this and other processes, and ways to stop PostgreSQL at a chosen statement."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest
from psycopg import sql

from trade_ingest import pipeline
from trade_ingest.contract.model import Contract, OnChanged
from trade_ingest.ledger.contracts import contract_id_of
from trade_ingest.ledger.runs import RunState, end_run, start_run
from trade_ingest.load.target import ensure_target
from trade_ingest.load.task import FileResult, LoadOptions, LoadTask
from trade_ingest.load.transaction import Loader
from trade_ingest.plan import make_plan, register_files
from trade_ingest.run import RunOptions, RunResult
from trade_ingest.source.local import stat_path

DRIVER = Path(__file__).with_name("drive_run.py")
PATIENCE_SECONDS = 240  # a Spark cluster on a busy machine takes a minute to begin

TRADES = {
    "name": "trades",
    "version": 1,
    "columns": [
        {"name": "trade_id", "type": "integer"},
        {"name": "symbol", "type": "text"},
        {"name": "executed_at", "type": "timestamp", "zone": "UTC"},
        {"name": "price", "type": "decimal(18,2)", "greater_than": 0},
        {"name": "quantity", "type": "decimal(18,2)"},
    ],
    "key": ["trade_id"],
    "event_time": "executed_at",
    "control_totals": ["quantity"],
    "target": {"schema": "market", "table": "trade", "partition_by": "month"},
}


def until(condition: Callable[[], object], what: str) -> Any:
    """Wait for a condition and return its value; for what happens outside of this process."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not (value := condition()):
        assert time.monotonic() < deadline, f"in {PATIENCE_SECONDS} s it did not come to: {what}"
        time.sleep(0.005)
    return value


@dataclass
class Feed:
    """A folder of trade files, and the database that they go to."""

    folder: Path
    database: str
    contract: Contract
    HEADER = "trade_id,symbol,executed_at,price,quantity"
    _lines: dict[str, list[str]] = field(default_factory=dict)
    _ticks: int = 0

    @staticmethod
    def trade(number: int, *, at: str = "2024-01-15 10:00:00", price: str = "1.50", quantity: str = "2.00") -> str:
        """A row, spelled as the target shows it."""
        return f"{number},EURUSD,{at},{price},{quantity}"

    def trades(self, first: int, last: int, **values: str) -> list[str]:
        """Rows with consecutive keys."""
        return [self.trade(number, **values) for number in range(first, last + 1)]

    def write(self, name: str, lines: list[str], *, header: str | None = HEADER) -> Path:
        """Write a file; each time it has another version."""
        self.folder.mkdir(exist_ok=True)
        path = self.folder / name
        path.write_text("".join(f"{line}\n" for line in [*([header] if header is not None else []), *lines]))
        self._lines[name] = lines
        self.touch(name)
        return path

    def touch(self, name: str, tick: int | None = None) -> None:
        """Give a file another modification time; a time given before gives it that version again."""
        if tick is None:
            self._ticks += 1
        seconds = 1_700_000_000 + (self._ticks if tick is None else tick)
        os.utime(self.folder / name, (seconds, seconds))

    def expected(self, *names: str) -> list[tuple[str, int, str]]:
        """All rows of files as they were written last: what `rows` is to be after they were loaded."""
        return sorted((name, number, line) for name in names for number, line in enumerate(self._lines[name], 1))

    def rows(self, table: str = "market.trade") -> list[tuple[str, int, str]]:
        """The rows of a table: file name (``?`` for none in the ledger), row number, the row as in the file."""
        return sorted(
            self.query(
                "SELECT coalesce(regexp_replace(f.uri, '.*/', ''), '?'), t.row_number,"
                " concat_ws(',', t.trade_id, t.symbol,"
                " to_char(t.executed_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS'), t.price, t.quantity)"
                f" FROM {table} AS t LEFT JOIN ingest.file AS f USING (file_id)"
            )
        )

    def files(self, columns: str = "state") -> list[tuple[Any, ...]]:
        """The files of the ledger in the order of discovery: name and some columns."""
        return self.query(f"SELECT regexp_replace(uri, '.*/', ''), {columns} FROM ingest.file ORDER BY file_id")

    def attempts(self) -> list[tuple[str, int, str]]:
        """All attempts: file name, number, state."""
        return self.query(
            "SELECT regexp_replace(f.uri, '.*/', ''), a.number, a.state FROM ingest.attempt AS a"
            " JOIN ingest.file AS f USING (file_id) ORDER BY f.uri, f.file_id, a.number"
        )

    def rejects(self) -> list[tuple[str, int, str, list[str]]]:
        """All rejects: file name, row number, raw text, codes."""
        return [
            (name, row_number, raw, [reason["code"] for reason in reasons])
            for name, row_number, raw, reasons in self.query(
                "SELECT regexp_replace(f.uri, '.*/', ''), r.row_number, r.raw_text, r.reasons FROM ingest.reject AS r"
                " JOIN ingest.file AS f USING (file_id) ORDER BY f.uri, f.file_id, r.row_number"
            )
        ]

    def runs(self, columns: str = "state") -> list[Any]:
        """A column of all runs, or some as tuples."""
        found = self.query(f"SELECT {columns} FROM ingest.run ORDER BY run_id")
        return [row[0] if len(row) == 1 else row for row in found]

    def partitions(self, table: str = "market.trade") -> list[tuple[str, str]]:
        """The partitions of a table with their bounds."""
        return self.query(
            "SELECT c.relname::text, pg_get_expr(c.relpartbound, c.oid) FROM pg_inherits AS i"
            " JOIN pg_class AS c ON c.oid = i.inhrelid WHERE i.inhparent = to_regclass(%s) ORDER BY 1",
            table,
        )

    def run(self, *sources: str | Path, contract: Contract | None = None, **options: Any) -> RunResult:
        """Load what is in the folder, or other sources, in this process."""
        if "on_changed" in options:
            options["on_changed"] = OnChanged(options["on_changed"])
        return pipeline.ingest(
            [str(source) for source in sources] or [str(self.folder)],
            contract=contract or self.contract,
            database=self.database,
            options=RunOptions(**{"parallelism": 1} | options),
        )

    def plan(self, **options: Any) -> dict[str, str]:
        """The plan for the folder: the reason of each file."""
        if "on_changed" in options:
            options["on_changed"] = OnChanged(options["on_changed"])
        plan = pipeline.plan([str(self.folder)], contract=self.contract, database=self.database, **options)
        return {Path(planned.file.uri).name: planned.reason.value for planned in plan.files}

    def prepare(self) -> None:
        """Make the ledger and the target."""
        pipeline.prepare_ledger(self.database)
        with psycopg.connect(self.database, autocommit=True) as connection:
            ensure_target(connection, self.contract)

    @contextlib.contextmanager
    def task(self, name: str, options: LoadOptions | None = None, *, waits: bool = True) -> Iterator[LoadTask]:
        """A task for one file in a run of its own."""
        self.prepare()
        target = self.contract.target.qualified_name
        with psycopg.connect(self.database, autocommit=True) as connection:
            contract_id = contract_id_of(connection, self.contract)
            run_id = start_run(
                connection,
                "ingest",
                sources=[name],
                contract_id=contract_id,
                target=target,
                engine="test",
                options={},
            )
            plan = make_plan(connection, [stat_path(str(self.folder / name))], self.contract)
            (planned,) = plan.files
            (file_id,) = register_files(connection, [planned], target, contract_id, state="pending").values()
            options = options or LoadOptions()
            yield LoadTask(run_id, file_id, planned.file, self.contract, contract_id, options, waits)
            end_run(connection, run_id, RunState.SUCCEEDED, {}, None)

    def load(self, name: str, **options: Any) -> FileResult:
        """Load one file with options of the loader."""
        with self.task(name, LoadOptions(**options)) as task, Loader(self.database) as loader:
            return loader.load(task)

    def query(self, statement: str, *parameters: object) -> list[Any]:
        """The rows of a query."""
        with psycopg.connect(self.database, autocommit=True) as connection:
            cursor = connection.execute(statement, parameters or None)
            return cursor.fetchall() if cursor.description else []


@dataclass
class Gate:
    """Stops sessions at chosen statements until it is opened."""

    connection: psycopg.Connection[Any]
    drivers: list["Driver"]
    KEY = 4711

    def at(self, moment: str, table: str, condition: str = "true", *, is_at_commit: bool = False) -> None:
        """Stop sessions that change rows of a table.

        Args:
            moment: such as ``BEFORE UPDATE``.
            table: its name.
            condition: of the row, ``NEW``, that stops them.
            is_at_commit: stop them not there but within their COMMIT.
        """
        self.connection.execute(
            "CREATE OR REPLACE FUNCTION public.wait_at_gate() RETURNS trigger LANGUAGE plpgsql AS"
            f" $$BEGIN PERFORM pg_advisory_xact_lock_shared({self.KEY}); RETURN NEW; END$$"
        )
        kind, deferred = ("CONSTRAINT ", "DEFERRABLE INITIALLY DEFERRED ") if is_at_commit else ("", "")
        name = f"gate_{abs(hash((moment, table, condition)))}"
        self.connection.execute(
            f"CREATE {kind}TRIGGER {name} {moment} ON {table} {deferred}FOR EACH ROW"
            f" WHEN ({condition}) EXECUTE FUNCTION public.wait_at_gate()"
        )
        self.close()

    def close(self) -> None:
        """Stop sessions again; open when nothing was stopped yet."""
        if not self.is_closed:
            self.connection.execute("SELECT pg_advisory_lock(%s)", [self.KEY])
            self.is_closed = True

    def open(self) -> None:
        """Let all of them go on."""
        if self.is_closed:
            self.connection.execute("SELECT pg_advisory_unlock(%s)", [self.KEY])
            self.is_closed = False

    is_closed = False

    def waiting(self) -> list[int]:
        """The sessions that are stopped."""
        found = self.connection.execute(
            "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND objid = %s AND NOT granted ORDER BY pid",
            [self.KEY],
        )
        return [pid for (pid,) in found.fetchall()]

    def wait_for(self, count: int = 1) -> list[int]:
        """Wait until so many sessions are stopped; their server processes."""

        def enough() -> list[int] | None:
            failed = [
                driver.process for driver in self.drivers if driver.process.poll() not in (None, 0, -signal.SIGKILL)
            ]
            assert not failed, failed[0].communicate()[1]
            return found if len(found := self.waiting()) >= count else None

        return until(enough, f"{count} sessions at the gate")


@dataclass
class Driver:
    """A run in a process of its own."""

    process: subprocess.Popen[str]

    @property
    def workers(self) -> list[psutil.Process]:
        """The processes that it has started."""
        return psutil.Process(self.process.pid).children(recursive=True)

    def kill(self) -> None:
        """End it with signal 9 and wait until its workers are gone too."""
        workers = self.workers
        self.process.kill()
        self.process.communicate()
        assert self.process.returncode == -signal.SIGKILL, "it ended before it was killed"
        until(lambda: not [w for w in workers if _is_alive(w)], "workers end with their driver")

    def result(self) -> dict[str, Any]:
        """The run's result, or the error it ended with as ``error``."""
        output, errors = self.process.communicate(timeout=PATIENCE_SECONDS)
        assert self.process.returncode == 0, errors
        return json.loads(output)


def _is_alive(process: psutil.Process) -> bool:
    with contextlib.suppress(psutil.NoSuchProcess):
        return process.status() != psutil.STATUS_ZOMBIE
    return False


@pytest.fixture
def make_contract() -> Callable[..., Contract]:
    """A contract for trades with other values at its top level; those of ``target`` are merged."""

    def make(**changes: Any) -> Contract:
        target = TRADES["target"] | changes.pop("target", {})
        return Contract.model_validate(TRADES | changes | {"target": target})

    return make


@pytest.fixture
def feed(tmp_path, database_url, make_contract) -> Feed:
    """An empty folder, an empty database, and a contract with a key and months as partitions."""
    return Feed(tmp_path / "files", database_url, make_contract())


@pytest.fixture
def drivers() -> list[Driver]:
    """The runs that the test has started in processes of their own."""
    return []


@pytest.fixture
def gate_of(drivers) -> Callable[[str], contextlib.AbstractContextManager[Gate]]:
    """A gate in a database; while the block runs."""

    @contextlib.contextmanager
    def make(database: str) -> Iterator[Gate]:
        with contextlib.closing(psycopg.connect(database, autocommit=True)) as connection:
            yield Gate(connection, drivers)

    return make


@pytest.fixture
def gate(database_url, gate_of) -> Iterator[Gate]:
    """A gate in the test's database."""
    with gate_of(database_url) as gate:
        yield gate


@pytest.fixture
def wait_until() -> Callable[[Callable[[], object], str], Any]:
    """Waits for what other processes do."""
    return until


@pytest.fixture
def blocked(feed) -> Callable[[str], contextlib.AbstractContextManager[Callable[[], list[int]]]]:
    """Holds a lock on a table while a block runs; what it gives waits for somebody to run into it."""

    @contextlib.contextmanager
    def hold(table: str, mode: str = "SHARE") -> Iterator[Callable[[], list[int]]]:
        with psycopg.connect(feed.database) as connection:
            connection.execute(f"LOCK TABLE {table} IN {mode} MODE")

            def waiting() -> list[int]:
                found = feed.query(
                    "SELECT pid FROM pg_locks WHERE relation = to_regclass(%s) AND NOT granted"
                    " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
                    table,
                )
                return [pid for (pid,) in found]

            yield lambda: until(waiting, f"somebody wants {table}")

    return hold


@pytest.fixture
def start(drivers, tmp_path) -> Iterator[Callable[[Path, object], Driver]]:
    """Starts a program in a process of its own, and ends it with the test."""

    def start(program: Path, order: object) -> Driver:
        process = subprocess.Popen(
            [sys.executable, str(program), json.dumps(order)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=tmp_path,
        )
        drivers.append(Driver(process))
        return drivers[-1]

    yield start
    for driver in drivers:
        if driver.process.poll() is None:
            for process in [*driver.workers, driver.process]:
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.kill()
        driver.process.communicate()


@pytest.fixture
def drive(feed, start) -> Callable[..., Driver]:
    """Starts a run over the feed's folder in a process of its own."""

    def drive(*, parallelism: int = 1, of: Feed = feed, database: str | None = None, **options: object) -> Driver:
        order = {
            "sources": [str(of.folder)],
            "contract": of.contract.model_dump(mode="json", by_alias=True),
            "database": database or of.database,
            "options": {"parallelism": parallelism, **options},
        }
        return start(DRIVER, order)

    return drive


@pytest.fixture
def with_setting(database_url) -> Callable[[str, str], None]:
    """Sets a parameter of the server for new sessions of the test's database."""

    def set_parameter(name: str, value: str) -> None:
        with psycopg.connect(database_url, autocommit=True) as connection:
            statement = sql.SQL("ALTER DATABASE {} SET {} = {}")
            database = sql.Identifier(connection.info.dbname)
            connection.execute(statement.format(database, sql.Identifier(name), sql.Literal(value)))

    return set_parameter


@pytest.fixture
def plain_user(feed):
    """A role without rights; the feed connects as it within the test."""
    superuser = feed.database
    with psycopg.connect(superuser, autocommit=True) as connection:
        name = connection.info.dbname
        connection.execute(f"CREATE ROLE {name} LOGIN")
        feed.database = superuser.replace("postgres@", f"{name}@")
        yield connection, name
        feed.database = superuser
        connection.execute(f"DROP OWNED BY {name} CASCADE")
        connection.execute(f"DROP ROLE {name}")
