"""Files of a source put elsewhere or taken away: never over another file, never another version than was loaded."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator
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
"""An object up to this size is written by one request, which stores refuse where there is one already."""

Chunk = bytes | memoryview


def move_file(file: SourceFile, destination: Location, access: Access | None) -> None:
    """Move a file: copy it, compare the copy, then delete the original.

    Safe to repeat after having been broken off anywhere: a copy that is complete is not made again. A file of another
    version than the given one is left alone. Of what passes through this machine the content is compared, of a copy
    that the store itself has made the size. Nothing is overwritten: writing is refused by the store where something
    is, but for objects in parts and stores without conditions, where it is looked for just before.

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
    """Make the copy and compare it; the copy, or what somebody else has put there meanwhile if it is the same."""
    digest: bytes | None = None
    is_new = True
    if file.uri.startswith("/") and destination.is_local:
        copy_here(file, destination.key)
    elif _is_one_store(file, destination, access) and file.size_bytes <= SERVER_COPY_BYTES:
        is_new = _copy_in_store(file, destination)
    else:
        is_new, digest = _stream(file, destination, access)
    there = _find(SourceFile(destination.uri, "", 0, file.modified_at, access))
    if there is not None and not is_new:
        if not _is_same(file, there):
            raise _conflict(file, there)
        return there
    if digest is None:
        _take_back_if_changed(file, there)
    is_whole = there is not None and there.size_bytes == file.size_bytes
    if there is None or not is_whole or (digest is not None and digest != _digest(there)):
        message = f"{destination.uri}: the copy of {file.uri} is not what was written"
        raise ArchiveError(message, hint="the file stays; remove that copy, and the next run tries again", uri=file.uri)
    return there


def _take_back_if_changed(file: SourceFile, there: SourceFile | None) -> None:
    """Remove a copy that was not bound to a version if it may be one of a newer version, which is still there."""
    now = _find(file)
    if now is not None and now.version != file.version and there is not None:
        _delete(there)
    _require(now, file)


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


def _stream(file: SourceFile, destination: Location, access: Access | None) -> tuple[bool, bytes]:
    """Copy through this machine; whether nothing was there, and the hash of what was read."""
    digest = xxh3_128()

    def hashed() -> Iterator[Chunk]:
        for chunk in _chunks(file):
            digest.update(chunk)
            yield chunk

    if destination.is_local:
        write_file(hashed(), destination.key, file)
        is_new = True
    elif file.size_bytes <= _WHOLE_BYTES:
        is_new = _put_new(b"".join(hashed()), destination, access)
    else:
        is_new = _put_parts(hashed(), destination, access)
    return is_new, digest.digest()


def _put_parts(chunks: Iterator[Chunk], destination: Location, access: Access | None) -> bool:
    """Write an object in parts where there is none; if the chunks break off, there is none.

    Returns:
        Whether nothing was there. It is looked for when all but the last parts are sent: the request that puts them
        together has no condition in obstore.
    """
    import obstore

    def put(store: Any, path: str) -> bool:  # noqa: ANN401  # obstore's types are no runtime names
        # not put() with the chunks: it would ask for them where no other request can be made
        writer = obstore.open_writer(store, path, buffer_size=_CHUNK_BYTES, max_concurrency=4)
        for chunk in chunks:
            writer.write(bytes(chunk))
        if _is_there(store, path):
            return False
        writer.close()
        return True

    return _request("write", destination, access, put)


def _put_new(content: bytes, destination: Location, access: Access | None) -> bool:
    """Write an object where there is none; whether there was none."""
    import obstore

    def put(store: Any, path: str) -> bool:  # noqa: ANN401
        try:
            obstore.put(store, path, content, mode="create")
        except obstore.exceptions.AlreadyExistsError:
            return False
        except (obstore.exceptions.BaseError, NotImplementedError) as exc:
            if not _knows_no_condition(exc):
                raise
            return _put_after_look(store, path, lambda: obstore.put(store, path, content))
        return True

    return _request("write", destination, access, put)


def _copy_in_store(file: SourceFile, destination: Location) -> bool:
    """Let the store make the copy where there is none; whether there was none."""
    import obstore

    source = parse_location(file.uri)

    def copy(store: Any, path: str) -> bool:  # noqa: ANN401
        try:
            obstore.copy(store, source.key, path, overwrite=False)
        except obstore.exceptions.AlreadyExistsError:
            return False
        except (obstore.exceptions.BaseError, NotImplementedError) as exc:
            if not _knows_no_condition(exc):
                raise
            return _put_after_look(store, path, lambda: obstore.copy(store, source.key, path, overwrite=True))
        return True

    return _request("write", destination, file.access, copy)


def _knows_no_condition(error: Exception) -> bool:
    """Whether a store has refused a request because it is to be done only where nothing is."""
    is_said = type(error).__name__ == "NotSupportedError" or isinstance(error, NotImplementedError)
    return is_said or "status code: 501" in str(error)


def _put_after_look(store: Any, path: str, write: Callable[[], object]) -> bool:  # noqa: ANN401
    """Write by a store that knows no conditions, if nothing is there; whether nothing was."""
    if _is_there(store, path):
        return False
    write()
    return True


def _is_there(store: Any, path: str) -> bool:  # noqa: ANN401
    import obstore

    try:
        obstore.head(store, path)
    except FileNotFoundError:
        return False
    return True


def _delete(file: SourceFile) -> None:
    if file.uri.startswith("/"):
        unlink(file.uri)
        return
    import obstore

    def delete(store: Any, path: str) -> bool:  # noqa: ANN401
        try:
            obstore.delete(store, path)
        except FileNotFoundError:
            logger.info("%s: is gone already", file.uri)
            return False
        return True

    _request("delete", parse_location(file.uri), file.access, delete)


def _request(action: str, location: Location, access: Access | None, request: Callable[[Any, str], bool]) -> bool:
    """What a request says, which is given the store and the path; its failures as errors of ours."""
    from trade_ingest.source.objects import opened_store
    from trade_ingest.source.store_errors import store_error
    from trade_ingest.source.stores import FOREIGN_ERRORS

    opened = opened_store(location, access or Access())
    try:
        return request(opened.store, opened.path(location.key))
    except FOREIGN_ERRORS as exc:
        raise store_error(exc, location, action, secrets=opened.secrets) from None
