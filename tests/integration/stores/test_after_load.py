"""What is done with objects after loading when something goes wrong on the way: nothing is lost, nothing done twice."""

import importlib.util
import os
import subprocess
import sys
import threading

import pytest

from integration.stores.conftest import fills
from stores.fault_proxy import Exchange
from stores.faults import first, reply


@pytest.fixture
def behind_proxy(s3_store, proxy_for, loading_of, reach):
    proxy = proxy_for(s3_store)
    seen = s3_store.behind(proxy.port)
    loading = loading_of(s3_store, seen)
    loading.put("in/a.csv", range(1, 301))
    loading.sources = [f"{s3_store.root}/in/"]
    return loading, proxy


def is_copy(request):
    return request.method == "PUT" and "x-amz-copy-source" in request.headers


def is_delete(request):
    return request.method == "DELETE" or (request.method == "POST" and "delete" in request.target)


def run_and_kill_at(loading, proxy, when):
    """Start the program, and end it with signal 9 when it sends such a request, which the store never gets."""
    arrived, is_over = threading.Event(), threading.Event()

    def hold(exchange: Exchange) -> None:
        arrived.set()
        is_over.wait(60)
        exchange.reset()

    proxy.on(hold, when=when)
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "trade_ingest",
            "run",
            *loading.sources,
            "--after-load",
            f"move:{loading.store.root}/done",
        ],
        cwd=loading.folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    try:
        assert arrived.wait(90), "it never came to that request"
    finally:
        process.kill()
        process.communicate()
        is_over.set()
    proxy.clear()


def states(loading):
    return loading.query("SELECT state FROM ingest.file"), loading.query("SELECT state FROM ingest.after_load")


@pytest.mark.parametrize(("when", "copies"), [(is_copy, 0), (is_delete, 1)], ids=["before the copy", "before deleting"])
def test_killed_after_commit_on_the_way_to_the_archive(when, copies, behind_proxy):
    loading, proxy = behind_proxy
    content, rows = loading.store.get("in/a.csv"), loading.expected()
    run_and_kill_at(loading, proxy, when)
    assert states(loading) == ([("loaded",)], [("pending",)])
    assert (loading.store.keys("in/"), len(loading.store.keys("done/"))) == (["in/a.csv"], copies)

    again = loading.run()

    assert (again.outcome, again.json["files_archived"]) == ((0, 0, 1, []), 1)
    assert (states(loading), loading.rows()) == (([("loaded",)], [("done",)]), rows)
    (key,) = loading.store.keys()
    folder, _, run, name = key.split("/")
    assert (folder, run.rpartition("-")[0], name, loading.store.get(key)) == ("done", "run-1", "a.csv", content)


def test_object_that_changes_before_it_is_deleted_stays(behind_proxy):
    loading, proxy = behind_proxy
    old = loading.store.get("in/a.csv")
    change = first(lambda: loading.put("in/a.csv", range(1, 400)))
    proxy.on(change, when=is_copy, times=1)

    done = loading.run("--after-load", f"move:{loading.store.root}/done")

    (failed,) = done.json["archive_failed"]
    assert (done.code, failed["uri"]) == (0, f"{loading.store.root}/in/a.csv")
    assert failed["error"]["code"] == "archive.source_changed"
    assert (loading.store.keys(), loading.store.get("in/a.csv") == old) == (["in/a.csv"], False)
    assert loading.run("--on-changed", "replace").outcome == (0, 1, 0, [])
    assert loading.rows() == loading.expected("in/a.csv")


def test_refused_move_is_a_warning_with_the_right_to_grant_and_tried_again(behind_proxy):
    loading, proxy = behind_proxy
    denied = b"<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"
    proxy.on(reply(403, body=denied), when=is_copy)

    refused = loading.run("--after-load", f"move:{loading.store.root}/done")
    (failed,) = refused.json["archive_failed"]
    assert (refused.code, refused.json["state"], failed["error"]["code"]) == (0, "succeeded", "store.permission")
    assert "s3:PutObject" in failed["error"]["hint"]
    assert loading.store.keys() == ["in/a.csv"]

    proxy.clear()
    assert loading.run().json["files_archived"] == 1
    assert loading.store.keys("in/") == []


def test_two_runs_at_once_move_each_object_once(s3_store, loading_of):
    loading = loading_of(s3_store)
    for number in range(8):
        loading.put(f"in/{number}.csv", range(number * 10, number * 10 + 5))
    before = [loading.store.get(f"in/{number}.csv") for number in range(8)]
    loading.sources = [f"{s3_store.root}/in/"]
    loading.call("db", "upgrade")
    order = ("run", *loading.sources, "-o", "json", "--after-load", f"move:{s3_store.root}/done")
    done = [None, None]
    threads = [threading.Thread(target=lambda n=n: done.__setitem__(n, loading.program(*order))) for n in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [(each.code, each.json["archive_failed"]) for each in done] == [(0, []), (0, [])], [d.err for d in done]
    assert sum(each.json["files_archived"] for each in done) == 8
    assert (loading.store.keys("in/"), len(loading.store.keys())) == ([], 8)
    assert sorted(loading.store.get(key) for key in loading.store.keys()) == sorted(before)  # noqa: SIM118


def test_files_of_one_name_from_two_stores_are_both_kept(s3_store, azure_store, loading_of, monkeypatch):
    loading = loading_of(s3_store)
    for name, value in azure_store.environment.items():
        monkeypatch.setenv(name, value)
    content = {"s3": fills(range(1, 301)), "azure": fills(range(1_000, 200_000))}
    s3_store.put("fx/fills.csv", content["s3"])
    azure_store.put("fx/fills.csv", content["azure"])
    loading.sources = [f"{azure_store.root}/fx/", f"{s3_store.root}/fx/"]

    moved = loading.run("--after-load", f"move:{s3_store.root}/done")

    assert (moved.outcome, moved.json["archive_failed"]) == ((0, 2, 0, []), [])
    found = {key.split("/", 3)[3]: s3_store.get(key) for key in s3_store.keys("done/")}
    container = azure_store.root.removeprefix("az://").partition("/")[0]
    assert found == {"s3-deliveries/fills.csv": content["s3"], f"az-{container}/fills.csv": content["azure"]}
    assert (s3_store.keys("fx/"), azure_store.keys("fx/")) == ([], [])


def test_two_databases_share_an_archive_though_their_runs_have_the_same_number(
    s3_store, loading_of, postgres_server, template_database, monkeypatch
):
    loading = loading_of(s3_store)
    loading.sources = [f"{s3_store.root}/in/"]
    written = []
    other = postgres_server.url(postgres_server.create_database(template=template_database))
    for database in (loading.database, other):
        monkeypatch.setenv("TRADE_INGEST_DATABASE_URL", database)
        loading.put("in/a.csv", range(len(written) * 100, len(written) * 100 + 50))
        written.append(s3_store.get("in/a.csv"))

        moved = loading.run("--after-load", f"move:{s3_store.root}/done")

        assert (moved.json["run_id"], moved.json["files_archived"], moved.json["archive_failed"]) == (1, 1, [])

    assert (len(written), s3_store.keys("in/")) == (2, [])
    assert sorted(s3_store.get(key) for key in s3_store.keys()) == sorted(written)  # noqa: SIM118


@pytest.mark.parametrize(
    ("kind", "library", "extra"),
    [("s3", "boto3", "aws"), ("azure", "azure.storage.blob", "azure"), ("gcs", "google.auth", "gcp")],
)
def test_tagging_without_the_clouds_library_names_the_extra(kind, library, extra, request, loading_of, monkeypatch):
    loading = loading_of(request.getfixturevalue(f"{kind}_store"))
    loading.put("a.csv", range(1, 11))
    find = importlib.util.find_spec
    monkeypatch.setattr("trade_ingest.source.tagging.find_spec", lambda name: None if name == library else find(name))

    refused = loading.run("--after-load", "tag")

    assert (refused.code, refused.errors) == (2, {"usage"})
    assert f"pip install 'trade-ingest[{extra}]'" in refused.err
    assert loading.rows() == []


def s3_tags(store):
    import boto3

    client = boto3.client("s3", endpoint_url=os.environ["AWS_ENDPOINT_URL"], region_name="us-east-1")
    place = {"Bucket": store.root.split("/")[2], "Key": f"{store.prefix}/a.csv"}
    return {tag["Key"]: tag["Value"] for tag in client.get_object_tagging(**place)["TagSet"]}


def azure_tags(store):
    from azure.core.credentials import AzureNamedKeyCredential
    from azure.storage.blob import BlobClient

    account = os.environ["AZURE_STORAGE_ACCOUNT_NAME"]
    credential = AzureNamedKeyCredential(account, os.environ["AZURE_STORAGE_ACCOUNT_KEY"])
    container = store.root.removeprefix("az://").partition("@")[0]
    endpoint = os.environ["AZURE_STORAGE_ENDPOINT"]
    with BlobClient(endpoint, container, f"{store.prefix}/a.csv", credential=credential) as client:
        return dict(client.get_blob_tags())


def gcs_tags(store):
    import json

    return json.loads(store._request(store._object("a.csv"), "GET"))["metadata"]


@pytest.mark.parametrize(
    ("kind", "library", "tags"),
    [("s3", "boto3", s3_tags), ("azure", "azure.storage.blob", azure_tags), ("gcs", "google.auth", gcs_tags)],
)
def test_loaded_objects_are_tagged_and_not_taken_for_changed(kind, library, tags, request, loading_of):
    pytest.importorskip(library)
    store = request.getfixturevalue(f"{kind}_store")
    loading = loading_of(store)
    loading.put("a.csv", range(1, 11))

    tagged = loading.run("--after-load", "tag")

    assert (tagged.outcome, tagged.json["archive_failed"], tagged.json["files_archived"]) == ((0, 1, 0, []), [], 1)
    assert tags(store) == {"trade-ingest": "loaded", "trade-ingest-run": "1"}
    assert loading.plan() == {"a.csv": "already_loaded"}
