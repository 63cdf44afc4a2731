"""What the trade routes say at the edges: versions, replaced rows, spans, refusals."""

import psycopg
import pytest

from trade_ingest.contract.loading import load_contract, parse_contract
from trade_ingest.trades import history, window

EVENT_HEADER = (
    "TradeId,CustomerId,From_Currency,To_Currency,From_Cost,To_Cost,From_Pip,To_Pip,Transaction_Date,"
    "Transaction_Status,Created_By,Created_On,Updated_By,Updated_on,From_Deposited_Account,To_Debited_Account"
)
EVENTS = "public.trade_event"
DAY = {"event_from": "2024-03-04T00:00:00Z", "event_to": "2024-03-05T00:00:00Z"}


def event(trade_id, status, updated, *, cost="100", pair="EUR,USD", at="2024-03-04 09:00:00", pip="1.1000"):
    """A row of a trade event file."""
    return f"{trade_id},C1,{pair},{cost},110,{pip},0.9,{at},{status},,{at},,{updated},,"


@pytest.fixture
def events(desk):
    """Loads files of trade events: `events("a.csv", row, row)`."""

    def load(name, *rows):
        desk.write(name, rows, header=EVENT_HEADER)
        desk.ingest(name, contract=load_contract("trade_event"))

    return load


def versions(answer):
    """Of each version: file, row, whether it is current, whether it is replaced, what changed."""
    return [
        (one["row"]["file_id"], one["row"]["row_number"], one["is_current"], one["is_replaced"], one["changed"])
        for one in answer["versions"]
    ]


def test_targets_say_which_columns_are_what(api, desk, print_desk, events):
    desk.load("a.csv", [desk.line("A1")])
    print_desk.load("b.csv", [print_desk.line("B1")])
    events("c.csv", event("T1", "PENDING", "2024-03-04 09:00:01"))
    fields = ("target", "contract", "key", "event_time", "symbol", "price", "quantity", "identity", "version")
    found = [tuple(target[name] for name in fields) for target in api.get("/trades/targets")["items"]]

    assert found == [
        ("public.fill", "fill", ["trade_id"], "executed_at", ["symbol"], "price", "quantity", ["trade_id"], None),
        ("public.print", "print", [], "executed_at", ["symbol"], "price", "quantity", [], None),
        (
            EVENTS,
            "trade_event",
            ["trade_id", "customer_id", "updated_at", "transaction_date"],
            "transaction_date",
            ["from_currency", "to_currency"],
            "from_pip",
            "from_cost",
            ["trade_id", "customer_id"],
            "updated_at",
        ),
    ]
    desk.execute("DROP TABLE print")
    assert [target["target"] for target in api.get("/trades/targets")["items"]] == ["public.fill", EVENTS]


def test_trade_with_several_versions_counts_once_and_as_it_stands_now(api, events):
    events("a.csv", event("T1", "PENDING", "2024-03-04 09:00:01"), event("T2", "PENDING", "2024-03-04 09:00:01"))
    events(
        "b.csv",
        event("T1", "COMPLETED", "2024-03-04 10:00:00", cost="250.50", pip="1.1200"),
        event("T2", "COMPLETED", "2024-03-04 10:00:00", pair="EUR,CHF", pip="0.95"),
    )

    found = api.get("/trades/symbols", target=EVENTS)

    lines = [(line["symbol"], line["trades"], line["volume"], line["last_price"]) for line in found["items"]]
    assert lines == [("EUR/CHF", 1, "100", "0.95"), ("EUR/USD", 1, "250.5", "1.12")]
    (bar,) = api.get("/trades/bars", target=EVENTS, symbol="EUR/USD", interval="1h")["items"]
    assert bar == {
        "at": "2024-03-04T09:00:00Z",
        "open": "1.12",
        "high": "1.12",
        "low": "1.12",
        "close": "1.12",
        "volume": "250.5",
        "trades": 1,
    }
    rows = api.get("/trades/rows", target=EVENTS, symbol="EUR/USD")["items"]
    assert [(row["file_id"], row["values"]["transaction_status"]) for row in rows] == [
        (2, "COMPLETED"),
        (1, "PENDING"),
        (1, "PENDING"),
    ]


def test_history_orders_the_versions_and_keeps_what_was_replaced(api, events):
    events("a.csv", event("T1", "PENDING", "2024-03-04 09:00:01"), event("T9", "PENDING", "2024-03-04 09:00:01"))
    events("b.csv", event("T1", "COMPLETED", "2024-03-04 10:00:00.5"), event("T1", "PENDING", "2024-03-04 10:00:00"))
    events("a.csv", event("T1", "PENDING", "2024-03-04 09:00:01", cost="120"))

    of_row = api.get("/trades/history", target=EVENTS, file_id=2, row_number=1)
    assert (of_row["identity"], of_row["is_complete"]) == (["trade_id", "customer_id"], True)
    assert versions(of_row) == [
        (1, 1, False, True, []),
        (3, 1, False, False, ["from_cost"]),
        (2, 2, False, False, ["from_cost", "updated_at"]),
        (2, 1, True, False, ["transaction_status", "updated_at"]),
    ]
    assert api.get("/trades/history", target=EVENTS, key="T1") == of_row
    assert api.get("/trades/history", target=EVENTS, file_id=1, row_number=1) == of_row

    taken_out = api.get("/trades/history", target=EVENTS, key="T9")
    assert versions(taken_out) == [(1, 2, False, True, [])]
    assert taken_out["versions"][0]["row"]["file_state"] == "replaced"


def test_only_related_files_of_a_large_table_of_replaced_rows_are_searched(api, events, monkeypatch):
    events("a.csv", event("T1", "PENDING", "2024-03-04 09:00:01"), event("T9", "PENDING", "2024-03-04 09:00:01"))
    events(
        "a.csv", event("T1", "PENDING", "2024-03-04 09:00:01", cost="1"), event("T8", "PENDING", "2024-03-04 09:00:01")
    )
    events("a.csv", event("T1", "PENDING", "2024-03-04 09:00:01", cost="2"))
    monkeypatch.setattr(history, "SEARCHED_BYTES", -1)

    found = api.get("/trades/history", target=EVENTS, key="T1")

    assert found["is_complete"] is False
    assert [version[:4] for version in versions(found)] == [
        (1, 1, False, True),
        (2, 1, False, True),
        (3, 1, True, False),
    ]
    taken_out = api.get("/trades/history", target=EVENTS, file_id=1, row_number=2)
    assert versions(taken_out) == [(1, 2, False, True, [])]
    assert api.ask("/trades/history", target=EVENTS, key="T9").status_code == 404


def test_row_without_a_key_is_its_own_history(api, print_desk):
    print_desk.load("a.csv", [print_desk.line("A1"), print_desk.line("A1")])

    found = api.get("/trades/history", target="public.print", file_id=1, row_number=2)

    assert (found["identity"], versions(found)) == ([], [(1, 2, True, False, [])])
    answer = api.ask("/trades/history", target="public.print", key="A1")
    assert (answer.status_code, answer.json["detail"]) == (400, "public.print has no key: its rows have no history")


def test_file_is_read_whole_also_when_it_was_replaced(api, desk):
    lines = [desk.line("A1", price="1"), desk.line("A2", price="3", at="2024-03-06 00:00:00")]
    desk.load("a.csv", lines)
    desk.load("b.csv", [desk.line("B1", price="9", at="2024-03-08 00:00:00")])
    desk.load("a.csv", [desk.line("A1", price="2")])

    def read(**asked):
        found = api.get("/trades/symbols", target="public.fill", **asked)
        rows = api.get("/trades/rows", target="public.fill", **asked)["items"]
        return found["event_from"], found["event_to"], [(row["file_id"], row["values"]["price"]) for row in rows]

    assert read(file_id=1) == ("2024-03-04T09:00:00Z", "2024-03-06T00:00:00.000001Z", [(1, "3"), (1, "1")])
    assert read(file_id=3) == ("2024-03-04T09:00:00Z", "2024-03-04T09:00:00.000001Z", [(3, "2")])
    assert read() == ("2024-03-08T00:00:00Z", "2024-03-09T00:00:00Z", [(2, "9")])
    assert read(event_to="2024-03-04T10:00:00Z") == ("2024-03-03T10:00:00Z", "2024-03-04T10:00:00Z", [(3, "2")])
    assert read(event_from="2024-03-01T00:00:00Z") == (
        ("2024-03-01T00:00:00Z", "2024-03-09T00:00:00Z", [(2, "9"), (3, "2")])
    )


@pytest.mark.parametrize(("named", "newest"), [(500, 20_000), (0, 20_000), (0, 1)])
def test_rows_of_a_load_that_is_not_over_are_not_seen(api, desk, monkeypatch, named, newest):
    for number in range(3):
        desk.load(f"{number}.csv", [desk.line(f"A{number}", price=number)])
    desk.execute("UPDATE ingest.file SET state = 'pending' WHERE file_id = 2")
    desk.execute("INSERT INTO ingest.file_part SELECT 2, attempt_id, 0, 1 FROM ingest.attempt WHERE file_id = 2")
    monkeypatch.setattr(window, "NAMED_FILES", named)
    monkeypatch.setattr(window, "NEWEST_FILES", newest)

    rows = api.get("/trades/rows", target="public.fill", **DAY)["items"]
    (line,) = api.get("/trades/symbols", target="public.fill", **DAY)["items"]

    assert [(row["file_id"], row["values"]["price"]) for row in rows] == [(3, "2"), (1, "0")]
    assert (line["trades"], line["volume"], line["last_price"]) == (2, "6", "2")


def test_values_are_written_without_loss(api, desk):
    contract = parse_contract(
        """
name: odd
version: 1
columns:
  - {name: id, type: integer}
  - {name: at, type: timestamp, zone: UTC}
  - {name: exact, type: "decimal(38,12)", required: false}
  - {name: day, type: date}
  - {name: is_block, type: boolean}
  - {name: more, type: json}
  - {name: note, type: text, required: false, null_tokens: ["NULL"]}
key: [id]
event_time: at
target: {table: odd, partition_by: none}
""",
        origin="odd.yaml",
    )
    rows = [
        (
            "9007199254740993,2024-03-04 09:00:00.123456,12345678901234567890.120000000000,2024-03-04,true,"
            '"{""a"": [1]}",""'
        ),
        "2,2024-03-04 09:00:00,-0.000000000001,2024-03-04,false,null,NULL",
        "3,2024-03-04 08:00:00,,2024-03-04,false,1,x",
    ]
    desk.write("odd.csv", rows, header="id,at,exact,day,is_block,more,note")
    desk.ingest("odd.csv", contract=contract)

    found = api.get("/trades/rows", target="public.odd", **DAY)["items"]

    names = ["id", "at", "exact", "day", "is_block", "more", "note"]
    assert [list(row["values"]) for row in found] == [names] * 3
    assert [tuple(row["values"].values()) for row in found] == [
        (
            "9007199254740993",
            "2024-03-04T09:00:00.123456Z",
            "12345678901234567890.12",
            "2024-03-04",
            "true",
            '{"a": [1]}',
            "",
        ),
        ("2", "2024-03-04T09:00:00Z", "-0.000000000001", "2024-03-04", "false", "null", None),
        ("3", "2024-03-04T08:00:00Z", None, "2024-03-04", "false", "1", "x"),
    ]
    assert [row["symbol"] for row in found] == [None, None, None]
    (line,) = api.get("/trades/symbols", target="public.odd", **DAY)["items"]
    assert (line["symbol"], line["trades"], line["volume"], line["last_price"]) == (None, 3, None, None)
    assert versions(api.get("/trades/history", target="public.odd", key="9007199254740993")) == [
        (1, 1, True, False, [])
    ]
    for key in ("4", "word", "9" * 40):
        answer = api.ask("/trades/history", target="public.odd", key=key)
        assert (answer.status_code, answer.json["code"]) == (404, "ledger.not_found"), key
    answer = api.ask("/trades/bars", target="public.odd")
    assert answer.status_code == 400
    assert answer.json["detail"] == "public.odd has no column that is known as the price"


@pytest.mark.parametrize(
    ("path", "asked", "status", "detail"),
    [
        ("symbols", {"target": "public.no"}, 404, "the ledger has no target public.no whose table is there"),
        ("bars", {"target": "fill"}, 404, "the ledger has no target fill whose table is there"),
        ("rows", {"target": "public.fill", "file_id": 7}, 404, "the ledger has no file 7 in public.fill"),
        ("rows", {"target": "public.fill", "cursor": "x"}, 400, "the cursor is not one that a list gave"),
        (
            "history",
            {"target": "public.fill", "file_id": 1, "row_number": 9},
            404,
            "public.fill has no row 9 of file 1",
        ),
        ("history", {"target": "public.fill"}, 400, "a history is that of a key, or that of a row"),
        (
            "history",
            {"target": "public.fill", "key": "A1", "file_id": 1},
            400,
            "a history is that of a key, or that of a row",
        ),
        (
            "bars",
            {"target": "public.fill", "symbol": "AAPL", "interval": "1s", **DAY},
            400,
            "the span has more than 2000 intervals of 1s",
        ),
    ],
)
def test_what_cannot_be_answered_is_refused(api, desk, path, asked, status, detail):
    desk.load("a.csv", [desk.line("A1")])

    answer = api.ask(f"/trades/{path}", **asked)

    assert (answer.status_code, answer.json["detail"]) == (status, detail)


def test_cursor_of_other_rows_is_refused(api, desk):
    desk.load("a.csv", [desk.line("A1"), desk.line("A2")])
    cursor = api.get("/trades/rows", target="public.fill", limit=1)["next_cursor"]

    answer = api.ask("/trades/rows", target="public.fill", limit=1, cursor=cursor, symbol="AAPL")

    assert (answer.status_code, answer.json["code"]) == (400, "api.cursor")


def test_reading_that_takes_too_long_is_given_up(make_api, desk):
    desk.load("a.csv", [desk.line("A1")])
    impatient = make_api(statement_timeout_seconds=0.2)

    with psycopg.connect(desk.database) as other:
        other.execute("LOCK TABLE fill IN ACCESS EXCLUSIVE MODE")
        for path, asked in (("symbols", {}), ("bars", {"symbol": "AAPL"}), ("rows", {}), ("history", {"key": "A1"})):
            answer = impatient.ask(f"/trades/{path}", target="public.fill", **asked)
            assert (answer.status_code, answer.json["detail"], answer.json["hint"]) == (
                503,
                "public.fill: reading its rows took longer than the server allows",
                "ask for a shorter span, or for one file_id",
            )


def test_target_without_rows_has_no_span(api, desk):
    desk.load("a.csv", [desk.line("A1", price="-1")])

    assert api.get("/trades/symbols", target="public.fill") == {"event_from": None, "event_to": None, "items": []}
    assert api.get("/trades/bars", target="public.fill", symbol="AAPL")["items"] == []
    assert api.get("/trades/rows", target="public.fill") == {"items": [], "next_cursor": None}
    assert api.get("/trades/rows", target="public.fill", file_id=1)["items"] == []
