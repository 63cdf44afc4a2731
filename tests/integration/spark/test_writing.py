"""DataFrames into tables: each partition exactly once per write id, or refused."""

import threading
import time
from decimal import Decimal
from urllib.parse import urlencode

import psycopg
import pytest

from trade_ingest import spark as ti
from trade_ingest.engine import spark_session
from trade_ingest.errors import (
    EngineError,
    TargetIncompatibleError,
    UsageError,
    WriteConflictError,
    WriteRefusedError,
)
from trade_ingest.spark import writing
from trade_ingest.spark.table import target_of

pytest.importorskip("pyspark")


def counts(result):
    return (result.partitions, result.rows_loaded, result.rows_duplicate, result.rows_skipped)


def numbers(fills, table="n"):
    return [row[0] for row in fills.query(f"SELECT id FROM {table} ORDER BY id")]


def test_second_call_with_the_write_id_does_nothing(session, fills):
    df = session.range(0, 100, 1, 3)

    first = ti.write(df, "n", fills.database, write_id="day 1")
    second = ti.write(df, "public.n", fills.database, write_id="day 1")
    third = ti.write(df, "n", fills.database, write_id="day 2")

    assert [counts(r) for r in (first, second, third)] == [(3, 100, 0, 0), (3, 0, 0, 100), (3, 100, 0, 0)]
    assert numbers(fills) == sorted([*range(100), *range(100)])
    assert fills.query("SELECT write_id, target, partitions FROM ingest.spark_write ORDER BY 1") == [
        ("day 1", "public.n", 3),
        ("day 2", "public.n", 3),
    ]
    assert fills.query(
        "SELECT rows_loaded FROM ingest.spark_write_partition WHERE write_id = 'day 1' ORDER BY partition"
    ) == [
        (33,),
        (33,),
        (34,),
    ]


def test_without_an_id_each_call_writes(session, fills):
    results = [ti.write(session.range(3), "n", fills.database) for _ in range(2)]

    assert numbers(fills) == [0, 0, 1, 1, 2, 2]
    assert results[0].write_id != results[1].write_id


def test_task_that_fails_after_its_commit_does_not_double(session, fills, monkeypatch, tmp_path):
    copy_partition, attempts = writing.copy_partition, str(tmp_path)

    def copy_and_fail_once(*arguments):
        copy = copy_partition(*arguments)

        def run(batches):
            from pathlib import Path

            from pyspark import TaskContext

            yield from copy(batches)
            context = TaskContext.get()
            Path(attempts, f"{context.partitionId()}-{context.attemptNumber()}").touch()
            if context.attemptNumber() == 0:
                raise RuntimeError("lost after the commit")

        return run

    monkeypatch.setattr(writing, "copy_partition", copy_and_fail_once)
    result = ti.write(session.range(0, 100, 1, 3), "n", fills.database, write_id="w")

    assert sorted(path.name for path in tmp_path.glob("?-?")) == ["0-0", "0-1", "1-0", "1-1", "2-0", "2-1"]
    assert counts(result) == (3, 100, 0, 0)
    assert numbers(fills) == list(range(100))


def test_task_that_fails_before_its_commit_leaves_nothing_and_the_next_call_goes_on(session, fills):
    def failing(batches):
        from pyspark import TaskContext

        yield from batches
        if TaskContext.get().partitionId() == 1:
            raise RuntimeError("the source broke")

    df = session.range(0, 90, 1, 3)
    with pytest.raises(Exception, match="the source broke"):
        ti.write(df.mapInArrow(failing, "id long"), "n", fills.database, write_id="w")
    writing_sessions = (
        "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND application_name ~ 'write'"
    )
    while fills.query(writing_sessions):  # a failed job ends before its last tasks
        time.sleep(0.05)
    assert set(numbers(fills)).isdisjoint(range(30, 60))
    before = len(numbers(fills))

    result = ti.write(df, "n", fills.database, write_id="w")
    assert counts(result) == (3, 90 - before, 0, before)
    assert numbers(fills) == list(range(90))


def test_executors_that_cannot_reach_the_database_are_told_before_anything_is_written(session, fills, monkeypatch):
    where = psycopg.conninfo.conninfo_to_dict(fills.database)
    monkeypatch.setenv("PGHOST", where.pop("host"))  # only here: executors were started before
    database = "postgresql:///?" + urlencode(where)

    with pytest.raises(EngineError, match="cannot use the database") as caught:
        ti.write(session.range(3), "n", database)

    assert "by an address that the executors reach" in caught.value.hint
    assert numbers(fills) == []


def test_twins_at_once_write_once(session, fills):
    results, errors = [], []

    def work():
        try:
            results.append(ti.write(session.range(0, 1000, 1, 4), "n", fills.database, write_id="w"))
        except Exception as error:  # noqa: BLE001
            errors.append(error)

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert errors == []
    assert [r.partitions for r in results] == [4, 4, 4]
    assert numbers(fills) == list(range(1000))


def test_write_id_is_for_one_table_and_one_number_of_partitions(session, fills):
    ti.write(session.range(0, 10, 1, 2), "n", fills.database, write_id="w")

    with pytest.raises(WriteRefusedError, match=r"'w' was used for public\.n, not for public\.m"):
        ti.write(session.range(0, 10, 1, 2), "m", fills.database, write_id="w")
    with pytest.raises(WriteRefusedError, match="was used for 2 partitions, and the DataFrame has 3"):
        ti.write(session.range(0, 10, 1, 3), "n", fills.database, write_id="w")
    assert numbers(fills) == list(range(10))
    assert fills.query("SELECT to_regclass('m')") == [(None,)]


def test_partitions_that_follow_from_the_rows_are_the_same_in_any_order(session, fills):
    def failing(batches):
        from pyspark import TaskContext

        for batch in batches:
            if TaskContext.get().partitionId() == 0:
                raise RuntimeError("broken")
            yield batch

    ordered = session.range(0, 200, 1, 2).repartition(4, "id")
    with pytest.raises(Exception, match="broken"):  # some partitions are written
        writing._run(
            ordered.mapInArrow(failing, "id long"),
            writing.copy_partition(
                fills.database,
                "w",
                writing.begin_write(fills.database, "w", target_of("n", [("id", "bigint")], ()), partitions=4),
            ),
        )
    assert 0 < len(numbers(fills)) < 200

    shuffled = session.range(0, 200, 1, 7).orderBy("id", ascending=False)
    assert ti.write(shuffled, "n", fills.database, write_id="w", partitions=4).partitions == 4
    assert numbers(fills) == list(range(200))


def test_partitions_that_were_not_counted_are_refused(session, fills, monkeypatch):
    for count, said in [(2, "is for 2 partitions, and the DataFrame has a partition 2"), (4, "4 .* and 3 are written")]:
        monkeypatch.setattr(writing, "_count_partitions", lambda _, count=count: count)
        with pytest.raises(WriteRefusedError, match=said):
            ti.write(session.range(0, 9, 1, 3), "n", fills.database, write_id=f"w{count}")


def test_rows_whose_key_is_there_are_skipped_or_refused(session, fills):
    def frame(*rows):
        return session.createDataFrame(list(rows), "day date, n int, text string").coalesce(1)

    from datetime import date

    one, two, three = (date(2024, 1, 1), 1, "a"), (date(2024, 1, 1), 2, None), (date(2024, 1, 2), 1, "c")
    results = [
        ti.write(frame(one, two, two), "t", fills.database, key=["day", "n"]),
        ti.write(frame(three, two, one), "t", fills.database, key=["n", "day"]),
    ]
    assert [counts(r) for r in results] == [(1, 2, 1, 0), (1, 1, 2, 0)]
    with pytest.raises(WriteConflictError) as caught:
        ti.write(frame((date(2024, 1, 5), 5, ""), (date(2024, 1, 1), 2, "")), "t", fills.database, key=["day", "n"])

    assert caught.value.message == (
        "1 rows have a key that is in public.t with other content, the first: day 2024-01-01, n 2"
    )
    assert fills.query("SELECT * FROM t ORDER BY day, n") == [one, two, three]


def test_keys_in_several_partitions_do_not_lock_each_other_out(session, fills):
    df = session.range(0, 4000, 1, 4).selectExpr("cast((id * 7919) % 1000 as int) AS k")

    result = ti.write(df, "t", fills.database, key="k")
    assert counts(result) == (4, 1000, 3000, 0)


def test_table_is_made_with_the_types_of_the_dataframe(session, fills):
    df = session.sql(
        "SELECT cast(1 AS byte) AS b, cast(2 AS short) AS s, 3 AS i, 4L AS l, cast(0.5 AS float) AS f, 1e300D AS d,"
        " cast(-1.50 AS decimal(38,18)) AS n, true AS t, date'0001-01-01' AS day,"
        " timestamp_ntz'2024-03-10 02:30:00' AS u,"
        " timestamp'2024-03-10 07:30:00.000001Z' AS `At`, x'00ff' AS raw, '' AS e, cast(NULL AS string) AS z"
    )
    ti.write(df.withColumn("a.`b", df.i), "made.x", fills.database, key="i", partitions=1)

    types = fills.query(
        "SELECT attname::text, format_type(atttypid, atttypmod), attnotnull FROM pg_attribute"
        " WHERE attrelid = 'made.x'::regclass AND attnum > 0 ORDER BY attnum"
    )
    assert types == [
        ("b", "smallint", False),
        ("s", "smallint", False),
        ("i", "integer", True),
        ("l", "bigint", False),
        ("f", "real", False),
        ("d", "double precision", False),
        ("n", "numeric(38,18)", False),
        ("t", "boolean", False),
        ("day", "date", False),
        ("u", "timestamp without time zone", False),
        ("At", "timestamp with time zone", False),
        ("raw", "bytea", False),
        ("e", "text", False),
        ("z", "text", False),
        ("a.`b", "integer", False),
    ]
    assert fills.query(
        'SELECT b, s, i, l, f, d, n, t, day::text, u::text, extract(epoch FROM "At"), raw, e, z FROM made.x'
    ) == [
        (
            1,
            2,
            3,
            4,
            0.5,
            1e300,
            Decimal("-1.5"),
            True,
            "0001-01-01",
            "2024-03-10 02:30:00",
            Decimal("1710055800.000001"),
            b"\x00\xff",
            "",
            None,
        )
    ]


def test_table_that_takes_the_values_as_they_are_is_taken(session, fills):
    fills.query(
        "CREATE TABLE t (made_at timestamptz DEFAULT now(), n numeric, m numeric(20,4), u uuid, j jsonb, i bigint)"
    )
    df = session.sql(
        "SELECT 3 AS i, '{\"a\": [1]}' AS j, '00000000-0000-0000-0000-0000000000FF' AS u, 1.50 AS n, 2.25 AS m"
    )
    ti.write(df, "t", fills.database)

    assert fills.query("SELECT n, m, u::text, j, i, made_at IS NULL FROM t") == [
        (Decimal("1.50"), Decimal("2.2500"), "00000000-0000-0000-0000-0000000000ff", {"a": [1]}, 3, False)
    ]
    with pytest.raises(WriteRefusedError, match="column u: 'x' is no UUID"):
        ti.write(df.selectExpr("i", "j", "'x' AS u", "n", "m"), "t", fills.database)


def test_table_that_differs_is_refused_with_all_differences(session, fills):
    fills.query(
        "CREATE TABLE t (id integer, s varchar(3), d numeric(5,3), x text NOT NULL,"
        " g int GENERATED ALWAYS AS (1) STORED)"
    )
    df = session.sql("SELECT 1L AS id, 'a' AS s, cast(1 AS decimal(5,2)) AS d, 2 AS g, 3 AS y")

    with pytest.raises(TargetIncompatibleError) as caught:
        ti.write(df, "t", fills.database, key="id")
    assert caught.value.fields["differences"] == (
        "column id is integer, expected bigint",
        "column d is numeric(5,3), expected numeric(5,2)",
        "column g is generated by PostgreSQL",
        "column y integer is missing",
        "column x is NOT NULL and not in the DataFrame",
        "no unique index on (id)",
    )
    fills.query("CREATE VIEW v AS SELECT 1 AS id")
    with pytest.raises(TargetIncompatibleError, match=r"public\.v is no table"):
        ti.write(df, "v", fills.database)


def test_dataframe_that_fits_no_table_is_refused(session, fills):
    df = session.sql(f"SELECT 1 AS a, 2 AS a, array(1) AS b, 3 AS {'c' * 64}")

    with pytest.raises(WriteRefusedError) as caught:
        ti.write(df, "t", fills.database)
    assert caught.value.message == (
        f"the DataFrame fits no table: column a is there twice; column {'c' * 64} has a name of more than 63 bytes;"
        " column b is array<int>"
    )
    for table in ("ingest.file", "a.b.c", "", "pg_catalog.x"):
        with pytest.raises(UsageError, match="is no table to write into"):
            ti.write(session.range(1), table, fills.database)
    with pytest.raises(UsageError, match="key column 'x' is not in the DataFrame"):
        ti.write(session.range(1), "t", fills.database, key="x")
    with pytest.raises(UsageError, match="1 to 200 characters"):
        ti.write(session.range(1), "t", fills.database, write_id="x" * 201)


def test_empty_dataframe_makes_the_table(session, fills):
    assert counts(ti.write(session.range(0, 0, 1, 1), "n", fills.database, write_id="w")) in {
        (1, 0, 0, 0),
        (0, 0, 0, 0),
    }
    assert numbers(fills) == []


def test_ingest_uses_the_session(session, fills):
    uri = fills.write("a.csv", [fills.line(1), fills.line("x")])
    first = ti.ingest(session, uri, contract=fills.contract_path, database=fills.database)
    second = ti.ingest(session, [uri], contract=fills.contract, database=fills.database, parallelism=1)

    assert (first.rows_loaded, first.rows_rejected, second.files_skipped) == (1, 1, 1)
    assert fills.query("SELECT engine FROM ingest.run") == [("spark",)] * 2
    assert session.range(2).count() == 2


def test_ingest_takes_the_session_that_it_is_given(session, fills, monkeypatch):
    uri = fills.write("a.csv", [fills.line(1)])
    monkeypatch.setattr(spark_session, "open_session", None)  # would find the active one

    assert ti.ingest(session.newSession(), uri, contract=fills.contract, database=fills.database).rows_loaded == 1
