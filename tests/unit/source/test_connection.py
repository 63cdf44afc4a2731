"""Named connections: the longest match wins, secrets never show, and credentials have an order."""

import json
import pickle

import pytest
from pydantic import ValidationError

from trade_ingest.errors import ConfigurationError, StoreAuthenticationError
from trade_ingest.source import credentials
from trade_ingest.source.access import Access, Accesses
from trade_ingest.source.connection import StoreConnection, connection_for
from trade_ingest.source.credentials import find_credentials
from trade_ingest.source.file import SourceFile
from trade_ingest.source.location import parse_location
from trade_ingest.source.stores import open_store

KEYS = {"access_key_id": "AKIAKEY", "secret_access_key": "s3cr3t"}


def connection(match: str, **values: object) -> StoreConnection:
    return StoreConnection.model_validate({"name": "vendor", "match": match, **values})


@pytest.mark.parametrize(
    ("uri", "name"),
    [
        ("s3://bucket/fx/2024/a.csv", "prefix"),
        ("s3://bucket/fx", "prefix"),
        ("s3://bucket/fxx/a.csv", "bucket"),
        ("s3://bucket-2/a.csv", "all"),
        ("gs://bucket/a.csv", None),
        ("az://fills@acme/a.csv", "azure"),
        ("https://host/a.csv", "host"),
    ],
)
def test_longest_match_wins(uri, name):
    connections = [
        StoreConnection(name="all", match="s3://"),
        StoreConnection(name="prefix", match="s3a://bucket/fx/"),
        StoreConnection(name="bucket", match="s3://bucket"),
        StoreConnection(name="azure", match="abfss://fills@acme.dfs.core.windows.net/"),
        StoreConnection(name="host", match="https://HOST/"),
    ]

    found = connection_for(parse_location(uri), connections)

    assert (found and found.name) == name


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ({"match": "bucket"}, "expected the beginning of a URI"),
        ({"match": "gs://bucket", "region": "eu"}, "region is for s3://"),
        ({"match": "s3://bucket", "account_key": "s3cr3t"}, "account_key is for az://"),
        ({"match": "s3://bucket", "access_key_id": "s3cr3t"}, "belong together"),
        ({"match": "s3://bucket", "anonymous": True, **KEYS}, "anonymous, and access_key_id is given"),
        ({"match": "s3://bucket", "timeout_seconds": 0}, "greater than 0"),
        (
            {"match": "s3://bucket", "endpoint": "https://me:s3cr3t@minio:9000"},
            r"https://\*\*\*@minio:9000: an endpoint",
        ),
        ({"match": "s3://bucket", "endpoint": "me:s3cr3t@minio:9000"}, "the endpoint: an endpoint takes no user name"),
        ({"match": "s3://bucket", "endpoint": "https://minio?token=s3cr3t"}, "takes no user name, password or query"),
        ({"match": "s3://bucket", "endpoint": "not a url"}, "'not a url' is no URL of a service"),
    ],
)
def test_connection_that_makes_no_sense_is_refused_without_its_secrets(values, problem):
    with pytest.raises(ValidationError, match=problem) as caught:
        StoreConnection.model_validate(values)
    assert "s3cr3t" not in str(caught.value)


def test_secrets_do_not_show_and_survive_pickling():
    file = SourceFile(
        "https://host/a.csv", "1", 1, None, Access(connection("https://host", token="s3cr3t"), "sig=q5ec")
    )

    assert "s3cr3t" not in repr(file)
    assert "s3cr3t" not in f"{file.access!r} {file.access.connection} {file.access.connection.shown()}"
    assert "q5ec" not in f"{file!r} {file.access!r}"
    again = pickle.loads(pickle.dumps(file))
    assert again.access == file.access
    assert again.access.connection.secrets == ("s3cr3t",)


def test_signed_query_finds_back_to_its_file():
    accesses = Accesses.to(["https://host/a.csv?sig=q5ec", "s3://bucket/"], [connection("s3://bucket", **KEYS)])

    assert accesses.of_uri("https://host/a.csv").query == "sig=q5ec"
    assert accesses.of_uri("https://host/b.csv") is None
    assert accesses.of_uri("s3://bucket/x.csv").connection.name == "vendor"
    assert accesses.of_uri("/data/a.csv") is None
    assert "q5ec" not in repr(accesses)


@pytest.mark.parametrize(
    ("uri", "given", "environment", "origin"),
    [
        ("s3://b/a", KEYS, {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "y"}, "keys of connection 'vendor'"),
        ("s3://b/a", None, {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "y"}, "AWS_ACCESS_KEY_ID of the env"),
        ("s3://b/a", {"anonymous": True}, {}, "none: connection 'vendor' is anonymous"),
        ("s3://b/a", None, {"AWS_WEB_IDENTITY_TOKEN_FILE": "/t", "AWS_ROLE_ARN": "arn:r"}, "web identity, role arn:r"),
        ("s3://b/a", None, {"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "/v2"}, "the container's role"),
        ("s3://b/a", None, {"AWS_SKIP_SIGNATURE": "true"}, "none: AWS_SKIP_SIGNATURE"),
        ("s3://b/a", None, {}, "the machine's role"),
        ("gs://b/a", {"token": "s3cr3t"}, {}, "token of connection 'vendor'"),
        ("gs://b/a", None, {"GOOGLE_BEARER_TOKEN": "s3cr3t"}, "GOOGLE_BEARER_TOKEN of the environment"),
        ("gs://b/a", None, {}, "the machine's service account"),
        ("az://c@acme/a", {"sas_token": "?sv=1&sig=s3cr3t"}, {}, "SAS token of connection 'vendor'"),
        (
            "az://c@acme/a",
            None,
            {"AZURE_STORAGE_ACCOUNT_KEY": "s3cr3t=="},
            "AZURE_STORAGE_ACCOUNT_KEY of the environment",
        ),
        ("az://c@acme/a", None, {"AZURE_FEDERATED_TOKEN_FILE": "/t"}, "workload identity"),
        (
            "az://c@acme/a",
            None,
            {"AZURE_STORAGE_CONNECTION_STRING": "AccountName=acme;AccountKey=s3cr3t=="},
            "AZURE_STORAGE_CONNECTION_STRING",
        ),
        (
            "az://c@acme/a",
            None,
            {"AZURE_STORAGE_CONNECTION_STRING": "AccountName=other;AccountKey=s3cr3t=="},
            "the machine's managed identity",
        ),
    ],
)
def test_credentials_come_from_the_first_that_is_there(uri, given, environment, origin, tmp_path, monkeypatch):
    monkeypatch.setattr(credentials, "find_spec", lambda _: None)  # as where no cloud's library is installed
    scheme = uri.partition("/")[0] + "//"
    homeless = {
        "AWS_CONFIG_FILE": str(tmp_path / "none"),
        "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "none"),
        "CLOUDSDK_CONFIG": str(tmp_path),
    }
    used = connection(scheme, **given) if given is not None else None

    found = find_credentials(parse_location(uri), used, {**homeless, **environment})

    assert found.origin.startswith(origin)
    assert "s3cr3t" not in repr(found)


def test_keys_of_a_profile_are_read_from_both_files(tmp_path, monkeypatch):
    monkeypatch.setattr(credentials, "find_spec", lambda _: None)  # as where boto3 is not installed
    (tmp_path / "config").write_text("[profile vendor]\nregion = eu-west-1\n[profile sso]\nsso_session = acme\n")
    (tmp_path / "credentials").write_text("[vendor]\naws_access_key_id = AKIA\naws_secret_access_key = s3cr3t\n")
    environment = {
        "AWS_CONFIG_FILE": str(tmp_path / "config"),
        "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "credentials"),
        "AWS_PROFILE": "vendor",
    }
    location = parse_location("s3://bucket/a.csv")

    found = find_credentials(location, None, environment)

    assert (found.origin, found.config) == ("keys of profile 'vendor'", {"region": "eu-west-1"})
    assert found.provider() == {
        "access_key_id": "AKIA",
        "secret_access_key": "s3cr3t",
        "token": None,
        "expires_at": None,
    }
    with pytest.raises(StoreAuthenticationError, match="no profile 'gone'"):
        find_credentials(location, None, {**environment, "AWS_PROFILE": "gone"})
    with pytest.raises(StoreAuthenticationError, match="needs single sign-on") as caught:
        find_credentials(location, None, {**environment, "AWS_PROFILE": "sso"})
    assert caught.value.hint == "pip install 'trade-ingest[aws]'"


def test_file_of_google_is_told_apart_by_its_type(tmp_path):
    path = tmp_path / "application_default_credentials.json"
    location, environment = parse_location("gs://bucket/a.csv"), {"CLOUDSDK_CONFIG": str(tmp_path)}

    path.write_text(json.dumps({"type": "authorized_user"}))
    assert find_credentials(location, None, environment).config == {"application_credentials": str(path)}
    path.write_text(json.dumps({"type": "service_account"}))
    assert find_credentials(location, None, environment).config == {"service_account": str(path)}
    path.write_text("no JSON")
    with pytest.raises(StoreAuthenticationError, match="no credentials file of Google"):
        find_credentials(location, None, environment)
    with pytest.raises(StoreAuthenticationError, match="names a file that is not there"):
        find_credentials(location, None, {"GOOGLE_APPLICATION_CREDENTIALS": str(tmp_path / "gone.json")})


@pytest.mark.parametrize(
    ("endpoint", "allowed", "is_taken"),
    [
        ("http://127.0.0.1:9000", False, True),
        ("http://localhost:9000", False, True),
        ("http://[::1]:9000", False, True),
        ("http://minio:9000", False, False),
        ("http://minio:9000", True, True),
        ("https://minio:9000", False, True),
    ],
)
def test_unencrypted_endpoints_are_for_this_machine_alone(endpoint, allowed, is_taken, monkeypatch):
    for name in ("AWS_ALLOW_HTTP", "AZURE_ALLOW_HTTP", "GOOGLE_ALLOW_HTTP", "HTTP_ALLOW_HTTP"):
        monkeypatch.delenv(name, raising=False)
    access = Access(connection("s3://bucket", endpoint=endpoint, allow_http=allowed, **KEYS))
    location = parse_location("s3://bucket")

    if is_taken:
        assert open_store(location, access).endpoint == endpoint
    else:
        with pytest.raises(ConfigurationError, match="not encrypted") as caught:
            open_store(location, access)
        assert "allow_http" in caught.value.hint


@pytest.mark.parametrize(
    ("uri", "variable"),
    [
        ("s3://bucket", "AWS_ENDPOINT_URL_S3"),
        ("s3://bucket", "AWS_ENDPOINT_URL"),
        ("gs://bucket", "GOOGLE_BASE_URL"),
        ("az://c@acme", "AZURE_STORAGE_ENDPOINT"),
        ("az://c@acme", "AZURE_STORAGE_CONNECTION_STRING"),
    ],
)
@pytest.mark.parametrize(
    ("endpoint", "problem"),
    [
        ("http://me:s3cr3t@127.0.0.1:9", "http://***@127.0.0.1:9: an endpoint takes no user name, password or query"),
        ("https://host/?sig=s3cr3t", "https://host/: an endpoint takes no user name, password or query"),
        ("not a url", "'not a url' is no URL of a service; expected https://host or https://host:port"),
        ("ftp://host", "'ftp://host' is no URL of a service; expected https://host or https://host:port"),
        ("https://localhost:port", "'https://localhost:port' is no URL of a service; expected https://host or "),
        ("https://[bad", "'https://[bad' is no URL of a service; expected https://host or https://host:port"),
        ("https://:9", "'https://:9' is no URL of a service; expected https://host or https://host:port"),
        ("https://host/a b", "'https://host/a b' is no URL of a service; expected https://host or https://host:port"),
        ("https://h%zz", "'https://h%zz' is no URL of a service: "),
        ("https://999.1.1.1", "'https://999.1.1.1' is no URL of a service: "),
    ],
)
def test_endpoint_of_a_variable_that_is_none_is_refused_without_its_secrets(
    uri, variable, endpoint, problem, monkeypatch
):
    for name in (
        "AWS_ENDPOINT_URL_S3",
        "AWS_ENDPOINT_URL",
        "AWS_ENDPOINT",
        "GOOGLE_BASE_URL",
        "AZURE_STORAGE_ENDPOINT",
    ):
        monkeypatch.delenv(name, raising=False)
    text = f"AccountKey=s3cr3t==;BlobEndpoint={endpoint}" if variable.endswith("STRING") else endpoint
    monkeypatch.setenv(variable, text)

    with pytest.raises(ConfigurationError) as caught:
        open_store(parse_location(uri), Access())

    assert caught.value.message.startswith(problem)
    assert "s3cr3t" not in f"{caught.value} {caught.value.hint} {caught.value.fields}"


@pytest.mark.parametrize(
    ("given", "environment", "problem"),
    [
        ({"account_key": "no base64! s3cr3t"}, {}, "account key of connection 'vendor': is no account key"),
        ({"account_key": "s3cr3t"}, {}, "account key of connection 'vendor': is no account key"),
        (None, {"AZURE_STORAGE_KEY": "s3cr3t\u00e9"}, "AZURE_STORAGE_KEY of the environment: is no account key"),
        (
            None,
            {"AZURE_STORAGE_CONNECTION_STRING": "AccountKey=s3cr3t"},
            "AZURE_STORAGE_CONNECTION_STRING: is no account key",
        ),
        ({"sas_token": "sv=1&s3cr3t"}, {}, "SAS token of connection 'vendor': is no SAS token"),
        (
            None,
            {"AZURE_STORAGE_SAS_TOKEN": "?sv=1&se=2"},
            "AZURE_STORAGE_SAS_TOKEN of the environment: is no SAS token",
        ),
        (None, {"AZURE_STORAGE_SAS_TOKEN": "sig=s3cr3t&nothing"}, "AZURE_STORAGE_SAS_TOKEN of the environment: is no "),
    ],
)
def test_azure_credentials_that_cannot_be_any_are_named_and_not_shown(given, environment, problem):
    vendor = connection("az://c@acme", **given) if given else None

    with pytest.raises(StoreAuthenticationError) as caught:
        find_credentials(parse_location("az://c@acme/a"), vendor, environment)

    assert caught.value.message.startswith(problem)
    assert "s3cr3t" not in f"{caught.value} {caught.value.hint}"


@pytest.mark.parametrize(
    "content",
    [
        {"client_email": "a@b.c"},
        {
            "client_email": "a@b.c",
            "private_key_id": "x",
            "private_key": "-----BEGIN PRIVATE KEY-----\ns3cr3t\n-----END",
        },
    ],
    ids=["without a key", "with half a key"],
)
def test_file_of_google_that_cannot_be_used_is_told(content, tmp_path):
    path = tmp_path / "account.json"
    path.write_text(json.dumps({"type": "service_account", **content}))

    with pytest.raises(StoreAuthenticationError, match="cannot be opened with file of connection 'vendor'") as caught:
        open_store(parse_location("gs://bucket"), Access(connection("gs://bucket", service_account=path)))

    assert "s3cr3t" not in f"{caught.value} {caught.value.hint}"
