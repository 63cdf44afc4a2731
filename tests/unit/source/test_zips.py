"""Zip archives: what they hold, their content, and what is told of damaged ones."""

import io
import random
import zipfile
import zlib

import pytest

from trade_ingest.errors import FileChangedWhileReadError, FileCorruptError, SourceNotFoundError
from trade_ingest.source import unpacking, zips
from trade_ingest.source.listing import find_file, list_files, require_unchanged, stat_file, take_listing
from trade_ingest.source.stream import read_chunks

METHODS = [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA]
ROWS = b"".join(b"T%d,%d.25,%d\n" % (n, n * 7 % 1000, n * n % 97) for n in range(30_000))


def pack(path, members, method=zipfile.ZIP_DEFLATED):
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def content_of(file):
    return b"".join(read_chunks(file))


def names(files, archive):
    return [file.uri.removeprefix(f"{archive}!/") for file in files]


@pytest.mark.parametrize("method", METHODS)
def test_each_member_is_a_file_with_its_content(tmp_path, method):
    members = {"2024/ticks.csv": ROWS, "empty.csv": b"", "füllung.tsv": b"a\tb\n"}
    archive = pack(tmp_path / "t.zip", members, method)

    files = list_files([str(tmp_path)])

    assert {file.uri: content_of(file) for file in files} == {f"{archive}!/{n}": c for n, c in members.items()}
    stored = archive.stat()
    for file in files:
        content = members[file.uri.partition("!/")[2]]
        assert file.size_bytes == len(content)
        assert file.version == f"{stored.st_size}-{stored.st_mtime_ns}!{zlib.crc32(content):08x}"


def test_what_is_no_data_file_is_told_and_what_is_hidden_is_not(tmp_path):
    inner = io.BytesIO()
    pack(inner, {"deep.csv": b"x\n"})
    members = {"a.csv": b"1\n", "b.csv.gz": b"", "readme.md": b"", "more.zip": inner.getvalue()}
    hidden = {"__MACOSX/._a.csv": b"", ".secret.csv": b"", "_tmp/c.csv": b""}
    archive = pack(tmp_path / "T.ZIP", members | hidden)

    listing = take_listing([str(tmp_path)])

    assert names(listing.files, archive) == ["a.csv", "b.csv.gz"]
    assert listing.ignored == (f"{archive}!/more.zip", f"{archive}!/readme.md")


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("t.zip!/eu/a.csv", ["eu/a.csv"]),
        ("t.zip!/eu/notes.md", ["eu/notes.md"]),
        ("t.zip!/eu/*.csv", ["eu/a.csv", "eu/b.csv"]),
        ("t.zip!/**/a.*", ["eu/a.csv", "us/a.csv"]),
        ("*.zip!/us/*", ["us/a.csv"]),
        ("t.zip!/", ["eu/a.csv", "eu/b.csv", "us/a.csv"]),
        ("t.zip", ["eu/a.csv", "eu/b.csv", "us/a.csv"]),
    ],
)
def test_members_are_named_and_chosen_by_globs(tmp_path, source, expected):
    members = dict.fromkeys(["eu/a.csv", "eu/b.csv", "us/a.csv", "eu/notes.md"], b"x\n")
    archive = pack(tmp_path / "t.zip", members)

    assert names(list_files([f"{tmp_path}/{source}"]), archive) == expected


def test_member_that_is_not_there_is_no_source(tmp_path):
    pack(tmp_path / "t.zip", {"a.csv": b"x\n"})

    with pytest.raises(SourceNotFoundError, match=r"t\.zip!/b\.csv: no archive holds a file of that name"):
        list_files([f"{tmp_path}/t.zip!/b.csv"])
    assert find_file(f"{tmp_path}/t.zip!/b.csv") is None


def test_member_is_found_again_by_its_uri(tmp_path):
    pack(tmp_path / "t.zip", {"a.csv": b"x\n"})
    (file,) = list_files([str(tmp_path)])

    assert find_file(file.uri) == stat_file(file) == file


def test_compressed_member_is_unpacked_twice(tmp_path):
    packer = zlib.compressobj(wbits=31)
    archive = pack(tmp_path / "t.zip", {"a.csv.gz": packer.compress(ROWS) + packer.flush()})

    assert content_of(list_files([str(archive)])[0]) == ROWS


def test_archive_of_another_name_is_read_if_it_holds_one_file(tmp_path):
    one = pack(tmp_path / "one.csv", {"x/data.txt": ROWS})
    two = pack(tmp_path / "two.csv", {"a.csv": b"", "b.csv": b""})

    assert content_of(list_files([str(one)])[0]) == ROWS
    with pytest.raises(FileCorruptError, match="a zip archive with 2 files, expected one") as caught:
        content_of(list_files([str(two)])[0])
    assert "ends with .zip" in caught.value.hint


def test_archive_that_changes_is_noticed(tmp_path):
    archive = pack(tmp_path / "t.zip", {"a.csv": b"old\n"})
    (file,) = list_files([str(archive)])
    pack(archive, {"a.csv": b"a longer one\n"})

    with pytest.raises(FileChangedWhileReadError, match="changed while it was read"):
        content_of(file)
    with pytest.raises(FileChangedWhileReadError):
        require_unchanged(file)


@pytest.mark.parametrize(
    "name", ["../a.csv", "/etc/a.csv", "x//a.csv", "./a.csv", "..\\a.csv", "C:\\a.csv", "a\tb.csv"]
)
def test_file_that_cannot_be_addressed_fails_its_archive_and_no_other_file(tmp_path, name):
    archive = pack(tmp_path / "t.zip", {name: b"x\n", "good.csv": b"1\n"})

    good, whole = sorted(list_files([str(archive)]), key=lambda file: file.uri, reverse=True)

    assert (good.uri, content_of(good)) == (f"{archive}!/good.csv", b"1\n")
    assert whole.uri == str(archive)
    with pytest.raises(FileCorruptError, match="cannot be addressed") as caught:
        content_of(whole)
    assert repr(name) in caught.value.message


def test_name_with_a_zero_byte_is_not_cut(tmp_path):
    archive = pack(tmp_path / "t.zip", {"aXb.csv": b"x\n"})
    archive.write_bytes(archive.read_bytes().replace(b"aXb.csv", b"a\0b.csv"))

    (file,) = list_files([str(archive)])

    assert file.uri == str(archive)
    with pytest.raises(FileCorruptError, match="has control characters"):
        content_of(file)


def test_name_in_the_old_code_page_is_shown_as_that(tmp_path):
    archive = pack(tmp_path / "t.zip", {"fXllung.csv": b"x\n"})
    archive.write_bytes(archive.read_bytes().replace(b"fXllung", "füllung".encode("cp437")))

    assert names(list_files([str(archive)]), archive) == ["füllung.csv"]


@pytest.mark.parametrize("method", METHODS)
def test_any_flipped_byte_of_the_data_fails_the_file_with_a_byte_within_it(tmp_path, method):
    archive = pack(tmp_path / "t.zip", {"a.csv": ROWS, "b.csv": b"1\n"}, method)
    original = archive.read_bytes()
    start, end = 35, original.index(b"PK\x03\x04", 4)
    for position in random.Random(method).sample(range(start, end), 25):
        damaged = bytearray(original)
        damaged[position] ^= 0x55
        archive.write_bytes(damaged)
        files = list_files([str(archive)])

        with pytest.raises(FileCorruptError) as caught:
            content_of(files[0])
        assert start <= caught.value.fields["byte_offset"] <= end, caught.value
        assert caught.value.hint
        assert content_of(files[1]) == b"1\n"


def test_cut_archive_is_one_file_that_fails_wherever_it_is_cut(tmp_path):
    archive = pack(tmp_path / "t.zip", {"a.csv": ROWS, "b.csv": b"1\n"})
    (tmp_path / "whole.csv").write_bytes(b"1\n")
    original = archive.read_bytes()
    for length in (10, 31, 1000, len(original) - 200, len(original) - 100, len(original) - 23, len(original) - 1):
        archive.write_bytes(original[:length])

        damaged, whole = list_files([str(tmp_path)])

        assert (damaged.uri, content_of(whole)) == (str(archive), b"1\n")
        with pytest.raises(FileCorruptError, match="damaged zip archive") as caught:
            content_of(damaged)
        assert caught.value.fields["byte_offset"] == length


def test_encrypted_and_unknown_members_are_told_with_the_fix(tmp_path):
    archive = pack(tmp_path / "t.zip", {"a.csv": b"x\n"})
    original = archive.read_bytes()
    directory = original.index(b"PK\x01\x02")
    encrypted, unknown = bytearray(original), bytearray(original)
    encrypted[directory + 8] |= 1
    unknown[directory + 10] = 99

    archive.write_bytes(encrypted)
    with pytest.raises(FileCorruptError, match="it is encrypted") as caught:
        content_of(list_files([str(archive)])[0])
    assert "password" in caught.value.hint

    archive.write_bytes(unknown)
    with pytest.raises(FileCorruptError, match=r"AES encryption \(method 99\)") as caught:
        content_of(list_files([str(archive)])[0])
    assert "deflate" in caught.value.hint


@pytest.mark.parametrize(
    ("size", "why"), [(5, "more than the 5 bytes"), (90_000_000, "and 90,000,000 in the directory")]
)
def test_member_of_another_length_than_the_directory_says_fails(tmp_path, size, why):
    archive = pack(tmp_path / "t.zip", {"a.csv": ROWS})
    content = bytearray(archive.read_bytes())
    directory = content.index(b"PK\x01\x02")
    content[directory + 24 : directory + 28] = size.to_bytes(4, "little")
    archive.write_bytes(content)

    with pytest.raises(FileCorruptError, match=why):
        content_of(list_files([str(archive)])[0])


def test_bomb_is_stopped_at_the_limit(tmp_path, monkeypatch):
    monkeypatch.setattr(unpacking, "UNLIMITED_BYTES", 1 << 20)
    archive = pack(tmp_path / "t.zip", {"a.csv": bytes(60 << 20)})
    (file,) = list_files([str(archive)])
    stored = zips.read_directory(zips.archive_of(file)).members["a.csv"]

    monkeypatch.setattr(unpacking, "MOST_TIMES", 100)
    with pytest.raises(FileCorruptError, match="unpack to more than") as caught:
        content_of(file)
    assert caught.value.fields["stored_bytes"] == stored.packed_bytes
    assert stored.packed_bytes * 100 < caught.value.fields["unpacked_bytes"] <= stored.packed_bytes * 100 + (1 << 20)


def test_directory_larger_than_the_limit_is_not_read(tmp_path, monkeypatch):
    monkeypatch.setattr(zips, "MOST_DIRECTORY_BYTES", 1000)
    archive = pack(tmp_path / "t.zip", {f"{n}.csv": b"" for n in range(100)})

    (file,) = list_files([str(archive)])

    with pytest.raises(FileCorruptError, match=r"more than 1,000"):
        content_of(file)


def test_zip64_archive_is_read(tmp_path):
    with zipfile.ZipFile(tmp_path / "t.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        with archive.open("a.csv", "w", force_zip64=True) as member:
            member.write(ROWS)
        for n in range(66_000):  # more than the directory's old counter holds
            archive.writestr(f"_/{n}", b"")

    (file,) = list_files([str(tmp_path)])

    assert content_of(file) == ROWS
