"""`trade-ingest serve` and `trade-ingest token` as programs."""

import json
import os
import subprocess
import sys

import pytest
import requests


@pytest.fixture
def program(service):
    """Runs the program to its end."""

    def run(*arguments, **environment):
        return subprocess.run(
            [sys.executable, "-m", "trade_ingest", *arguments],
            cwd=service.tmp,
            env=os.environ | {"TRADE_INGEST_DATABASE_URL": service.database} | environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    return run


def test_token_is_made_used_listed_and_revoked(service, program):
    made = program("token", "create", "--name", "grafana", "--scope", "operate", "--expires", "90d")
    token = made.stdout.strip()
    server = service.serve("--auth", "token", token=token)
    seen = server.get("/session")
    listed = json.loads(program("token", "list", "-o", "json").stdout)
    revoked = program("token", "revoke", str(listed["items"][0]["token_id"]))

    assert (made.returncode, token.startswith("tig_"), token in made.stderr) == (0, True, False)
    assert (seen["name"], seen["scope"], seen["method"]) == ("grafana", "operate", "token")
    assert [(item["name"], item["scope"], item["state"]) for item in listed["items"]] == [
        ("grafana", "operate", "valid")
    ]
    assert token not in json.dumps(listed)
    assert revoked.returncode == 0
    assert server.call("GET", "/session").status_code == 401
    assert program("token", "revoke", "99").returncode == 2
    assert token not in service.output()


@pytest.mark.parametrize("duration", ["90", "0d", "x", "-1d"])
def test_duration_that_is_none_is_refused(program, duration):
    done = program("token", "create", "--name", "n", f"--expires={duration}")

    assert (done.returncode, "12h, 90d or 52w" in done.stderr) == (2, True)


def test_others_are_not_served_without_authentication(program):
    done = program("serve", "--host", "0.0.0.0", "--port", "0")

    assert (done.returncode, done.stdout) == (2, "")
    assert "can be reached from other machines" in done.stderr
    assert "--auth token" in done.stderr


def test_others_are_served_with_authentication(service):
    server = service.serve("--host", "0.0.0.0", "--auth", "token")
    answer = requests.get(f"{server.url.replace('0.0.0.0', '127.0.0.1')}/api/v1/runs", timeout=30)

    assert (answer.status_code, answer.json()["code"]) == (401, "api.unauthenticated")


def test_each_request_is_one_line_of_json_in_the_log(service):
    server = service.serve()
    answer = server.call("GET", "/runs", params={"state": "failed"})
    server.process.terminate()
    server.process.wait(40)
    lines = [json.loads(line) for line in (service.tmp / "server-0.out").read_text().splitlines()]

    (line,) = [line for line in lines if line["request_id"] == answer.headers["X-Request-ID"]]
    assert (line["method"], line["path"], line["status"], line["actor"]) == ("GET", "/api/v1/runs", 200, "local")


def test_several_worker_processes_serve_and_supervise(service):
    service.write("XBTUSD.csv", 5)
    server = service.serve("--workers", "2")
    asked = [
        server.post("/runs", {"sources": [str(service.folder)], "contract": "kraken_trades"})["run_request_id"]
        for _ in range(3)
    ]

    assert [service.ended(request)["state"] for request in asked] == ["ended"] * 3
    assert service.query("SELECT count(*) FROM trade_print") == [(5,)]


def test_specification_is_printed_without_a_database(program):
    done = program("serve", "--print-openapi", TRADE_INGEST_DATABASE_URL="postgresql://127.0.0.1:9/nowhere")
    document = json.loads(done.stdout)

    assert document["openapi"].startswith("3.1")
    assert {"/api/v1/runs", "/api/v1/events", "/api/v1/rejects/replay"} <= set(document["paths"])
