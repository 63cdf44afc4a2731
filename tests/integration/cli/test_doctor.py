import json
import shutil
from collections import namedtuple
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from psycopg import sql

from trade_ingest.doctor import CheckState, check_clock, check_disk, check_ledger, check_rights
from trade_ingest.errors import LedgerVersionError
from trade_ingest.ledger.schema import HEAD


def results(done):
    return {item["name"]: item for item in json.loads(done.out)["items"]}


def test_all_is_well_before_and_after_the_first_run(program):
    program.write("a.csv", [1])

    before = results(program("doctor", "-o", "json"))
    program("run", "a.csv")
    after = results(program("doctor", "-o", "json"))

    for found in (before, after):
        assert {name: item["state"] for name, item in found.items() if item["state"] != "pass"} == {
            "durability": "warn"
        }
    assert before["ledger"]["message"] == "none yet; the first run makes it"
    assert after["ledger"]["message"] == f"revision {HEAD}, current"
    assert before["target"]["message"] == "no table public.tick yet; the first run makes it"
    assert after["target"]["message"] == "table public.tick fits the contract"


def test_text_has_a_line_per_check_and_a_total(program):
    done = program("doctor")

    assert done.code == 0
    lines = done.out.splitlines()
    assert lines[1] == "✓ pass  contract     tick version 1 → public.tick"
    assert lines[-1] == "9 passed, 1 warned, 0 failed"
    assert "                     fix: set them to on in postgresql.conf" in lines


def test_unreachable_database_fails_with_its_fix_and_leaves_out_the_rest(program):
    done = program("doctor", "--database", "postgresql://u:hunter2@localhost:1/x", "-o", "json")

    found = results(done)
    assert done.code == 1
    assert list(found) == ["python", "contract", "engines", "database"]
    assert found["database"]["state"] == "fail"
    assert found["database"]["fix"].startswith("check host and port")
    assert "hunter2" not in done.out


def test_missing_rights_fail_with_the_statements_that_grant_them(database_url):
    with psycopg.connect(database_url, autocommit=True) as connection:
        database = connection.info.dbname
        role = f"reader_{database}"
        connection.execute(sql.SQL("REVOKE TEMPORARY ON DATABASE {} FROM PUBLIC").format(sql.Identifier(database)))
        connection.execute(sql.SQL("CREATE ROLE {}").format(sql.Identifier(role)))
        try:
            connection.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(role)))
            state, message, fix = check_rights(connection)
        finally:
            connection.execute("RESET ROLE")
            connection.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(role)))

    assert state == CheckState.FAIL
    assert message == f"{role} may not create schemas, nor make temporary tables"
    grants = [f'GRANT {right} ON DATABASE "{database}" TO "{role}"' for right in ("CREATE", "TEMPORARY")]
    assert fix == f"let an owner run: {'; '.join(grants)}"


def test_ledger_of_another_version_is_refused(program):
    program("db", "upgrade")
    with psycopg.connect(program.database, autocommit=True) as connection:
        connection.execute("UPDATE ingest.schema_version SET version_num = '9999'")
        with pytest.raises(LedgerVersionError, match="newer than this program's"):
            check_ledger(connection)

    assert results(program("doctor", "-o", "json"))["ledger"] | {"duration_seconds": 0} == {
        "name": "ledger",
        "state": "fail",
        "message": f"the ledger is at revision 9999, newer than this program's {HEAD}",
        "fix": "upgrade trade-ingest",
        "duration_seconds": 0,
    }


def test_target_that_differs_fails_with_the_differences(program):
    with psycopg.connect(program.database, autocommit=True) as connection:
        connection.execute("CREATE TABLE tick (tick_id bigint)")

    done = program("doctor", "-o", "json")

    target = results(done)["target"]
    assert (done.code, target["state"]) == (1, "fail")
    assert target["message"].startswith("table public.tick differs from the contract: ")
    assert "column price numeric(12,2) is missing" in target["message"]


def test_target_that_is_a_view_fails(program):
    with psycopg.connect(program.database, autocommit=True) as connection:
        connection.execute("CREATE VIEW tick AS SELECT 1 AS tick_id")

    target = results(program("doctor", "-o", "json"))["target"]

    assert target | {"duration_seconds": 0} == {
        "name": "target",
        "state": "fail",
        "message": "public.tick is a view, expected a table or nothing of that name",
        "fix": "name another target in the contract, or rename the view",
        "duration_seconds": 0,
    }


@pytest.fixture
def role(program):
    """A role without rights, named as the database."""
    with psycopg.connect(program.database, autocommit=True) as connection:
        name = connection.info.dbname
        connection.execute(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(name)))
        yield name
        connection.execute(sql.SQL("DROP OWNED BY {} CASCADE").format(sql.Identifier(name)))
        connection.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(name)))


def test_rights_that_are_missing_on_ledger_and_target_fail_with_their_statements(program, role):
    url = program.database.replace("postgres@", f"{role}@")

    before = results(program("doctor", "--database", url, "-o", "json"))
    program.write("a.csv", [1])
    program("run", "a.csv")
    after = results(program("doctor", "--database", url, "-o", "json"))

    of_target = ["read or insert into public.tick", "delete from public.tick"]
    of_target.append("read or insert into or delete from public.tick_replaced")
    grant, to = "let an owner run: GRANT", f'TO "{role}"'
    assert (before["target"]["state"], before["target"]["fix"]) == ("fail", f'{grant} CREATE ON SCHEMA "public" {to}')
    assert {name: (after[name]["state"], after[name]["message"]) for name in ("rights", "ledger", "target")} == {
        "rights": ("fail", f"{role} may not use schema ingest, nor read the ledger, nor write the ledger"),
        "ledger": ("fail", f"{role} may not use schema ingest, nor read the ledger, nor write the ledger"),
        "target": ("fail", f"{role} may not {', nor '.join(of_target)}"),
    }
    tables = 'ALL TABLES IN SCHEMA "ingest"'
    assert (
        after["rights"]["fix"]
        == after["ledger"]["fix"]
        == (
            f'{grant} USAGE ON SCHEMA "ingest" {to}; GRANT SELECT ON {tables} {to};'
            f" GRANT INSERT, UPDATE, DELETE ON {tables} {to} (to load and to correct)"
        )
    )
    replacing = "(to replace files and to roll them back)"
    assert after["target"]["fix"] == (
        f'{grant} SELECT, INSERT ON TABLE "public"."tick" {to}; GRANT DELETE ON TABLE "public"."tick" {to} {replacing};'
        f' GRANT SELECT, INSERT, DELETE ON TABLE "public"."tick_replaced" {to} {replacing}'
    )


@pytest.mark.parametrize(("seconds", "state"), [(0, "pass"), (-60, "warn"), (60, "warn")])
def test_clock_difference_is_a_warning(database_url, seconds, state):
    with psycopg.connect(database_url) as connection:
        found, message, _ = check_clock(connection, lambda: datetime.now(UTC) + timedelta(seconds=seconds))

    assert found == state
    assert abs(float(message.split()[0]) - abs(seconds)) < 5


@pytest.mark.parametrize(
    ("free", "state"), [(100 << 20, CheckState.FAIL), (5 << 30, CheckState.WARN), (500 << 30, CheckState.PASS)]
)
def test_full_disk_of_the_embedded_server_is_seen_before_it_is_made(tmp_path, monkeypatch, free, state):
    usage = namedtuple("usage", "total used free")  # noqa: PYI024
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(0, 0, free) if path == tmp_path else None)

    assert check_disk(tmp_path / "not" / "there" / "yet")[0] == state
