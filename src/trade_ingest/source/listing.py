"""Which files a source holds, each at one version."""

from __future__ import annotations

import glob
import logging
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import unquote, urlsplit

from trade_ingest.errors import FileUnreadableError, SourceNotFoundError, UsageError

logger = logging.getLogger(__name__)

DATA_FILE = re.compile(r"\.(csv|txt|tsv|psv)(\.(gz|zst|bz2|xz|lz4))?$", re.IGNORECASE)
"""What a folder is searched for; a glob or a path takes any name."""


@dataclass(frozen=True, slots=True)
class SourceFile:
    """One object in a source at one version.

    ``uri`` is the absolute path of a local file. ``version`` changes whenever the content may have changed:
    size and modification time for local files.
    """

    uri: str
    version: str
    size_bytes: int
    modified_at: datetime


def list_files(sources: Iterable[str]) -> list[SourceFile]:
    """All files of the sources, each once, ordered by URI.

    A source is a file, a folder (searched through for names of ``DATA_FILE``, hidden ones and those that start with
    an underscore left out) or a glob (``**`` crosses folders). The whole listing is taken: no high-water mark. What a
    folder holds under such a name that is no file, as a pipe or a link to nothing, is left out with a warning.

    Raises:
        SourceNotFoundError: a source matches nothing.
        FileUnreadableError: a folder may not be read, so that files in it would be missed.
        UsageError: a source's scheme is not supported.
    """
    found = {file.uri: file for source in sources for file in _list_source(source)}
    return [found[uri] for uri in sorted(found)]


def stat_file(path: str) -> SourceFile:
    """The file as it is now.

    Raises:
        FileUnreadableError: it is gone or may not be read, or its name is no UTF-8, so that the ledger cannot hold it.
    """
    if not path.isprintable() and (shown := os.fsencode(path).decode(errors="backslashreplace")) != path:
        message = f"{shown}: the name is no UTF-8"
        raise FileUnreadableError(message, hint="rename the file", uri=shown)
    try:
        status = os.stat(path)
    except OSError as exc:
        raise _unreadable(exc) from exc
    return SourceFile(
        uri=path,
        version=f"{status.st_size}-{status.st_mtime_ns}",
        size_bytes=status.st_size,
        modified_at=datetime.fromtimestamp(status.st_mtime, tz=UTC),
    )


def local_path(source: str) -> str:
    """The absolute path that a source without wildcards names.

    Raises:
        UsageError: the source has a scheme other than ``file``.
    """
    parts = urlsplit(source)
    if len(parts.scheme) > 1:  # a single letter is a Windows drive, not a scheme
        if parts.scheme != "file":
            message = f"{source}: scheme {parts.scheme!r} is not supported; expected a path or file://"
            raise UsageError(message, hint="copy the files to a local folder first")
        source = unquote(parts.path)
    return os.path.abspath(os.path.expanduser(source))


def _list_source(source: str) -> Iterator[SourceFile]:
    path = local_path(source)
    paths: Sequence[str]
    if os.path.isfile(path):
        paths = [path]
    elif os.path.isdir(path):
        paths = [p for p in _walk(path) if DATA_FILE.search(p) and _is_file(p)]
        if not paths:
            message = f"{source}: the folder holds no .csv, .txt, .tsv or .psv file (plain or compressed)"
            raise SourceNotFoundError(message, hint=f"name the files with a glob: '{source.rstrip('/')}/**/*'")
    else:
        paths = [p for p in glob.glob(path, recursive=True) if os.path.isfile(p)]
        if not paths:
            message = f"{source}: no such file or folder, and no file matches it as a glob"
            raise SourceNotFoundError(
                message, hint="check the spelling; quote a glob so that the shell leaves it alone"
            )
    yield from (stat_file(p) for p in paths)


def _is_file(path: str) -> bool:
    if os.path.isfile(path):
        return True
    logger.warning("%s: left out, as it is no file (any more)", path)
    return False


def _unreadable(error: OSError) -> FileUnreadableError:
    path = str(error.filename)
    message = f"{path}: {error.strerror or error}"
    return FileUnreadableError(message, hint="check that it is there and may be read", uri=path)


def _walk(folder: str) -> Iterator[str]:
    def refuse(error: OSError) -> None:
        raise _unreadable(error) from error

    for root, folders, names in os.walk(folder, onerror=refuse):
        folders[:] = [f for f in folders if not f.startswith((".", "_"))]
        yield from (str(Path(root, name)) for name in names if not name.startswith((".", "_")))
