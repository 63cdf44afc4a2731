"""Zip archives: the directory by a few ranges, and the members' bytes as streams that are checked.

Format: PKWARE APPNOTE 6.3.10. Python's ``zipfile`` reads the directory; members are unpacked here, so that what is
wrong is told with its byte and the memory is bounded.
"""

from __future__ import annotations

import bz2
import lzma
import struct
import threading
import zipfile
import zlib
from collections import Counter, OrderedDict
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from dataclasses import dataclass, replace

from trade_ingest.errors import FileChangedWhileReadError, FileCorruptError, FileUnreadableError
from trade_ingest.source.checksums import StoredHash
from trade_ingest.source.decompressors import UNPACKING_BYTES, Decompressor, ZlibDecompressor
from trade_ingest.source.file import SourceFile
from trade_ingest.source.members import (
    archive_version,
    member_uri,
    member_version,
    name_problem,
    split_member,
)
from trade_ingest.source.ranges import SeekableFile, stat_stored, stored_range
from trade_ingest.source.unpacking import limited

MOST_DIRECTORY_BYTES = 128 << 20
"""Of a larger directory, with a million members or so, nothing is read."""

_CHUNK_BYTES = 1 << 20
_PIECE_BYTES = 64 << 10
_KEPT_DIRECTORIES = 4
_LOCAL_HEADER = struct.Struct("<4s22xHH")
_LOCAL_MAGIC = b"PK\x03\x04"
_ENCRYPTED, _HAS_LZMA_END = 0x1, 0x2
_STORED = zipfile.ZIP_STORED
_METHODS = {9: "Deflate64", 93: "Zstandard", 95: "xz", 98: "PPMd", 99: "AES encryption"}
_FETCH_AGAIN = "fetch the archive again; nothing of the file was loaded"


@dataclass(frozen=True, slots=True)
class Member:
    """A file in an archive, as the archive's directory has it.

    Attributes:
        name: its path within the archive.
        crc32: of its content.
        size_bytes: of its content.
        packed_bytes: what is stored of it.
        offset: where its header begins.
        end: where the next header, or the directory, begins.
        method: how it is packed; the numbers are those of the format.
        flags: bits of the format.
    """

    name: str
    crc32: int
    size_bytes: int
    packed_bytes: int
    offset: int
    end: int
    method: int
    flags: int


@dataclass(frozen=True, slots=True)
class Directory:
    """The files that an archive holds.

    Attributes:
        archive: the archive, at the version whose directory this is.
        members: by name, in the order of their names.
        problems: of files that cannot be addressed: the name, and why.
    """

    archive: SourceFile
    members: dict[str, Member]
    problems: tuple[str, ...]

    def file_of(self, member: Member) -> SourceFile:
        """A member as a file of a source."""
        archive = self.archive
        version = member_version(archive.version, member.crc32)
        return replace(archive, uri=member_uri(archive.uri, member.name), version=version, size_bytes=member.size_bytes)


_kept: OrderedDict[tuple[str, str], Directory] = OrderedDict()
_keeping = threading.Lock()


def read_directory(archive: SourceFile) -> Directory:
    """The directory of an archive; those of the last few archives are kept.

    Raises:
        FileCorruptError: it is no zip archive, or its directory is damaged or too large.
        FileUnreadableError, FileChangedWhileReadError, StoreError: see ``source.stream.read_chunks``.
    """
    key = archive.uri, archive.version
    with _keeping:
        if (kept := _kept.get(key)) is not None:
            _kept.move_to_end(key)
            return replace(kept, archive=replace(archive, size_bytes=kept.archive.size_bytes))
    directory = _read_directory(archive)
    with _keeping:
        _kept[key] = directory
        while len(_kept) > _KEPT_DIRECTORIES:
            _kept.popitem(last=False)
    return directory


class _DirectoryFile(SeekableFile):
    """An archive of which no more is read at once than a directory may have."""

    def read(self, size: int | None = -1, /) -> bytes:
        """So many bytes."""
        if size is not None and size > MOST_DIRECTORY_BYTES:
            raise zipfile.BadZipFile(f"the directory has {size:,} bytes, more than {MOST_DIRECTORY_BYTES:,}")
        return super().read(size)


def _read_directory(archive: SourceFile) -> Directory:
    try:
        with zipfile.ZipFile(_DirectoryFile(archive)) as opened:
            infos, start = opened.infolist(), opened.start_dir
    # what zipfile raises for damaged directories is not promised to be a BadZipFile
    except (zipfile.BadZipFile, NotImplementedError, ValueError, struct.error, IndexError, OSError) as exc:
        message = f"{archive.uri}: damaged zip archive: {str(exc).rstrip('.').lower() or type(exc).__name__}"
        hint = "its directory is at its end: the archive is likely cut off; fetch it again"
        raise FileCorruptError(message, hint=hint, uri=archive.uri, byte_offset=archive.size_bytes) from exc
    files = [info for info in infos if not info.orig_filename.endswith(("/", "\\"))]
    counts = Counter(info.orig_filename for info in files)
    problems = {name: name_problem(name) or ("is there twice" if counts[name] > 1 else None) for name in counts}
    ends = _ends([info.header_offset for info in infos], start)
    members = {
        info.orig_filename: Member(
            name=info.orig_filename,
            crc32=info.CRC,
            size_bytes=info.file_size,
            packed_bytes=info.compress_size,
            offset=info.header_offset,
            end=ends[info.header_offset],
            method=info.compress_type,
            flags=info.flag_bits,
        )
        for info in sorted(files, key=lambda info: info.orig_filename)
        if problems[info.orig_filename] is None
    }
    told = tuple(f"{name!r} {why}" for name, why in sorted(problems.items()) if why is not None)
    return Directory(archive, members, told)


def _ends(offsets: list[int], last: int) -> dict[int, int]:
    starts = sorted(set(offsets))
    return dict(zip(starts, [*starts[1:], last], strict=True))


def find_member(archive: SourceFile, name: str) -> SourceFile | None:
    """A member of an archive; None if there is none of that name.

    Raises:
        FileCorruptError, FileUnreadableError, FileChangedWhileReadError, StoreError: see ``read_directory``.
    """
    directory = read_directory(archive)
    member = directory.members.get(name)
    return None if member is None else directory.file_of(member)


def archive_of(file: SourceFile) -> SourceFile:
    """The archive of a member, which must be of the version that was listed.

    Raises:
        FileChangedWhileReadError: the archive has changed.
        FileUnreadableError, StoreError: it is gone, or its store cannot be asked.
    """
    parts = split_member(file.uri)
    assert parts is not None
    version = archive_version(file.version)
    with _keeping:
        kept = None if parts[0].startswith("/") else _kept.get((parts[0], version))  # requests are bound to a version
    archive = stat_stored(parts[0], file) if kept is None else replace(kept.archive, access=file.access)
    if archive.version != version:
        message = f"{file.uri}: the archive changed while it was read (version {version}, now {archive.version})"
        raise FileChangedWhileReadError(message, hint="run again when the file is complete", uri=file.uri)
    return replace(archive, checksum=file.checksum)


def open_member(file: SourceFile) -> tuple[Generator[bytes], int]:
    """The content of a member, and how many bytes of it are stored; see ``member_chunks`` for what may be raised."""
    archive = archive_of(file)
    directory = read_directory(archive)
    parts = split_member(file.uri)
    member = directory.members.get(parts[1]) if parts else None
    if member is None or member_version(archive.version, member.crc32) != file.version:
        raise FileUnreadableError(
            f"{file.uri}: the archive has no such file", hint="check the name; `trade-ingest ls` lists the archive"
        )
    return member_chunks(archive, member), member.packed_bytes


def open_only_member(file: SourceFile) -> tuple[Generator[bytes], int]:
    """The content of the one file of an archive that was not looked into by the listing, and how much is stored of it.

    Raises:
        FileCorruptError: its directory is damaged, or it does not hold exactly one file.
    """
    directory = read_directory(file)
    uri = file.uri
    if directory.problems:
        message = f"{uri}: the archive has files that cannot be addressed: {', '.join(directory.problems[:3])}"
        raise FileCorruptError(message, hint="pack it again with plain relative names, or unpack it", uri=uri)
    if len(directory.members) != 1:
        message = f"{uri}: a zip archive with {len(directory.members):,} files, expected one"
        hint = "give it a name that ends with .zip, and each file in it is loaded by itself"
        raise FileCorruptError(message, hint=hint, uri=uri, byte_offset=0)
    (member,) = directory.members.values()
    return member_chunks(file, member), member.packed_bytes


def member_chunks(archive: SourceFile, member: Member) -> Generator[bytes]:
    """The content of a member, unpacked and checked against the archive's CRC-32 and length when it ends.

    If the archive has a checksum beside it, the first file of it that a process reads takes all of the archive through
    the checksum.

    Raises:
        FileCorruptError: the member is damaged, encrypted, or packed by an unknown method; ``byte_offset`` is in the
            archive.
        FileChecksumError: the archive is not what its checksum says.
        FileUnreadableError, FileChangedWhileReadError, StoreError: see ``source.stream.read_chunks``.
    """
    return _Reading(archive, member).chunks()


class _Reading:
    """One reading of one member."""

    def __init__(self, archive: SourceFile, member: Member) -> None:
        self._archive = archive
        self._member = member
        self._uri = member_uri(archive.uri, member.name)
        self._offset = self._data_offset = member.offset  # of the next stored byte, and of the first of the data
        self._stored = self._stored_bytes()

    def chunks(self) -> Generator[bytes]:
        member = self._member
        if member.flags & _ENCRYPTED:
            raise self._corrupt("it is encrypted", hint="unpack the archive with its password, and load the files")
        crc32 = size = 0
        with closing(self._stored):
            self._pass_header()
            for chunk in limited(self._uri, self._unpacked(), member.packed_bytes):
                crc32 = zlib.crc32(chunk, crc32)
                size += len(chunk)
                if size > member.size_bytes:
                    raise self._corrupt(f"it has more than the {member.size_bytes:,} bytes of the directory")
                yield chunk
            if size != member.size_bytes:
                raise self._corrupt(f"it has {size:,} bytes, and {member.size_bytes:,} in the directory")
            if crc32 != member.crc32:
                why = f"its CRC-32 is {crc32:08x}, and {member.crc32:08x} in the directory"
                raise self._corrupt(why, offset=self._data_offset)
            for _ in self._stored:  # to the end of what a checksum is about
                pass

    def _stored_bytes(self) -> Generator[bytes]:
        """The stored bytes from the member's header on; all others go to the checksum alone, if there is one."""
        archive, member = self._archive, self._member
        check = StoredHash.of(archive)
        if check is None:
            yield from map(bytes, stored_range(archive, member.offset, member.end))
            return
        position = 0
        with closing(stored_range(archive, 0, archive.size_bytes)) as chunks:
            for chunk in chunks:
                check.update(chunk)
                wanted = bytes(chunk)[max(0, member.offset - position) : max(0, member.end - position)]
                position += len(chunk)
                if wanted:
                    yield wanted
        check.require_equal()

    def _pass_header(self) -> None:
        """Take the member's header."""
        head = b""
        while len(head) < _LOCAL_HEADER.size and (data := next(self._stored, b"")):
            head += data
        if len(head) < _LOCAL_HEADER.size or not head.startswith(_LOCAL_MAGIC):
            raise self._corrupt("its header is not where the directory says")
        _, name_bytes, extra_bytes = _LOCAL_HEADER.unpack_from(head)
        length = _LOCAL_HEADER.size + name_bytes + extra_bytes
        while len(head) < length and (data := next(self._stored, b"")):
            head += data
        self._offset += length
        self._data_offset = self._offset
        if self._offset + self._member.packed_bytes > self._member.end:
            raise self._corrupt("its data runs into what follows it in the archive")
        self._head = head[length:]

    def _packed(self) -> Iterator[bytes]:
        """The member's data in small pieces; ``_offset`` is that of the byte after the last one."""
        left, data = self._member.packed_bytes, self._head
        while left:
            if not data and not (data := next(self._stored, b"")):
                raise self._corrupt("the archive ends early")
            piece, data = data[: min(left, _PIECE_BYTES)], data[min(left, _PIECE_BYTES) :]
            left -= len(piece)
            self._offset += len(piece)
            yield piece

    def _unpacked(self) -> Iterator[bytes]:
        method = self._member.method
        if method == _STORED:
            yield from self._packed()
            return
        packed = self._packed()
        if method == zipfile.ZIP_LZMA:
            yield from self._decompressed(*self._lzma(packed))
        elif (new := _DECOMPRESSORS.get(method)) is not None:
            yield from self._decompressed(new(), b"", packed)
        else:
            name = f"{_METHODS.get(method, 'unknown')} (method {method})"
            hint = "pack it again with the usual method (deflate), or unpack it and load the files"
            raise self._corrupt(f"it is packed with {name}, which is not supported", hint=hint)

    def _lzma(self, packed: Iterator[bytes]) -> tuple[Decompressor, bytes, Iterator[bytes]]:
        """The decompressor, told what its own header says in another form."""
        head = b""
        while len(head) < 9 and (data := next(packed, b"")):  # noqa: PLR2004  # version, size, properties
            head += data
        if len(head) < 9 or head[2:4] != b"\x05\x00":  # noqa: PLR2004
            raise self._corrupt("its LZMA properties are damaged")
        has_end = bool(self._member.flags & _HAS_LZMA_END)
        size = b"\xff" * 8 if has_end else struct.pack("<Q", self._member.size_bytes)
        decompressor = lzma.LZMADecompressor(lzma.FORMAT_ALONE, memlimit=UNPACKING_BYTES)
        return decompressor, head[4:9] + size + head[9:], packed

    def _decompressed(self, decompressor: Decompressor, head: bytes, packed: Iterator[bytes]) -> Iterator[bytes]:
        data = head or next(packed, b"")
        while data:
            while True:
                try:
                    content = decompressor.decompress(data, max_length=_CHUNK_BYTES)
                except (zlib.error, OSError, lzma.LZMAError, EOFError, ValueError) as exc:
                    raise self._corrupt(str(exc), offset=max(self._offset - len(data), self._data_offset)) from exc
                data = b""
                if content:
                    yield content
                if decompressor.eof or decompressor.needs_input:
                    break
            data = next(packed, b"")
            if decompressor.eof and (data or decompressor.unused_data):
                raise self._corrupt("its compressed data ends before its end")
        if not decompressor.eof:
            raise self._corrupt("the compressed data ends early")

    def _corrupt(self, why: str, *, hint: str = _FETCH_AGAIN, offset: int | None = None) -> FileCorruptError:
        offset = self._offset if offset is None else offset
        message = f"{self._uri}: damaged or unreadable, near byte {offset:,} of the archive: {why}"
        return FileCorruptError(message, hint=hint, uri=self._uri, byte_offset=offset)


_DECOMPRESSORS: dict[int, Callable[[], Decompressor]] = {
    zipfile.ZIP_DEFLATED: lambda: ZlibDecompressor(-zlib.MAX_WBITS),
    zipfile.ZIP_BZIP2: bz2.BZ2Decompressor,
}
