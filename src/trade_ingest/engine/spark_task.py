"""What Spark runs on its executors. Imported there by name: only data is shipped."""

from __future__ import annotations

import pickle
import struct
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import ExitStack
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pyspark.sql.types import StructType

    from trade_ingest.load.task import FileResult, LoadTask


def load_task(database: str, pack: Sequence[Any], files_at_once: int) -> Callable[[Iterator[Any]], Iterator[Any]]:
    """The function of ``mapInArrow`` for one row: it loads the files of a pack.

    It yields a pickled ``FileResult`` for each file as it is done and handed over to its lakes; see ``Loader.load`` for
    what a load guarantees. A further attempt of Spark at the same task, a retry or a speculative copy, waits for the
    transactions of others: an answer "busy" would end the task, and Spark would kill the attempt that loads.

    Args:
        database: URL of the database, as the executors reach it.
        pack: the load tasks.
        files_at_once: so many of them at a time, each over connections of its own.
    """
    payload = pickle.dumps(list(pack))

    def load(batches: Iterator[Any]) -> Iterator[Any]:
        import os
        from dataclasses import replace

        from pyspark import TaskContext

        # Polars starts as many when it is imported; else one for each processor, in each of Spark's workers
        os.environ.setdefault("POLARS_MAX_THREADS", str(files_at_once))
        from trade_ingest.engine.spark_task import forget_zip_importers, load_files, result_batch

        context = TaskContext.get()
        assert context is not None
        is_repeated = context.attemptNumber() > 0
        for _ in batches:
            tasks = pickle.loads(payload)  # noqa: S301  # made by the driver, a few lines above
            tasks = [replace(task, waits=task.waits or is_repeated) for task in tasks]
            for result in load_files(database, tasks, files_at_once):
                yield result_batch(pickle.dumps(result))
        forget_zip_importers()

    return load


def result_schema() -> StructType:
    """The schema of what the functions here yield; an object, as Spark takes 0.3 s to start its parser of types."""
    from pyspark.sql.types import BinaryType, StructField, StructType

    return StructType([StructField("result", BinaryType())])


def load_files(database: str, tasks: Sequence[LoadTask], files_at_once: int) -> Iterator[FileResult]:
    """What came of each file as it is done and handed over; one is parsed while PostgreSQL takes another's rows."""
    from trade_ingest.lake.handover import load_and_hand_over
    from trade_ingest.load.transaction import Loader

    count = min(files_at_once, len(tasks))
    free: SimpleQueue[Loader] = SimpleQueue()

    def load(task: LoadTask) -> FileResult:
        loader = free.get()
        try:
            return load_and_hand_over(loader, task, lambda _: None)
        finally:
            free.put(loader)

    with ExitStack() as open_loaders, ThreadPoolExecutor(count) as threads:
        for _ in range(count):
            free.put(open_loaders.enter_context(Loader(database)))
        try:
            for loaded in as_completed([threads.submit(load, task) for task in tasks]):
                yield loaded.result()
        except BaseException:
            threads.shutdown(cancel_futures=True)
            raise


def result_batch(payload: bytes) -> Any:  # noqa: ANN401  # a RecordBatch; pyarrow is imported on the executor
    """One row with one binary column; built of buffers, since ``pa.array`` imports pandas (0.2 s in each worker)."""
    import pyarrow as pa

    offsets = pa.py_buffer(struct.pack("<2i", 0, len(payload)))
    column = pa.Array.from_buffers(pa.binary(), 1, [None, offsets, pa.py_buffer(payload)])
    return pa.RecordBatch.from_arrays([column], names=["result"])


def forget_zip_importers() -> None:
    """Let Spark's worker find nothing to invalidate before its next task, or it would read ``pyspark.zip`` again."""
    for path, finder in list(sys.path_importer_cache.items()):
        if type(finder).__name__ == "zipimporter":
            del sys.path_importer_cache[path]


def probe(database: str, version: str, file: object | None) -> Callable[[Iterator[Any]], Iterator[Any]]:
    """The function of ``mapInArrow`` that tries what a load needs: the package, its version, a file, the database.

    With no file, what a write needs.

    It yields nothing if all is well, else what is wrong and, after a line break, how it is mended. It is shipped by
    value, so that it runs where the package is missing.
    """
    payload = pickle.dumps(file)

    def run(batches: Iterator[Any]) -> Iterator[Any]:
        import pickle
        import socket
        import struct
        import sys
        from importlib import metadata

        import pyarrow as pa

        where = f"{socket.gethostname()}, Python {sys.version.split()[0]}"

        def problem() -> str:
            try:
                from trade_ingest.errors import FileUnreadableError, TradeIngestError
                from trade_ingest.ledger.connection import open_connection
                from trade_ingest.load import transaction  # noqa: F401  # with all that it imports
                from trade_ingest.source.listing import stat_file
            except ImportError as exc:
                return (
                    f"an executor ({where}) cannot import trade_ingest: {exc}\n"
                    f"install trade-ingest {version} on the executors, or ship it with --conf spark.archives=…"
                )
            if (there := metadata.version("trade-ingest")) != version:
                return (
                    f"an executor ({where}) has trade-ingest {there}, the driver {version}\n"
                    "install the same version on both"
                )
            try:
                if (file := pickle.loads(payload)) is not None:  # noqa: S301  # made by the driver, above
                    stat_file(file)
            except TradeIngestError as exc:
                same_path = "the files must lie under the same path, and be readable, on all machines of the cluster"
                hint = same_path if isinstance(exc, FileUnreadableError) else exc.hint
                return f"an executor ({where}) cannot read {exc}\n{hint}"
            try:
                open_connection(database).close()
            except Exception as exc:  # noqa: BLE001  # whatever it is, the driver is to say it
                return (
                    f"an executor ({where}) cannot use the database: {exc}\n"
                    "give the database by an address that the executors reach, and let them in (firewall, pg_hba.conf)"
                )
            return ""

        for _ in batches:
            if text := problem().encode():
                offsets = pa.py_buffer(struct.pack("<2i", 0, len(text)))
                column = pa.Array.from_buffers(pa.binary(), 1, [None, offsets, pa.py_buffer(text)])
                yield pa.RecordBatch.from_arrays([column], names=["result"])

    return run
