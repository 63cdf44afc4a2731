"""A Spark session for the tests of a module, and files with a contract."""

from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from trade_ingest.contract.loading import parse_contract
from trade_ingest.contract.model import Contract

CONTRACT = """
name: fill
version: 1
columns:
  - {name: trade_id, type: integer}
  - {name: price, type: "decimal(38,18)"}
  - {name: fee, type: "decimal(9,4)", required: false}
  - {name: note, type: text, required: false}
  - {name: is_buy, type: boolean, required: false}
  - {name: day, type: date, required: false}
  - {name: executed_at, type: timestamp, zone: America/New_York, nanoseconds: executed_at_ns}
event_time: executed_at
rejects: {max_count: 2, max_ratio: 0}
target: {table: fill, partition_by: none}
"""
HEADER = "trade_id,price,fee,note,is_buy,day,executed_at"


@pytest.fixture(scope="module")
def session():
    """A session with two slots that tries a failed task once more, in another time zone than the files and UTC."""
    pytest.importorskip("pyspark")
    from trade_ingest.engine.spark_session import open_session

    conf = {
        "spark.ui.enabled": "false",
        "spark.sql.shuffle.partitions": "2",
        "spark.sql.session.timeZone": "Asia/Kolkata",
    }
    session, is_ours = open_session("local[2, 2]", conf)
    assert is_ours
    yield session
    session.stop()


@dataclass
class Fills:
    """A folder of files, their contract, and a database."""

    folder: Path
    database: str
    contract: Contract

    @property
    def contract_path(self) -> str:
        """The contract as a YAML file."""
        return str(self.folder / "contract.yaml")

    @staticmethod
    def line(trade_id, *, price="1.5", at="2024-03-04 09:00:00"):
        """One row."""
        return f"{trade_id},{price},,,,,{at}"

    def write(self, name, lines, *, header=HEADER):
        """Write a file; its URI."""
        path = self.folder / name
        path.write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")
        return str(path)

    def query(self, statement, *parameters):
        """The rows of a query, or nothing where a statement has none."""
        with psycopg.connect(self.database, autocommit=True) as connection:
            cursor = connection.execute(statement, parameters)
            return cursor.fetchall() if cursor.description else []


@pytest.fixture
def fills(tmp_path, database_url) -> Fills:
    (tmp_path / "contract.yaml").write_text(CONTRACT)
    return Fills(tmp_path, database_url, parse_contract(CONTRACT, origin="contract.yaml"))
