"""The files that a contract is proposed from, and the start of each as text."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from trade_ingest.errors import InferenceError
from trade_ingest.infer.encoding import Encoding, decoded, guess_encoding
from trade_ingest.source.file import SourceFile
from trade_ingest.source.listing import Connections, take_listing
from trade_ingest.source.stream import detect_compression, read_chunks

SAMPLE_BYTES = 32 << 20
"""Of all files together, unpacked; more is not looked at."""

MOST_FILES = 20
HEAD_BYTES = 1 << 18
_TAIL_BYTES = 1 << 14


@dataclass(frozen=True, slots=True)
class Sample:
    """A file, and how its text begins.

    Attributes:
        file: the file of the listing.
        encoding: of its text.
        head: its first characters, up to the last line break in them.
        is_all: the head is the whole file.
        tail: the last characters, where the file's end could be read without the rest; else empty.
    """

    file: SourceFile
    encoding: Encoding
    head: str
    is_all: bool
    tail: str

    @property
    def name(self) -> str:
        """The file's name without folders and endings."""
        return PurePosixPath(self.file.uri).name.split(".", 1)[0]


def read_samples(sources: Sequence[str], *, connections: Connections = ()) -> list[Sample]:
    """The files of sources, at most ``MOST_FILES``, with the start of each; files without content are left out.

    Raises:
        SourceNotFoundError: a source matches no file.
        InferenceError: all of the files are empty.
        FileError: a file cannot be read; the subclass says why.
        StoreError: a store cannot be reached; the subclass says why.
    """
    files = take_listing(sources, connections=connections).files[:MOST_FILES]
    samples = [sample for file in files if (sample := _read(file)).head.strip("\r\n\x00 ")]
    if not samples:
        names = ", ".join(file.uri for file in files[:3])
        raise InferenceError(f"{names}: no content to propose a contract from", hint="name a file with some rows")
    return samples


def _read(file: SourceFile) -> Sample:
    data, is_all = b"", True
    with closing(read_chunks(file)) as chunks:
        for chunk in chunks:
            data += chunk
            if len(data) >= HEAD_BYTES:
                is_all = next(chunks, None) is None
                break
    encoding = guess_encoding(data)
    text = decoded(data, encoding.name)
    if not is_all:
        text = text[: text.rfind("\n") + 1] or text
    return Sample(file, encoding, text, is_all, "" if is_all else _tail(file, encoding))


def _tail(file: SourceFile, encoding: Encoding) -> str:
    """The last lines of a plain local file."""
    if not file.uri.startswith("/") or "!/" in file.uri or encoding.name.startswith("utf-16"):
        return ""
    with Path(file.uri).open("rb") as stored:
        if detect_compression(stored.read(16)) != "none":
            return ""
        stored.seek(max(file.size_bytes - _TAIL_BYTES, 0))
        text = decoded(stored.read(), encoding.name)
    return text[text.find("\n") + 1 :]
