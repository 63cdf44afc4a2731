"""Files of this machine, put to another path: complete and on the disk, or not there at all."""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from xxhash import xxh3_128

from trade_ingest.errors import ArchiveConflictError, ArchiveError
from trade_ingest.source.file import SourceFile

_CHUNK_BYTES = 8 << 20
_NO_LINK = frozenset({errno.EXDEV, errno.EPERM, errno.EACCES, errno.EMLINK, errno.ENOTSUP, errno.ENOSYS, errno.EINVAL})
"""Another file system, or one that has no links: the file is copied."""


def copy_here(file: SourceFile, destination: str) -> None:
    """Give a file a second path: a link to it where the file system can, else a copy that has been compared.

    Raises:
        ArchiveConflictError: something is there.
        ArchiveError: the file system refused.
    """
    with _refusals(destination):
        _make_folder(Path(destination).parent)
        if not Path(file.uri).is_symlink():
            try:
                os.link(file.uri, destination)
            except OSError as exc:
                if exc.errno not in _NO_LINK:
                    raise
            else:
                _sync_folder(Path(destination).parent)
                return
        with Path(file.uri).open("rb", buffering=0) as source:
            write_file(iter(lambda: source.read(_CHUNK_BYTES), b""), destination, file)


def write_file(chunks: Iterable[bytes | memoryview], destination: str, file: SourceFile) -> None:
    """Write a new file that has the modification time of another one; nobody sees a part of it.

    Raises:
        ArchiveConflictError: something is there.
        ArchiveError: the file system refused, or gives other bytes back than were written.
    """
    folder, name = Path(destination).parent, Path(destination).name
    part = folder / f".{name[:60]}.{secrets.token_hex(4)}.part"  # a name has 255 bytes, a character up to four
    written = xxh3_128()
    with _refusals(destination):
        _make_folder(folder)
        try:
            with part.open("xb", buffering=0) as target:
                for chunk in chunks:
                    written.update(chunk)
                    _write_all(target.fileno(), memoryview(chunk))
                os.fsync(target.fileno())
            os.utime(part, ns=_times(file))
            if _digest(part) != written.digest():
                message = f"{destination}: gives other bytes back than were written"
                raise ArchiveError(message, hint="check the disk; the file stays where it was", uri=file.uri)
            _give_name(part, destination)
            _sync_folder(folder)
        finally:
            part.unlink(missing_ok=True)


def unlink(path: str) -> None:
    """Delete a file; does nothing where it is gone.

    Raises:
        ArchiveError: the file system refused.
    """
    with _refusals(path):
        Path(path).unlink(missing_ok=True)
        _sync_folder(Path(path).parent)


def _times(file: SourceFile) -> tuple[int, int]:
    is_here = file.uri.startswith("/")
    at = Path(file.uri).stat().st_mtime_ns if is_here else int(file.modified_at.timestamp()) * 1_000_000_000
    return at, at


def _write_all(descriptor: int, data: memoryview) -> None:
    while data:
        data = data[os.write(descriptor, data) :]


def _digest(path: Path) -> bytes:
    digest = xxh3_128()
    with path.open("rb", buffering=0) as source:
        while chunk := source.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.digest()


def _give_name(part: Path, destination: str) -> None:
    try:
        os.link(part, destination)  # a rename would take the place of what is there
    except OSError as exc:
        if exc.errno not in _NO_LINK:
            raise
        if os.path.lexists(destination):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), destination) from None
        part.rename(destination)


def _make_folder(folder: Path) -> None:
    """Make a folder and those above it; they outlast a loss of power as what is put into them does."""
    if folder.is_dir():
        return
    _make_folder(folder.parent)
    folder.mkdir(exist_ok=True)
    _sync_folder(folder.parent)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):  # some network file systems cannot
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _refusals(path: str) -> Iterator[None]:
    """What the file system refuses, as errors of ours."""
    try:
        yield
    except FileExistsError as exc:
        message = f"{exc.filename2 or exc.filename or path}: is there already"
        raise ArchiveConflictError(message, hint="nothing is overwritten: move it away", uri=path) from exc
    except OSError as exc:
        message = f"{exc.filename2 or exc.filename or path}: {exc.strerror or exc}"
        hint = "check that the folder may be written to and has room; the next run tries again"
        raise ArchiveError(message, hint=hint, uri=path) from exc
