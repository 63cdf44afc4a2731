"""The rows of a file as they were copied, kept on this machine's disk until its hand-over to lakes."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa

logger = logging.getLogger(__name__)


class KeptRows:
    """Keeps what is encoded, block by block; safe to use from several threads.

    Never fails a load: where the disk refuses, nothing is kept, and the hand-over reads the rows from the target.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._rows: int | None = 0

    @property
    def rows(self) -> int | None:
        """How many rows are kept; None if some could not be."""
        return self._rows

    def clear(self) -> None:
        """Forget what an attempt has kept that begins anew."""
        for path in self._folder.iterdir():
            path.unlink(missing_ok=True)
        self._rows = 0

    def keep(self, first_row: int, table: pa.Table) -> None:
        """Keep the rows of a block.

        Args:
            first_row: the number of its first row, which no other block has.
            table: as it is encoded.
        """
        import pyarrow as pa

        if self._rows is None:
            return
        try:
            options = pa.ipc.IpcWriteOptions(compression="lz4")
            file = pa.OSFile(str(self._folder / f"{first_row}"), "wb")
            with file, pa.ipc.new_file(file, table.schema, options=options) as writer:
                writer.write_table(table)
        except OSError as exc:
            logger.info("rows are not kept for their hand-over, which reads them from the target: %s", exc)
            with self._lock:
                self._rows = None
            return
        with self._lock:
            if self._rows is not None:
                self._rows += table.num_rows

    def batches(self) -> Iterator[pa.RecordBatch]:
        """The rows, in the order of the file."""
        import pyarrow as pa

        for path in sorted(self._folder.iterdir(), key=lambda path: int(path.name)):
            with pa.memory_map(str(path)) as file, pa.ipc.open_file(file) as reader:
                for number in range(reader.num_record_batches):
                    yield reader.get_batch(number)
