"""What unpacks a stream piece by piece, with bounded memory."""

from __future__ import annotations

import zlib
from typing import Protocol

UNPACKING_BYTES = 128 << 20
"""The memory that unpacking may take; how much it needs a file says itself, and may say gigabytes.

``xz -9`` needs 65 MiB, ``zstd --long=27`` all of it. It is also the zstd library's own limit, which Arrow leaves alone.
"""


class Decompressor(Protocol):
    """One compressed member."""

    @property
    def eof(self) -> bool:
        """Whether it has ended."""
        ...

    @property
    def needs_input(self) -> bool:
        """False while there is more to get from what it was given."""
        ...

    @property
    def unused_data(self) -> bytes:
        """What came after its end."""
        ...

    def decompress(self, data: bytes, /, max_length: int) -> bytes:
        """The next content, at most so many bytes."""
        ...


class ZlibDecompressor:
    """zlib's decompressor with the interface that those of bz2 and lzma have."""

    def __init__(self, wbits: int = 31) -> None:
        self._zlib = zlib.decompressobj(wbits)
        self._is_cut = False

    @property
    def eof(self) -> bool:
        """Whether it has ended."""
        return self._zlib.eof

    @property
    def needs_input(self) -> bool:
        """False while there is more to get from what it was given."""
        return not (self._is_cut or self._zlib.eof)

    @property
    def unused_data(self) -> bytes:
        """What came after its end."""
        return self._zlib.unused_data

    def decompress(self, data: bytes, /, max_length: int) -> bytes:
        """The next content, at most so many bytes."""
        content = self._zlib.decompress(self._zlib.unconsumed_tail + data, max_length)
        self._is_cut = len(content) == max_length  # zlib may hold back more, even without unread input
        return content
