"""Fills in a store, the program that loads them into a database, and what must be in the table by then."""

import csv
import gzip
import io
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pytest

from stores.store import Store
from trade_ingest.cli.main import main

CONTRACT = """
name: fill
version: 1
columns:
  - {name: trade_id, type: text}
  - {name: price, type: "decimal(18,4)", min: 0}
  - {name: quantity, type: integer}
  - {name: note, type: text}
  - {name: executed_at, type: timestamp, zone: UTC}
key: [trade_id]
event_time: executed_at
control_totals: [quantity]
target: {table: fill, partition_by: none}
"""
HEADER = "trade_id,price,quantity,note,executed_at\n"

Row = tuple[str, int, str, Decimal, int, str, datetime]


@dataclass(frozen=True, slots=True)
class Done:
    """What a call of the program gave."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The result."""
        return json.loads(self.out)

    @property
    def outcome(self) -> tuple[int, int, int, list[str]]:
        """Exit code, files loaded, files skipped, and what failed."""
        if not self.out:
            return self.code, 0, 0, [self.err]
        result = self.json
        failed = [file["error"]["message"] for file in result["failed"]]
        return self.code, result["files_loaded"], result["files_skipped"], failed

    @property
    def errors(self) -> set[str]:
        """The codes of what ended the run, or of what failed in it."""
        if not self.out:
            return set(re.findall(r"^error\[([\w.]+)\]", self.err, re.MULTILINE))
        return {file["error"]["code"] for file in self.json["failed"]}


@dataclass
class Loading:
    """A store's fills and the database that they go to.

    Attributes:
        store: where tests put files.
        seen: the store as the program sees it, which may be behind a proxy.
    """

    store: Store
    seen: Store
    database: str
    folder: Path
    call: Callable[..., Done]
    sources: list[str] = field(default_factory=list)

    def put(self, key: str, numbers: Iterable[int], *, price: str = "10.5000", pack: bool = False) -> None:
        """Write a file of fills; ``pack`` compresses it."""
        content = fills(numbers, price)
        self.store.put(key, gzip.compress(content, mtime=0) if pack else content)

    def run(self, *options: str) -> Done:
        """Load all files of the store."""
        return self.call("run", *self._sources(), "-o", "json", *options)

    def plan(self) -> dict[str, str]:
        """The reason of each file in the plan, by key."""
        planned = self.call("plan", *self._sources(), "-o", "json").json
        keys = {self.seen.uri(key): key for key in self.store.keys()}  # noqa: SIM118  # a method of its own
        return {keys[file["uri"]]: file["reason"] for file in planned["items"]}

    def _sources(self) -> list[str]:
        return self.sources or self.seen.sources(*self.store.keys())

    def rows(self) -> list[Row]:
        """All rows of the target: URI, row number and values; none where there is no target yet."""
        if self.query("SELECT to_regclass('fill') IS NULL") == [(True,)]:
            return []
        return self.query(
            "SELECT f.uri, t.row_number, t.trade_id, t.price, t.quantity, t.note, t.executed_at"
            " FROM fill AS t JOIN ingest.file AS f USING (file_id) ORDER BY f.uri, t.row_number"
        )

    def expected(self, *keys: str) -> list[Row]:
        """What ``rows`` must be after these files, or all of the store, were loaded; read by the csv module."""
        rows = [row for key in keys or self.store.keys() for row in self._rows_of(key) if key.endswith((".csv", ".gz"))]
        return sorted(rows, key=lambda row: row[:2])

    def _rows_of(self, key: str) -> list[Row]:
        content = self.store.get(key)
        text = (gzip.decompress(content) if key.endswith(".gz") else content).decode()
        return [
            (
                self.seen.uri(key),
                number,
                row["trade_id"],
                Decimal(row["price"]),
                int(row["quantity"]),
                row["note"],
                datetime.fromisoformat(row["executed_at"]).replace(tzinfo=UTC),
            )
            for number, row in enumerate(csv.DictReader(io.StringIO(text, newline="")), 1)
        ]

    def query(self, statement: str, *parameters: object) -> list[Any]:
        """The rows of a query."""
        with psycopg.connect(self.database, autocommit=True) as connection:
            return connection.execute(statement, parameters or None).fetchall()

    def program(self, *arguments: str) -> Done:
        """Call the program as a process of its own."""
        command = [sys.executable, "-m", "trade_ingest", *arguments]
        done = subprocess.run(command, cwd=self.folder, capture_output=True, text=True, check=False, timeout=120)
        return Done(done.returncode, done.stdout, done.stderr)


def fills(numbers: Iterable[int], price: str = "10.5000") -> bytes:
    """The content of a file: each fill by its number, with a note that has what CSV may have."""
    notes = ("plain", '"a, b"', '"two\r\nlines"', '"said ""no"""', "é")
    lines = (
        f"F{n:07},{price},{n % 1000},{notes[n % 5]},2024-03-04 09:{n // 60 % 60:02}:{n % 60:02}\n" for n in numbers
    )
    return (HEADER + "".join(lines)).encode()


@pytest.fixture
def loading_of(tmp_path, monkeypatch, capsys, database_url, reach) -> Callable[[Store], Loading]:
    """Prepares loading from a store, with no settings from outside; the program sees it as the second argument."""
    for name in os.environ:
        if name.startswith("TRADE_INGEST_") or name in {"NO_COLOR", "CLICOLOR_FORCE"}:
            monkeypatch.delenv(name)
    (tmp_path / "fill.yaml").write_text(CONTRACT)
    monkeypatch.setenv("TRADE_INGEST_DATABASE_URL", database_url)
    monkeypatch.setenv("TRADE_INGEST_CONTRACT", "./fill.yaml")
    monkeypatch.chdir(tmp_path)

    def call(*arguments: str) -> Done:
        capsys.readouterr()
        code = main(list(arguments))
        return Done(code, *capsys.readouterr())

    def prepare(store: Store, seen: Store | None = None) -> Loading:
        reach(seen or store)
        return Loading(store, seen or store, database_url, tmp_path, call)

    return prepare
