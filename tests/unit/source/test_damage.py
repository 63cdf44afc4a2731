"""Cut and damaged files of each compression, and files that unpack to too much."""

import bz2
import gzip
import lzma
import random

import pyarrow as pa
import pytest
import xxhash

from trade_ingest.errors import FileCorruptError
from trade_ingest.source import unpacking
from trade_ingest.source.stream import read_chunks

TEXT = b"trade_id,price\n" + b"".join(b"%d,1.%d\n" % (n, n * n % 977) for n in range(20_000))


def with_arrow(codec, data):
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, codec) as stream:
        stream.write(data)
    return bytearray(sink.getvalue().to_pybytes())


def zstd(data):
    """A frame with a checksum of its content, as the program ``zstd`` writes it (RFC 8878, 3.1.1); Arrow's has none."""
    frame = with_arrow("zstd", data)
    frame[4] |= 0b100
    return bytes(frame) + xxhash.xxh64_digest(data)[:3:-1]


def lz4(data):
    """A frame with a checksum of its content, as the program ``lz4`` writes it; Arrow's has none."""
    frame = with_arrow("lz4", data)
    frame[4] |= 0b100
    end = 6 + 8 * bool(frame[4] & 0b1000)  # of the descriptor, which may have the content's size
    frame[end] = xxhash.xxh32_intdigest(bytes(frame[4:end])) >> 8 & 0xFF
    return bytes(frame) + xxhash.xxh32_digest(data)[::-1]


CODECS = {"gzip": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress, "zstd": zstd, "lz4": lz4}
codecs = pytest.mark.parametrize("codec", CODECS)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "ticks.csv"


def content_of(path):
    return b"".join(read_chunks(str(path)))


@codecs
def test_any_flipped_bit_is_noticed(path, codec):
    stored = CODECS[codec](TEXT)
    path.write_bytes(stored)
    assert content_of(path) == TEXT
    draw = random.Random(codec)
    positions = [0, 1, len(stored) - 1, *draw.sample(range(2, len(stored)), 40)]
    for position in positions:
        damaged = bytearray(stored)
        damaged[position] ^= 1 << draw.randrange(8)
        path.write_bytes(damaged)
        try:
            content = content_of(path)
        except FileCorruptError as exc:
            assert 0 <= exc.fields["byte_offset"] <= len(stored)  # noqa: PT017
            assert f"near byte {exc.fields['byte_offset']}" in exc.message or "takes more than" in exc.message  # noqa: PT017
        else:  # first bytes of nothing known are not unpacked; flags that mean nothing harm nothing
            assert content in (bytes(damaged), TEXT), position


@codecs
def test_file_is_corrupt_wherever_it_is_cut(path, codec):
    stored = CODECS[codec](TEXT)
    for length in (6, 20, len(stored) // 3, len(stored) // 2, *range(len(stored) - 9, len(stored))):
        path.write_bytes(stored[:length])
        with pytest.raises(FileCorruptError) as caught:
            content_of(path)
        assert caught.value.fields["byte_offset"] <= length


@codecs
@pytest.mark.parametrize("garbage", [b"more", b"\x1f", b"1,2\n"])
def test_what_stands_after_the_end_is_noticed(path, codec, garbage):
    stored = CODECS[codec](TEXT)
    path.write_bytes(stored + garbage)

    with pytest.raises(FileCorruptError):
        content_of(path)


@codecs
def test_file_that_unpacks_to_too_much_is_stopped(path, codec, monkeypatch):
    monkeypatch.setattr(unpacking, "UNLIMITED_BYTES", 2 << 20)
    monkeypatch.setattr(unpacking, "MOST_TIMES", 50)
    stored = CODECS[codec](bytes(64 << 20))
    path.write_bytes(stored)
    most = max(2 << 20, 50 * len(stored))

    with pytest.raises(FileCorruptError, match="unpack to more than") as caught:
        content_of(path)

    assert caught.value.fields["stored_bytes"] == len(stored)
    assert most < caught.value.fields["unpacked_bytes"] <= most + (1 << 20)
    assert f"{len(stored):,} stored bytes" in caught.value.message


def test_small_file_may_unpack_to_a_gibibyte_whatever_its_ratio():
    assert (unpacking.UNLIMITED_BYTES, unpacking.MOST_TIMES) == (1 << 30, 1000)
    chunk = bytes(1 << 20)

    assert sum(map(len, unpacking.limited("x", (chunk for _ in range(1024)), 10))) == 1 << 30
    with pytest.raises(FileCorruptError):
        list(unpacking.limited("x", (chunk for _ in range(1025)), 10))
    assert sum(map(len, unpacking.limited("x", (chunk for _ in range(1025)), 2 << 20))) == 1025 << 20
