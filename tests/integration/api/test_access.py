"""Who may do what: every route and every scope, sessions, proxies, other sites; secrets are nowhere."""

import json
import re
from datetime import UTC, datetime, timedelta

import pytest
from psycopg.types.json import Json

from trade_ingest.api.access import Scope, required_scope
from trade_ingest.api.app import create_app
from trade_ingest.api.options import ApiOptions
from trade_ingest.errors import ConfigurationError
from trade_ingest.run import RunOptions
from trade_ingest.settings import Settings

UNSAFE = {"POST", "PUT", "PATCH", "DELETE"}


@pytest.fixture
def app_of(service, tmp_path):
    """Makes apps of the service's database, with authentication; their connections are closed."""
    service.make_token("read")  # makes the ledger
    made = []

    def make(**settings):
        given = {"database_url": service.database, "api_sources": (str(service.folder),), "api_auth": "token"}
        given |= settings
        options = ApiOptions(given["database_url"], Settings(**given), static_folder=tmp_path / "no-dashboard")
        made.append(create_app(options))
        return made[-1]

    yield make
    for app in made:
        app.extensions["trade_ingest_events"].close()
        app.extensions["trade_ingest_connections"].close()


@pytest.fixture
def client(app_of):
    return app_of().test_client()


def bearer(token):
    return {"Authorization": f"Bearer {token}"}


def routes(app):
    """Each route with each method: path with ids filled in, method, scope."""
    for rule in app.url_map.iter_rules():
        path = re.sub(r"<int:\w+>", "1", rule.rule)
        path = re.sub(r"<\w+(:\w+)?>", "trade_event", path)
        for method in sorted(rule.methods - {"HEAD", "OPTIONS"}):
            yield path, method, required_scope(app.view_functions[rule.endpoint])


def test_each_route_says_who_may_use_it(app_of):
    found = list(routes(app_of()))

    assert len(found) > 40
    assert {path for path, method, scope in found if scope is None} >= {"/healthz", "/readyz"}
    assert [(path, method) for path, method, scope in found if scope is None and method in UNSAFE] == [
        ("/api/v1/session", "POST")
    ]
    for path in ("/api/v1/tokens", "/api/v1/audit"):
        assert {scope for found_path, _, scope in found if found_path == path} == {Scope.ADMIN}


def test_each_scope_at_each_route(service, app_of):
    app = app_of()
    client = app.test_client()
    tokens = {None: None, "wrong": "tig_wrong"} | {scope: service.make_token(scope) for scope in Scope}
    wrong = {}
    for path, method, wanted in routes(app):
        for scope, token in tokens.items():
            if token == "tig_wrong":
                app.extensions["trade_ingest_auth"]._failures._failures.clear()
            headers = {"Accept": "application/json"}
            answer = client.open(path, method=method, headers=headers | (bearer(token) if token else {}))
            status = answer.status_code
            if wanted is None:
                is_right = status not in {401, 403}
            elif isinstance(scope, Scope) and scope.includes(wanted):
                is_right = status not in {401, 403} and status < 500
            else:
                is_right = status == (403 if isinstance(scope, Scope) else 401)
            if not is_right:
                wrong[path, method, scope] = (status, answer.get_data(as_text=True)[:200])

    assert wrong == {}


@pytest.mark.parametrize("state", ["expired", "revoked"])
def test_token_that_is_over_lets_nobody_in(service, client, state):
    token = service.make_token("admin", expires_at=datetime.now(UTC) + timedelta(hours=1))
    assert client.get("/api/v1/session", headers=bearer(token)).json["scope"] == "admin"
    column = "expires_at" if state == "expired" else "revoked_at"
    service.query(f"UPDATE ingest.api_token SET {column} = now() - interval '1 s'")
    answer = client.get("/api/v1/session", headers=bearer(token))

    assert (answer.status_code, answer.json["code"], answer.headers["WWW-Authenticate"]) == (
        401,
        "api.unauthenticated",
        "Bearer",
    )


def test_too_many_wrong_tokens_have_to_wait(service, client):
    token = service.make_token("read")
    answers = [client.get("/api/v1/session", headers=bearer(f"tig_{n}")) for n in range(12)]
    elsewhere = client.get("/api/v1/session", headers=bearer("x"), environ_overrides={"REMOTE_ADDR": "203.0.113.7"})

    assert [answer.status_code for answer in answers] == [401] * 10 + [429] * 2
    assert answers[-1].json["retryable"]
    assert 0 < int(answers[-1].headers["Retry-After"]) <= 60
    assert elsewhere.status_code == 401
    assert client.get("/api/v1/session", headers=bearer(token)).status_code == 200
    assert client.post("/api/v1/session", json={"token": token}).status_code == 201


def test_too_many_wrong_cookies_have_to_wait(service, client):
    statuses = []
    for number in range(12):
        client.set_cookie("trade_ingest_session", f"wrong{number}")
        statuses.append(client.get("/api/v1/session").status_code)
    good = client.post("/api/v1/session", json={"token": service.make_token("read")})

    assert statuses == [401] * 10 + [429] * 2
    assert good.status_code == 201
    assert client.get("/api/v1/session").status_code == 200


def test_session_of_a_browser(service, client):
    token = service.make_token("operate")
    made = client.post("/api/v1/session", json={"token": token}, base_url="https://localhost")
    cookies = {line.split("=")[0]: line for line in made.headers.getlist("Set-Cookie")}
    csrf = client.get_cookie("XSRF-TOKEN").value

    assert made.status_code == 201
    assert {"HttpOnly", "SameSite=Strict", "Secure"} <= set(cookies["trade_ingest_session"].split("; "))
    assert "HttpOnly" not in cookies["XSRF-TOKEN"]
    assert client.get("/api/v1/session", base_url="https://localhost").json == made.json | {
        "method": "session",
        "expires_at": None,
    }
    write = {"path": "/api/v1/rejects/discard", "json": {"reason": "x", "why": "y"}, "base_url": "https://localhost"}
    refused = [
        client.post(**write),
        client.post(**write, headers={"X-XSRF-TOKEN": "0" * 64}),
        client.post(**write, headers={"X-XSRF-TOKEN": csrf, "Sec-Fetch-Site": "cross-site"}),
        client.post(**write, headers={"X-XSRF-TOKEN": csrf, "Origin": "https://evil.example"}),
    ]
    assert [(answer.status_code, answer.json["code"]) for answer in refused] == [(403, "api.cross_site")] * 4
    assert client.post(**write, headers={"X-XSRF-TOKEN": csrf}).json["code"] == "ledger.not_found"
    assert (
        client.delete("/api/v1/session", headers={"X-XSRF-TOKEN": csrf}, base_url="https://localhost").status_code
        == 204
    )
    assert client.get("/api/v1/session", base_url="https://localhost").status_code == 401


def test_session_ends_with_its_token(service, client):
    token = service.make_token("admin")
    client.post("/api/v1/session", json={"token": token})
    assert client.get("/api/v1/tokens").status_code == 200
    service.query("UPDATE ingest.api_token SET revoked_at = now()")

    assert client.get("/api/v1/tokens").status_code == 401


def test_session_is_not_made_from_a_wrong_token(client):
    answer = client.post("/api/v1/session", json={"token": "tig_x"})

    assert (answer.status_code, answer.headers.getlist("Set-Cookie")) == (401, [])


def test_without_authentication_only_this_machine_by_its_own_name(app_of):
    client = app_of(api_auth="none").test_client()
    rebound = client.get("/api/v1/runs", headers={"Host": "evil.example"})
    cross = client.post("/api/v1/rejects/discard", json={}, headers={"Origin": "http://evil.example"})

    assert client.get("/api/v1/session").json["method"] == "local"
    assert (rebound.status_code, rebound.json["code"]) == (421, "api.host")
    assert (cross.status_code, cross.json["code"]) == (403, "api.cross_site")
    assert (
        app_of(api_auth="none", api_hosts=("desk.example",))
        .test_client()
        .get("/api/v1/runs", headers={"Host": "desk.example"})
        .status_code
        == 200
    )


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.5", "trades.example"])
def test_serving_others_without_authentication_is_refused(host):
    from trade_ingest.api.auth import check_bind

    with pytest.raises(ConfigurationError, match="can be reached from other machines"):
        check_bind(Settings(api_host=host))
    check_bind(Settings(api_host=host, api_auth="token"))
    for local in ("127.0.0.1", "::1", "localhost"):
        check_bind(Settings(api_host=local))


@pytest.mark.parametrize(
    "given",
    [{"api_proxy_user_header": "X-User"}, {"api_oidc_issuer": "https://id.example", "api_oidc_audience": "desk"}],
    ids=str,
)
def test_who_is_not_named_is_not_made_the_administrator(given):
    from trade_ingest.api.auth import check_bind

    with pytest.raises(ConfigurationError, match="would be the administrator") as caught:
        check_bind(Settings(api_auth="none", **given))
    assert caught.value.hint == "serve with --auth token"
    check_bind(Settings(api_auth="token", **given))


def test_user_is_taken_from_a_trusted_proxy_only(service, app_of):
    client = app_of(
        api_proxy_addresses=("10.1.0.0/16",),
        api_proxy_user_header="X-Forwarded-User",
        api_proxy_scope="operate",
    ).test_client()
    headers = {"X-Forwarded-User": "ann", "X-Forwarded-For": "203.0.113.9, 10.1.2.2"}
    by_proxy = {"REMOTE_ADDR": "10.1.2.3"}
    seen = client.get("/api/v1/session", headers=headers, environ_overrides=by_proxy)
    written = client.post(
        "/api/v1/rejects/discard", json={"reason": "x", "why": "y"}, headers=headers, environ_overrides=by_proxy
    )
    direct = client.get("/api/v1/session", headers=headers, environ_overrides={"REMOTE_ADDR": "10.2.0.1"})

    assert seen.json == {"name": "ann", "scope": "operate", "method": "proxy", "expires_at": None}
    assert written.status_code == 404
    assert service.query("SELECT actor, action, status, address FROM ingest.audit") == [
        ("ann", "commands.discard", 404, "203.0.113.9")
    ]
    assert direct.status_code == 401


def test_every_write_has_its_audit_row(service, client):
    admin, reader = bearer(service.make_token("admin")), bearer(service.make_token("read"))
    made = client.post("/api/v1/tokens", json={"name": "grafana", "scope": "read"}, headers=admin).json
    client.delete(f"/api/v1/tokens/{made['token_id']}", headers=admin)
    client.post("/api/v1/runs", json={"sources": ["/etc"]}, headers=admin)
    client.post("/api/v1/runs", json={"sources": ["/etc"]}, headers=reader)
    client.get("/api/v1/runs", headers=admin)
    page = client.get("/api/v1/audit?limit=2", headers=admin).json
    rest = client.get(f"/api/v1/audit?limit=2&cursor={page['next_cursor']}", headers=admin).json

    shown = [(i["actor"], i["action"], i["status"], i["address"]) for i in page["items"] + rest["items"]]
    assert shown == [
        ("the admin", "commands.start_run", 403, "127.0.0.1"),
        ("the admin", "people.delete_token", 204, "127.0.0.1"),
        ("the admin", "people.post_token", 201, "127.0.0.1"),
    ]
    assert rest["next_cursor"] is None
    assert all(item["request_id"] for item in page["items"])


def test_no_secret_is_in_the_ledger_the_log_or_an_answer(service, app_of, capfd, caplog):
    caplog.set_level("DEBUG")
    url = service.database.replace("postgres@", "postgres:pw-of-database@")
    token = service.make_token("admin")
    app = app_of(database_url=url, notify=("mailtos://me:pw-of-mail@example.com",))
    client = app.test_client()
    texts = []
    session = client.post("/api/v1/session", json={"token": token})
    secrets = [token, "pw-of-database", "pw-of-mail"]
    secrets += [line.split(";")[0].split("=", 1)[1] for line in session.headers.getlist("Set-Cookie")]
    made = client.post("/api/v1/tokens", json={"name": "n", "scope": "read"}, headers=bearer(token)).json["token"]
    secrets.append(made)
    signed = "https://h.example/a.csv?sig=pw-of-signature"
    secrets.append("pw-of-signature")
    secrets += ["pw-of-spark", "pw-of-connect"]
    for master in ("spark://user:pw-of-spark@host:7077", "sc://host:15002/;token=pw-of-connect"):
        service.query(
            "INSERT INTO ingest.run (kind, state, sources, target, engine, host, process_id, started_by,"
            " program_version, options)"
            " VALUES ('ingest', 'failed', '{a}', 'public.t', 'spark', 'h', 1, 'u', '1', %s) RETURNING run_id",
            Json(RunOptions(engine="spark", master=master).as_dict()),
        )
    texts.append(client.post("/api/v1/runs", json={"sources": [signed]}, headers=bearer(token)).get_data(as_text=True))
    for path, method, scope in routes(app):
        if method == "GET" and scope is not None and path != "/api/v1/events":
            texts.append(client.get(path, headers=bearer(token)).get_data(as_text=True))
    for (table,) in service.query(
        "SELECT relname FROM pg_class WHERE relnamespace = 'ingest'::regnamespace AND relkind = 'r'"
    ):
        texts.append(json.dumps(service.query(f"SELECT t::text FROM ingest.{table} AS t")))
    texts += [caplog.text, *capfd.readouterr(), repr(app.extensions)]

    assert len(texts) > 40
    assert [secret for secret in secrets if any(secret in text for text in texts)] == []
