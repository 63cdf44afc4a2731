"""Small objects, read and written whole: contracts, outcomes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from trade_ingest.errors import FileUnreadableError, UsageError
from trade_ingest.source.access import Access, Accesses
from trade_ingest.source.connection import StoreConnection
from trade_ingest.source.listing import find_file
from trade_ingest.source.location import parse_location, shown_source

MOST_BYTES = 16 << 20


def read_small(uri: str, connections: Sequence[StoreConnection] = ()) -> bytes:
    """The content of an object or a file.

    Raises:
        FileUnreadableError: there is none.
        UsageError: it is larger than 16 MiB.
        StoreError: it cannot be read; the subclass says why.
    """
    file = find_file(uri, connections=connections)
    if file is None:
        message = f"{shown_source(uri)}: there is no such object"
        raise FileUnreadableError(message, hint="check the spelling; list with: trade-ingest ls", uri=shown_source(uri))
    if file.size_bytes > MOST_BYTES:
        raise UsageError(f"{file.uri}: {file.size_bytes:,} bytes are too many for this")
    if parse_location(uri).is_local:
        return Path(file.uri).read_bytes()
    from trade_ingest.source.objects import object_chunks

    return b"".join(object_chunks(file))


def write_small(uri: str, content: bytes, connections: Sequence[StoreConnection] = ()) -> None:
    """Write an object or a file, over one that is there.

    Raises:
        StoreError: it cannot be written; the subclass says why.
        OSError: this machine's file system refuses.
    """
    location = parse_location(uri)
    if location.is_local:
        path = Path(location.key)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return
    import obstore

    from trade_ingest.source.objects import opened_store
    from trade_ingest.source.store_errors import store_error
    from trade_ingest.source.stores import FOREIGN_ERRORS

    opened = opened_store(location, Accesses.to([uri], connections).of(location) or Access())
    try:
        obstore.put(opened.store, opened.path(location.key), content)
    except FOREIGN_ERRORS as exc:
        raise store_error(exc, location, "write", secrets=opened.secrets) from None
