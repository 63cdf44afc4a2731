"""Archives among the files of a listing, each replaced by the files in it."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace

from trade_ingest.errors import FileError
from trade_ingest.source.delivery import Found
from trade_ingest.source.file import SourceFile
from trade_ingest.source.members import is_archive

logger = logging.getLogger(__name__)

DIRECTORIES_AT_ONCE = 16
"""Directories that are read from an object store at once: each takes a request, and most of that is waiting."""

Takes = Callable[[str], bool | None]
"""Whether a member is taken by its name; None: left out, and not to be told of."""


@dataclass(frozen=True, slots=True)
class _Contents:
    """What an archive holds: its files to be listed, and the paths that are left out."""

    files: tuple[Found, ...]
    ignored: tuple[str, ...] = ()


def expanded(found: Iterable[Found], takes: Takes, ignore: Callable[[str], object]) -> Iterator[Found]:
    """The same files in the same order, the members of zip archives in place of the archives.

    An archive that is held back stays as it is, and so does one whose directory cannot be read, or that holds a file
    which cannot be addressed: as a file it fails with the reason when it is loaded, and the others are not stopped by
    it. Memory is bounded by the directories of ``DIRECTORIES_AT_ONCE`` archives.

    Args:
        found: files, each with its relative path.
        takes: which members are taken.
        ignore: told of each of the others.

    Raises:
        StoreError: a store cannot be read; the subclass says why.
    """
    waiting: deque[Found | Future[_Contents]] = deque()
    pool: ThreadPoolExecutor | None = None
    try:
        for item in found:
            file = item[0]
            if not is_archive(file.uri) or file.held:
                waiting.append(item)
            elif file.uri.startswith("/"):
                waiting.append(_done(_contents(item, takes)))
            else:
                pool = pool or ThreadPoolExecutor(DIRECTORIES_AT_ONCE, thread_name_prefix="zip")
                waiting.append(pool.submit(_contents, item, takes))
            while waiting and (not isinstance(waiting[0], Future) or waiting[0].done() or _is_full(waiting)):
                yield from _files_of(waiting.popleft(), ignore)
        while waiting:
            yield from _files_of(waiting.popleft(), ignore)
    finally:
        if pool is not None:
            pool.shutdown(wait=True, cancel_futures=True)


def _is_full(waiting: deque[Found | Future[_Contents]]) -> bool:
    return len(waiting) > DIRECTORIES_AT_ONCE


def _done(contents: _Contents) -> Future[_Contents]:
    future: Future[_Contents] = Future()
    future.set_result(contents)
    return future


def _files_of(item: Found | Future[_Contents], ignore: Callable[[str], object]) -> Iterator[Found]:
    if not isinstance(item, Future):
        yield item
        return
    contents = item.result()
    for path in contents.ignored:
        ignore(path)
    yield from contents.files


def _contents(item: Found, takes: Takes) -> _Contents:
    from trade_ingest.source.zips import read_directory

    archive, relative = item
    try:
        directory = read_directory(archive)
    except FileError as exc:
        logger.info("%s", exc.message)
        return _Contents((item,))
    taken = {name: takes(name) for name in directory.members}
    files: list[Found] = [
        (_as_delivered(directory.file_of(member), archive), f"{relative}!/{name}")
        for name, member in directory.members.items()
        if taken[name]
    ]
    ignored = tuple(f"{archive.uri}!/{name}" for name, is_taken in taken.items() if is_taken is False)
    return _Contents((*files, *([item] if directory.problems else [])), ignored)


def _as_delivered(member: SourceFile, archive: SourceFile) -> SourceFile:
    return replace(member, checksum=archive.checksum)
