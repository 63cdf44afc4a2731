r"""Measures loading from an object store: the S3 server that the tests use (SeaweedFS), on this machine.

    python bench/store_bench.py                  both parts at full size, five rounds
    python bench/store_bench.py --scale 0.02     a quick look

1. One object of 600 MB against the same file on the local disk, in turn: the ratio of throughputs. The server of the
   objects shares the processors with the loader and PostgreSQL.
2. 10,000 objects of 2 kB: files/s, and that a second run finds nothing to do.

Figures are of whole processes, from start to exit.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from bench import PRINTS, Bench, DataSet, Measured, run_program, write_prints

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

import obstore

from stores.seaweedfs import S3Store, run_seaweedfs

BYTES_PER_ROW = 67
LARGE_ROWS = 600_000_000 // BYTES_PER_ROW
SMALL_FILES = 10_000
SMALL_BYTES = 2_000


class StoreBench(Bench):
    """Loads the same files from a folder and from a store."""

    def load(self, data: DataSet, source: str, environment: dict[str, str]) -> Measured:
        """Load with trade-ingest from any source."""
        command = [sys.executable, "-m", "trade_ingest", "--quiet", "run", source]
        return run_program([*command, "--contract", data.contract, "--database", self.url, "-o", "json"], **environment)


def written(bench: Bench, name: str, rows: int, files: int) -> DataSet:
    """A set of trade prints, written at first use."""
    data = DataSet(name, PRINTS, bench.folder / f"store-{files}-{rows}", rows)
    if not data.folder.exists():
        write_prints(data.folder, rows, files)
    return data


def upload(data: DataSet, store: S3Store) -> None:
    """Put all files of a set below the store's prefix."""
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda f: obstore.put(store.client, f"{store.prefix}/{f.name}", f), data.files))


def compare_large(bench: StoreBench, store: S3Store, scale: float, rounds: int) -> None:
    """One large object and the same file of the local disk, in turn."""
    data = written(bench, "large", int(LARGE_ROWS * scale), 1)
    upload(data, store)
    sources = {"local disk": (str(data.folder), {}), "S3": (f"{store.root}/", dict(store.environment))}
    measured: dict[str, list[Measured]] = {name: [] for name in sources}
    contents = set()
    for number in range(rounds + 1):
        for name, (source, environment) in sources.items():
            bench.clear(data)
            result = bench.load(data, source, environment)
            contents.add(str(bench.content(data)))
            if number:  # the first round warms up: files into the page cache, partitions made
                measured[name].append(result)
    if len(contents) != 1:
        sys.exit(f"disk and store disagree on what is in the table: {contents}")
    print(f"\none object: {data.rows:,} rows, {data.size_bytes / 1e6:,.0f} MB, {rounds} rounds")
    for name, results in measured.items():
        seconds = statistics.median(m.seconds for m in results)
        peak = max(m.peak_bytes for m in results) / 1e6
        rate = data.size_bytes / 1e6 / seconds
        print(f"  {name:<11}{seconds:6.2f} s   {rate:6.1f} MB/s   peak memory {peak:4.0f} MB of the largest process")
    pairs = zip(measured["local disk"], measured["S3"], strict=True)
    ratios = [local.seconds / remote.seconds for local, remote in pairs]
    shown = f"{statistics.median(ratios):.2f}     (min {min(ratios):.2f}, max {max(ratios):.2f})"
    print(f"  throughput of S3 over local disk: {shown}", flush=True)


def measure_small(bench: StoreBench, store: S3Store, scale: float) -> None:
    """Many small objects: each is a file with a transaction of its own."""
    files = int(SMALL_FILES * scale)
    data = written(bench, "small", files * SMALL_BYTES // BYTES_PER_ROW, files)
    started = time.perf_counter()
    upload(data, store)
    print(f"\n{files:,} objects, {data.rows:,} rows, {data.size_bytes / 1e6:.1f} MB", flush=True)
    print(f"  uploaded in {time.perf_counter() - started:.1f} s", flush=True)
    for name, source, environment in (
        ("local disk", str(data.folder), {}),
        ("S3", f"{store.root}/", dict(store.environment)),
    ):
        bench.clear(data)
        first = bench.load(data, source, environment)
        again = bench.load(data, source, environment)
        check_exactly_once(bench, data, files)
        rate = files / first.seconds
        print(f"  {name:<11}{first.seconds:6.1f} s   {rate:6.0f} files/s   again, nothing to do: {again.seconds:.1f} s")


def check_exactly_once(bench: Bench, data: DataSet, files: int) -> None:
    """Each file is loaded, once, and each row is in the table.

    Raises:
        SystemExit: they are not.
    """
    state = bench.execute(
        "SELECT count(*), count(DISTINCT uri), sum(rows_loaded) FROM ingest.file WHERE state = 'loaded'"
    )
    rows = bench.execute("SELECT count(*), count(DISTINCT trade_id), count(DISTINCT file_id) FROM trade_prints")
    if (state, rows) != ([(files, files, data.rows)], [(data.rows, data.rows, files)]):
        sys.exit(f"not exactly once: {state}, {rows}")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scale", type=float, default=1.0, help="share of the rows and of the objects")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--part", choices=["large", "small"], help="one part alone")
    parser.add_argument("--folder", type=Path, default=Path(".bench"), help="data and server; kept for the next time")
    arguments = parser.parse_args()
    bench = StoreBench(arguments.folder.resolve())
    try:
        print(json.dumps({"server": str(bench.execute("SHOW server_version")[0][0]), "processors": os.cpu_count()}))
        with run_seaweedfs() as server:
            if arguments.part != "small":
                compare_large(bench, server.store(), arguments.scale, arguments.rounds)
            if arguments.part != "large":
                measure_small(bench, server.store(), arguments.scale)
    finally:
        bench.close()


if __name__ == "__main__":
    main()
