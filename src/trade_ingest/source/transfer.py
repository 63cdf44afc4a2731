"""Files of a source put elsewhere or taken away: never over another file, never another version than was loaded."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from xxhash import xxh3_128

from trade_ingest.errors import ArchiveConflictError, ArchiveError, ArchiveSourceError, FileUnreadableError
from trade_ingest.source.access import Access
from trade_ingest.source.file import SourceFile
from trade_ingest.source.listing import stat_file
from trade_ingest.source.local_transfer import copy_here, unlink, write_file
from trade_ingest.source.location import Location, parse_location

logger = logging.getLogger(__name__)

SERVER_COPY_BYTES = 5 << 30
"""What S3 copies by one request; larger objects pass through this machine."""

_CHUNK_BYTES = 8 << 20
_WHOLE_BYTES = 8 << 20
"""An object up to this size is written by one request, which most stores refuse where there is one already."""

Chunk = bytes | memoryview


def move_file(file: SourceFile, destination: Location, access: Access | None) -> None:
    """Move a file: copy it, compare the copy, then delete the original.

    Safe to repeat after having been broken off anywhere: a copy that is complete is not made again. Nothing is
    overwritten. A file of another version than the given one is left alone.

    Args:
        file: as it was loaded.
        destination: the place of the copy itself, not the folder.
        access: how that is reached; None: as the environment says.

    Raises:
        ArchiveSourceError: the file is another one now, or gone, and not at its destination either.
        ArchiveConflictError: something else is at the destination.
        ArchiveError: this machine's file system refused; the message says what.
        StoreError: a store refused; the subclass says why.
    """
    there = _find(SourceFile(destination.uri, "", 0, file.modified_at, access))
    now = _find(file)
    if now is None and there is not None and there.size_bytes == file.size_bytes:
        return  # broken off between deleting and recording it
    _require(now, file)
    if there is None:
        there = _copied(file, destination, access)
    elif not _is_same(file, there):
        raise _conflict(file, there)
    _require(_find(file), file)
    _delete(file)


def delete_file(file: SourceFile) -> None:
    """Delete a file if it still is of its version; does nothing where it is gone.

    Raises:
        ArchiveSourceError: it is another one now.
        ArchiveError, StoreError: it may not be deleted.
    """
    now = _find(file)
    if now is not None:
        _require(now, file)
        _delete(file)


def require_version(file: SourceFile) -> None:
    """Check that a file is there at its version.

    Raises:
        ArchiveSourceError: it is not.
    """
    _require(_find(file), file)


def _require(now: SourceFile | None, file: SourceFile) -> None:
    if now is None:
        message = f"{file.uri}: is not there any more"
        raise ArchiveSourceError(message, hint="its rows are loaded; nothing more is done with it", uri=file.uri)
    if now.version != file.version:
        message = f"{file.uri}: has changed since it was loaded (version {file.version}, now {now.version})"
        raise ArchiveSourceError(message, hint="it stays; the next run loads it anew", uri=file.uri)


def _find(file: SourceFile) -> SourceFile | None:
    """The file as it is now; None if there is none."""
    if file.uri.startswith("/") and not os.path.lexists(file.uri):
        return None
    try:
        return replace(stat_file(file), access=file.access)
    except FileUnreadableError:
        if file.uri.startswith("/"):
            raise
        return None


def _copied(file: SourceFile, destination: Location, access: Access | None) -> SourceFile:
    """Make the copy and compare it; the copy."""
    digest: bytes | None = None
    if file.uri.startswith("/") and destination.is_local:
        copy_here(file, destination.key)
    elif _is_one_store(file, destination, access) and file.size_bytes <= SERVER_COPY_BYTES:
        _copy_in_store(file, destination)
    else:
        digest = _stream(file, destination, access)
    there = _find(SourceFile(destination.uri, "", 0, file.modified_at, access))
    if digest is None:
        _take_back_if_changed(file, there)
    is_whole = there is not None and there.size_bytes == file.size_bytes
    if there is None or not is_whole or (digest is not None and digest != _digest(there)):
        message = f"{destination.uri}: the copy of {file.uri} is not what was written"
        raise ArchiveError(message, hint="the file stays; remove that copy, and the next run tries again", uri=file.uri)
    return there


def _take_back_if_changed(file: SourceFile, there: SourceFile | None) -> None:
    """Remove a copy that was not bound to a version, if it may be one of a newer version."""
    try:
        _require(_find(file), file)
    except ArchiveSourceError:
        if there is not None:
            _delete(there)
        raise


def _is_one_store(file: SourceFile, destination: Location, access: Access | None) -> bool:
    source = parse_location(file.uri)
    return (source.scheme, source.store, file.access) == (destination.scheme, destination.store, access)


def _is_same(file: SourceFile, there: SourceFile) -> bool:
    """Whether a file that was there already has the same content."""
    if there.size_bytes != file.size_bytes:
        return False
    if file.uri.startswith("/") and there.uri.startswith("/") and Path(file.uri).samefile(there.uri):
        return True
    return _digest(file) == _digest(there)


def _conflict(file: SourceFile, there: SourceFile) -> ArchiveConflictError:
    message = f"{there.uri}: is there already, and is not {file.uri}"
    hint = "nothing is overwritten: move it away, and the next run tries again"
    return ArchiveConflictError(message, hint=hint, uri=file.uri)


def _chunks(file: SourceFile) -> Iterator[Chunk]:
    """The bytes as they are stored."""
    if not file.uri.startswith("/"):
        from trade_ingest.source.objects import object_chunks

        yield from object_chunks(file)
        return
    with Path(file.uri).open("rb", buffering=0) as opened:
        while chunk := opened.read(_CHUNK_BYTES):
            yield chunk


def _digest(file: SourceFile) -> bytes:
    digest = xxh3_128()
    for chunk in _chunks(file):
        digest.update(chunk)
    return digest.digest()


def _stream(file: SourceFile, destination: Location, access: Access | None) -> bytes:
    """Copy through this machine; the hash of what was written."""
    digest = xxh3_128()

    def hashed() -> Iterator[Chunk]:
        for chunk in _chunks(file):
            digest.update(chunk)
            yield chunk

    if destination.is_local:
        write_file(hashed(), destination.key, file)
    elif file.size_bytes <= _WHOLE_BYTES:
        _put_new(b"".join(hashed()), destination, access)
    else:
        _request("write", destination, access, lambda store, path: _put_parts(store, path, hashed()))
    return digest.digest()


def _put_parts(store: Any, path: str, chunks: Iterator[Chunk]) -> None:  # noqa: ANN401  # obstore's types are no runtime names
    """Write an object in parts; if the chunks break off, there is none."""
    import obstore

    # not put() with the chunks: it would ask for them where no other request can be made
    writer = obstore.open_writer(store, path, buffer_size=_CHUNK_BYTES, max_concurrency=4)
    for chunk in chunks:
        writer.write(bytes(chunk))
    writer.close()


def _put_new(content: bytes, destination: Location, access: Access | None) -> None:
    """Write an object where there is none; one that came since it was looked for is compared by the caller."""
    import obstore

    def put(store: Any, path: str) -> None:  # noqa: ANN401
        try:
            obstore.put(store, path, content, mode="create")
        except obstore.exceptions.AlreadyExistsError:
            logger.info("%s: is there already", destination.uri)
        except (obstore.exceptions.NotSupportedError, NotImplementedError):
            obstore.put(store, path, content)

    _request("write", destination, access, put)


def _copy_in_store(file: SourceFile, destination: Location) -> None:
    import obstore

    source = parse_location(file.uri)
    may_overwrite = source.scheme == "s3"  # which has no copy that does not; nothing was there a moment ago

    def copy(store: Any, path: str) -> None:  # noqa: ANN401
        obstore.copy(store, source.key, path, overwrite=may_overwrite)

    _request("write", destination, file.access, copy)


def _delete(file: SourceFile) -> None:
    if file.uri.startswith("/"):
        unlink(file.uri)
        return
    import obstore

    def delete(store: Any, path: str) -> None:  # noqa: ANN401
        try:
            obstore.delete(store, path)
        except FileNotFoundError:
            logger.info("%s: is gone already", file.uri)

    _request("delete", parse_location(file.uri), file.access, delete)


def _request(action: str, location: Location, access: Access | None, request: Any) -> None:  # noqa: ANN401
    from trade_ingest.source.objects import opened_store
    from trade_ingest.source.store_errors import store_error
    from trade_ingest.source.stores import FOREIGN_ERRORS

    opened = opened_store(location, access or Access())
    try:
        request(opened.store, opened.path(location.key))
    except FOREIGN_ERRORS as exc:
        raise store_error(exc, location, action, secrets=opened.secrets) from None
