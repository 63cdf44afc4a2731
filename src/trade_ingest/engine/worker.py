"""The process that loads files for the local engine: ``python -m trade_ingest.engine.worker FD``."""

from __future__ import annotations

import gc
import os
import queue
import signal
import sys
import threading
from multiprocessing.connection import Connection

from trade_ingest.lake.handover import load_and_hand_over
from trade_ingest.ledger.progress import Progress
from trade_ingest.load.task import FileResult, LoadTask
from trade_ingest.load.transaction import Loader


def main(descriptor: int) -> None:
    """Load files until the parent closes the channel; die at once when it does so during a load."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle: it lets files in flight finish
    channel = Connection(descriptor)
    gc.freeze()  # what is imported stays: it need not be looked through again and again
    database, slots = channel.recv()
    tasks: queue.SimpleQueue[LoadTask] = queue.SimpleQueue()
    lock = threading.Lock()
    threading.excepthook = _die

    def send(message: Progress | FileResult) -> None:
        with lock:
            channel.send(message)

    def load() -> None:
        with Loader(database) as loader:
            while True:
                send(load_and_hand_over(loader, tasks.get(), send))

    for _ in range(slots):
        threading.Thread(target=load, daemon=True).start()
    try:
        while True:
            tasks.put(channel.recv())
    except (EOFError, OSError):
        os._exit(0)  # the parent is gone: PostgreSQL rolls back what is open


def _die(args: threading.ExceptHookArgs) -> None:
    threading.__excepthook__(args)
    os._exit(1)  # or the parent would wait for what the thread had in hand


if __name__ == "__main__":
    main(int(sys.argv[1]))
