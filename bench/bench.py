r"""Measures trade-ingest against ``psql \copy``: same files, same table and indexes, same server, one run.

    python bench/bench.py                  both data sets at full size, five rounds (about 15 minutes)
    python bench/bench.py --scale 0.02     a quick look
    python bench/bench.py --memory         peak memory over file size, 100 MB to 5 GB

Figures are medians of whole processes, from start to exit; ``psql`` uses one connection, as it always does. Each round
runs both, so that a noisy machine slows both. The ledger, the checks and the rejects are part of our time.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import polars as pl
import psycopg

from trade_ingest.contract.loading import load_contract
from trade_ingest.embedded.cluster import Cluster
from trade_ingest.embedded.programs import FOLDER_BY_MAJOR, PACKAGE
from trade_ingest.embedded.server import DATABASE
from trade_ingest.generate import generate
from trade_ingest.ledger.schema import upgrade
from trade_ingest.load.target import TargetTable

HERE = Path(__file__).parent
PSQL = Path(str(find_spec(PACKAGE).origin)).parent / FOLDER_BY_MAJOR[18] / "bin" / "psql"
PRINTS = str(HERE / "contracts" / "trade_prints.yaml")


@dataclass(frozen=True)
class DataSet:
    """Files and where they go."""

    name: str
    contract: str
    folder: Path
    rows: int

    @property
    def files(self) -> list[Path]:
        """The data files, in order."""
        return sorted(self.folder.glob("*.csv"))

    @property
    def size_bytes(self) -> int:
        """Bytes of all files."""
        return sum(f.stat().st_size for f in self.files)


@dataclass(frozen=True)
class Measured:
    """One run of a program."""

    seconds: float
    peak_bytes: int


def write_prints(folder: Path, rows: int, files: int = 1) -> None:
    """Files of trade prints: a random walk, together a month of milliseconds, 67 bytes a row."""
    folder.mkdir(parents=True)
    for number in range(files):
        start, end = rows * number // files, rows * (number + 1) // files
        with (folder / f"prints-{number}.csv").open("wb") as file:
            for first in range(start, end, 1_000_000):
                _print_chunk(first, min(1_000_000, end - first), rows).write_csv(file, include_header=False)


def _print_chunk(first: int, count: int, rows: int) -> pl.DataFrame:
    import numpy as np

    random = np.random.default_rng(first)
    cents = 4_200_000 + np.cumsum(random.integers(-30, 31, count))
    lots = random.integers(1, 900, count)
    milliseconds = 1_704_067_200_000 + (np.arange(first, first + count) * (30 * 86_400_000 / rows)).astype(np.int64)

    def fixed(values: pl.Expr, places: int) -> pl.Expr:
        unit = 10**places
        return (values // unit).cast(pl.String) + "." + (values % unit).cast(pl.String).str.zfill(places)

    frame = pl.DataFrame(
        {"id": np.arange(first, first + count) + 3_000_000_000, "p": cents, "q": lots, "t": milliseconds}
    )
    return frame.select(
        "id",
        p=fixed(pl.col("p"), 2),
        q=fixed(pl.col("q"), 5),
        qq=fixed(pl.col("p") * pl.col("q"), 7),
        t=pl.from_epoch("t", "ms").dt.strftime("%Y-%m-%d %H:%M:%S%.3f"),
        m=pl.when(pl.col("p") % 2 == 0).then(pl.lit("true")).otherwise(pl.lit("false")),
    )


def run_program(command: list[str], **environment: str) -> Measured:
    """Run a program to its end; its wall-clock time and the peak memory of its largest process."""
    started = time.perf_counter()
    with tempfile.TemporaryFile() as output:  # a pipe would stop the program when it is full
        process = subprocess.Popen(command, stdout=output, stderr=output, env=os.environ | environment)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            output.seek(0)
            sys.exit(f"{' '.join(command)}: exit {process.returncode}\n{output.read().decode()}")
    scale = 1 if sys.platform == "darwin" else 1024
    return Measured(time.perf_counter() - started, usage.ru_maxrss * scale)


class Bench:
    """A server of its own and a folder for data."""

    def __init__(self, folder: Path, settings: Mapping[str, str] | None = None) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._cluster = Cluster(folder / "postgresql", settings=settings or {})
        self.url = self._cluster.start().url(DATABASE)
        upgrade(self.url)  # the folder may be of an earlier version

    @property
    def process_id(self) -> int:
        """The server's first process."""
        (directory,) = self.execute("SHOW data_directory")[0]
        return int((Path(str(directory)) / "postmaster.pid").read_text().splitlines()[0])

    def close(self) -> None:
        """Stop the server."""
        self._cluster.stop()

    def execute(self, *statements: str) -> list[tuple[object, ...]]:
        """Run statements; the rows of the last."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            cursor = None
            for statement in statements:
                cursor = connection.execute(statement)  # type: ignore[call-overload]
            return cursor.fetchall() if cursor and cursor.description else []

    def clear(self, data: DataSet) -> None:
        """Empty the target, forget the ledger, and let the server write out what it has."""
        target = load_contract(data.contract).target.qualified_name
        exists = self.execute(f"SELECT to_regclass('{target}') IS NOT NULL")[0][0]
        tables = "overlap, progress, event, reject, file_part, attempt, file, run"
        forget = f"TRUNCATE {target}, {', '.join('ingest.' + name for name in tables.split(', '))} CASCADE"
        self.execute(*([forget] if exists else []), "CHECKPOINT")

    def ingest(self, data: DataSet) -> Measured:
        """Load with trade-ingest."""
        command = [sys.executable, "-m", "trade_ingest", "--quiet", "run", str(data.folder)]
        return run_program([*command, "--contract", data.contract, "--database", self.url, "-o", "json"])

    def psql(self, data: DataSet) -> Measured:
        r"""Load with psql \copy: one session, one command a file."""
        self.let_lineage_be_zero(data)
        return self.copy(data, data.files)

    def let_lineage_be_zero(self, data: DataSet) -> None:
        """Let rows be written without the columns that say where they are from."""
        table = TargetTable.of(load_contract(data.contract)).quoted_name
        self.execute(*(f"ALTER TABLE {table} ALTER {c} SET DEFAULT 0" for c in ("file_id", "row_number")))

    def copy(self, data: DataSet, files: Iterable[Path]) -> Measured:
        """Copy files in one session."""
        contract = load_contract(data.contract)
        table = TargetTable.of(contract).quoted_name
        columns = ", ".join(c.name for c in contract.file_columns)
        options = "(FORMAT csv, HEADER true)" if contract.format.header else "(FORMAT csv)"
        script = "".join(f"\\copy {table} ({columns}) FROM '{f}' {options}\n" for f in files)
        with tempfile.NamedTemporaryFile("w", suffix=".sql") as commands:
            commands.write(script)
            commands.flush()
            command = [str(PSQL), "-X", "-q", "-v", "ON_ERROR_STOP=1", "-f", commands.name, self.url]
            return run_program(command, PGTZ="UTC")

    def content(self, data: DataSet) -> list[tuple[object, ...]]:
        """What is in the target: rows and control totals."""
        contract = load_contract(data.contract)
        sums = "".join(f", sum({name})" for name in contract.control_totals)
        return self.execute(f"SELECT count(*){sums} FROM {contract.target.qualified_name}")


def data_sets(bench: Bench, scale: float) -> Iterator[DataSet]:
    """The two sets, written at first use."""
    prints = DataSet("trade prints, 1 file", PRINTS, bench.folder / f"prints-{scale}", int(10_000_000 * scale))
    if not prints.folder.exists():
        write_prints(prints.folder, prints.rows)
    yield prints
    events = DataSet("trade events, 200 files", "trade_event", bench.folder / f"events-{scale}", int(2_000_000 * scale))
    if not events.folder.exists():
        generate(load_contract("trade_event"), events.folder, rows=events.rows, files=200, seed=1)
    yield events


def compare(bench: Bench, data: DataSet, rounds: int) -> None:
    """Load one set with both programs, in turn."""
    ours: list[Measured] = []
    theirs: list[Measured] = []
    contents = set()
    for number in range(rounds + 1):
        for program, results in ((bench.ingest, ours), (bench.psql, theirs)):
            bench.clear(data)
            measured = program(data)
            contents.add(str(bench.content(data)))
            if number:  # the first round warms up: files into the page cache, partitions made
                results.append(measured)
    if len(contents) != 1:
        sys.exit(f"{data.name}: the programs disagree on what is in the table: {contents}")
    bench.clear(data)
    bench.ingest(data)
    again = statistics.median(bench.ingest(data).seconds for _ in range(3))
    ratios = [b.seconds / a.seconds for a, b in zip(ours, theirs, strict=True)]
    seconds = statistics.median(m.seconds for m in ours)
    print(f"\n{data.name}: {data.rows:,} rows, {data.size_bytes / 1e6:,.0f} MB, {rounds} rounds")
    megabytes = data.size_bytes / 1e6
    print(f"  trade-ingest   {seconds:6.2f} s   {data.rows / seconds:10,.0f} rows/s   {megabytes / seconds:6.1f} MB/s")
    print(f"  psql \\copy     {statistics.median(m.seconds for m in theirs):6.2f} s")
    print(f"  ratio          {statistics.median(ratios):6.2f}     (min {min(ratios):.2f}, max {max(ratios):.2f})")
    print(f"  peak memory    {max(m.peak_bytes for m in ours) / 1e6:6.0f} MB of the largest process")
    print(f"  run again      {again:6.2f} s with nothing to do", flush=True)


def compare_memory(bench: Bench) -> None:
    """Peak memory of loading one file, by size."""
    print("\npeak memory of the largest process, one file of trade prints")
    for megabytes in (100, 600, 5000):
        rows = megabytes * 1_000_000 // 67
        data = DataSet("memory", PRINTS, bench.folder / f"memory-{megabytes}", rows)
        if not data.folder.exists():
            write_prints(data.folder, rows)
        bench.clear(data)
        measured = bench.ingest(data)
        print(
            f"  {data.size_bytes / 1e6:7,.0f} MB   {measured.peak_bytes / 1e6:5.0f} MB   {measured.seconds:6.1f} s",
            flush=True,
        )
        for file in data.files:
            file.unlink()
        data.folder.rmdir()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scale", type=float, default=1.0, help="share of the rows")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--memory", action="store_true", help="peak memory over file size instead")
    parser.add_argument("--folder", type=Path, default=Path(".bench"), help="data and server; kept for the next time")
    arguments = parser.parse_args()
    bench = Bench(arguments.folder.resolve())
    try:
        print(json.dumps({"server": str(bench.execute("SHOW server_version")[0][0]), "processors": os.cpu_count()}))
        if arguments.memory:
            compare_memory(bench)
        else:
            for data in data_sets(bench, arguments.scale):
                compare(bench, data, arguments.rounds)
    finally:
        bench.close()


if __name__ == "__main__":
    main()
