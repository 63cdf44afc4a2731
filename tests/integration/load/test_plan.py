from datetime import UTC, datetime

import psycopg
import pytest

from trade_ingest import pipeline
from trade_ingest.errors import SourceNotFoundError
from trade_ingest.plan import PlanReason, make_plan, register_files
from trade_ingest.rollback import rollback
from trade_ingest.source.listing import SourceFile, take_listing


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


def test_all_reasons_are_covered():
    seen = {*EXPECTED.values(), "reload", "changed_skipped"}
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


def test_plan_explains_itself(every_reason):
    feed = every_reason
    plan = pipeline.plan([str(feed.folder)], contract=feed.contract, database=feed.database)

    found = {planned.file.uri.rpartition("/")[2]: planned for planned in plan.files}
    assert [p.file.uri for p in plan.files] == sorted(p.file.uri for p in plan.files)
    assert found["same_content.csv"].other_file_id == file_id_of(feed, "already_loaded.csv")
    assert found["changed.csv"].other_file_id == 2
    assert "on_changed is replace" in found["changed.csv"].explanation
    assert "file.reject_limit" in found["retry.csv"].explanation
    assert plan.bytes_to_load == sum(p.file.size_bytes for p in plan.to_load)
    assert len(plan.to_load) + len(plan.skipped) == 7


def test_plan_tells_what_its_listing_ignored(feed):
    feed.write("a.csv", feed.trades(1, 2))
    feed.write("notes.md", [])
    listing = take_listing([str(feed.folder)])

    plan = make_plan(None, listing.files, feed.contract, ignored=listing.ignored)

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

    assert {p.reason for p in first.files} == {PlanReason.NEW}
    assert (len(ids), len(set(ids.values()))) == (10_000, 10_000)
    assert [p.reason for p in second.files] == [PlanReason.ALREADY_LOADED, PlanReason.RETRY] * 5000
    assert again == {file.uri: ids[file.uri] for file in listing[1::2]}
