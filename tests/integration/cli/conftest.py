"""The program on a real database, in an empty folder with a small contract, and with no settings from outside."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest

from trade_ingest.cli.main import main

CONTRACT = """
name: tick
version: 1
columns:
  - {name: tick_id, type: integer}
  - {name: price, type: "decimal(12,2)", min: 0}
  - {name: traded_at, type: timestamp, zone: UTC}
key: [tick_id]
event_time: traded_at
target: {table: tick, partition_by: none}
rejects: {max_count: 1, max_ratio: 0}
"""
HEADER = "tick_id,price,traded_at\n"


@dataclass(frozen=True, slots=True)
class Done:
    """What a call of the program gave."""

    code: int
    out: str
    err: str


@dataclass(frozen=True, slots=True)
class ProgramOnDatabase:
    """The program; calling it runs it in this process.

    Attributes:
        folder: the working folder, with the contract ``tick.yaml``.
        database: the URL of the test's database.
        started: processes that the test has started; what is left of them is ended with the test.
    """

    folder: Path
    database: str
    call: Callable[..., Done]
    started: list[subprocess.Popen[str]]

    def __call__(self, *arguments: object) -> Done:
        """Run it: ``program("plan", "a.csv")``."""
        return self.call(*arguments)

    def start(self, *arguments: object) -> subprocess.Popen[str]:
        """Start it as a process, the leader of a process group of its own."""
        process = subprocess.Popen(
            [sys.executable, "-m", "trade_ingest", *map(str, arguments)],
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self.started.append(process)
        return process

    def write(self, name: str, tick_ids: Iterable[int], *, price: str = "10.50") -> Path:
        """Write a file of ticks; its path."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(HEADER + "".join(f"{tick_id},{price},2024-03-04 09:00:00\n" for tick_id in tick_ids))
        return path

    def query(self, statement: str) -> list[tuple[Any, ...]]:
        """The rows of a query."""
        with psycopg.connect(self.database, autocommit=True) as connection:
            return connection.execute(statement).fetchall()


@pytest.fixture
def program(tmp_path, monkeypatch, capsys, database_url) -> Iterator[ProgramOnDatabase]:
    """The program with the contract ``tick`` and a new database."""
    for name in os.environ:
        if name.startswith("TRADE_INGEST_") or name in {"NO_COLOR", "CLICOLOR_FORCE"}:
            monkeypatch.delenv(name)
    (tmp_path / "tick.yaml").write_text(CONTRACT)
    monkeypatch.setenv("TRADE_INGEST_DATABASE_URL", database_url)
    monkeypatch.setenv("TRADE_INGEST_CONTRACT", "./tick.yaml")
    monkeypatch.chdir(tmp_path)

    def call(*arguments: object) -> Done:
        capsys.readouterr()
        code = main([str(argument) for argument in arguments])
        return Done(code, *capsys.readouterr())

    started: list[subprocess.Popen[str]] = []
    yield ProgramOnDatabase(tmp_path, database_url, call, started)
    for process in started:
        with process:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
