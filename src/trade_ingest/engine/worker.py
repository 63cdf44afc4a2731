"""The process that loads files for the local engine: ``python -m trade_ingest.engine.worker FD``."""

from __future__ import annotations

import os
import queue
import signal
import sys
import threading
from multiprocessing.connection import Connection

from trade_ingest.load.task import LoadTask
from trade_ingest.load.transaction import Loader


def main(descriptor: int) -> None:
    """Load files until the parent closes the channel; die at once when it does so during a load."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle: it lets files in flight finish
    channel = Connection(descriptor)
    database = channel.recv()
    tasks: queue.SimpleQueue[LoadTask] = queue.SimpleQueue()
    threading.Thread(target=_receive, args=(channel, tasks), daemon=True).start()
    with Loader(database) as loader:
        while True:
            task = tasks.get()
            channel.send(loader.load(task, channel.send))


def _receive(channel: Connection, tasks: queue.SimpleQueue[LoadTask]) -> None:
    try:
        while True:
            tasks.put(channel.recv())
    except (EOFError, OSError):
        os._exit(0)  # the parent is gone: PostgreSQL rolls back what is open


if __name__ == "__main__":
    main(int(sys.argv[1]))
