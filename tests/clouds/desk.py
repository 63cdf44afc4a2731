"""Someone who submits jobs, and the clouds that run them here."""

import json
import runpy
import sys
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

from clouds.aws import Aws
from clouds.azure import Azure
from clouds.cloud import Cloud
from clouds.databricks import Databricks
from clouds.google import Google
from clouds.jobs import Jobs
from clouds.kubernetes import Kubernetes
from stores.store import Store

ENTRY_POINT = Path(__file__).parents[2] / "cloud_jobs" / "ingest_job.py"
CONTRACT = """
name: fill
version: 1
columns:
  - {name: trade_id, type: integer}
  - {name: price, type: "decimal(18,4)"}
  - {name: executed_at, type: timestamp, zone: UTC}
event_time: executed_at
rejects: {max_count: 2, max_ratio: 0}
target: {table: fill, partition_by: none}
"""
HEADER = "trade_id,price,executed_at\n"


def lines(first: int, last: int) -> bytes:
    """A file of fills."""
    rows = (f"{n},{n}.5,2024-03-04 09:00:{n % 60:02}\n" for n in range(first, last + 1))
    return (HEADER + "".join(rows)).encode()


@dataclass
class Clouds:
    """The clouds, their stores, and what leads the product to them: variables of this process and of its workers."""

    cloud: Cloud
    aws: Aws
    google: Google
    azure: Azure
    databricks: Databricks
    kubernetes: Kubernetes
    stores: dict[str, Store]
    folder: Path
    environment: dict[str, str]
    runs: list[list[str]] = field(default_factory=list)

    @property
    def services(self) -> list[Jobs]:
        """The jobs of all."""
        own = (self.aws, self.google, self.azure, self.databricks, self.kubernetes)
        return [service.jobs for service in own]

    def run_entry_point(self, uri: str, arguments: list[str]) -> int:
        """Run a job's program as its platform does: with the arguments of the job, and its volumes mounted here."""
        program = self.folder / f"{uuid.uuid4().hex}.py"
        program.write_bytes(self._content(uri))
        volumes = f"{self.databricks.folder}/Volumes/"
        mounted = [
            volumes + word.removeprefix("/Volumes/") if word.startswith("/Volumes/") else word for word in arguments
        ]
        self.runs.append(mounted)
        before = sys.argv
        sys.argv = [str(program), *mounted]
        try:
            runpy.run_path(str(program), run_name="__main__")
        except SystemExit as end:
            return int(end.code)
        finally:
            sys.argv = before
        return 0

    def _content(self, uri: str) -> bytes:
        if uri.startswith("/Workspace/"):
            return self.databricks.local(uri).read_bytes()
        if not uri.startswith(("s3://", "gs://", "abfss://")):
            assert uri.removeprefix("local://") == "/opt/trade-ingest/ingest_job.py"
            return ENTRY_POINT.read_bytes()
        store = self.stores[uri.partition("://")[0]]
        return store.get(uri.removeprefix(f"{store.root}/"))


@dataclass
class Desk:
    """Someone who submits jobs: a folder with a contract and artefacts, and the database that jobs load into."""

    clouds: Clouds
    folder: Path
    database: str
    call: Callable[..., tuple[int, str, str]]
    contract: str = "fill.yaml"

    def put(self, store: str, files: dict[str, bytes]) -> str:
        """Put files into a new folder of a store; its URI."""
        prefix = uuid.uuid4().hex
        for name, content in files.items():
            self.clouds.stores[store].put(f"{prefix}/{name}", content)
        return f"{self.clouds.stores[store].uri(prefix)}/"

    def bucket(self, store: str) -> str:
        """A new folder for jobs."""
        return self.clouds.stores[store].uri(f"jobs-{uuid.uuid4().hex}")

    def submit(self, *arguments: str) -> "Submitted":
        """Submit by the program, and wait."""
        code, out, err = self.call("submit", *arguments)
        start = out.rfind('{\n  "schema": "trade-ingest.job_outcome/1"')
        outcome = json.JSONDecoder().raw_decode(out[start:])[0] if start >= 0 else None
        return Submitted(code, outcome, out, err)

    def rows(self) -> list[tuple]:
        """The rows of the target in order: trade ids."""
        with psycopg.connect(self.database, autocommit=True) as connection:
            return [row[0] for row in connection.execute("SELECT trade_id FROM fill ORDER BY trade_id")]

    def query(self, statement: str) -> list[tuple]:
        """The rows of a query."""
        with psycopg.connect(self.database, autocommit=True) as connection:
            return connection.execute(statement).fetchall()


@dataclass
class Submitted:
    """What a call of `submit` gave."""

    code: int
    outcome: Any
    out: str
    err: str
