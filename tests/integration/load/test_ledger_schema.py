import threading
from datetime import date

import psycopg
import pytest

from trade_ingest.errors import DatabasePermissionError, LedgerVersionError, TargetIncompatibleError
from trade_ingest.ledger import schema
from trade_ingest.ledger.connection import open_connection


def tables(feed):
    return [
        name
        for (name,) in feed.query("SELECT relname::text FROM pg_class WHERE relnamespace = to_regnamespace('ingest')")
    ]


def test_server_is_told_when_to_take_a_client_for_gone(feed):
    """On a Unix socket the values are 0, but they are noted for TCP."""
    with open_connection(feed.database) as connection:
        found = connection.execute(
            "SELECT name, reset_val, source FROM pg_settings WHERE name LIKE 'tcp_keepalives%' ORDER BY name"
        ).fetchall()

    assert found == [
        ("tcp_keepalives_count", "3", "client"),
        ("tcp_keepalives_idle", "30", "client"),
        ("tcp_keepalives_interval", "10", "client"),
    ]


def test_upgrade_makes_the_ledger_once(feed):
    assert schema.upgrade(feed.database) == ""
    before = sorted(tables(feed))
    feed.query("INSERT INTO ingest.contract (name, version, fingerprint, definition) VALUES ('kept', 1, '', '{}')")

    assert schema.upgrade(feed.database) == schema.HEAD
    assert sorted(tables(feed)) == before
    assert feed.query("SELECT name FROM ingest.contract") == [("kept",)]
    assert feed.query("SELECT version_num FROM ingest.schema_version") == [(schema.HEAD,)]


def test_upgrades_at_once_make_it_once(feed):
    errors = []

    def upgrade():
        try:
            schema.upgrade(feed.database)
        except Exception as error:  # noqa: BLE001
            errors.append(error)

    with psycopg.connect(feed.database, autocommit=True) as connection:
        connection.execute("SELECT pg_advisory_lock(%s)", [schema.UPGRADE_LOCK])
        threads = [threading.Thread(target=upgrade) for _ in range(3)]
        for thread in threads:
            thread.start()
        waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
        while connection.execute(waiting).fetchone() != (3,):  # all have found no ledger
            assert errors == []
    for thread in threads:
        thread.join()

    assert errors == []
    assert feed.query("SELECT version_num FROM ingest.schema_version") == [(schema.HEAD,)]


def test_head_is_the_newest_migration():
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", "trade_ingest.ledger:migrations")
    config.set_main_option("path_separator", "os")

    assert ScriptDirectory.from_config(config).get_heads() == [schema.HEAD]


@pytest.mark.parametrize(
    ("revision", "message", "hint"),
    [
        ("0000", f"the ledger is at revision 0000, this program needs {schema.HEAD}", "trade-ingest db upgrade"),
        ("9999", f"the ledger is at revision 9999, newer than this program's {schema.HEAD}", "upgrade trade-ingest"),
    ],
)
def test_ledger_of_another_version_is_refused(feed, revision, message, hint):
    feed.write("a.csv", feed.trades(1, 2))
    feed.prepare()
    feed.query("UPDATE ingest.schema_version SET version_num = %s", revision)

    for action in (feed.run, feed.plan):
        with pytest.raises(LedgerVersionError) as caught:
            action()
        assert (caught.value.message, caught.value.fields) == (message, {"revision": revision})
        assert hint in caught.value.hint
    assert feed.runs() == []


def test_newer_ledger_is_not_upgraded(feed):
    feed.prepare()
    feed.query("UPDATE ingest.schema_version SET version_num = '9999'")

    with pytest.raises(LedgerVersionError):
        schema.upgrade(feed.database)


def test_user_who_owns_the_schemas_and_may_not_create_others_can_load(feed, plain_user):
    connection, name = plain_user
    connection.execute(f"CREATE SCHEMA ingest AUTHORIZATION {name}")
    connection.execute(f"CREATE SCHEMA market AUTHORIZATION {name}")
    feed.write("a.csv", feed.trades(1, 2))

    assert feed.query("SELECT current_user") == [(name,)]
    assert feed.run().rows_loaded == 2
    assert feed.rows() == feed.expected("a.csv")


def test_user_who_may_not_make_the_ledger_is_told_what_to_grant(feed, plain_user):
    _, name = plain_user
    feed.write("a.csv", feed.trades(1, 2))

    with pytest.raises(DatabasePermissionError, match="cannot create schema ingest") as caught:
        feed.run()

    assert caught.value.hint.endswith(f'GRANT CREATE ON DATABASE "{name}" TO "{name}"')


COMPATIBLE = (
    "CREATE TABLE market.trade (trade_id bigint NOT NULL, symbol text NOT NULL, executed_at timestamptz NOT NULL,"
    " price numeric(18,2) NOT NULL, quantity numeric(18,2) NOT NULL, file_id bigint NOT NULL,"
    " row_number bigint NOT NULL{more}){partition}"
)
MONTHS = " PARTITION BY RANGE (executed_at)"
KEY = "CREATE UNIQUE INDEX ON market.trade (trade_id, executed_at)"


def make_target(feed, *, table=COMPATIBLE, more="", partition=MONTHS, key=KEY):
    feed.query("CREATE SCHEMA market")
    feed.query(table.format(more=more, partition=partition))
    if key:
        feed.query(key)


def definition(feed):
    return feed.query(
        "SELECT a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull FROM pg_attribute AS a"
        " WHERE a.attrelid = 'market.trade'::regclass AND a.attnum > 0 ORDER BY a.attnum"
    ) + feed.query("SELECT indexdef FROM pg_indexes WHERE tablename = 'trade' ORDER BY 1")


@pytest.mark.parametrize(
    ("changes", "differences"),
    [
        ({"table": COMPATIBLE.replace(" symbol text NOT NULL,", "")}, ["column symbol text is missing"]),
        ({"table": COMPATIBLE.replace("file_id bigint NOT NULL,", "")}, ["column file_id bigint is missing"]),
        (
            {"table": COMPATIBLE.replace("price numeric(18,2)", "price double precision")},
            ["column price is double precision, expected numeric(18,2)"],
        ),
        (
            {"table": COMPATIBLE.replace("quantity numeric(18,2)", "quantity numeric(18,4)")},
            ["column quantity is numeric(18,4), expected numeric(18,2)"],
        ),
        ({"key": None}, ["no unique index on (trade_id, executed_at)"]),
        ({"key": KEY.replace("UNIQUE ", "")}, ["no unique index on (trade_id, executed_at)"]),
        ({"key": KEY.replace("trade_id", "symbol")}, ["no unique index on (trade_id, executed_at)"]),
        ({"partition": ""}, ["partitioned by none, expected RANGE (executed_at)"]),
        ({"partition": " PARTITION BY LIST (symbol)", "key": None}, [
            "no unique index on (trade_id, executed_at)",
            "partitioned by LIST (symbol), expected RANGE (executed_at)",
        ]),
        ({"more": ", desk text NOT NULL"}, ["column desk is NOT NULL and not in the contract"]),
        (
            {
                "table": COMPATIBLE.replace("price numeric(18,2)", "price real").replace(" symbol text NOT NULL,", ""),
                "more": ", desk text NOT NULL",
                "partition": "",
                "key": None,
            },
            [
                "column symbol text is missing",
                "column price is real, expected numeric(18,2)",
                "column desk is NOT NULL and not in the contract",
                "no unique index on (trade_id, executed_at)",
                "partitioned by none, expected RANGE (executed_at)",
            ],
        ),
    ],
)  # fmt: skip
def test_table_that_differs_is_refused_with_all_differences_and_left_alone(feed, changes, differences):
    make_target(feed, **changes)
    before = definition(feed)
    feed.write("a.csv", feed.trades(1, 2))

    with pytest.raises(TargetIncompatibleError) as caught:
        feed.run()

    assert caught.value.fields["differences"] == tuple(differences)
    assert definition(feed) == before
    assert feed.query("SELECT count(*) FROM market.trade") == [(0,)]
    assert feed.runs() == []


def test_table_that_a_person_made_is_used_if_it_fits(feed):
    make_target(feed, more=", note text, loaded_at timestamptz DEFAULT now()")
    before = definition(feed)
    feed.write("a.csv", feed.trades(1, 4))

    assert feed.run().rows_loaded == 4
    assert feed.rows() == feed.expected("a.csv")
    first = feed.expected("a.csv")
    feed.write("a.csv", feed.trades(3, 9))
    assert feed.run().failed == []
    assert feed.rows() == feed.expected("a.csv")
    assert feed.rows("market.trade_replaced") == first
    assert definition(feed) == before


def test_table_of_replaced_rows_that_outlived_its_target_is_used_again(feed):
    feed.write("a.csv", feed.trades(1, 4))
    feed.run()
    feed.write("a.csv", feed.trades(5, 6))
    feed.run()
    replaced = feed.rows("market.trade_replaced")
    feed.query("DROP TABLE market.trade")
    feed.write("b.csv", feed.trades(5, 6) + feed.trades(8, 8))

    assert feed.run().failed == []
    assert feed.rows() == feed.expected("b.csv")
    assert feed.rows("market.trade_replaced") == replaced


def test_table_of_replaced_rows_that_differs_is_refused(feed):
    feed.write("a.csv", feed.trades(1, 4))
    feed.prepare()
    feed.query("ALTER TABLE market.trade_replaced DROP COLUMN symbol")

    with pytest.raises(TargetIncompatibleError) as caught:
        feed.run()

    assert caught.value.fields["differences"] == ('column symbol text is missing in "market"."trade_replaced"',)


FOREIGN_TABLE = (
    "CREATE FOREIGN DATA WRAPPER nowhere; CREATE SERVER far FOREIGN DATA WRAPPER nowhere;"
    "CREATE FOREIGN TABLE market.{} (trade_id bigint) SERVER far"
)


@pytest.mark.parametrize("name", ["trade", "trade_replaced"])
@pytest.mark.parametrize(
    ("statement", "kind"),
    [
        ("CREATE VIEW market.{} AS SELECT 1 AS trade_id", "a view"),
        ("CREATE MATERIALIZED VIEW market.{} AS SELECT 1 AS trade_id", "a materialized view"),
        ("CREATE SEQUENCE market.{}", "a sequence"),
        ("CREATE TYPE market.{} AS (trade_id bigint)", "a composite type"),
        ("CREATE TABLE market.other (id int); CREATE INDEX {} ON market.other (id)", "an index"),
        (FOREIGN_TABLE, "a foreign table"),
    ],
)
def test_what_is_no_table_under_the_targets_name_is_refused_by_its_kind(feed, name, statement, kind):
    feed.query("CREATE SCHEMA market")
    feed.query(statement.format(name))
    feed.write("a.csv", feed.trades(1, 2))
    before = feed.query("SELECT relname, relkind FROM pg_class WHERE relnamespace = 'market'::regnamespace ORDER BY 1")

    with pytest.raises(TargetIncompatibleError) as caught:
        feed.run()

    assert caught.value.message == f"market.{name} is {kind}, expected a table or nothing of that name"
    assert caught.value.hint == f"name another target in the contract, or rename the {kind.split(maxsplit=1)[1]}"
    assert caught.value.fields == {"differences": (f"is {kind}",)}
    assert (
        feed.query("SELECT relname, relkind FROM pg_class WHERE relnamespace = 'market'::regnamespace ORDER BY 1")
        == before
    )
    assert feed.runs() == []


def test_name_of_the_current_view_that_is_taken_is_refused(feed, make_contract):
    view = {"name": "latest", "by": ["trade_id"], "latest": "executed_at"}
    target = feed.contract.target.model_dump(by_alias=True) | {"current_view": view}
    feed.contract = make_contract(target=target)
    feed.query("CREATE SCHEMA market")
    feed.query("CREATE TABLE market.latest ()")
    feed.write("a.csv", feed.trades(1, 2))

    with pytest.raises(
        TargetIncompatibleError, match=r"market\.latest is a table already, expected nothing of the name"
    ):
        feed.run()

    assert feed.query("SELECT to_regclass('market.trade')") == [(None,)]
    feed.query("DROP TABLE market.latest")
    assert feed.run().rows_loaded == 2
    assert feed.query("SELECT count(*) FROM market.latest") == [(2,)]
    assert feed.run().failed == []  # its own view is not in the way


def test_connection_has_no_timeouts_and_is_in_utc(feed, with_setting):
    for name, value in [("TimeZone", "Asia/Tokyo"), ("statement_timeout", "1"), ("DateStyle", "German")]:
        with_setting(name, value)

    with open_connection(feed.database) as connection:
        found = [
            connection.execute(f"SHOW {name}").fetchone()[0] for name in ("TimeZone", "statement_timeout", "DateStyle")
        ]

    assert found == ["UTC", "0", "ISO, MDY"]


def test_upgrade_counts_the_days_of_files_that_were_loaded_before(feed):
    feed.write("a.csv", [feed.trade(1), feed.trade(2, at="2024-02-29 23:59:59"), feed.trade(3)])
    feed.write("b.csv", [feed.trade(4)])
    feed.run()
    before = feed.files("event_days, event_day_rows")
    with psycopg.connect(feed.database, autocommit=True) as connection:
        connection.execute(
            "ALTER TABLE ingest.file DROP COLUMN event_day, DROP COLUMN event_days, DROP COLUMN event_day_rows"
        )
        connection.execute("UPDATE ingest.schema_version SET version_num = '0005'")

    assert schema.upgrade(feed.database) == "0005"

    assert before[0][1:] == ([date(2024, 1, 15), date(2024, 2, 29)], [2, 1])
    assert feed.files("event_days, event_day_rows") == before
