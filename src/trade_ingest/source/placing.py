"""Objects that this program makes: put whole over what is there, and taken away; in stores and on this machine."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from shutil import copyfileobj
from typing import Any

from trade_ingest.errors import HandoverError
from trade_ingest.source.access import Access
from trade_ingest.source.location import Location

_CHUNK_BYTES = 8 << 20


def put_file(path: Path, destination: Location, access: Access | None) -> None:
    """Put a file's content to a place, over what is there; readers see all of it or what was there before.

    Raises:
        HandoverError: this machine's file system refused.
        StoreError: a store refused; the subclass says why.
    """
    if destination.is_local:
        _put_here(path, Path(destination.key))
        return
    import obstore

    # not by the path: what reads it there keeps the whole file in memory
    with path.open("rb") as content:
        _request("write", destination, access, lambda store, key: obstore.put(store, key, content))


def take_away(place: Location, access: Access | None) -> None:
    """Delete an object; does nothing where there is none.

    Raises:
        HandoverError: this machine's file system refused.
        StoreError: a store refused; the subclass says why.
    """
    if place.is_local:
        with _refusals(place.key):
            Path(place.key).unlink(missing_ok=True)
        return
    import obstore

    def delete(store: Any, key: str) -> None:  # noqa: ANN401  # obstore's types are no runtime names
        with suppress(FileNotFoundError):
            obstore.delete(store, key)

    _request("delete", place, access, delete)


def _put_here(path: Path, destination: Path) -> None:
    part = destination.with_name(f".{destination.name}.part")
    with _refusals(str(destination)):
        destination.parent.mkdir(parents=True, exist_ok=True)
        with path.open("rb") as source, part.open("wb") as target:
            copyfileobj(source, target, _CHUNK_BYTES)
            target.flush()
            os.fsync(target.fileno())
        part.replace(destination)
        descriptor = os.open(destination.parent, os.O_RDONLY)
        try:
            with suppress(OSError):  # some network file systems cannot
                os.fsync(descriptor)
        finally:
            os.close(descriptor)


@contextmanager
def _refusals(path: str) -> Iterator[None]:
    try:
        yield
    except OSError as exc:
        message = f"{exc.filename or path}: {exc.strerror or exc}"
        hint = "check that the folder may be written to and has room; the next run tries again"
        raise HandoverError(message, hint=hint, uri=path) from exc


def _request(action: str, location: Location, access: Access | None, request: Callable[[Any, str], object]) -> None:
    from trade_ingest.source.objects import opened_store
    from trade_ingest.source.store_errors import store_error
    from trade_ingest.source.stores import FOREIGN_ERRORS

    opened = opened_store(location, access or Access())
    try:
        request(opened.store, opened.path(location.key))
    except FOREIGN_ERRORS as exc:
        raise store_error(exc, location, action, secrets=opened.secrets) from None
