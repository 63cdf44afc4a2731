"""Whether what a listing finds is whole: settled, marked, in its manifest; and which checksum it has to have.

Files that say so (markers, manifests, checksums) are no data files.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from pathlib import Path

from trade_ingest.contract.model import Delivery
from trade_ingest.errors import FileUnreadableError, StoreAuthenticationError, StoreError, StorePermissionError
from trade_ingest.source.checksums import SIDECARS
from trade_ingest.source.file import SourceFile
from trade_ingest.source.location import HTTP_SCHEMES, parse_location
from trade_ingest.source.manifest import Entry, read_manifest
from trade_ingest.source.members import split_member
from trade_ingest.source.ranges import stat_stored, stored_range

logger = logging.getLogger(__name__)

Found = tuple[SourceFile, str]
"""A file, and its path relative to what was searched."""

MOST_MANIFEST_BYTES = 64 << 20

_NAME = "{name}"
_MOST_BESIDE = 100_000
_SHOWN = 3


class DeliveryReason(StrEnum):
    """Why a listing holds a file back; the closed set."""

    NOT_SETTLED = "not_settled"
    NO_MARKER = "no_marker"
    NO_MANIFEST = "no_manifest"
    NOT_IN_MANIFEST = "not_in_manifest"
    INCOMPLETE_DELIVERY = "incomplete_delivery"
    NO_CHECKSUM = "no_checksum"


@dataclass(frozen=True, slots=True)
class _Manifest:
    """What a manifest lists, and what of it is not there; ``error`` if it cannot be used."""

    entries: dict[str, Entry]
    missing: tuple[str, ...]
    error: str = ""


class Deliveries:
    """Judges the files of a listing one by one, as they come; memory does not grow with their number.

    Of folders only what is beside their files is asked for: a marker or manifest once for each folder.
    """

    def __init__(self, rules: Delivery, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._rules = rules
        self._now = now
        marker = rules.marker or ""
        self._suffixes = (() if rules.checksum == "off" else SIDECARS) + (
            (marker.removeprefix(_NAME),) if marker.startswith(_NAME) else ()
        )
        names = (rules.manifest, None if marker.startswith(_NAME) else rules.marker)
        self._names = frozenset(name.rpartition("/")[2] for name in names if name)
        self._takes_all = rules in {Delivery(checksum="auto"), Delivery(checksum="off")}
        self._beside: set[str] = set()
        self._manifest = lru_cache(maxsize=16)(self._read_manifest)
        self._has_marker = lru_cache(maxsize=10_000)(_exists)

    def is_aside(self, path: str) -> bool:
        """Whether a path is that of a marker, a manifest or a checksum; if so, it is remembered."""
        is_beside = path.endswith(self._suffixes)
        if is_beside and not path.startswith("/"):
            if len(self._beside) >= _MOST_BESIDE:  # those of files that never came
                self._beside.clear()
            self._beside.add(path)
        return is_beside or path.rpartition("/")[2] in self._names

    def look_beside(self, file: SourceFile) -> None:
        """Ask for what is beside an object that was named by itself, and not listed.

        Raises:
            StoreError: the store does not say whether it is there; the subclass says why.
        """
        for suffix in self._suffixes:
            if _exists(file.uri + suffix, file):
                self._beside.add(file.uri + suffix)

    def judged(self, found: Iterable[Found]) -> Iterator[Found]:
        """The same files, each with its checksum and why it is held back, if it is.

        Args:
            found: of an object store, in the order of the keys, and ``is_aside`` was asked for the objects between
                them: what is beside a file comes after it, and before all that does not begin with its name.
        """
        waiting: list[Found] = []
        for item in found:
            if item[0].uri.startswith("/"):
                yield self._judge(item[0]), item[1]
                continue
            while waiting and not item[0].uri.startswith(waiting[-1][0].uri):
                file, relative = waiting.pop()
                yield self._judge(file), relative
            waiting.append(item)
        while waiting:
            file, relative = waiting.pop()
            yield self._judge(file), relative

    def _judge(self, file: SourceFile) -> SourceFile:
        beside = self._suffixes_beside(file.uri)
        if self._rules.checksum != "off" and (sidecar := next((s for s in SIDECARS if s in beside), "")):
            file = replace(file, checksum=sidecar)
        if self._takes_all:
            return file
        for judge in (self._judge_age, self._judge_marker, self._judge_manifest, self._judge_checksum):
            file = judge(file, beside)
            if file.held:
                break
        return file

    def _suffixes_beside(self, uri: str) -> tuple[str, ...]:
        if not self._suffixes:
            return ()
        if uri.startswith("/"):
            folder, _, name = uri.rpartition("/")
            names = _names_in(folder or "/")
            return tuple(suffix for suffix in self._suffixes if name + suffix in names)
        if not self._beside:
            return ()
        found = tuple(suffix for suffix in self._suffixes if uri + suffix in self._beside)
        self._beside.difference_update([uri + suffix for suffix in found])
        return found

    def _judge_age(self, file: SourceFile, beside: tuple[str, ...]) -> SourceFile:  # noqa: ARG002  # all take the same
        settle = timedelta(seconds=self._rules.settle_seconds)
        if not settle or (age := self._now() - file.modified_at) >= settle:
            return file
        why = f"changed {max(0, int(age.total_seconds()))} s ago, settles after {self._rules.settle_seconds} s"
        return _held(file, DeliveryReason.NOT_SETTLED, why)

    def _judge_marker(self, file: SourceFile, beside: tuple[str, ...]) -> SourceFile:
        marker = self._rules.marker
        if marker is None:
            return file
        if marker.startswith(_NAME):
            uri = file.uri + marker.removeprefix(_NAME)
            is_there = marker.removeprefix(_NAME) in beside
        else:
            uri = _resolved(file.uri, marker)
            is_there = self._has_marker(uri, _bare(file))
        return file if is_there else _held(file, DeliveryReason.NO_MARKER, f"there is no {uri}")

    def _judge_manifest(self, file: SourceFile, beside: tuple[str, ...]) -> SourceFile:  # noqa: ARG002
        if self._rules.manifest is None:
            return file
        uri = _resolved(file.uri, self._rules.manifest)
        manifest = self._manifest(uri, _bare(file))
        if manifest is None:
            return _held(file, DeliveryReason.NO_MANIFEST, f"there is no {uri}")
        if manifest.error:
            return _held(file, DeliveryReason.INCOMPLETE_DELIVERY, f"{uri} cannot be used: {manifest.error}")
        entry = manifest.entries.get(file.uri)
        if entry is None:
            return _held(file, DeliveryReason.NOT_IN_MANIFEST, f"{uri} does not list it")
        if manifest.missing:
            first = ", ".join(manifest.missing[:_SHOWN])
            why = f"{len(manifest.missing):,} of {len(manifest.entries):,} files of {uri} are not there: {first}"
            return _held(file, DeliveryReason.INCOMPLETE_DELIVERY, why)
        return replace(file, checksum=entry.digest) if entry.digest and self._rules.checksum != "off" else file

    def _judge_checksum(self, file: SourceFile, beside: tuple[str, ...]) -> SourceFile:  # noqa: ARG002
        if self._rules.checksum != "required" or file.checksum:
            return file
        return _held(file, DeliveryReason.NO_CHECKSUM, f"there is no {' or '.join(SIDECARS)} beside it")

    def _read_manifest(self, uri: str, like: SourceFile) -> _Manifest | None:
        try:
            stored = stat_stored(uri, like)
        except FileUnreadableError:
            return None
        if stored.size_bytes > MOST_MANIFEST_BYTES:
            return _Manifest({}, (), f"it has {stored.size_bytes:,} bytes, more than {MOST_MANIFEST_BYTES:,}")
        try:
            content = b"".join(stored_range(stored, 0, stored.size_bytes))
            entries = read_manifest(content, lambda name: _addressed(uri, name))
        except ValueError as exc:
            return _Manifest({}, (), str(exc))
        sizes = dict(_sizes(uri, entries, like))
        missing = (
            f"{entry.uri} ({sizes[entry.uri]:,} of {entry.size_bytes:,} bytes)" if entry.uri in sizes else entry.uri
            for entry in entries.values()
            if entry.is_required and (entry.uri not in sizes or entry.size_bytes not in {None, sizes[entry.uri]})
        )
        return _Manifest(entries, tuple(missing))


def judged(file: SourceFile, rules: Delivery) -> SourceFile:
    """A file that was looked up by itself, as a listing would judge it; of a member of an archive, nothing is said.

    Raises:
        StoreError: the store does not say what is beside the file.
    """
    if split_member(file.uri) is not None:
        return file
    deliveries = Deliveries(rules)
    if not parse_location(file.uri).is_local:
        deliveries.look_beside(file)
    return next(found for found, _ in deliveries.judged([(file, "")]))


def _held(file: SourceFile, reason: DeliveryReason, why: str) -> SourceFile:
    return replace(file, held=reason.value, held_because=why)


def _bare(file: SourceFile) -> SourceFile:
    """What of a file says how its neighbours are reached; the same for all of a folder."""
    return replace(file, uri="", version="", size_bytes=0, modified_at=datetime.min.replace(tzinfo=UTC), checksum="")


def _exists(uri: str, like: SourceFile) -> bool:
    try:
        stat_stored(uri, like)
    except FileUnreadableError:
        return False
    except StoreError as exc:
        if not _may_mean_missing(exc, parse_location(uri).scheme):
            raise
        logger.warning("%s: taken as missing, as the store may mean by: %s", uri, exc.message)
        return False
    return True


def _may_mean_missing(error: StoreError, scheme: str) -> bool:
    """Whether a store that has shown a file may mean by a refusal that there is nothing beside it.

    S3 and Google answer so to those who may not list; a web server in any way that it likes; and a signature or an
    Azure SAS token for one object is wrong for all others.
    """
    if scheme in HTTP_SCHEMES:
        return not error.retryable
    return isinstance(error, StoreAuthenticationError) or (isinstance(error, StorePermissionError) and scheme != "az")


@lru_cache(maxsize=16)
def _listed_names(folder: str, changed_ns: int) -> frozenset[str]:  # noqa: ARG001  # a folder that changed is read again
    return frozenset(entry.name for entry in Path(folder).iterdir())


def _names_in(folder: str) -> frozenset[str]:
    try:
        return _listed_names(folder, Path(folder).stat().st_mtime_ns)
    except OSError:
        return frozenset()


def _resolved(uri: str, name: str) -> str:
    """The URI of a name beside a file, or above it: ``../name``."""
    folder = uri.rpartition("/")[0]
    while name.startswith("../"):
        folder, name = folder.rpartition("/")[0], name[3:]
    return f"{folder}/{name}"


def _addressed(manifest: str, name: str) -> str:
    """The URI of what a manifest calls a file: a URI, an absolute path, or a path from the manifest's folder."""
    if "://" in name or name.startswith("/"):
        return parse_location(name).uri
    return f"{manifest.rpartition('/')[0]}/{name.removeprefix('./')}"


def _sizes(manifest: str, entries: dict[str, Entry], like: SourceFile) -> Iterator[tuple[str, int]]:
    """The sizes of those files of a manifest that are there: of its folder by a list, of others one by one."""
    location = parse_location(manifest)
    folder = manifest.rpartition("/")[0] + "/"
    single = set(entries)
    if location.scheme in {"s3", "gs", "az"}:
        from trade_ingest.source.access import Access
        from trade_ingest.source.objects import list_objects

        for file in list_objects(location.at(location.key.rpartition("/")[0] + "/"), like.access or Access()):
            if file.uri in entries:
                yield file.uri, file.size_bytes
        single = {uri for uri in entries if not uri.startswith(folder)}
    for uri in single:
        try:
            yield uri, stat_stored(uri, like).size_bytes
        except FileUnreadableError:
            continue
