"""A file's bytes: decompressed by what the first bytes say, and turned into UTF-8."""

from __future__ import annotations

import bz2
import codecs
import lzma
import zlib
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import IO, Protocol

import pyarrow as pa

from trade_ingest.errors import FileCorruptError, FileUnreadableError

CHUNK_BYTES = 1 << 20
UNPACKING_BYTES = 128 << 20
"""The memory that unpacking may take; how much it needs a file says itself, and may say gigabytes.

``xz -9`` needs 65 MiB, ``zstd --long=27`` all of it. It is also the zstd library's own limit, which Arrow leaves alone.
"""

_MAGIC = {
    "gzip": b"\x1f\x8b",
    "zstd": b"\x28\xb5\x2f\xfd",
    "bz2": b"BZh",
    "xz": b"\xfd7zXZ\x00",
    "lz4": b"\x04\x22\x4d\x18",
}
_ZIP = b"PK\x03\x04"
_BYTE_ORDER_MARKS = {codecs.BOM_UTF8: "utf-8", codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}
BAD_BYTE = "\udcff"  # stands for an undecodable sequence; it becomes byte FF, which is never valid UTF-8


class _Decompressor(Protocol):
    """One compressed member; ``needs_input`` is false while there is more to get from what it was given."""

    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, /, max_length: int) -> bytes: ...


class _GzipDecompressor:
    """zlib's decompressor with the interface that those of bz2 and lzma have."""

    def __init__(self) -> None:
        self._zlib = zlib.decompressobj(wbits=31)
        self._is_cut = False

    @property
    def eof(self) -> bool:
        return self._zlib.eof

    @property
    def needs_input(self) -> bool:
        return not (self._is_cut or self._zlib.eof)

    @property
    def unused_data(self) -> bytes:
        return self._zlib.unused_data

    def decompress(self, data: bytes, /, max_length: int) -> bytes:
        content = self._zlib.decompress(self._zlib.unconsumed_tail + data, max_length)
        self._is_cut = len(content) == max_length  # zlib may hold back more, even without unread input
        return content


_DECOMPRESSORS: dict[str, Callable[[], _Decompressor]] = {
    "gzip": _GzipDecompressor,
    "bz2": bz2.BZ2Decompressor,
    "xz": partial(lzma.LZMADecompressor, memlimit=UNPACKING_BYTES),
}
_TOO_MUCH_MEMORY = ("Memory usage limit exceeded", "Frame requires too much memory")
"""What xz and zstd say to a file that needs more than ``UNPACKING_BYTES``."""


def detect_compression(head: bytes) -> str:
    """``gzip``, ``zstd``, ``bz2``, ``xz``, ``lz4`` or ``none``, by the first bytes of a file."""
    return next((name for name, magic in _MAGIC.items() if head.startswith(magic)), "none")


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


def read_chunks(path: str, compression: str = "auto", *, chunk_bytes: int = CHUNK_BYTES) -> Iterator[bytes]:
    """The decompressed content of a file, in order, in chunks of any size; several compressed members are one content.

    Raises:
        FileUnreadableError: the file cannot be opened.
        FileCorruptError: the compressed data is damaged, ends early or takes more than ``UNPACKING_BYTES`` to unpack;
            ``byte_offset`` counts compressed bytes.
    """
    with open_bytes(path) as file:
        head = file.read(16)
        file.seek(0)
        if compression == "auto" and head.startswith(_ZIP):
            message = f"{path}: a zip archive, expected a plain, gzip, zstd, bz2, xz or lz4 file"
            raise FileCorruptError(message, hint="unpack the archive first", uri=path, byte_offset=0)
        codec = detect_compression(head) if compression == "auto" else compression
        if not head:
            return
        if codec == "none":
            while chunk := file.read(chunk_bytes):
                yield chunk
        elif codec in {"zstd", "lz4"}:
            yield from _arrow_chunks(path, file, codec, chunk_bytes)
        else:
            yield from _member_chunks(path, file, codec, chunk_bytes)


def _member_chunks(path: str, file: IO[bytes], codec: str, chunk_bytes: int) -> Iterator[bytes]:
    new = _DECOMPRESSORS[codec]
    decompressor: _Decompressor | None = None
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


def _arrow_chunks(path: str, file: IO[bytes], codec: str, chunk_bytes: int) -> Iterator[bytes]:
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

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.offset = 0

    def read(self, size: int = -1) -> bytes:
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

    A byte order mark wins over the declared encoding. Sequences that cannot be decoded become the byte FF, which no
    UTF-8 text has, so that the row that holds them is rejected instead of being changed silently.

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
    decoder = codecs.getincrementaldecoder(encoding)(errors="trade_ingest.bad_byte")
    for chunk in chunks:
        if text := decoder.decode(chunk):
            yield text.encode("utf-8", "surrogateescape")
    if text := decoder.decode(b"", final=True):
        yield text.encode("utf-8", "surrogateescape")


def _mark_bad_byte(error: UnicodeError) -> tuple[str, int]:
    if isinstance(error, UnicodeDecodeError):
        unit = {"utf-16": 2, "utf-32": 4}.get(error.encoding[:6], 1)
        return BAD_BYTE * max(1, (error.end - error.start) // unit), error.end
    raise error


codecs.register_error("trade_ingest.bad_byte", _mark_bad_byte)
