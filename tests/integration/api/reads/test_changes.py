"""What a new delivery of a file changed."""

import csv
import json
import random
import subprocess
import sys
from collections import Counter

import psycopg
import pytest
import yaml

from trade_ingest.contract.loading import load_contract, parse_contract
from trade_ingest.rollback import rollback


def counts(changes):
    """Rows before and now, and how many of them are the same, added, removed, changed."""
    return [changes[f"rows_{name}"] for name in ("before", "now", "same", "added", "removed", "changed")]


def places(rows):
    """File and row number."""
    return [(row["file_id"], row["row_number"]) for row in rows]


def test_rows_are_found_again_by_their_key(api, desk):
    desk.load("a.csv", [desk.line("A1"), desk.line("A2"), desk.line("A3", price="1"), desk.line("A4")])
    desk.load("b.csv", [desk.line("B1")])
    desk.load(
        "a.csv",
        [desk.line("A5"), desk.line("A4", price="2", quantity="9"), desk.line("A1"), desk.line("A3", price="2")],
    )

    changes = api.get("/files/3/changes")

    assert counts(changes) == [4, 4, 1, 1, 1, 2]
    assert (changes["file_id"], changes["before_file_id"], changes["target"]) == (3, 1, "public.fill")
    assert (changes["key"], changes["is_complete"]) == (["trade_id"], True)
    assert changes["columns"] == [{"column": "price", "rows": 2}, {"column": "quantity", "rows": 1}]
    assert (places(changes["added"]), places(changes["removed"])) == ([(3, 1)], [(1, 2)])
    assert changes["removed"][0]["values"] == {
        "trade_id": "A2",
        "symbol": "AAPL",
        "price": "10.5",
        "quantity": "3",
        "executed_at": "2024-03-04T09:00:00Z",
    }
    assert [
        (
            places([row["before"], row["now"]]),
            row["columns"],
            row["before"]["values"]["price"],
            row["now"]["values"]["price"],
        )
        for row in changes["changed"]
    ] == [
        ([(1, 4), (3, 2)], ["price", "quantity"], "10.5", "2"),
        ([(1, 3), (3, 4)], ["price"], "1", "2"),
    ]


def test_rows_without_a_key_are_compared_whole(api, print_desk):
    line = print_desk.line
    print_desk.load("a.csv", [line("A1"), line("A1"), line("A1"), line("A2"), line("A3", at="2024-04-01 00:00:00")])
    print_desk.load(
        "a.csv", [line("A3", at="2024-04-01 00:00:00"), line("A1"), line("A4"), line("A4"), line("A2", price=1)]
    )

    changes = api.get("/files/2/changes")

    assert counts(changes) == [5, 5, 2, 3, 3, 0]
    assert (changes["key"], changes["changed"], changes["columns"], changes["is_complete"]) == ([], [], [], True)
    assert (places(changes["added"]), places(changes["removed"])) == ([(2, 4), (2, 5)], [(1, 3), (1, 4)])


def test_null_is_a_value_like_any_other(api, desk):
    text = "name: n\nversion: 1\ncolumns:\n  - {name: id, type: integer}\n  - {name: at, type: timestamp, zone: UTC}\n"
    text += "  - {name: note, type: text, required: false, null_tokens: ['-']}\n"
    text += "  - {name: more, type: json, required: false, null_tokens: ['-']}\n"
    text += "event_time: at\ntarget: {table: n, partition_by: none}\n"
    for contract in (
        parse_contract(text, origin="n.yaml"),
        parse_contract(text.replace(": n\n", ": k\n").replace("table: n", "table: k") + "key: [id]\n", origin="k.yaml"),
    ):
        name = f"{contract.name}.csv"
        for rows in (["1,-,-", "2,-,null", "3,x,-"], ["1,-,-", "2,-,-", "3,-,-"]):
            lines = [row.replace(",", ",2024-03-04 09:00:00,", 1) for row in rows]
            desk.write(name, lines, header="id,at,note,more")
            desk.ingest(name, contract=contract)

    whole, by_key = api.get("/files/2/changes"), api.get("/files/4/changes")
    assert counts(whole) == [3, 3, 1, 2, 2, 0]
    assert counts(by_key) == [3, 3, 1, 0, 0, 2]
    assert [row["columns"] for row in by_key["changed"]] == [["more"], ["note"]]


def test_feed_without_trade_ids_is_compared_whole_in_a_table_of_feeds_with_them(api, desk):
    for lines in (["1600000000,1.5,1", "1600000001,2,1"], ["1600000000,1.5,1", "1600000001,3,1"]):
        desk.write("XBTUSD.csv", lines[1:], header=lines[0])
        desk.ingest("XBTUSD.csv", contract=load_contract("kraken_trades"))

    changes = api.get("/files/2/changes")

    assert counts(changes) == [2, 2, 1, 1, 1, 0]
    assert (changes["target"], changes["key"]) == ("public.trade_print", [])


def test_versions_that_were_replaced_themselves_are_compared(api, desk):
    for price in (1, 2, 3):
        desk.load("a.csv", [desk.line("A1", price=price)])

    values = [
        [(row["before"]["values"]["price"], row["now"]["values"]["price"]) for row in api.get(path)["changed"]]
        for path in ("/files/2/changes", "/files/3/changes")
    ]
    assert values == [[("1", "2")], [("2", "3")]]


def test_counts_are_those_of_plain_python(api, desk):
    draw = random.Random(5)
    deliveries = [
        {number: (draw.randrange(3), draw.randrange(1, 3)) for number in draw.sample(range(300), 200)} for _ in range(2)
    ]
    for rows in deliveries:
        lines = [desk.line(f"T{number}", price=price, quantity=quantity) for number, (price, quantity) in rows.items()]
        desk.load("a.csv", lines)
    before, now = deliveries
    both = before.keys() & now.keys()
    changed = [number for number in now if number in both and before[number] != now[number]]
    columns = Counter(
        name
        for number in changed
        for name, old, new in zip(("price", "quantity"), before[number], now[number], strict=True)
        if old != new
    )

    changes = api.get("/files/2/changes", limit=7)

    same = len(both) - len(changed)
    assert counts(changes) == [200, 200, same, 200 - len(both), 200 - len(both), len(changed)]
    assert {column["column"]: column["rows"] for column in changes["columns"]} == columns
    assert [row["now"]["values"]["trade_id"] for row in changes["changed"]] == [f"T{number}" for number in changed[:7]]
    added = [f"T{number}" for number in now if number not in both]
    assert [row["values"]["trade_id"] for row in changes["added"]] == added[:7]
    removed = [f"T{number}" for number in before if number not in both]
    assert [row["values"]["trade_id"] for row in changes["removed"]] == removed[:7]


def test_rows_that_are_not_kept_any_more_are_said_to_be_missing(api, desk):
    desk.load("a.csv", [desk.line("A1"), desk.line("A2")])
    desk.load("a.csv", [desk.line("A1"), desk.line("A2"), desk.line("A3")])
    desk.execute("DELETE FROM fill_replaced WHERE trade_id = 'A2'")

    changes = api.get("/files/2/changes")

    assert (counts(changes), changes["is_complete"]) == ([1, 3, 1, 2, 0, 0], False)


def test_file_that_emptied_itself_is_compared(api, desk):
    desk.load("a.csv", [desk.line("A1"), desk.line("A2")])
    desk.load("a.csv", [])

    assert counts(api.get("/files/2/changes")) == [2, 0, 0, 0, 2, 0]


@pytest.mark.parametrize(
    ("file_id", "detail"),
    [
        (1, "file 1 took the place of no other file"),
        (2, "file 2 is rolled_back: its rows are not kept to be compared"),
        (9, "the ledger has no file 9"),
    ],
)
def test_what_cannot_be_compared_is_said(api, desk, file_id, detail):
    desk.load("a.csv", [desk.line("A1")])
    desk.load("a.csv", [desk.line("A2")])
    rollback(desk.database, file_ids=[2])

    answer = api.ask(f"/files/{file_id}/changes")

    assert (answer.status_code, answer.json["code"], answer.json["detail"]) == (404, "ledger.not_found", detail)


def test_comparison_that_takes_too_long_is_given_up(make_api, desk, database_url):
    desk.load("a.csv", [desk.line("A1")])
    desk.load("a.csv", [desk.line("A2")])
    api = make_api(statement_timeout_seconds=1)

    with psycopg.connect(database_url) as other:
        other.execute("LOCK TABLE public.fill_replaced")  # reading its rows takes as long as this lasts
        answer = api.ask("/files/2/changes")

    assert (answer.status_code, answer.json["code"], answer.json["retryable"]) == (503, "database.unavailable", True)
    assert answer.json["hint"] == "compare public.fill and public.fill_replaced in SQL, by file_id"


def test_unchanged_comparison_is_not_sent_again(api, desk):
    desk.load("a.csv", [desk.line("A1")])
    desk.load("a.csv", [desk.line("A2")])
    etag = api.ask("/files/2/changes").headers["ETag"]

    assert api.client.get("/api/v1/files/2/changes", headers={"If-None-Match": etag}).status_code == 304


def test_plan_shows_what_a_changed_file_would_change_and_loads_nothing(desk, database_url, tmp_path):
    desk.load("a.csv", [desk.line("A1"), desk.line("A2"), desk.line("A3", price="1")])
    path = desk.write("a.csv", [desk.line("A1"), desk.line("A3", price="2"), desk.line("A4"), desk.line("A4"), "x"])
    words = [sys.executable, "-m", "trade_ingest", "plan", str(path), "--diff", "--database", database_url]
    contract = tmp_path / "fill.yaml"
    contract.write_text(yaml.safe_dump(desk.contract.model_dump(mode="json", by_alias=True, exclude_defaults=True)))
    words += ["--contract", str(contract)]

    text = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    data = json.loads(subprocess.run([*words, "-o", "json"], capture_output=True, text=True, check=True).stdout)

    assert "3 rows before, 3 now: 1 the same, 1 added, 1 removed, 1 changed" in text
    assert "changed: price in 1 row" in text
    assert "+ row 3: trade_id A4" in text
    assert "- row 2: trade_id A2" in text
    assert "~ row 2: trade_id A3: price 1 → 2" in text
    table = subprocess.run([*words, "-o", "csv"], capture_output=True, text=True, check=True).stdout
    (planned,) = data["items"]
    (cells,) = csv.DictReader(table.splitlines())
    assert json.loads(cells["changes"]) == planned["changes"]
    assert planned["changes"] | {"columns": {}} == {
        "before_file_id": 1, "key": ["trade_id"], "rows_before": 3, "rows_now": 3, "rows_same": 1,
        "rows_added": 1, "rows_removed": 1, "rows_changed": 1, "columns": {},
    }  # fmt: skip
    path = desk.write("a.csv", [], header="no,such")
    failed = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    assert "a.csv: [file.header]" in failed
    assert desk.query("SELECT trade_id FROM public.fill ORDER BY 1") == [("A1",), ("A2",), ("A3",)]
    assert desk.query("SELECT count(*) FROM ingest.file") == [(1,)]
