"""Checks of one source: where it is, by which credentials, whether it can be listed and read, and its clock."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from itertools import islice

from trade_ingest.doctor import CheckResult, CheckState, Finding, timed
from trade_ingest.errors import StoreClockError
from trade_ingest.source.access import Access, Accesses
from trade_ingest.source.connection import StoreConnection
from trade_ingest.source.file import SourceFile
from trade_ingest.source.listing import OpenListing
from trade_ingest.source.location import Location, parse_location
from trade_ingest.source.stream import detect_compression, read_chunks

TOLERATED_SECONDS, REFUSED_SECONDS = 60, 15 * 60
"""A clock may be wrong by so much without a warning, and by so much before stores refuse what it signs."""

_LOOKED_AT = 1000  # files: a page, so that a source of millions is checked as fast
_TIMEOUT_SECONDS = 10


def diagnose_source(source: str, connections: Iterable[StoreConnection] = ()) -> Iterator[CheckResult]:
    """Run all checks of a source, one after the other; those that need what failed before are left out.

    Reads a page of the listing and the first bytes of one file. Names where credentials come from, never them.
    """
    connections = tuple(connections)
    location: list[Location] = []
    files: list[SourceFile] = []
    yield timed("source", lambda: _check_source(source, location))
    if not location:
        return
    access = Accesses.to([source], connections).of(location[0]) or Access()
    if not location[0].is_local:
        yield (found := timed("credentials", lambda: _check_credentials(location[0], access)))
        if found.state == CheckState.FAIL:
            return
        yield timed("clock", lambda: check_store_clock(_endpoint(location[0], access), lambda: datetime.now(UTC)))
    yield timed("list", lambda: _check_list(source, connections, files))
    if files:
        yield timed("read", lambda: _check_read(files[0]))


def _check_source(source: str, location: list[Location]) -> Finding:
    location.append(parse_location(source))
    return CheckState.PASS, location[0].uri, ""


def _check_credentials(location: Location, access: Access) -> Finding:
    from trade_ingest.source.objects import opened_store

    opened = opened_store(location, access)
    by = f", by connection {access.connection.name!r}" if access.connection is not None else ""
    return CheckState.PASS, f"{opened.credentials.origin}{by}; service {opened.endpoint}", ""


def _endpoint(location: Location, access: Access) -> str:
    from trade_ingest.source.objects import opened_store

    return opened_store(location, access).endpoint


def check_store_clock(endpoint: str, now: Callable[[], datetime]) -> Finding:
    """Whether this machine and the service agree on the time, as far as the service's Date header tells."""
    theirs = _date_of(endpoint)
    if theirs is None:
        return CheckState.WARN, f"{endpoint} does not say what time it is", "if the next check fails, see its fix"
    difference = abs(now() - theirs)
    message = f"{difference.total_seconds():.0f} s between this machine and the service"
    fix = "let this machine set its clock by NTP: timedatectl"
    if difference > timedelta(seconds=REFUSED_SECONDS):
        raise StoreClockError(message, hint=fix)
    return (
        (CheckState.WARN, message, fix)
        if difference > timedelta(seconds=TOLERATED_SECONDS)
        else (
            CheckState.PASS,
            message,
            "",
        )
    )


def _date_of(endpoint: str) -> datetime | None:
    import http.client
    import urllib.error
    import urllib.request

    try:
        request = urllib.request.Request(endpoint, method="HEAD")  # noqa: S310  # an endpoint of settings or of a cloud
        with urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS) as answer:  # noqa: S310
            date = answer.headers["Date"]
    except urllib.error.HTTPError as exc:  # without credentials it is refused, and has the header all the same
        date = exc.headers["Date"]
    except (OSError, ValueError, http.client.HTTPException):
        return None
    try:
        return parsedate_to_datetime(date)
    except (TypeError, ValueError):
        return None


def _check_list(source: str, connections: tuple[StoreConnection, ...], files: list[SourceFile]) -> Finding:
    listing = OpenListing([source], connections=connections)
    found = list(islice(listing, _LOOKED_AT))
    files += sorted(found, key=lambda file: not file.size_bytes)[:1]
    more = " or more" if len(found) == _LOOKED_AT else ""
    ignored = f", {len(listing.ignored):,} ignored because of their names" if listing.ignored else ""
    return CheckState.PASS, f"{len(found):,} files{more}{ignored}", ""


def _check_read(file: SourceFile) -> Finding:
    chunks = read_chunks(file, "none")
    head = next(chunks, b"")
    chunks.close()
    kind = detect_compression(head)
    what = "empty" if not head else "not compressed" if kind == "none" else kind
    return CheckState.PASS, f"{file.uri}: {file.size_bytes:,} bytes, {what}", ""
