"""Checksums that stand beside files: found by name, and compared while the stored bytes are read."""

from __future__ import annotations

import hashlib
import re
from typing import Any

from trade_ingest.errors import FileChecksumError
from trade_ingest.source.file import SourceFile
from trade_ingest.source.ranges import stat_stored, stored_range

SIDECARS = (".CHECKSUM", ".sha256", ".sha1", ".md5")
"""What is added to a file's name; the first that is there counts. ``.CHECKSUM`` is Binance's: SHA-256."""

_MOST_BYTES = 1 << 20
_ALGORITHMS = {32: "md5", 40: "sha1", 64: "sha256"}
_BY_SIDECAR = {".CHECKSUM": "sha256", ".sha256": "sha256", ".sha1": "sha1", ".md5": "md5"}
_LINE = re.compile(r"\\?(?P<digest>[0-9a-fA-F]{32,64})(?:[ \t]+\*?(?P<name>.+?))?\s*")
_BSD_LINE = re.compile(r"(?:MD5|SHA1|SHA256) \((?P<name>.+)\) = (?P<digest>[0-9a-fA-F]{32,64})\s*")

_verified: set[tuple[str, str, str]] = set()
"""Archives that this process has read whole and found right: URI, version, checksum."""


def read_line(line: str) -> tuple[str, str] | None:
    """The digest and the file's name (empty: not said) of a line as ``md5sum`` writes it; None: it is none."""
    found = _LINE.fullmatch(line) or _BSD_LINE.fullmatch(line)
    if found is None or len(found["digest"]) not in _ALGORITHMS:
        return None
    return found["digest"].lower(), found["name"] or ""


def algorithm_of(digest: str) -> str:
    """Which algorithm a digest is of, by its length."""
    return _ALGORITHMS[len(digest)]


def _read_small(file: SourceFile) -> bytes:
    """The content of a checksum.

    Raises:
        FileChecksumError: it is larger than 1 MiB.
        FileUnreadableError, StoreError: it cannot be read.
    """
    if file.size_bytes > _MOST_BYTES:
        message = f"{file.uri}: {file.size_bytes:,} bytes, too large for a checksum"
        raise FileChecksumError(message, hint="read without it: checksum: off", uri=file.uri)
    return b"".join(stored_range(file, 0, file.size_bytes))


def expected_digest(file: SourceFile) -> str:
    """The digest that a file with ``checksum`` has to have.

    Raises:
        FileChecksumError: the sidecar does not tell it.
        FileUnreadableError, StoreError: the sidecar cannot be read.
    """
    if not file.checksum.startswith("."):
        return file.checksum
    sidecar = stat_stored(file.uri + file.checksum, file)
    lines = _read_small(sidecar).decode("utf-8-sig", "replace").splitlines()
    found = [parts for line in lines if (parts := read_line(line)) is not None]
    name = file.uri.rpartition("/")[2]
    named = [digest for digest, text in found if re.split(r"[/\\]", text)[-1] == name]
    digests = named or ([found[0][0]] if len(found) == 1 and not found[0][1] else [])
    if not digests or algorithm_of(digests[0]) != _BY_SIDECAR[file.checksum]:
        algorithm = _BY_SIDECAR[file.checksum]
        message = f"{sidecar.uri}: has no {algorithm} of {name}"
        hint = "fetch it again, or load without it: --checksum off"
        raise FileChecksumError(message, hint=hint, uri=file.uri)
    return digests[0]


class StoredHash:
    """The digest of a file's stored bytes, beside the one that it has to have."""

    def __init__(self, file: SourceFile) -> None:
        self._file = file
        self._expected = expected_digest(file)
        self._algorithm = algorithm_of(self._expected)
        self._hash: Any = hashlib.new(self._algorithm, usedforsecurity=False)

    @classmethod
    def of(cls, archive: SourceFile) -> StoredHash | None:
        """That of an archive; None if it has no checksum, or this process has found it right already."""
        key = (archive.uri, archive.version, archive.checksum)
        return cls(archive) if archive.checksum and key not in _verified else None

    def update(self, data: bytes | memoryview) -> None:
        """Take the next stored bytes."""
        self._hash.update(data)

    def require_equal(self) -> None:
        """Compare, after all stored bytes.

        Raises:
            FileChecksumError: the file is not the one that the checksum was made of.
        """
        found = self._hash.hexdigest()
        if found == self._expected:
            _verified.add((self._file.uri, self._file.version, self._file.checksum))
            return
        message = f"{self._file.uri}: {self._algorithm} is {found}, expected {self._expected}"
        hint = "the file is damaged, or still being written: fetch it again; --checksum off loads it as it is"
        raise FileChecksumError(
            message, hint=hint, uri=self._file.uri, expected=self._expected, found=found, algorithm=self._algorithm
        )
