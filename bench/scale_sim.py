"""Simulates N workers that load files into M partitions, from what was measured with one connection and with two.

    python bench/scale_sim.py                                  the table of docs/scaling.md
    python bench/scale_sim.py --workers 8 --partitions 4 --server-processors 16 --files 1000

Nothing is random: files start in order, the next as soon as a worker is free. At each moment all connections share the
server; what each gets follows from measured slopes. The time that a row takes a backend grows with each further
connection, by one measured slope for connections into the same table and index and by another for those into others.
Both are continued in a straight line beyond two connections: a guess, untested beyond what was measured.

`scale.json` has the figures that the documentation has, with where they are from; `scale_bench.py` writes it anew for
your machine. Where two connections into two tables were not measured, they are taken to be as slow as into one.
"""

from __future__ import annotations

import argparse
import json
import math
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

_NOTHING = 1e-12  # what rounding leaves

MEASURED = Path(__file__).with_name("scale.json")


@dataclass(frozen=True)
class Model:
    """What a row costs, and what the machines have.

    Attributes:
        backend_seconds: of a backend for a row, alone.
        same_slope: by what share that grows with each further connection into the same partition.
        apart_slope: by what share that grows with each further connection into any.
        client_seconds: processor time of a worker for a row.
        file_seconds: what a file takes beside its rows.
        server_processors: of the server.
        worker_processors: of each worker, which loads as many files at once.
        wal_bytes: that a row writes.
        wal_bytes_per_second: that the server's disk takes; infinite if it is not known.
        network_bytes: that a row sends to the server.
        network_bytes_per_second: that each worker sends; infinite if it is not known.
    """

    backend_seconds: float
    same_slope: float
    apart_slope: float
    client_seconds: float
    file_seconds: float
    server_processors: int
    worker_processors: int = 1
    wal_bytes: float = 0.0
    wal_bytes_per_second: float = math.inf
    network_bytes: float = 0.0
    network_bytes_per_second: float = math.inf

    @classmethod
    def of(cls, measured: dict[str, Any], case: str | None = None, **changes: Any) -> Model:
        """The model that has the measured points: one connection, two into one table, two into two."""
        found = measured["copy"][case or next(iter(measured["copy"]))]
        alone = 1 / found["1"]["rows_per_second"]
        same = found["2_into_one_table"]
        apart = found.get("2_into_two_tables", same)
        load, small = measured["load"], measured["small_files"]
        model = cls(
            backend_seconds=alone,
            same_slope=2 / same["rows_per_second"] / alone - 1,
            apart_slope=2 / apart["rows_per_second"] / alone - 1,
            client_seconds=load["none"]["client_seconds"] / load["rows"],
            file_seconds=small["none"]["seconds"] / small["files"],
            server_processors=measured["processors"],
            wal_bytes=found["1"]["wal_bytes_per_row"],
            network_bytes=measured["encoded_bytes_per_row"],
        )
        return replace(model, **changes)

    def row_seconds(self, connections: int, in_partition: int) -> float:
        """Of a backend for a row while so many connections copy, so many of them into its partition."""
        slopes = self.apart_slope * (connections - 1) + (self.same_slope - self.apart_slope) * (in_partition - 1)
        return self.backend_seconds * (1 + slopes)

    def rates(self, partitions: list[int]) -> list[float]:
        """Rows a second of each connection, by the partitions that they copy into; without what workers can do."""
        there = Counter(partitions)
        alone = [1 / self.row_seconds(len(partitions), there[partition]) for partition in partitions]
        busy = len(partitions) / self.server_processors
        share = min(1.0, 1 / busy) if busy else 1.0
        rates = [rate * share for rate in alone]
        if self.wal_bytes and math.isfinite(self.wal_bytes_per_second):
            most = self.wal_bytes_per_second / self.wal_bytes
            share = min(1.0, most / sum(rates))
            rates = [rate * share for rate in rates]
        return rates


@dataclass(frozen=True)
class Outcome:
    """What a simulated run came to.

    Attributes:
        seconds: until the last file was loaded.
        rows_per_second: of the whole run.
        limit: what held it back most of the time: ``server``, ``workers``, ``wal`` or ``network``.
    """

    seconds: float
    rows_per_second: float
    limit: str


def simulate(model: Model, *, workers: int, partitions: int, files: int, rows_per_file: int) -> Outcome:
    """Load files that are spread evenly over partitions."""
    slots = min(workers * model.worker_processors, files)
    per_slot = 1 / model.client_seconds if model.client_seconds else math.inf
    network = math.inf
    if model.network_bytes:
        network = model.network_bytes_per_second / model.network_bytes / model.worker_processors
    waiting = iter(range(files))
    active: dict[int, tuple[float, float]] = {}  # seconds until a file's rows begin, rows that are left
    for _ in range(slots):
        active[next(waiting)] = (model.file_seconds, float(rows_per_file))
    now = 0.0
    held: Counter[str] = Counter()
    while active:
        copying = [file for file, (before, _) in active.items() if before <= 0]
        server = model.rates([file % partitions for file in copying])
        rates = {file: min(rate, per_slot, network) for file, rate in zip(copying, server, strict=True)}
        step = min(before if before > 0 else left / rates[file] for file, (before, left) in active.items())
        held[_limit(model, server, per_slot, network)] += step if copying else 0
        now += step
        for file, (before, left) in list(active.items()):
            if before > 0:
                active[file] = (before - step if before - step > _NOTHING else 0.0, left)
            elif left - rates[file] * step > _NOTHING * rows_per_file:
                active[file] = (0.0, left - rates[file] * step)
            else:
                del active[file]
                following = next(waiting, None)
                if following is not None:
                    active[following] = (model.file_seconds, float(rows_per_file))
    return Outcome(now, files * rows_per_file / now, max(held, key=lambda name: held[name]))


def _limit(model: Model, server: list[float], per_slot: float, network: float) -> str:
    if not server:
        return "server"
    if min(per_slot, network) <= min(server):
        return "workers" if per_slot <= network else "network"
    most = model.wal_bytes_per_second / model.wal_bytes if model.wal_bytes else math.inf
    return "wal" if sum(server) >= most * 0.999 else "server"


def table(measured: dict[str, Any], case: str | None, server_processors: int) -> str:
    """Rows a second for workers and partitions, as Markdown."""
    counts = (1, 2, 4, 8, 16)
    lines = [
        f"| workers of one processor | {' | '.join(f'{m} partition' + 's' * (m > 1) for m in counts)} |",
        f"|{'---|' * (len(counts) + 1)}",
    ]
    model = Model.of(measured, case, server_processors=server_processors)
    for workers in counts:
        cells = []
        for partitions in counts:
            done = simulate(model, workers=workers, partitions=partitions, files=16 * workers, rows_per_file=1_000_000)
            cells.append(f"{done.rows_per_second / 1000:,.0f}k, {done.limit}")
        lines.append(f"| {workers} | {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> None:
    """Print the table, or one run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--measured", type=Path, default=MEASURED)
    parser.add_argument("--case", help="of the measurement; default: its first")
    parser.add_argument("--server-processors", type=int, default=16)
    parser.add_argument("--workers", type=int)
    parser.add_argument("--partitions", type=int, default=1)
    parser.add_argument("--files", type=int, default=100)
    parser.add_argument("--rows-per-file", type=int, default=1_000_000)
    parser.add_argument("--wal-mb-per-second", type=float, default=math.inf)
    parser.add_argument("--network-mb-per-second", type=float, default=math.inf, help="of each worker")
    arguments = parser.parse_args()
    measured = json.loads(arguments.measured.read_text())
    if arguments.workers is None:
        print(table(measured, arguments.case, arguments.server_processors))
        return
    model = Model.of(
        measured,
        arguments.case,
        server_processors=arguments.server_processors,
        wal_bytes_per_second=arguments.wal_mb_per_second * 1e6,
        network_bytes_per_second=arguments.network_mb_per_second * 1e6,
    )
    done = simulate(
        model,
        workers=arguments.workers,
        partitions=arguments.partitions,
        files=arguments.files,
        rows_per_file=arguments.rows_per_file,
    )
    print(f"{done.seconds:,.1f} s, {done.rows_per_second:,.0f} rows/s, limited by: {done.limit}")


if __name__ == "__main__":
    main()
