"""The formats `trades` and `postgres_copy` of Spark 4."""

from types import SimpleNamespace

import pytest

from trade_ingest import spark as ti
from trade_ingest.errors import EngineError

pytest.importorskip("pyspark", minversion="4.0")
from pyspark.errors import PySparkException


@pytest.fixture
def formats(session):
    ti.register(session)
    return session


def read(session, fills, path):
    return session.read.format("trades").option("contract", fills.contract_path).load(path)


def save(df, fills, mode="append", **options):
    options = {"table": "n", "database": fills.database, "write_id": "w"} | options
    df.write.format("postgres_copy").mode(mode).options(**options).save()


def test_trades_is_read(formats, fills):
    paths = [fills.write(f"{n}.csv", [fills.line(i) for i in range(n * 10, n * 10 + 10)]) for n in range(3)]

    assert read(formats, fills, str(fills.folder / "*.csv")).collect() == (
        ti.read(formats, paths, contract=fills.contract).collect()
    )
    assert read(formats, fills, paths[:2]).count() == 20


def test_trades_fails_with_the_file_and_the_reason(formats, fills):
    uri = fills.write("a.csv", ["1"], header="trade_id")

    with pytest.raises(PySparkException) as caught:
        read(formats, fills, uri).collect()
    assert f"FileHeaderError: {uri}" in str(caught.value)
    with pytest.raises(PySparkException, match="format trades needs the option 'contract'"):
        formats.read.format("trades").load(uri)


def test_postgres_copy_writes_once_per_write_id(formats, fills):
    for _ in range(2):
        save(formats.range(0, 30, 1, 3), fills)
    save(formats.range(0, 30, 1, 3), fills, write_id="v", key="id", table="k")
    save(formats.range(0, 40, 1, 3), fills, write_id="x", key="id", table="k")

    assert fills.query("SELECT id FROM n ORDER BY id") == [(n,) for n in range(30)]
    assert fills.query("SELECT id FROM k ORDER BY id") == [(n,) for n in range(40)]
    assert fills.query("SELECT * FROM ingest.spark_write_partition ORDER BY 1, 2") != []
    assert fills.query("SELECT write_id, target, partitions FROM ingest.spark_write ORDER BY 1") == [
        ("v", "public.k", 3),
        ("w", "public.n", 3),
        ("x", "public.k", 3),
    ]


def test_postgres_copy_and_write_are_the_same_write(formats, fills):
    save(formats.range(0, 30, 1, 3), fills)

    assert ti.write(formats.range(0, 30, 1, 3), "n", fills.database, write_id="w").rows_skipped == 30


@pytest.mark.parametrize(
    ("partitions", "options", "said"),
    [
        (4, {}, "is for 3 partitions, and the DataFrame has a partition 3"),
        (2, {}, "was used for 3 partitions, and the DataFrame has 2"),
        (3, {"table": "m"}, "was used for public.n, not for public.m"),
        (3, {"database": ""}, "needs the option 'database'"),
        (3, {"mode": "overwrite"}, "does not overwrite tables"),
    ],
)
def test_postgres_copy_refuses_another_write(formats, fills, partitions, options, said):
    save(formats.range(0, 30, 1, 3), fills)

    with pytest.raises(PySparkException, match=said):
        save(formats.range(0, 30, 1, partitions), fills, **options)
    assert fills.query("SELECT id FROM n ORDER BY id") == [(n,) for n in range(30)]


def test_older_spark_is_told():
    with pytest.raises(EngineError, match="formats in Python need Spark 4, and the session is Spark 3"):
        ti.register(SimpleNamespace(version="3.5.9"))
