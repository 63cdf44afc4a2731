"""Objects of a store: listed page by page, and read at the version that was listed or not at all."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Generator, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from typing import Any

from trade_ingest.errors import StoreUnavailableError, TradeIngestError
from trade_ingest.source.access import Access
from trade_ingest.source.file import SourceFile
from trade_ingest.source.location import Location, parse_location
from trade_ingest.source.store_errors import changed_error, store_error
from trade_ingest.source.stores import FOREIGN_ERRORS, OpenStore, open_store

logger = logging.getLogger(__name__)

PAGE_OBJECTS = 1000
WHOLE_BYTES = 1 << 20
"""An object up to this size is read by one request into memory: starting a thread would cost more than it saves."""

RANGES_FROM_BYTES = 64 << 20
RANGE_BYTES = 16 << 20
RANGES_AT_ONCE = 2
"""Loading 620 MB from a server on the same two processors took 11.7 s so, 12.0 s with two of 8 MiB (each range costs
the server), 12.5 s with four of them and 30 MB more; three of 12 MiB were 0.2 s faster and took 55 MB more."""

_STREAM_BYTES = 1 << 20
_LONGEST_PAUSE_SECONDS = 5.0

Meta = Mapping[str, Any]
Chunk = bytes | memoryview


def list_objects(location: Location, access: Access) -> Iterator[SourceFile]:
    """All objects in a folder of a store and in the folders in it; memory is bounded by one page.

    What stands for a folder (an empty object whose key ends with a slash, or with ``_$folder$``) is left out.

    Args:
        location: its key is the folder, with or without a slash at the end; empty: the whole store.
        access: how it is reached.

    Raises:
        SourceNotFoundError: there is no such bucket.
        StoreError: the store cannot be listed; the subclass says why.
    """
    opened = opened_store(location, access)
    for meta in _without_folders(_listed(opened, location), location.key.rstrip("/")):
        yield _file_of(location.at(meta["path"]), meta, access)


def _listed(opened: OpenStore, location: Location) -> Iterator[Meta]:
    """The facts of all objects; a list that breaks off is taken up after the last key, if keys came in order."""
    import obstore

    last, is_sorted, failures = "", True, 0
    while True:
        try:
            folder = location.key.rstrip("/") or None
            for page in obstore.list(opened.store, folder, offset=last or None, chunk_size=PAGE_OBJECTS):
                for meta in page:
                    is_sorted = is_sorted and meta["path"] > last
                    last, failures = meta["path"], 0
                    yield meta
        except FOREIGN_ERRORS as exc:
            error = store_error(exc, location, "list", secrets=opened.secrets)
            failures += 1
            if not error.retryable or not is_sorted or failures > opened.retries:
                raise error from None
            logger.info("%s: the list broke off, taken up again: %s", location.uri, error.message)
            _pause(failures)
        else:
            return


def _pause(failures: int) -> None:
    time.sleep(min(0.1 * 2**failures, _LONGEST_PAUSE_SECONDS))


def find_object(location: Location, access: Access) -> SourceFile:
    """The object as it is now.

    Raises:
        FileUnreadableError: there is none.
        StoreError: it cannot be seen; the subclass says why.
    """
    import obstore

    opened = opened_store(location, access)
    try:
        if location.scheme in {"http", "https"}:  # a signed address often allows GET alone
            meta: Any = obstore.get(opened.store, opened.path(location.key)).meta
        else:
            meta = _head(opened, location)
    except FOREIGN_ERRORS as exc:
        raise store_error(exc, location, "read", secrets=opened.secrets) from None
    return _file_of(location, meta, access)


def _head(opened: OpenStore, location: Location) -> Any:  # noqa: ANN401  # obstore's types are no runtime names
    """The object's facts; where they are refused, the store's reason, which only the answer to a GET has."""
    import obstore

    path = opened.path(location.key)
    try:
        return obstore.head(opened.store, path)
    except FileNotFoundError:
        raise
    except FOREIGN_ERRORS:
        return obstore.get(opened.store, path, options={"range": (0, 1)}).meta


def _file_of(location: Location, meta: Meta, access: Access) -> SourceFile:
    has_access = access.connection is not None or access.query
    return SourceFile(
        uri=location.uri,
        version=version_of(meta),
        size_bytes=meta["size"],
        modified_at=meta["last_modified"],
        access=access if has_access else None,
    )


def version_of(meta: Meta) -> str:
    """The etag without quotes, which some servers leave out in lists; without an etag, size and time."""
    etag = (meta.get("e_tag") or "").strip()
    return etag.removeprefix('"').removesuffix('"') or f"{meta['size']}@{meta['last_modified']:%Y-%m-%dT%H:%M:%SZ}"


def _without_folders(metas: Iterable[Meta], folder: str) -> Iterator[Meta]:
    empty: Meta | None = None  # it stands for a folder if the next key is in it
    for meta in metas:
        if empty is not None and not meta["path"].startswith(f"{empty['path']}/"):
            yield empty
        empty = None
        if meta["size"]:
            yield meta
        elif meta["path"] != folder and _may_be_file(meta["path"]):
            empty = meta
    if empty is not None:
        yield empty


def _may_be_file(key: str) -> bool:
    """Whether an empty object may be a file: lists do not show the slash that one for a folder ends with."""
    name = key.rpartition("/")[2]
    return "." in name and not name.endswith("_$folder$")


def object_chunks(file: SourceFile, start: int = 0, end: int | None = None) -> Generator[Chunk]:
    """The bytes of an object, or those from ``start`` to ``end``, in order, all of the version that was listed.

    What breaks on the way is taken up again where it broke, a few times with growing pauses.

    Raises:
        FileChangedWhileReadError: the object is not the one that was listed any more.
        FileUnreadableError: it is gone.
        StoreUnavailableError: the store cannot be reached, or broke off too often.
        StoreError: it refused; the subclass says why.
    """
    return _Reading(file).chunks(start, file.size_bytes if end is None else end)


class _Reading:
    """One reading of one object."""

    def __init__(self, file: SourceFile) -> None:
        access = file.access or Access()
        location = parse_location(file.uri)
        self._file = file
        self._location = Location(location.scheme, location.store, location.key, access.query)
        self._opened = opened_store(self._location, access)
        self._path = self._opened.path(location.key)
        self._has_ranges = True

    def chunks(self, start: int, end: int) -> Generator[Chunk]:
        size = end - start
        if size <= WHOLE_BYTES:
            yield from self._resumed(start, end, is_whole=True)
        elif size < RANGES_FROM_BYTES or self._location.scheme in {"http", "https"}:  # which may know no ranges
            yield from self._resumed(start, end)
        else:
            yield from self._ranges(start, end)

    def _ranges(self, first: int, last: int) -> Generator[Chunk]:
        starts = iter(range(first, last, RANGE_BYTES))
        pending: deque[Future[Chunk]] = deque()
        pool = ThreadPoolExecutor(RANGES_AT_ONCE, thread_name_prefix="range")
        try:
            for start in starts:
                pending.append(pool.submit(self._range, start, min(start + RANGE_BYTES, last)))
                if len(pending) == RANGES_AT_ONCE:
                    yield pending.popleft().result()
            while pending:
                yield pending.popleft().result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)

    def _range(self, start: int, end: int) -> Chunk:
        chunks = list(self._resumed(start, end, is_whole=True))
        return chunks[0] if len(chunks) == 1 else b"".join(chunks)

    def _resumed(self, start: int, end: int, *, is_whole: bool = False) -> Generator[Chunk]:
        """The bytes from ``start`` to ``end``; a failure that may pass costs a pause and not what is read already."""
        failures = 0
        while True:
            try:
                with closing(self._request(start, end, is_whole=is_whole)) as chunks:
                    for chunk in chunks:
                        wanted = chunk[: end - start] if len(chunk) > end - start else chunk  # a server without ranges
                        start += len(wanted)
                        failures = 0
                        yield wanted
                        if len(wanted) < len(chunk):
                            return
                if start >= end:
                    return
                error: TradeIngestError = self._short(start)
            except FOREIGN_ERRORS as exc:
                if start >= end > 0:
                    return
                if type(exc).__name__ == "NotSupportedError" and self._has_ranges:
                    self._has_ranges = False
                    continue
                error = store_error(exc, self._location, "read", secrets=self._opened.secrets)
            failures += 1
            if not error.retryable or failures > self._opened.retries or error.code == "file.changed_while_read":
                raise error from None
            logger.info("%s: broke off at byte %d, taken up again: %s", self._file.uri, start, error.message)
            _pause(failures)

    def _request(self, start: int, end: int, *, is_whole: bool) -> Generator[Chunk]:
        import obstore

        options: dict[str, Any] = {}
        if (start or end < self._file.size_bytes) and self._has_ranges:
            options["range"] = (start, end)
        version = self._file.version
        if "@" not in version and not version.startswith("W/"):  # weak etags never match
            options["if_match"] = f'"{version}"'
        result = obstore.get(self._opened.store, self._path, options=options)  # type: ignore[arg-type]
        if version_of(result.meta) != version or result.meta["size"] != self._file.size_bytes:
            raise changed_error(self._location)  # a server that knows no if-match
        passed = result.range[0]
        if is_whole and passed == start:
            yield memoryview(result.bytes())
            return
        for chunk in result.stream(min_chunk_size=_STREAM_BYTES):
            unread = chunk[max(0, start - passed) :]
            passed += len(chunk)
            if unread:
                yield unread

    def _short(self, start: int) -> TradeIngestError:
        message = f"{self._file.uri}: ended after {start:,} of {self._file.size_bytes:,} bytes"
        return StoreUnavailableError(message, hint="run again later", uri=self._file.uri)


def opened_store(location: Location, access: Access) -> OpenStore:
    """The store of a location, whatever its key; see ``open_store``."""
    is_http = location.scheme in {"http", "https"}
    return open_store(location if is_http else location.at(""), access)
