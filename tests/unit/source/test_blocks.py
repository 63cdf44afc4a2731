import functools
import gzip
import re
import tracemalloc
from dataclasses import dataclass

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from trade_ingest.contract.model import FileFormat, Trailer
from trade_ingest.errors import FileCorruptError, FileHeaderError
from trade_ingest.source import blocks as module
from trade_ingest.source.blocks import BlockReader
from trade_ingest.source.records import Dialect, scan_records
from trade_ingest.source.stream import read_chunks


@dataclass
class Reading:
    """All that a reader says about a file."""

    header: list[str] | None
    trailer: bytes | None
    rows: list[tuple[int, int, bytes]]
    row_count: int
    line_count: int
    content_bytes: int
    content_hash: bytes


def read(path, form, *, block_bytes=1 << 20):
    """Row number, source offset and text of each record, and what the reader knows at the end."""
    reader = BlockReader(str(path), form, block_bytes=block_bytes)
    rows, dialect = [], Dialect.of(form)
    for block in reader:
        records = block.records or scan_records(block.data, dialect, is_final=True)[0]
        assert len(records) == block.row_count > 0
        offsets = block.source_offsets(records.starts.tolist())
        assert offsets[-1] == block.source_offset(int(records.starts[-1]))
        rows += [
            (block.first_row + i, offset, block.delivered(records.raw(block.data, i)))
            for i, offset in enumerate(offsets)
        ]
    return Reading(
        reader.header,
        reader.trailer,
        rows,
        reader.row_count,
        reader.line_count,
        reader.content_bytes,
        reader.content_hash,
    )


def read_in_pieces(path, form, *, chunk_bytes, block_bytes):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "read_chunks", functools.partial(read_chunks, chunk_bytes=chunk_bytes))
        return read(path, form, block_bytes=block_bytes)


TRAILER = Trailer(pattern=r"T,(?P<rows>\d+)\s*", required=False)

formats = st.builds(
    FileFormat,
    header=st.booleans(),
    quote=st.sampled_from(['"', None]),
    escape=st.sampled_from([None, None, "\\"]),
    preamble_lines=st.integers(0, 2),
    comment_prefix=st.sampled_from([None, "#"]),
    trailer=st.sampled_from([None, TRAILER]),
    encoding=st.sampled_from(["utf-8", "utf-8", "utf-16-le", "utf-16", "latin-1", "cp1252"]),
    max_record_bytes=st.just(64),
)
lines = st.one_of(
    st.sampled_from(
        ["a,b", "é,€", '"x\ny",z', '"q""q",1', "", "#c", '#"c', 'bad"quote,1', '"open', "a,b\\", "T,2", "x" * 70, "\r"]
    ),
    st.text(alphabet='ab,"\r', max_size=6),
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("blocks")


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@example(  # a blank line after the trailer, in a piece of its own
    form=FileFormat(header=False, trailer=TRAILER),
    text=([*["a,b"] * 11, "T,2", ""], "\n", True),
    has_mark=False,
    block_bytes=3,
    chunk_bytes=1,
)
@given(
    form=formats,
    text=st.tuples(st.lists(lines, max_size=12), st.sampled_from(["\n", "\r\n"]), st.booleans()),
    has_mark=st.booleans(),
    block_bytes=st.integers(1, 200),
    chunk_bytes=st.integers(1, 60),
)
def test_file_is_read_the_same_in_any_pieces(folder, form, text, has_mark, block_bytes, chunk_bytes):
    parts, line_break, ends_with_break = text
    content = line_break.join([f"preamble {i}" for i in range(form.preamble_lines)] + parts)
    content += line_break if ends_with_break or not parts else ""
    data = content.encode(form.encoding if form.encoding != "utf-16" else "utf-16-le", "replace")
    mark = "\ufeff".encode(form.encoding if form.encoding != "utf-16" else "utf-16-le", "ignore") if has_mark else b""
    path = folder / "file.csv"
    path.write_bytes(mark + data)
    whole = read(path, form)
    assert read_in_pieces(path, form, chunk_bytes=chunk_bytes, block_bytes=block_bytes) == whole
    # and what was read is what is there
    assert [number for number, _, _ in whole.rows] == list(range(1, whole.row_count + 1))
    assert whole.content_bytes == len(mark + data)
    for _, offset, raw in whole.rows:
        encoded = raw.decode().encode(form.encoding if form.encoding != "utf-16" else "utf-16-le")
        assert (mark + data)[offset : offset + len(encoded)] == encoded


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.sampled_from(["1,a", "2,b", '3,"c\nd"', '4,"e""f"']), min_size=1, max_size=8),
    st.sampled_from(["\n", "\r\n"]),
    st.sampled_from(["", "\n", "\n\n\r\n", "\n# end\n"]),
    st.integers(1, 60),
)
def test_header_trailer_and_rows_are_told_apart(folder, rows, line_break, tail, size):
    form = FileFormat(preamble_lines=1, comment_prefix="#", trailer=Trailer(pattern=r"T\|\d+"))
    parts = ["made today", "# note", "id,name", *rows, f"T|{len(rows)}"]
    path = folder / "trailer.csv"
    path.write_bytes((line_break.join(parts) + tail).encode())
    found = read_in_pieces(path, form, chunk_bytes=size, block_bytes=size)
    assert found.header == ["id", "name"]
    assert found.trailer == f"T|{len(rows)}".encode()
    assert [raw.decode() for _, _, raw in found.rows] == rows
    assert (found.row_count, found.line_count) == (len(rows), len(rows) + 3)


def reading_of(tmp_path, content, **form):
    path = tmp_path / "file.csv"
    path.write_bytes(content)
    return read(path, FileFormat(**form))


def raws(reading):
    return [raw for _, _, raw in reading.rows]


@pytest.mark.parametrize("content", [b"", b"\n\r\n\n", b"\xef\xbb\xbf", b"\xff\xfe"])
def test_empty_file_has_neither_header_nor_rows(tmp_path, content):
    found = reading_of(tmp_path, content)
    assert (found.header, found.rows, found.row_count) == (None, [], 0)


@pytest.mark.parametrize("content", [b"a,b", b"a,b\n", b"\xef\xbb\xbfa,b\r\n\r\n"])
def test_header_only_file_has_no_rows(tmp_path, content):
    found = reading_of(tmp_path, content)
    assert (found.header, found.rows, found.line_count) == (["a", "b"], [], 1)


def test_last_row_needs_no_line_break(tmp_path):
    assert raws(reading_of(tmp_path, b"a\n1\n2")) == [b"1", b"2"]


def test_a_carriage_return_cut_off_from_its_line_feed_is_no_data(tmp_path):
    assert raws(reading_of(tmp_path, b'a,b\r\n1,2\r\n3,"4"\r')) == [b"1,2", b'3,"4"']


def test_blank_lines_are_no_rows(tmp_path):
    found = reading_of(tmp_path, b"\n\na\n\n1\r\n\r\n2\n\n")
    assert found.rows == [(1, 5, b"1"), (2, 10, b"2")]


def test_header_may_hold_line_breaks_quotes_and_any_control_character(tmp_path):
    found = reading_of(tmp_path, b'"Trade\nId","say ""x""",a\x0bb\xc2\x85c,"",\n1,2,3,4,5\n')
    assert found.header == ["Trade\nId", 'say "x"', "a\x0bb\x85c", "", ""]
    assert raws(found) == [b"1,2,3,4,5"]


def test_header_with_a_stray_quote_is_read_as_it_stands(tmp_path):
    assert reading_of(tmp_path, b'a "big" one,b\n1,2\n').header == ['a "big" one', "b"]


def test_header_cell_may_be_huge(tmp_path):
    assert reading_of(tmp_path, b"x" * 500_000 + b",b\n").header == ["x" * 500_000, "b"]


@pytest.mark.parametrize(
    ("encoding", "text"),
    [("utf-16", "a\n\U0001f600é\n1\n"), ("utf-16-be", "\ufeffa\né€\n1\n"), ("utf-8-sig", "a\né\n1\n")],
)
def test_byte_order_mark_wins_over_the_declared_encoding(tmp_path, encoding, text):
    found = reading_of(tmp_path, text.encode(encoding), encoding="latin-1")
    assert (found.header, raws(found)[1]) == (["a"], b"1")
    assert raws(found)[0].decode() in {"\U0001f600é", "é€", "é"}


def test_utf_8_sig_may_be_declared(tmp_path):
    found = reading_of(tmp_path, "é,b\n1,2\n3,4\n".encode("utf-8-sig"), encoding="utf-8-sig")
    assert found.rows == [(1, 8, b"1,2"), (2, 12, b"3,4")]


@pytest.mark.parametrize(
    ("encoding", "content", "expected"),
    [
        ("utf-16-le", "a\nx".encode("utf-16-le") + b"\x00\xd8" + "y\nz\n".encode("utf-16-le"), b"x\xff\xd8y"),
        ("cp1252", b"a\nx\x81y\nz\n", b"x\x81y"),
        ("ascii", b"a\nx\xffy\nz\n", b"x\xffy"),
    ],
)
def test_what_cannot_be_decoded_is_kept_and_offsets_stay_right(tmp_path, encoding, content, expected):
    found = reading_of(tmp_path, content, encoding=encoding)
    assert raws(found) == [expected, b"z"]
    assert found.rows[1][1] == content.index(b"z")


@pytest.mark.parametrize("content", [b"one\ntwo\n", b"one\ntwo", b"one", b"\n\n"])
def test_preamble_that_does_not_end_is_an_error(tmp_path, content):
    with pytest.raises(FileHeaderError, match="ends within the 3 preamble lines"):
        reading_of(tmp_path, content, preamble_lines=3)


@pytest.mark.parametrize("content", [b"", b"\xef\xbb\xbf", b"\xff\xfe", gzip.compress(b"", mtime=0)])
@pytest.mark.parametrize("header", [True, False])
def test_empty_file_needs_no_preamble(tmp_path, content, header):
    found = reading_of(tmp_path, content, header=header, preamble_lines=2)
    assert (found.header, found.rows, found.row_count, found.line_count) == (None, [], 0, 0)


def test_record_beyond_the_limit_is_one_malformed_record(tmp_path):
    path = tmp_path / "file.csv"
    path.write_bytes(b"a,b\n1,2\n" + b"y" * (5 << 20) + b"\n3,4\n")
    form = FileFormat()
    sizes = []
    for block in BlockReader(str(path), form, block_bytes=1 << 16):
        records = block.records or scan_records(block.data, Dialect.of(form), is_final=True)[0]
        sizes += zip((records.ends - records.starts).tolist(), records.field_counts.tolist(), strict=True)
    assert sizes == [(3, 2), (5 << 20, 0), (3, 2)]


def traced_peak(action):
    tracemalloc.start()
    try:
        action()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("start", [b"", b"a,b\n", b"a,b\n1,2\n"], ids=["header", "first row", "later row"])
def test_file_without_line_breaks_fails_before_it_fills_the_memory(tmp_path, monkeypatch, start):
    monkeypatch.setattr(module, "LONGEST_LINE_BYTES", 1 << 20)
    path = tmp_path / "file.bin"
    path.write_bytes(start + b"x" * (12 << 20))
    reader = functools.partial(read_in_pieces, chunk_bytes=1 << 16, block_bytes=1 << 16)

    def run():
        message = re.escape(f"from byte {len(start):,}") + "$"
        with pytest.raises(FileCorruptError, match=message) as caught:
            reader(path, FileFormat(max_record_bytes=1 << 10))
        assert caught.value.fields["byte_offset"] == len(start)

    assert traced_peak(run) < 8 << 20


@pytest.mark.parametrize("start", [b"", b"a,b\n", b"a,b\n1,2\n"], ids=["header", "first row", "later row"])
@pytest.mark.parametrize("filler", [b"\n", b"#\r\n"], ids=["blank lines", "comments"])
def test_millions_of_lines_that_are_no_rows_do_not_fill_the_memory(tmp_path, start, filler):
    path = tmp_path / "file.csv"
    path.write_bytes(start + filler * ((2 << 20) // len(filler)) + b"9,9\n")
    form = FileFormat(comment_prefix="#") if filler.startswith(b"#") else FileFormat()
    found = []
    peak = traced_peak(lambda: found.append(read_in_pieces(path, form, chunk_bytes=1 << 16, block_bytes=1 << 16)))
    assert found[0].row_count == start.count(b"1,2") + bool(start)
    assert peak < 8 << 20  # read at once, these lines would take 80 MiB


def test_blank_lines_before_a_trailer_that_never_comes_have_a_bound(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "LONGEST_LINE_BYTES", 1 << 20)
    path = tmp_path / "file.csv"
    path.write_bytes(b"a,b\n1,2\n" + b"\n" * (8 << 20))
    with pytest.raises(FileCorruptError, match="no record ends"):
        read_in_pieces(path, FileFormat(trailer=TRAILER), chunk_bytes=1 << 16, block_bytes=1 << 16)


def test_the_first_record_can_be_looked_at_without_reading_it(tmp_path):
    path = tmp_path / "file.csv"
    path.write_bytes(b"\n1,2\n3,4\n")
    reader = BlockReader(str(path), FileFormat(header=False))
    assert reader.peek_record() == reader.peek_record() == b"1,2"
    assert reader.row_count == 0
    assert sum(block.row_count for block in reader) == 2


def test_content_hash_depends_on_bytes_and_seed_only(tmp_path):
    def hash_of(name, content, seed=b"", block_bytes=100):
        path = tmp_path / name
        path.write_bytes(content)
        reader = BlockReader(str(path), FileFormat(), block_bytes=block_bytes, hash_seed=seed)
        list(reader)
        return reader.content_hash

    assert hash_of("one", b"a\n1\n") == hash_of("two", b"a\n1\n", block_bytes=1)
    assert len({hash_of("three", b"a\n1\n"), hash_of("three", b"a\n2\n"), hash_of("three", b"a\n1\n", b"x")}) == 3


@pytest.mark.parametrize("block_bytes", [1, 9, 1 << 20])
def test_a_repeated_header_is_no_row_beside_records_to_ignore(tmp_path, block_bytes):
    path = tmp_path / "a.csv"
    path.write_bytes(b'"BOF","x"\n"a","b"\n"1","2"\n"EOF"\n"BOF","y"\n"a","b"\n"3","4"\n"a","b"')
    form = FileFormat(ignore_records='"[BE]OF"')

    reader = BlockReader(str(path), form, block_bytes=block_bytes)
    rows = [block.records.raw(block.data, i) for block in reader for i in range(block.row_count)]

    assert (reader.header, rows) == (["a", "b"], [b'"1","2"', b'"3","4"'])
    assert (reader.row_count, reader.ignored_count, reader.line_count) == (2, 4, 7)


def test_a_repeated_header_is_a_row_otherwise(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(b"a,b\n1,2\na,b\n")

    assert [raw for _, _, raw in read(path, FileFormat()).rows] == [b"1,2", b"a,b"]
