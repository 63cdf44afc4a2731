"""Bytes that are no text in their file's encoding, inside text that was turned into UTF-8.

Each becomes a mark of two bytes, F8 to FB and 80 to BF, which hold its eight bits. No UTF-8 text has such bytes, so the
record that holds them is rejected instead of being changed silently, and still says what they were.
"""

from __future__ import annotations

import codecs
import re

_MARKS = re.compile(rb"(?:[\xf8-\xfb][\x80-\xbf])+")
_MARK_OF = [f"{chr(0xDCF8 | byte >> 6)}{chr(0xDC80 | byte & 0x3F)}" for byte in range(256)]  # for surrogateescape
_ERRORS = "trade_ingest.bad_bytes"
_ASCII_BYTES = 0x80
_SHOWN_BYTES = 4


def utf8_of(text: str) -> bytes:
    """What a decoder of ``marking_decoder`` has made, as UTF-8 with marks."""
    return text.encode("utf-8", "surrogateescape")


def marking_decoder(encoding: str) -> codecs.IncrementalDecoder:
    """A decoder that marks what it cannot decode."""
    return codecs.getincrementaldecoder(encoding)(errors=_ERRORS)


def source_length(data: bytes, encoding: str) -> int:
    """How many bytes of a file in ``encoding`` the UTF-8 text ``data``, with its marks, was."""
    try:
        return len(data.decode().encode(encoding, "replace"))
    except UnicodeDecodeError:
        good = _MARKS.sub(b"", data)
        bad_count = (len(data) - len(good)) // 2
        return bad_count + len(good.decode("utf-8", "surrogateescape").encode(encoding, "replace"))


def as_delivered(record: bytes) -> bytes:
    """A record with the bytes that its marks stand for, still no UTF-8.

    FF stands for what text could be mistaken for: a byte below 80, such as half of a lone UTF-16 surrogate, and bytes
    that happen to be UTF-8.
    """
    return _MARKS.sub(_unmarked_but_no_text, record)


def described_bad_bytes(record: bytes, encoding: str | None) -> str:
    """The first bytes of a record that are no text, and where they are in the record as the file has it.

    Args:
        record: UTF-8, with marks if there is an encoding.
        encoding: that of the file; None: UTF-8.

    Returns:
        Such as ``byte 0x81 at byte 12 of the record``; empty if all is text.
    """
    if encoding is not None:
        match = _MARKS.search(record)
        if match is None:
            return ""
        return _described(_unmarked(match[0]), source_length(record[: match.start()], encoding))
    try:
        record.decode()
    except UnicodeDecodeError as exc:
        return _described(record[exc.start : exc.start + 1], exc.start)
    return ""


def _described(bad: bytes, start: int) -> str:
    noun = "byte" if len(bad) == 1 else "bytes"
    shown = " ".join(f"{byte:#04x}" for byte in bad[:_SHOWN_BYTES]) + (" …" if len(bad) > _SHOWN_BYTES else "")
    return f"{noun} {shown} at byte {start} of the record"


def _unmarked(marks: bytes) -> bytes:
    return bytes((high & 3) << 6 | low & 0x3F for high, low in zip(marks[::2], marks[1::2], strict=True))


def _unmarked_but_no_text(match: re.Match[bytes]) -> bytes:
    bad = bytes(byte if byte >= _ASCII_BYTES else 0xFF for byte in _unmarked(match[0]))
    try:
        bad.decode()
    except UnicodeDecodeError:
        return bad
    return b"\xff" * len(bad)


def _mark(error: UnicodeError) -> tuple[str, int]:
    if isinstance(error, UnicodeDecodeError):
        return "".join(_MARK_OF[byte] for byte in error.object[error.start : error.end]), error.end
    raise error


codecs.register_error(_ERRORS, _mark)
