"""Where the records of delimited text begin and end.

A record ends at a line break outside quotes. Quotes are strict: a quoted field begins right after a delimiter or at the
start of the record, ends right before a delimiter or the end of the record, and a quote inside is doubled (RFC 4180).
Where text breaks this rule, the first line is a malformed record and the next record begins on the next line, so that
one stray quote costs one line. So is a record longer than ``max_record_bytes``, its line break not counted. A comment
ends with its line, whatever quotes it has. Each decision depends on ``max_record_bytes`` of lookahead and nothing else:
the result is the same wherever the text is cut into blocks.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cached_property

import numpy as np
import numpy.typing as npt

from trade_ingest.contract.model import FileFormat

Positions = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

_LF, _CR = 0x0A, 0x0D
_PIECE_BYTES = 1 << 16  # looked through one by one where a quote is out of place: 11 us a record


@dataclass(frozen=True)
class Dialect:
    """The marks that separate fields and records; each is one ASCII byte."""

    delimiter: bytes
    quote: bytes | None
    escape: bytes | None
    comment: bytes | None
    max_record_bytes: int
    ignored: re.Pattern[str] | None = None
    repeated: bytes | None = None  # the header, whose repetitions are ignored, too

    @classmethod
    def of(cls, file_format: FileFormat) -> Dialect:
        """The dialect of a contract's format."""

        def encode(mark: str | None) -> bytes | None:
            return None if mark is None else mark.encode()

        return cls(
            delimiter=file_format.delimiter.encode(),
            quote=encode(file_format.quote),
            escape=encode(file_format.escape),
            comment=encode(file_format.comment_prefix),
            max_record_bytes=file_format.max_record_bytes,
            ignored=None if file_format.ignore_records is None else re.compile(file_format.ignore_records),
        )

    @cached_property
    def record(self) -> re.Pattern[bytes]:
        """Matches one well-formed record with its line break (or the end of the text); group ``end`` is its end."""
        delimiter = re.escape(self.delimiter)
        escaped = re.escape(self.escape) + rb"[\x00-\xff]|" if self.escape else b""
        special = delimiter + rb"\r\n" + re.escape((self.escape or b"") + (self.quote or b""))
        field = rb"(?:%s[^%s]++|\r(?!\n|\Z))*+" % (escaped, special)
        if self.quote is not None:
            field = rb"(?:%s(?=%s|\r?\n|\r?\Z)|%s)" % (self._quoted.replace(b"?P<quoted>", b"?:"), delimiter, field)
        return re.compile(rb"%s(?:%s%s)*+(?P<end>)(?:\r?\n|\r?(?P<cut>\Z))" % (field, delimiter, field))

    @cached_property
    def field(self) -> re.Pattern[bytes]:
        """Matches one field of a record; group ``quoted`` is what stands between the quotes."""
        delimiter = re.escape(self.delimiter)
        escaped = re.escape(self.escape) + rb"[\x00-\xff]|" if self.escape else b""
        plain = rb"(?:%s[^%s])*+" % (escaped, delimiter)
        return re.compile(plain if self.quote is None else rb"%s(?=%s|\Z)|%s" % (self._quoted, delimiter, plain))

    @cached_property
    def pair(self) -> re.Pattern[bytes]:
        """Matches two bytes of a field that stand for the second: an escaped one, or a doubled quote."""
        pairs = [re.escape(self.escape) + rb"[\x00-\xff]"] if self.escape else []
        return re.compile(b"|".join(pairs + ([re.escape(self.quote * 2)] if self.quote else [])) or rb"(?!)")

    @property
    def _quoted(self) -> bytes:
        quote, escape = re.escape(self.quote or b""), re.escape(self.escape or b"")
        escaped = escape + rb"[\x00-\xff]|" if escape else b""
        return rb"%s(?P<quoted>(?:%s%s%s|[^%s%s])*+)%s" % (quote, escaped, quote, quote, quote, escape, quote)


@dataclass(frozen=True, slots=True)
class Records:
    """The records of a block, in order; arrays of equal length.

    Attributes:
        starts: offset of each record's first byte.
        ends: offset after each record's last byte, line break excluded.
        field_counts: fields of each record; 0 for a malformed one.
    """

    starts: Positions
    ends: Positions
    field_counts: Positions

    def __len__(self) -> int:
        return len(self.starts)

    def raw(self, data: bytes, index: int) -> bytes:
        """The bytes of one record, line break excluded."""
        return data[int(self.starts[index]) : int(self.ends[index])]

    def first(self, count: int) -> Records:
        """The first records."""
        return Records(self.starts[:count], self.ends[:count], self.field_counts[:count])

    def moved(self, offset: int) -> Records:
        """The same records where their text begins at ``offset``."""
        return Records(self.starts + offset, self.ends + offset, self.field_counts)

    @classmethod
    def joined(cls, parts: Sequence[Records]) -> Records:
        """Records one after the other."""
        if not parts:
            none = np.empty(0, np.int64)
            return cls(none, none, none)
        return cls(*(np.concatenate([getattr(part, f.name) for part in parts]) for f in fields(cls)))

    def keep(self, mask: Mask) -> Records:
        """The records for which the mask is true."""
        return Records(self.starts[mask], self.ends[mask], self.field_counts[mask])


def scan_records(data: bytes, dialect: Dialect, *, is_final: bool) -> tuple[Records, int]:
    """Find the records of ``data``, which begins at the start of a record.

    Blank lines, comment lines and records that the format ignores are no records. With ``is_final`` the end of the data
    ends the last record; without it, bytes whose record is not decided yet are left over.

    Returns:
        The records, and how many bytes they take; the rest is to be scanned again with more data.
    """
    records, consumed = _scan(data, dialect, is_final=is_final)
    return _without_ignored(data, records, dialect), consumed


def count_ignored_records(data: bytes, dialect: Dialect) -> int:
    """How many records the format ignores, of text that is all records."""
    if dialect.ignored is None:
        return 0
    records, _ = _scan(data, dialect, is_final=True)
    return len(records) - len(_without_ignored(data, records, dialect))


def _scan(data: bytes, dialect: Dialect, *, is_final: bool) -> tuple[Records, int]:
    if dialect.escape is not None:
        records, consumed = _scan_any(data, dialect, 0, len(data), is_final=is_final)
    else:
        found = _scan_well_formed(data, dialect, is_final=is_final)
        records, consumed = found or _scan_in_pieces(data, dialect, is_final=is_final)
    return _without_blank_and_comments(data, records, dialect), consumed


def count_plain_records(data: bytes, dialect: Dialect, *, is_final: bool) -> int | None:
    """The records of text in which each line is one; None if a look at single records is needed.

    That is where there are quotes, blank lines, comments, escapes, records to ignore or beyond the limit.
    """
    if (
        dialect.escape is not None
        or dialect.comment is not None
        or (dialect.quote is not None and dialect.quote in data)
        or data.startswith((b"\n", b"\r"))
        or (b"\r" in data and b"\n\r" in data)
        or _has_long_line(data, dialect.max_record_bytes)
        or _has_ignored_line(data, dialect)
    ):
        return None
    is_break = np.frombuffer(data, np.uint8) == _LF
    if bool((is_break[1:] & is_break[:-1]).any()):
        return None
    count = int(np.count_nonzero(is_break))
    return count + (1 if is_final and data and not data.endswith(b"\n") else 0)


def _has_ignored_line(data: bytes, dialect: Dialect) -> bool:
    """Whether the format ignores a line of text without quotes.

    Most blocks have none, and to find that out takes 0.4 us a line, where a look at each record takes 4 us.
    """
    if dialect.ignored is None:
        return False
    lines = data.replace(b"\r\n", b"\n").decode("utf-8", "replace").split("\n")
    if dialect.repeated is not None and dialect.repeated.decode("utf-8", "replace") in lines:
        return True
    return any(map(dialect.ignored.match, filter(None, lines)))


def _has_long_line(data: bytes, limit: int) -> bool:
    """Whether a line is longer than ``limit`` bytes."""
    position = 0
    while position + limit < len(data):
        end = data.rfind(b"\n", position, position + limit + 1)
        if end < 0:
            return True
        position = end + 1
    return False


def _scan_well_formed(data: bytes, dialect: Dialect, *, is_final: bool) -> tuple[Records, int] | None:
    """All records at once, or None when a quote is out of place, a record too long, or a quote may be in a comment."""
    if dialect.comment is not None and dialect.quote is not None and dialect.comment in data and dialect.quote in data:
        return None
    bytes_ = np.frombuffer(data, np.uint8)
    breaks = np.flatnonzero(bytes_ == _LF)
    delimiters = np.flatnonzero(bytes_ == dialect.delimiter[0])
    if dialect.quote is not None and dialect.quote in data:
        quotes = np.flatnonzero(bytes_ == dialect.quote[0])
        if (is_final and len(quotes) % 2) or not _quotes_are_in_place(bytes_, quotes, dialect):
            return None
        breaks = breaks[np.searchsorted(quotes, breaks) % 2 == 0]
        delimiters = delimiters[np.searchsorted(quotes, delimiters) % 2 == 0]
    ends = breaks
    consumed = int(breaks[-1]) + 1 if len(breaks) else 0
    if is_final and consumed < len(data):
        ends = np.append(breaks, len(data))
        consumed = len(data)
    starts = np.concatenate(([0], ends[:-1] + 1)).astype(np.int64) if len(ends) else np.empty(0, np.int64)
    lengths = ends - starts
    if len(data) - consumed > dialect.max_record_bytes or (len(ends) and int(lengths.max()) > dialect.max_record_bytes):
        return None
    if len(ends) and int(lengths.min()) == 0:  # there may be millions of blank lines; they have no delimiters
        starts, ends = starts[lengths > 0], ends[lengths > 0]
    field_counts = np.diff(np.searchsorted(delimiters, np.append(starts, consumed))) + 1
    return Records(starts, _without_carriage_return(bytes_, starts, ends), field_counts), consumed


def _quotes_are_in_place(bytes_: npt.NDArray[np.uint8], quotes: Positions, dialect: Dialect) -> bool:
    assert dialect.quote is not None
    delimiter, quote = dialect.delimiter[0], dialect.quote[0]
    opening, closing = quotes[0::2], quotes[1::2]
    before = bytes_[opening - 1]
    is_start = (opening == 0) | (before == delimiter) | (before == _LF)
    is_doubled = np.zeros(len(opening), np.bool_)
    is_doubled[1:] = opening[1:] - 1 == closing[: len(opening) - 1]
    if not bool((is_start | is_doubled).all()):
        return False
    last = len(bytes_) - 1
    after = bytes_[np.minimum(closing + 1, last)]
    second = bytes_[np.minimum(closing + 2, last)]
    is_end = (
        (closing == last)
        | (after == delimiter)
        | (after == _LF)
        | (after == quote)
        | ((after == _CR) & ((second == _LF) | (closing + 1 == last)))
    )
    return bool(is_end.all())


def _scan_in_pieces(data: bytes, dialect: Dialect, *, is_final: bool) -> tuple[Records, int]:
    """Piece by piece, so that one stray quote makes a piece slow and not the whole block."""
    pieces: list[Records] = []
    position, size = 0, _PIECE_BYTES
    while position < len(data):
        end = min(position + size, len(data))
        is_last = end == len(data)
        found = _scan_well_formed(data[position:end], dialect, is_final=is_last and is_final)
        if found is None:
            records, next_position = _scan_any(data, dialect, position, end, is_final=is_final)
        else:
            records, next_position = found[0].moved(position), position + found[1]
        pieces.append(records)
        if next_position == position:
            if is_last:
                break
            size *= 2  # the piece ends within its first record
            continue
        position, size = next_position, _PIECE_BYTES
    return Records.joined(pieces), position


def _scan_any(data: bytes, dialect: Dialect, start: int, stop: int, *, is_final: bool) -> tuple[Records, int]:
    """The records that begin before ``stop``, one by one, re-synchronising at the next line after a malformed one."""
    found: list[tuple[int, int, int]] = []
    position, limit = start, dialect.max_record_bytes
    while position < stop:
        is_comment = dialect.comment is not None and data.startswith(dialect.comment, position)
        lookahead = min(len(data), position + limit + 2)
        match = None if is_comment else dialect.record.match(data, position, lookahead)
        # a match without a line break is a record only where the file ends, not where the lookahead does
        if (
            match
            and (match["cut"] is None or (is_final and lookahead == len(data)))
            and match.end("end") - position <= limit
        ):
            found.append((position, match.end("end"), _count_fields(data[position : match.end("end")], dialect)))
            position = match.end()
            continue
        line_end = data.find(b"\n", position)
        is_undecided = not is_comment and len(data) - position < limit + 2
        if not is_final and (line_end < 0 or is_undecided):
            break
        end = line_end if line_end >= 0 else len(data)
        found.append((position, end - (data[position:end].endswith(b"\r")), 0))
        position = end + (line_end >= 0)
    starts, ends, counts = np.array(found, np.int64).reshape(-1, 3).T
    return Records(starts, ends, counts), position


def _count_fields(record: bytes, dialect: Dialect) -> int:
    if dialect.escape is not None:
        record = re.sub(re.escape(dialect.escape) + rb"[\x00-\xff]", b"", record)
    if dialect.quote is not None and dialect.quote in record:
        record = b"".join(record.split(dialect.quote)[0::2])
    return record.count(dialect.delimiter) + 1


def split_fields(record: bytes, dialect: Dialect) -> list[bytes | None]:
    """The fields of one record, unquoted; None where there is nothing, not even quotes.

    Exact for a well-formed record; in a malformed one a stray quote is an ordinary character.
    """
    found: list[bytes | None] = []
    position = 0
    while match := dialect.field.match(record, position):
        quoted = match["quoted"] if dialect.quote else None
        content = (match.group() or None) if quoted is None else quoted
        found.append(content and dialect.pair.sub(lambda pair: pair.group()[1:], content))
        position = match.end() + 1
        if position > len(record):
            break
    return found


def _without_carriage_return(bytes_: npt.NDArray[np.uint8], starts: Positions, ends: Positions) -> Positions:
    if not len(ends):
        return ends
    has_return = (ends > starts) & (bytes_[np.maximum(ends - 1, 0)] == _CR)
    return np.where(has_return, ends - 1, ends)


def _without_blank_and_comments(data: bytes, records: Records, dialect: Dialect) -> Records:
    keep = records.ends > records.starts
    if dialect.comment is not None and dialect.comment in data:
        first = dialect.comment
        is_comment = [data.startswith(first, int(s)) for s in records.starts]
        keep &= ~np.array(is_comment, np.bool_)
    return records if bool(keep.all()) else records.keep(keep)


def _without_ignored(data: bytes, records: Records, dialect: Dialect) -> Records:
    ignored = dialect.ignored
    if ignored is None:
        return records
    raws = (records.raw(data, i) for i in range(len(records)))
    keep = [raw != dialect.repeated and not ignored.match(raw.decode("utf-8", "replace")) for raw in raws]
    return records if all(keep) else records.keep(np.array(keep, np.bool_))
