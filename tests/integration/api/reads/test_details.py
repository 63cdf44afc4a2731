"""Details of runs and files, and everything that is no list."""

import gzip
import io
import json
from datetime import UTC, date, datetime, timedelta

import psycopg
import pytest
from psycopg.types.json import Json

from trade_ingest.contract.loading import builtin_names
from trade_ingest.ledger.schema import HEAD


def test_run_is_shown_with_its_stages_failures_and_options(api, loaded):
    detail = api.get("/runs/1")

    assert detail["run"] == api.get("/runs")["items"][0]
    stages = detail["stage_seconds"]
    assert set(stages) == {"parse", "copy", "commit"}
    assert detail["bottleneck"] == max(stages, key=stages.get)
    (failure,) = detail["failures"]
    assert (failure["file_id"], failure["error"]["code"]) == (2, "file.header")
    assert {name: detail[name] for name in ("is_live", "is_balanced", "files_by_state", "rejects_open")} == {
        "is_live": False,
        "is_balanced": True,
        "files_by_state": {"failed": 1, "loaded": 1},
        "rejects_open": 2,
    }
    assert (detail["options"]["parallelism"], detail["median_duration_seconds"]) == (1, None)
    assert detail["command"] == f"trade-ingest run {loaded.folder} --contract fill --parallelism 1"


def test_median_is_that_of_runs_before_of_the_same_kind(api, desk):
    for number in range(3):
        desk.load(f"{number}.csv", [desk.line(str(number))])
    desk.execute("UPDATE ingest.run SET ended_at = started_at + run_id * interval '10 seconds'")

    assert [api.get(f"/runs/{run_id}")["median_duration_seconds"] for run_id in (1, 2, 3)] == [None, 10.0, 15.0]


def test_details_are_not_sent_again_to_who_has_them(api, loaded):
    for path in ("/api/v1/runs/1", "/api/v1/files/1", "/api/v1/runs/1/progress", "/api/v1/openapi.json"):
        etag = api.client.get(path).headers["ETag"]
        again = api.client.get(path, headers={"If-None-Match": etag})
        assert (again.status_code, again.data) == (304, b""), path
    loaded.execute("UPDATE ingest.run SET rows_read = 7")
    etag = api.ask("/runs/1").headers["ETag"]
    assert etag != api.client.get("/api/v1/runs/1", headers={"If-None-Match": "x"}).headers.get("none", "")
    loaded.execute("UPDATE ingest.run SET rows_read = 8")
    assert api.client.get("/api/v1/runs/1", headers={"If-None-Match": etag}).json["run"]["rows_read"] == 8


def test_file_is_shown_with_its_attempts_and_relations(api, desk):
    desk.load("a.csv", [desk.line("A1"), desk.line("A2")])
    desk.load("b.csv", [desk.line("A1"), desk.line("B2")])
    desk.load("a.csv", [desk.line("A1"), desk.line("A3", price="-1")])
    files = {file["file_id"]: file for file in api.get("/files")["items"]}
    old, other, new = (api.get(f"/files/{file_id}") for file_id in sorted(files)[:3])

    assert [detail["file"] for detail in (old, other, new)] == [files[i] for i in sorted(files)[:3]]
    assert (old["replaced_by_file_id"], new["file"]["replaces_file_id"]) == (3, 1)
    assert new["control_totals"] == {"price": "10.5000", "quantity": "3"}
    assert new["header"] == ["trade_id", "symbol", "price", "quantity", "executed_at"]
    assert (new["is_balanced"], new["rejects_by_state"]) == (True, {"open": 1})
    (attempt,) = new["attempts"]
    assert (attempt["number"], attempt["state"], attempt["rows_read"], attempt["error"]) == (1, "loaded", 2, None)


def test_what_was_done_with_a_file_after_loading_is_shown(api, desk, tmp_path):
    desk.write("a.csv", [desk.line("A1")])
    desk.write("b.csv", [desk.line("B1")])
    desk.ingest("a.csv", after_load=f"move:{tmp_path / 'archive'}")
    desk.ingest("b.csv")
    desk.execute("INSERT INTO ingest.after_load (file_id, run_id, action) VALUES (2, 2, 'tag')")
    error = {"code": "archive.source_changed", "message": "it has changed", "hint": "", "retryable": False}
    desk.execute(
        "UPDATE ingest.after_load SET state = 'failed', attempts = 1, error = %s WHERE file_id = 2", Json(error)
    )
    moved, failed = (api.get(f"/files/{file_id}")["after_load"] for file_id in (1, 2))

    ((destination,),) = desk.query("SELECT destination FROM ingest.after_load WHERE file_id = 1")
    assert (moved["run_id"], moved["action"], moved["state"], moved["error"]) == (1, "move", "done", None)
    assert (moved["destination"], moved["attempts"]) == (destination, 1)
    assert moved["requested_at"] <= moved["done_at"]
    assert (failed["action"], failed["state"], failed["destination"]) == ("tag", "failed", None)
    assert (failed["error"], failed["done_at"]) == (error, None)


def test_file_that_is_kept_has_nothing_to_be_done_after_loading(api, loaded):
    assert api.get("/files/1")["after_load"] is None


def test_first_lines_are_read_from_the_source_with_the_bad_cells_marked(api, loaded):
    answer = api.get("/files/1/lines", limit=3)

    def line(byte_offset, text):
        plain = {"is_cut": False, "row_number": None, "marks": [], "reasons": []}
        return {"byte_offset": byte_offset, "text": text} | plain

    assert answer == {
        "uri": str(loaded.folder / "a.csv"),
        "is_same_version": True,
        "lines": [
            line(0, "trade_id,symbol,price,quantity,executed_at"),
            line(43, "A1,AAPL,10.5,3,2024-03-04 09:00:00"),
            line(78, "A2,AAPL,-1,3,2024-03-04 09:00:00")
            | {
                "row_number": 2,
                "marks": [{"start": 8, "end": 10}],
                "reasons": [{"code": "below_min", "column": "price", "value": "-1"}],
            },
        ],
    }
    loaded.write("a.csv", ["other"])
    changed = api.get("/files/1/lines")
    assert (changed["is_same_version"], [line["text"] for line in changed["lines"]][1:]) == (False, ["other"])


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_first_lines_are_found_in_every_encoding_and_compression(api, desk, encoding):
    path = desk.folder / "a.csv.gz"
    path.parent.mkdir()
    text = f"trade_id,symbol,price,quantity,executed_at\n{desk.line('Ä1', price='-1')}\n"
    path.write_bytes(gzip.compress(text.encode(encoding)))
    desk.ingest()

    header, row = api.get("/files/1/lines")["lines"]

    assert (header["byte_offset"], header["text"][:8]) == (len("".encode(encoding)), "trade_id")
    assert (row["row_number"], [row["text"][m["start"] : m["end"]] for m in row["marks"]]) == (1, ["-1"])


def test_lines_of_a_source_that_is_not_allowed_are_not_read(make_api, loaded):
    api = make_api(settings={"api_sources": (str(loaded.folder / "elsewhere"),)})

    refused = api.ask("/files/1/lines")

    assert (refused.status_code, refused.json["code"]) == (403, "source.not_allowed")
    explained = api.get("/files/1/explanation")
    assert (explained["versions"][0]["state"], explained["next_run"]) == ("loaded", None)


def test_lines_of_a_file_that_is_gone_are_a_problem(api, loaded):
    (loaded.folder / "a.csv").unlink()

    gone = api.ask("/files/1/lines")

    assert (gone.status_code, gone.json["code"]) == (422, "file.unreadable")


def test_why_a_file_was_skipped_is_said(api, desk):
    desk.load("a.csv", [desk.line("A1")])
    desk.load("copy.csv", [desk.line("A1")])

    answer = api.get("/files/2/explanation")

    sentence = f"skipped by run 2: same content as file 1 ({desk.folder / 'a.csv'})"
    assert answer["sentence"] == sentence
    (version,) = answer["versions"]
    assert (version["file_id"], version["state"], version["sentence"]) == (2, "skipped", sentence)
    assert (answer["next_run"]["reason"], answer["next_run"]["is_loaded"]) == ("same_content", False)


def test_rejects_are_exported_as_the_program_exports_them(api, loaded):
    answer = api.ask("/rejects/export", column="price")

    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    header, *records = answer.text.splitlines()
    assert header == '"reject_id","file","row_number","byte_offset","reasons","raw_hash","raw"'
    assert [record.partition(",")[0] for record in records] == ["1", "2"]
    assert records[0].endswith(',"A2,AAPL,-1,3,2024-03-04 09:00:00"')
    unknown = api.ask("/rejects/export", column="no_such")
    assert (unknown.status_code, unknown.json["code"]) == (404, "ledger.not_found")


def test_contracts_are_listed_and_shown(api, loaded):
    listed = {item["name"]: item for item in api.get("/contracts")["items"]}
    builtin, stored = api.get("/contracts/kraken_trades"), api.get("/contracts/fill")

    assert set(listed) == set(builtin_names())
    assert listed["trade_event"]["key"] == ["trade_id", "customer_id", "updated_at"]
    assert (builtin["origin"], builtin["used"]) == ("builtin", [])
    assert "name: kraken_trades" in builtin["text"]
    assert (stored["origin"], stored["text"], stored["target"]) == ("ledger", None, "public.fill")
    assert [(use["contract_id"], use["version"]) for use in stored["used"]] == [(1, 1)]
    assert [column["name"] for column in stored["definition"]["columns"]][:2] == ["trade_id", "symbol"]
    assert api.ask("/contracts/nothing").json["code"] == "contract.unknown"
    assert api.ask("/contracts/..%2F..%2Fetc%2Fpasswd").status_code == 404


def test_configured_contract_is_listed(make_api, tmp_path, loaded):
    text = api_contract_text(make_api())
    (tmp_path / "feed.yaml").write_text(text.replace("name: kraken_trades", "name: feed"))
    api = make_api(settings={"contract": str(tmp_path / "feed.yaml")})

    assert [item["origin"] for item in api.get("/contracts")["items"] if item["name"] == "feed"] == ["configured"]
    assert (api.get("/contracts/feed")["origin"], "name: feed" in api.get("/contracts/feed")["text"]) == (
        "configured",
        True,
    )


def api_contract_text(api):
    return api.get("/contracts/kraken_trades")["text"]


def post_sample(api, content, **fields):
    data = {"file": (io.BytesIO(content), fields.pop("name", "XBTUSD.csv")), **fields}
    return api.client.post("/api/v1/contracts/check", data=data)


def test_sample_is_checked_and_nothing_of_it_is_kept(api, loaded, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()

    answer = post_sample(api, b"1600000000,1.5,2\n1600000001,x,2\n", contract="kraken_trades").json
    good = post_sample(
        api, gzip.compress(b"1600000000,1.5,2\n"), contract="kraken_trades", name="a b*/XBTUSD.csv.gz"
    ).json

    reject = {
        "row_number": 2,
        "byte_offset": 17,
        "raw_text": "1600000001,x,2",
        "marks": [{"start": 11, "end": 12}],
    }
    reason = {"column": "price", "value": "x"}
    code = answer["check"]["reasons"][0]["reason"]
    assert answer == {
        "contract": "kraken_trades",
        "check": {
            "uri": "XBTUSD.csv",
            "size_bytes": 32,
            "rows_read": 2,
            "rows_accepted": 1,
            "rows_rejected": 1,
            "passes": True,
            "reasons": [{"reason": code, "column": "price", "rows": 1}],
            "rejects": [reject | {"reasons": [{"code": code} | reason]}],
            "error": None,
        },
        "fitting": [],
    }
    assert (good["check"]["uri"], good["check"]["rows_accepted"]) == ("a b*/XBTUSD.csv.gz", 1)
    assert good["fitting"] == ["kraken_trades"]
    assert list((tmp_path / "temporary").iterdir()) == []


def test_sample_that_is_too_large_or_none_is_refused(make_api):
    api = make_api(max_sample_bytes=10, max_request_bytes=5000)

    assert post_sample(api, b"x" * 11).json["code"] == "api.too_large"
    assert post_sample(api, b"x" * 6000).json["code"] == "http.request_entity_too_large"
    no_file = {"data": {"contract": "x"}, "content_type": "multipart/form-data"}
    assert api.client.post("/api/v1/contracts/check", **no_file).status_code == 400


def test_failing_sample_says_why_and_names_no_path_of_the_server(api, tmp_path):
    answer = post_sample(api, b"a,b\n1,2\n", contract="trade_event").json["check"]

    assert (answer["passes"], answer["error"]["code"], answer["error"]["retryable"]) == (False, "file.header", False)
    assert answer["error"]["message"].startswith("XBTUSD.csv: header does not fit")
    assert "/tmp" not in json.dumps(answer)


def test_plan_is_a_dry_run(api, loaded, tmp_path):
    loaded.write("c.csv", [])
    before = loaded.query("SELECT count(*) FROM ingest.file")

    plan = api.post("/plans", {"sources": [str(loaded.folder)], "contract": "kraken_trades", "limit": 2})

    assert (plan["contract"], plan["target"], plan["files_to_load"]) == ("kraken_trades", "public.trade_print", 3)
    assert plan["bytes_to_load"] == sum(path.stat().st_size for path in loaded.folder.iterdir())
    assert (plan["reasons"], plan["files_skipped"], plan["skipped"], plan["ignored"]) == ({"new": 3}, 0, [], [])
    assert [file["uri"] for file in plan["to_load"]] == [str(loaded.folder / name) for name in ("a.csv", "b.csv")]
    assert loaded.query("SELECT count(*) FROM ingest.file") == before


@pytest.mark.parametrize("source", ["/etc", "{folder}/../../etc", "{folder}/*/../../../etc/*", "s3://bucket/key"])
def test_plan_of_a_source_that_is_not_allowed_is_refused(api, loaded, source):
    answer = api.client.post("/api/v1/plans", json={"sources": [source.format(folder=loaded.folder)]})

    assert (answer.status_code, answer.json["code"]) == (403, "source.not_allowed")


def test_plan_does_not_follow_a_link_out_of_what_is_allowed(api, loaded):
    (loaded.folder / "out").symlink_to("/etc")

    answer = api.client.post("/api/v1/plans", json={"sources": [str(loaded.folder / "out" / "*")]})

    assert answer.json["code"] == "source.not_allowed"


def test_coverage_is_by_day(api, desk):
    desk.load("a.csv", [desk.line("A1"), desk.line("A2", at="2024-03-06 23:59:59")])
    desk.load("b.csv", [desk.line("B1", at="2024-03-06 00:00:00")])
    days = [
        {"date": "2024-03-04", "state": "loaded", "files": 1, "rows": 1},
        {"date": "2024-03-06", "state": "loaded", "files": 2, "rows": 2},
    ]

    whole = {"target": "public.fill", "contract": None, "days": days}
    assert api.get("/coverage", target="public.fill") == whole
    assert api.get("/coverage", target="public.fill", contract="fill")["days"] == days
    assert api.get("/coverage", target="public.fill", date_from="2024-03-05")["days"] == days[1:]
    assert api.get("/coverage", target="public.fill", date_to="2024-03-06")["days"] == days[:1]
    assert api.get("/coverage", target="public.fill", date_from="2024-04-01")["days"] == []
    assert api.ask("/coverage", target="public.no").json["code"] == "ledger.not_found"
    assert api.ask("/coverage", target="public.fill", contract="no").json["code"] == "ledger.not_found"
    desk.execute("DROP TABLE fill CASCADE")
    assert api.get("/coverage", target="public.fill") == whole  # the ledger knows


def test_days_of_feeds_are_judged_by_their_habit_and_their_contract(api, desk):
    today = datetime.now(UTC).date()
    monday = today - timedelta(days=today.weekday() + 7)
    holiday, forgotten = monday - timedelta(weeks=1), monday
    desk.contract = desk.contract.model_copy(update={"holidays": (holiday,)})
    at = [monday - timedelta(weeks=weeks) for weeks in (5, 4, 3, 2)] + [monday + timedelta(days=1)]
    lines = [desk.line(f"A{n}", at=f"{day} 09:00:00") for n, day in enumerate(at)]
    desk.load("a.csv", lines)

    gaps = api.get("/coverage/gaps")["items"]
    (feed,) = gaps
    assert (feed["target"], feed["contract"], feed["missing"], feed["partial"]) == (
        "public.fill",
        "fill",
        [str(forgotten)],
        [],
    )
    late = [str(monday + timedelta(weeks=1))] if today > monday + timedelta(weeks=1) else []
    assert feed["late"] == late
    assert len(api.get("/coverage", target="public.fill", date_from="1800-01-01")["days"]) == 7 + len(late)
    days = api.get("/coverage", target="public.fill", contract="fill", date_from=str(holiday))["days"]
    assert {day["date"]: day["state"] for day in days} == {
        str(holiday): "holiday",
        str(forgotten): "missing",
        str(at[-1]): "loaded",
        **dict.fromkeys(late, "late"),
    }


def test_days_at_both_ends_of_the_calendar_are_shown(api, desk):
    desk.load("a.csv", [desk.line("A1")])
    desk.execute("UPDATE ingest.file SET event_days = '{0001-01-02, 9999-12-31}', event_day_rows = '{1, 2}',"
                 " event_time_max = '9999-12-31 09:00:00+00'")  # fmt: skip

    days = api.get("/coverage", target="public.fill")["days"]
    assert [(day["date"], day["rows"]) for day in days] == [("0001-01-02", 1), ("9999-12-31", 2)]
    assert api.ask("/coverage/gaps").status_code == 200


def test_feed_that_has_ended_lacks_nothing(api, desk):
    today = datetime.now(UTC).date()
    ended = [today - timedelta(weeks=weeks) for weeks in (9, 8, 7, 6)]
    desk.load("a.csv", [desk.line(f"A{n}", at=f"{day} 09:00:00") for n, day in enumerate(ended)])

    assert api.get("/coverage/gaps", days=100)["items"] == []
    days = api.get("/coverage", target="public.fill")["days"]
    assert [(day["date"], day["state"]) for day in days] == [(str(day), "loaded") for day in ended]


def test_holiday_of_a_target_is_one_of_all_its_feeds(api, desk):
    desk.contract = desk.contract.model_copy(update={"holidays": (date(2024, 3, 5), date(2024, 3, 7))})
    desk.load("a.csv", [desk.line("A1"), desk.line("A2", at="2024-03-08 09:00:00")])
    desk.contract = desk.contract.model_copy(update={"name": "other", "holidays": (date(2024, 3, 7),)})
    desk.load("b.csv", [desk.line("B1")])

    def holidays(**wanted):
        days = api.get("/coverage", target="public.fill", **wanted)["days"]
        return [day["date"] for day in days if day["state"] == "holiday"]

    assert [holidays(), holidays(contract="fill")] == [["2024-03-07"], ["2024-03-05", "2024-03-07"]]


def test_sums_are_as_of_the_last_commit_whoever_made_it(api, loaded, desk):
    groups = api.get("/rejects/groups")["items"]
    assert [group["rejects"] for group in groups] == [2, 1]
    with psycopg.connect(desk.database) as first, psycopg.connect(desk.database, autocommit=True) as second:
        first.execute("UPDATE ingest.reject SET state = 'discarded' WHERE reject_id = 1")
        second.execute("UPDATE ingest.reject SET state = 'discarded' WHERE reject_id = 2")
        assert [group["rejects"] for group in api.get("/rejects/groups")["items"]] == [1]
        first.commit()
    assert api.get("/rejects/groups")["items"] == []


def test_reconciliation_answers_with_each_mismatch(api, loaded):
    good = api.post("/reconciliation", {"run_id": 1})
    loaded.execute("UPDATE fill SET price = price + 1")
    bad = api.post("/reconciliation", {"target": "public.fill"})

    assert good.pop("duration_seconds") > 0
    assert good == {
        "is_balanced": True,
        "files": 1,
        "rows": 1,
        "targets": [
            {
                "target": "public.fill",
                "is_balanced": True,
                "files": 1,
                "rows": 1,
                "mismatches": [],
                "lost_duplicates": [],
            }
        ],
    }
    assert bad["is_balanced"] is False
    assert bad["targets"][0]["mismatches"] == [
        {
            "kind": "control_total",
            "file_id": 1,
            "uri": str(loaded.folder / "a.csv"),
            "column": "price",
            "expected": "10.5000",
            "found": "11.5000",
        }
    ]
    for unknown in ({"run_id": 99}, {"target": "public.no"}):
        assert api.client.post("/api/v1/reconciliation", json=unknown).status_code == 404


def test_reconciliation_gives_up_in_time(make_api, loaded):
    api = make_api(reconcile_timeout_seconds=0.2)
    with psycopg.connect(loaded.database) as blocker:
        blocker.execute("LOCK TABLE fill IN ACCESS EXCLUSIVE MODE")
        answer = api.client.post("/api/v1/reconciliation", json={"target": "public.fill"})

    assert (answer.status_code, answer.json["code"], answer.json["retryable"]) == (503, "database.unavailable", True)


def test_run_without_files_reconciles_nothing(api, desk):
    desk.load("a.csv", [desk.line("A1")])
    desk.ingest()

    assert api.post("/reconciliation", {"run_id": 2})["targets"] == []


def test_summary_counts_by_time_and_says_how_fresh_each_target_is(api, loaded):
    loaded.execute("UPDATE ingest.file SET loaded_at = '2024-06-01 10:30:00Z' WHERE file_id = 1")
    loaded.execute("UPDATE ingest.attempt SET ended_at = '2024-06-01 12:00:00Z' WHERE file_id = 2")

    summary = api.get("/metrics/summary", start="2024-06-01T10:00:00Z", end="2024-06-01T13:00:00Z")

    size = (loaded.folder / "a.csv").stat().st_size
    nothing = dict.fromkeys(
        ["files_loaded", "files_failed", "rows_read", "rows_loaded", "rows_duplicate", "rows_rejected", "bytes_loaded"],
        0,
    )
    counts = {"files_loaded": 1, "rows_read": 3, "rows_loaded": 1, "rows_rejected": 2, "bytes_loaded": size}
    assert summary["buckets"] == [
        nothing | {"at": "2024-06-01T10:00:00Z", "reject_ratio": 2 / 3} | counts,
        nothing | {"at": "2024-06-01T11:00:00Z", "reject_ratio": None},
        nothing | {"at": "2024-06-01T12:00:00Z", "reject_ratio": None, "files_failed": 1},
    ]
    assert (summary["bucket_seconds"], summary["reject_ratio"]) == (3600, 2 / 3)
    assert summary["rows_per_second"] == pytest.approx(1 / 10800)
    (fresh,) = summary["freshness"]
    age = (datetime.now(UTC) - datetime(2024, 6, 1, 10, 30, tzinfo=UTC)).total_seconds()
    assert fresh.pop("age_seconds") == pytest.approx(age, abs=60)
    assert fresh == {
        "target": "public.fill",
        "contract": "fill",
        "last_loaded_at": "2024-06-01T10:30:00Z",
        "last_event_at": "2024-03-04T09:00:00Z",
    }
    backlog = summary["backlog"]
    assert (backlog["files_failed"], backlog["files_pending"], backlog["rejects_open"]) == (1, 0, 2)


@pytest.mark.parametrize("span", [timedelta(0), timedelta(hours=-1), timedelta(days=70)])
def test_summary_of_no_time_or_too_many_spans_is_refused(api, loaded, span):
    start = datetime(2024, 1, 1, tzinfo=UTC)

    refused = api.ask("/metrics/summary", start=start.isoformat(), end=(start + span).isoformat())

    assert (refused.status_code, refused.json["code"]) == (400, "api.request")


def test_metrics_are_there_for_prometheus_with_bounded_labels(api, loaded):
    for number in range(30):
        api.ask(f"/runs/{number}")
        api.client.get(f"/api/v1/nothing/{number}")
        api.client.open("/healthz", method=f"WEIRD{number}")
    text = api.client.get("/metrics").text

    lines = [line for line in text.splitlines() if line.startswith("trade_ingest_http_requests_total")]
    assert sorted(line.split("{")[1] for line in lines) == [
        'method="GET",route="/api/v1/runs/<int:run_id>",status="200"} 1.0',
        'method="GET",route="/api/v1/runs/<int:run_id>",status="404"} 29.0',
        'method="GET",route="none",status="404"} 30.0',
        'method="other",route="none",status="405"} 30.0',
    ]
    assert "trade_ingest_rejects_open 2.0" in text
    assert "trade_ingest_files_failed 1.0" in text
    assert 'trade_ingest_last_loaded_timestamp_seconds{contract="fill",target="public.fill"}' in text
    assert "trade_ingest_http_requests_in_flight 1.0" in text


def test_checks_are_those_of_the_doctor(api, loaded):
    answer = api.get("/system/checks")

    names = ["python", "contract", "engines", "database", "durability", "connections", "clock", "rights", "ledger"]
    assert [check["name"] for check in answer["items"]] == [*names, "target"]
    assert answer["state"] == "warn"  # the tests' server does not flush to disk
    assert (
        next(check for check in answer["items"] if check["name"] == "ledger")["message"] == f"revision {HEAD}, current"
    )


def test_database_shows_its_tables_connections_and_locks(api, loaded):
    with psycopg.connect(loaded.database, application_name="trade-ingest test") as blocker:
        blocker.execute("LOCK TABLE fill IN SHARE MODE")
        answer = api.get("/system/database")
        pid = blocker.info.backend_pid

    assert {"ingest.file", "ingest.run", "fill"} <= {table["table"] for table in answer["tables"]}
    assert {"relation": "fill", "mode": "ShareLock", "is_granted": True, "process_id": pid} in answer["locks"]
    assert {"trade-ingest test", "trade-ingest api"} <= {one["application"] for one in answer["connections"]}
    assert answer["database"]["max_connections"] == 50


def test_settings_are_shown_without_secrets(make_api, database_url):
    secret = "postgresql://me:hunter2@db.example/trades"
    api = make_api(settings={"database_url": secret})

    items = {item["name"]: item for item in api.get("/system/settings")["items"]}

    assert items["database_url"]["value"] == "postgresql://me:***@db.example/trades"
    assert (items["contract"]["value"], items["contract"]["variable"]) == ("trade_event", "TRADE_INGEST_CONTRACT")
    assert "hunter2" not in json.dumps(items)


def test_health_and_readiness(api, make_api, loaded):
    assert api.client.get("/healthz").json == {"status": "ok", "version": "0.1.0"}
    assert api.client.get("/readyz").json == {"status": "ok", "ledger_revision": HEAD}
    nobody = make_api(database="postgresql://me:hunter2@127.0.0.1:1/none")
    assert nobody.client.get("/healthz").status_code == 200
    answer = nobody.client.get("/readyz")
    assert (answer.status_code, answer.json["code"], answer.json["retryable"]) == (503, "database.unavailable", True)
    assert "hunter2" not in answer.text
