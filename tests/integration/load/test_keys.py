import threading

import psycopg
import pytest

from trade_ingest.load.transaction import Loader

COUNTS = "rows_read, rows_loaded, rows_duplicate, rows_rejected, control_totals ->> 'quantity'"
TINY = {"block_bytes": 120, "segment_bytes": 240}  # 3 rows in a block, 6 in a segment


@pytest.fixture(autouse=True)
def no_limit(feed, make_contract):
    feed.contract = make_contract(rejects={"max_count": 1000, "max_ratio": 1})


def overlaps(feed):
    return feed.query("SELECT file_id, original_file_id, rows FROM ingest.overlap ORDER BY 1, 2")


@pytest.mark.parametrize("options", [{}, TINY])
def test_identical_rows_within_a_file_are_loaded_once_and_counted_as_duplicates(feed, options):
    feed.write("a.csv", [*feed.trades(1, 20), *feed.trades(5, 8), feed.trade(20), feed.trade(21)])

    result = feed.load("a.csv", **options)

    assert (result.state, result.rows_read, result.rows_loaded, result.rows_duplicate) == ("loaded", 26, 21, 5)
    assert feed.rows() == [row for row in feed.expected("a.csv") if row[1] <= 20 or row[1] == 26]
    assert feed.files(COUNTS) == [("a.csv", 26, 21, 5, 0, "42.00")]
    assert (feed.rejects(), overlaps(feed)) == ([], [])


@pytest.mark.parametrize("options", [{}, TINY])
def test_rows_of_another_file_are_duplicates_and_kept_as_an_overlap(feed, options):
    feed.write("a.csv", feed.trades(1, 20))
    feed.write("b.csv", feed.trades(15, 30))
    feed.load("a.csv", **options)

    result = feed.load("b.csv", **options)

    assert (result.rows_read, result.rows_loaded, result.rows_duplicate, result.rows_rejected) == (16, 10, 6, 0)
    assert feed.rows() == feed.expected("a.csv") + feed.expected("b.csv")[6:]
    assert feed.files(COUNTS) == [("a.csv", 20, 20, 0, 0, "40.00"), ("b.csv", 16, 10, 6, 0, "20.00")]
    assert overlaps(feed) == [(2, 1, 6)]


def test_file_of_known_rows_only_is_loaded_with_none(feed):
    feed.write("a.csv", feed.trades(1, 20))
    feed.write("b.csv", feed.trades(3, 7))
    feed.write("c.csv", [*feed.trades(6, 7), *feed.trades(19, 25)])
    feed.run()

    assert feed.files(COUNTS) == [
        ("a.csv", 20, 20, 0, 0, "40.00"),
        ("b.csv", 5, 0, 5, 0, "0.00"),
        ("c.csv", 9, 5, 4, 0, "10.00"),
    ]
    assert overlaps(feed) == [(2, 1, 5), (3, 1, 4)]
    assert feed.rows() == feed.expected("a.csv") + feed.expected("c.csv")[4:]


@pytest.mark.parametrize("options", [{}, TINY])
def test_rows_with_a_known_key_and_other_content_are_conflicts(feed, options):
    feed.write("a.csv", feed.trades(1, 20))
    feed.write("b.csv", [feed.trade(19), feed.trade(20, quantity="7.00"), feed.trade(21), feed.trade(21, price="9.99")])
    feed.load("a.csv", **options)

    result = feed.load("b.csv", **options)

    assert (result.state, result.rows_read, result.rows_loaded, result.rows_duplicate, result.rows_rejected) == (
        "loaded",
        4,
        1,
        1,
        2,
    )
    assert feed.rows() == feed.expected("a.csv") + feed.expected("b.csv")[2:3]
    assert feed.files(COUNTS)[1] == ("b.csv", 4, 1, 1, 2, "2.00")
    assert feed.rejects() == [
        ("b.csv", 2, feed.trade(20, quantity="7.00"), ["key_conflict"]),
        ("b.csv", 4, feed.trade(21, price="9.99"), ["key_conflict"]),
    ]
    first, second = feed.query("SELECT reasons, byte_offset FROM ingest.reject ORDER BY row_number")
    assert first[0] == [
        {
            "code": "key_conflict",
            "column": "trade_id, executed_at",
            "value": "file 1 has this key with other content",
        }
    ]
    content = (feed.folder / "b.csv").read_bytes()
    assert content[first[1] :].startswith(b"20,EURUSD,2024-01-15 10:00:00,1.50,7.00\n")
    assert content[second[1] :].startswith(b"21,EURUSD,2024-01-15 10:00:00,9.99,2.00\n")


def test_null_and_a_value_in_a_column_that_is_no_key_are_a_conflict(feed, make_contract):
    columns = [dict(c) for c in feed.contract.model_dump(exclude_unset=True, mode="json")["columns"]]
    columns[4]["required"] = False
    feed.contract = make_contract(columns=columns, control_totals=["quantity"], rejects={"max_count": 9})
    feed.write("a.csv", ["1,EURUSD,2024-01-15 10:00:00,1.50,", "1,EURUSD,2024-01-15 10:00:00,1.50,2.00"])
    feed.write("b.csv", ["1,EURUSD,2024-01-15 10:00:00,1.50,", feed.trade(2)])

    feed.run()

    assert feed.files(COUNTS) == [("a.csv", 2, 1, 0, 1, "0.00"), ("b.csv", 2, 1, 1, 0, "2.00")]
    assert [(name, row) for name, row, _, _ in feed.rejects()] == [("a.csv", 2)]


def test_rejects_of_the_parser_and_conflicts_are_kept_together_in_file_order(feed):
    feed.write("a.csv", feed.trades(1, 4))
    lines = [feed.trade(1, price="8.00"), feed.trade(7, price="-1"), feed.trade(8), feed.trade(2), "x", feed.trade(9)]
    feed.write("b.csv", lines)
    feed.run()

    assert feed.rejects() == [
        ("b.csv", 1, lines[0], ["key_conflict"]),
        ("b.csv", 2, lines[1], ["below_min"]),
        ("b.csv", 5, "x", ["field_count"]),
    ]
    assert feed.files(COUNTS)[1] == ("b.csv", 6, 2, 1, 3, "4.00")
    assert feed.rows() == feed.expected("a.csv") + [row for row in feed.expected("b.csv") if row[1] in (3, 6)]


def test_same_key_at_another_event_time_is_another_row_of_a_partitioned_target(feed):
    feed.write(
        "a.csv", [feed.trade(1), feed.trade(1, at="2024-01-15 10:00:01"), feed.trade(1, at="2024-02-15 10:00:00")]
    )

    result = feed.run()

    assert (result.rows_loaded, result.rows_duplicate) == (3, 0)
    assert feed.rows() == feed.expected("a.csv")


def test_key_holds_across_event_times_where_the_target_is_not_partitioned(feed, make_contract):
    feed.contract = make_contract(target={"partition_by": "none"}, rejects={"max_count": 9})
    feed.write("a.csv", [feed.trade(1), feed.trade(1, at="2024-02-15 10:00:00"), feed.trade(1)])

    result = feed.run()

    assert (result.rows_loaded, result.rows_duplicate, result.rows_rejected) == (1, 1, 1)
    assert feed.rows() == feed.expected("a.csv")[:1]


def test_without_a_key_identical_rows_are_all_loaded(feed, make_contract):
    feed.contract = make_contract(key=[])
    feed.write("a.csv", [feed.trade(1)] * 50)
    feed.write("b.csv", [feed.trade(1)] * 7)

    assert feed.run().rows_loaded == 57
    assert feed.rows() == feed.expected("a.csv", "b.csv")


def test_deadlock_between_files_with_the_same_keys_in_opposite_order_is_tried_again(feed, gate, with_setting):
    with_setting("deadlock_timeout", "10ms")
    feed.write("a.csv", feed.trades(1, 2))
    feed.write("b.csv", feed.trades(1, 2)[::-1])
    feed.prepare()
    gate.at("BEFORE INSERT", "market.trade", "NEW.row_number = 2")  # each has its first key, and then wants the other's
    results = {}

    def load(name):
        with feed.task(name) as task, Loader(feed.database) as loader:
            results[name] = loader.load(task)

    threads = [threading.Thread(target=load, args=[name]) for name in ("a.csv", "b.csv")]
    for thread in threads:
        thread.start()
    gate.wait_for(2)
    gate.open()
    for thread in threads:
        thread.join()

    loser, winner = sorted(results, key=lambda name: results[name].rows_loaded)
    assert {name: (r.state, r.rows_loaded, r.rows_duplicate) for name, r in results.items()} == {
        winner: ("loaded", 2, 0),
        loser: ("loaded", 0, 2),
    }
    assert feed.rows() == feed.expected(winner)
    assert feed.attempts() == sorted([(winner, 1, "loaded"), (loser, 1, "failed"), (loser, 2, "loaded")])
    assert (
        feed.query("SELECT error ->> 'code', error ->> 'message' FROM ingest.attempt WHERE state = 'failed'")[0][0]
        == "database.unavailable"
    )


def test_load_waits_for_another_transaction_that_inserts_the_same_key(feed, drive, wait_until):
    feed.write("a.csv", feed.trades(1, 3))
    feed.prepare()
    feed.run()
    feed.write("b.csv", feed.trades(3, 5))
    with psycopg.connect(feed.database) as other:
        other.execute(
            "INSERT INTO market.trade VALUES (4, 'EURUSD', '2024-01-15 10:00:00+00', 1.50, 2.00, 1, 4)"
        )  # as a file would that is still being loaded
        run = drive()
        pid = other.info.backend_pid
        wait_until(
            lambda: feed.query("SELECT pid FROM pg_stat_activity WHERE %s = ANY(pg_blocking_pids(pid))", pid),
            "the load waits for the other transaction",
        )
        other.commit()

    result = run.result()

    assert (result["rows_loaded"], result["rows_duplicate"]) == (1, 2)
    assert overlaps(feed) == [(2, 1, 2)]


def test_rows_that_came_by_other_means_make_duplicates_too(feed):
    feed.prepare()
    feed.query("ALTER TABLE market.trade ALTER file_id DROP NOT NULL")
    feed.write("first.csv", feed.trades(2, 2))
    feed.load("first.csv")
    feed.query("UPDATE market.trade SET file_id = NULL")
    feed.write("second.csv", feed.trades(2, 4))
    result = feed.load("second.csv")
    assert (result.state, result.rows_loaded, result.rows_duplicate) == ("loaded", 2, 1)
    assert feed.query("SELECT count(*) FROM ingest.overlap") == [(0,)]
