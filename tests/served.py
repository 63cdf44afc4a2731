"""A served API for tests: real processes on a free port, with files to load and a real database."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import psycopg
import requests

from trade_ingest.ledger.schema import upgrade
from trade_ingest.ledger.tokens import create_token

PATIENCE_SECONDS = 60


def until(condition: Callable[[], object], what: str) -> Any:
    """Wait for a condition and return its value; for what happens outside of this process."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not (value := condition()):
        assert time.monotonic() < deadline, f"in {PATIENCE_SECONDS} s it did not come to: {what}"
        time.sleep(0.01)
    return value


@dataclass
class Server:
    """One `trade-ingest serve`, in a process of its own."""

    process: subprocess.Popen[bytes]
    log: Path
    url: str = ""
    token: str | None = None
    session: requests.Session = field(default_factory=requests.Session)

    def wait(self) -> None:
        """Wait until it takes requests."""

        def said() -> str | None:
            assert self.process.poll() is None, self.log.read_text()
            lines = self.log.read_text().splitlines()
            return next((line.split()[1].rstrip(",") for line in lines if line.startswith("serving ")), None)

        self.url = until(said, "the server says where it listens")
        until(self._answers, "the server answers")

    def _answers(self) -> bool:
        with suppress(requests.ConnectionError, requests.Timeout):  # its process is still on its way
            return requests.get(f"{self.url}/healthz", timeout=10).ok
        return False

    def call(self, method: str, path: str, **options: Any) -> requests.Response:
        """Ask for something below /api/v1, with the token if there is one."""
        headers = options.pop("headers", {})
        if self.token is not None:
            headers = {"Authorization": f"Bearer {self.token}"} | headers
        options.setdefault("timeout", PATIENCE_SECONDS)
        return self.session.request(method, f"{self.url}/api/v1{path}", headers=headers, **options)

    def get(self, path: str, **options: Any) -> Any:
        """The JSON of an answer that is good."""
        answer = self.call("GET", path, **options)
        assert answer.ok, answer.text
        return answer.json()

    def post(self, path: str, body: Any = None, **options: Any) -> Any:
        """The JSON of an answer to a write that is good."""
        answer = self.call("POST", path, json=body, **options)
        assert answer.ok, answer.text
        return answer.json()

    def kill(self) -> None:
        """End all its processes with signal 9; not those of runs, which have sessions of their own."""
        ours = [self.process.pid, *(child.pid for child in self._workers())]
        for pid in ours:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait()

    def _workers(self) -> list[psutil.Process]:
        children = psutil.Process(self.process.pid).children()
        return [child for child in children if os.getpgid(child.pid) == os.getpgid(self.process.pid)]


@dataclass
class Service:
    """A folder of files, a database, and servers of it."""

    database: str
    folder: Path
    tmp: Path
    servers: list[Server] = field(default_factory=list)

    def serve(self, *arguments: str, token: str | None = None, **environment: str) -> Server:
        """Start a server on a free port and wait until it answers."""
        number = len(self.servers)
        log, output = self.tmp / f"server-{number}.log", self.tmp / f"server-{number}.out"
        words = [sys.executable, "-m", "trade_ingest", "serve", "--port", "0", "--allow", str(self.folder), *arguments]
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("OTEL_", "OPENLINEAGE"))}
        with log.open("wb") as errors, output.open("wb") as out:
            process = subprocess.Popen(
                words,
                cwd=self.tmp,
                env=clean | {"TRADE_INGEST_DATABASE_URL": self.database, "PYTHONUNBUFFERED": "1"} | environment,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=errors,
                start_new_session=True,
            )
        server = Server(process, log, token=token)
        self.servers.append(server)
        server.wait()
        return server

    def output(self) -> str:
        """All that the servers have written."""
        return "".join(path.read_text() for path in sorted(self.tmp.glob("server-*.*")))

    def make_token(self, scope: str, **options: Any) -> str:
        """A token."""
        upgrade(self.database)
        with psycopg.connect(self.database, autocommit=True) as connection:
            return create_token(connection, name=f"the {scope}", scope=scope, created_by="test", **options)[0]

    def write(self, name: str, rows: int, *, first: int = 1, header: str | None = None) -> Path:
        """Write a file of Kraken trades."""
        self.folder.mkdir(exist_ok=True)
        path = self.folder / name
        lines = [f"{1_600_000_000 + number},{100 + number % 7}.5,0.25" for number in range(first, first + rows)]
        path.write_text("".join(f"{line}\n" for line in ([header] if header else []) + lines))
        return path

    def query(self, statement: str, *parameters: object) -> list[Any]:
        """The rows of a query."""
        with psycopg.connect(self.database, autocommit=True) as connection:
            cursor = connection.execute(statement, parameters or None)
            return cursor.fetchall() if cursor.description else []

    def ended(self, run_request_id: int) -> dict[str, Any]:
        """A request when it has ended; waits for that."""
        query = "SELECT row_to_json(r) FROM ingest.run_request AS r WHERE run_request_id = %s AND ended_at IS NOT NULL"
        return until(lambda: self.query(query, run_request_id), f"request {run_request_id} ends")[0][0]

    def run_process(self, run_request_id: int) -> psutil.Process:
        """The process of a request; waits until there is one."""
        query = "SELECT process_id FROM ingest.run_request WHERE run_request_id = %s AND process_id IS NOT NULL"
        return psutil.Process(until(lambda: self.query(query, run_request_id), "the request has a process")[0][0])

    def close(self) -> None:
        """Stop all that was started."""
        for server in self.servers:
            if server.process.poll() is None:
                server.process.terminate()
        for server in self.servers:
            try:
                server.process.wait(30)
            except subprocess.TimeoutExpired:
                server.kill()
        found = self.query("SELECT to_regclass('ingest.run_request')")
        if found[0][0] is None:
            return
        for (pid,) in self.query("SELECT process_id FROM ingest.run_request WHERE ended_at IS NULL AND process_id > 0"):
            with suppress(psutil.NoSuchProcess):
                process = psutil.Process(pid)
                if "trade_ingest.api.worker" in process.cmdline():
                    for member in [*process.children(recursive=True), process]:
                        member.kill()


@dataclass
class Gate:
    """Stops loads at the insertion into a table until it is opened."""

    connection: psycopg.Connection[Any]
    KEY = 4711

    def close(self, table: str = "ingest.attempt", *, rows: str = "true") -> None:
        """Stop who inserts there from now on, or only at some rows: a condition on NEW."""
        self.connection.execute(
            "CREATE OR REPLACE FUNCTION public.wait_at_gate() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN"
            f" PERFORM pg_advisory_lock_shared({self.KEY}), pg_advisory_unlock_shared({self.KEY}); RETURN NEW; END$$"
        )
        self.connection.execute(
            f"CREATE OR REPLACE TRIGGER gate BEFORE INSERT ON {table} FOR EACH ROW WHEN ({rows})"
            " EXECUTE FUNCTION public.wait_at_gate()"
        )
        self.connection.execute("SELECT pg_advisory_lock(%s)", [self.KEY])

    def let_through(self) -> None:
        """Let those go on that are stopped, and stop who comes after them."""
        self.open()
        self.connection.execute("SELECT pg_advisory_lock(%s)", [self.KEY])

    def open(self) -> None:
        """Let them go on."""
        self.connection.execute("SELECT pg_advisory_unlock_all()")

    def wait_for(self, count: int = 1) -> None:
        """Wait until so many are stopped."""
        query = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = %s AND NOT granted"
        until(lambda: self.connection.execute(query, [self.KEY]).fetchone()[0] >= count, f"{count} at the gate")
