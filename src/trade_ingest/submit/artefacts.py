"""The files that a job needs on its platform: found here, addressed by their content, uploaded once."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from trade_ingest.errors import StoreError, UsageError
from trade_ingest.submit.template import templates_folder

if TYPE_CHECKING:
    from trade_ingest.source.connection import StoreConnection

PACKAGES = "trade-ingest-packages.tar.gz"
_CHUNK_BYTES = 8 << 20
_MAKE_DIST = "make dist builds it into dist/ (docs/how-to/spark.md); or name one"


@dataclass(frozen=True, slots=True)
class Artefact:
    """A file that a job needs.

    Attributes:
        kind: ``entry_point``, ``packages``, ``wheel`` or ``contract``.
        uri: where the job finds it.
        path: the file here that is to be there; None: it is there.
    """

    kind: str
    uri: str
    path: Path | None


def artefact(kind: str, given: str | None, folder: str) -> Artefact:
    """The artefact of a kind.

    Args:
        kind: what it is.
        given: a file here, or a URI, at which it is already; None: the usual file.
        folder: the URI of the folder that it goes to; the same file always gets the same URI.

    Raises:
        UsageError: there is no such file.
    """
    if given is not None and ("://" in given or given.startswith(("/Volumes/", "/Workspace/"))):
        return Artefact(kind, given, None)
    path = Path(given) if given is not None else _usual(kind)
    if not path.is_file():
        raise UsageError(f"{path}: there is no such file", hint=_MAKE_DIST if kind in {"packages", "wheel"} else "")
    return Artefact(kind, f"{folder.rstrip('/')}/{_digest(path)}/{path.name}", path)


def _usual(kind: str) -> Path:
    if kind == "entry_point":
        return templates_folder() / "ingest_job.py"
    if kind == "packages":
        return Path("dist", PACKAGES)
    wheels = sorted(Path("dist").glob("trade_ingest-*.whl"), key=os.path.getmtime)
    return wheels[-1] if wheels else Path("dist", "trade_ingest-*.whl")


def _digest(path: Path) -> str:
    digest = sha256()
    with path.open("rb") as opened:
        while chunk := opened.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()[:16]


def upload_file(path: Path, uri: str, connections: Sequence[StoreConnection] = ()) -> None:
    """Write a file as an object, unless one of its size is there.

    Raises:
        StoreError: the store refuses; the subclass says why.
    """
    import obstore

    from trade_ingest.source.access import Access, Accesses
    from trade_ingest.source.listing import find_file
    from trade_ingest.source.location import parse_location
    from trade_ingest.source.objects import opened_store
    from trade_ingest.source.store_errors import store_error
    from trade_ingest.source.stores import FOREIGN_ERRORS

    size_bytes = path.stat().st_size
    found = find_file(uri, connections=connections)
    if found is not None and found.size_bytes == size_bytes:
        return
    location = parse_location(uri)
    opened = opened_store(location, Accesses.to([uri], connections).of(location) or Access())
    try:
        obstore.put(opened.store, opened.path(location.key), path)
    except FOREIGN_ERRORS as exc:
        raise store_error(exc, location, "write", secrets=opened.secrets) from None
    written = find_file(uri, connections=connections)
    if written is None or written.size_bytes != size_bytes:
        raise StoreError(f"{uri}: is not whole after writing", hint="submit again", uri=uri)
