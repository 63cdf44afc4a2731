"""Sources become one canonical form, which never has a secret."""

import pickle

import pytest

from trade_ingest.errors import UsageError
from trade_ingest.source.location import Location, canonical_uri, parse_location, public_query, shown_source

SIGNED = "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIA%2Feu&X-Amz-Signature=5ec4e7&versionId=9"


@pytest.mark.parametrize(
    ("source", "scheme", "store", "key"),
    [
        ("s3://bucket/a/b.csv", "s3", "bucket", "a/b.csv"),
        ("s3a://bucket/a/*.csv", "s3", "bucket", "a/*.csv"),
        ("s3n://bucket", "s3", "bucket", ""),
        ("gs://bucket/a b/ü?.csv", "gs", "bucket", "a b/ü?.csv"),
        ("gcs://bucket/%20#1.csv", "gs", "bucket", "%20#1.csv"),
        ("az://fills@acme/2024/", "az", "fills@acme", "2024/"),
        ("abfss://fills@acme.dfs.core.windows.net/2024/a.csv", "az", "fills@acme", "2024/a.csv"),
        ("abfs://fills@acme.blob.core.windows.net/a.csv", "az", "fills@acme", "a.csv"),
        ("wasbs://fills@acme.blob.core.windows.net/a.csv", "az", "fills@acme", "a.csv"),
        ("wasb://fills@acme/a.csv", "az", "fills@acme", "a.csv"),
        (
            "abfss://fills@acme.dfs.core.chinacloudapi.cn/a.csv",
            "az",
            "fills@acme.dfs.core.chinacloudapi.cn",
            "a.csv",
        ),
        ("HTTPS://Files.Example:443/x/a.csv", "https", "files.example", "x/a.csv"),
        ("http://127.0.0.1:8080/a%2Fb c.csv", "http", "127.0.0.1:8080", "a%2Fb%20c.csv"),
        ("https://[::1]:8443/a.csv?id=7#top", "https", "[::1]:8443", "a.csv?id=7"),
    ],
)
def test_uri_of_a_store_is_taken_apart(source, scheme, store, key):
    location = parse_location(source)

    assert (location.scheme, location.store, location.key) == (scheme, store, key)
    assert location.uri == f"{scheme}://{store}/{key}"
    assert not location.is_local
    assert parse_location(location.uri) == location


@pytest.mark.parametrize(
    ("source", "path"),
    [
        ("/data/a.csv", "/data/a.csv"),
        ("/data/../data//a.csv", "/data/a.csv"),
        ("file:///data/a%20b.csv", "/data/a b.csv"),
        ("file://localhost/data/a.csv", "/data/a.csv"),
        ("file:/data/a.csv", "/data/a.csv"),
        ("dbfs:/mnt/a.csv", "/dbfs/mnt/a.csv"),
        ("dbfs:///mnt/a.csv", "/dbfs/mnt/a.csv"),
        ("dbfs:/Volumes/cat/schema/vol/a.csv", "/Volumes/cat/schema/vol/a.csv"),
        ("/Volumes/cat/schema/vol/*.csv", "/Volumes/cat/schema/vol/*.csv"),
    ],
)
def test_path_is_the_uri_of_a_local_file(source, path):
    assert parse_location(source) == Location("file", "", path)
    assert canonical_uri(source) == path


def test_relative_and_home_paths_become_absolute(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))

    assert canonical_uri("a.csv") == str(tmp_path / "a.csv")
    assert canonical_uri("~/a.csv") == str(tmp_path / "home" / "a.csv")


def test_account_of_azure_may_come_from_the_environment():
    environment = {"AZURE_STORAGE_ACCOUNT": "other", "AZURE_STORAGE_ACCOUNT_NAME": "acme"}

    assert parse_location("az://fills/a.csv", environment=environment).uri == "az://fills@acme/a.csv"
    with pytest.raises(UsageError, match="expected az://container@account/key"):
        parse_location("az://fills/a.csv", environment={})


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ("ftp://host/a.csv", "scheme 'ftp' is not supported"),
        ("s3:///a.csv", "names no bucket"),
        ("https://host/", "names no object"),
        ("https://host", "names no object"),
        ("az://@acme/a.csv", "expected az://container@account/key"),
        ("https://host:99999/a.csv", "the host or the port is not valid"),
        ("https://host:port/a.csv", "the host or the port is not valid"),
        ("https://[bad/a.csv", "the host or the port is not valid"),
        ("file://data/a.csv", "names the host 'data', expected a path"),
    ],
)
def test_what_is_no_source_is_told(source, problem):
    with pytest.raises(UsageError, match=problem) as caught:
        parse_location(source)
    assert caught.value.hint


@pytest.mark.parametrize(
    "source",
    [
        "s3://AKIAKEY:s3cr3t@bucket/a.csv",
        "gs://s3cr3t@bucket/a.csv",
        "az://fills:s3cr3t@acme/a.csv",
        "az://fills@acme/a.csv?sv=2022-11-02&se=2030&sig=s3cr3t",
        "abfss://fills@acme.dfs.core.windows.net/*.csv?sv=2022-11-02&sig=s3cr3t%3D",
        "s3://bucket/a.csv?X-Amz-Signature=s3cr3t",
        "https://me:s3cr3t@host/a.csv",
        "https://me:s3cr3t@[host/a.csv",
        "https://me:s3cr3t@ho℀st/a.csv",  # Python's own error repeats it
        "file://me:s3cr3t@host/a.csv",
        "ftp://me:s3cr3t@host/a.csv",
    ],
)
def test_secret_in_a_uri_is_refused_and_not_repeated(source):
    with pytest.raises(UsageError) as caught:
        parse_location(source)

    assert "s3cr3t" not in f"{caught.value} {caught.value.hint} {caught.value.fields}"
    assert "s3cr3t" not in shown_source(source)


def test_query_of_a_signed_address_is_kept_apart():
    location = parse_location(f"https://bucket.s3.amazonaws.com/a.csv?{SIGNED}")

    assert location.uri == "https://bucket.s3.amazonaws.com/a.csv"
    assert location.query == SIGNED
    assert "5ec4e7" not in repr(location)
    assert pickle.loads(pickle.dumps(location)) == location


@pytest.mark.parametrize(
    ("query", "kept"),
    [
        ("", ""),
        ("id=7&part=2", "id=7&part=2"),
        ("id=7&token=s3cr3t", "id=7"),
        ("api_key=s3cr3t&id=7", "id=7"),
        ("access%5Ftoken=s3cr3t", ""),
        ("sv=2022-11-02&se=2030&sr=b&sp=r&sig=s3cr3t%3D", ""),
        ("X-Goog-Algorithm=GOOG4&X-Goog-Signature=s3cr3t", ""),
        ("Expires=1&Signature=s3cr3t&Key-Pair-Id=K", ""),
        (SIGNED, ""),
        ("keyword=fx&monkey=1", "keyword=fx&monkey=1"),
    ],
)
def test_only_what_names_the_object_stays_of_a_query(query, kept):
    assert public_query(query) == kept
    assert shown_source(f"https://host/a.csv?{query}") == "https://host/a.csv" + (f"?{kept}" if kept else "")


@pytest.mark.parametrize("source", ["data/*.csv", "s3://bucket/a?.csv", "az://fills@acme/a.csv", "gs://b/x{date:%Y}"])
def test_source_without_secrets_is_shown_as_it_is(source):
    assert shown_source(source) == source
