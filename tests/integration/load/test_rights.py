"""A role that lacks rights: what it is told, and that it is enough."""

import re

import psycopg
import pytest

from trade_ingest.errors import DatabasePermissionError
from trade_ingest.ledger.queries import list_runs, open_ledger
from trade_ingest.ledger.rejects import discard_rejects
from trade_ingest.load.rights import missing_target_rights
from trade_ingest.load.target import TargetTable
from trade_ingest.rollback import rollback


def statements(hint):
    """The SQL in a hint."""
    assert hint.startswith("let an owner run: ")
    return [re.sub(r" \(to .*\)$", "", part) for part in hint.removeprefix("let an owner run: ").split("; ")]


def refusal(action):
    with pytest.raises(DatabasePermissionError) as caught:
        action()
    return caught.value


@pytest.fixture
def loaded(feed, plain_user):
    """The feed with a file that a superuser has loaded; from now on it connects as a role without rights."""
    connection, role = plain_user
    feed.write("a.csv", feed.trades(1, 3))
    as_role = feed.database
    feed.database = as_role.replace(f"{role}@", "postgres@")
    feed.run()
    feed.database = as_role
    return feed, connection, role


def test_named_statements_are_all_that_a_role_needs_to_load_replace_and_roll_back(loaded):
    feed, owner, role = loaded
    feed.write("a.csv", [*feed.trades(1, 2), feed.trade(4, at="2024-02-03 00:00:00")])

    of_ledger = refusal(feed.run)
    assert of_ledger.message == f"{role} may not use schema ingest, nor read the ledger, nor write the ledger"
    for statement in statements(of_ledger.hint):
        owner.execute(statement)
    of_target = refusal(feed.run)
    assert of_target.message == (
        f"{role} may not use schema market, nor make tables in schema market, nor read or insert into market.trade,"
        " nor delete from market.trade, nor attach partitions to market.trade of postgres,"
        " nor read or insert into or delete from market.trade_replaced"
    )
    assert feed.query("SELECT count(*) FROM ingest.run") == [(1,)]
    for statement in statements(of_target.hint):
        owner.execute(statement)

    assert feed.run().failed == []
    assert feed.rows() == feed.expected("a.csv")
    assert [name for name, _ in feed.partitions()] == ["trade_p202401", "trade_p202402"]
    rollback(feed.database, run_id=2)
    assert [line for _, _, line in feed.rows()] == feed.trades(1, 3)


def test_ledger_rights_are_named_to_who_only_reads_too(loaded):
    feed, owner, role = loaded

    def read():
        with open_ledger(feed.database) as connection:
            return [run.run_id for run in list_runs(connection)]

    assert statements(refusal(read).hint)[:2] == [
        f'GRANT USAGE ON SCHEMA "ingest" TO "{role}"',
        f'GRANT SELECT ON ALL TABLES IN SCHEMA "ingest" TO "{role}"',
    ]
    for statement in statements(refusal(read).hint)[:2]:
        owner.execute(statement)
    assert read() == [1]

    def discard():
        with open_ledger(feed.database) as connection:
            discard_rejects(connection, why="a test")

    writes = f'GRANT INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA "ingest" TO "{role}"'
    assert refusal(discard).hint == f"let an owner run: {writes} (to load and to correct)"
    assert refusal(lambda: rollback(feed.database, run_id=1)).hint == refusal(discard).hint
    assert refusal(feed.run).hint.startswith('let an owner run: GRANT USAGE ON SCHEMA "market"')


def test_partition_that_a_role_may_not_make_fails_the_file_with_the_statements(loaded):
    feed, owner, role = loaded
    for statement in (
        "GRANT USAGE ON SCHEMA ingest, market TO {}",
        "GRANT ALL ON ALL TABLES IN SCHEMA ingest TO {}",
        "GRANT SELECT, INSERT ON ALL TABLES IN SCHEMA market TO {}",
    ):
        owner.execute(statement.format(role))
    feed.write("b.csv", feed.trades(7, 8))
    feed.write("c.csv", feed.trades(9, 9, at="2024-02-03 00:00:00"))

    result = feed.run()

    (failed,) = result.failed
    uri = str(feed.folder / "c.csv")
    assert (result.files_loaded, failed.uri, failed.error.code) == (1, uri, "database.permission")
    assert f'GRANT CREATE ON SCHEMA "market" TO "{role}" (to make partitions)' in failed.error.hint
    assert f'ALTER TABLE "market"."trade" OWNER TO "{role}" (to make partitions)' in failed.error.hint
    assert feed.rows() == feed.expected("a.csv", "b.csv")


def test_role_that_owns_the_table_is_to_be_shared_unless_it_is_a_superuser(loaded):
    feed, owner, role = loaded
    shared = f"{role}_owner"
    target = TargetTable.of(feed.contract)
    owner.execute(f"CREATE ROLE {shared}")
    try:
        owner.execute(f"ALTER TABLE market.trade OWNER TO {shared}")
        with psycopg.connect(feed.database, autocommit=True) as connection:
            grants = [right.grant for right in missing_target_rights(connection, target).rights]
            assert f'GRANT "{shared}" TO "{role}"' in grants
            owner.execute(f'GRANT "{shared}" TO "{role}"')
            missing = missing_target_rights(connection, target)
        assert [right.what for right in missing.rights if "attach" in right.what or right.what.endswith("trade")] == []
    finally:
        owner.execute(f"DROP OWNED BY {shared} CASCADE")
        owner.execute(f"DROP ROLE {shared}")


def test_target_in_a_schema_that_a_role_may_not_make_is_refused_with_the_statement(feed, plain_user):
    owner, role = plain_user
    owner.execute(f"CREATE SCHEMA ingest AUTHORIZATION {role}")
    feed.write("a.csv", feed.trades(1, 2))

    error = refusal(feed.run)

    assert error.message == f"{role} may not make schema market"
    assert error.hint == f'let an owner run: GRANT CREATE ON DATABASE "{role}" TO "{role}"'
    owner.execute(statements(error.hint)[0])
    assert feed.run().rows_loaded == 2


def test_ledger_in_a_schema_that_a_role_may_not_fill_is_refused_with_the_statement(feed, plain_user):
    owner, role = plain_user
    owner.execute("CREATE SCHEMA ingest")
    owner.execute(f"CREATE SCHEMA market AUTHORIZATION {role}")
    feed.write("a.csv", feed.trades(1, 2))

    unusable = refusal(feed.run)
    owner.execute(f"GRANT USAGE ON SCHEMA ingest TO {role}")
    unmakable = refusal(feed.run)

    grants = [f'GRANT {right} ON SCHEMA "ingest" TO "{role}"' for right in ("USAGE", "CREATE")]
    assert unusable.hint == f"let an owner run: {'; '.join(grants)}"
    assert (unmakable.message, unmakable.hint) == (
        f"{role} may not make the ledger's tables",
        f"let an owner run: {grants[1]}",
    )
    owner.execute(grants[1])
    assert feed.run().rows_loaded == 2
