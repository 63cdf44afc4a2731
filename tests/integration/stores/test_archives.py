"""Zip archives, checksums and deliveries that are not whole, in stores of several kinds, loaded for real."""

import hashlib
import io
import json
import zipfile

import pytest

from stores.faults import reply
from trade_ingest.errors import FileChecksumError

kinds = pytest.mark.parametrize("kind", ["local", "s3", "azure", "gcs"])


def fills(numbers):
    """The content of a file of fills."""
    lines = (f"F{n:07},10.5000,{n % 1000},plain,2024-03-04 09:{n // 60 % 60:02}:{n % 60:02}\n" for n in numbers)
    return ("trade_id,price,quantity,note,executed_at\n" + "".join(lines)).encode()


def packed(*members, method=zipfile.ZIP_DEFLATED):
    """An archive of these members: name and content."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", method) as opened:
        for name, content in members:
            opened.writestr(name, content)
    return archive.getvalue()


def files(loading):
    return loading.query("SELECT uri, state, rows_loaded, size_bytes FROM ingest.file ORDER BY uri")


@kinds
def test_members_of_an_archive_are_loaded_as_files_of_their_own_and_once(kind, request, loading_of):
    loading = loading_of(request.getfixturevalue(f"{kind}_store"))
    january, february = fills(range(1, 301)), fills(range(301, 501))
    loading.store.put("in/2024.zip", packed(("01/fills.csv", january), ("02/fills.csv", february), ("about.md", b"x")))
    loading.put("in/march.csv", range(501, 511))
    loading.sources = [f"{loading.store.root}/in/"]
    archive = loading.store.uri("in/2024.zip")

    first = loading.run()

    assert first.outcome == (0, 3, 0, [])
    assert f"1 file ignored, not named .csv, .txt, .tsv or .psv: {archive}!/about.md" in first.err.replace("\n", " ")
    assert files(loading) == [
        (f"{archive}!/01/fills.csv", "loaded", 300, len(january)),
        (f"{archive}!/02/fills.csv", "loaded", 200, len(february)),
        (loading.store.uri("in/march.csv"), "loaded", 10, len(loading.store.get("in/march.csv"))),
    ]
    assert [row[2] for row in loading.rows()] == [f"F{n:07}" for n in range(1, 511)]

    assert loading.run().outcome == (0, 0, 3, [])

    loading.store.put("in/2024.zip", packed(("01/fills.csv", january), ("02/fills.csv", fills(range(301, 451)))))
    assert loading.run().outcome == (0, 1, 2, [])  # january is what it was
    assert [row[2] for row in loading.rows()] == [f"F{n:07}" for n in [*range(1, 451), *range(501, 511)]]


def test_one_member_and_a_glob_of_members_are_sources(s3_store, loading_of):
    loading = loading_of(s3_store)
    loading.store.put("t.zip", packed(*((f"{place}/{n}.csv", fills([n])) for place in ("eu", "us") for n in (1, 2))))
    archive = loading.store.uri("t.zip")

    loading.sources = [f"{archive}!/eu/2.csv"]
    assert loading.run().outcome == (0, 1, 0, [])
    loading.sources = [f"{archive}!/**/1.csv"]
    done = loading.call("plan", *loading.sources, "-o", "json").json
    assert [(file["uri"], file["reason"]) for file in done["items"]] == [
        (f"{archive}!/eu/1.csv", "new"),
        (f"{archive}!/us/1.csv", "new"),
    ]


def test_large_member_of_a_store_is_read_by_ranges(s3_store, loading_of):
    loading = loading_of(s3_store)
    numbers = range(1, 40_001)
    content = fills(numbers)
    loading.store.put("t.zip", packed(("a.csv", b""), ("b.csv", content), method=zipfile.ZIP_STORED))

    assert loading.run("--max-rejects", "0").outcome == (0, 2, 0, [])
    assert len(content) > 1 << 20
    assert [row[2] for row in loading.rows()] == [f"F{n:07}" for n in numbers]


@pytest.mark.parametrize("has_ranges", [True, False])
def test_member_is_read_from_a_web_server_with_and_without_ranges(http_store, loading_of, has_ranges):
    loading = loading_of(http_store)
    http_store.server.has_ranges = has_ranges
    loading.store.put("t.zip", packed(("x/a.csv", fills(range(1, 101))), ("b.csv", fills(range(101, 111)))))
    loading.sources = [loading.store.uri("t.zip")]

    assert loading.run().outcome == (0, 2, 0, [])
    assert len(loading.rows()) == 110


@kinds
def test_damaged_archive_fails_and_the_others_are_loaded(kind, request, loading_of):
    loading = loading_of(request.getfixturevalue(f"{kind}_store"))
    whole = packed(("a.csv", fills(range(1, 101))))
    flipped = bytearray(whole)
    flipped[200] ^= 0x10
    loading.store.put("cut.zip", whole[:-30])
    loading.store.put("flipped.zip", bytes(flipped))
    loading.put("good.csv", range(201, 211))
    loading.sources = [f"{loading.store.root}/"]

    done = loading.run()

    assert (done.code, done.errors, done.json["files_loaded"]) == (1, {"file.corrupt"}, 1)
    assert [(uri, state) for uri, state, *_ in files(loading)] == [
        (loading.store.uri("cut.zip"), "failed"),
        (f"{loading.store.uri('flipped.zip')}!/a.csv", "failed"),
        (loading.store.uri("good.csv"), "loaded"),
    ]
    offsets = [file["error"]["message"] for file in done.json["failed"]]
    assert all("damaged" in message for message in offsets)
    assert loading.rows() == loading.expected("good.csv")

    loading.store.put("cut.zip", whole)
    loading.store.delete("flipped.zip")
    assert loading.run().outcome[:2] == (0, 1)
    assert len(loading.rows()) == 110


@kinds
def test_checksums_beside_objects_are_compared(kind, request, loading_of):
    loading = loading_of(request.getfixturevalue(f"{kind}_store"))
    archive = packed(("a.csv", fills(range(1, 101))))
    loading.store.put("t.zip", archive)
    loading.store.put("t.zip.CHECKSUM", f"{hashlib.sha256(archive).hexdigest()}  t.zip\n".encode())
    loading.put("good.csv", range(201, 211))
    loading.store.put("good.csv.md5", hashlib.md5(loading.store.get("good.csv")).hexdigest().encode())
    loading.put("bad.csv", range(301, 311))
    loading.store.put("bad.csv.sha256", hashlib.sha256(b"other").hexdigest().encode())
    loading.sources = [f"{loading.store.root}/"]

    done = loading.run()

    assert (done.code, done.errors, done.json["files_loaded"]) == (1, {FileChecksumError.code}, 2)
    assert [row[2] for row in loading.rows()] == [f"F{n:07}" for n in [*range(201, 211), *range(1, 101)]]
    assert "ignored" not in done.err

    assert loading.run("--checksum", "off").outcome[:2] == (0, 1)
    assert len(loading.rows()) == 120


def is_sidecar(request):
    return request.path.endswith((".md5", ".CHECKSUM"))


@pytest.mark.parametrize("kind", ["s3", "azure", "gcs"])
def test_checksum_that_the_store_fails_to_show_is_not_left_out(kind, request, loading_of, proxy_for, monkeypatch):
    store = request.getfixturevalue(f"{kind}_store")
    proxy = proxy_for(store)
    loading = loading_of(store, store.behind(proxy.port))
    scheme = store.root.partition("://")[0]
    monkeypatch.setenv("TRADE_INGEST_CONNECTIONS", json.dumps({"x": {"match": f"{scheme}://", "retries": 0}}))
    loading.put("a.csv", range(1, 101))
    store.put("a.csv.md5", hashlib.md5(b"other").hexdigest().encode())
    loading.sources = [loading.seen.uri("a.csv")]

    proxy.on(reply(503), when=is_sidecar)
    unknown = loading.run()
    proxy.clear()
    known = loading.run()

    assert unknown.code != 0
    assert unknown.errors & {"store.unavailable", "store.throttled"}
    assert (known.code, known.errors) == (1, {FileChecksumError.code})
    assert loading.rows() == []


@pytest.mark.parametrize(("kind", "code"), [("s3", 0), ("gcs", 0), ("azure", 1)])
def test_refused_look_beside_a_file_is_told_where_it_may_mean_that_nothing_is_there(
    kind, code, request, loading_of, proxy_for
):
    store = request.getfixturevalue(f"{kind}_store")
    proxy = proxy_for(store)
    loading = loading_of(store, store.behind(proxy.port))
    loading.put("a.csv", range(1, 101))
    loading.sources = [loading.seen.uri("a.csv")]
    proxy.on(reply(403), when=is_sidecar)

    done = loading.program("run", *loading.sources, "-o", "json")

    assert (done.code != 0, len(loading.rows())) == (bool(code), 0 if code else 100)
    if code:
        assert done.errors == {"store.permission"}
    else:
        assert "a.csv.md5: taken as missing, as the store may mean by:" in done.err
        assert "access denied" in done.err


@kinds
def test_delivery_is_loaded_when_it_is_whole(kind, request, loading_of):
    loading = loading_of(request.getfixturevalue(f"{kind}_store"))
    entries = [{"url": loading.store.uri("day/a.csv")}, {"url": "b.csv"}]
    loading.put("day/a.csv", range(1, 11))
    loading.put("day/scratch.csv", range(900, 911))
    loading.store.put("day/manifest.json", json.dumps({"entries": entries}).encode())
    loading.sources = [f"{loading.store.root}/"]
    options = ("--manifest", "manifest.json", "--marker", "_SUCCESS")

    def reasons():
        planned = loading.call("plan", *loading.sources, *options, "-o", "json").json
        return {file["uri"].rpartition("/")[2]: file["reason"] for file in planned["items"]}

    assert reasons() == {"a.csv": "no_marker", "scratch.csv": "no_marker"}
    loading.store.put("day/_SUCCESS", b"")
    assert reasons() == {"a.csv": "incomplete_delivery", "scratch.csv": "not_in_manifest"}
    assert loading.run(*options).outcome == (0, 0, 2, [])
    assert loading.rows() == []

    loading.put("day/b.csv", range(11, 21))
    assert reasons() == {"a.csv": "new", "b.csv": "new", "scratch.csv": "not_in_manifest"}
    assert loading.run(*options).outcome == (0, 2, 1, [])
    assert loading.rows() == loading.expected("day/a.csv", "day/b.csv")
    assert reasons()["a.csv"] == "already_loaded"


@kinds
def test_file_that_was_just_written_is_left_for_later(kind, request, loading_of):
    loading = loading_of(request.getfixturevalue(f"{kind}_store"))
    loading.put("a.csv", range(1, 11))
    loading.sources = [f"{loading.store.root}/"]

    done = loading.run("--settle", "3600")
    assert done.outcome == (0, 0, 1, []), done.err
    planned = loading.call("plan", *loading.sources, "--settle", "3600", "-o", "json").json["items"]
    assert [(file["action"], file["reason"]) for file in planned] == [("skip", "not_settled")]
    assert loading.run("--settle", "0").outcome == (0, 1, 0, [])
