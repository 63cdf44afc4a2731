"""Lakes as they are asked for, and as Iceberg spells their places."""

import pytest

from trade_ingest.lake.iceberg import iceberg_uri
from trade_ingest.lake.places import catalog_table
from trade_ingest.settings import Settings
from trade_ingest.source.location import parse_location


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        ("glue:market.trade", ("glue", "market.trade")),
        ("rest-1:eu.market.trade", ("rest-1", "eu.market.trade")),
        ("glue:trade", None),
        ("s3://lake/market.trade", None),
        ("/lake/glue:market.trade", None),
        ("C:market.trade", None),
    ],
)
def test_table_of_a_catalog_is_told_from_a_folder(place, expected):
    assert catalog_table(place) == expected


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("/lake/trades 1", "file:///lake/trades%201"),
        ("s3a://lake/trades", "s3://lake/trades"),
        ("gcs://lake/trades", "gs://lake/trades"),
        ("az://lake@acme/trades", "abfss://lake@acme.dfs.core.windows.net/trades"),
        (
            "abfss://lake@acme.dfs.core.chinacloudapi.cn/trades",
            "abfss://lake@acme.dfs.core.chinacloudapi.cn/trades",
        ),
    ],
)
def test_place_is_spelled_as_other_readers_know_it_and_is_the_same_place(source, expected):
    location = parse_location(source)

    assert iceberg_uri(location) == expected
    assert parse_location(expected) == location


@pytest.mark.parametrize(
    "value", ["parquet:s3://lake/a,iceberg:glue:m.t", '["parquet:s3://lake/a", "iceberg:glue:m.t"]']
)
def test_several_lakes_in_one_setting(value):
    assert Settings(also=value).also == ("parquet:s3://lake/a", "iceberg:glue:m.t")


@pytest.mark.parametrize("value", ["s3://lake/a", "delta:s3://lake/a", "parquet:"])
def test_setting_that_names_no_lake_is_refused(value):
    with pytest.raises(ValueError, match="expected parquet:URI"):
        Settings(also=value)
