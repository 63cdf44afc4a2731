"""Secrets are read with the libraries of the clouds, and what goes wrong is said without them."""

import sys
import types

import pytest

from trade_ingest.errors import PlatformAuthenticationError, PlatformError, PlatformUnavailableError, UsageError
from trade_ingest.secret_stores import read_database_url, read_secret

URL = "postgresql://loader:p%40ss@db.example:5433/trades"
RDS = '{"username": "loader", "password": "p@ss", "host": "db.example", "port": 5433, "dbname": "trades"}'


@pytest.fixture
def keep(clouds):
    """Stores a text in each store; the references."""

    def store(name, text):
        clouds.aws.put_secret(name, text)
        clouds.google.secrets[f"projects/desk/secrets/{name}/versions/latest"] = text
        clouds.google.secrets[f"projects/desk/secrets/{name}/versions/3"] = text
        clouds.azure.secrets[name] = text
        clouds.databricks.secrets["desk", name] = text
        (clouds.folder / name).write_text(f"{text}\n")
        arn = clouds.aws.client("secretsmanager").describe_secret(SecretId=name)["ARN"]
        return [
            f"aws-secretsmanager:{name}",
            f"aws-secretsmanager:{arn}",
            f"gcp-secretmanager:desk/{name}",
            f"gcp-secretmanager:desk/{name}/3",
            f"gcp-secretmanager:projects/desk/secrets/{name}",
            f"azure-keyvault:desk/{name}",
            f"databricks:desk/{name}",
            f"file:{clouds.folder / name}",
        ]

    return store


def test_secret_is_read_from_each_store(keep):
    references = keep("plain", URL)

    assert {reference: read_database_url(reference) for reference in references} == dict.fromkeys(references, URL)


def test_secret_of_rds_becomes_a_url(keep):
    assert read_database_url(keep("of-rds", RDS)[0]) == URL


def test_other_json_is_refused_without_being_repeated(keep):
    with pytest.raises(UsageError) as refused:
        read_database_url(keep("half", '{"username": "loader", "password": "hidden"}')[0])

    assert "hidden" not in refused.value.message + refused.value.hint


@pytest.mark.parametrize(
    "reference",
    [
        "aws-secretsmanager:none",
        "gcp-secretmanager:desk/none",
        "azure-keyvault:desk/none",
        "databricks:desk/none",
    ],
)
def test_missing_secret_is_said(clouds, reference):
    with pytest.raises(PlatformError, match=f"secret {reference}: refused") as refused:
        read_secret(reference)

    assert not isinstance(refused.value, (PlatformAuthenticationError, PlatformUnavailableError))


def test_store_without_credentials_is_told_apart(clouds, monkeypatch):
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")

    with pytest.raises(PlatformAuthenticationError, match="access denied: Unable to locate credentials"):
        read_secret("aws-secretsmanager:plain")


def test_store_that_cannot_be_reached_is_told_apart(clouds, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL_SECRETS_MANAGER", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")

    with pytest.raises(PlatformUnavailableError, match="cannot be used now"):
        read_secret("aws-secretsmanager:plain")


def test_synapse_and_fabric_are_asked_in_their_own_way(monkeypatch):
    """By the modules that their runtimes have; here they say what they were asked."""

    class Credentials:
        @staticmethod
        def getSecret(*arguments):  # noqa: N802  # the platform's name
            return repr(arguments)

    fabric, synapse = types.ModuleType("notebookutils"), types.ModuleType("notebookutils")
    fabric.credentials = Credentials
    synapse.mssparkutils = types.SimpleNamespace(credentials=Credentials)
    found = []
    for module in (fabric, synapse):
        module.__spec__ = types.SimpleNamespace()
        monkeypatch.setitem(sys.modules, "notebookutils", module)
        found.append([read_secret(f"azure-keyvault:desk/url{more}") for more in ("", "@linked")])

    own = "('https://desk.vault.azure.net/', 'url')"
    assert found == [[own, own], ["('desk', 'url')", "('desk', 'url', 'linked')"]]
