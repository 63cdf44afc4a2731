"""Named connections of object stores, as settings."""

import json

import pytest

from trade_ingest.errors import ConfigurationError
from trade_ingest.settings import load_settings

TOML = """
[connections.vendor]
match = "s3://deliveries/fx/"
access_key_id = "AKIAKEY"
secret_access_key = "s3cr3t"
region = "eu-central-1"

[connections.lake]
match = "abfss://fills@acme.dfs.core.windows.net"
sas_token = "sv=1&sig=s3cr3t"
"""


def load(folder, toml="", **environment):
    (folder / "trade-ingest.toml").write_text(toml)
    return load_settings(environment=environment, folder=folder)


def test_connections_of_the_file_are_read_by_name(tmp_path):
    settings = load(tmp_path, TOML)

    vendor, lake = settings.store_connections
    assert (vendor.name, vendor.match, vendor.region) == ("vendor", "s3://deliveries/fx", "eu-central-1")
    assert vendor.secret_access_key.get_secret_value() == "s3cr3t"
    assert (lake.name, lake.match) == ("lake", "az://fills@acme")
    assert str(settings.origin_of("connections")) == "connections in trade-ingest.toml"


def test_variable_gives_connections_as_json(tmp_path):
    given = {"public": {"match": "s3://open", "anonymous": True}}

    settings = load(tmp_path, TOML, TRADE_INGEST_CONNECTIONS=json.dumps(given))
    none = load(tmp_path, TOML, TRADE_INGEST_CONNECTIONS="")

    assert [c.name for c in settings.store_connections] == ["public"]
    assert none.store_connections == ()


def test_secrets_are_masked_where_connections_are_shown(tmp_path):
    settings = load(tmp_path, TOML)

    assert settings.shown("connections") == {
        "vendor": {
            "match": "s3://deliveries/fx",
            "region": "eu-central-1",
            "access_key_id": "***",
            "secret_access_key": "***",
        },
        "lake": {"match": "az://fills@acme", "sas_token": "***"},
    }
    assert "s3cr3t" not in f"{settings!r} {settings.model_dump()} {settings.model_dump_json()}"


@pytest.mark.parametrize(
    ("toml", "problem"),
    [
        (
            '[connections.vendor]\nmatch = "s3://b"\nacces_key_id = "s3cr3t"\n',
            "vendor.acces_key_id: no such key; did you mean access_key_id?",
        ),
        ('[connections.vendor]\ntoken = "s3cr3t"\n', "vendor.match is missing; expected the beginning of the URIs"),
        (
            '[connections.vendor]\nmatch = "s3://b"\ntoken = "s3cr3t"\n',
            "vendor: token is for gs://, and match is s3://b",
        ),
        ('[connections.vendor]\nmatch = "s3://b"\nretries = "s3cr3t"\n', "vendor.retries is not legal"),
        ('connections = "s3cr3t"\n', "expected a JSON object of connections by name"),
        ('connections = ["s3cr3t"]\n', "expected tables [connections.NAME]"),
        ('connections.vendor = "s3cr3t"\n', "vendor is not legal"),
    ],
)
def test_wrong_connection_is_told_without_its_values(tmp_path, toml, problem):
    with pytest.raises(ConfigurationError) as caught:
        load(tmp_path, toml)

    assert problem in str(caught.value)
    assert "s3cr3t" not in f"{caught.value} {caught.value.hint} {caught.value.fields}"


def test_all_problems_of_connections_are_listed_at_once(tmp_path):
    toml = '[connections.a]\nmatch = "s3://b"\nregions = "x"\n[connections.b]\nendpoint = "https://y"\n'

    with pytest.raises(ConfigurationError) as caught:
        load(tmp_path, toml)
    assert len(caught.value.fields["problems"]) == 2
