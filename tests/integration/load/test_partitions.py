import psycopg
import pytest
from pydantic import ValidationError

from trade_ingest.errors import TargetIncompatibleError
from trade_ingest.load.partitions import MOST_PARTITIONS_PER_FILE

DAYS = ["2023-12-31 23:59:59", "2024-01-01 00:00:00", "2024-01-01 23:59:59", "2024-02-29 12:00:00"]


@pytest.mark.parametrize(
    ("partition_by", "expected"),
    [
        (
            "day",
            [
                ("trade_p20231231", "2023-12-31", "2024-01-01"),
                ("trade_p20240101", "2024-01-01", "2024-01-02"),
                ("trade_p20240229", "2024-02-29", "2024-03-01"),
            ],
        ),
        (
            "month",
            [
                ("trade_p202312", "2023-12-01", "2024-01-01"),
                ("trade_p202401", "2024-01-01", "2024-02-01"),
                ("trade_p202402", "2024-02-01", "2024-03-01"),
            ],
        ),
        ("year", [("trade_p2023", "2023-01-01", "2024-01-01"), ("trade_p2024", "2024-01-01", "2025-01-01")]),
        ("none", []),
    ],
)
def test_rows_get_the_partitions_they_need(feed, make_contract, partition_by, expected):
    feed.contract = make_contract(target={"partition_by": partition_by})
    feed.write("a.csv", [feed.trade(number, at=at) for number, at in enumerate(DAYS)])

    result = feed.run()

    assert result.rows_loaded == 4
    assert feed.rows() == feed.expected("a.csv")
    assert feed.partitions() == [
        (name, f"FOR VALUES FROM ('{start} 00:00:00+00') TO ('{end} 00:00:00+00')") for name, start, end in expected
    ]


def test_each_partition_has_the_unique_index_of_the_target(feed):
    feed.write("a.csv", [feed.trade(1)])
    feed.run()

    indexes = feed.query("SELECT indexdef FROM pg_indexes WHERE tablename = 'trade_p202401' ORDER BY indexdef")

    assert [definition.partition(" USING ")[2] for (definition,) in indexes] == [
        "brin (file_id) WITH (pages_per_range='32')",
        "btree (trade_id, executed_at)",
    ]
    assert ["UNIQUE" in definition for (definition,) in indexes] == [False, True]


def test_file_over_many_months_in_any_order_is_loaded_whole(feed):
    months = [f"{year}-{month:02d}-15 10:00:00" for year in range(2015, 2020) for month in range(1, 13)]
    feed.write("a.csv", [feed.trade(number, at=months[number * 37 % 60]) for number in range(1, 601)])

    result = feed.load("a.csv", block_bytes=1000)

    assert (result.state, result.rows_loaded) == ("loaded", 600)
    assert feed.rows() == feed.expected("a.csv")
    assert len(feed.partitions()) == 60


def test_partitions_are_made_while_another_transaction_has_a_copy_open(feed, with_setting):
    feed.write("a.csv", [feed.trade(1)])
    feed.run()
    feed.write("b.csv", [feed.trade(2), feed.trade(3, at="2024-05-01 00:00:00")])
    with_setting("lock_timeout", "5s")  # to fail instead of waiting for ever

    with psycopg.connect(feed.database) as other, other.cursor() as cursor:
        statement = "COPY market.trade (trade_id, symbol, executed_at, price, quantity, file_id, row_number) FROM STDIN"
        with cursor.copy(statement) as copy:
            copy.write_row((9, "EURUSD", "2024-01-20", 1, 1, 0, 1))
            result = feed.run()
            copy.write_row((10, "EURUSD", "2024-01-20", 1, 1, 0, 2))
        other.commit()

    assert (result.state, result.rows_loaded) == ("succeeded", 2)
    assert [name for name, _ in feed.partitions()] == ["trade_p202401", "trade_p202405"]
    assert [row for row in feed.rows() if row[0] != "?"] == feed.expected("a.csv", "b.csv")
    assert feed.query("SELECT count(*) FROM market.trade") == [(5,)]


def test_two_loads_that_need_the_same_new_partitions_make_them_once(feed, gate, drive):
    feed.prepare()
    gate.at("BEFORE INSERT", "ingest.attempt")
    for name, first in (("a.csv", 1), ("b.csv", 11)):
        feed.write(name, [feed.trade(first + month, at=f"2024-{month:02d}-01 00:00:00") for month in range(1, 10)])
    run = drive(parallelism=2)
    gate.wait_for(2)
    gate.open()

    assert run.result()["state"] == "succeeded"
    assert feed.rows() == feed.expected("a.csv", "b.csv")
    assert [name for name, _ in feed.partitions()] == [f"trade_p2024{month:02d}" for month in range(1, 10)]
    assert feed.attempts() == [("a.csv", 1, "loaded"), ("b.csv", 1, "loaded")]


def test_file_with_too_many_partitions_fails_and_leaves_nothing(feed, make_contract):
    feed.contract = make_contract(target={"partition_by": "day"})
    days = [f"{year}-{month:02d}-{day:02d} 00:00:00" for year in (2019, 2020, 2021, 2022) for month in range(1, 13)
            for day in range(1, 29)]  # fmt: skip
    assert len(days) > MOST_PARTITIONS_PER_FILE
    feed.write("a.csv", [feed.trade(number, at=at) for number, at in enumerate(days)])

    result = feed.run()

    assert [(f.reason, f.rows_loaded) for f in result.failed] == [("file.failed", 0)]
    assert "more than 1200 partitions (2019-01-01 to 2022-12-28)" in result.failed[0].error.message
    assert (feed.rows(), feed.partitions()) == ([], [])


def test_longest_table_name_has_room_for_partitions_and_replaced_rows(feed, make_contract):
    table = "t" * 53
    feed.contract = make_contract(target={"table": table, "partition_by": "day"})
    feed.write("a.csv", [feed.trade(1)])
    feed.run()
    first = feed.expected("a.csv")
    feed.write("a.csv", [feed.trade(2)])

    assert feed.run().state == "succeeded"
    assert feed.rows(f"market.{table}") == feed.expected("a.csv")
    assert feed.rows(f"market.{table}_replaced") == first
    assert [name for name, _ in feed.partitions(f"market.{table}")] == [f"{table}_p20240115"]
    with pytest.raises(ValidationError, match="at most 53"):
        make_contract(target={"table": table + "t"})


@pytest.mark.parametrize("partition_by", ["day", "month", "year"])
def test_first_and_last_day_of_event_times_have_partitions(feed, make_contract, partition_by):
    feed.contract = make_contract(target={"partition_by": partition_by})
    feed.write("a.csv", [feed.trade(1, at="2099-12-31 23:59:59"), feed.trade(2, at="1900-01-01 00:00:00")])

    result = feed.run()

    assert (result.rows_loaded, result.rows_rejected) == (2, 0)
    assert feed.rows() == feed.expected("a.csv")


def test_target_with_partitions_of_another_length_is_refused(feed, make_contract):
    feed.write("a.csv", [feed.trade(1)])
    feed.run()
    feed.write("b.csv", [feed.trade(2, at="2024-01-16 10:00:00")])

    with pytest.raises(TargetIncompatibleError, match="has partitions by month, expected day"):
        feed.run(contract=make_contract(target={"partition_by": "day"}))

    assert feed.rows() == feed.expected("a.csv")
