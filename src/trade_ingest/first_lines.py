"""The first lines of a file of the ledger, read again from its source, the bad cells marked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from trade_ingest.errors import FileUnreadableError
from trade_ingest.ledger.contracts import stored_contract
from trade_ingest.ledger.queries import FileSummary
from trade_ingest.ledger.rejects import RejectFilter, RejectRow, list_rejects
from trade_ingest.source.bad_bytes import source_length
from trade_ingest.source.listing import find_file
from trade_ingest.source.stream import read_chunks, to_utf8

if TYPE_CHECKING:
    import psycopg

    from trade_ingest.source.connection import StoreConnection

SHOWN_CHARACTERS = 4_000
"""Of one line; the rest is left out."""

_MOST_BYTES = 4 << 20  # a file without line breaks is not read to its end
_CHUNK_BYTES = 64 << 10


@dataclass(frozen=True, slots=True)
class MarkedLine:
    r"""A line, and the reject that begins with it, if there is one.

    Attributes:
        byte_offset: where it begins in the decompressed file.
        text: its first characters; bytes that are no text are shown as ``\xff``.
        is_cut: whether there is more of it.
        row_number: of the reject that begins here.
        marks: start and end (characters of ``text``) of the bad cells.
        reasons: what is wrong with the row.
    """

    byte_offset: int
    text: str
    is_cut: bool
    row_number: int | None = None
    marks: tuple[tuple[int, int], ...] = ()
    reasons: tuple[Mapping[str, str | None], ...] = ()


@dataclass(frozen=True, slots=True)
class FirstLines:
    """The beginning of a file; ``is_same_version``: the source still has the version that the ledger has."""

    uri: str
    is_same_version: bool
    lines: tuple[MarkedLine, ...]


def read_first_lines(
    connection: psycopg.Connection[Any],
    file: FileSummary,
    *,
    limit: int = 20,
    connections: Iterable[StoreConnection] = (),
) -> FirstLines:
    """Read the first lines of a file as it is in its source now; at most 4 MiB are read.

    Rejects are marked only if the source still has the version that the ledger has.

    Raises:
        FileUnreadableError, FileCorruptError, StoreError: it is gone, or cannot be read.
    """
    found = find_file(file.uri, connections=tuple(connections))
    if found is None:
        message = f"{file.uri}: no such file"
        raise FileUnreadableError(message, hint="it was moved or deleted after it was listed", uri=file.uri)
    is_same = found.version == file.version
    encoding = stored_contract(connection, file.contract_id).format.encoding
    with closing(read_chunks(found, chunk_bytes=_CHUNK_BYTES)) as chunks:
        decoded_from, mark_bytes, content = to_utf8(chunks, encoding)
        lines = list(islice(_split_lines(content, mark_bytes, decoded_from), limit))
    rejects = {}
    if is_same and lines:
        first = list_rejects(connection, RejectFilter(file_ids=(file.file_id,), states=()), limit=limit)
        rejects = {reject.byte_offset: reject for reject in first}
    return FirstLines(file.uri, is_same, tuple(_marked(offset, line, rejects.get(offset)) for offset, line in lines))


def _split_lines(content: Iterable[bytes], offset: int, decoded_from: str | None) -> Iterator[tuple[int, bytes]]:
    read, rest = 0, b""
    for chunk in content:
        read += len(chunk)
        *whole, rest = (rest + chunk).split(b"\n")
        for line in whole:
            yield offset, line
            offset += source_length(line + b"\n", decoded_from) if decoded_from else len(line) + 1
        if read >= _MOST_BYTES:
            break
    if rest:
        yield offset, rest


def _marked(offset: int, line: bytes, reject: RejectRow | None) -> MarkedLine:
    whole = line.removesuffix(b"\r").decode("utf-8", "backslashreplace").replace("\0", "\\x00")
    text = whole[:SHOWN_CHARACTERS]
    is_cut = len(whole) > len(text)
    if reject is None:
        return MarkedLine(offset, text, is_cut)
    marks = tuple((start, end) for start, end in reject.marks if end <= len(text))
    return MarkedLine(offset, text, is_cut, reject.row_number, marks, tuple(reject.reasons))
