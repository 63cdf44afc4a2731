"""A file's content in blocks of whole records."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate

import xxhash

from trade_ingest.contract.model import FileFormat
from trade_ingest.errors import FileCorruptError, FileHeaderError
from trade_ingest.source.bad_bytes import as_delivered, source_length
from trade_ingest.source.file import SourceFile
from trade_ingest.source.records import (
    Dialect,
    Records,
    count_ignored_records,
    count_plain_records,
    scan_records,
    split_fields,
)
from trade_ingest.source.sizes import BLOCK_BYTES
from trade_ingest.source.stream import CHUNK_BYTES, read_chunks, to_utf8

_HEAD_BYTES = 1 << 16
LONGEST_LINE_BYTES = 64 << 20  # a file without line breaks fails here instead of filling the memory


@dataclass(frozen=True, slots=True)
class Block:
    """Whole records of a file, as UTF-8.

    Attributes:
        data: the bytes, with the marks of ``source.bad_bytes`` if there is an encoding; the last record may lack its
            line break.
        byte_offset: offset of ``data`` in the decompressed file.
        first_row: row number of the block's first record (1-based).
        row_count: its records, counted here and not by the parser.
        records: where they are; None for plain text, whose records are its lines.
        encoding: the file's encoding if it is not UTF-8.
    """

    data: bytes
    byte_offset: int
    first_row: int
    row_count: int
    records: Records | None
    encoding: str | None = None

    def source_offset(self, index: int) -> int:
        """The offset in the decompressed file of a byte of ``data``."""
        return self.source_offsets([index])[0]

    def source_offsets(self, indexes: Sequence[int]) -> list[int]:
        """The offsets in the decompressed file of bytes of ``data``, whose indexes ascend."""
        if self.encoding is None:
            return [self.byte_offset + index for index in indexes]
        spans = zip([0, *indexes], indexes, strict=False)
        lengths = (source_length(self.data[start:end], self.encoding) for start, end in spans)
        return [self.byte_offset + offset for offset in accumulate(lengths)]

    def delivered(self, record: bytes) -> bytes:
        """A record of ``data`` as it is kept if it is rejected; see ``source.bad_bytes``."""
        return record if self.encoding is None else as_delivered(record)


class BlockReader:
    """Reads a file once, from first to last byte.

    Iterating yields blocks of whole records. Preamble, header and trailer are taken off; ``header``
    is known after construction, the other attributes when the iteration is over.

    Attributes:
        header: the cells of the header record, or None where the format has none.
        trailer: the bytes of the trailer record, or None.
        content_bytes: decompressed bytes so far.
        row_count: data records so far.
        ignored_count: records so far that the format ignores.
        line_count: records of any kind, trailer, header and preamble included.
    """

    def __init__(
        self,
        file: SourceFile | str,
        file_format: FileFormat,
        *,
        block_bytes: int = BLOCK_BYTES,
        hash_seed: bytes = b"",
    ) -> None:
        self._file = file
        self._path = file if isinstance(file, str) else file.uri
        self._format = file_format
        self._dialect = Dialect.of(file_format)
        self._block_bytes = block_bytes
        self._hash = xxhash.xxh3_128(hash_seed)
        self.content_bytes = 0
        self.row_count = 0
        self.ignored_count = 0
        self.line_count = 0
        self.trailer: bytes | None = None
        self.encoding, self._offset, self._chunks = to_utf8(self._hashed_chunks(), file_format.encoding)
        self._carry = b""
        self._is_exhausted = False
        self._pass_preamble()
        self.header_record = self._take_first_record() if file_format.header else None
        self._dialect = replace(self._dialect, repeated=self.header_record)
        self.header = None if self.header_record is None else split_record(self.header_record, file_format)

    @property
    def content_hash(self) -> bytes:
        """xxh3-128 of the bytes read so far and the seed, 16 bytes."""
        return self._hash.digest()

    def peek_record(self) -> bytes | None:
        """The first record that is not read yet, or None at the end of the file."""
        found = self._find_first_record()
        return None if found is None else found[0]

    def _find_first_record(self) -> tuple[bytes, int] | None:
        """The first record at hand, and where it ends; drops blank lines and comments before it."""
        size = _HEAD_BYTES  # the first record is seldom far: looking through a whole block for it would be slow
        while True:
            head = self._carry[:size]
            is_all = len(head) == len(self._carry)
            records, consumed = scan_records(head, self._dialect, is_final=is_all and self._is_exhausted)
            if len(records):
                return records.raw(head, 0), int(records.ends[0])
            self._drop(consumed)  # blank lines and comments
            if not is_all:
                size *= 4
            elif self._is_exhausted:
                return None
            else:
                self._fill(len(self._carry) + self._block_bytes)

    def __iter__(self) -> Iterator[Block]:
        while True:
            self._fill(self._block_bytes)
            block, consumed = self._next_block()
            while not consumed and not self._is_exhausted:  # one record is larger than the block
                self._fill(2 * len(self._carry))
                block, consumed = self._next_block()
            # plain blocks have none
            ignored = 0 if block.records is None else count_ignored_records(self._carry[:consumed], self._dialect)
            self._drop(consumed)
            self.row_count += block.row_count
            self.ignored_count += ignored
            self.line_count += block.row_count + ignored
            if block.row_count:
                yield block
            if self._is_exhausted and not self._carry:
                return

    def _next_block(self) -> tuple[Block, int]:
        cut = len(self._carry) if self._is_exhausted else self._carry.rfind(b"\n") + 1
        if self._holds_back:  # the last line that is not blank: a trailer may have blank lines after it
            cut = self._carry.rfind(b"\n", 0, len(self._carry[:cut].rstrip(b"\r\n"))) + 1
        data = self._carry[:cut]
        count = count_plain_records(data, self._dialect, is_final=self._is_exhausted)
        if count is not None:
            trailer = self._find_trailer(data[data.rfind(b"\n", 0, max(len(data) - 1, 0)) + 1 :])
            data = data[: len(data) - trailer]
            return self._block(data, count - bool(trailer), None), cut
        records, cut = scan_records(self._carry, self._dialect, is_final=self._is_exhausted)
        if len(records) and self._holds_back:
            cut = int(records.starts[-1])
            records = records.first(len(records) - 1)
        elif len(records) and self._find_trailer(records.raw(self._carry, len(records) - 1)):
            records = records.first(len(records) - 1)
        return self._block(self._carry[:cut], len(records), records), cut

    @property
    def _holds_back(self) -> bool:
        """Whether the last record at hand may be the trailer, which only the end of the file tells."""
        return self._format.trailer is not None and not self._is_exhausted

    def _block(self, data: bytes, row_count: int, records: Records | None) -> Block:
        return Block(data, self._offset, self.row_count + 1, row_count, records, self.encoding)

    def _find_trailer(self, line: bytes) -> int:
        """The length of the line if it is the file's trailer, else 0."""
        trailer = self._format.trailer
        if trailer is None or not line or not self._is_exhausted:
            return 0
        record = line.removesuffix(b"\n").removesuffix(b"\r")
        if re.fullmatch(trailer.pattern, record.decode("utf-8", "replace")) is None:
            return 0
        self.trailer = record
        self.line_count += 1
        return len(line)

    def _hashed_chunks(self) -> Iterator[bytes]:
        for chunk in read_chunks(self._file, self._format.compression, chunk_bytes=min(CHUNK_BYTES, self._block_bytes)):
            self._hash.update(chunk)
            self.content_bytes += len(chunk)
            yield chunk

    def _fill(self, size: int) -> bool:
        """Read until ``size`` bytes are at hand; false if there was nothing to read."""
        parts, length = [self._carry], len(self._carry)
        has_break = b"\n" in self._carry
        while length < size and not self._is_exhausted:
            chunk = next(self._chunks, None)
            if chunk is None:
                self._is_exhausted = True
                break
            parts.append(chunk)
            length += len(chunk)
            has_break = has_break or b"\n" in chunk
            if length > LONGEST_LINE_BYTES and (length > 3 * LONGEST_LINE_BYTES or not has_break):
                message = f"{self._path}: no record ends in {length:,} bytes from byte {self._offset:,}"
                raise FileCorruptError(message, hint="is this a text file?", uri=self._path, byte_offset=self._offset)
        has_grown = len(parts) > 1
        self._carry = b"".join(parts)
        return has_grown

    def _pass_preamble(self) -> None:
        for number in range(self._format.preamble_lines):
            while (end := self._carry.find(b"\n")) < 0 and self._fill(len(self._carry) + self._block_bytes):
                pass
            if not (number or self._carry):  # nothing but a byte order mark: empty, not cut off
                return
            if end < 0:
                message = f"{self._path}: ends within the {self._format.preamble_lines} preamble lines of the contract"
                raise FileHeaderError(message, hint="check format.preamble_lines", uri=self._path)
            self._drop(end + 1)
            self.line_count += 1

    def _take_first_record(self) -> bytes | None:
        found = self._find_first_record()
        if found is None:
            self._drop(len(self._carry))
            return None
        record, record_end = found
        end = self._carry.find(b"\n", record_end)
        self._drop(end + 1 if end >= 0 else len(self._carry))
        self.line_count += 1
        return record

    def _drop(self, count: int) -> None:
        self._offset += count if self.encoding is None else source_length(self._carry[:count], self.encoding)
        self._carry = self._carry[count:]


def split_record(record: bytes, file_format: FileFormat) -> list[str]:
    """The cells of one record, unquoted."""
    fields = split_fields(record, Dialect.of(file_format))
    return [(field or b"").decode("utf-8", "replace") for field in fields]
