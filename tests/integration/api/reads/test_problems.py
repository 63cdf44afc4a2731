"""Whatever goes wrong is a problem of RFC 9457, and tells nothing that is not the client's."""

import base64
import gzip
import io
import json
import logging
import re

import psycopg
import pytest
from xxhash import xxh3_64_digest

from trade_ingest.errors import OUTCOMES
from trade_ingest.ledger.schema import HEAD

MEMBERS = {
    "type",
    "title",
    "status",
    "detail",
    "instance",
    "code",
    "hint",
    "retryable",
    "errors",
    "request_id",
}


def problem_of(answer):
    """The problem, of which all is there."""
    assert answer.headers["Content-Type"] == "application/problem+json"
    body = answer.json
    assert set(body) == MEMBERS
    assert body["status"] == answer.status_code
    assert body["request_id"] == answer.headers["X-Request-ID"]
    assert body["type"] == f"/problems/{body['code']}"
    assert body["title"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    return body


def test_unknown_run_is_a_problem_with_a_hint(api, loaded):
    body = problem_of(api.client.get("/api/v1/runs/99", headers={"X-Request-ID": "my-id.1"}))

    assert body == {
        "type": "/problems/ledger.not_found",
        "title": "The ledger knows no such run, file, reject, reason or column",
        "status": 404,
        "detail": "the ledger has no run 99",
        "instance": "/api/v1/runs/99",
        "code": "ledger.not_found",
        "hint": "list the runs with: trade-ingest runs",
        "retryable": False,
        "errors": [],
        "request_id": "my-id.1",
    }


@pytest.mark.parametrize(
    "path",
    [
        *(f"/runs/99{part}" for part in ("", "/files", "/attempts", "/events", "/progress")),
        *(f"/files/99{part}" for part in ("", "/events", "/lines", "/explanation")),
        "/rejects/99",
        "/rejects/export?run_id=99",
        "/rejects/export?reason=nonsense",
        "/contracts/nonsense",
        "/coverage?target=public.nonsense",
        "/nonsense",
        f"/runs/{2**63}",
        "/runs/-1",
        "/runs/1x",
    ],
)
def test_what_is_not_there_is_404(api, loaded, path):
    assert problem_of(api.ask(path))["status"] == 404


@pytest.mark.parametrize(
    ("path", "pointers"),
    [
        ("/runs?limit=0", ["/query/limit"]),
        ("/runs?limit=x&nonsense=1&state=bad", ["/query/limit", "/query/state/0", "/query/nonsense"]),
        ("/runs?sort=nonsense", ["/query/sort"]),
        ("/runs?source=%00", ["/query/source"]),
        ("/runs?started_from=2024-01-01", ["/query/started_from"]),
        ("/runs?started_from=2024-01-01T00:00:00", ["/query/started_from"]),
        ("/runs?min_duration_seconds=nan", ["/query/min_duration_seconds"]),
        ("/files?run_id=9223372036854775808", ["/query/run_id"]),
        ("/files?uri=", ["/query/uri"]),
        ("/rejects?file_id=0", ["/query/file_id"]),
        ("/coverage", ["/query/target"]),
        ("/coverage?target=a.b&date_from=0001-01-01", ["/query/date_from"]),
        ("/coverage?target=a.b&date_to=9999-12-31", ["/query/date_to"]),
        ("/coverage?target=a.b&date_from=1704326400", ["/query/date_from"]),
        ("/coverage/gaps?days=367", ["/query/days"]),
        ("/runs/1/events?kind=%00", ["/query/kind/0"]),
        ("/files/1/events?kind=nonsense", ["/query/kind/0"]),
        ("/metrics/summary?end=9999-12-31T23:59:59.999999-14:00", ["/query/end"]),
        ("/trades/rows?target=a.b&event_from=0001-01-01T00:00:00%2B23:59", ["/query/event_from"]),
        ("/metrics/summary?bucket=year", ["/query/bucket"]),
    ],
)
def test_each_wrong_parameter_is_named(api, loaded, path, pointers):
    body = problem_of(api.ask(path))

    assert (body["status"], body["code"]) == (400, "api.request")
    assert [error["pointer"] for error in body["errors"]] == pointers
    assert all(error["detail"] for error in body["errors"])


@pytest.mark.parametrize(
    ("body", "pointers"),
    [
        ({}, ["/sources"]),
        ({"sources": []}, ["/sources"]),
        ({"sources": ["a", 1], "nonsense": True}, ["/sources/1", "/nonsense"]),
        ({"sources": ["\0"]}, ["/sources/0"]),
        ({"sources": ["a"], "on_changed": "maybe"}, ["/on_changed"]),
        ([], ["/_schema"]),
    ],
)
def test_each_wrong_part_of_a_body_is_named(api, body, pointers):
    found = problem_of(api.client.post("/api/v1/plans", json=body))

    assert (found["status"], [error["pointer"] for error in found["errors"]]) == (400, pointers)


def test_path_with_a_value_that_no_database_takes_is_a_problem(api, loaded):
    body = problem_of(api.ask("/contracts/%00"))

    assert (body["status"], body["code"]) == (400, "api.request")
    assert "NUL" in body["detail"]


@pytest.mark.parametrize("origin", ["http://[", "http://a]b", "null", "", "http://localhost.evil.example"])
def test_origin_that_is_not_ours_is_refused_whatever_it_is(api, origin):
    answer = api.client.get("/api/v1/runs", headers={"Origin": origin})

    assert (answer.status_code, answer.json["code"]) == (403, "api.cross_site")


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/nonsense", 404), ("DELETE", "/runs", 405)])
def test_what_the_framework_refuses_has_a_hint(api, method, path, status):
    answer = api.client.open(f"/api/v1{path}", method=method)

    assert (answer.status_code, bool(answer.json["hint"])) == (status, True)


def test_body_that_is_no_json_is_a_problem(api):
    body = problem_of(api.client.post("/api/v1/plans", data="{", content_type="application/json"))

    assert (body["status"], body["code"]) == (400, "http.bad_request")


@pytest.mark.parametrize("body", [b"[" * 200_000, b'{"sources":' + b"[" * 100_000 + b"]" * 100_000 + b"}"])
def test_body_that_is_nested_too_deeply_is_a_problem(api, body):
    found = problem_of(api.client.post("/api/v1/plans", data=body, content_type="application/json"))

    assert found["status"] == 400


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", None])
@pytest.mark.parametrize("path", ["/plans", "/runs", "/session"])
def test_json_of_another_type_is_refused(api, loaded, path, kind):
    found = problem_of(api.client.post(f"/api/v1{path}", data=b'{"sources": ["/"]}', content_type=kind))

    assert (found["status"], found["code"]) == (415, "http.unsupported_media_type")


def test_file_is_taken_as_multipart_only(api, loaded):
    found = problem_of(api.client.post("/api/v1/contracts/check", json={}))

    assert (found["status"], found["code"]) == (415, "http.unsupported_media_type")


def test_types_of_json_are_taken(api, loaded):
    for kind in ("application/json; charset=utf-8", "application/vnd.trade+json"):
        found = problem_of(api.client.post("/api/v1/plans", data=b"{}", content_type=kind))
        assert (found["status"], found["code"]) == (400, "api.request")


@pytest.mark.parametrize("path", ["//api/v1/runs", "/api//v1/runs", "/api/v1//runs", "/api/v1/runs/"])
def test_path_with_an_empty_name_is_no_other_path(api, loaded, path):
    assert problem_of(api.client.get(f"http://localhost{path}"))["status"] == 404


@pytest.mark.parametrize("payload", [b"5", b"[1,2,3]", b'["",1e400]', b'["","abc"]', b'["",99999999999999999999999]'])
def test_forged_cursor_is_a_problem(api, loaded, payload):
    filters = xxh3_64_digest(json.dumps({"actor": None, "list": "audit"}, sort_keys=True).encode())
    cursor = base64.urlsafe_b64encode(filters + xxh3_64_digest(payload) + payload).rstrip(b"=").decode()

    body = problem_of(api.ask("/audit", cursor=cursor))
    assert (body["status"], body["code"], body["detail"]) == (
        400,
        "api.cursor",
        "the cursor is not one that a list gave",
    )


def test_wrong_method_says_which_are_right(api):
    answer = api.client.put("/api/v1/files")

    assert problem_of(answer)["code"] == "http.method_not_allowed"
    assert "GET" in answer.headers["Allow"]


def test_request_that_is_too_large_is_refused(make_api):
    api = make_api(max_request_bytes=1000)

    body = problem_of(api.client.post("/api/v1/plans", json={"sources": ["x" * 2000]}))

    assert (body["status"], body["code"]) == (413, "http.request_entity_too_large")


@pytest.mark.parametrize("text", ["{}" + " " * 2000, '{"sources": ["' + "x" * 2000])
def test_request_in_pieces_that_is_too_large_is_refused(make_api, text):
    api = make_api(max_request_bytes=1000)

    body = problem_of(
        api.client.post(
            "/api/v1/plans",
            input_stream=io.BytesIO(text.encode()),
            content_type="application/json",
            headers={"Transfer-Encoding": "chunked"},
            environ_overrides={"wsgi.input_terminated": True},
        )
    )

    assert (body["status"], body["code"]) == (413, "http.request_entity_too_large")


def test_database_that_is_away_is_a_problem_worth_a_retry(make_api):
    api = make_api(database="postgresql://me:hunter2@127.0.0.1:1/none")

    answer = api.ask("/runs")

    body = problem_of(answer)
    assert (body["status"], body["code"], body["retryable"]) == (503, "database.unavailable", True)
    assert "hunter2" not in answer.text


def test_database_without_a_ledger_is_a_problem(api):
    body = problem_of(api.ask("/runs"))

    assert (body["status"], body["code"]) == (503, "ledger.version")
    assert "trade-ingest db upgrade" in body["hint"]


def test_ledger_that_was_upgraded_under_the_server_is_noticed(api, loaded, monkeypatch):
    monkeypatch.setattr("trade_ingest.api.connections._TRUSTED_SECONDS", -1.0)
    api.get("/runs")
    loaded.execute("UPDATE ingest.schema_version SET version_num = '9999'")

    body = problem_of(api.ask("/runs"))

    assert (body["code"], body["detail"].partition(",")[0]) == ("ledger.version", "the ledger is at revision 9999")
    loaded.execute("UPDATE ingest.schema_version SET version_num = %s", HEAD)
    assert len(api.get("/runs")["items"]) == 1


def test_connection_that_was_cut_is_replaced(api, loaded, monkeypatch):
    monkeypatch.setattr("trade_ingest.api.connections._TRUSTED_SECONDS", -1.0)
    api.get("/runs")
    loaded.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'trade-ingest api'"
        " AND datname = current_database()"
    )

    assert len(api.get("/runs")["items"]) == 1


def test_statement_that_takes_too_long_is_given_up(make_api, loaded):
    api = make_api(statement_timeout_seconds=0.2)
    with psycopg.connect(loaded.database) as blocker:
        blocker.execute("LOCK TABLE ingest.run IN ACCESS EXCLUSIVE MODE")
        body = problem_of(api.ask("/runs"))

    assert (body["status"], body["code"], body["retryable"]) == (503, "database.unavailable", True)
    assert len(api.get("/runs")["items"]) == 1


def test_connections_are_shared_and_given_back(make_api, loaded):
    api = make_api(max_connections=1)

    for _ in range(5):
        api.get("/runs/1")
        api.ask("/runs/99")
        assert api.ask("/rejects/export").text.count("\n") == 3
    (count,) = loaded.query("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'trade-ingest api'")[0]
    assert count == 1


def test_defect_tells_nothing_but_its_request_id(api, loaded, monkeypatch, caplog):
    def broken(*_, **__):
        raise RuntimeError("hunter2")

    monkeypatch.setattr("trade_ingest.api.routes.runs.get_run", broken)
    with caplog.at_level(logging.ERROR, logger="trade_ingest.api"):
        answer = api.ask("/runs/1")

    body = problem_of(answer)
    assert (body["status"], body["code"]) == (500, "internal")
    assert "hunter2" not in answer.text
    assert "hunter2" in caplog.text
    assert body["request_id"] in caplog.text


def test_statement_that_the_server_refuses_tells_no_sql(api, loaded):
    loaded.execute("ALTER TABLE ingest.run RENAME COLUMN engine TO motor")

    answer = api.ask("/runs")

    assert (problem_of(answer)["code"], "engine" in answer.text) == ("database.error", False)


@pytest.mark.parametrize("error", OUTCOMES, ids=lambda kind: kind.__name__)
def test_each_error_has_its_status(api, loaded, monkeypatch, error):
    def broken(*_, **__):
        raise error("what was found", hint="what to do")

    monkeypatch.setattr("trade_ingest.api.routes.runs.get_run", broken)

    body = problem_of(api.ask("/runs/1"))

    assert (body["status"], body["code"]) == (OUTCOMES[error].http_status, error.code)
    assert body["retryable"] == error.retryable
    if body["status"] != 500:
        assert (body["detail"], body["hint"]) == ("what was found", "what to do")


def test_request_id_of_a_client_is_kept_only_if_it_is_one(api):
    assert api.client.get("/healthz", headers={"X-Request-ID": "a" * 64}).headers["X-Request-ID"] == "a" * 64
    for bad in ("a" * 65, "a b", "<x>", ""):
        made = api.client.get("/healthz", headers={"X-Request-ID": bad}).headers["X-Request-ID"]
        assert re.fullmatch("[0-9a-f]{32}", made)


def test_access_log_has_a_json_object_for_each_request_and_no_query(api, loaded, caplog):
    with caplog.at_level(logging.INFO, logger="trade_ingest.api.access"):
        answer = api.ask("/runs", source="hunter2")

    (entry,) = [json.loads(record.message) for record in caplog.records if record.name == "trade_ingest.api.access"]
    assert entry.pop("at").endswith("Z")
    assert entry.pop("duration_ms") > 0
    assert entry == {
        "request_id": answer.headers["X-Request-ID"],
        "method": "GET",
        "path": "/api/v1/runs",
        "status": 200,
        "response_bytes": len(answer.data),
        "address": "127.0.0.1",
        "actor": "local",
    }


def test_every_answer_has_the_security_headers(api, loaded):
    for path in ("/healthz", "/api/v1/runs", "/api/v1/nothing", "/metrics"):
        headers = api.client.get(path).headers
        assert "default-src 'self'" in headers["Content-Security-Policy"]
        assert headers["X-Frame-Options"] == "DENY"
        assert headers["Cache-Control"] == "no-store"


def test_dashboard_is_served_beside_the_api(make_api, tmp_path):
    (tmp_path / "index.html").write_text("<p>dashboard</p>")
    (tmp_path / "main-ABCDEFGH.js").write_text("1")
    api = make_api(static_folder=tmp_path)

    for path in ("/", "/runs/7"):
        with api.client.get(path) as page:
            assert (page.text, page.headers["Cache-Control"]) == ("<p>dashboard</p>", "no-cache")
    with api.client.get("/main-ABCDEFGH.js") as script:
        assert "immutable" in script.headers["Cache-Control"]
    for path in ("/api/v1/nothing", "/main-OLDHASH1.js"):
        assert problem_of(api.client.get(path))["status"] == 404


def test_dashboard_is_sent_compressed_to_those_who_take_it(make_api, tmp_path):
    text = "const said = 'the same again and again';\n" * 100
    (tmp_path / "index.html").write_text("<p>dashboard</p>")
    (tmp_path / "main-ABCDEFGH.js").write_text(text)
    api = make_api(static_folder=tmp_path)
    takes = {"Accept-Encoding": "gzip, deflate, br"}

    with api.client.get("/main-ABCDEFGH.js", headers=takes) as sent:
        assert (sent.headers["Content-Encoding"], sent.headers["Vary"]) == ("gzip", "Accept-Encoding")
        assert "immutable" in sent.headers["Cache-Control"]
        assert sent.content_length == len(sent.data) < len(text) // 10
        assert gzip.decompress(sent.data).decode() == text
        etag = sent.headers["ETag"]
    with api.client.get("/main-ABCDEFGH.js", headers=takes | {"If-None-Match": etag}) as again:
        assert (again.status_code, again.data) == (304, b"")
    for refusing in ({}, {"Accept-Encoding": "gzip;q=0"}):
        with api.client.get("/main-ABCDEFGH.js", headers=refusing) as plain:
            assert (plain.text, plain.headers.get("Content-Encoding")) == (text, None)
            assert (plain.headers["Vary"], plain.headers["ETag"] == etag) == ("Accept-Encoding", False)
    (tmp_path / "index.html").write_text("<p>built again</p>")
    with api.client.get("/", headers=takes) as page:
        assert gzip.decompress(page.data).decode() == "<p>built again</p>"


def test_real_server_gives_the_same_answers(service):
    service.write("XBTUSD.csv", 3)
    server = service.serve()
    asked = server.post("/runs", {"sources": [str(service.folder)], "contract": "kraken_trades"})
    service.ended(asked["run_request_id"])

    (run,) = server.get("/runs")["items"]
    (file,) = server.get("/files", params={"uri": "*.csv"})["items"]
    assert (run["state"], run["rows_loaded"], file["state"], file["rows_loaded"]) == ("succeeded", 3, "loaded", 3)
    assert server.call("GET", "/runs", params={"limit": 0}).json()["code"] == "api.request"
    assert server.get("/rejects/groups") == {"items": []}
    assert server.call("GET", "/rejects/export").text.startswith('"reject_id"')
