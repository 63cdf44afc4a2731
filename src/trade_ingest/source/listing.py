"""Which files a source holds, each at one version."""

from __future__ import annotations

import glob
import logging
import os
import re
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from fnmatch import fnmatch
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


@dataclass(frozen=True, slots=True)
class Listing:
    """What sources hold, ordered by URI.

    Attributes:
        files: their files, each once.
        ignored: paths in the folders that were searched whose names are not those of a ``DATA_FILE``; hidden names and
            those that start with an underscore are left out on purpose and not among them.
    """

    files: tuple[SourceFile, ...]
    ignored: tuple[str, ...] = ()


def list_files(sources: Iterable[str]) -> list[SourceFile]:
    """The files of ``take_listing``."""
    return list(take_listing(sources).files)


def take_listing(sources: Iterable[str]) -> Listing:
    """All files of the sources, each once.

    A source is a file, a folder (searched through for names of ``DATA_FILE``, hidden ones and those that start with
    an underscore left out) or a glob (``**`` crosses folders). The whole listing is taken: no high-water mark. What a
    folder holds under such a name that is no file, as a pipe or a link to nothing, is left out with a warning.

    Links to folders are followed. Each folder is entered once, so that links may go round in circles: under its own
    path where that is searched, else under the first link to it.

    Raises:
        SourceNotFoundError: a source matches nothing.
        FileUnreadableError: a folder may not be read, so that files in it would be missed.
        UsageError: a source's scheme is not supported.
    """
    found: dict[str, SourceFile] = {}
    ignored: set[str] = set()
    for source in sources:
        paths, others = _search(source)
        found |= {path: stat_file(path) for path in paths}
        ignored.update(others)
    return Listing(tuple(found[uri] for uri in sorted(found)), tuple(sorted(ignored - found.keys())))


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


def _search(source: str) -> tuple[Sequence[str], Sequence[str]]:
    """The paths of a source's files, and those of a folder that have other names."""
    path = local_path(source)
    if os.path.isfile(path):
        return [path], []
    if os.path.isdir(path):
        return _search_folder(path, source)
    paths = [p for p in _expand(path) if os.path.isfile(p)]
    if not paths:
        message = f"{source}: no such file or folder, and no file matches it as a glob"
        raise SourceNotFoundError(message, hint="check the spelling; quote a glob so that the shell leaves it alone")
    return paths, []


def _search_folder(folder: str, source: str) -> tuple[Sequence[str], Sequence[str]]:
    paths: list[str] = []
    others: list[str] = []
    for path in _walk([folder], left_out=(".", "_")):
        if not DATA_FILE.search(path):
            others.append(path)
        elif _is_file(path):
            paths.append(path)
    if not paths:
        message = f"{source}: the folder holds no .csv, .txt, .tsv or .psv file (plain or compressed)"
        raise SourceNotFoundError(message, hint=f"name the files with a glob: '{source.rstrip('/')}/**/*'")
    return paths, others


def _is_file(path: str) -> bool:
    if os.path.isfile(path):
        return True
    logger.warning("%s: left out, as it is no file (any more)", path)
    return False


def _unreadable(error: OSError) -> FileUnreadableError:
    path = str(error.filename)
    message = f"{path}: {error.strerror or error}"
    return FileUnreadableError(message, hint="check that it is there and may be read", uri=path)


def _walk(folders: Iterable[str], *, left_out: tuple[str, ...]) -> Iterator[str]:
    """What folders hold at any depth, except folders; names that start with one of ``left_out`` are left out."""

    def refuse(error: OSError) -> None:
        raise _unreadable(error) from error

    entered: set[str] = set()
    waiting = deque(sorted(folders, key=lambda path: (os.path.islink(path), path)))
    while waiting:  # links come last, and in order, so that a file has the same path each time
        top = waiting.popleft()
        real_top = os.path.realpath(top)  # not the inode's number: some network file systems have none that lasts
        for root, subfolders, names in os.walk(top, onerror=refuse):
            real_root = real_top + root[len(top) :]
            if real_root in entered:
                subfolders.clear()
                continue
            entered.add(real_root)
            subfolders[:] = sorted(name for name in subfolders if not name.startswith(left_out))
            paths = (os.path.join(root, name) for name in subfolders)
            waiting.extend(path for path in paths if os.path.islink(path))
            yield from (os.path.join(root, name) for name in names if not name.startswith(left_out))


def _expand(pattern: str) -> Iterable[str]:
    """The paths that a glob matches; Python's own would follow links below ``**`` round in circles."""
    names = pattern.split(os.sep)
    if "**" not in names:
        return glob.glob(pattern)
    depth = names.index("**")
    tops = [path for path in glob.glob(os.sep.join(names[:depth]) or os.sep) if os.path.isdir(path)]
    rest = names[depth:]
    left_out = () if any(_is_hidden(name) for name in rest) else (".",)
    return (path for path in _walk(tops, left_out=left_out) if _is_match(path.split(os.sep)[depth:], rest))


def _is_match(names: Sequence[str], pattern: Sequence[str]) -> bool:
    """Whether a file's path fits a pattern, both by their names; a hidden name fits only what begins with a dot."""
    first, rest = pattern[0], pattern[1:]
    if first == "**" and rest and _is_match(names, rest):
        return True
    if not fnmatch(names[0], first) or (_is_hidden(names[0]) and not _is_hidden(first)):
        return False
    if len(names) == 1:
        return not rest
    following = pattern if first == "**" else rest
    return bool(following) and _is_match(names[1:], following)


def _is_hidden(name: str) -> bool:
    return name.startswith(".")
