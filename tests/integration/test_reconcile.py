from decimal import Decimal

import psycopg
import pytest

from trade_ingest.errors import NotInLedgerError, ReconciliationError
from trade_ingest.ledger import runs
from trade_ingest.ledger.queries import open_ledger
from trade_ingest.ledger.rejects import RejectFilter, discard_rejects
from trade_ingest.reconcile import LostDuplicates, Mismatch, MismatchKind, reconcile
from trade_ingest.rollback import rollback


@pytest.fixture
def loaded(print_desk):
    """Two files of prints, one with a reject."""
    desk = print_desk
    desk.load("a.csv", [desk.line("A1"), desk.line("A2", price="0.0001"), desk.line("bad", price="-1")])
    desk.load("b.csv", [desk.line("B1", at="2024-05-06 07:08:09")])
    return desk


def test_untouched_target_agrees_with_the_ledger(loaded):
    result = reconcile(loaded.database)
    assert result.is_balanced
    assert result.error is None
    assert [(t.target, t.files, t.rows, t.lost_duplicates) for t in result.targets] == [("public.print", 2, 3, ())]


def test_deleted_row_is_found(loaded):
    file = loaded.file("a.csv")
    loaded.execute("DELETE FROM print WHERE trade_id = 'A2'")
    result = reconcile(loaded.database)
    assert result.mismatches == (
        Mismatch(MismatchKind.ROWS, file.file_id, file.uri, "2", "1"),
        Mismatch(MismatchKind.CONTROL_TOTAL, file.file_id, file.uri, "10.5001", "10.5000", "price"),
        Mismatch(MismatchKind.CONTROL_TOTAL, file.file_id, file.uri, "6", "3", "quantity"),
    )
    assert isinstance(result.error, ReconciliationError)
    message = f"file {file.file_id} ({file.uri}): rows in the target: ledger 2, found 1; and 2 more"
    assert str(result.error) == message


def test_all_rows_of_a_file_deleted_is_found(loaded):
    file = loaded.file("b.csv")
    loaded.execute("DELETE FROM print WHERE trade_id = 'B1'")
    assert reconcile(loaded.database).mismatches == (
        Mismatch(MismatchKind.ROWS, file.file_id, file.uri, "1", "0"),
        Mismatch(MismatchKind.CONTROL_TOTAL, file.file_id, file.uri, "10.5000", "0", "price"),
        Mismatch(MismatchKind.CONTROL_TOTAL, file.file_id, file.uri, "3", "0", "quantity"),
    )


def test_added_row_is_found(loaded):
    file = loaded.file("a.csv")
    loaded.execute(
        "INSERT INTO print SELECT 'A9', symbol, 0, 0, executed_at, file_id, 9 FROM print WHERE trade_id = 'A1'"
    )
    assert reconcile(loaded.database).mismatches == (
        Mismatch(MismatchKind.ROWS, file.file_id, file.uri, "2", "3"),
        Mismatch(MismatchKind.ROW_NUMBER, file.file_id, file.uri, "1 to 3", "1 to 9"),
    )


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ("price = price + 0.0001", (MismatchKind.CONTROL_TOTAL, "10.5001", "10.5002", "price")),
        ("quantity = 4", (MismatchKind.CONTROL_TOTAL, "6", "7", "quantity")),
        (
            "executed_at = executed_at - interval '1 day'",
            (
                MismatchKind.EVENT_TIME,
                "2024-03-04T09:00:00+00:00 to 2024-03-04T09:00:00+00:00",
                "2024-03-03T09:00:00+00:00 to 2024-03-04T09:00:00+00:00",
                None,
            ),
        ),
    ],
)
def test_altered_row_is_found(loaded, change, expected):
    file = loaded.file("a.csv")
    loaded.execute(f"UPDATE print SET {change} WHERE trade_id = 'A1'")
    kind, ledger, found, column = expected
    assert reconcile(loaded.database).mismatches == (Mismatch(kind, file.file_id, file.uri, ledger, found, column),)


def test_rows_whose_file_is_unknown_or_not_loaded_are_found(loaded):
    file = loaded.file("b.csv")
    loaded.execute("UPDATE ingest.file SET state = 'rolled_back' WHERE file_id = %s", file.file_id)
    loaded.execute("INSERT INTO print SELECT 'X', symbol, 1, 1, executed_at, 999, 1 FROM print WHERE trade_id = 'A1'")
    assert reconcile(loaded.database).mismatches == (
        Mismatch(MismatchKind.FILE_NOT_LOADED, file.file_id, file.uri, "0 (rolled_back)", "1"),
        Mismatch(MismatchKind.UNKNOWN_FILE, 999, None, "0", "1"),
    )


def test_lost_reject_is_found_and_a_discarded_one_is_none(loaded):
    file = loaded.file("a.csv")
    with open_ledger(loaded.database) as connection:
        assert discard_rejects(connection, why="test row of the venue", wanted=RejectFilter()) == 1
    assert reconcile(loaded.database).is_balanced
    loaded.execute("DELETE FROM ingest.reject")
    assert reconcile(loaded.database).mismatches == (Mismatch(MismatchKind.REJECTS, file.file_id, file.uri, "1", "0"),)


def test_dropped_target_is_found(loaded):
    loaded.execute("DROP TABLE print")
    assert reconcile(loaded.database).mismatches == (
        Mismatch(MismatchKind.TARGET_MISSING, None, None, "public.print", "no such table"),
    )


def test_lost_rows_of_a_replaced_file_are_found(desk):
    old = desk.load("a.csv", [desk.line("A1"), desk.line("A2")])
    desk.load("a.csv", [desk.line("A1", price="2")])
    desk.execute("DELETE FROM fill_replaced WHERE trade_id = 'A1'")
    assert reconcile(desk.database).mismatches == (
        Mismatch(MismatchKind.REPLACED_ROWS, old.file_id, old.uri, "2", "1"),
    )


def test_duplicates_of_a_file_that_is_rolled_back_are_reported_beside_the_balance(desk):
    first = desk.load("first.csv", [desk.line("A1")])
    second = desk.load("second.csv", [desk.line("A1"), desk.line("A2")])
    rollback(desk.database, file_ids=[first.file_id])
    result = reconcile(desk.database)
    assert result.is_balanced
    (target,) = result.targets
    assert target.lost_duplicates == (LostDuplicates(second.file_id, second.uri, first.file_id, "rolled_back", 1),)


def test_only_the_asked_target_or_files_are_compared(desk, print_desk):
    fill = desk.load("a.csv", [desk.line("A1")])
    other = desk.load("b.csv", [desk.line("B1")])
    print_desk.load("p.csv", [print_desk.line("P1")])
    desk.execute("DELETE FROM fill WHERE trade_id = 'B1'")
    assert [t.target for t in reconcile(desk.database).targets] == ["public.fill", "public.print"]
    assert reconcile(desk.database, contract=print_desk.contract).is_balanced
    assert reconcile(desk.database, target="public.print").is_balanced
    assert reconcile(desk.database, file_ids=[fill.file_id]).is_balanced
    assert not reconcile(desk.database, file_ids=[other.file_id]).is_balanced
    with pytest.raises(NotInLedgerError):
        reconcile(desk.database, target="public.nothing")
    with pytest.raises(NotInLedgerError):
        reconcile(desk.database, file_ids=[fill.file_id, 999])


def test_only_files_of_the_asked_runs_are_compared(desk):
    fill = desk.load("a.csv", [desk.line("A1")])
    other = desk.load("b.csv", [desk.line("B1")])
    desk.execute("DELETE FROM fill WHERE trade_id = 'B1'")
    idle = desk.ingest()
    assert reconcile(desk.database, run_ids=[fill.run_id]).files == 1
    assert reconcile(desk.database, run_ids=[fill.run_id]).is_balanced
    assert not reconcile(desk.database, run_ids=[fill.run_id, other.run_id]).is_balanced
    assert reconcile(desk.database, run_ids=[idle.run_id]).targets == ()
    with pytest.raises(NotInLedgerError):
        reconcile(desk.database, run_ids=[999])


def test_control_totals_are_exact(print_desk):
    desk = print_desk
    file = desk.load("a.csv", [desk.line(f"A{i}", price="12345678901234.5678", quantity=2**62) for i in range(1, 4)])
    assert desk.totals(file.file_id) == {"price": Decimal("37037036703703.7034"), "quantity": Decimal(3 * 2**62)}
    assert reconcile(desk.database).mismatches == ()


def test_parts_of_a_large_file_are_no_mismatch_while_their_run_lives(print_desk):
    desk = print_desk
    file = desk.load("a.csv", [desk.line("A1"), desk.line("A2")])
    desk.execute("UPDATE ingest.file SET state = 'pending' WHERE file_id = %s", file.file_id)
    desk.execute(
        "INSERT INTO ingest.file_part (file_id, attempt_id, part, rows)"
        " SELECT file_id, attempt_id, 1, 2 FROM ingest.attempt WHERE file_id = %s",
        file.file_id,
    )
    with psycopg.connect(desk.database) as alive:
        alive.execute("SELECT pg_advisory_lock(%s, %s)", [runs._RUN_LOCK, file.run_id])
        assert reconcile(desk.database).mismatches == ()
    assert reconcile(desk.database).mismatches == (
        Mismatch(MismatchKind.UNFINISHED_LOAD, file.file_id, file.uri, "0", "2"),
    )
