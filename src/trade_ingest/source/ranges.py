"""Pieces of a stored file, wherever it is: as a stream, and as a seekable file with a small cache."""

from __future__ import annotations

import io
from collections import OrderedDict
from collections.abc import Generator
from contextlib import closing

from trade_ingest.errors import FileChangedWhileReadError
from trade_ingest.source.file import SourceFile
from trade_ingest.source.local import stat_path
from trade_ingest.source.location import parse_location

BLOCK_BYTES = 64 << 10
"""What is fetched at once where little is needed: the directory of most archives is within the last block."""

_CACHED_BLOCKS = 8
_PIECE_BYTES = 256 << 10


def stat_stored(uri: str, like: SourceFile) -> SourceFile:
    """A file as it is now, reached as another one is.

    Raises:
        FileUnreadableError: it is gone or may not be read.
        StoreError: its store cannot be asked; the subclass says why.
    """
    location = parse_location(uri)
    if location.is_local:
        return stat_path(uri)
    from dataclasses import replace

    from trade_ingest.source.access import Access
    from trade_ingest.source.objects import find_object

    access = like.access or Access()
    return replace(find_object(replace(location, query=access.query), access), access=like.access)


def stored_range(file: SourceFile, start: int, end: int) -> Generator[bytes | memoryview]:
    """The stored bytes from ``start`` to ``end``, in order, all of the version that was listed.

    Raises:
        FileUnreadableError, FileChangedWhileReadError, StoreError: see ``source.stream.read_chunks``.
    """
    if parse_location(file.uri).is_local:
        yield from _local_range(file.uri, start, end)
    else:
        from trade_ingest.source.objects import object_chunks

        yield from object_chunks(file, start, end)


def _local_range(path: str, start: int, end: int) -> Generator[bytes]:
    from trade_ingest.source.stream import open_bytes

    with closing(open_bytes(path)) as stored:
        stored.seek(start)
        while start < end and (data := stored.read(min(_PIECE_BYTES, end - start))):
            start += len(data)
            yield data


class SeekableFile(io.BufferedIOBase):
    """A stored file, read here and there; a few blocks are kept."""

    def __init__(self, file: SourceFile) -> None:
        self._file = file
        self._position = 0
        self._blocks: OrderedDict[int, bytes] = OrderedDict()

    def seekable(self) -> bool:
        """It is."""
        return True

    def readable(self) -> bool:
        """It is."""
        return True

    def tell(self) -> int:
        """Where the next byte is read."""
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to a byte."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._file.size_bytes}[whence]
        if base + offset < 0:
            raise OSError(f"there is no byte {base + offset}")
        self._position = base + offset
        return self._position

    def read(self, size: int | None = -1, /) -> bytes:
        """So many bytes, fewer at the end."""
        start = min(self._position, self._file.size_bytes)
        end = self._file.size_bytes if size is None or size < 0 else min(start + size, self._file.size_bytes)
        if end - start > BLOCK_BYTES:
            data = self._fetch(start, end)
        else:
            numbers = range(start // BLOCK_BYTES, -(-end // BLOCK_BYTES))
            first = numbers.start * BLOCK_BYTES
            data = b"".join(self._block(number) for number in numbers)[start - first : end - first]
        self._position = end
        return data

    def _block(self, number: int) -> bytes:
        if number not in self._blocks:
            start = number * BLOCK_BYTES
            self._blocks[number] = self._fetch(start, min(start + BLOCK_BYTES, self._file.size_bytes))
            if len(self._blocks) > _CACHED_BLOCKS:
                self._blocks.popitem(last=False)
        self._blocks.move_to_end(number)
        return self._blocks[number]

    def _fetch(self, start: int, end: int) -> bytes:
        data = b"".join(stored_range(self._file, start, end))
        if len(data) != end - start:
            message = f"{self._file.uri}: ended at byte {start + len(data):,} of {self._file.size_bytes:,}"
            raise FileChangedWhileReadError(message, hint="run again when the file is complete", uri=self._file.uri)
        return data
