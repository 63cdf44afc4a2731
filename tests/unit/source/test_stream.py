import bz2
import gzip
import io
import lzma
import random
import tracemalloc
import zipfile
import zlib

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trade_ingest.errors import FileCorruptError, FileUnreadableError
from trade_ingest.source.stream import detect_compression, read_chunks, to_utf8

TEXT = b"trade_id,price\n" + b"".join(b"%d,1.%d\n" % (i, i % 7) for i in range(20_000))


def with_arrow(codec):
    def compress(data):
        sink = pa.BufferOutputStream()
        with pa.CompressedOutputStream(sink, codec) as stream:
            stream.write(data)
        return sink.getvalue().to_pybytes()

    return compress


CODECS = {
    "gzip": gzip.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "zstd": with_arrow("zstd"),
    "lz4": with_arrow("lz4"),
}
codecs = pytest.mark.parametrize("codec", CODECS)


def content_of(path, compression="auto", **keys):
    return b"".join(read_chunks(str(path), compression, **keys))


@pytest.fixture
def path(tmp_path):
    return tmp_path / "trades.csv"  # the name says nothing about the compression


@codecs
def test_compression_is_recognised_by_content_not_by_name(path, codec):
    path.write_bytes(CODECS[codec](TEXT))
    assert detect_compression(path.read_bytes()[:16]) == codec
    assert content_of(path) == TEXT
    assert content_of(path, codec) == TEXT


@pytest.mark.parametrize("name", ["trades.csv.gz", "trades.csv.zst", "trades.csv.bz2"])
def test_plain_file_with_a_compressed_name_is_read_as_it_is(tmp_path, name):
    path = tmp_path / name
    path.write_bytes(TEXT)
    assert content_of(path) == TEXT


@codecs
def test_several_members_are_one_content(path, codec):
    compress = CODECS[codec]
    path.write_bytes(compress(TEXT) + compress(b"") + compress(b"end\n"))
    assert content_of(path) == TEXT + b"end\n"


@pytest.mark.parametrize("padding", [4, 512, 300_000])
def test_members_may_be_padded_with_zero_bytes(path, padding):
    path.write_bytes(gzip.compress(TEXT) + bytes(padding) + gzip.compress(b"end\n") + bytes(padding))
    assert content_of(path) == TEXT + b"end\n"


@codecs
@pytest.mark.parametrize("kept", [0.1, 0.5, 0.99])
def test_truncated_file_is_corrupt(path, codec, kept):
    compressed = CODECS[codec](TEXT)
    size = int(len(compressed) * kept)
    path.write_bytes(compressed[:size])
    with pytest.raises(FileCorruptError, match=rf"trades.csv: damaged {codec} data near byte \d+") as caught:
        content_of(path)
    assert caught.value.fields["byte_offset"] == size
    assert caught.value.hint


@codecs
def test_truncated_second_member_is_corrupt(path, codec):
    compressed = CODECS[codec](TEXT)
    path.write_bytes(compressed + compressed[: len(compressed) // 2])
    with pytest.raises(FileCorruptError):
        content_of(path)


@pytest.mark.parametrize("codec", ["gzip", "bz2", "xz"])
def test_flipped_bits_are_found_by_the_checksum(path, codec):
    compressed = bytearray(CODECS[codec](TEXT))
    compressed[len(compressed) // 2] ^= 0x55
    path.write_bytes(compressed)
    with pytest.raises(FileCorruptError):
        content_of(path)


def test_declared_compression_must_be_there(path):
    path.write_bytes(TEXT)
    with pytest.raises(FileCorruptError, match="damaged gzip data near byte 0"):
        content_of(path, "gzip")


def test_compression_none_takes_the_bytes_as_they_are(path):
    compressed = gzip.compress(TEXT)
    path.write_bytes(compressed)
    assert content_of(path, "none") == compressed


def test_zip_archive_with_one_file_is_read_as_that_file(path):
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("trades.csv", "a\n")
    path.write_bytes(archive.getvalue())

    assert content_of(path) == b"a\n"


def test_missing_file_is_unreadable(path):
    with pytest.raises(FileUnreadableError, match="No such file") as caught:
        content_of(path)
    assert caught.value.fields["uri"] == str(path)


def test_empty_file_has_no_content(path):
    path.write_bytes(b"")
    assert content_of(path) == content_of(path, "gzip") == b""


@codecs
def test_a_highly_compressed_file_is_read_in_bounded_pieces(path, codec):
    blank = bytes(1 << 20) * 64
    path.write_bytes(CODECS[codec](blank))
    chunk_bytes = 1 << 16
    tracemalloc.start()
    try:
        total = 0
        for chunk in read_chunks(str(path), chunk_bytes=chunk_bytes):
            assert len(chunk) <= chunk_bytes
            total += len(chunk)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert total == len(blank)
    assert peak < 16 << 20  # xz alone has a window of 8 MiB


def xz_with_dictionary(size_code):
    """A file whose header asks for a dictionary of (2 | code & 1) << (code // 2 + 11) bytes."""
    data = bytearray(lzma.compress(b"a\n1\n"))
    header_size = (data[12] + 1) * 4
    filter_at = data.index(b"\x21\x01", 12)
    data[filter_at + 2] = size_code
    check_at = 12 + header_size - 4
    data[check_at : check_at + 4] = zlib.crc32(data[12:check_at]).to_bytes(4, "little")
    return bytes(data)


def zstd_with_window(log, eighths=0):
    """A frame whose header asks for a window of 2 ** log * (1 + eighths / 8) bytes."""
    block = b"a\n1\n"
    header = bytes([0, (log - 10) << 3 | eighths])
    return b"\x28\xb5\x2f\xfd" + header + (len(block) << 3 | 1).to_bytes(3, "little") + block


@pytest.mark.parametrize(
    "content",
    [xz_with_dictionary(28), xz_with_dictionary(29), zstd_with_window(27)],
    ids=["xz -9", "xz 96 MiB", "zstd --long=27"],
)
def test_window_of_a_usual_size_is_granted(path, content):
    path.write_bytes(content)
    assert content_of(path) == b"a\n1\n"


@pytest.mark.parametrize(
    ("codec", "content"),
    [
        ("xz", xz_with_dictionary(30)),
        ("xz", xz_with_dictionary(40)),
        ("xz", lzma.compress(TEXT) + xz_with_dictionary(36)),
        ("zstd", zstd_with_window(27, 1)),
        ("zstd", zstd_with_window(31)),
        ("zstd", zstd_with_window(41, 7)),
    ],
    ids=["128 MiB", "4 GiB", "second stream, 1 GiB", "144 MiB", "2 GiB", "3.75 TiB"],
)
def test_file_that_asks_for_gigabytes_of_memory_is_refused(path, codec, content):
    path.write_bytes(content)
    with pytest.raises(FileCorruptError) as caught:
        content_of(path)
    assert caught.value.message == f"{path}: unpacking its {codec} data takes more than 128 MiB of memory"
    assert caught.value.hint == "compress it again with a smaller window, such as that of `xz -9` or `zstd --long=27`"


@codecs
@pytest.mark.parametrize("chunk_bytes", [1, 7, 1000])
def test_chunks_of_any_size_make_the_same_content(path, codec, chunk_bytes):
    content = random.Random(1).randbytes(3000) + bytes(3000)
    path.write_bytes(CODECS[codec](content) + CODECS[codec](b"more"))
    assert content_of(path, chunk_bytes=chunk_bytes) == content + b"more"


@settings(max_examples=200, deadline=None)
@given(
    st.text(alphabet="aé€\U0001f600\n", max_size=20),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16-le", "utf-16-be", "utf-16", "shift_jis", "gb18030", "utf-32-le"]),
    st.integers(1, 5),
)
def test_text_of_any_encoding_becomes_utf_8(text, encoding, size):
    data = text.encode(encoding, "ignore")
    name, mark_bytes, rest = to_utf8(iter([data[i : i + size] for i in range(0, len(data), size)]), encoding)
    assert b"".join(rest).decode() == data.decode(encoding)
    assert name == {"utf-8": None, "utf-8-sig": None, "utf-16": "utf-16-le"}.get(encoding, encoding)
    assert mark_bytes == {"utf-8-sig": 3, "utf-16": 2}.get(encoding, 0)


@pytest.mark.parametrize(
    ("encoding", "data", "expected"),
    [
        ("utf-16-le", b"a\0\x00\xd8b\0", b"a\xf8\x80\xfb\x98b"),
        ("utf-16-be", b"\0a\xdc\x00\0b", b"a\xfb\x9c\xf8\x80b"),
        ("utf-16-le", b"a\0b", b"a\xf9\xa2"),
        ("cp1252", b"a\x81b", b"a\xfa\x81b"),
        ("shift_jis", b"a\xff\xffb", b"a\xfb\xbf\xfb\xbfb"),
        ("utf-8", b"a\xc3b", b"a\xc3b"),
    ],
)
def test_what_cannot_be_decoded_is_marked_with_bytes_that_no_text_has(encoding, data, expected):
    chunks = [data[i : i + 1] for i in range(len(data))]
    _, _, rest = to_utf8(iter(chunks), encoding)
    assert b"".join(rest) == expected


def test_only_the_first_mark_is_removed():
    _, mark_bytes, rest = to_utf8(iter([b"\xef\xbb\xbf\xef\xbb\xbfa"]), "utf-8")
    assert (mark_bytes, b"".join(rest)) == (3, b"\xef\xbb\xbfa")
