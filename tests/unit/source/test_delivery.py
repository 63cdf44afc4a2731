"""Files that are not whole yet are held back, and checksums beside files are compared."""

import gzip
import hashlib
import os
import time
import zipfile
from datetime import UTC, datetime, timedelta

import pytest

from trade_ingest.contract.model import Delivery
from trade_ingest.errors import FileChecksumError, UsageError
from trade_ingest.source.delivery import Deliveries
from trade_ingest.source.file import SourceFile
from trade_ingest.source.listing import take_listing
from trade_ingest.source.pattern import Selection
from trade_ingest.source.stream import read_chunks

ROWS = b"a,b\n1,2\n" * 500
FORMS = ["{digest}  {name}\n", "{digest} *x/{name}\r\n", "{digest}", "{upper} ({name}) = {digest}\n"]
ALGORITHMS = {".CHECKSUM": "sha256", ".sha256": "sha256", ".sha1": "sha1", ".md5": "md5"}


def put(folder, **contents):
    for name, content in contents.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def held(folder, source="", **rules):
    listing = take_listing([f"{folder}/{source}"], delivery=Delivery(**rules))
    assert listing.ignored == ()
    return {os.path.relpath(file.uri, folder): (file.held, file.held_because) for file in listing.files}


def content_of(file):
    return b"".join(read_chunks(file))


def test_file_that_changed_a_moment_ago_is_not_settled(tmp_path):
    put(tmp_path, **{"new.csv": ROWS, "old.csv": ROWS})
    then = time.time() - 3600
    os.utime(tmp_path / "old.csv", (then, then))

    found = held(tmp_path, settle_seconds=600)

    assert found["old.csv"] == ("", "")
    assert found["new.csv"][0] == "not_settled"
    assert "settles after 600 s" in found["new.csv"][1]


def test_file_settles_at_that_very_second():
    changed = datetime(2024, 1, 1, 12, 0, 0, tzinfo=UTC)
    file = SourceFile("/x/a.csv", "1", 1, changed)

    def judge(second):
        deliveries = Deliveries(Delivery(settle_seconds=60), now=lambda: changed + timedelta(seconds=second))
        return next(deliveries.judged([(file, "a.csv")]))[0].held

    assert [judge(0), judge(59), judge(60), judge(61)] == ["not_settled", "not_settled", "", ""]


def test_folder_without_its_marker_is_held_back(tmp_path):
    put(tmp_path, **{"a/1.csv": ROWS, "a/_SUCCESS": b"", "b/2.csv": ROWS, "a/deep/3.csv": ROWS})

    assert held(tmp_path, marker="_SUCCESS") == {
        "a/1.csv": ("", ""),
        "a/deep/3.csv": ("no_marker", f"there is no {tmp_path}/a/deep/_SUCCESS"),
        "b/2.csv": ("no_marker", f"there is no {tmp_path}/b/_SUCCESS"),
    }
    assert held(tmp_path / "a", "deep", marker="../_SUCCESS") == {"deep/3.csv": ("", "")}


def test_marker_of_each_file(tmp_path):
    put(tmp_path, **{"1.csv": ROWS, "1.csv.done": b"", "2.csv": ROWS, "done.txt": ROWS})

    found = held(tmp_path, marker="{name}.done")

    assert {name: reason for name, (reason, _) in found.items()} == {
        "1.csv": "",
        "2.csv": "no_marker",
        "done.txt": "no_marker",
    }


def test_marker_and_manifest_are_no_data_files(tmp_path):
    put(tmp_path, **{"1.csv": ROWS, "ready.txt": b"", "files.csv": b"1.csv\n"})

    assert held(tmp_path, marker="ready.txt", manifest="files.csv") == {"1.csv": ("", "")}
    assert held(tmp_path, "*", marker="ready.txt", manifest="files.csv") == {"1.csv": ("", "")}


MANIFESTS = {
    "names": "# the delivery\na.csv\n./b.csv\n\n",
    "md5sum": f"{hashlib.md5(ROWS).hexdigest()}  a.csv\n{hashlib.md5(ROWS).hexdigest()} *b.csv\n",
    "json": '{"entries": [{"url": "a.csv", "mandatory": true}, {"url": "b.csv", "meta": {"content_length": 4000}}]}',
    "list": '["a.csv", "b.csv"]',
}


@pytest.mark.parametrize("text", MANIFESTS.values(), ids=MANIFESTS)
def test_only_the_files_of_a_manifest_are_taken_and_none_before_all_are_there(tmp_path, text):
    put(tmp_path, **{"a.csv": ROWS, "other.csv": ROWS, "manifest.txt": text.encode()})

    before = held(tmp_path, manifest="manifest.txt")
    assert before == {
        "a.csv": (
            "incomplete_delivery",
            f"1 of 2 files of {tmp_path}/manifest.txt are not there: {tmp_path}/b.csv",
        ),
        "other.csv": ("not_in_manifest", f"{tmp_path}/manifest.txt does not list it"),
    }

    put(tmp_path, **{"b.csv": ROWS})
    assert {name: reason for name, (reason, _) in held(tmp_path, manifest="manifest.txt").items()} == {
        "a.csv": "",
        "b.csv": "",
        "other.csv": "not_in_manifest",
    }


def test_manifest_tells_sizes_and_files_that_need_not_be_there(tmp_path):
    text = '{"entries": [{"url": "a.csv", "meta": {"content_length": 4001}}, {"url": "no.csv", "mandatory": false}]}'
    put(tmp_path, **{"a.csv": ROWS, "m.json": text.encode()})

    why = f"1 of 2 files of {tmp_path}/m.json are not there: {tmp_path}/a.csv (4,000 of 4,001 bytes)"
    assert held(tmp_path, manifest="m.json") == {"a.csv": ("incomplete_delivery", why)}


@pytest.mark.parametrize("text", [b"", b'{"entries": 3}', b'{"entries": [{}]}', b"{", b"\xff\xfe\x00"])
def test_unusable_manifest_holds_its_folder_back(tmp_path, text):
    put(tmp_path, **{"a.csv": ROWS, "m.json": text})

    ((reason, why),) = held(tmp_path, manifest="m.json").values()

    assert reason == "incomplete_delivery"
    assert why.startswith(f"{tmp_path}/m.json cannot be used: ")


def test_folder_without_its_manifest_is_held_back(tmp_path):
    put(tmp_path, **{"a.csv": ROWS})

    assert held(tmp_path, manifest="m.json") == {"a.csv": ("no_manifest", f"there is no {tmp_path}/m.json")}


def test_digests_of_a_manifest_are_compared(tmp_path):
    put(tmp_path, **{"a.csv": ROWS, "md5sums": f"{hashlib.md5(ROWS + b'x').hexdigest()}  a.csv\n".encode()})
    (file,) = take_listing([str(tmp_path / "*.csv")], delivery=Delivery(manifest="md5sums")).files

    with pytest.raises(FileChecksumError, match="md5 is"):
        content_of(file)


def sidecar(suffix, content, name="a.csv", form="{digest}  {name}\n"):
    digest = hashlib.new(ALGORITHMS[suffix], content).hexdigest()
    return form.format(digest=digest, name=name, upper=ALGORITHMS[suffix].upper()).encode()


@pytest.mark.parametrize("suffix", ALGORITHMS)
@pytest.mark.parametrize(
    "form", ["{digest}  {name}\n", "{digest} *x/{name}\r\n", "{digest}", "{upper} ({name}) = {digest}\n"]
)
@pytest.mark.parametrize("source", ["", "*.csv", "a.csv"])
def test_checksum_beside_a_file_is_compared_with_the_stored_bytes(tmp_path, suffix, form, source):
    put(tmp_path, **{"a.csv": ROWS, f"a.csv{suffix}": sidecar(suffix, ROWS, form=form)})
    listing = take_listing([f"{tmp_path}/{source}"])
    assert [file.uri for file in listing.files] == [f"{tmp_path}/a.csv"]
    assert listing.ignored == ()
    assert content_of(listing.files[0]) == ROWS

    put(tmp_path, **{f"a.csv{suffix}": sidecar(suffix, ROWS[:-1] + b"3", form=form)})
    with pytest.raises(FileChecksumError) as caught:
        content_of(listing.files[0])
    error = caught.value
    assert error.fields["found"] == hashlib.new(ALGORITHMS[suffix], ROWS).hexdigest()
    assert error.fields["expected"] in sidecar(suffix, ROWS[:-1] + b"3").decode()
    assert "fetch it again" in error.hint


def test_checksum_is_about_what_is_stored_not_what_is_packed(tmp_path):
    packed = gzip.compress(ROWS)
    put(tmp_path, **{"a.csv.gz": packed, "a.csv.gz.md5": sidecar(".md5", packed, "a.csv.gz")})
    (file,) = take_listing([str(tmp_path)]).files
    assert content_of(file) == ROWS

    put(tmp_path, **{"a.csv.gz.md5": sidecar(".md5", ROWS, "a.csv.gz")})
    with pytest.raises(FileChecksumError):
        content_of(file)


@pytest.mark.parametrize("text", [b"", b"hello\n", b"abc  a.csv\n", b"0" * 32 + b"  b.csv\n", b"0" * 64 + b"  a.csv\n"])
def test_sidecar_without_the_checksum_fails_the_file(tmp_path, text):
    put(tmp_path, **{"a.csv": ROWS, "a.csv.md5": text})
    (file,) = take_listing([str(tmp_path)]).files

    with pytest.raises(FileChecksumError, match=r"a\.csv\.md5: has no md5 of a\.csv"):
        content_of(file)


def test_checksums_are_required_or_not_looked_at(tmp_path):
    put(tmp_path, **{"a.csv": ROWS, "a.csv.md5": b"wrong", "b.csv": ROWS})

    assert {name: reason for name, (reason, _) in held(tmp_path, checksum="required").items()} == {
        "a.csv": "",
        "b.csv": "no_checksum",
    }
    listing = take_listing([str(tmp_path)], delivery=Delivery(checksum="off"))
    assert [content_of(file) for file in listing.files] == [ROWS, ROWS]
    assert listing.ignored == (f"{tmp_path}/a.csv.md5",)


def test_archive_with_a_checksum_is_read_whole_by_its_first_file(tmp_path):
    with zipfile.ZipFile(tmp_path / "t.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for name in ("a.csv", "b.csv"):
            archive.writestr(name, ROWS)
    content = (tmp_path / "t.zip").read_bytes()
    put(tmp_path, **{"t.zip.CHECKSUM": sidecar(".CHECKSUM", content, "t.zip")})
    files = take_listing([str(tmp_path)]).files
    assert [content_of(file) for file in files] == [ROWS, ROWS]

    put(tmp_path, **{"t.zip": content[:-2] + b"\x01\x00x", "t.zip.CHECKSUM": sidecar(".CHECKSUM", content, "t.zip")})
    files = take_listing([str(tmp_path)]).files
    for file in files:
        with pytest.raises(FileChecksumError, match=r"t\.zip: sha256 is"):
            content_of(file)


def test_archive_that_is_held_back_is_not_looked_into(tmp_path):
    put(tmp_path, **{"t.zip": b"PK\x03\x04 half of it"})

    assert held(tmp_path, marker="_SUCCESS") == {"t.zip": ("no_marker", f"there is no {tmp_path}/_SUCCESS")}


def test_sidecars_of_a_store_are_found_in_the_order_of_its_keys():
    deliveries = Deliveries(Delivery(marker="{name}.done"))
    keys = [
        "a",
        "a.csv",
        "a.csv.done",
        "a.csv.gz",
        "a.csv.gz.done",
        "a.csv.gz.md5",
        "a.csv.sha256",
        "b.csv",
        "b.csv.sha1",
    ]

    def listed():
        for key in keys:
            uri = f"s3://x/{key}"
            if not deliveries.is_aside(uri):
                yield SourceFile(uri, "1", 1, datetime.now(UTC)), key

    judged = {file.uri[7:]: (file.checksum, file.held) for file, _ in deliveries.judged(listed())}

    assert judged == {
        "a": ("", "no_marker"),
        "a.csv": (".sha256", ""),
        "a.csv.gz": (".md5", ""),
        "b.csv": (".sha1", "no_marker"),
    }


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        ({"marker": "a/b"}, "--marker: 'a/b' is no name of a file"),
        ({"manifest": "{name}.m"}, "--manifest: '{name}.m' is no name of a file"),
        ({"marker": "*.done"}, "--marker: '*.done' is no name of a file"),
    ],
)
def test_wrong_names_are_refused(choice, message):
    with pytest.raises(UsageError) as caught:
        Selection(**choice).delivery_over(Delivery())
    assert caught.value.message.startswith(message)


def test_what_is_asked_for_wins_over_the_contract_and_empty_takes_back():
    contract = Delivery(settle_seconds=60, marker="_SUCCESS", checksum="required")

    assert Selection().delivery_over(contract) is contract
    assert Selection(settle_seconds=0, marker="", checksum="off").delivery_over(contract) == Delivery(checksum="off")
    assert Selection(settle_seconds=5, marker="").as_dict() == {"settle": 5, "marker": ""}
