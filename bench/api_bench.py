"""Measures the API's lists and details on a ledger of 100,000 runs and 5,000,000 files, under gunicorn.

    python bench/api_bench.py                  seed the ledger (some ten minutes, 8 GB; it is kept), then measure
    python bench/api_bench.py --runs 2000      a quick look: 50 files for each run

Twenty requests are in flight all the time, over connections that are kept, from one thread of this process. Client,
server and PostgreSQL share the machine. What is asked for differs from request to request: ids, filters, how deep a
page is.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import random
import re
import selectors
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote, urlencode, urlsplit

import psycopg

from trade_ingest.embedded.cluster import Cluster
from trade_ingest.embedded.server import DATABASE
from trade_ingest.ledger.schema import upgrade

FILES_PER_RUN = 50
IN_FLIGHT = 20
SMALL = random.Random(20240304)  # noqa: S311  # the same requests each time

SEED = """
INSERT INTO ingest.contract (name, version, fingerprint, definition)
SELECT 'feed_' || n, 1, n::text, (%(definition)s::jsonb) || jsonb_build_object('name', 'feed_' || n)
FROM generate_series(1, 8) AS n;

INSERT INTO ingest.run (kind, state, sources, contract_id, target, engine, host, process_id, started_by,
    program_version, started_at, ended_at, files_planned, files_loaded, files_failed, rows_read, rows_loaded,
    rows_duplicate, rows_rejected, bytes_read)
SELECT CASE WHEN n %% 40 = 0 THEN 'replay' ELSE 'ingest' END, CASE WHEN n %% 25 = 0 THEN 'failed' ELSE 'succeeded' END,
    ARRAY['s3://vendor-' || n %% 8 || '/trades/' || 2000 + n %% 25], 1 + n %% 8, 'public.trades_' || n %% 8,
    CASE WHEN n %% 3 = 0 THEN 'spark' ELSE 'local' END, 'host-' || n %% 16, 1000 + n %% 30000, 'user_' || n %% 12,
    '0.1.0', now() - (%(runs)s - n) * interval '6 minutes',
    now() - (%(runs)s - n) * interval '6 minutes' + random() * interval '1 hour',
    50, 50 - (n %% 25 = 0)::int, (n %% 25 = 0)::int, 500000 + n %% 9999, 499000, n %% 700, n %% 300, 40000000 + n
FROM generate_series(1, %(runs)s) AS n;

INSERT INTO ingest.file (target, uri, version, size_bytes, modified_at, contract_id, state, reason, run_id,
    content_hash, content_bytes, rows_read, rows_loaded, rows_rejected, event_time_min, event_time_max, error,
    discovered_at, loaded_at, header, event_days, event_day_rows)
SELECT 'public.trades_' || r %% 8,
    's3://vendor-' || r %% 8 || '/trades/' || to_char(started_at, 'YYYY/MM/DD') || '/part-' || n || '.csv.gz',
    md5(n::text), 100000 + (random() * 5000000)::int, started_at - interval '1 day', 1 + r %% 8, becomes,
    CASE becomes WHEN 'failed' THEN 'file.header' WHEN 'skipped' THEN 'same_content' END, r,
    decode(md5(n::text), 'hex'),
    4000000, 10000, CASE WHEN becomes = 'loaded' THEN 10000 - rejected ELSE 0 END,
    CASE WHEN becomes = 'loaded' THEN rejected ELSE 0 END,
    started_at - interval '1 day', started_at - interval '1 hour',
    CASE becomes WHEN 'failed'
        THEN '{"code": "file.header", "message": "no", "hint": "", "retryable": false}'::jsonb END,
    started_at, CASE WHEN becomes = 'loaded' THEN started_at + random() * interval '1 hour' END,
    ARRAY['trade_id', 'base', 'quote', 'price', 'at'],
    ARRAY[(started_at - interval '1 day')::date], ARRAY[10000]
FROM (
    SELECT n, (n - 1) / 50 + 1 AS r, CASE WHEN n %% 25 = 0 THEN 4 ELSE 0 END AS rejected,
        CASE WHEN n %% 200 = 0 THEN 'failed' WHEN n %% 97 = 0 THEN 'skipped' WHEN n %% 1999 = 0 THEN 'pending'
            WHEN n %% 503 = 0 THEN 'replaced' WHEN n %% 1009 = 0 THEN 'rolled_back' ELSE 'loaded' END AS becomes
    FROM generate_series(1, %(runs)s::bigint * 50) AS n
) AS numbers
JOIN ingest.run ON run_id = r;

INSERT INTO ingest.attempt (file_id, run_id, number, state, worker, started_at, ended_at, rows_read, bytes_read,
    stage_seconds)
SELECT file_id, run_id, 1, CASE state WHEN 'failed' THEN 'failed' WHEN 'skipped' THEN 'skipped' ELSE 'loaded' END,
    'host-1:17', discovered_at, discovered_at + interval '2 seconds', 10000, size_bytes,
    '{"parse": 0.5, "copy": 1.2, "commit": 0.1}'
FROM ingest.file WHERE state <> 'pending';

INSERT INTO ingest.event (at, run_id, kind, detail)
SELECT started_at, run_id, 'run_started', '{"kind": "ingest"}' FROM ingest.run;

INSERT INTO ingest.event (at, run_id, file_id, kind, detail)
SELECT discovered_at, run_id, file_id, CASE WHEN state = 'failed' THEN 'file_failed' ELSE 'file_loaded' END,
    '{"rows_read": 10000, "rows_loaded": 9996, "duration_seconds": 2.0}'
FROM ingest.file WHERE state <> 'pending';

INSERT INTO ingest.reject (file_id, run_id, row_number, byte_offset, raw, raw_text, reasons, state)
SELECT file_id, run_id, row_number, row_number * 60, 'x', 'T1,EUR,USD,-1,2024-03-04 09:00:00',
    '[{"code": "below_min", "column": "price", "value": "-1"}]',
    CASE WHEN file_id %% 3 = 0 THEN 'discarded' ELSE 'open' END
FROM ingest.file CROSS JOIN generate_series(1, 4) AS row_number
WHERE file_id %% 100 = 25 AND state = 'loaded'
"""

DEFINITION = {
    "name": "feed", "version": 1, "event_time": "at", "target": {"schema": "public", "table": "trades"},
    "columns": [
        {"name": "trade_id", "type": "text"}, {"name": "base", "type": "text"}, {"name": "quote", "type": "text"},
        {"name": "price", "type": "decimal(18,4)", "min": "0"}, {"name": "at", "type": "timestamp", "zone": "UTC"},
    ],
}  # fmt: skip

INDEXES_SQL = """
SELECT format('%I.%I', schemaname, indexname), indexdef FROM pg_indexes AS i
WHERE schemaname = 'ingest' AND tablename IN ('run', 'file', 'attempt', 'event', 'reject') AND NOT EXISTS (
    SELECT FROM pg_constraint WHERE conindid = format('%I.%I', schemaname, indexname)::regclass
)
"""


def seed(database: str, runs: int) -> None:
    """Fill a new ledger; does nothing to one that is filled."""
    upgrade(database)
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("SET synchronous_commit = off")
        connection.execute("SET maintenance_work_mem = '1GB'")
        (found,) = connection.execute("SELECT count(*) FROM ingest.run").fetchone() or (0,)
        if found == runs:
            return
        if found:
            sys.exit(f"the ledger in the folder has {found:,} runs: remove it, or measure with --runs {found}")
        indexes = connection.execute(INDEXES_SQL).fetchall()
        for name, _ in indexes:
            connection.execute(f"DROP INDEX {name}")
        with psycopg.ClientCursor(connection) as cursor:
            for statement in SEED.split(";\n"):
                report(cursor, statement, {"runs": runs, "definition": json.dumps(DEFINITION)})
        for _, definition in indexes:
            connection.execute(definition)
        connection.execute("VACUUM (ANALYZE)")


def report(cursor: psycopg.ClientCursor, statement: str, parameters: dict[str, object]) -> None:
    """Run a statement and say how long it took."""
    started = time.monotonic()
    cursor.execute(statement, parameters)
    print(f"seeded {cursor.rowcount:>9,} rows in {time.monotonic() - started:6.1f} s", flush=True)


@contextmanager
def served(database: str, workers: int) -> Iterator[str]:
    """The URL of a server; it is stopped afterwards."""
    command = [sys.executable, "-m", "trade_ingest", "serve", "--port", "0", "--workers", str(workers)]
    environment = os.environ | {"TRADE_INGEST_DATABASE_URL": database, "TRADE_INGEST_LOG_LEVEL": "warning"}
    with tempfile.NamedTemporaryFile("w+") as log:
        process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=log)
        try:
            while not (found := re.search(r"^serving (\S+?),? ", Path(log.name).read_text(), re.MULTILINE)):
                assert process.poll() is None, Path(log.name).read_text()
                time.sleep(0.1)
            yield found[1]
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(60)


@dataclass(frozen=True)
class Measured:
    """What one kind of request took, in milliseconds."""

    name: str
    median: float
    p95: float
    slowest: float
    per_second: float


class _Asked:
    """A request in flight; no library: what a client computes is taken from the server, on the same two cores."""

    def __init__(self, connection: socket.socket, path: str) -> None:
        self._connection = connection
        self.ask(path)

    def ask(self, path: str) -> None:
        self._path, self._answer, self._size = path, b"", 0
        self.since = time.perf_counter()
        self._connection.sendall(f"GET /api/v1{path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())

    def receive(self) -> bool:
        """Take what has come; whether the answer is complete.

        Raises:
            AssertionError: it is no 200.
        """
        self._answer += self._connection.recv(1 << 20)
        if not self._size and (end := self._answer.find(b"\r\n\r\n")) >= 0:
            assert self._answer.startswith(b"HTTP/1.1 200 "), f"{self._path}: {self._answer[:2000]!r}"
            length = re.search(rb"content-length: (\d+)", self._answer[:end], re.IGNORECASE)
            assert length is not None
            self._size = end + 4 + int(length[1])
        return bool(self._size) and len(self._answer) >= self._size


def measure(url: str, name: str, path: Callable[[], str], count: int) -> Measured:
    """Ask for ``count`` paths, ``IN_FLIGHT`` at a time.

    Raises:
        AssertionError: an answer is no 200.
    """
    paths = [path() for _ in range(count)]
    place = urlsplit(url)
    times: list[float] = []
    started = time.perf_counter()
    with selectors.DefaultSelector() as selector, ExitStack() as stack:
        for _ in range(min(IN_FLIGHT, count)):
            connection = stack.enter_context(socket.create_connection((place.hostname, place.port)))
            selector.register(connection, selectors.EVENT_READ, _Asked(connection, paths.pop()))
        while selector.get_map():
            for key, _ in selector.select(60):
                asked: _Asked = key.data
                if not asked.receive():
                    continue
                times.append((time.perf_counter() - asked.since) * 1000)
                if paths:
                    asked.ask(paths.pop())
                else:
                    selector.unregister(key.fileobj)
    seconds = time.perf_counter() - started
    times.sort()
    return Measured(name, statistics.median(times), times[int(len(times) * 0.95)], times[-1], len(times) / seconds)


def requests_of(url: str, runs: int) -> dict[str, Callable[[], str]]:
    """What is asked for, by name."""
    deep: dict[str, list[str]] = {}

    def anything(*names: str) -> str:
        return SMALL.choice(names)

    def run() -> int:
        return SMALL.randint(1, runs)

    def file() -> int:
        return SMALL.randint(1, runs * FILES_PER_RUN)

    def page(path: str, **parameters: str) -> Callable[[], str]:
        query = f"{path}?{urlencode(parameters)}"
        deep[query] = [query, *list(cursors(url, query))]
        return lambda: SMALL.choice(deep[query])

    since = datetime.now(UTC).date() - timedelta(weeks=26)
    run_sorts = ("run_id", "ended_at", "duration_seconds", "rows_per_second", "rows_rejected", "bytes_read", "state")
    file_sorts = ("file_id", "uri", "size_bytes", "rows_read", "rows_rejected", "loaded_at")
    return {
        "runs, newest": page("/runs"),
        "runs, any sort": lambda: f"/runs?sort={anything('', '-')}{anything(*run_sorts)}",
        "runs, state and sort": lambda: f"/runs?state=failed&sort=-{anything(*run_sorts)}",
        "runs, filters": lambda: (
            f"/runs?target=public.trades_{SMALL.randint(0, 7)}&started_by=user_{SMALL.randint(0, 11)}"
        ),
        "runs, source pattern": lambda: f"/runs?source={quote(f'*/{SMALL.randint(2000, 2024)}')}",
        "run": lambda: f"/runs/{run()}",
        "run's files": lambda: f"/runs/{run()}/files?sort=-{anything('size_bytes', 'modified_at', 'file_id')}",
        "run's attempts": lambda: f"/runs/{run()}/attempts",
        "run's events": lambda: f"/runs/{run()}/events",
        "files, newest": page("/files"),
        "files, any sort": lambda: f"/files?sort={anything('', '-')}{anything(*file_sorts)}",
        "files, by size, deep": page("/files", sort="-size_bytes"),
        "files, state": lambda: f"/files?state={anything('failed', 'pending', 'rolled_back', 'skipped')}",
        "files, state and sort": lambda: f"/files?state=failed&sort=-{anything(*file_sorts)}",
        "files, target": lambda: f"/files?target=public.trades_{SMALL.randint(0, 7)}",
        "files, URI pattern": lambda: f"/files?uri={quote(f'*part-{file()}.csv.gz')}",
        "files, loaded between": lambda: "/files?loaded_from=2020-01-01T00:00:00Z&min_rows_rejected=1",
        "file": lambda: f"/files/{file()}",
        "file's events": lambda: f"/files/{file()}/events",
        "file's explanation": lambda: f"/files/{file()}/explanation",
        "rejects, newest": page("/rejects"),
        "rejects, reason": lambda: "/rejects?reason=below_min&column=price",
        "rejects of a run": lambda: f"/rejects?run_id={run()}",
        "reject": lambda: f"/rejects/{SMALL.randint(1, runs // 2)}",
        "reject groups": lambda: f"/rejects/groups?days={anything('7', '30')}",
        "coverage of a feed": lambda: (
            f"/coverage?target=public.trades_{(feed := SMALL.randint(0, 1))}&contract=feed_{1 + feed}&date_from={since}"
        ),
        "gaps": lambda: "/coverage/gaps",
        "summary of a day": lambda: "/metrics/summary",
        "run requests": lambda: "/run-requests",
        "contracts": lambda: "/contracts",
        "contract": lambda: f"/contracts/feed_{SMALL.randint(1, 8)}",
        "audit": lambda: "/audit",
    }


def cursors(url: str, query: str, pages: int = 20) -> Iterator[str]:
    """The next pages of a list."""
    place = urlsplit(url)
    connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=60)
    cursor = ""
    for _ in range(pages):
        connection.request("GET", f"/api/v1{query}{cursor}")
        body = json.loads(connection.getresponse().read())
        if body["next_cursor"] is None:
            return
        cursor = f"&cursor={body['next_cursor']}"
        yield f"{query}{cursor}"


def main() -> None:
    """Seed, serve, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=100_000, help="with 50 files each")
    parser.add_argument("--count", type=int, default=400, help="requests of each kind")
    parser.add_argument("--workers", type=int, default=2, help="processes of the server")
    parser.add_argument("--folder", type=Path, help="where PostgreSQL is, and stays")
    parser.add_argument("--only", default="", help="only requests whose name has this text")
    options = parser.parse_args()
    cluster = Cluster((options.folder or Path(f".bench/api-{options.runs}")).resolve())
    database = cluster.start().url(DATABASE)
    try:
        seed(database, options.runs)
        with served(database, options.workers) as url:
            print(f"{'request':24} {'median':>8} {'p95':>8} {'slowest':>8}   ms; {IN_FLIGHT} in flight", flush=True)
            for name, path in requests_of(url, options.runs).items():
                if options.only in name:
                    measure(url, name, path, IN_FLIGHT * 2)  # connections, caches
                    found = measure(url, name, path, options.count)
                    numbers = f"{found.median:8.1f} {found.p95:8.1f} {found.slowest:8.1f}"
                    print(f"{name:24} {numbers}   {found.per_second:6.0f}/s", flush=True)
    finally:
        cluster.stop()


if __name__ == "__main__":
    main()
