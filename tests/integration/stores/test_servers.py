"""The servers that the other tests rely on do what those expect of them."""

import os
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import obstore
import psutil
import pytest
from obstore.store import AzureStore, GCSStore, S3Store

from stores.azurite import ACCOUNT, CONTAINER
from stores.server_process import HOST, ServerDidNotStartError, run_server

TESTS = Path(__file__).parents[2]


def client_of(store):
    """A client as the product may make one: with nothing but the URI and the environment."""
    options = {"client_options": {"allow_http": True}}
    bucket, _, prefix = store.root.partition("://")[2].partition("/")
    if store.kind == "s3":
        client = S3Store(bucket, **options)
    elif store.kind == "gcs":
        client = GCSStore(bucket, **options)
    else:
        client = AzureStore(bucket.partition("@")[0], **options)
    return client, prefix


def read(url: str, **headers: str) -> tuple[int, bytes, dict[str, str]]:
    request = urllib.request.Request(url, headers={name.replace("_", "-"): value for name, value in headers.items()})
    try:
        with urllib.request.urlopen(request, timeout=10) as reply:
            return reply.status, reply.read(), dict(reply.headers)
    except urllib.error.HTTPError as error:
        return error.code, error.read(), dict(error.headers)


def test_store_keeps_what_is_put(store):
    store.put("2024/a b.csv", b"one")
    store.put("2024/ü.csv", b"two")
    store.put("2024/ü.csv", b"three")
    store.put("2025/c.csv", b"four")
    store.delete("2025/c.csv")

    assert store.keys() == ["2024/a b.csv", "2024/ü.csv"]
    assert store.keys("2024/ü") == ["2024/ü.csv"]
    assert (store.get("2024/a b.csv"), store.get("2024/ü.csv")) == (b"one", b"three")


@pytest.mark.parametrize("kind", ["s3", "azure", "gcs"])
def test_bucket_is_read_by_the_environment_alone(kind, request, reach):
    store = request.getfixturevalue(f"{kind}_store")
    store.put("a/b.csv", b"0123456789")
    reach(store)

    client, prefix = client_of(store)
    listed = [meta["path"] for page in obstore.list(client, prefix) for meta in page]

    assert listed == [f"{prefix}/a/b.csv"]
    assert bytes(obstore.get_range(client, listed[0], start=3, length=4)) == b"3456"


@pytest.mark.parametrize("kind", ["s3", "azure"])
def test_bucket_refuses_wrong_credentials_and_old_versions(kind, request, reach, monkeypatch):
    store = request.getfixturevalue(f"{kind}_store")
    store.put("a.csv", b"0123456789")
    reach(store)
    client, prefix = client_of(store)
    etag = obstore.head(client, f"{prefix}/a.csv")["e_tag"]
    store.put("a.csv", b"9876543210")

    with pytest.raises(obstore.exceptions.PreconditionError):
        obstore.get(client, f"{prefix}/a.csv", options={"if_match": etag})

    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x" * 40)
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_KEY", "eHh4eA==")
    with pytest.raises((obstore.exceptions.PermissionDeniedError, obstore.exceptions.UnauthenticatedError)):
        obstore.head(client_of(store)[0], f"{prefix}/a.csv")


def test_shared_access_signature_reads_and_does_not_write(azurite, reach):
    store = azurite.sas_store()
    store.put("a.csv", b"one")
    reach(store)
    client, prefix = client_of(store)

    assert bytes(obstore.get(client, f"{prefix}/a.csv").bytes()) == b"one"
    with pytest.raises(obstore.exceptions.BaseError, match="AuthorizationPermissionMismatch"):
        obstore.put(client, f"{prefix}/b.csv", b"two")
    assert store.root.startswith(f"az://{CONTAINER}@{ACCOUNT}/")


def test_url_is_read_in_parts_and_only_at_one_version(http_store):
    http_store.put("a.csv", b"0123456789")
    url = http_store.uri("a.csv")
    status, body, headers = read(url)
    etag = headers["ETag"]

    assert (status, body, headers["Accept-Ranges"]) == (200, b"0123456789", "bytes")
    assert read(url, Range="bytes=2-4")[:2] == (206, b"234")
    assert read(url, Range="bytes=8-")[:2] == (206, b"89")
    assert read(url, Range="bytes=-3")[:2] == (206, b"789")
    assert read(url, Range="bytes=10-12")[0] == 416
    assert read(url, If_Match=etag)[0] == 200
    http_store.put("a.csv", b"9876543210")
    assert read(url, If_Match=etag)[0] == 412
    assert read(url, If_Unmodified_Since=headers["Last-Modified"])[0] == 412
    assert read(http_store.uri("b.csv"))[0] == 404


def test_url_server_does_without_ranges_and_etags_and_asks_for_a_signature(http_store):
    http_store.put("a.csv", b"0123456789")
    http_store.server.has_ranges = http_store.server.has_etags = False

    status, body, headers = read(http_store.uri("a.csv"), Range="bytes=2-4", If_Match='"x"')

    assert (status, body) == (200, b"0123456789")
    assert {"ETag", "Accept-Ranges"}.isdisjoint(headers)
    plain = http_store.uri("a.csv")
    http_store.server.query = "signature=abc"
    assert (read(plain)[0], read(http_store.uri("a.csv"))[0]) == (403, 200)


def test_server_that_ends_at_once_is_told_with_what_it_said():
    def command(ports, folder):
        assert len(set(ports)) == 2
        assert not [*folder.iterdir()]
        return [sys.executable, "-c", "raise SystemExit('cannot listen')"]

    with (
        pytest.raises(ServerDidNotStartError, match="cannot listen"),
        run_server(command, ports=2, is_ready=lambda _: False),
    ):
        pass


def test_server_is_gone_when_its_test_process_is_killed():
    script = (
        "import sys, time; sys.path.insert(0, sys.argv[1])\n"
        "from stores.fake_gcs import run_fake_gcs\n"
        "with run_fake_gcs() as server: print(server.port, flush=True); time.sleep(60)"
    )
    command = [sys.executable, "-c", script, str(TESTS)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=os.environ) as process:
        port = int(process.stdout.readline())
        descendants = psutil.Process(process.pid).children(recursive=True)
        folders = {process.cwd() for process in descendants}
        assert read(f"http://{HOST}:{port}/storage/v1/b?project=x")[0] == 200
        assert [Path(folder).exists() for folder in folders] == [True]
        process.kill()

    _, alive = psutil.wait_procs(descendants, timeout=30)

    assert len(descendants) == 2  # the guard and the server
    assert alive == []
    assert [Path(folder).exists() for folder in folders] == [False]
