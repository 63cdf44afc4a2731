import csv
import os
import threading
from decimal import Decimal

import pytest

from trade_ingest.contract.loading import parse_contract
from trade_ingest.contract.model import RowRule
from trade_ingest.errors import NotInLedgerError, ReplayRefusedError, TargetIncompatibleError, UsageError
from trade_ingest.ledger.export import write_export
from trade_ingest.ledger.queries import get_run, open_ledger
from trade_ingest.ledger.rejects import RejectFilter, discard_rejects, list_rejects
from trade_ingest.reconcile import reconcile
from trade_ingest.replay import Refusal, ReplayedFile, replay
from trade_ingest.rollback import rollback

PRICE = Decimal("10.5000")
LOST = (
    "the ledger has no such reject, nor one of the same row with the same content: its file was loaded again since the"
    " export, or the export is of another database; export again with: trade-ingest rejects --export FILE.csv"
)


def exported(desk, path, edits=None):
    """Write the open rejects to a file, with some rows edited: old text to new text."""
    with open_ledger(desk.database) as connection, path.open("w", encoding="utf-8", newline="") as file:
        write_export(list_rejects(connection, RejectFilter(), limit=None), file)
    with path.open(encoding="utf-8", newline="") as file:
        header, *records = list(csv.reader(file))
    for record in records:
        record[-1] = (edits or {}).get(record[-1], record[-1])
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header, *records])
    return path


def loosened(desk, **changes):
    """A newer version of the desk's contract: columns with other rules."""
    contract = desk.contract
    columns = tuple(c.model_copy(update=changes.get(c.name, {})) for c in contract.columns)
    return contract.model_copy(update={"version": 2, "columns": columns})


def test_corrected_rows_are_loaded_with_the_place_they_always_had(desk, tmp_path):
    file = desk.load(
        "a.csv", [desk.line("A1"), desk.line("A2", price="-2"), desk.line("A3", quantity="x"), desk.line("A4")]
    )
    edits = {desk.line("A2", price="-2"): desk.line("A2", price="2", at="2023-01-01 00:00:00")}

    result = replay(desk.database, edited=exported(desk, tmp_path / "r.csv", edits))

    assert result.refused == ()
    assert result.files == (ReplayedFile(file.file_id, file.uri, 2, 1, 0, 1, {"invalid_integer": 1}),)
    assert desk.rows() == [
        ("A1", PRICE, 3, file.file_id, 1),
        ("A2", Decimal("2.0000"), 3, file.file_id, 2),
        ("A4", PRICE, 3, file.file_id, 4),
    ]
    assert desk.rejects() == [
        (file.file_id, 2, "replayed", ["below_min"]),
        (file.file_id, 3, "open", ["invalid_integer"]),
    ]
    now = desk.file("a.csv")
    assert (now.rows_read, now.rows_loaded, now.rows_duplicate, now.rows_rejected) == (4, 3, 0, 1)
    assert (now.event_time_min.isoformat(), now.event_time_max) == ("2023-01-01T00:00:00+00:00", file.event_time_max)
    assert desk.totals(file.file_id) == {"price": Decimal("23.0000"), "quantity": Decimal(9)}
    assert desk.query("SELECT event_days::text[], event_day_rows FROM ingest.file") == [
        (["2023-01-01", "2024-03-04"], [1, 2])
    ]
    assert reconcile(desk.database).mismatches == ()


def test_replay_is_recorded_as_a_run_and_in_the_rejects(desk, tmp_path):
    file = desk.load("a.csv", [desk.line("A1"), desk.line("A2", price="-2"), desk.line("A3", price="-3")])
    result = replay(
        desk.database, edited=exported(desk, tmp_path / "r.csv", {desk.line("A2", price="-2"): desk.line("A2")})
    )
    with open_ledger(desk.database) as connection:
        run = get_run(connection, result.run_id).run
    assert (run.kind, run.state, run.sources) == ("replay", "succeeded", [file.uri])
    assert (run.rows_read, run.rows_loaded, run.rows_duplicate, run.rows_rejected) == (2, 1, 0, 1)
    assert desk.query(
        "SELECT row_number, resolved_run_id, resolved_at IS NOT NULL FROM ingest.reject ORDER BY row_number"
    ) == [(2, result.run_id, True), (3, None, False)]
    assert desk.query("SELECT file_id, detail FROM ingest.event WHERE kind = 'rejects_replayed'") == [
        (file.file_id, {"uri": file.uri, "rows_loaded": 1, "rows_duplicate": 0, "rows_rejected": 1})
    ]


def test_replaying_the_same_export_twice_does_nothing_the_second_time(desk, tmp_path):
    file = desk.load("a.csv", [desk.line("A1"), desk.line("A2", price="-2")])
    export = exported(desk, tmp_path / "r.csv", {desk.line("A2", price="-2"): desk.line("A2")})
    first = replay(desk.database, edited=export)
    rows, runs = desk.rows(), desk.query("SELECT count(*) FROM ingest.run")
    second = replay(desk.database, edited=export)
    ((reject_id,),) = desk.query("SELECT reject_id FROM ingest.reject")
    assert (second.run_id, second.files) == (None, ())
    why = f"already replayed by run {first.run_id}"
    assert second.refused == (Refusal(why, 1, (reject_id,), file.file_id, is_settled=True),)
    assert (desk.rows(), desk.query("SELECT count(*) FROM ingest.run")) == (rows, runs)


def test_rows_without_key_are_loaded_once_by_replays_at_the_same_time(print_desk, tmp_path):
    desk = print_desk
    bad = [desk.line(f"A{i}", price="-1") for i in range(20)]
    desk.load("a.csv", [desk.line("ok"), *bad])
    export = exported(desk, tmp_path / "r.csv", {row: row.replace("-1", "1") for row in bad})
    threads = [threading.Thread(target=replay, args=(desk.database,), kwargs={"edited": export}) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(desk.rows()) == 21
    assert reconcile(desk.database).mismatches == ()


def test_open_rejects_are_loaded_under_a_changed_contract(desk):
    file = desk.load("a.csv", [desk.line("A1", price="-1"), desk.line("A2", price="-2", quantity=0)])
    result = replay(desk.database, contract=loosened(desk, price={"min": None}))
    assert result.files == (ReplayedFile(file.file_id, file.uri, 2, 1, 0, 1, {"below_min": 1}),)
    assert [row[:2] for row in desk.rows()] == [("A1", Decimal("-1.0000"))]
    assert desk.rejects() == [
        (file.file_id, 1, "replayed", ["below_min"]),
        (file.file_id, 2, "open", ["below_min"]),
    ]
    ((reasons,),) = desk.query("SELECT reasons FROM ingest.reject WHERE state = 'open'")
    assert reasons == [{"column": "quantity", "value": "0", "code": "below_min"}]
    ((version,),) = desk.query(
        "SELECT version FROM ingest.contract JOIN ingest.run USING (contract_id) WHERE kind = 'replay'"
    )
    assert version == 2
    assert reconcile(desk.database).mismatches == ()


def test_only_the_wanted_rejects_are_tried(desk):
    a = desk.load("a.csv", [desk.line("A1", price="-1"), desk.line("A2", quantity=0)])
    b = desk.load("b.csv", [desk.line("B1", price="-1")])
    loose = loosened(desk, price={"min": None}, quantity={"greater_than": None})
    assert replay(desk.database, contract=loose, wanted=RejectFilter(column="quantity")).rows_loaded == 1
    assert replay(desk.database, contract=loose, wanted=RejectFilter(file_ids=(b.file_id,))).rows_loaded == 1
    assert [row[0] for row in desk.rows()] == ["A2", "B1"]
    assert (
        replay(desk.database, contract=loose, wanted=RejectFilter(run_id=a.run_id, reason="below_min")).rows_loaded == 1
    )
    assert replay(desk.database, contract=loose).files == ()


def test_conflict_stays_open_until_the_other_row_is_gone(desk):
    first = desk.load("first.csv", [desk.line("A1")])
    second = desk.load("second.csv", [desk.line("A1", price="9"), desk.line("A2")])
    assert desk.rejects() == [(second.file_id, 1, "open", ["key_conflict"])]

    result = replay(desk.database)
    assert result.reasons == {"key_conflict": 1}
    assert desk.rejects() == [(second.file_id, 1, "open", ["key_conflict"])]

    rollback(desk.database, file_ids=[first.file_id])
    assert replay(desk.database).rows_loaded == 1
    assert desk.rows() == [("A1", Decimal("9.0000"), 3, second.file_id, 1), ("A2", PRICE, 3, second.file_id, 2)]
    assert reconcile(desk.database).mismatches == ()


def test_row_corrected_to_what_the_target_has_is_a_duplicate(desk, tmp_path):
    first = desk.load("first.csv", [desk.line("A1")])
    second = desk.load("second.csv", [desk.line("A2"), desk.line("A1", price="-1"), desk.line("A1", price="-2")])
    edits = {desk.line("A1", price="-1"): desk.line("A1"), desk.line("A1", price="-2"): desk.line("A2")}

    result = replay(desk.database, edited=exported(desk, tmp_path / "r.csv", edits))

    assert (result.rows_loaded, result.rows_duplicate, result.rows_rejected) == (0, 2, 0)
    now = desk.file("second.csv")
    assert (now.rows_read, now.rows_loaded, now.rows_duplicate, now.rows_rejected) == (3, 1, 2, 0)
    assert desk.query("SELECT file_id, original_file_id, rows FROM ingest.overlap") == [
        (second.file_id, first.file_id, 1)  # the other one repeats a row of its own file
    ]
    assert reconcile(desk.database).mismatches == ()


def test_of_two_corrected_rows_with_one_key_the_first_wins_and_the_other_is_a_conflict(desk, tmp_path):
    file = desk.load("a.csv", [desk.line("A1", price="-1"), desk.line("A2", price="-2")])
    edits = {
        desk.line("A1", price="-1"): desk.line("A1", price="1"),
        desk.line("A2", price="-2"): desk.line("A1", price="2"),
    }
    result = replay(desk.database, edited=exported(desk, tmp_path / "r.csv", edits))
    assert (result.rows_loaded, result.rows_rejected, result.reasons) == (1, 1, {"key_conflict": 1})
    assert desk.rows() == [("A1", Decimal("1.0000"), 3, file.file_id, 1)]
    assert desk.totals(file.file_id) == {"price": Decimal("1.0000"), "quantity": Decimal(3)}
    assert reconcile(desk.database).mismatches == ()


def test_records_that_were_no_records_are_loaded_once_they_are(desk, tmp_path):
    broken = [
        'A1,"AAPL,1,1,2024-03-04 09:00:00',
        "A2,AAPL",
        'A3,AA"PL,1,1,2024-03-04 09:00:00',
        "A4,AAPL,1,1,2024-03-04 09:00:00,x",
    ]
    desk.load("a.csv", [broken[0], desk.line("ok"), *broken[1:]])
    codes = ["malformed_record", "field_count", "malformed_record", "field_count"]
    assert [row[3] for row in desk.rejects()] == [[code] for code in codes]
    edits = {
        broken[0]: 'A1,"AAPL",1,1,2024-03-04 09:00:00',
        broken[1]: 'A2,"A\nPL",2,1,2024-03-04 09:00:00',
        broken[2]: "A3,AAPL,3,1,2024-03-04 09:00:00\nA9,AAPL,3,1,2024-03-04 09:00:00",
    }

    result = replay(desk.database, edited=exported(desk, tmp_path / "r.csv", edits))

    assert (result.rows_loaded, result.reasons) == (2, {"field_count": 1, "malformed_record": 1})
    assert [(row[0], row[4]) for row in desk.rows()] == [("A1", 1), ("A2", 3), ("ok", 2)]
    assert desk.query("SELECT symbol FROM fill WHERE trade_id = 'A2'") == [("A\nPL",)]
    assert [row[2] for row in desk.rejects()] == ["replayed", "replayed", "open", "open"]
    assert reconcile(desk.database).mismatches == ()
    assert desk.query("SELECT raw_text FROM ingest.reject WHERE row_number = 4") == [(broken[2],)]


def test_row_that_still_shows_bytes_that_are_no_text_stays_open(desk, tmp_path):
    file = desk.load(
        "a.csv", [desk.line("A1"), b"A\xff2,AAPL,1,1,2024-03-04 09:00:00", b"A\xff3,AA\0PL,1,1,2024-03-04 09:00:00"]
    )
    shown = "A\\xff2,AAPL,1,1,2024-03-04 09:00:00"
    export = exported(desk, tmp_path / "r.csv", {shown: shown.replace(",1,1,", ",2,1,")})
    result = replay(desk.database, edited=export)
    assert (result.rows_loaded, result.rows_rejected) == (0, 2)
    assert [row[3] for row in desk.rejects()] == [["bad_encoding"], ["bad_encoding"]]
    export = exported(desk, tmp_path / "r.csv", {shown: "Aé2,AAPL,2,1,2024-03-04 09:00:00"})
    assert replay(desk.database, edited=export).rows_loaded == 1
    assert [row[0] for row in desk.rows(file_id=file.file_id)] == ["A1", "Aé2"]


def test_edited_rows_are_read_in_the_order_of_the_file_s_own_header(desk, tmp_path):
    header = "executed_at,quantity,price,symbol,trade_id"
    desk.write("a.csv", ["2024-03-04 09:00:00,1,-1,AAPL,A1"], header=header)
    desk.ingest()
    export = exported(desk, tmp_path / "r.csv", {"2024-03-04 09:00:00,1,-1,AAPL,A1": "2024-03-04 09:00:00,1,5,AAPL,A1"})
    assert replay(desk.database, edited=export).rows_loaded == 1
    assert [row[:3] for row in desk.rows()] == [("A1", Decimal("5.0000"), 1)]


def test_format_without_header_is_replayed_by_position(desk, tmp_path):
    text = """
name: tick
version: 1
format: {header: false}
columns:
  - {name: symbol, type: text, path_group: symbol}
  - {name: price, type: "decimal(18,4)", position: 1, min: 0}
  - {name: executed_at, type: timestamp, position: 2, epoch: s}
path: "(?P<symbol>[A-Z]+)-ticks"
event_time: executed_at
target: {table: tick, partition_by: day}
drift: {unknown_columns: ignore}
rejects: {max_count: 9}
"""
    contract = parse_contract(text, origin="tick.yaml")
    uri = desk.write("EURUSD-ticks.csv", ["-2,1700000000,x"], header="1,1700000000,x")
    desk.ingest(contract=contract)
    replayed = replay(desk.database, edited=exported(desk, tmp_path / "r.csv", {"-2,1700000000,x": "2,1800000000,x"}))
    assert replayed.rows_loaded == 1
    assert desk.query("SELECT symbol, price, row_number FROM tick ORDER BY row_number") == [
        ("EURUSD", Decimal("1.0000"), 1),
        ("EURUSD", Decimal("2.0000"), 2),
    ]
    assert reconcile(desk.database).mismatches == ()
    assert desk.file(uri).rows_rejected == 0


@pytest.mark.parametrize("partitioned", [True, False])
def test_preview_says_what_would_happen_and_changes_nothing(desk, print_desk, tmp_path, partitioned):
    desk = print_desk if partitioned else desk
    file = desk.load("a.csv", [desk.line("A1"), desk.line("A2", price="-2"), desk.line("A3", price="-3")])
    export = exported(
        desk, tmp_path / "r.csv", {desk.line("A2", price="-2"): desk.line("A2", at="1999-01-01 00:00:00")}
    )
    everything = [
        "SELECT * FROM ingest.file ORDER BY 1",
        "SELECT * FROM ingest.reject ORDER BY 1",
        "SELECT * FROM ingest.run ORDER BY 1",
        "SELECT * FROM ingest.event ORDER BY 1",
        "SELECT relname FROM pg_class WHERE starts_with(relname, 'print') ORDER BY 1",
    ]
    before = [desk.rows(), *map(desk.query, everything)]
    result = replay(desk.database, edited=export, preview=True)
    assert (result.run_id, result.is_preview) == (None, True)
    assert result.files == (ReplayedFile(file.file_id, file.uri, 2, 1, 0, 1, {"below_min": 1}),)
    assert [desk.rows(), *map(desk.query, everything)] == before
    assert replay(desk.database, edited=export).files == result.files


def test_row_in_a_month_without_partition_gets_one(print_desk, tmp_path):
    desk = print_desk
    desk.load("a.csv", [desk.line("A1"), desk.line("A2", price="-2")])
    edited = desk.line("A2", at="1999-01-01 00:00:00")
    assert (
        replay(
            desk.database, edited=exported(desk, tmp_path / "r.csv", {desk.line("A2", price="-2"): edited})
        ).rows_loaded
        == 1
    )
    assert desk.query("SELECT count(*) FROM print_p199901") == [(1,)]
    assert reconcile(desk.database).mismatches == ()


def test_unknown_repeated_and_settled_rejects_are_refused_and_listed(desk, tmp_path):
    file = desk.load("a.csv", [desk.line(f"A{i}", price="-1") for i in range(1, 4)])
    ids = [row[0] for row in desk.query("SELECT reject_id FROM ingest.reject ORDER BY row_number")]
    with open_ledger(desk.database) as connection:
        discard_rejects(connection, why="a test", reject_ids=[ids[1]])
    path = tmp_path / "r.csv"
    path.write_text(
        "raw,reject_id\n"
        + "".join(
            f'"{desk.line(f"A{n}")}",{i}\n' for n, i in [(1, ids[0]), (1, ids[0]), (2, ids[1]), (3, ids[2]), (9, 99)]
        )
    )
    result = replay(desk.database, edited=path)
    assert result.refused == (
        Refusal(LOST, 1, (99,)),
        Refusal("more than once in the file: which one is meant?", 1, (ids[0],)),
        Refusal("discarded", 1, (ids[1],), file.file_id, is_settled=True),
    )
    assert [row[0] for row in desk.rows()] == ["A3"]


def test_rejects_of_a_failed_or_rolled_back_file_are_refused(desk):
    strict = desk.contract.model_copy(
        update={"rejects": desk.contract.rejects.model_copy(update={"max_count": 0, "max_ratio": 0})}
    )
    desk.write("failed.csv", [desk.line("A1"), desk.line("A2", price="-1")])
    desk.ingest("failed.csv", contract=strict)
    gone = desk.load("gone.csv", [desk.line("B1", price="-1")])
    rollback(desk.database, file_ids=[gone.file_id])
    result = replay(desk.database, contract=loosened(desk, price={"min": None}))
    failed = desk.file("failed.csv")
    assert (result.run_id, result.files) == (None, ())
    assert [(r.file_id, r.rejects, r.why.split(":")[0]) for r in result.refused] == [
        (failed.file_id, 1, f"file {failed.file_id} failed, so that none of its rows is loaded"),
        (gone.file_id, 1, f"file {gone.file_id} is not loaded (rolled_back)"),
    ]
    assert desk.rows() == []


def test_contract_that_does_not_fit_is_refused(desk, print_desk):
    file = desk.load("a.csv", [desk.line("A1", price="-1")])
    other = replay(desk.database, contract=print_desk.contract)
    assert [refusal.why for refusal in other.refused] == [
        f"file {file.file_id} was loaded into public.fill by contract fill, not into public.print by print"
    ]
    with pytest.raises(TargetIncompatibleError):
        replay(desk.database, contract=loosened(desk, price={"type": "decimal(9,2)"}))
    renamed = loosened(desk, price={"source": ("Price2",)})
    result = replay(desk.database, contract=renamed)
    assert [f.error.code for f in result.failed] == ["file.header"]
    assert desk.query("SELECT kind, state FROM ingest.run ORDER BY run_id DESC LIMIT 1") == [("replay", "failed")]
    assert desk.rejects() == [(file.file_id, 1, "open", ["below_min"])]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("id,text\n1,x\n", "column reject_id and raw is missing; columns read: id, text"),
        ("", "column reject_id and raw is missing; columns read: none"),
        ("reject_id,raw\nx,y\n", ":2: 'x' is no reject id"),
        ("reject_id,raw\n1,a,b\n", ":2: not 7 cells"),
    ],
)
def test_file_that_is_no_export_is_refused(desk, tmp_path, content, message):
    path = tmp_path / "r.csv"
    path.write_text(content)
    with pytest.raises(ReplayRefusedError) as refusal:
        replay(desk.database, edited=path)
    assert str(refusal.value).startswith(f"{path}:")
    assert message in str(refusal.value)


def test_export_and_filters_do_not_go_together(desk, tmp_path):
    with pytest.raises(UsageError):
        replay(desk.database, edited=tmp_path / "r.csv", wanted=RejectFilter(run_id=1))
    with pytest.raises(ReplayRefusedError, match="No such file"):
        replay(desk.database, edited=tmp_path / "r.csv")


def test_replayed_rows_leave_with_their_file_and_a_reload_finds_the_rejects_again(desk, tmp_path):
    file = desk.load("a.csv", [desk.line("A1"), desk.line("A2", price="-2")])
    replay(desk.database, edited=exported(desk, tmp_path / "r.csv", {desk.line("A2", price="-2"): desk.line("A2")}))
    assert rollback(desk.database, file_ids=[file.file_id]).rows_removed == 2
    assert desk.rows() == []
    desk.ingest(reload=True)
    assert desk.rejects() == [(file.file_id, 2, "open", ["below_min"])]
    assert reconcile(desk.database).mismatches == ()


def loaded_again(desk, *file_ids):
    rollback(desk.database, file_ids=file_ids)
    desk.ingest(reload=True)


@pytest.mark.parametrize("with_key", [True, False])
def test_export_holds_after_its_file_was_rolled_back_and_loaded_again(desk, print_desk, tmp_path, with_key):
    desk = desk if with_key else print_desk
    bad = [desk.line("A2", price="-2"), desk.line("A3", price="-3"), desk.line("A4", price="-4")]
    file = desk.load("a.csv", [desk.line("A1"), *bad])
    edits = {bad[0]: desk.line("A2", price="2"), bad[1]: desk.line("A3", price="3")}
    export = exported(desk, tmp_path / "r.csv", edits)
    loaded_again(desk, file.file_id)
    ids = [row[0] for row in desk.query("SELECT reject_id FROM ingest.reject ORDER BY row_number")]

    preview = replay(desk.database, edited=export, preview=True)
    first = replay(desk.database, edited=export)
    second = replay(desk.database, edited=export)

    assert (first.files, first.refused, first.rejects_moved) == (preview.files, (), 3)
    assert first.files == (ReplayedFile(file.file_id, file.uri, 3, 2, 0, 1, {"below_min": 1}),)
    assert [(row[0], row[1], row[3], row[4]) for row in desk.rows()] == [
        ("A1", PRICE, file.file_id, 1),
        ("A2", Decimal("2.0000"), file.file_id, 2),
        ("A3", Decimal("3.0000"), file.file_id, 3),
    ]
    why = f"already replayed by run {first.run_id}"
    assert second.refused == (Refusal(why, 2, (ids[0], ids[1]), file.file_id, is_settled=True),)
    assert (second.rows_loaded, second.rows_rejected) == (0, 1)
    assert reconcile(desk.database).mismatches == ()


def test_row_that_is_another_one_now_is_not_taken_for_the_exported_one(desk, tmp_path):
    bad = desk.line("A2", price="-2")
    file = desk.load("a.csv", [desk.line("A1"), bad, desk.line("A3", price="-3")])
    old = desk.query("SELECT reject_id FROM ingest.reject ORDER BY row_number")
    export = exported(desk, tmp_path / "r.csv", {bad: desk.line("A2")})
    version = desk.query("SELECT version FROM ingest.file")[0]
    rollback(desk.database, file_ids=[file.file_id])
    stat = (desk.folder / "a.csv").stat()
    desk.write("a.csv", [desk.line("A1"), desk.line("A3", price="-3"), desk.line("A4", price="-4")])
    os.utime(desk.folder / "a.csv", ns=(stat.st_mtime_ns, stat.st_mtime_ns))  # of one version and other content
    desk.ingest(reload=True)
    assert desk.query("SELECT version FROM ingest.file") == [version]

    result = replay(desk.database, edited=export)

    assert result.refused == (Refusal(LOST, 2, (old[0][0], old[1][0])),)
    assert (result.run_id, result.files, [row[0] for row in desk.rows()]) == (None, (), ["A1"])


def test_export_without_places_is_refused_once_its_file_was_loaded_again(desk, tmp_path):
    file = desk.load("a.csv", [desk.line("A1", price="-1")])
    ((old,),) = desk.query("SELECT reject_id FROM ingest.reject")
    loaded_again(desk, file.file_id)
    path = tmp_path / "r.csv"
    path.write_text(f'reject_id,raw\n{old},"{desk.line("A1")}"\n')
    assert replay(desk.database, edited=path).refused == (Refusal(LOST, 1, (old,)),)
    assert desk.rows() == []


def test_old_and_new_export_of_one_row_in_one_file_are_not_both_taken(desk, tmp_path):
    bad = desk.line("A1", price="-1")
    file = desk.load("a.csv", [bad])
    old = exported(desk, tmp_path / "old.csv", {bad: desk.line("A1", price="1")})
    loaded_again(desk, file.file_id)
    ((now,),) = desk.query("SELECT reject_id FROM ingest.reject")
    new = exported(desk, tmp_path / "new.csv", {bad: desk.line("A1", price="2")})
    both = tmp_path / "both.csv"
    both.write_text(old.read_text() + new.read_text().partition("\n")[2])
    result = replay(desk.database, edited=both)
    assert result.refused == (Refusal("more than once in the file: which one is meant?", 1, (now,)),)
    assert (result.files, desk.rows()) == ((), [])


def test_row_that_two_targets_rejected_is_refused_once_both_have_new_ids(desk, print_desk, tmp_path):
    desk.load("a.csv", [desk.line("A1", price="-1")])
    desk.ingest(contract=print_desk.contract)
    ids = [row[0] for row in desk.query("SELECT reject_id FROM ingest.reject ORDER BY reject_id")]
    export = exported(desk, tmp_path / "r.csv", {desk.line("A1", price="-1"): desk.line("A1")})
    rollback(desk.database, file_ids=[1, 2])
    desk.ingest(reload=True)
    desk.ingest(contract=print_desk.contract, reload=True)
    result = replay(desk.database, edited=export)
    why = (
        "the ledger has no such reject, and several files have its row;"
        " export again with: trade-ingest rejects --export FILE.csv"
    )
    assert result.refused == (Refusal(why, 2, (ids[0], ids[1])),)
    assert desk.rows() == []


@pytest.mark.parametrize(
    ("wanted", "message", "hint"),
    [
        (RejectFilter(file_ids=(1, 99)), "the ledger has no file 99", "list the files with: trade-ingest files"),
        (RejectFilter(run_id=99), "the ledger has no run 99", "list the runs with: trade-ingest runs"),
        (RejectFilter(contract="fil"), "the ledger has no contract 'fil'", "did you mean `fill`?"),
        (
            RejectFilter(reason="Below_mn"),
            "no reject code 'Below_mn', and no rule of that name in a contract of the ledger",
            "did you mean `below_min`?",
        ),
        (
            RejectFilter(reason="cheap_enuff"),
            "no reject code 'cheap_enuff', and no rule of that name in a contract of the ledger",
            "did you mean `cheap_enough`?",
        ),
        (RejectFilter(column="prise"), "no contract of the ledger has a column 'prise'", "did you mean `price`?"),
        (
            RejectFilter(column="zzz"),
            "no contract of the ledger has a column 'zzz'",
            "see what there is with: trade-ingest rejects --state all",
        ),
    ],
)
def test_filter_that_names_what_is_not_there_is_refused(desk, wanted, message, hint):
    rule = RowRule(name="cheap_enough", expression="price < 1000000")
    desk.contract = desk.contract.model_copy(update={"rules": (rule,)})
    desk.load("a.csv", [desk.line("A1", price="-1")])
    with pytest.raises(NotInLedgerError) as refusal:
        replay(desk.database, wanted=wanted)
    assert (refusal.value.message, refusal.value.hint) == (message, hint)


def test_filter_by_what_is_there_without_rejects_is_no_error(desk):
    rule = RowRule(name="cheap_enough", expression="price < 1000000")
    desk.contract = desk.contract.model_copy(update={"rules": (rule,)})
    file = desk.load("a.csv", [desk.line("A1"), desk.line("A1", price="2")])
    for wanted in (
        RejectFilter(reason="cheap_enough"),
        RejectFilter(reason="invalid_uuid"),
        RejectFilter(column="symbol"),
    ):
        assert replay(desk.database, wanted=wanted).files == ()
    conflict = RejectFilter(reason="key_conflict", column="trade_id", file_ids=(file.file_id,), run_id=file.run_id)
    assert replay(desk.database, wanted=conflict).rows_rejected == 1


def test_many_rejects_are_replayed_in_portions(print_desk, monkeypatch):
    monkeypatch.setattr("trade_ingest.load.rejects._CHUNK_REJECTS", 7)
    desk = print_desk
    desk.load("a.csv", [desk.line(f"A{i:02}", price=f"-{i}") for i in range(50)])
    result = replay(desk.database, contract=loosened(desk, price={"min": "-30"}))
    assert (result.rows_tried, result.rows_loaded, result.rows_rejected) == (49, 30, 19)
    assert [(row[0], row[4]) for row in desk.rows()] == [(f"A{i:02}", i + 1) for i in range(31)]
    assert reconcile(desk.database).mismatches == ()
