"""The files of this machine: found by folder and glob, each at one version."""

from __future__ import annotations

import glob
import logging
import os
import re
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from fnmatch import fnmatch

from trade_ingest.errors import FileUnreadableError
from trade_ingest.source.file import SourceFile

logger = logging.getLogger(__name__)

_DATE = re.compile(r"\{date:([^{}]*)\}")


def stat_path(path: str) -> SourceFile:
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


def is_file(path: str) -> bool:
    """Whether a path that was found is a file; says so where it is none."""
    if os.path.isfile(path):
        return True
    logger.warning("%s: left out, as it is no file (any more)", path)
    return False


def walk(folders: Iterable[str], *, left_out: tuple[str, ...]) -> Iterator[str]:
    """What folders hold at any depth, except folders; names that start with one of ``left_out`` are left out.

    Links to folders are followed. Each folder is entered once, so that links may go round in circles: under its own
    path where that is searched, else under the first link to it.

    Raises:
        FileUnreadableError: a folder may not be read, so that files in it would be missed.
    """

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


def expand(pattern: str) -> Iterable[str]:
    """The paths that a glob matches, a ``{date:…}`` taken for anything of that form.

    Python's own globs would follow links below ``**`` round in circles.
    """
    pattern = _DATE.sub(lambda match: re.sub(r"%.", "*", match[1].replace("%%", "%")), pattern)
    names = pattern.split(os.sep)
    if "**" not in names:
        return glob.glob(pattern)
    depth = names.index("**")
    tops = [path for path in glob.glob(os.sep.join(names[:depth]) or os.sep) if os.path.isdir(path)]
    rest = names[depth:]
    left_out = () if any(_is_hidden(name) for name in rest) else (".",)
    return (path for path in walk(tops, left_out=left_out) if _is_match(path.split(os.sep)[depth:], rest))


def _unreadable(error: OSError) -> FileUnreadableError:
    path = str(error.filename)
    message = f"{path}: {error.strerror or error}"
    return FileUnreadableError(message, hint="check that it is there and may be read", uri=path)


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
