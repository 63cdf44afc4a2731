"""Keys, tokens and signatures are seen nowhere: in no table, no log line, no error, no output; wrong ones neither."""

import re
import secrets
from collections.abc import Iterable
from datetime import timedelta
from urllib.parse import quote, unquote

import obstore
import psycopg
import pytest
from psycopg import sql

from stores.faults import cut, reply
from stores.server_process import HOST


def everything_said(loading, *sources: str) -> str:
    """What the program writes when it plans, loads, lists and explains, with all its logging; and the database."""
    loading.sources = list(sources) or loading.sources
    named = loading._sources()
    calls = [
        ("--debug", "plan", *named, "-o", "json"),
        ("--debug", "run", *named, "-o", "jsonl"),
        ("--debug", "run", *named),
        ("run", *named, "-o", "json"),
        ("files", "-o", "json"),
        ("runs", "-o", "json"),
        ("--debug", "explain", named[0]),
        ("--debug", "config", "show"),
    ]
    said = [f"{done.out}\n{done.err}" for done in (loading.program(*call) for call in calls)]
    return "\n".join([*said, *content_of(loading.database)])


def content_of(database: str) -> Iterable[str]:
    """All rows of all tables of ours, as text."""
    with psycopg.connect(database) as connection:
        tables = connection.execute(
            "SELECT table_schema, table_name FROM information_schema.tables"
            " WHERE table_schema NOT IN ('pg_catalog', 'information_schema')"
        ).fetchall()
        for table in tables:
            statement = sql.SQL("SELECT row_to_json(t)::text FROM {} AS t").format(sql.Identifier(*table))
            yield from (f"{'.'.join(table)}: {row}" for (row,) in connection.execute(statement).fetchall())


def leaks(said: str, hidden: Iterable[str]) -> dict[str, list[str]]:
    """The lines that show a secret, as it is or encoded for a URL."""
    forms = {form for secret in hidden for form in (secret, quote(secret, safe=""), quote(secret), unquote(secret))}
    lines = said.splitlines()
    found = {form: [line[:300] for line in lines if form in line] for form in forms if form}
    return {form: shown for form, shown in found.items() if shown}


@pytest.mark.parametrize("kind", ["s3", "azure", "sas", "gcs"])
def test_credentials_of_the_environment_are_not_seen(kind, request, loading_of):
    store = (
        request.getfixturevalue("azurite").sas_store() if kind == "sas" else request.getfixturevalue(f"{kind}_store")
    )
    loading = loading_of(store)
    loading.put("a.csv", range(1, 11))
    loading.put("broken.csv", range(11, 21), price="many")

    said = everything_said(loading)

    assert loading.seen.uri("broken.csv") in said
    assert loading.rows() == loading.expected("a.csv")
    assert leaks(said, store.secrets) == {}


@pytest.mark.parametrize("kind", ["s3", "azure"])
def test_wrong_credentials_are_not_seen(kind, request, loading_of, monkeypatch):
    store = request.getfixturevalue(f"{kind}_store")
    loading = loading_of(store)
    loading.put("a.csv", range(1, 11))
    name = {"s3": "AWS_SECRET_ACCESS_KEY", "azure": "AZURE_STORAGE_ACCOUNT_KEY"}[kind]
    wrong = secrets.token_hex(22)
    monkeypatch.setenv(name, wrong)

    said = everything_said(loading)

    assert re.search(r"error\[store\.(authentication|permission)\]", said)
    assert loading.rows() == []
    assert leaks(said, [wrong, *store.secrets]) == {}


@pytest.mark.parametrize("is_right", [True, False])
def test_credentials_of_a_connection_are_not_seen(is_right, s3_store, loading_of, monkeypatch):
    loading = loading_of(s3_store)
    loading.put("a.csv", range(1, 11))
    key_id, secret_key = s3_store.secrets
    given = secret_key if is_right else secrets.token_urlsafe(30)
    for name in s3_store.environment:
        monkeypatch.delenv(name)
    (loading.folder / "trade-ingest.toml").write_text(
        f'[connections.vendor]\nmatch = "s3://deliveries"\nendpoint = "http://{HOST}:{s3_store.port}"\n'
        f'access_key_id = "{key_id}"\nsecret_access_key = "{given}"\n'
    )

    said = everything_said(loading)

    assert loading.rows() == (loading.expected() if is_right else [])
    assert ("store.authentication" in said) != is_right
    assert leaks(said, [key_id, secret_key, given]) == {}


@pytest.mark.parametrize("name", ["sig", "X-Amz-Signature", "api_key"])
def test_signature_of_an_address_is_not_seen(name, http_store, loading_of):
    secret = secrets.token_urlsafe(30) + "/+="
    http_store.server.query = f"{name}={quote(secret, safe='')}"
    loading = loading_of(http_store)
    loading.put("a.csv", range(1, 11))

    said = everything_said(loading)

    row_uris = {row[0] for row in loading.rows()}
    assert row_uris == {f"{http_store.root}/a.csv"}
    assert len(loading.rows()) == 10
    assert leaks(said, [secret]) == {}


@pytest.mark.parametrize(
    "fault", [pytest.param(cut, id="cut"), pytest.param(reply(503), id="503"), pytest.param(reply(403), id="403")]
)
def test_signature_of_an_address_is_not_seen_when_the_server_fails(
    fault, http_store, loading_of, proxy_for, monkeypatch
):
    secret = secrets.token_urlsafe(30) + "/+="
    http_store.server.query = f"se=2030-01-01&sig={quote(secret, safe='')}"
    proxy = proxy_for(http_store)
    loading = loading_of(http_store, http_store.behind(proxy.port))
    monkeypatch.setenv("TRADE_INGEST_CONNECTIONS", '{"quick": {"match": "http://", "retries": 0}}')
    loading.put("a.csv", range(1, 11))
    rule = proxy.on(fault)

    said = everything_said(loading)

    assert rule.hits > 0
    assert "error[store." in said
    assert leaks(said, [secret]) == {}


def test_addresses_that_clouds_sign_are_loaded_and_their_signatures_not_seen(s3_store, azurite, loading_of):
    azure_store = azurite.sas_store()
    loading = loading_of(s3_store)
    loading.put("a.csv", range(1, 11))
    blob = azure_store.signed_url("b.csv")
    loading.store = azure_store
    loading.put("b.csv", range(11, 21))
    signed = obstore.sign(s3_store.client, "GET", f"{s3_store.prefix}/a.csv", timedelta(hours=1))
    signature = signed.rpartition("X-Amz-Signature=")[2].partition("&")[0]

    said = everything_said(loading, signed, blob)

    assert len(loading.rows()) == 20
    assert {row[0].partition("?")[2] for row in loading.rows()} == {""}
    assert leaks(said, [signature, *s3_store.secrets, *azure_store.secrets]) == {}


@pytest.mark.parametrize(
    "source",
    [
        "s3://{key_id}:{secret}@deliveries/in/",
        "http://{key_id}:{secret}@127.0.0.1:1/a.csv",
        "az://deliveries@tradefiles/in/?sv=2022-11-02&sig={secret}",
        "s3://deliveries/in/a.csv?X-Amz-Signature={secret}",
    ],
)
def test_source_with_a_secret_is_refused_without_repeating_it(source, s3_store, loading_of):
    loading = loading_of(s3_store)
    key_id, secret = secrets.token_hex(10), secrets.token_hex(20)

    done = loading.program("--debug", "run", source.format(key_id=key_id, secret=secret))

    assert (done.code, done.errors) == (2, {"usage"})
    assert leaks("\n".join([done.out, done.err, *content_of(loading.database)]), [key_id, secret]) == {}
