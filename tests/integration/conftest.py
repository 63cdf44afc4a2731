"""A trading desk's files, loaded into a real database: what rollback, replay and reconciliation work on."""

import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

import psycopg
import pytest

from trade_ingest.contract.loading import parse_contract
from trade_ingest.contract.model import Contract
from trade_ingest.ledger.queries import FileSummary, list_files, open_ledger
from trade_ingest.pipeline import ingest
from trade_ingest.run import RunOptions, RunResult

HEADER = "trade_id,symbol,price,quantity,executed_at"

FILL = """
name: fill
version: 1
format: {delimiter: ","}
columns:
  - {name: trade_id, type: text}
  - {name: symbol, type: text, max_length: 6}
  - {name: price, type: "decimal(18,4)", min: 0}
  - {name: quantity, type: integer, greater_than: 0}
  - {name: executed_at, type: timestamp, zone: UTC}
key: [trade_id]
event_time: executed_at
control_totals: [price, quantity]
rejects: {max_count: 1000, max_ratio: 1}
target: {table: fill, partition_by: none}
"""

PRINT = (
    FILL.replace("name: fill", "name: print").replace("key: [trade_id]\n", "").replace("table: fill", "table: print")
)
PRINT = PRINT.replace("partition_by: none", "partition_by: month")


@dataclass
class Desk:
    """A folder of files and the database that they are loaded into."""

    database: str
    folder: Path
    contract: Contract
    _ticks: int = field(default=0)

    @staticmethod
    def line(trade_id: str, *, price: object = "10.5", quantity: object = 3, at: str = "2024-03-04 09:00:00") -> str:
        """One good row, or one that the arguments break."""
        return f"{trade_id},AAPL,{price},{quantity},{at}"

    def write(self, name: str, lines: Iterable[str | bytes], *, header: str = HEADER) -> str:
        """Write a file, each time as a version of its own; its URI."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        records = [part if isinstance(part, bytes) else part.encode() for part in (header, *lines)]
        path.write_bytes(b"\n".join(records) + b"\n")
        self._ticks += 1
        os.utime(path, ns=(self._ticks * 10**9, self._ticks * 10**9))
        return str(path)

    def ingest(self, *names: str, contract: Contract | None = None, **options: object) -> RunResult:
        """Load files, or all files of the folder."""
        sources = [str(self.folder / name) for name in names] or [str(self.folder)]
        return ingest(
            sources,
            contract=contract or self.contract,
            database=self.database,
            options=RunOptions(parallelism=1, **options),
        )

    def load(self, name: str, lines: Iterable[str | bytes], **options: object) -> FileSummary:
        """Write a file and load it alone; its newest row in the ledger."""
        uri = self.write(name, lines)
        self.ingest(name, **options)
        return self.file(uri)

    def file(self, uri_or_name: str) -> FileSummary:
        """The newest version of a file in the ledger."""
        return self.files(uri_or_name)[0]

    def files(self, uri_or_name: str) -> list[FileSummary]:
        """All versions of a file in the ledger, newest first."""
        uri = uri_or_name if uri_or_name.startswith("/") else str(self.folder / uri_or_name)
        with open_ledger(self.database) as connection:
            return [file for file in list_files(connection, limit=None) if file.uri == uri]

    def state_of(self, file_id: int) -> str:
        """The state of a file."""
        return self.query("SELECT state FROM ingest.file WHERE file_id = %s", file_id)[0][0]

    def rows(self, *, file_id: int | None = None) -> list[tuple]:
        """The target's rows, in order: trade id, price, quantity, file id, row number."""
        where = "" if file_id is None else f"WHERE file_id = {file_id}"
        return self.query(
            f"SELECT trade_id, price, quantity, file_id, row_number FROM {self.contract.target.table} {where}"
            " ORDER BY trade_id, file_id, row_number"
        )

    def rejects(self) -> list[tuple]:
        """All rejects in order: file, row number, state, codes."""
        return [
            (file_id, row_number, state, [reason["code"] for reason in reasons])
            for file_id, row_number, state, reasons in self.query(
                "SELECT file_id, row_number, state, reasons FROM ingest.reject ORDER BY file_id, row_number"
            )
        ]

    def query(self, statement: str, *parameters: object) -> list[tuple]:
        """The rows of a query."""
        with psycopg.connect(self.database, autocommit=True) as connection:
            return connection.execute(statement, parameters).fetchall()

    def execute(self, statement: str, *parameters: object) -> None:
        """Change the database behind the program's back."""
        with psycopg.connect(self.database, autocommit=True) as connection:
            connection.execute(statement, parameters)

    def totals(self, file_id: int) -> dict[str, Decimal]:
        """A file's control totals."""
        (found,) = self.query("SELECT control_totals FROM ingest.file WHERE file_id = %s", file_id)[0]
        return {name: Decimal(total) for name, total in found.items()}


@pytest.fixture
def desk(database_url, tmp_path) -> Desk:
    """Files of fills: a target with a key, not partitioned."""
    return Desk(database_url, tmp_path / "files", parse_contract(FILL, origin="fill.yaml"))


@pytest.fixture
def print_desk(database_url, tmp_path) -> Desk:
    """Files of prints: a target without a key, partitioned by month."""
    return Desk(database_url, tmp_path / "prints", parse_contract(PRINT, origin="print.yaml"))
