import os

import psycopg
import pytest


def test_database_is_new_empty_and_of_the_chosen_version(database_url, postgres_server):
    with psycopg.connect(database_url) as connection:
        tables = connection.execute("SELECT count(*) FROM pg_stat_user_tables").fetchone()
        assert tables == (0,)
        assert connection.info.server_version // 10000 == postgres_server.major
    assert postgres_server.major == int(os.environ.get("TRADE_INGEST_TEST_POSTGRES_VERSION", "18"))


@pytest.mark.parametrize("attempt", ["first", "second"])
def test_tables_of_one_test_are_not_seen_by_another(database_url, attempt):
    with psycopg.connect(database_url) as connection:
        connection.execute("CREATE TABLE seen (attempt text)")
        connection.execute("INSERT INTO seen VALUES (%s)", [attempt])
        assert connection.execute("SELECT attempt FROM seen").fetchall() == [(attempt,)]


def test_database_can_be_dropped_while_connected(postgres_server):
    name = postgres_server.create_database(template="template1")
    with psycopg.connect(postgres_server.url(name)) as connection:
        postgres_server.drop_database(name)
        with pytest.raises(psycopg.errors.AdminShutdown):
            connection.execute("SELECT 1")


def test_template_is_copied(postgres_server):
    template = postgres_server.create_database(template="template1")
    with psycopg.connect(postgres_server.url(template)) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
    copy = postgres_server.create_database(template=template)
    with psycopg.connect(postgres_server.url(copy)) as connection:
        assert connection.execute("SELECT answer FROM kept").fetchall() == [(42,)]
    for name in (copy, template):
        postgres_server.drop_database(name)


def test_server_listens_on_no_tcp_port(database_url):
    with psycopg.connect(database_url) as connection:
        assert connection.execute("SHOW listen_addresses").fetchone() == ("",)
