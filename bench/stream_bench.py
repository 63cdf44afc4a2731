"""Measures what live event streams cost a load, and that each of them has every event, in order, across a reconnect.

    python bench/stream_bench.py                    100 streams, 2 M events in 200 files, three rounds

In turn: the load with the server running and nobody listening, then with all streams open. Half of the streams are cut
while the load runs and come back with ``Last-Event-ID``. Streams, server, loader and PostgreSQL share the machine; what
the streams add is given in seconds of processor time, too, which other work on the machine does not change.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import selectors
import socket
import statistics
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import psutil
from api_bench import served

from bench import Bench, DataSet, data_sets

_SILENT_SECONDS = 3.0  # after the load: longer than any event is under way
_RECONNECT_EVERY = 2  # each second stream is cut


class Stream:
    """One client: what it has received, and where it stands."""

    def __init__(self, address: tuple[str, int]) -> None:
        self._address = address
        self._rest = b""
        self.position = ""
        self.event_ids: list[int] = []
        self.socket = self._open()

    def _open(self) -> socket.socket:
        opened = socket.create_connection(self._address, timeout=30)
        last = f"Last-Event-ID: {self.position}\r\n" if self.position else ""
        host = f"{self._address[0]}:{self._address[1]}"
        opened.sendall(
            f"GET /api/v1/events HTTP/1.0\r\nHost: {host}\r\nAccept: text/event-stream\r\n{last}\r\n".encode()
        )
        return opened

    def take(self) -> None:
        """Read what there is."""
        received = self.socket.recv(1 << 18)
        if not received:
            sys.exit(f"a stream ended: {self._rest.decode()}")
        self._rest += received
        *messages, self._rest = self._rest.split(b"\n\n")
        for message in messages:
            fields = dict(line.split(b": ", 1) for line in message.split(b"\n") if b": " in line)
            if b"id" in fields:
                self.position = fields[b"id"].decode()
            if fields.get(b"event") not in {None, b"position", b"progress"}:
                self.event_ids.append(json.loads(fields[b"data"])["event_id"])

    def come_back(self) -> None:
        """Lose the connection in the middle of whatever it sends, and connect again."""
        self.socket.close()
        self._rest = b""
        self.socket = self._open()


class Streams:
    """All clients, read by one thread."""

    def __init__(self, url: str, count: int) -> None:
        parts = urlsplit(url)
        self.streams = [Stream((str(parts.hostname), parts.port or 80)) for _ in range(count)]
        self._selector = selectors.DefaultSelector()
        for stream in self.streams:
            self._selector.register(stream.socket, selectors.EVENT_READ, stream)
        self._is_ended = threading.Event()
        self._to_cut: list[Stream] = []
        self._last = time.monotonic()
        self.seconds = 0.0
        self._thread = threading.Thread(target=self._read)
        self._thread.start()
        while not all(stream.position for stream in self.streams):  # each knows from where on it gets all
            time.sleep(0.05)

    def cut(self) -> None:
        """Cut some of the connections."""
        self._to_cut = self.streams[::_RECONNECT_EVERY]

    def _read(self) -> None:
        while not self._is_ended.is_set() or time.monotonic() - self._last < _SILENT_SECONDS:
            for key, _ in self._selector.select(0.2):
                before = len(key.data.event_ids)
                key.data.take()
                if len(key.data.event_ids) > before:
                    self._last = time.monotonic()
            while self._to_cut:
                stream = self._to_cut.pop()
                self._selector.unregister(stream.socket)
                stream.come_back()
                self._selector.register(stream.socket, selectors.EVENT_READ, stream)
            self.seconds = time.thread_time()

    def end(self) -> None:
        """Wait until nothing comes any more."""
        self._last = time.monotonic()
        self._is_ended.set()
        self._thread.join()
        for stream in self.streams:
            stream.socket.close()


@dataclass
class Used:
    """Seconds of a load, and seconds of processor time meanwhile."""

    wall: float
    server: float
    its_backends: float
    clients: float
    loader: float

    def __str__(self) -> str:
        return (
            f"{self.wall:.2f} s (processor: server {self.server:.2f}, its backends {self.its_backends:.2f},"
            f" clients {self.clients:.2f}, loader {self.loader:.2f} s)"
        )

    @property
    def for_streams(self) -> float:
        """What the server used, with what PostgreSQL used for it."""
        return self.server + self.its_backends


class Meter:
    """Reads the processor time of what takes part."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        (self._server,) = (child for child in psutil.Process().children() if "serve" in child.cmdline())

    def load(self, data: DataSet, streams: Streams | None = None) -> Used:
        """Load, and wait until the streams have all that happened."""
        before = self._read(streams)
        wall = self._bench.ingest(data).seconds
        if streams is not None:
            streams.end()
        after = self._read(streams)
        return Used(wall, *(late - early for early, late in zip(before, after, strict=True)))

    def _read(self, streams: Streams | None) -> tuple[float, float, float, float]:
        server = sum(_seconds(process) for process in (self._server, *self._server.children(recursive=True)))
        pids = self._bench.execute(
            "SELECT pid FROM pg_stat_activity WHERE application_name IN ('trade-ingest api', 'trade-ingest events')"
        )
        backends = sum(_seconds(psutil.Process(int(str(pid)))) for (pid,) in pids)
        children = resource.getrusage(resource.RUSAGE_CHILDREN)
        return server, backends, 0.0 if streams is None else streams.seconds, children.ru_utime + children.ru_stime


def _seconds(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--streams", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--scale", type=float, default=1.0, help="share of the rows")
    parser.add_argument("--folder", type=Path, default=Path(".bench"), help="data and server; kept for the next time")
    arguments = parser.parse_args()
    bench = Bench(arguments.folder.resolve())
    # a stream that was cut keeps its place until the server writes to it
    os.environ["TRADE_INGEST_API_MAX_STREAMS"] = str(2 * arguments.streams)
    _, data = data_sets(bench, arguments.scale)
    ratios, added = [], []
    try:
        with served(bench.url, 1) as url:
            meter = Meter(bench)
            for number in range(arguments.rounds):
                bench.clear(data)
                alone = meter.load(data)
                bench.clear(data)
                streams = Streams(url, arguments.streams)
                threading.Timer(alone.wall / 2, streams.cut).start()
                watched = meter.load(data, streams)
                expected = [event_id for (event_id,) in bench.execute("SELECT event_id FROM ingest.event")]
                wrong = [s for s in streams.streams if sorted(s.event_ids) != sorted(expected)]
                ratios.append(watched.wall / alone.wall)
                added.append(watched.for_streams - alone.for_streams)
                print(
                    f"  round {number + 1}: alone {alone},\n    with {arguments.streams} streams {watched};"
                    f" {len(expected)} events, {len(wrong)} streams without each of them once",
                    flush=True,
                )
                if wrong:
                    sys.exit("a stream lost or doubled events")
    finally:
        bench.close()
    print(
        f"streams slow the load by {(statistics.median(ratios) - 1) * 100:.1f} %;"
        f" the server and its backends use {statistics.median(added):.2f} s of processor time more"
    )


if __name__ == "__main__":
    main()
