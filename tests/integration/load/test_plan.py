import threading
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from trade_ingest import pipeline
from trade_ingest.contract.model import OnChanged
from trade_ingest.errors import RunInterruptedError, SourceNotFoundError, UsageError
from trade_ingest.plan import PlanReason, make_plan, register_files
from trade_ingest.rollback import rollback
from trade_ingest.run import RunOptions
from trade_ingest.source.dates import parse_dates
from trade_ingest.source.file import SourceFile
from trade_ingest.source.pattern import Selection


def everything(feed):
    """All that is in the database."""
    tables = feed.query(
        "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables"
        " WHERE schemaname IN ('ingest', 'market', 'public') ORDER BY 1"
    )
    return {name: sorted(map(str, feed.query(f"SELECT ctid, xmin::text, * FROM {name}"))) for (name,) in tables}


def file_id_of(feed, name):
    return feed.query("SELECT max(file_id) FROM ingest.file WHERE uri LIKE %s", f"%/{name}")[0][0]


@pytest.fixture
def every_reason(feed):
    """A folder with a file for each reason."""
    feed.write("already_loaded.csv", feed.trades(1, 2))
    feed.write("changed.csv", feed.trades(3, 4))
    feed.write("retry.csv", ["broken"] * 20)
    feed.write("rolled_back.csv", feed.trades(5, 6))
    feed.write("same_content.csv", feed.trades(1, 2))
    feed.run()
    rollback(feed.database, file_ids=[file_id_of(feed, "rolled_back.csv")])
    baseline = feed.write("baseline.csv", feed.trades(7, 8))
    pipeline.baseline([str(baseline)], contract=feed.contract, database=feed.database)
    feed.write("changed.csv", feed.trades(3, 5))
    feed.write("new.csv", feed.trades(20, 21))
    return feed


EXPECTED = {
    "already_loaded.csv": "already_loaded",
    "baseline.csv": "baseline",
    "changed.csv": "changed",
    "new.csv": "new",
    "retry.csv": "retry",
    "rolled_back.csv": "rolled_back",
    "same_content.csv": "same_content",
}


def test_plan_says_the_reason_of_each_file_and_changes_nothing(every_reason):
    feed = every_reason
    before = everything(feed)

    assert feed.plan() == EXPECTED
    assert feed.plan(reload=True) == EXPECTED | {"rolled_back.csv": "reload"}
    assert feed.plan(on_changed="skip") == EXPECTED | {"changed.csv": "changed_skipped"}
    assert everything(feed) == before


HELD = {
    "not_settled": Selection(settle_seconds=10**9),
    "no_marker": Selection(marker="_SUCCESS"),
    "no_manifest": Selection(manifest="no.json"),
    "not_in_manifest": Selection(manifest="other.json"),
    "incomplete_delivery": Selection(manifest="all.json"),
    "no_checksum": Selection(checksum="required"),
}


@pytest.mark.parametrize("reason", HELD)
def test_file_that_is_held_back_is_skipped_unless_it_needs_no_loading(every_reason, reason):
    feed = every_reason
    (feed.folder / "other.json").write_text('["changed.csv"]')
    (feed.folder / "all.json").write_text(str([*EXPECTED, "missing.csv"]).replace("'", '"'))
    to_load = {"new", "retry", "changed"}
    is_listed = {"changed.csv"} if reason == "not_in_manifest" else set()

    planned = pipeline.plan([str(feed.folder)], contract=feed.contract, database=feed.database, selection=HELD[reason])

    expected = {n: reason if why in to_load and n not in is_listed else why for n, why in EXPECTED.items()}
    assert {file.file.uri.rpartition("/")[2]: file.reason.value for file in planned.files} == expected
    assert all(file.explanation for file in planned.skipped)


def test_all_reasons_are_covered():
    seen = {*EXPECTED.values(), "reload", "changed_skipped", *HELD}
    assert seen == {reason.value for reason in PlanReason}


def test_run_does_what_the_plan_says(every_reason):
    feed = every_reason
    planned = [
        name for name, reason in feed.plan(reload=True).items() if reason in ("new", "retry", "changed", "reload")
    ]

    result = feed.run(reload=True)

    assert (result.files_planned, result.files_loaded, result.files_failed) == (len(planned), 3, 1)
    assert feed.plan() == EXPECTED | {
        "changed.csv": "already_loaded",
        "new.csv": "already_loaded",
        "rolled_back.csv": "already_loaded",
    }


def test_plan_explains_each_reason(every_reason):
    feed = every_reason

    def explanations(**options):
        plan = pipeline.plan([str(feed.folder)], contract=feed.contract, database=feed.database, **options)
        return {planned.file.uri.rpartition("/")[2]: planned.explanation for planned in plan.files}

    loaded_at = feed.query("SELECT loaded_at FROM ingest.file WHERE uri LIKE '%%/already_loaded.csv'")[0][0]
    (changed_id, changed_version) = feed.query(
        "SELECT file_id, version FROM ingest.file WHERE uri LIKE '%%/changed.csv'"
    )[0]
    changed = f"version {changed_version} is file {changed_id}, loaded by run 1; on_changed is"
    original = file_id_of(feed, "already_loaded.csv")
    expected = {
        "already_loaded.csv": f"loaded by run 1 at {loaded_at:%Y-%m-%d %H:%M:%S} UTC, same version",
        "baseline.csv": "marked as loaded by a baseline",
        "changed.csv": f"{changed} replace",
        "new.csv": "",
        "retry.csv": "last attempt: file.reject_limit",
        "rolled_back.csv": "rolled back; load it again with --reload",
        "same_content.csv": f"same content as file {original} ({feed.folder}/already_loaded.csv)",
    }
    assert explanations() == expected
    assert explanations(reload=True) == expected | {"rolled_back.csv": "rolled back before"}
    assert explanations(on_changed=OnChanged.SKIP) == expected | {"changed.csv": f"{changed} skip"}


def test_plan_explains_itself(every_reason):
    feed = every_reason
    plan = pipeline.plan([str(feed.folder)], contract=feed.contract, database=feed.database)

    files = list(plan.files)
    found = {planned.file.uri.rpartition("/")[2]: planned for planned in files}
    assert [p.file.uri for p in files] == sorted(p.file.uri for p in files)
    assert found["same_content.csv"].other_file_id == file_id_of(feed, "already_loaded.csv")
    assert found["changed.csv"].other_file_id == 2
    assert "on_changed is replace" in found["changed.csv"].explanation
    assert "file.reject_limit" in found["retry.csv"].explanation
    assert plan.bytes_to_load == sum(p.file.size_bytes for p in plan.to_load)
    assert len(plan.to_load) + len(plan.skipped) == 7


def test_plan_tells_what_its_listing_ignored(feed):
    feed.write("a.csv", feed.trades(1, 2))
    feed.write("notes.md", [])

    plan = pipeline.plan([str(feed.folder)], contract=feed.contract, database=feed.database)

    assert [planned.file.uri for planned in plan.to_load] == [f"{feed.folder}/a.csv"]
    assert plan.ignored == (f"{feed.folder}/notes.md",)


def test_plan_of_a_file_that_never_finished_is_to_try_again(feed, gate, drive):
    feed.write("a.csv", feed.trades(1, 2))
    feed.prepare()
    gate.at("BEFORE INSERT", "ingest.attempt")
    driver = drive()
    gate.wait_for()
    driver.kill()

    assert feed.plan() == {"a.csv": "retry"}


def test_plan_without_a_ledger_makes_none(feed):
    feed.write("a.csv", feed.trades(1, 2))

    assert feed.plan() == {"a.csv": "new"}
    assert feed.query("SELECT to_regnamespace('ingest')::text, to_regnamespace('market')::text") == [(None, None)]


def test_file_that_is_older_than_all_loaded_ones_is_found(feed):
    feed.write("b.csv", feed.trades(1, 2))
    feed.run()
    feed.write("a.csv", feed.trades(3, 4))
    feed.touch("a.csv", -1_000_000)

    assert feed.plan() == {"a.csv": "new", "b.csv": "already_loaded"}


def test_ledger_is_that_of_the_target_and_not_of_the_contract(feed, make_contract):
    feed.write("a.csv", feed.trades(1, 2))
    feed.run()

    feed.contract = make_contract(name="renamed", version=7)
    assert feed.plan() == {"a.csv": "already_loaded"}
    feed.contract = make_contract(target={"table": "other"})
    assert feed.plan() == {"a.csv": "new"}


def test_source_without_files_is_an_error_and_no_run(feed):
    feed.folder.mkdir()

    for action in (feed.run, feed.plan):
        with pytest.raises(SourceNotFoundError):
            action()
    assert feed.query("SELECT to_regnamespace('ingest')::text") == [(None,)]


def test_ten_thousand_files_are_planned_and_registered_whole(feed):
    feed.prepare()
    at = datetime(2024, 1, 1, tzinfo=UTC)
    listing = [SourceFile(f"/files/{number:05d}.csv", f"10-{number}", 10, at) for number in range(10_000)]
    target = feed.contract.target.qualified_name
    with psycopg.connect(feed.database, autocommit=True) as connection:
        first = make_plan(connection, listing, feed.contract)
        (contract_id,) = connection.execute(
            "INSERT INTO ingest.contract (name, version, fingerprint, definition) VALUES ('c', 1, '', '{}')"
            " RETURNING contract_id"
        ).fetchone()
        ids = register_files(connection, first.to_load, target, contract_id, state="pending")
        connection.execute(
            "UPDATE ingest.file SET state = 'loaded', loaded_at = now() WHERE file_id = ANY(%s)",
            [[ids[file.uri] for file in listing[::2]]],
        )
        second = make_plan(connection, listing, feed.contract)
        again = register_files(connection, second.to_load, target, contract_id, state="pending")

    assert (first.reasons, first.bytes_to_load) == ({"new": 10_000}, 100_000)
    assert second.reasons == {"retry": 5000, "already_loaded": 5000}
    assert [planned.file for planned in second.files] == listing
    assert (len(ids), len(set(ids.values()))) == (10_000, 10_000)
    assert [p.reason for p in second.files] == [PlanReason.ALREADY_LOADED, PlanReason.RETRY] * 5000
    assert again == {file.uri: ids[file.uri] for file in listing[1::2]}


def test_names_of_all_characters_are_planned_as_they_are(feed):
    names = ["a\tb.csv", "a\nb.csv", "a\\b.csv", "\\N.csv", "ä 日本.csv", "Z.csv", "a b%s{}.csv", "a.csv"]
    for number, name in enumerate(names):
        feed.write(name, feed.trades(number, number))
    expected = [f"{feed.folder}/{name}" for name in sorted(names)]

    before = pipeline.plan([str(feed.folder)], contract=feed.contract, database=feed.database)
    result = feed.run()
    after = pipeline.plan([str(feed.folder)], contract=feed.contract, database=feed.database)

    assert [planned.file.uri for planned in before.to_load] == expected
    assert (result.files_loaded, result.files_failed) == (len(names), 0)
    assert [planned.file.uri for planned in after.skipped] == expected
    assert after.reasons == {"already_loaded": len(names)}


def test_file_that_is_listed_twice_is_planned_once_as_it_was_last(feed):
    feed.prepare()
    at = datetime(2024, 1, 1, tzinfo=UTC)
    listing = [SourceFile("/b", "2", 2, at + timedelta(1)), SourceFile("/a", "1", 1, at), SourceFile("/b", "1", 1, at)]
    with psycopg.connect(feed.database, autocommit=True) as connection:
        plan = make_plan(connection, listing, feed.contract)

    assert [planned.file for planned in plan.files] == [listing[1], listing[0]]


def test_plan_says_how_far_it_is(feed, tmp_path):
    for number in range(3):
        feed.write(f"{number}.csv", feed.trades(number, number))
    said = []
    pipeline.plan(
        [str(feed.folder)], contract=feed.contract, database=feed.database, on_planning=lambda *what: said.append(what)
    )
    assert said == [("listing", 3), ("comparing", 3)]


def test_files_are_loaded_in_batches_and_each_once(feed, monkeypatch):
    monkeypatch.setattr(pipeline, "FILES_AT_ONCE", 3)
    for number in range(8):
        feed.write(f"{number}.csv", feed.trades(number, number))

    result = feed.run()

    assert (result.files_planned, result.files_loaded, result.rows_loaded) == (8, 8, 8)
    assert feed.rows() == feed.expected(*(f"{number}.csv" for number in range(8)))
    assert feed.plan() == {f"{number}.csv": "already_loaded" for number in range(8)}


def test_run_that_is_stopped_begins_no_further_batch(feed, monkeypatch):
    monkeypatch.setattr(pipeline, "FILES_AT_ONCE", 2)
    for number in range(6):
        feed.write(f"{number}.csv", feed.trades(number, number))
    stop = threading.Event()

    result = pipeline.ingest(
        [str(feed.folder)],
        contract=feed.contract,
        database=feed.database,
        options=RunOptions("local", parallelism=1),
        on_event=lambda event: stop.set() if event.kind.value == "file_loaded" else None,
        stop=stop,
    )

    assert (result.state.value, result.files_planned, result.files_loaded) == ("interrupted", 6, 1)
    assert feed.query("SELECT count(*) FROM ingest.file") == [(2,)]
    assert feed.run().files_loaded == 5


def test_run_that_is_stopped_while_it_lists_begins_nothing(feed):
    feed.write("a.csv", feed.trades(1, 2))
    stop = threading.Event()
    stop.set()

    with pytest.raises(RunInterruptedError, match="interrupted while listing"):
        pipeline.ingest([str(feed.folder)], contract=feed.contract, database=feed.database, stop=stop)
    assert feed.query("SELECT to_regnamespace('ingest')::text") == [(None,)]


def test_selection_chooses_among_the_files_of_a_source(feed):
    feed.folder.mkdir()
    for day in ("2024-01-30", "2024-01-31", "2024-02-01"):
        (feed.folder / f"dt={day}").mkdir()
        feed.write(f"dt={day}/fx.csv", feed.trades(int(day[-2:]), int(day[-2:])))
        feed.write(f"dt={day}/fx_test.csv", feed.trades(99, 99))
    source = f"{feed.folder}/dt={{date:%Y-%m-%d}}/*.csv"
    chosen = Selection(include=("fx*",), exclude=("*_test.csv",), dates=parse_dates("2024-01-31", "2024-02-01"))

    plan = pipeline.plan([source], contract=feed.contract, database=feed.database, selection=chosen)
    result = feed.run(source, selection=chosen)

    expected = [f"{feed.folder}/dt=2024-01-31/fx.csv", f"{feed.folder}/dt=2024-02-01/fx.csv"]
    assert [planned.file.uri for planned in plan.files] == expected
    assert sorted(uri for (uri,) in feed.query("SELECT uri FROM ingest.file WHERE state = 'loaded'")) == expected
    assert feed.runs("options -> 'include', options -> 'exclude', options -> 'from', options -> 'to'") == [
        (["fx*"], ["*_test.csv"], "2024-01-31", "2024-02-01")
    ]
    assert result.files_planned == 2


@pytest.mark.parametrize(
    ("source", "selection", "error", "message"),
    [
        ("{}", Selection(dates=parse_dates("2024-01-01", None)), UsageError, "and no date in the source"),
        ("{}", Selection(include=("*.tsv",)), SourceNotFoundError, "no file is left by the selection"),
        ("{}/{{date:%Q}}.csv", Selection(), UsageError, "'%Q' is no part of a date"),
    ],
)
def test_selection_that_cannot_be_or_leaves_nothing_is_an_error(feed, source, selection, error, message):
    feed.write("a.csv", feed.trades(1, 2))
    with pytest.raises(error, match=message):
        pipeline.plan([source.format(feed.folder)], contract=feed.contract, database=feed.database, selection=selection)
