"""Bytes into files, compressed or not."""

from __future__ import annotations

import bz2
import gzip
import lzma
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, cast


@contextmanager
def open_output(path: Path, compression: str) -> Iterator[Callable[[bytes], object]]:
    """A function that writes to a new file; the file's bytes depend on nothing but what is written.

    Args:
        path: the file.
        compression: ``none``, ``gzip``, ``zstd``, ``bz2``, ``xz`` or ``lz4``.
    """
    with ExitStack() as stack:
        file = stack.enter_context(path.open("wb"))
        yield stack.enter_context(_compressed(file, compression)).write if compression != "none" else file.write


def _compressed(file: IO[bytes], compression: str) -> IO[bytes]:
    if compression == "gzip":
        # no name and no time in the file's head
        return cast("IO[bytes]", gzip.GzipFile(filename="", mode="wb", compresslevel=6, fileobj=file, mtime=0))
    if compression == "bz2":
        return cast("IO[bytes]", bz2.BZ2File(file, "wb"))
    if compression == "xz":
        return cast("IO[bytes]", lzma.LZMAFile(file, "wb"))
    import pyarrow as pa

    return cast("IO[bytes]", pa.CompressedOutputStream(file, compression))
