"""Manifests: a folder's file that lists which of its files are the whole delivery."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from trade_ingest.source.checksums import read_line


@dataclass(frozen=True, slots=True)
class Entry:
    """A file that a manifest lists; ``digest`` (hexadecimal) and ``size_bytes`` if it says so."""

    uri: str
    digest: str = ""
    size_bytes: int | None = None
    is_required: bool = True


def read_manifest(content: bytes, address: Callable[[str], str]) -> dict[str, Entry]:
    """The entries of a manifest by URI.

    It is text with a name in each line (``#``: a comment), the lines of ``md5sum``, ``sha1sum`` or ``sha256sum``, or
    JSON as Redshift, Athena and the like write it: ``{"entries": [{"url": …, "mandatory": …, "meta":
    {"content_length": …}}]}``, where an entry may be a name, too.

    Args:
        content: the manifest.
        address: the URI of what the manifest calls a file.

    Raises:
        ValueError: it is none of these, or lists nothing.
    """
    text = content.decode("utf-8-sig")
    entries = _of_json(json.loads(text)) if text.lstrip().startswith(("{", "[")) else _of_lines(text.splitlines())
    found = {uri: Entry(uri, e.digest, e.size_bytes, e.is_required) for e in entries if (uri := address(e.uri))}
    if not found:
        raise ValueError("it lists no file")
    return found


def _of_lines(lines: Iterable[str]) -> Iterable[Entry]:
    for line in lines:
        if not line.strip() or line.startswith("#"):
            continue
        checked = read_line(line)
        if checked is not None and checked[1]:
            yield Entry(checked[1], checked[0])
        else:
            yield Entry(line.strip())


def _of_json(document: Any) -> Iterable[Entry]:  # noqa: ANN401  # whatever a vendor writes
    entries = document.get("entries") or document.get("files") if isinstance(document, dict) else document
    if not isinstance(entries, list):
        raise ValueError("it has no list of entries")  # noqa: TRY004  # the text is wrong, not its use
    for entry in entries:
        if isinstance(entry, str):
            yield Entry(entry)
            continue
        name = entry.get("url") or entry.get("name") if isinstance(entry, dict) else None
        if not isinstance(name, str):
            raise ValueError("an entry has no url")  # noqa: TRY004
        meta = entry.get("meta")
        size = meta.get("content_length") if isinstance(meta, dict) else None
        digests = (read_line(str(entry.get(key))) for key in ("sha256", "sha1", "md5"))
        digest = next((found[0] for found in digests if found is not None), "")
        yield Entry(
            name, digest, size if isinstance(size, int) else None, is_required=entry.get("mandatory", True) is not False
        )
