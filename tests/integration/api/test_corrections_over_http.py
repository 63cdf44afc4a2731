"""Rejects are replayed and discarded, files are rolled back, over HTTP; previews change nothing."""

from decimal import Decimal

import pytest

from trade_ingest.api.app import create_app
from trade_ingest.api.options import ApiOptions
from trade_ingest.settings import Settings


@pytest.fixture
def client(desk, tmp_path):
    desk.load("a.csv", [desk.line("A1"), desk.line("A2", price="-1"), desk.line("A3", quantity="0")])
    contract = tmp_path / "fill.yaml"
    contract.write_text(
        "name: fill\nversion: 2\nformat: {delimiter: ','}\ncolumns:\n"
        "  - {name: trade_id, type: text}\n  - {name: symbol, type: text, max_length: 6}\n"
        "  - {name: price, type: 'decimal(18,4)'}\n  - {name: quantity, type: integer, greater_than: 0}\n"
        "  - {name: executed_at, type: timestamp, zone: UTC}\n"
        "key: [trade_id]\nevent_time: executed_at\ncontrol_totals: [price, quantity]\n"
        "rejects: {max_count: 1000, max_ratio: 1}\ntarget: {table: fill, partition_by: none}\n"
    )
    settings = Settings(database_url=desk.database, contract=str(contract), api_sources=(str(desk.folder),))
    app = create_app(ApiOptions(desk.database, settings, static_folder=tmp_path / "no-dashboard"))
    yield app.test_client()
    app.extensions["trade_ingest_connections"].close()


def open_rejects(desk):
    return [codes for _, _, state, codes in desk.rejects() if state == "open"]


def test_replay_is_previewed_and_done(client, desk):
    body = {"file_ids": [1], "contract": "fill", "use_present_contract": True}
    preview = client.post("/api/v1/rejects/replay", json=body | {"preview": True}).json
    assert (preview["run_id"], preview["is_preview"], preview["rows_loaded"], preview["rows_rejected"]) == (
        None,
        True,
        1,
        1,
    )
    assert len(desk.rows()) == 1
    done = client.post("/api/v1/rejects/replay", json=body).json

    assert (done["rows_tried"], done["rows_loaded"], done["rows_rejected"]) == (2, 1, 1)
    assert [row[0] for row in desk.rows()] == ["A1", "A2"]
    assert len(open_rejects(desk)) == 1


def test_corrected_rows_are_tried_and_loaded(client, desk):
    ids = [reject_id for (reject_id,) in desk.query("SELECT reject_id FROM ingest.reject ORDER BY row_number")]
    better, still_bad = desk.line("A2", price="1.50"), desk.line("A3", quantity="-4")
    body = {"corrected": [{"reject_id": ids[0], "raw_text": better}, {"reject_id": ids[1], "raw_text": still_bad}]}
    preview = client.post("/api/v1/rejects/replay", json=body | {"preview": True}).json
    assert (preview["rows_tried"], preview["rows_loaded"], preview["rows_rejected"]) == (2, 1, 1)
    assert (len(desk.rows()), len(open_rejects(desk))) == (1, 2)
    done = client.post("/api/v1/rejects/replay", json=body).json

    assert (done["rows_tried"], done["rows_loaded"], done["rows_rejected"]) == (2, 1, 1)
    assert desk.query("SELECT trade_id, price FROM fill ORDER BY trade_id")[1] == ("A2", Decimal("1.5000"))
    assert desk.query("SELECT raw_text, state FROM ingest.reject ORDER BY reject_id") == [
        (desk.line("A2", price="-1"), "replayed"),
        (desk.line("A3", quantity="0"), "open"),
    ]
    assert desk.query("SELECT detail->'corrected'->0 FROM ingest.audit ORDER BY audit_id DESC LIMIT 1") == [
        ({"reject_id": ids[0], "raw_text": better},)
    ]


def test_corrected_rows_that_are_ambiguous_are_refused(client, desk):
    (first, second) = [
        reject_id for (reject_id,) in desk.query("SELECT reject_id FROM ingest.reject ORDER BY reject_id")
    ]
    row = {"reject_id": first, "raw_text": desk.line("A2")}
    twice = client.post(
        "/api/v1/rejects/replay",
        json={"corrected": [row, row | {"raw_text": desk.line("A9")}, {"reject_id": second, "raw_text": "x"}]},
    ).json
    filtered = client.post("/api/v1/rejects/replay", json={"corrected": [row], "file_ids": [1]})
    empty = client.post("/api/v1/rejects/replay", json={"corrected": []})

    assert (twice["rows_tried"], twice["rows_loaded"], len(twice["refused"])) == (1, 0, 1)
    assert (filtered.status_code, filtered.json["code"]) == (400, "usage")
    assert (empty.status_code, empty.json["code"]) == (400, "usage")
    assert len(desk.rows()) == 1


def test_rejects_are_discarded_with_a_reason(client, desk):
    refused = client.post("/api/v1/rejects/discard", json={"file_ids": [1], "why": " "})
    done = client.post("/api/v1/rejects/discard", json={"column": "price", "why": "test rows"})

    assert refused.status_code == 400
    assert (done.status_code, done.json) == (200, {"rejects": 1, "why": "test rows"})
    assert len(open_rejects(desk)) == 1
    assert desk.query("SELECT discard_reason FROM ingest.reject WHERE state = 'discarded'") == [("test rows",)]


def test_only_rejects_of_the_contract_are_meant(client, desk):
    other = desk.contract.model_copy(update={"name": "other", "version": 1})
    desk.write("b.csv", [desk.line("B1", price="-1")])
    desk.ingest("b.csv", contract=other)
    assert len(open_rejects(desk)) == 3
    replayed = client.post("/api/v1/rejects/replay", json={"contract": "other", "preview": True}).json
    discarded = client.post("/api/v1/rejects/discard", json={"contract": "other", "why": "a test feed"}).json
    unknown = client.post("/api/v1/rejects/discard", json={"contract": "othr", "why": "a test feed"})
    by_none = client.post("/api/v1/rejects/replay", json={"file_ids": [1], "use_present_contract": True})

    assert (replayed["rows_tried"], discarded["rejects"], len(open_rejects(desk))) == (1, 1, 2)
    assert (unknown.status_code, unknown.json["hint"]) == (404, "did you mean `other`?")
    assert (by_none.status_code, by_none.json["code"]) == (400, "usage")


@pytest.mark.parametrize("command", ["replay", "discard"])
def test_all_rejects_of_the_ledger_are_not_meant_by_leaving_all_out(client, desk, command):
    answer = client.post(f"/api/v1/rejects/{command}", json={"why": "x"} if command == "discard" else {})

    assert (answer.status_code, answer.json["code"]) == (400, "usage")
    assert len(open_rejects(desk)) == 2


def test_file_is_rolled_back_after_a_preview(client, desk):
    preview = client.post("/api/v1/files/1/rollback", json={"preview": True}).json
    assert (preview["run_id"], preview["rows_removed"], len(desk.rows())) == (None, 1, 1)
    done = client.post("/api/v1/files/1/rollback", json={}).json
    again = client.post("/api/v1/files/1/rollback", json={})
    unknown = client.post("/api/v1/files/99/rollback", json={})

    assert (done["rows_removed"], done["files"][0]["file_id"], desk.rows()) == (1, 1, [])
    assert desk.state_of(1) == "rolled_back"
    assert (again.status_code, again.json["code"]) == (409, "rollback.refused")
    assert unknown.status_code == 404
    assert desk.query("SELECT action, status FROM ingest.audit ORDER BY audit_id") == [
        ("commands.rollback_file", 200),
        ("commands.rollback_file", 200),
        ("commands.rollback_file", 409),
        ("commands.rollback_file", 404),
    ]
