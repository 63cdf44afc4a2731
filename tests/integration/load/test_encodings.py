"""Files of each text encoding are loaded as the text that Python reads, and what is no text is rejected at its byte."""

import gzip

import pytest

from trade_ingest.pipeline import ingest
from trade_ingest.run import RunOptions

WORDS = {
    "big5": ["臺灣積體電路", "鴻海精密", "功能"],  # the second byte of 功 is a backslash
    "gbk": ["贵州茅台", "中国平安", "镕基"],
    "gb18030": ["贵州茅台", "中国平安", "😀€"],
    "shift_jis": ["トヨタ自動車", "ソニー", "表示"],  # the second byte of ソ is a backslash
    "cp1252": ["Société Générale", "Münchner Rück", "10 € – “x”"],  # noqa: RUF001
    "latin-1": ["Société Générale", "Münchner Rück", "\x85 ÿ"],
    "utf-16-le": ["トヨタ自動車", "Société", "😀"],
    "utf-16-be": ["トヨタ自動車", "Société", "😀"],
    "utf-8": ["トヨタ自動車", "Société", "😀"],
}
BAD = {
    "big5": b"\xff\xff",
    "gbk": b"\x80\xff",
    "gb18030": b"\xff\xff",
    "shift_jis": b"\xfd\xfe",
    "cp1252": b"\x81",
    "utf-16-le": b"\x00\xdc",
    "utf-16-be": b"\xdc\x00",
    "utf-8": b"\xc3\x28",
}
TOLD = {
    "big5": ("bytes 0xff 0xff", b"\xff\xff"),
    "gbk": ("bytes 0x80 0xff", b"\x80\xff"),
    "gb18030": ("bytes 0xff 0xff", b"\xff\xff"),
    "shift_jis": ("bytes 0xfd 0xfe", b"\xfd\xfe"),
    "cp1252": ("byte 0x81", b"\x81"),
    "utf-16-le": ("bytes 0x00 0xdc", b"\xff\xdc"),  # a zero byte could be mistaken for text
    "utf-16-be": ("bytes 0xdc 0x00", b"\xdc\xff"),
    "utf-8": ("byte 0xc3", b"\xc3("),
}
"""What a reject says of the bad bytes, and as what it keeps them."""
HEADER = "trade_id,symbol,executed_at,price,quantity\r\n"


def lines_of(encoding, count):
    words = WORDS[encoding]
    return [
        f'{n},"{words[n % 3]}, {n}",2024-01-15 10:00:00,1.50,2.00\r\n'.encode(encoding) for n in range(1, count + 1)
    ]


def load(feed, make_contract, encoding):
    contract = make_contract(format={"encoding": encoding})
    return ingest([str(feed.folder)], contract=contract, database=feed.database, options=RunOptions(parallelism=1))


def symbols(feed):
    return feed.query("SELECT row_number, symbol FROM market.trade ORDER BY row_number")


@pytest.mark.parametrize("encoding", WORDS)
@pytest.mark.parametrize("is_packed", [False, True])
def test_text_is_that_of_the_encoding(feed, make_contract, encoding, is_packed):
    content = HEADER.encode(encoding) + b"".join(lines_of(encoding, 3000))
    feed.folder.mkdir()
    (feed.folder / "a.csv").write_bytes(gzip.compress(content) if is_packed else content)

    result = load(feed, make_contract, encoding)

    assert (result.files_loaded, result.rows_loaded, result.rows_rejected) == (1, 3000, 0)
    lines = content.decode(encoding).split("\r\n")[1:-1]
    assert symbols(feed) == [(n, line.split('"')[1]) for n, line in enumerate(lines, 1)]


@pytest.mark.parametrize("mark", ["utf-16", "utf-8-sig"])
def test_byte_order_mark_wins(feed, make_contract, mark):
    text = HEADER + "".join(f"{n},トヨタ,2024-01-15 10:00:00,1.50,2.00\r\n" for n in range(1, 11))
    feed.folder.mkdir()
    (feed.folder / "a.csv").write_bytes(text.encode(mark))

    assert load(feed, make_contract, "shift_jis").rows_loaded == 10
    assert {symbol for _, symbol in symbols(feed)} == {"トヨタ"}


@pytest.mark.parametrize("encoding", BAD)
@pytest.mark.parametrize("is_packed", [False, True])
def test_what_is_no_text_is_rejected_with_the_bytes_of_the_file(feed, make_contract, encoding, is_packed):
    lines = lines_of(encoding, 3000)
    word = WORDS[encoding][0]
    prefix = f"1500,{word}".encode(encoding)
    lines[1499] = prefix + BAD[encoding] + ",2024-01-15 10:00:00,1.50,2.00\r\n".encode(encoding)
    content = HEADER.encode(encoding) + b"".join(lines)
    feed.folder.mkdir()
    (feed.folder / "a.csv").write_bytes(gzip.compress(content) if is_packed else content)
    offset = len(HEADER.encode(encoding)) + sum(map(len, lines[:1499]))

    result = load(feed, make_contract, encoding)

    assert (result.rows_loaded, result.rows_rejected) == (2999, 1)
    ((row_number, byte_offset, raw, reasons),) = feed.query(
        "SELECT row_number, byte_offset, raw, reasons FROM ingest.reject"
    )
    told, kept = TOLD[encoding]
    assert (row_number, byte_offset) == (1500, offset)
    assert reasons == [{"code": "bad_encoding", "column": None, "value": f"{told} at byte {len(prefix)} of the record"}]
    assert raw == f"1500,{word}".encode() + kept + b",2024-01-15 10:00:00,1.50,2.00"
    assert [n for n, _ in symbols(feed)] == [n for n in range(1, 3001) if n != 1500]
