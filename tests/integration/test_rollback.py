import threading
from decimal import Decimal

import psycopg
import pytest

from trade_ingest.errors import NotInLedgerError, RollbackRefusedError, UsageError
from trade_ingest.ledger.queries import get_run, open_ledger
from trade_ingest.reconcile import reconcile
from trade_ingest.rollback import LostDuplicates, RolledBackFile, find_loaded, rollback


def test_rollback_takes_out_exactly_the_rows_of_the_file(desk):
    kept = desk.load("kept.csv", [desk.line("K1"), desk.line("K2")])
    gone = desk.load("gone.csv", [desk.line("G1"), desk.line("G2"), desk.line("bad", price="-1")])

    result = rollback(desk.database, file_ids=[gone.file_id])

    assert result.files == (RolledBackFile(gone.file_id, gone.uri, "public.fill", 2),)
    assert (result.rows_missing, result.lost_duplicates, result.released) == (0, (), ())
    price = Decimal("10.5000")
    assert desk.rows() == [("K1", price, 3, kept.file_id, 1), ("K2", price, 3, kept.file_id, 2)]
    assert desk.state_of(gone.file_id) == "rolled_back"
    assert desk.rejects() == [(gone.file_id, 3, "open", ["below_min"])]
    assert reconcile(desk.database).mismatches == ()


def test_rollback_is_recorded_as_a_run_with_an_event_for_each_file(desk):
    file = desk.load("a.csv", [desk.line("A1")])
    result = rollback(desk.database, file_ids=[file.file_id])
    with open_ledger(desk.database) as connection:
        run = get_run(connection, result.run_id)
    assert (run.run.kind, run.run.state, run.run.sources, run.run.target) == (
        "rollback",
        "succeeded",
        [file.uri],
        "public.fill",
    )
    assert run.options == {"subject": f"file {file.file_id}", "file_ids": [file.file_id]}
    events = desk.query(
        "SELECT file_id, kind, detail FROM ingest.event WHERE run_id = %s ORDER BY event_id", result.run_id
    )
    assert [(file_id, kind) for file_id, kind, _ in events] == [
        (None, "run_started"),
        (file.file_id, "file_rolled_back"),
        (None, "run_ended"),
    ]
    assert events[1][2] == {"uri": file.uri, "rows_removed": 1, "restored_file_id": None, "rows_restored": 0}


def test_rolled_back_file_is_loaded_again_only_when_reloading_is_asked_for(desk):
    file = desk.load("a.csv", [desk.line("A1")])
    before = desk.rows()
    rollback(desk.database, file_ids=[file.file_id])
    assert desk.ingest("a.csv").rows_loaded == 0
    assert desk.rows() == []
    assert desk.ingest("a.csv", reload=True).rows_loaded == 1
    assert desk.rows() == before


def test_rollback_brings_back_the_version_that_the_file_had_replaced(desk):
    old = desk.load("a.csv", [desk.line("A1"), desk.line("A2", price="7")])
    before = desk.rows()
    new = desk.load("a.csv", [desk.line("A1", price="9"), desk.line("A3")])
    assert new.replaces_file_id == old.file_id

    result = rollback(desk.database, file_ids=[new.file_id])

    assert result.files == (RolledBackFile(new.file_id, new.uri, "public.fill", 2, old.file_id, 2),)
    assert desk.rows() == before
    assert (desk.state_of(old.file_id), desk.state_of(new.file_id)) == ("loaded", "rolled_back")
    assert desk.query("SELECT count(*) FROM fill_replaced") == [(0,)]
    assert reconcile(desk.database).mismatches == ()


def test_versions_are_rolled_back_one_by_one_down_to_the_first(desk):
    versions, states = [], []
    for price in ("1", "2", "3"):
        versions.append(desk.load("a.csv", [desk.line("A1", price=price)]).file_id)
        states.append(desk.rows())
    for version, before in zip(reversed(versions), [states[1], states[0], []], strict=True):
        rollback(desk.database, file_ids=[version])
        assert desk.rows() == before
        assert reconcile(desk.database).mismatches == ()


def test_versions_rolled_back_together_restore_what_was_before_the_oldest(desk):
    first = desk.load("a.csv", [desk.line("A1", price="1")])
    before = desk.rows()
    second = desk.load("a.csv", [desk.line("A1", price="2")])
    third = desk.load("a.csv", [desk.line("A1", price="3")])

    result = rollback(desk.database, file_ids=[second.file_id, third.file_id])

    assert [(f.file_id, f.rows_removed, f.restored_file_id) for f in result.files] == [
        (third.file_id, 1, None),
        (second.file_id, 1, first.file_id),
    ]
    assert desk.rows() == before
    assert desk.query("SELECT count(*) FROM fill_replaced") == [(0,)]
    assert reconcile(desk.database).mismatches == ()


def test_version_that_came_back_under_a_new_row_is_superseded_by_the_restored_one(desk):
    first = desk.load("a.csv", [desk.line("A1", price="1")])
    content = desk.rows()
    second = desk.load("a.csv", [desk.line("A1", price="2")])
    desk._ticks = 0  # the old version again: same size, same time
    again = desk.load("a.csv", [desk.line("A1", price="1")])
    assert (again.version, again.replaces_file_id) == (first.version, second.file_id)
    rollback(desk.database, file_ids=[again.file_id])
    rollback(desk.database, file_ids=[second.file_id])
    assert desk.rows() == content
    assert [desk.state_of(f.file_id) for f in (first, second, again)] == ["loaded", "rolled_back", "replaced"]
    assert reconcile(desk.database).mismatches == ()
    with pytest.raises(RollbackRefusedError, match="superseded by another file of the same version"):
        rollback(desk.database, file_ids=[again.file_id])


def test_run_is_rolled_back_as_a_whole(desk):
    desk.write("a.csv", [desk.line("A1")])
    desk.write("b.csv", [desk.line("B1"), desk.line("B2")])
    run = desk.ingest()
    later = desk.load("later.csv", [desk.line("L1")])
    result = rollback(desk.database, run_id=run.run_id)
    assert (len(result.files), result.rows_removed) == (2, 3)
    assert [row[0] for row in desk.rows()] == ["L1"]
    assert desk.state_of(later.file_id) == "loaded"
    with pytest.raises(RollbackRefusedError, match=f"run {run.run_id} has no file that is loaded"):
        rollback(desk.database, run_id=run.run_id)


def test_preview_changes_nothing_and_says_what_would_happen(desk):
    old = desk.load("a.csv", [desk.line("A1")])
    new = desk.load("a.csv", [desk.line("A1", price="9"), desk.line("A2")])
    rows, runs = desk.rows(), desk.query("SELECT count(*) FROM ingest.run")
    result = rollback(desk.database, file_ids=[new.file_id], preview=True)
    assert result.run_id is None
    assert result.is_preview
    assert result.files == (RolledBackFile(new.file_id, new.uri, "public.fill", 2, old.file_id, 1),)
    assert (desk.rows(), desk.query("SELECT count(*) FROM ingest.run")) == (rows, runs)
    assert desk.state_of(new.file_id) == "loaded"


@pytest.mark.parametrize("preview", [True, False])
def test_file_that_was_replaced_is_refused_with_the_file_to_roll_back_first(desk, preview):
    old = desk.load("a.csv", [desk.line("A1")])
    new = desk.load("a.csv", [desk.line("A1", price="9")])
    with pytest.raises(RollbackRefusedError) as refusal:
        rollback(desk.database, file_ids=[old.file_id], preview=preview)
    assert str(refusal.value) == f"file {old.file_id} ({old.uri}) was replaced by file {new.file_id}"
    assert refusal.value.hint == f"roll that one back first: trade-ingest rollback {new.file_id}"
    assert refusal.value.fields == {"file_ids": (new.file_id,)}


@pytest.mark.parametrize("preview", [True, False])
def test_restoring_that_collides_with_rows_loaded_since_is_refused_with_their_file(desk, preview):
    old = desk.load("a.csv", [desk.line("A1"), desk.line("A2")])
    new = desk.load("a.csv", [desk.line("A1", price="9")])
    other = desk.load("b.csv", [desk.line("A2", price="8"), desk.line("B1")])
    rows = desk.rows()
    with pytest.raises(RollbackRefusedError) as refusal:
        rollback(desk.database, file_ids=[new.file_id], preview=preview)
    message = f"rows of file {old.file_id} ({old.uri}) cannot come back: loaded since by file {other.file_id} (1 rows)"
    assert str(refusal.value) == message
    assert desk.rows() == rows
    assert [desk.state_of(f.file_id) for f in (old, new, other)] == ["replaced", "loaded", "loaded"]

    rollback(desk.database, file_ids=[new.file_id, other.file_id])
    assert [row[0] for row in desk.rows()] == ["A1", "A2"]
    assert reconcile(desk.database).mismatches == ()


def test_restoring_content_that_another_file_has_loaded_since_is_refused(print_desk):
    desk = print_desk
    old = desk.load("a.csv", [desk.line("A1"), desk.line("A1")])
    new = desk.load("a.csv", [desk.line("A2")])
    twin = desk.load("twin.csv", [desk.line("A1"), desk.line("A1")])
    assert twin.state == "loaded"
    with pytest.raises(RollbackRefusedError, match=rf"loaded since by file {twin.file_id} \(2 rows\)"):
        rollback(desk.database, file_ids=[new.file_id])
    assert desk.state_of(old.file_id) == "replaced"


def test_files_that_counted_rows_as_its_duplicates_are_named_with_the_commands_to_load_them_again(desk):
    first = desk.load("first.csv", [desk.line("A1"), desk.line("A2")])
    second = desk.load("second day.csv", [desk.line("A2"), desk.line("A3")])
    assert second.rows_duplicate == 1

    result = rollback(desk.database, file_ids=[first.file_id])

    assert result.lost_duplicates == (LostDuplicates(second.file_id, second.uri, "fill", 1),)
    assert result.commands == [
        f"trade-ingest rollback {second.file_id}",
        f"trade-ingest run --reload '{second.uri}' --contract fill",
    ]
    rollback(desk.database, file_ids=[second.file_id])
    desk.ingest("second day.csv", reload=True)
    assert [(row[0], row[3]) for row in desk.rows()] == [("A2", second.file_id), ("A3", second.file_id)]


def test_file_with_duplicates_can_be_rolled_back_and_loaded_again(desk):
    first = desk.load("first.csv", [desk.line("A1")])
    second = desk.load("second.csv", [desk.line("A1"), desk.line("A2")])
    assert rollback(desk.database, file_ids=[second.file_id]).lost_duplicates == ()
    assert desk.ingest("second.csv", reload=True).state == "succeeded"
    assert (desk.file("second.csv").rows_loaded, desk.file("second.csv").rows_duplicate) == (1, 1)
    assert desk.query("SELECT file_id, original_file_id, rows FROM ingest.overlap") == [
        (second.file_id, first.file_id, 1)
    ]


def test_files_that_were_skipped_for_the_same_content_are_loaded_by_the_next_run(desk):
    original = desk.load("a.csv", [desk.line("A1")])
    twin = desk.load("twin.csv", [desk.line("A1")])
    assert twin.state == "skipped"
    assert rollback(desk.database, file_ids=[original.file_id]).released == (twin.uri,)
    desk.ingest()
    assert [(row[0], row[3]) for row in desk.rows()] == [("A1", twin.file_id)]


def test_rows_that_somebody_removed_are_reported_and_those_moved_in_time_are_taken_out_too(print_desk):
    desk = print_desk
    file = desk.load("a.csv", [desk.line("A1"), desk.line("A2"), desk.line("A3", at="2024-04-01 00:00:00")])
    other = desk.load("b.csv", [desk.line("B1")])
    desk.execute("DELETE FROM print WHERE trade_id = 'A1'")
    desk.execute("UPDATE print SET executed_at = '2024-03-01' WHERE trade_id = 'A2'")
    result = rollback(desk.database, file_ids=[file.file_id])
    assert (result.rows_removed, result.rows_missing) == (2, 1)
    assert [row[3] for row in desk.rows()] == [other.file_id]


def test_file_without_rows_is_rolled_back(desk):
    file = desk.load("empty.csv", [])
    assert file.state == "loaded"
    assert rollback(desk.database, file_ids=[file.file_id]).rows_removed == 0
    assert desk.state_of(file.file_id) == "rolled_back"


def test_file_that_is_not_loaded_is_refused_with_its_state(desk):
    loaded = desk.load("a.csv", [desk.line("A1")])
    twin = desk.load("twin.csv", [desk.line("A1")])
    desk.write("failed.csv", ["1,2"], header="no,such")
    desk.ingest("failed.csv")
    failed = desk.file("failed.csv")
    rollback(desk.database, file_ids=[loaded.file_id])
    for file, why in [(loaded, "is rolled back already"), (twin, "was skipped (same_content)"), (failed, "failed")]:
        with pytest.raises(RollbackRefusedError) as refusal:
            rollback(desk.database, file_ids=[file.file_id])
        assert str(refusal.value).startswith(f"file {file.file_id} ({file.uri}) {why}")
    with pytest.raises(NotInLedgerError, match="the ledger has no file 999"):
        rollback(desk.database, file_ids=[999])
    with pytest.raises(NotInLedgerError, match="the ledger has no run 999"):
        rollback(desk.database, run_id=999)
    with pytest.raises(UsageError):
        rollback(desk.database)


def test_one_refused_file_leaves_all_as_they_are(desk):
    good = desk.load("a.csv", [desk.line("A1")])
    twin = desk.load("twin.csv", [desk.line("A1")])
    with pytest.raises(RollbackRefusedError):
        rollback(desk.database, file_ids=[good.file_id, twin.file_id])
    assert (desk.state_of(good.file_id), len(desk.rows())) == ("loaded", 1)


def test_rollback_waits_for_a_load_of_the_same_file(desk):
    file = desk.load("a.csv", [desk.line("A1")])
    results = []
    with psycopg.connect(desk.database) as holder:
        # what a loader holds while it works
        holder.execute("SELECT 1 FROM ingest.file WHERE file_id = %s FOR NO KEY UPDATE", [file.file_id])
        thread = threading.Thread(target=lambda: results.append(rollback(desk.database, file_ids=[file.file_id])))
        thread.start()
        waiting = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        while not desk.query(waiting):
            thread.join(0.01)
            assert thread.is_alive()
        assert len(desk.rows()) == 1
        holder.commit()
    thread.join()
    assert results[0].rows_removed == 1
    assert desk.rows() == []


def test_path_means_the_loaded_version(desk):
    desk.load("a.csv", [desk.line("T1")])
    second = desk.load("a.csv", [desk.line("T1"), desk.line("T2")])
    assert find_loaded(desk.database, [str(desk.folder / "a.csv"), "99"]) == (second.file_id, 99)
    with pytest.raises(NotInLedgerError, match="no version of it is loaded"):
        find_loaded(desk.database, [str(desk.folder / "b.csv")])
