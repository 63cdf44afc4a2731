"""Measures what `docs/scaling.md` and `scale_sim.py` rest on: what PostgreSQL takes from one and two connections.

    python bench/scale_bench.py                      a million rows for each connection (about five minutes)
    python bench/scale_bench.py --rows 20000         a quick look

The rows are trade prints that were encoded beforehand, so that the server is measured and not the client; tables have
the columns of the target. The processor time of the server is that of the backends. Writes `bench/scale.json`.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pyarrow as pa
import pyarrow.parquet as pq

from bench import PRINTS, Bench, DataSet, write_prints
from trade_ingest.contract.loading import load_contract
from trade_ingest.generate import generate
from trade_ingest.lake.rows import as_in_lake, read_rows
from trade_ingest.lake.spool import Spool
from trade_ingest.ledger.connection import open_connection
from trade_ingest.ledger.files import lock_file
from trade_ingest.load.kept import KeptRows
from trade_ingest.load.target import TargetTable

HERE = Path(__file__).parent
COPIER = """
import sys, psycopg
with psycopg.connect(sys.argv[1]) as connection, connection.cursor() as cursor:
    connection.execute("SELECT pg_advisory_xact_lock_shared(1)")  # until all are there
    with cursor.copy(sys.argv[2]) as copy, open(sys.argv[3], "rb") as encoded:
        while chunk := encoded.read(1 << 20):
            copy.write(chunk)
    backend = connection.info.backend_pid
    print(open(f"/proc/{backend}/stat").read().rpartition(")")[2].split()[11:13], flush=True)
"""


@dataclass(frozen=True)
class Copied:
    """Some COPYs at the same time."""

    seconds: float
    server_seconds: float
    wal_bytes: int


@contextmanager
def held(url: str) -> Iterator[psycopg.Connection[Any]]:
    """Hold the copiers back until the block ends."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SELECT pg_advisory_lock(1)")
        yield connection


def copy_at_once(bench: Bench, tables: list[str], columns: str, encoded: list[Path]) -> Copied:
    """COPY a file into each table, all at the same time."""
    lsn = "SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn"
    bench.execute("CHECKPOINT")
    with held(bench.url) as gate:
        processes = [
            subprocess.Popen(
                [sys.executable, "-c", COPIER, bench.url, f"COPY {table} ({columns}) FROM STDIN (FORMAT binary)", file],
                stdout=subprocess.PIPE,
                text=True,
            )
            for table, file in zip(tables, encoded, strict=True)
        ]
        waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
        while bench.execute(waiting) != [(len(tables),)]:
            time.sleep(0.01)
        before = int(str(bench.execute(lsn)[0][0]))
        started = time.perf_counter()
        gate.execute("SELECT pg_advisory_unlock(1)")
        with ThreadPoolExecutor(len(processes)) as pool:
            outputs = list(pool.map(lambda process: process.communicate()[0], processes))
        seconds = time.perf_counter() - started
    if any(process.returncode for process in processes):
        sys.exit("a COPY failed")
    ticks = sum(int(part.strip("[]', \n")) for output in outputs for part in output.split(","))
    wal = int(str(bench.execute(lsn)[0][0])) - before
    return Copied(seconds, ticks / os.sysconf("SC_CLK_TCK"), wal)


class Tables:
    """Tables with the columns of the target."""

    def __init__(self, bench: Bench, encoded: list[Path], rows: int, rounds: int) -> None:
        target = TargetTable.of(load_contract(PRINTS))
        self._bench, self._encoded, self._rows, self._rounds = bench, encoded, rows, rounds
        self._columns = ", ".join(target.column_names)
        self._like = target.quoted_name

    def case(self, connections: int, tables: int, *, is_keyed: bool) -> dict[str, float]:
        """So many connections into so many tables; medians for a row."""
        names = [f"scale_{n}" for n in range(tables)]
        measured = []
        for _ in range(self._rounds):
            for name in names:
                self._bench.execute(f"DROP TABLE IF EXISTS {name}", f"CREATE TABLE {name} (LIKE {self._like})")
                if is_keyed:
                    self._bench.execute(f"CREATE UNIQUE INDEX ON {name} (trade_id)")
            into = [names[n % tables] for n in range(connections)]
            measured.append(copy_at_once(self._bench, into, self._columns, self._encoded[:connections]))
        rows = self._rows * connections
        return {
            "rows_per_second": round(rows / statistics.median(m.seconds for m in measured)),
            "server_seconds_per_million_rows": _per_million(
                statistics.median(m.server_seconds for m in measured), rows
            ),
            "wal_bytes_per_row": round(statistics.median(m.wal_bytes for m in measured) / rows, 1),
        }

    def index_later(self) -> dict[str, float]:
        """The unique index of a table that is full, for a row; `case` without a key was last."""
        seconds = []
        for _ in range(self._rounds):
            started = time.perf_counter()
            self._bench.execute("CREATE UNIQUE INDEX later ON scale_0 (trade_id)")
            seconds.append(time.perf_counter() - started)
            self._bench.execute("DROP INDEX later")
        (rows,) = self._bench.execute("SELECT count(*) FROM scale_0")[0]
        sizes = self._bench.execute("SELECT pg_table_size('scale_0')")[0]
        return {
            "seconds_per_million_rows": _per_million(statistics.median(seconds), int(str(rows))),
            "table_bytes_per_row": round(int(str(sizes[0])) / int(str(rows)), 1),
        }


def _per_million(seconds: float, rows: int) -> float:
    return round(seconds * 1e6 / rows, 3)


def encode(bench: Bench, data: DataSet) -> list[Path]:
    """The files as the server writes them in binary, one each."""
    bench.clear(data)
    bench.ingest(data)
    target = TargetTable.of(load_contract(PRINTS))
    paths = []
    with psycopg.connect(bench.url) as connection:
        for (file_id,) in connection.execute("SELECT file_id FROM ingest.file ORDER BY file_id").fetchall():
            path = bench.folder / f"encoded-{len(paths)}"
            columns = ", ".join(target.column_names)
            query = f"COPY (SELECT {columns} FROM {target.quoted_name} WHERE file_id = {file_id}) TO STDOUT"
            copying = connection.cursor().copy(f"{query} (FORMAT binary)")  # type: ignore[call-overload]
            with path.open("wb") as file, copying as copy:
                for chunk in copy:
                    file.write(chunk)
            paths.append(path)
    return paths


@dataclass(frozen=True)
class Loaded:
    """A run of the program: seconds, and processor time of its processes and of the server."""

    seconds: float
    client_seconds: float
    server_seconds: float


def load(bench: Bench, data: DataSet, *options: str) -> Loaded:
    """Load with trade-ingest into empty tables."""
    bench.clear(data)
    bench.execute("TRUNCATE ingest.handover, ingest.lake, ingest.iceberg_tables CASCADE")
    command = [sys.executable, "-m", "trade_ingest", "--quiet", "run", str(data.folder), "--contract", data.contract]
    before, own = _server_seconds(bench), os.times()
    started = time.perf_counter()
    done = subprocess.run([*command, "--database", bench.url, "-o", "json", *options], capture_output=True, check=False)
    seconds = time.perf_counter() - started
    if done.returncode or (options and json.loads(done.stdout)["handover_failed"]):
        sys.exit(f"{data.name}: {done.stdout.decode()}{done.stderr.decode()}")
    now = os.times()
    client = now.children_user + now.children_system - own.children_user - own.children_system
    return Loaded(seconds, client, _server_seconds(bench) - before)


def _server_seconds(bench: Bench) -> float:
    """Processor time of the server's processes, those that have ended included."""
    server = psutil.Process(bench.process_id)
    own = server.cpu_times()
    total = own.user + own.system + own.children_user + own.children_system
    for child in server.children(recursive=True):
        with_children = child.cpu_times()
        total += with_children.user + with_children.system
    return float(total)


def hand_overs(bench: Bench, data: DataSet, rounds: int, *options: str) -> dict[str, object]:
    """A load with no lake and with each kind, in turn; medians of seconds for a million rows, and for a file."""
    lakes = bench.folder / "lakes"
    kinds = {"none": (), "parquet": ("--also", f"parquet:{lakes}/p"), "iceberg": ("--also", f"iceberg:{lakes}/i")}
    measured: dict[str, list[Loaded]] = {kind: [] for kind in kinds}
    for number in range(rounds + 1):
        for kind, also in kinds.items():
            shutil.rmtree(lakes, ignore_errors=True)
            loaded = load(bench, data, *also, *options)
            if number:
                measured[kind].append(loaded)
            if kind == "parquet" and number == rounds:
                size = sum(path.stat().st_size for path in lakes.rglob("*.parquet"))
                again, event_time = bench.folder / "again", load_contract(data.contract).event_time
                shutil.rmtree(again, ignore_errors=True)
                again.mkdir()
                encode_seconds = _encode_seconds(sorted(lakes.rglob("*.parquet")), again, event_time)
    files = len(data.files)
    return {
        "rows": data.rows,
        "files": files,
        "parquet_bytes_per_row": round(size / data.rows, 1),
        "parquet_encode_seconds_per_million_rows": _per_million(encode_seconds, data.rows),
        **{
            kind: {
                "seconds": round(statistics.median(m.seconds for m in loads), 3),
                "client_seconds": round(statistics.median(m.client_seconds for m in loads), 3),
                "server_seconds": round(statistics.median(m.server_seconds for m in loads), 3),
            }
            for kind, loads in measured.items()
        },
    }


def sources(bench: Bench) -> dict[str, float]:
    """What the rows of a hand-over cost for a million: read back from the target, or kept while they were copied."""
    target = TargetTable.of(load_contract(PRINTS))
    folder = bench.folder / "sources"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    with open_connection(bench.url, autocommit=False) as connection:
        (file_id,) = connection.execute("SELECT min(file_id) FROM ingest.file").fetchone()  # type: ignore[misc]
        row = lock_file(connection, file_id, waits=True)
        assert row is not None
        before, started, server = time.process_time(), time.perf_counter(), _server_seconds(bench)
        table = pa.Table.from_batches(read_rows(connection, target, row, row.rows_loaded))
        read_seconds, read_client = time.perf_counter() - started, time.process_time() - before
    read_server = _server_seconds(bench) - server
    rows = table.num_rows
    before = time.process_time()
    kept = KeptRows(folder)
    for first in range(0, rows, 120_000):  # as many as a block of 8 MiB has
        kept.keep(first, table.slice(first, 120_000))
    kept_client = time.process_time() - before
    before = time.process_time()
    count = sum(batch.num_rows for batch in as_in_lake(kept.batches(), target))
    assert count == rows
    return {
        "read_back_seconds": _per_million(read_seconds, rows),
        "read_back_client_seconds": _per_million(read_client, rows),
        "read_back_server_seconds": _per_million(read_server, rows),
        "kept_client_seconds": _per_million(kept_client + time.process_time() - before, rows),
        "kept_bytes_per_row": round(sum(path.stat().st_size for path in folder.iterdir()) / rows, 1),
    }


def _encode_seconds(parts: list[Path], folder: Path, event_time: str) -> float:
    """Processor time to write the same rows as Parquet again."""
    seconds = 0.0
    for part in parts:
        table = pq.read_table(part, partitioning=None)
        before = time.process_time()
        Spool(folder, table.schema, event_time).write(table.to_batches())
        seconds += time.process_time() - before
    return seconds


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000, help="rows for each connection")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", type=Path, default=Path(".bench-scale"), help="data and server")
    parser.add_argument("--output", type=Path, default=HERE / "scale.json")
    arguments = parser.parse_args()
    bench = Bench(arguments.folder.resolve())
    try:
        output = measure(bench, arguments.rows, arguments.rounds)
    finally:
        bench.close()
    arguments.output.write_text(json.dumps(output, indent=2) + "\n")
    print(json.dumps(output, indent=2))


def measure(bench: Bench, rows: int, rounds: int) -> dict[str, object]:
    """All of it."""
    prints = DataSet("prints", PRINTS, bench.folder / f"prints-{rows}", 2 * rows)
    if not prints.folder.exists():
        write_prints(prints.folder, prints.rows, files=2)
    small = DataSet("events", "trade_event", bench.folder / "events", 10_000)
    if not small.folder.exists():
        generate(load_contract("trade_event"), small.folder, rows=small.rows, files=100, seed=1)
    load_before = os.getloadavg()[0]
    tables = Tables(bench, encode(bench, prints), rows, rounds)
    cases = {
        "keyed": {
            "1": tables.case(1, 1, is_keyed=True),
            "2_into_one_table": tables.case(2, 1, is_keyed=True),
            "2_into_two_tables": tables.case(2, 2, is_keyed=True),
        },
        "plain": {
            "1": tables.case(1, 1, is_keyed=False),
            "2_into_two_tables": tables.case(2, 2, is_keyed=False),
            "2_into_one_table": tables.case(2, 1, is_keyed=False),
        },
    }
    return {
        "server": str(bench.execute("SHOW server_version")[0][0]),
        "processors": os.cpu_count(),
        "machine": platform.machine(),
        "rows": rows,
        "rounds": rounds,
        "load_average_before": round(load_before, 1),
        "encoded_bytes_per_row": round((bench.folder / "encoded-0").stat().st_size / rows, 1),
        "csv_bytes_per_row": round(prints.size_bytes / prints.rows, 1),
        "copy": cases,
        "index_later": tables.index_later(),
        "hand_over_sources": sources(bench),
        "load": hand_overs(bench, prints, rounds, "--parallelism", "1"),
        "small_files": hand_overs(bench, small, 1, "--parallelism", "1"),
    }


if __name__ == "__main__":
    main()
