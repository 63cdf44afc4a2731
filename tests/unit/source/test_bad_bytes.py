"""Bytes that are no text are told as the file has them, and never become text by themselves."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trade_ingest.source.bad_bytes import (
    as_delivered,
    described_bad_bytes,
    marking_decoder,
    source_length,
    utf8_of,
)

ENCODINGS = ("utf-16-le", "utf-16-be", "utf-32-le", "cp1252", "ascii")  # one text has one form in them


def marked(data, encoding):
    return utf8_of(marking_decoder(encoding).decode(data, final=True))


@given(st.binary(max_size=30), st.sampled_from(ENCODINGS))
def test_any_bytes_keep_their_length(data, encoding):
    assert source_length(marked(data, encoding), encoding) == len(data)


@given(st.binary(max_size=30), st.sampled_from([*ENCODINGS, "gbk", "big5", "shift_jis", "gb18030", "euc_jp"]))
def test_what_is_no_text_is_never_delivered_as_text(data, encoding):
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError:
        with pytest.raises(UnicodeDecodeError):
            as_delivered(marked(data, encoding)).decode()
        assert described_bad_bytes(marked(data, encoding), encoding)
    else:
        assert as_delivered(marked(data, encoding)) == text.encode()
        assert not described_bad_bytes(marked(data, encoding), encoding)


@pytest.mark.parametrize(
    ("encoding", "data", "kept", "told"),
    [
        ("gbk", "中中".encode("gbk") + b"\xffY", "中中".encode() + b"\xffY", "byte 0xff at byte 4 of the record"),
        ("big5", "中".encode("big5") + b"\x81,", "中".encode() + b"\x81,", "byte 0x81 at byte 2 of the record"),
        ("cp1252", b"\xe9\x81", "é".encode() + b"\x81", "byte 0x81 at byte 1 of the record"),
        ("utf-16-le", b"a\0\x0a\xd8b\0", b"a\xff\xd8b", "bytes 0x0a 0xd8 at byte 2 of the record"),
        ("ascii", b"a\xc3\xa9", b"a\xff\xff", "bytes 0xc3 0xa9 at byte 1 of the record"),
        (
            "ascii",
            b"\x80\x81\x82\x83\x84",
            b"\x80\x81\x82\x83\x84",
            "bytes 0x80 0x81 0x82 0x83 … at byte 0 of the record",
        ),
    ],
)
def test_bytes_and_place_are_those_of_the_file(encoding, data, kept, told):
    assert as_delivered(marked(data, encoding)) == kept
    assert described_bad_bytes(marked(data, encoding), encoding) == told


def test_utf_8_is_told_by_its_first_bad_byte():
    assert described_bad_bytes("é".encode() + b"\x81\x82", None) == "byte 0x81 at byte 2 of the record"
    assert not described_bad_bytes("é".encode(), None)
