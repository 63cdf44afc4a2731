r"""Measures planning at scale: a simulated listing against a real ledger in an embedded server.

    python bench/plan_bench.py                 a million objects, a ledger of a million files (about five minutes)
    python bench/plan_bench.py --scale 0.02    a quick look

Each figure is that of a process of its own, started fresh: seconds of planning, and the most memory that the process
had. The server's memory is its own. The listing is made while it is asked for, as that of an object store is.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import md5
from pathlib import Path
from unittest.mock import patch

from trade_ingest import pipeline
from trade_ingest.contract.loading import load_contract
from trade_ingest.embedded.cluster import DATABASE, Cluster
from trade_ingest.ledger.connection import open_connection
from trade_ingest.ledger.contracts import contract_id_of
from trade_ingest.load.target import ensure_target
from trade_ingest.plan import register_files
from trade_ingest.run import RunOptions
from trade_ingest.source.file import SourceFile

CONTRACT = "kraken_trades"
FOLDER = "s3://vendor-archive/normalised/trades/spot"
SINCE = datetime(2024, 1, 1, tzinfo=UTC)

LEDGER_SQL = """
INSERT INTO ingest.file (target, uri, version, size_bytes, modified_at, contract_id, state, run_id, loaded_at,
    rows_read, rows_loaded, content_hash, content_bytes, control_totals)
SELECT %(target)s,
    format('%%s/dt=%%s/part-%%s.csv.gz', %(folder)s::text, to_char(at, 'YYYY-MM-DD'), lpad(i::text, 8, '0')),
    md5(i::text) || '-' || (2000 + i %% 7919), 2000 + i %% 7919, at, %(contract_id)s, 'loaded', %(run_id)s, now(), 100,
    100, decode(md5('content' || i), 'hex'), 4000 + i, '{"quantity": "123.45"}'
FROM generate_series(0, %(files)s - 1) AS i,
    LATERAL (SELECT %(since)s::timestamptz + i * interval '30 seconds' AS at) AS moment
"""


@dataclass(frozen=True)
class SimulatedListing:
    """Objects as a store lists them; those below the ledger's size are in the ledger at the same version."""

    first: int
    count: int
    ignored: tuple[str, ...] = ()

    def __iter__(self) -> Iterator[SourceFile]:
        """One after the other, none kept."""
        for i in range(self.first, self.first + self.count):
            at = SINCE + timedelta(seconds=30 * i)
            size = 2000 + i % 7919
            version = f"{md5(str(i).encode(), usedforsecurity=False).hexdigest()}-{size}"
            yield SourceFile(f"{FOLDER}/dt={at:%Y-%m-%d}/part-{i:08}.csv.gz", version, size, at)


def fill_ledger(database: str, files: int) -> None:
    """A ledger of so many loaded files, as the server keeps it after its next vacuum."""
    contract = load_contract(CONTRACT)
    pipeline.prepare_ledger(database)
    with open_connection(database) as connection:
        ensure_target(connection, contract)
        (run_id,) = connection.execute(
            "INSERT INTO ingest.run (kind, state, sources, target, engine, host, process_id, started_by,"
            " program_version) VALUES ('ingest', 'succeeded', '{}', %s, 'local', '', 0, '', '') RETURNING run_id",
            [contract.target.qualified_name],
        ).fetchone() or (0,)
        values = {"folder": FOLDER, "since": SINCE, "files": files, "run_id": run_id}
        keys = {"target": contract.target.qualified_name, "contract_id": contract_id_of(connection, contract)}
        connection.execute(LEDGER_SQL, values | keys)
        connection.execute("VACUUM ANALYZE ingest.file")


def measure(case: str, database: str, files: int) -> dict[str, object]:
    """Do one thing in this process, and say how long it took and how much memory it had."""
    contract = load_contract(CONTRACT)
    first = files if case.startswith("new") else files // 2 if case == "half new" else 0
    listing = SimulatedListing(first, files)
    started = time.monotonic()
    with patch.object(pipeline, "OpenListing", lambda *_, **__: listing):
        if case == "again, nothing to do":
            done = pipeline.ingest([FOLDER], contract=contract, database=database, options=RunOptions("local"))
            found: object = {"files_skipped": done.files_skipped, "files_planned": done.files_planned}
        else:
            plan = pipeline.plan([FOLDER], contract=contract, database=database)
            found = dict(plan.reasons)
            if case == "all of the plan written":
                found = sum(len(planned.explanation) for planned in plan.files)
            if case == "new, registered":
                with open_connection(database) as connection:
                    contract_id = contract_id_of(connection, contract)
                    for at in range(0, len(plan.to_load), pipeline.FILES_AT_ONCE):
                        batch = plan.to_load[at : at + pipeline.FILES_AT_ONCE]
                        register_files(connection, batch, plan.target, contract_id, state="pending")
    return {
        "case": case,
        "seconds": round(time.monotonic() - started, 1),
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        "found": found,
    }


CASES = ("nothing new", "all of the plan written", "half new", "again, nothing to do", "new", "new, registered")


def main() -> None:
    """Measure each case in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scale", type=float, default=1.0, help="1 is a million objects")
    parser.add_argument("--case", nargs=2, metavar=("CASE", "DATABASE"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    files = round(1_000_000 * arguments.scale)
    if arguments.case:
        print(json.dumps(measure(*arguments.case, files)))
        return
    with tempfile.TemporaryDirectory(prefix="plan-bench-") as folder:
        cluster = Cluster(Path(folder))
        database = cluster.start().url(DATABASE)
        try:
            started = time.monotonic()
            fill_ledger(database, files)
            print(f"ledger of {files:,} files made in {time.monotonic() - started:.0f} s")
            for case in CASES:
                command = [sys.executable, __file__, "--scale", str(arguments.scale), "--case", case, database]
                done = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
                print(f"{case:25} {done['seconds']:7.1f} s {done['peak_mb']:5} MB  {done['found']}", flush=True)
        finally:
            cluster.stop()


if __name__ == "__main__":
    main()
