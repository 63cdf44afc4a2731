"""A file's bytes: decompressed by what the first bytes say, and turned into UTF-8."""

from __future__ import annotations

import bz2
import codecs
import lzma
import os
import zlib
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, closing
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING, Protocol

import pyarrow as pa

from trade_ingest.errors import FileCorruptError, FileUnreadableError
from trade_ingest.source.bad_bytes import marking_decoder, utf8_of
from trade_ingest.source.decompressors import UNPACKING_BYTES, Decompressor, ZlibDecompressor
from trade_ingest.source.file import SourceFile
from trade_ingest.source.members import is_archive, split_member
from trade_ingest.source.readahead import read_ahead
from trade_ingest.source.unpacking import limited

if TYPE_CHECKING:
    from trade_ingest.source.checksums import StoredHash

CHUNK_BYTES = 1 << 20
READ_AHEAD_FROM_BYTES = 1 << 20
"""Of a smaller file nothing is read ahead: a thread would cost more than it saves."""

_MAGIC = {
    "gzip": b"\x1f\x8b",
    "zstd": b"\x28\xb5\x2f\xfd",
    "bz2": b"BZh",
    "xz": b"\xfd7zXZ\x00",
    "lz4": b"\x04\x22\x4d\x18",
}
_ZIPS = (b"PK\x03\x04", b"PK\x05\x06")  # the second: an empty archive
_BYTE_ORDER_MARKS = {codecs.BOM_UTF8: "utf-8", codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}


_DECOMPRESSORS: dict[str, Callable[[], Decompressor]] = {
    "gzip": ZlibDecompressor,
    "bz2": bz2.BZ2Decompressor,
    "xz": partial(lzma.LZMADecompressor, memlimit=UNPACKING_BYTES),
}
_TOO_MUCH_MEMORY = ("Memory usage limit exceeded", "Frame requires too much memory")
"""What xz and zstd say to a file that needs more than ``UNPACKING_BYTES``."""


def detect_compression(head: bytes) -> str:
    """``gzip``, ``zstd``, ``bz2``, ``xz``, ``lz4`` or ``none``, by the first bytes of a file."""
    return next((name for name, magic in _MAGIC.items() if head.startswith(magic)), "none")


class _Reader(Protocol):
    """A file's stored bytes, in order."""

    size_bytes: int

    def head(self, size: int) -> bytes: ...
    def read(self, size: int) -> bytes: ...
    def close(self) -> None: ...


class _LocalReader:
    """A local file, read without a buffer."""

    def __init__(self, path: str) -> None:
        self._file = open_bytes(path)
        self.size_bytes = os.fstat(self._file.fileno()).st_size
        self.read = self._file.read
        self.close = self._file.close

    def head(self, size: int) -> bytes:
        """The first bytes, which are not taken."""
        head = self._file.read(size)
        self._file.seek(0)
        return head


class _ChunkReader:
    """Chunks of any size, read as a file."""

    def __init__(self, chunks: Generator[bytes | memoryview], size_bytes: int) -> None:
        self._chunks = chunks
        self._rest = memoryview(b"")
        self.size_bytes = size_bytes

    def head(self, size: int) -> bytes:
        """The first bytes, which are not taken."""
        head = b""
        while len(head) < size and (chunk := next(self._chunks, None)) is not None:
            head += bytes(chunk)
        self._rest = memoryview(head)
        return head[:size]

    def read(self, size: int) -> bytes:
        """Up to so many bytes; none at the end."""
        while not self._rest:
            chunk = next(self._chunks, None)
            if chunk is None:
                return b""
            self._rest = memoryview(chunk)
        data, self._rest = self._rest[:size], self._rest[size:]
        return bytes(data)

    def close(self) -> None:
        self._chunks.close()


def open_bytes(path: str) -> IO[bytes]:
    """The file, open for unbuffered reading.

    Raises:
        FileUnreadableError: it cannot be opened.
    """
    try:
        return Path(path).open("rb", buffering=0)
    except OSError as exc:
        message = f"{path}: {exc.strerror or exc}"
        raise FileUnreadableError(message, hint="check that the file is there and may be read", uri=path) from exc


class _CheckedReader:
    """A file's stored bytes, compared with its checksum when they end."""

    def __init__(self, reader: _Reader, check: StoredHash) -> None:
        self._reader = reader
        self._check = check
        self.size_bytes = reader.size_bytes
        self.head = reader.head
        self.close = reader.close

    def read(self, size: int) -> bytes:
        """Up to so many bytes; none at the end."""
        data = self._reader.read(size)
        self._check.update(data)
        if not data:
            self._check.require_equal()
        return data


def _open_reader(file: SourceFile | str) -> _Reader:
    if isinstance(file, str):
        return _LocalReader(file)
    if split_member(file.uri) is not None:
        from trade_ingest.source.zips import open_member

        return _ChunkReader(*open_member(file))
    if not file.checksum:
        return _open_stored(file)
    from trade_ingest.source.checksums import StoredHash

    check = StoredHash(file)
    return _CheckedReader(_open_stored(file), check)


def _open_stored(file: SourceFile) -> _Reader:
    if file.uri.startswith("/"):
        return _LocalReader(file.uri)
    from trade_ingest.source.objects import object_chunks

    return _ChunkReader(object_chunks(file), file.size_bytes)


def _is_zip(path: str, head: bytes) -> bool:
    """Whether a stored file is an archive, or was one by its name before it was damaged."""
    return split_member(path) is None and (head.startswith(_ZIPS) or (bool(head) and is_archive(path)))


def _only_member(file: SourceFile | str) -> _Reader:
    from trade_ingest.source.local import stat_path
    from trade_ingest.source.zips import open_only_member

    return _ChunkReader(*open_only_member(stat_path(file) if isinstance(file, str) else file))


def read_chunks(
    file: SourceFile | str, compression: str = "auto", *, chunk_bytes: int = CHUNK_BYTES
) -> Generator[bytes]:
    """The decompressed content of a file, in order, in chunks of any size; several compressed members are one content.

    Of large files that are compressed or in an object store, some is fetched and unpacked ahead, by a thread. A member
    of an archive is unpacked by the archive's method, and then as any file. A zip archive itself is read if it holds
    one file.

    Args:
        file: a file of a listing, or the path of a local one.
        compression: ``auto``: by the first bytes.
        chunk_bytes: no chunk is larger.

    Raises:
        FileUnreadableError: the file cannot be opened.
        FileChangedWhileReadError: an object is not of the listed version any more.
        StoreError: an object cannot be read; the subclass says why.
        FileCorruptError: the compressed data is damaged, ends early, takes more than ``UNPACKING_BYTES`` to unpack or
            becomes more than ``source.unpacking`` allows; ``byte_offset`` counts compressed bytes.
        FileChecksumError: the file is not what its checksum says.
    """
    path = file if isinstance(file, str) else file.uri
    with ExitStack() as stack:
        reader = stack.enter_context(closing(_open_reader(file)))
        head = reader.head(16)
        codec = detect_compression(head) if compression == "auto" or not head else compression
        if compression == "auto" and codec == "none" and _is_zip(path, head):
            reader = stack.enter_context(closing(_only_member(file)))
            codec = detect_compression(reader.head(16))
        chunks = _content(path, reader, codec, chunk_bytes)
        is_plain_local = codec == "none" and isinstance(reader, _LocalReader)
        if is_plain_local or reader.size_bytes < READ_AHEAD_FROM_BYTES:
            yield from chunks
            return
        with read_ahead(chunks) as ahead:
            yield from ahead


def _content(path: str, reader: _Reader, codec: str, chunk_bytes: int) -> Generator[bytes]:
    """The decompressed chunks."""
    if codec == "none":
        while chunk := reader.read(chunk_bytes):
            yield chunk
        return
    unpacked = (_arrow_chunks if codec in {"zstd", "lz4"} else _member_chunks)(path, reader, codec, chunk_bytes)
    yield from limited(path, unpacked, reader.size_bytes)
    while reader.read(chunk_bytes):  # to the end of what a checksum is about
        pass


def _member_chunks(path: str, file: _Reader, codec: str, chunk_bytes: int) -> Iterator[bytes]:
    new = _DECOMPRESSORS[codec]
    decompressor: Decompressor | None = None
    offset = 0
    while data := file.read(min(chunk_bytes, 256 << 10)):
        offset += len(data)
        while True:
            if decompressor is None:
                data = data.lstrip(b"\0")  # members may be padded with zero bytes
                if not data:
                    break
                decompressor = new()
            try:
                # a bounded piece at a time: 256 KiB of a compressed blank file are gigabytes
                content = decompressor.decompress(data, max_length=chunk_bytes)
            except (zlib.error, OSError, lzma.LZMAError, EOFError) as exc:
                raise _corrupt(path, codec, offset - len(data), str(exc)) from exc
            if content:
                yield content
            data = b""
            if decompressor.eof:
                data, decompressor = decompressor.unused_data, None
            elif decompressor.needs_input:
                break
    if decompressor is not None:
        raise _corrupt(path, codec, offset, "the compressed data ends early")


def _arrow_chunks(path: str, file: _Reader, codec: str, chunk_bytes: int) -> Iterator[bytes]:
    counted = _CountingFile(file)
    try:
        with pa.CompressedInputStream(pa.PythonFile(counted, mode="r"), codec) as stream:
            while chunk := stream.read(chunk_bytes):
                yield chunk
    except OSError as exc:
        raise _corrupt(path, codec, counted.offset, str(exc)) from exc


class _CountingFile:
    """A readable file that knows how far it was read."""

    closed = False

    def __init__(self, file: _Reader) -> None:
        self._file = file
        self.offset = 0

    def read(self, size: int) -> bytes:
        data = self._file.read(size)
        self.offset += len(data)
        return data

    def close(self) -> None:
        self.closed = True


def _corrupt(path: str, codec: str, offset: int, why: str) -> FileCorruptError:
    message = f"{path}: damaged {codec} data near byte {offset}: {why}"
    hint = "fetch the file again; nothing of it was loaded"
    if any(text in why for text in _TOO_MUCH_MEMORY):
        message = f"{path}: unpacking its {codec} data takes more than {UNPACKING_BYTES >> 20} MiB of memory"
        hint = "compress it again with a smaller window, such as that of `xz -9` or `zstd --long=27`"
    return FileCorruptError(message, hint=hint, uri=path, byte_offset=offset)


def to_utf8(chunks: Iterator[bytes], encoding: str) -> tuple[str | None, int, Iterator[bytes]]:
    """Remove a byte order mark and turn the content into UTF-8.

    A byte order mark wins over the declared encoding. Bytes that cannot be decoded are marked as ``source.bad_bytes``
    says, so that the row that holds them is rejected instead of being changed silently.

    Returns:
        The name of the encoding that was decoded (None: the bytes are UTF-8 already and pass unchanged), the number of
        bytes of the mark, and the chunks.
    """
    head = b""
    for chunk in chunks:
        head += chunk
        if len(head) >= len(codecs.BOM_UTF8):
            break
    mark = next((m for m in _BYTE_ORDER_MARKS if head.startswith(m)), b"")
    name = codecs.lookup(_BYTE_ORDER_MARKS.get(mark, encoding)).name
    if name in {"utf-16", "utf-32"}:  # no mark: the standard says big endian, practice says little endian
        name += "-le"
    rest = _chain(head[len(mark) :], chunks)
    if name in {"utf-8", "utf-8-sig", "ascii"}:
        return None, len(mark), rest
    return name, len(mark), _transcode(rest, name)


def _chain(head: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    if head:
        yield head
    yield from rest


def _transcode(chunks: Iterator[bytes], encoding: str) -> Iterator[bytes]:
    decoder = marking_decoder(encoding)
    for chunk in chunks:
        if text := decoder.decode(chunk):
            yield utf8_of(text)
    if text := decoder.decode(b"", final=True):
        yield utf8_of(text)
