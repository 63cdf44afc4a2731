import pytest

from trade_ingest.contract.loading import parse_contract
from trade_ingest.errors import LedgerVersionError, NotInLedgerError, UsageError
from trade_ingest.ledger.queries import Overlap, get_file, get_run, list_files, list_runs, open_ledger
from trade_ingest.ledger.reject_pages import get_reject
from trade_ingest.ledger.rejects import (
    RejectFilter,
    RejectGroup,
    count_rejects,
    discard_rejects,
    group_rejects,
    list_rejects,
)


def test_runs_are_listed_newest_first_a_page_at_a_time(desk):
    for number in range(5):
        desk.write("a.csv", [desk.line("A1", price=number)])
        desk.ingest()
    desk.write("bad.csv", [], header="no")
    desk.ingest("bad.csv")
    with open_ledger(desk.database) as connection:
        newest = list_runs(connection, limit=4)
        rest = list_runs(connection, limit=4, before=newest[-1].run_id)
        assert [run.run_id for run in (*newest, *rest)] == [6, 5, 4, 3, 2, 1]
        assert [run.run_id for run in list_runs(connection, states=["failed"])] == [6]
        assert list_runs(connection, states=["running", "abandoned"]) == []


def test_run_in_detail_has_the_counters_of_its_result_and_names_the_bottleneck(desk):
    desk.write("a.csv", [desk.line("A1"), desk.line("A2", price="-1")])
    desk.write("bad.csv", [], header="no,such,columns")
    result = desk.ingest()
    with open_ledger(desk.database) as connection:
        detail = get_run(connection, result.run_id)
    assert detail.run.counters == result.counters
    assert (detail.run.kind, detail.run.state, detail.contract) == ("ingest", "failed", "fill v1")
    assert detail.files_by_state == {"failed": 1, "loaded": 1}
    assert detail.rejects_open == 1
    assert set(detail.stage_seconds) >= {"parse", "copy"}
    assert detail.stage_seconds[detail.bottleneck] == max(detail.stage_seconds.values())
    (failure,) = detail.failures
    assert (failure.uri, failure.error["code"]) == (str(desk.folder / "bad.csv"), "file.header")


def test_files_are_found_by_run_state_target_and_pattern(desk):
    desk.write("2024-01_a.csv", [desk.line("A1")])
    desk.write("2024-02_b.csv", [desk.line("B1")])
    first = desk.ingest()
    desk.load("twin/2024-01_a.csv", [desk.line("A1")])

    def names(**wanted):
        with open_ledger(desk.database) as connection:
            return [file.uri.removeprefix(f"{desk.folder}/") for file in list_files(connection, **wanted)]

    assert names() == ["twin/2024-01_a.csv", "2024-02_b.csv", "2024-01_a.csv"]
    assert names(run_id=first.run_id) == ["2024-02_b.csv", "2024-01_a.csv"]
    assert names(states=["skipped"]) == ["twin/2024-01_a.csv"]
    assert names(uri="*2024-01_a.csv", states=["loaded"]) == ["2024-01_a.csv"]
    assert names(uri="2024-01_") == ["twin/2024-01_a.csv", "2024-01_a.csv"]
    assert names(uri="2024-0?_") == []
    assert names(uri="*2024-0?_b.csv") == ["2024-02_b.csv"]
    assert names(uri="2024-01%") == []
    assert names(target="public.other") == []
    assert names(limit=1) == ["twin/2024-01_a.csv"]


def test_file_in_detail_has_its_attempts_totals_relations_and_rejects(desk):
    first = desk.load("first.csv", [desk.line("A1")])
    old = desk.load("a.csv", [desk.line("A1"), desk.line("A2")])
    new = desk.load("a.csv", [desk.line("A1"), desk.line("A3"), desk.line("A4", price="-1")])
    with open_ledger(desk.database) as connection:
        details = {file.file_id: get_file(connection, file.file_id) for file in (first, old, new)}
    assert details[first.file_id].duplicated_by == [Overlap(old.file_id, old.uri, 1), Overlap(new.file_id, new.uri, 1)]
    assert details[old.file_id].replaced_by_file_id == new.file_id
    detail = details[new.file_id]
    assert detail.file == desk.file("a.csv")
    assert detail.file.is_balanced
    assert (detail.file.replaces_file_id, detail.replaced_by_file_id) == (old.file_id, None)
    assert detail.duplicates_of == [Overlap(first.file_id, first.uri, 1)]
    assert detail.control_totals == {"price": "10.5000", "quantity": "3"}
    assert detail.header == ["trade_id", "symbol", "price", "quantity", "executed_at"]
    assert (detail.contract, detail.rejects_by_state) == ("fill v1", {"open": 1})
    assert [(a.number, a.run_id, a.state, a.rows_read) for a in detail.attempts] == [(1, new.run_id, "loaded", 3)]
    assert len(bytes.fromhex(detail.content_hash)) == 16


def test_each_failed_attempt_is_kept_with_its_error(desk):
    desk.write("a.csv", [desk.line("A1")], header="no,such,columns,at,all")
    for _ in range(2):
        desk.ingest()
    with open_ledger(desk.database) as connection:
        detail = get_file(connection, desk.file("a.csv").file_id)
    assert [(a.number, a.state, a.error["code"]) for a in detail.attempts] == [
        (1, "failed", "file.header"),
        (2, "failed", "file.header"),
    ]


def test_what_the_ledger_does_not_know_is_said(desk, database_url):
    with pytest.raises(LedgerVersionError, match="the database has no ledger"), open_ledger(database_url):
        pass
    desk.load("a.csv", [desk.line("A1")])
    with open_ledger(desk.database) as connection:
        with pytest.raises(NotInLedgerError, match="no run 99"):
            get_run(connection, 99)
        with pytest.raises(NotInLedgerError, match="no file 99"):
            get_file(connection, 99)


def test_rejects_are_grouped_by_reason_and_column(desk):
    a = desk.load("a.csv", [desk.line("A1", price="-1", quantity="x"), desk.line("A2", price="-2"), "A3"])
    b = desk.load("b.csv", [desk.line("B1", price="-3"), desk.line("B2", quantity="")])
    with open_ledger(desk.database) as connection:
        groups = group_rejects(connection, RejectFilter())
        first = {(g.reason, g.column): g.example_reject_id for g in groups}
        assert groups == [
            RejectGroup("below_min", "price", 3, 2, first["below_min", "price"], "-1"),
            RejectGroup("field_count", None, 1, 1, first["field_count", None], "1 fields, expected 5"),
            RejectGroup("invalid_integer", "quantity", 1, 1, first["invalid_integer", "quantity"], "x"),
            RejectGroup("null_value", "quantity", 1, 1, first["null_value", "quantity"], None),
        ]
        assert count_rejects(connection, RejectFilter()) == 5
        assert count_rejects(connection, RejectFilter(file_ids=(b.file_id,))) == 2
        assert count_rejects(connection, RejectFilter(run_id=a.run_id, reason="below_min")) == 2
        assert count_rejects(connection, RejectFilter(column="quantity")) == 2
        assert count_rejects(connection, RejectFilter(reason="below_min", column="quantity")) == 0
        assert [g.column for g in group_rejects(connection, RejectFilter(file_ids=(b.file_id,)))] == [
            "price",
            "quantity",
        ]


@pytest.mark.parametrize(
    ("row", "bad"),
    [
        ('A1,"AA,PL,MSFT",-1,x,2024-03-04 09:00:00', ['"AA,PL,MSFT"', "-1", "x"]),
        ('"A""1",AAPL,1,0,2024-03-04 09:00:00', ["0"]),
        ("A1,AAPL,,1,2024-03-04 09:00:00", [""]),
        ("A1,AAPL,1,1,", [""]),
        ("A1,AAPL,1,1", []),
        ('"A1,AAPL,1,1,2024-03-04 09:00:00', []),
    ],
)
def test_bad_cells_are_marked_in_the_raw_row(desk, row, bad):
    desk.load("a.csv", [row])
    with open_ledger(desk.database) as connection:
        (reject,) = list_rejects(connection, RejectFilter())
    assert reject.raw_text == row
    assert [reject.raw_text[start:end] for start, end in reject.marks] == bad


def test_marks_follow_the_file_s_own_header_and_conflicts_mark_the_key(desk):
    desk.load("a.csv", [desk.line("A1")])
    desk.write("b.csv", ["2024-03-04 09:00:00,1,99,AAPL,A1"], header="executed_at,quantity,price,symbol,TRADE_ID")
    desk.ingest("b.csv")
    with open_ledger(desk.database) as connection:
        (reject,) = list_rejects(connection, RejectFilter())
    assert reject.reasons[0]["code"] == "key_conflict"
    assert [reject.raw_text[start:end] for start, end in reject.marks] == ["A1"]


def test_rejects_are_listed_in_file_order_a_page_at_a_time(desk):
    desk.load("a.csv", [desk.line(f"A{i}", price="-1") for i in range(5)])
    desk.load("b.csv", [desk.line(f"B{i}", price="-1") for i in range(5)])
    with open_ledger(desk.database) as connection:
        page = list(list_rejects(connection, RejectFilter(), limit=7))
        rest = list(list_rejects(connection, RejectFilter(), limit=7, after=page[-1].reject_id))
    assert [r.raw_text.split(",")[0] for r in (*page, *rest)] == [f"{n}{i}" for n in "AB" for i in range(5)]


def test_discarded_rejects_keep_the_reason_and_are_not_open_any_more(desk):
    file = desk.load("a.csv", [desk.line("A1", price="-1"), desk.line("A2", quantity=0)])
    with open_ledger(desk.database) as connection:
        with pytest.raises(UsageError):
            discard_rejects(connection, why=" ")
        wanted = RejectFilter(column="price")
        assert discard_rejects(connection, why="test row", wanted=wanted) == 1
        assert discard_rejects(connection, why="again", wanted=wanted) == 0
        (reject,) = list_rejects(connection, RejectFilter(states=("discarded",)))
    assert (reject.state, reject.discard_reason, reject.row_number) == ("discarded", "test row", 1)
    assert [row[2] for row in desk.rejects()] == ["discarded", "open"]
    assert desk.query("SELECT detail FROM ingest.event WHERE kind = 'rejects_discarded'") == [
        ({"rejects": 1, "why": "test row"},)
    ]
    assert desk.file(file.uri).rows_rejected == 2


def test_bad_cells_are_marked_whatever_became_of_another_file_of_the_feed(desk):
    text = """
    name: moved
    version: 1
    format: {header: false}
    path: 'in/(?P<symbol>[A-Z]+)[.]csv'
    columns:
      - {name: symbol, type: text, path_group: symbol}
      - {name: executed_at, type: timestamp, position: 1, zone: UTC}
      - {name: price, type: "decimal(9,2)", position: 2}
    event_time: executed_at
    rejects: {max_count: 9}
    target: {table: moved}
    """
    for name in ("in/ABC.csv", "in/DEF.csv"):
        desk.write(name, ["2024-03-04 09:00:00,x"], header="2024-03-04 09:00:00,1.50")
    desk.ingest("in/ABC.csv", "in/DEF.csv", contract=parse_contract(text, origin="moved.yaml"))
    desk.execute("UPDATE ingest.file SET uri = '/elsewhere/abc.csv' WHERE file_id = 1")

    with open_ledger(desk.database) as connection:
        marks = [get_reject(connection, reject_id)["marks"] for reject_id in (1, 2)]

    assert marks == [[], [(20, 21)]]
