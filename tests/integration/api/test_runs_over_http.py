"""Runs that are begun, followed, stopped and tried again over HTTP; servers die meanwhile."""

import signal

from trade_ingest.contract.loading import load_contract
from trade_ingest.contract.model import OnChanged, RejectLimit
from trade_ingest.pipeline import ingest
from trade_ingest.run import RunOptions
from trade_ingest.source.pattern import Selection

KRAKEN = "kraken_trades"
NAMES = ["XBTUSD.csv", "ETHUSD.csv", "SOLUSD.csv", "ADAUSD.csv"]


def start(server, folder, **order):
    return server.post("/runs", {"sources": [str(folder)], "contract": KRAKEN, **order})


def test_run_is_started_followed_and_audited(service):
    service.write("XBTUSD.csv", 5)
    server = service.serve()
    answer = server.call("POST", "/runs", json={"sources": [str(service.folder)], "contract": KRAKEN})
    asked = answer.json()

    assert (answer.status_code, asked["state"] in {"queued", "starting"}) == (202, True)
    ended = service.ended(asked["run_request_id"])
    followed = server.call("GET", answer.headers["Location"].removeprefix("/api/v1")).json()
    assert (ended["state"], followed["state"], followed["run_id"]) == ("ended", "ended", ended["run_id"])
    assert service.query("SELECT state, files_loaded, rows_loaded FROM ingest.run") == [("succeeded", 1, 5)]
    ((actor, action, subject, detail, status, request_id),) = service.query(
        "SELECT actor, action, subject, detail, status, request_id FROM ingest.audit"
    )
    assert (actor, action, subject, status) == ("local", "commands.start_run", "/api/v1/runs", 202)
    assert detail["sources"] == [str(service.folder)]
    assert request_id == answer.headers["X-Request-ID"]


def test_same_key_again_begins_nothing(service):
    service.write("XBTUSD.csv", 5)
    server = service.serve()
    body = {"sources": [str(service.folder)], "contract": KRAKEN}
    answers = [server.call("POST", "/runs", json=body, headers={"Idempotency-Key": "k1"}) for _ in range(3)]
    other = server.call("POST", "/runs", json={**body, "contract": None}, headers={"Idempotency-Key": "k1"})

    assert [answer.status_code for answer in answers] == [202] * 3
    assert len({(a.json()["run_request_id"], a.headers["Location"]) for a in answers}) == 1
    assert [answer.headers["Idempotency-Replayed"] for answer in answers] == ["false", "true", "true"]
    assert (other.status_code, other.json()["code"]) == (422, "api.idempotency_key")
    service.ended(answers[0].json()["run_request_id"])
    assert service.query("SELECT count(*) FROM ingest.run") == [(1,)]


def test_what_may_not_be_loaded_is_refused_before_it_waits(service):
    service.write("XBTUSD.csv", 5)
    (service.folder / "way_out").symlink_to("/etc")
    server = service.serve()
    refused = {
        source: server.call("POST", "/runs", json={"sources": [source]}).json()["code"]
        for source in [
            "/etc/passwd",
            str(service.folder / ".." / "x.csv"),
            str(service.folder) + "x",
            str(service.folder / "way_out" / "passwd"),
            "s3://bucket/key",
            "https://user:secret@host.example/a.csv",
        ]
    }
    contract = server.call("POST", "/runs", json={"sources": [str(service.folder)], "contract": "/etc/passwd"})
    options = server.call("POST", "/runs", json={"sources": [str(service.folder)], "options": {"spark_conf": ["a=b"]}})

    assert refused == dict.fromkeys(refused, "source.not_allowed") | {"https://user:secret@host.example/a.csv": "usage"}
    assert (contract.status_code, contract.json()["code"]) == (404, "contract.unknown")
    assert options.status_code == 400
    assert service.query("SELECT count(*) FROM ingest.run_request") == [(0,)]
    assert service.query("SELECT DISTINCT status FROM ingest.audit ORDER BY 1") == [(400,), (403,), (404,)]


def test_run_goes_on_when_its_server_is_killed_and_another_finds_it(service, gate):
    service.write("XBTUSD.csv", 5)
    first = service.serve()
    gate.close()
    asked = start(first, service.folder)["run_request_id"]
    gate.wait_for()
    process = service.run_process(asked)
    first.kill()
    second = service.serve()

    assert process.is_running()
    assert [item["state"] for item in second.get("/run-requests")["items"]] == ["running"]
    (run,) = second.get("/runs")["items"]
    assert run["state"] == "running"
    gate.open()
    assert service.ended(asked)["state"] == "ended"
    assert service.query("SELECT state, rows_loaded FROM ingest.run") == [("succeeded", 5)]


def test_run_whose_process_is_killed_is_found_failed_and_abandoned(service, gate, wait_until):
    service.write("XBTUSD.csv", 5)
    server = service.serve()
    gate.close()
    asked = start(server, service.folder)["run_request_id"]
    gate.wait_for()
    process = service.run_process(asked)
    for member in [*process.children(recursive=True), process]:
        member.kill()
    gate.open()

    ended = service.ended(asked)
    assert (ended["state"], ended["error"]["code"]) == ("failed", "run.process_lost")
    wait_until(lambda: service.query("SELECT state FROM ingest.run") == [("abandoned",)], "the run is abandoned")
    again = start(server, service.folder)["run_request_id"]
    assert service.ended(again)["state"] == "ended"
    assert service.query("SELECT count(*) FROM trade_print") == [(5,)]


def test_request_of_a_killed_server_is_begun_by_another(service, gate):
    service.write("XBTUSD.csv", 5)
    gate.close("ingest.run")
    first = service.serve("--max-runs", "1")
    running = start(first, service.folder)["run_request_id"]
    waiting = start(first, service.folder)["run_request_id"]
    gate.wait_for()
    first.kill()
    second = service.serve("--max-runs", "1")
    assert second.get(f"/run-requests/{waiting}")["state"] == "queued"
    gate.open()

    assert [service.ended(request)["state"] for request in (running, waiting)] == ["ended", "ended"]
    assert service.query("SELECT sum(files_loaded)::int, sum(files_skipped)::int FROM ingest.run") == [(1, 1)]


def test_two_servers_share_the_places(service, gate):
    for name in NAMES:
        service.write(name, 3)
    gate.close()
    servers = [service.serve("--max-runs", "2") for _ in range(2)]
    asked = [start(servers[n % 2], service.folder / name)["run_request_id"] for n, name in enumerate(NAMES)]
    gate.wait_for(2)

    states = [item["state"] for item in servers[0].get("/run-requests")["items"]]
    assert states == ["running", "running", "queued", "queued"]
    gate.open()
    assert [service.ended(request)["state"] for request in asked] == ["ended"] * 4
    assert service.query("SELECT count(*), sum(rows_loaded)::int FROM ingest.run") == [(4, 12)]


def test_cancelled_run_finishes_the_file_in_flight(service, gate, wait_until):
    for name in NAMES:
        service.write(name, 3)
    server = service.serve()
    gate.close()
    asked = start(server, service.folder, options={"parallelism": 1})["run_request_id"]
    gate.wait_for()
    ((run_id,),) = service.query("SELECT run_id FROM ingest.run")
    stopped = server.call("POST", f"/runs/{run_id}/cancel")

    assert (stopped.status_code, stopped.json()["stop_requested_at"] is None) == (202, False)
    assert service.run_process(asked).is_running()
    # the process has seen it when its session that asks has gone
    query = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'trade-ingest stop'"
    wait_until(lambda: service.query(query) == [(0,)], "the process knows")
    gate.open()
    assert service.ended(asked)["state"] == "cancelled"
    assert service.query("SELECT state, files_planned, files_loaded, rows_loaded FROM ingest.run") == [
        ("interrupted", 4, 1, 3)
    ]
    again = server.call("POST", f"/runs/{run_id}/cancel")
    assert (again.status_code, again.json()["code"]) == (409, "run.not_stoppable")


def test_waiting_request_is_cancelled(service, gate):
    service.write("XBTUSD.csv", 3)
    server = service.serve("--max-runs", "1")
    gate.close()
    start(server, service.folder)
    gate.wait_for()
    waiting = start(server, service.folder)["run_request_id"]

    assert server.post(f"/run-requests/{waiting}/cancel")["state"] == "cancelled"
    gate.open()


def test_run_of_the_command_line_is_not_stopped_over_http(service):
    server = service.serve()
    service.query(
        "INSERT INTO ingest.run (kind, state, sources, target, engine, host, process_id, started_by, program_version)"
        " VALUES ('ingest', 'running', '{a}', 't', 'local', 'h', 1, 'ann', '0')"
    )
    answer = server.call("POST", "/runs/1/cancel")

    assert (answer.status_code, answer.json()["code"]) == (409, "run.not_stoppable")


def test_failed_files_are_tried_again_and_no_others(service):
    service.write("XBTUSD.csv", 3)
    bad = service.write("ETHUSD.csv", 3, first=50)
    good_bytes = bad.read_bytes()
    bad.write_bytes(b"no,trade\n" * 40)
    server = service.serve()
    first = service.ended(start(server, service.folder)["run_request_id"])
    assert service.query("SELECT state, files_loaded, files_failed FROM ingest.run") == [("failed", 1, 1)]
    service.write("SOLUSD.csv", 3, first=90)
    bad.write_bytes(good_bytes)
    asked = server.post(f"/runs/{first['run_id']}/retry", {})

    assert asked["arguments"]["sources"] == [str(bad)]
    assert service.ended(asked["run_request_id"])["state"] == "ended"
    assert service.query("SELECT state, files_planned, files_loaded FROM ingest.run WHERE run_id > 1") == [
        ("succeeded", 1, 1)
    ]
    assert server.call("POST", f"/runs/{first['run_id']}/retry", json={}).status_code == 400


def break_file(service, name="XBTUSD.csv"):
    (service.folder / name).write_text("no,trade\n" * 40)


def test_retry_works_as_the_run_did(service):
    break_file(service)
    server = service.serve()
    selection = {"include": ["sub/*", "XBT*"], "settle_seconds": 0, "checksum": "off"}
    options = {"on_changed": "append", "max_rejects": "3,0.5%", "reload": True, "engine": "local", "parallelism": 1}
    first = service.ended(start(server, service.folder, options=options, selection=selection)["run_request_id"])
    retry = server.post(f"/runs/{first['run_id']}/retry", {})
    again = service.ended(retry["run_request_id"])
    other = server.post(f"/runs/{again['run_id']}/retry", {"max_rejects": "7"})

    wanted = {**options, "max_rejects": "3,0.5%"}
    left = {"include": [], "exclude": [], "date_from": None, "date_to": None, "marker": None, "manifest": None}
    assert retry["arguments"]["options"] == wanted
    assert retry["arguments"]["selection"] == {**left, "settle_seconds": 0, "checksum": "off"}
    assert other["arguments"]["options"] == {**wanted, "max_rejects": "7"}
    service.ended(other["run_request_id"])
    names = ("on_changed", "reload", "checksum", "settle", "reject_limit")
    first_kept, again_kept, _ = [kept for (kept,) in service.query("SELECT options FROM ingest.run ORDER BY run_id")]
    assert {name: again_kept[name] for name in names} == {name: first_kept[name] for name in names}


def test_retry_works_as_a_run_of_the_command_line_did(service):
    break_file(service)
    options = RunOptions(
        parallelism=3,
        on_changed=OnChanged.FAIL,
        reject_limit=RejectLimit(max_count=2, max_ratio=0.07),
        selection=Selection(marker="", exclude=("*.txt",)),
    )
    sources = [str(service.folder)]
    ingest(sources, contract=load_contract(KRAKEN), database=service.database, options=options)
    server = service.serve()
    retry = server.post("/runs/1/retry", {})

    assert service.ended(retry["run_request_id"])["state"] == "ended"
    assert retry["arguments"]["options"] == {
        "engine": None,  # of the machine that it ran on
        "parallelism": None,
        "on_changed": "fail",
        "max_rejects": "2,7%",
        "reload": False,
    }
    assert retry["arguments"]["selection"]["marker"] == ""
    (limit,) = service.query("SELECT options->'reject_limit' FROM ingest.run WHERE run_id = 2")[0]
    assert limit == {"max_count": 2, "max_ratio": 0.07}


def test_request_that_cannot_begin_is_told_on_the_stream(service):
    server = service.serve()
    asked = start(server, service.folder / "nothing")["run_request_id"]
    error = service.ended(asked)["error"]

    (event,) = server.get("/events", params={"kind": "run_request_failed", "cursor": "0:0:"})["items"]
    assert (event["run_id"], event["detail"]) == (None, {"run_request_id": asked, "error": error})
    assert error["code"] == "source.not_found"


def test_end_of_a_server_ends_no_run(service, gate):
    service.write("XBTUSD.csv", 5)
    server = service.serve()
    gate.close()
    asked = start(server, service.folder)["run_request_id"]
    gate.wait_for()
    server.process.send_signal(signal.SIGTERM)
    assert server.process.wait(40) == 0
    gate.open()

    assert service.ended(asked)["state"] == "ended"
