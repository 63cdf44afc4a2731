"""Which files a source holds, each at one version, wherever it is."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from trade_ingest.contract.model import ANY_DELIVERY, Delivery
from trade_ingest.errors import (
    FileChangedWhileReadError,
    FileUnreadableError,
    SourceNotAllowedError,
    SourceNotFoundError,
    UsageError,
)
from trade_ingest.source.access import Access, Accesses
from trade_ingest.source.bounds import Bounds
from trade_ingest.source.connection import StoreConnection
from trade_ingest.source.delivery import Deliveries
from trade_ingest.source.expansion import expanded
from trade_ingest.source.file import SourceFile
from trade_ingest.source.local import expand, is_file, stat_path, walk
from trade_ingest.source.location import HTTP_SCHEMES, LiteralSource, Location, parse_location, shown_source
from trade_ingest.source.members import archive_path, archive_version, is_archive, split_member
from trade_ingest.source.pattern import EVERYTHING, Selection, has_wildcards, parse_pattern
from trade_ingest.source.ranges import stat_stored

DATA_FILE = re.compile(r"\.(csv|txt|tsv|psv)(\.(gz|zst|bz2|xz|lz4))?$", re.IGNORECASE)
"""What a folder is searched for; a glob or a path takes any name."""

_LEFT_OUT = (".", "_")
_GLOB_HINT = "check the spelling; quote a glob so that the shell leaves it alone"

Connections = Iterable[StoreConnection]


@dataclass(frozen=True, slots=True)
class Listing:
    """What sources hold, ordered by URI.

    Attributes:
        files: their files, each once.
        ignored: paths in the folders that were searched whose names are not those of a ``DATA_FILE``; hidden names and
            those that start with an underscore are left out on purpose and not among them. Also links that lead out
            of the folders that the listing has to stay within.
    """

    files: tuple[SourceFile, ...]
    ignored: tuple[str, ...] = ()


class OpenListing:
    """All files of sources, as they are found: in any order, and one that several sources name several times.

    A source is a file, a folder (searched through for names of ``DATA_FILE``, hidden ones and those that start with
    an underscore left out) or a glob (``**`` crosses folders, ``{date:…}`` is a date); on this machine or in an object
    store; or a ``LiteralSource``, one file. The whole listing is taken: no high-water mark. What a folder holds under
    such a name that is no file, as a pipe or a link to nothing, is left out with a warning.

    Of a zip archive each file in it with such a name is a file; ``archive.zip!/member.csv`` is one of them, and what
    stands after ``!/`` may be a glob. An archive whose directory cannot be read is a file itself, which fails when it
    is loaded. Files that are not whole yet are ``held``; see ``source.delivery``.

    A ``LiteralSource`` that is not there is noted in ``gone``, and nothing is raised: it may have been archived by the
    run that has loaded it.

    Iterating takes memory for a page of objects, whatever their number, and raises

        SourceNotFoundError: a source matches nothing.
        FileUnreadableError: a folder may not be read, so that files in it would be missed.
        StoreError: a store cannot be listed; the subclass says why.
        SourceNotAllowedError: all files of a source lie outside of the folders that the listing has to stay within.
        UsageError: a source's scheme is not supported, or a secret is in it.
    """

    def __init__(
        self,
        sources: Iterable[str],
        *,
        connections: Connections = (),
        selection: Selection = EVERYTHING,
        delivery: Delivery = ANY_DELIVERY,
        within: Iterable[str] | None = None,
    ) -> None:
        """Nothing is listed yet.

        Args:
            sources: paths and URIs.
            connections: the named connections of the settings, for object stores.
            selection: which of the files are taken.
            delivery: how to tell that a file is whole.
            within: folders; a file of this machine that lies in none of them, wherever a link to it is, is left out.
                None: all are taken.
        """
        self._bounds = None if within is None else Bounds(within)
        self._deliveries = Deliveries(delivery)
        names = (delivery.marker, delivery.manifest)
        self._read_beside = tuple(name for name in names if name is not None and not name.startswith("{name}"))
        self._sources = tuple(sources)
        self._connections = tuple(connections)
        self._selection = selection
        self.gone: list[str] = []
        self._ignored: set[str] = set()
        self._taken: set[str] = set()  # files that another source would ignore

    @property
    def ignored(self) -> tuple[str, ...]:
        """See ``Listing``; complete when all files are listed."""
        return tuple(sorted(self._ignored - self._taken))

    def __iter__(self) -> Iterator[SourceFile]:
        accesses = Accesses.to(self._sources, self._connections)
        for source in self._sources:
            if isinstance(source, LiteralSource):
                yield from self._found(source, accesses)
                continue
            is_empty = True
            for file in self._search(source, accesses):
                if len(self._sources) > 1 and not DATA_FILE.search(file.uri):
                    self._taken.add(file.uri)
                is_empty = False
                yield file
            if is_empty:  # without a selection, the search has raised
                message = f"{shown_source(source)}: no file is left by the selection"
                raise SourceNotFoundError(message, hint="check --include, --exclude, --from and --to")

    def _found(self, source: LiteralSource, accesses: Accesses) -> Iterator[SourceFile]:
        try:
            yield from self._search(source, accesses)
        except SourceNotFoundError:
            self.gone.append(parse_location(source).uri)

    def _search(self, source: str, accesses: Accesses) -> Iterator[SourceFile]:
        location, selection, members = parse_location(source), self._selection, None
        if (parts := split_member(location.key)) is not None and not os.path.exists(location.key):
            is_literal = isinstance(source, LiteralSource)
            location, members = location.at(parts[0]), _members_of(parts[1], selection, is_literal=is_literal)
            if "{date" not in parts[0] and "{date" in parts[1]:
                selection = replace(selection, dates=None)
        search = _search_local if location.is_local else _search_store
        if isinstance(source, LiteralSource):
            search = _search_literal
        found = search(location, source, accesses, selection, self)
        if location.is_local and self._bounds is not None:
            found = self._bounded(found, self._bounds, source)
        found = self._deliveries.judged(found)
        is_empty = True
        for file, relative_path in expanded(found, members or _is_data_member, self.ignore):
            is_empty = False
            if selection.takes(relative_path):
                yield file
        if is_empty:
            message = f"{shown_source(source)}: no archive holds a file of that name"
            if members is None:
                message = f"{shown_source(source)}: the archives hold no .csv, .txt, .tsv or .psv file"
            raise SourceNotFoundError(message, hint="`trade-ingest ls` lists an archive; quote a glob")

    def _bounded(self, found: _Found, bounds: Bounds, source: str) -> _Found:
        is_empty = True
        for file, relative_path in found:
            if bounds.holds_path(file.uri):
                folder = os.path.dirname(file.uri)
                for beside in (os.path.normpath(f"{folder}/{name}") for name in self._read_beside):
                    if not bounds.holds_path(beside):
                        message = f"{beside}: lies outside of what may be loaded"
                        raise SourceNotAllowedError(message, hint="a marker or manifest is in the allowed folders, too")
                is_empty = False
                yield file, relative_path
            else:
                self.ignore(file.uri)
        if is_empty:
            message = f"{source}: all that it holds lies outside of what may be loaded"
            raise SourceNotAllowedError(message, hint="links that lead out of the allowed folders are not followed")

    def ignore(self, path: str) -> None:
        """Note a path that is left out because of its name, or a link to what lies outside."""
        bounds = self._bounds if path.startswith("/") else None
        self._ignored.add(path if bounds is None or bounds.holds_path(path) else bounds.way_out(path))

    def is_data(self, name: str, path: str) -> bool:
        """Whether a path in a folder is taken by its name; if not, it is noted unless it tells of other files."""
        if self._deliveries.is_aside(path):
            return False
        if DATA_FILE.search(name) or is_archive(name):
            return True
        self.ignore(path)
        return False

    def is_aside(self, path: str) -> bool:
        """See ``Deliveries``."""
        return self._deliveries.is_aside(path)

    def look_beside(self, file: SourceFile) -> None:
        """See ``Deliveries``."""
        self._deliveries.look_beside(file)


def list_files(sources: Iterable[str], *, connections: Connections = ()) -> list[SourceFile]:
    """The files of ``take_listing``."""
    return list(take_listing(sources, connections=connections).files)


def take_listing(
    sources: Iterable[str],
    *,
    connections: Connections = (),
    selection: Selection = EVERYTHING,
    delivery: Delivery = ANY_DELIVERY,
) -> Listing:
    """All files of the sources, each once and in order; arguments and errors are those of ``OpenListing``."""
    listing = OpenListing(sources, connections=connections, selection=selection, delivery=delivery)
    found = {file.uri: file for file in listing}
    if listing.gone:
        raise gone_error(listing.gone)
    return Listing(tuple(found[uri] for uri in sorted(found)), listing.ignored)


def gone_error(uris: Sequence[str]) -> SourceNotFoundError:
    """The error that files which were named one by one are not there."""
    message = f"{uris[0]}: there is no such file" + (f"; nor {len(uris) - 1:,} others" if uris[1:] else "")
    return SourceNotFoundError(message, hint="make the list of files again, as with `trade-ingest plan -o csv`")


def stat_file(file: SourceFile) -> SourceFile:
    """The file as it is now, by the same access.

    Raises:
        FileUnreadableError: it is gone or may not be read.
        StoreError: its store cannot be asked; the subclass says why.
    """
    if (parts := split_member(file.uri)) is None:
        return stat_stored(file.uri, file)
    from trade_ingest.source.zips import find_member

    found = find_member(stat_stored(parts[0], file), parts[1])
    if found is None:
        message = f"{file.uri}: the archive has no such file"
        raise FileUnreadableError(message, hint="it was there when it was listed", uri=file.uri)
    return found


def find_file(source: str, *, connections: Connections = ()) -> SourceFile | None:
    """The one file that a path or URI without wildcards names, as it is now; None if there is none.

    Raises:
        StoreError: its store cannot be asked; the subclass says why.
        UsageError: the scheme is not supported.
    """
    location = parse_location(source)
    if (parts := split_member(location.key)) is not None:
        from trade_ingest.source.zips import find_member

        archive = find_file(source[: len(source) - len(location.key) + len(parts[0])], connections=connections)
        return archive and find_member(archive, parts[1])
    if location.is_local:
        return stat_path(location.key) if os.path.isfile(location.key) else None
    try:
        return _find_object(location, Accesses.to([source], connections))
    except FileUnreadableError:
        return None


def require_unchanged(file: SourceFile) -> None:
    """Check after reading a file that it is still of the version that was listed.

    Of objects nothing is asked: each request for their bytes was bound to that version.

    Raises:
        FileChangedWhileReadError: it has changed.
        FileUnreadableError: it is gone.
    """
    if not parse_location(file.uri).is_local:
        return
    is_member = split_member(file.uri) is not None
    now, version = stat_path(archive_path(file.uri)), archive_version(file.version) if is_member else file.version
    if now.version != version:
        message = f"{file.uri}: changed since it was listed (version {version}, now {now.version})"
        raise FileChangedWhileReadError(message, hint="run again, when the file is complete", uri=file.uri)


_Found = Iterator[tuple[SourceFile, str]]
"""Files, each with its path relative to what was searched."""


def _is_data_member(name: str) -> bool | None:
    if any(part.startswith(_LEFT_OUT) for part in name.split("/")):
        return None
    return DATA_FILE.search(name) is not None


def _members_of(text: str, selection: Selection, *, is_literal: bool) -> Callable[[str], bool | None]:
    """Which members a source names after ``!/``; None: left out on purpose."""
    if not text:
        return _is_data_member
    if is_literal or not has_wildcards(text):
        return lambda name: name == text or None
    pattern = parse_pattern(text, dates=selection.dates if "{date" in text else None)
    return lambda name: pattern.matches(name) or None


def _search_local(
    location: Location,
    source: str,
    accesses: Accesses,  # noqa: ARG001  # both searches take the same
    selection: Selection,
    listing: OpenListing,
) -> _Found:
    path = location.key
    if os.path.isfile(path):
        _refuse_dates(path, selection)
        yield stat_path(path), os.path.basename(path)
        return
    is_empty = True
    if os.path.isdir(path):
        _refuse_dates(path, selection)
        for found in walk([path], left_out=_LEFT_OUT):
            if listing.is_data(found, found) and is_file(found):
                is_empty = False
                yield stat_path(found), os.path.relpath(found, path)
        if is_empty:
            raise _empty_folder(source)
        return
    pattern = parse_pattern(path, dates=selection.dates)
    for found in expand(path):
        if os.path.isfile(found) and not listing.is_aside(found) and (not pattern.is_dated or pattern.matches(found)):
            is_empty = False
            yield stat_path(found), found.removeprefix(pattern.base)
    if is_empty:
        message = f"{source}: no such file or folder, and no file matches it as a glob"
        raise SourceNotFoundError(message, hint=_GLOB_HINT)


def _search_store(
    location: Location,
    source: str,
    accesses: Accesses,
    selection: Selection,
    listing: OpenListing,
) -> _Found:
    key = location.key
    if location.scheme in HTTP_SCHEMES:
        if has_wildcards(key.partition("?")[0]):
            message = f"{shown_source(source)}: {location.scheme}:// takes single objects, not globs"
            raise UsageError(message, hint="name each object")
        yield _existing(location, accesses), key.rpartition("/")[2]
        return
    if has_wildcards(key):
        yield from _search_pattern(location, source, accesses, selection, listing)
        return
    _refuse_dates(location.uri, selection)
    if key and not key.endswith("/"):
        try:
            found = _find_object(location, accesses)
        except FileUnreadableError:
            pass
        else:
            listing.look_beside(found)
            yield found, key.rpartition("/")[2]
            return
    yield from _search_prefix(location, source, accesses, listing)


def _search_literal(
    location: Location, source: str, accesses: Accesses, selection: Selection, listing: OpenListing
) -> _Found:
    if selection.dates is not None:
        message = f"{shown_source(source)}: a range of dates chooses among files, and this is one"
        raise UsageError(message, hint="leave out the dates")
    if location.is_local:
        if not os.path.isfile(location.key):
            raise gone_error([source])
        yield stat_path(location.key), os.path.basename(location.key)
        return
    found = _existing(location, accesses)
    if location.scheme not in HTTP_SCHEMES:
        listing.look_beside(found)
    yield found, location.key.rpartition("/")[2]


def _search_prefix(location: Location, source: str, accesses: Accesses, listing: OpenListing) -> _Found:
    from trade_ingest.source.objects import list_objects

    folder = location.key.rstrip("/") + "/" if location.key.rstrip("/") else ""
    root = location.at(folder).uri
    has_files = has_objects = False
    for file in list_objects(location.at(folder), accesses.of(location) or Access()):
        has_objects = True
        relative = file.uri.removeprefix(root)
        if any(name.startswith(_LEFT_OUT) for name in relative.split("/")):
            continue
        if not listing.is_data(relative, file.uri):
            continue
        has_files = True
        yield file, relative
    if has_files:
        return
    if has_objects:
        raise _empty_folder(source)
    raise SourceNotFoundError(f"{source}: there is no such object, and none in such a folder", hint=_GLOB_HINT)


def _search_pattern(
    location: Location, source: str, accesses: Accesses, selection: Selection, listing: OpenListing
) -> _Found:
    from trade_ingest.source.objects import list_objects

    pattern = parse_pattern(location.key, dates=selection.dates)
    access = accesses.of(location) or Access()
    start = len(location.at("").uri)
    is_empty = True
    for folder in _folders(pattern.prefixes):
        for file in list_objects(location.at(folder), access):
            key = file.uri[start:]
            if not listing.is_aside(file.uri) and pattern.matches(key):
                is_empty = False
                yield file, key.removeprefix(pattern.base)
    if not is_empty:
        return
    try:  # the characters of a glob may be those of a key
        yield _find_object(location, accesses), location.key.rpartition("/")[2]
    except FileUnreadableError:
        raise SourceNotFoundError(f"{source}: no object matches it", hint=_GLOB_HINT) from None


def _folders(prefixes: Iterable[str]) -> list[str]:
    """The folders that hold all keys with these prefixes, none within another: stores are listed by folder."""
    folders = sorted({prefix[: prefix.rfind("/") + 1] for prefix in prefixes})
    kept: list[str] = []
    for folder in folders:
        if not kept or not folder.startswith(kept[-1]):
            kept.append(folder)
    return kept


def _existing(location: Location, accesses: Accesses) -> SourceFile:
    try:
        return _find_object(location, accesses)
    except FileUnreadableError as exc:
        raise SourceNotFoundError(exc.message, hint="check the address") from None


def _find_object(location: Location, accesses: Accesses) -> SourceFile:
    from trade_ingest.source.objects import find_object

    return find_object(location, accesses.of(location) or Access())


def _refuse_dates(path: str, selection: Selection) -> None:
    """A range of dates needs a date in the source."""
    if selection.dates is not None:
        parse_pattern(path, dates=selection.dates)


def _empty_folder(source: str) -> SourceNotFoundError:
    message = f"{source}: the folder holds no .csv, .txt, .tsv or .psv file (plain or compressed)"
    return SourceNotFoundError(message, hint=f"name the files with a glob: '{source.rstrip('/')}/**/*'")
