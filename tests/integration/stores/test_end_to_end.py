"""The same story on each kind of store: list, plan, load, again, changed, archived, more."""

import re
from datetime import UTC, datetime
from decimal import Decimal

import pytest


@pytest.fixture
def loading(store, loading_of):
    return loading_of(store)


def test_files_are_planned_loaded_once_and_loaded_again_when_changed(loading):
    loading.put("2024/03/fills 1.csv", range(1, 301))
    loading.put("2024/03/füllung.csv.gz", range(301, 501), pack=True)
    loading.put("2024/04/fills.csv", range(501, 601))
    everything_is_new = dict.fromkeys(loading.store.keys(), "new")  # a method of its own

    assert loading.plan() == everything_is_new
    loaded = loading.run()
    assert loaded.outcome == (0, 3, 0, [])
    assert loaded.json["rows_loaded"] == 600
    assert loading.rows() == loading.expected()

    again = loading.run()
    assert again.outcome == (0, 0, 3, [])
    assert loading.rows() == loading.expected()

    loading.put("2024/03/fills 1.csv", [*range(51, 301), *range(701, 721)], price="11.2500")
    loading.put("2024/04/more.csv", range(601, 651))
    assert loading.plan() == {
        "2024/03/fills 1.csv": "changed",
        "2024/03/füllung.csv.gz": "already_loaded",
        "2024/04/fills.csv": "already_loaded",
        "2024/04/more.csv": "new",
    }
    changed = loading.run("--on-changed", "replace")
    assert changed.outcome == (0, 2, 2, [])
    assert loading.rows() == loading.expected()
    assert len(loading.rows()) == 270 + 200 + 100 + 50
    assert loading.query("SELECT state, count(*) FROM ingest.file GROUP BY state ORDER BY state") == [
        ("loaded", 4),
        ("replaced", 1),
    ]


def test_only_data_files_of_a_folder_are_loaded_and_only_below_it(remote_store, loading_of):
    loading = loading_of(remote_store)
    loading.put("in/a.csv", range(1, 11))
    loading.put("in/deep/er/b.csv", range(11, 21))
    loading.put("in-other/c.csv", range(21, 31))
    loading.put("in/_started.csv", range(31, 41))
    loading.put("in/readme.md", range(41, 51))
    if remote_store.kind == "http":  # cannot be listed: each file is named
        loading.sources = [remote_store.uri("in/a.csv"), remote_store.uri("in/deep/er/b.csv")]
    else:
        loading.sources = [f"{remote_store.root}/in/"]

    assert loading.run().outcome == (0, 2, 0, [])
    assert loading.rows() == loading.expected("in/a.csv", "in/deep/er/b.csv")


@pytest.mark.parametrize("kind", ["s3", "azure", "gcs"])
def test_pattern_chooses_objects(kind, request, loading_of):
    loading = loading_of(request.getfixturevalue(f"{kind}_store"))
    loading.put("eu/2024-03/fills.csv", range(1, 11))
    loading.put("us/2024-03/fills.csv", range(11, 21))
    loading.put("us/2024-04/fills.csv", range(21, 31))
    loading.put("us/2024-03/old/fills.csv", range(31, 41))
    loading.sources = [f"{loading.store.root}/*/2024-03/*.csv"]

    assert loading.run().outcome == (0, 2, 0, [])
    assert loading.rows() == loading.expected("eu/2024-03/fills.csv", "us/2024-03/fills.csv")


def test_key_that_is_named_as_it_is_is_no_pattern(s3_store, loading_of, tmp_path):
    loading = loading_of(s3_store)
    loading.put("in/a[1].csv", range(1, 11))
    loading.put("in/a1.csv", range(11, 21))
    (tmp_path / "names").write_text(loading.seen.uri("in/a[1].csv"))
    loading.sources = ["--files-from", str(tmp_path / "names")]

    assert loading.run().outcome == (0, 1, 0, [])
    assert loading.rows() == loading.expected("in/a[1].csv")


def test_removed_object_stays_loaded(loading):
    loading.put("a.csv", range(1, 11))
    loading.put("b.csv", range(11, 21))
    loading.run()
    rows = loading.expected()
    loading.store.delete("a.csv")

    assert loading.run().outcome == (0, 0, 1, [])
    assert loading.rows() == rows


def test_same_content_under_two_keys_is_loaded_once(loading):
    loading.put("a.csv", range(1, 11))
    loading.run()
    loading.put("b.csv", range(1, 11))

    assert loading.run().outcome == (0, 0, 2, [])
    assert loading.rows() == loading.expected("a.csv")


def test_empty_object_is_no_rows(loading):
    loading.store.put("empty.csv", b"")
    loading.put("header.csv", [])
    loading.put("a.csv", range(1, 11))

    done = loading.run()

    assert loading.rows() == loading.expected("a.csv")
    assert done.json["files_failed"] == len(done.json["failed"])
    assert {file["uri"] for file in done.json["failed"]} <= {loading.seen.uri("empty.csv")}


@pytest.mark.parametrize("has_etags", [True, False])
@pytest.mark.parametrize("has_ranges", [True, False])
def test_url_is_loaded_from_servers_that_can_less(has_etags, has_ranges, http_store, loading_of):
    http_store.server.has_etags, http_store.server.has_ranges = has_etags, has_ranges
    loading = loading_of(http_store)
    loading.put("a.csv", range(1, 30_001))

    assert loading.run().outcome == (0, 1, 0, [])
    assert loading.run().outcome == (0, 0, 1, [])
    loading.put("a.csv", range(1, 30_001), price="11.2500")
    assert loading.run("--on-changed", "replace").outcome == (0, 1, 0, [])
    assert loading.rows() == loading.expected()
    assert {row[3] for row in loading.rows()} == {Decimal("11.25")}


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["s3", "azure", "gcs", "http"])
def test_large_object_is_read_in_pieces_of_which_none_is_lost(kind, request, loading_of, proxy_for):
    store = request.getfixturevalue(f"{kind}_store")
    proxy = proxy_for(store)
    loading = loading_of(store, store.behind(proxy.port))
    count = 1_500_000
    loading.put("large.csv", range(count))
    size_bytes = len(store.get("large.csv"))

    assert loading.run().outcome == (0, 1, 0, [])

    assert size_bytes > 64 << 20
    assert loading.query(
        "SELECT count(*), count(DISTINCT row_number), max(row_number), min(trade_id), max(trade_id), sum(quantity),"
        " count(*) FILTER (WHERE trade_id <> 'F' || to_char(row_number - 1, 'FM0000000')) FROM fill"
    ) == [(count, count, count, "F0000000", f"F{count - 1:07}", sum(n % 1000 for n in range(count)), 0)]
    reads = [r for r in proxy.requests if r.method == "GET" and r.path.endswith("/large.csv")]
    assert (len(reads) > 4) == (kind != "http"), "other than HTTP servers are asked for several parts"


def folder_of(loading, moved):
    """The folder that a run has made in done/: of its day, and with its number and the time that it began at."""
    ((place,),) = loading.query(
        "SELECT DISTINCT substring(destination FROM '/(done/[^/]+/[^/]+)/') FROM ingest.after_load"
    )
    assert re.fullmatch(rf"done/{datetime.now(UTC):%Y-%m-%d}/run-{moved.json['run_id']}-\d{{12}}", place)
    return place


@pytest.mark.parametrize("kind", ["local", "s3", "azure", "gcs"])
def test_loaded_files_are_moved_below_the_source_and_new_ones_are_loaded(kind, request, loading_of):
    loading = loading_of(request.getfixturevalue(f"{kind}_store"))
    loading.put("in/2024/fills 1.csv", range(1, 301))
    loading.put("in/füllung.csv.gz", range(301, 501), pack=True)
    loading.put("in/large.csv", range(1_000, 50_000))
    before = {key: loading.store.get(key) for key in loading.store.keys()}  # noqa: SIM118  # a method of its own
    rows = loading.expected()
    loading.sources = [f"{loading.store.root}/in/"]
    archive = f"{loading.store.root}/done"

    moved = loading.run("--after-load", f"move:{archive}")

    folder = folder_of(loading, moved)
    assert moved.outcome == (0, 3, 0, [])
    assert (moved.json["files_archived"], moved.json["archive_failed"]) == (3, [])
    after = {key.replace(f"{folder}/", "in/"): loading.store.get(key) for key in loading.store.keys("done/")}
    assert (after, loading.store.keys("in/")) == (before, [])
    assert loading.rows() == rows

    loading.put("in/2024/fills 2.csv", range(601, 651))
    again = loading.run("--after-load", f"move:{archive}")
    assert (again.outcome, again.json["files_archived"]) == ((0, 1, 0, []), 1)
    uri = f"{loading.store.root}/in/2024/fills 2.csv"
    assert f"moved to {archive}/" in loading.call("explain", uri).out
    assert loading.query("SELECT state, count(*) FROM ingest.after_load GROUP BY state") == [("done", 4)]


@pytest.mark.parametrize("kind", ["local", "s3", "azure", "gcs"])
def test_loaded_files_are_deleted(kind, request, loading_of):
    loading = loading_of(request.getfixturevalue(f"{kind}_store"))
    loading.put("a.csv", range(1, 11))
    rows = loading.expected()

    deleted = loading.run("--after-load", "delete")

    assert (deleted.outcome, deleted.json["files_archived"]) == ((0, 1, 0, []), 1)
    assert (loading.store.keys(), loading.rows()) == ([], rows)


@pytest.mark.parametrize(
    ("kind", "other"),
    [("s3", "local"), ("s3", "azure"), ("gcs", "local"), ("gcs", "s3"), ("local", "azure"), ("azure", "gcs")],
)
def test_loaded_files_are_moved_to_another_kind_of_store(kind, other, request, loading_of, monkeypatch):
    store, archive = (request.getfixturevalue(f"{each}_store") for each in (kind, other))
    loading = loading_of(store)
    for name, value in archive.environment.items():
        monkeypatch.setenv(name, value)
    loading.put("in/a.csv", range(1, 301))
    loading.put("in/large.csv", range(1_000, 250_000))
    before = {key[3:]: store.get(key) for key in store.keys("in/")}
    loading.sources = [f"{store.root}/in/"]

    moved = loading.run("--after-load", f"move:{archive.root}/done")

    folder = folder_of(loading, moved)
    assert (moved.outcome, moved.json["archive_failed"]) == ((0, 2, 0, []), [])
    assert {key: archive.get(f"{folder}/{key}") for key in before} == before
    assert (archive.keys(), store.keys("in/")) == ([f"{folder}/{key}" for key in before], [])


def test_environment_may_change_between_two_runs_of_one_process(s3_store, loading_of, monkeypatch):
    loading = loading_of(s3_store)
    loading.put("a.csv", range(1, 11))
    right = s3_store.environment["AWS_SECRET_ACCESS_KEY"]

    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x" * 40)
    refused = loading.run()
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", right)

    assert (refused.code, refused.errors) == (4, {"store.authentication"})
    assert loading.run().outcome == (0, 1, 0, [])
