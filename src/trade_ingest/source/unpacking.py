"""How much a file may become by unpacking."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from trade_ingest.errors import FileCorruptError

UNLIMITED_BYTES = 1 << 30
"""So much may come out of a file of any size."""

MOST_TIMES = 1000
"""What comes out beyond ``UNLIMITED_BYTES`` is at most so many times what is stored.

Trades shrink to a fifth or a tenth. gzip cannot do more than 1 : 1032, and does that for nothing but repetitions.
"""


def limited(uri: str, chunks: Iterable[bytes], stored_bytes: int) -> Iterator[bytes]:
    """The same chunks, until there are too many for a file of that stored size.

    Raises:
        FileCorruptError: what comes out is above both limits.
    """
    most = max(UNLIMITED_BYTES, MOST_TIMES * stored_bytes)
    unpacked = 0
    for chunk in chunks:
        unpacked += len(chunk)
        if unpacked > most:
            message = (
                f"{uri}: {stored_bytes:,} stored bytes unpack to more than {most:,}:"
                f" over 1 GiB and {MOST_TIMES:,} times their size"
            )
            hint = "if that is what the file holds, unpack it and load the plain file"
            raise FileCorruptError(message, hint=hint, uri=uri, stored_bytes=stored_bytes, unpacked_bytes=unpacked)
        yield chunk
