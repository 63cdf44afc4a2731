import gzip
from decimal import Decimal

import pytest


def test_first_load_makes_ledger_target_and_partitions(feed):
    feed.write("a.csv", [feed.trade(1), feed.trade(2, at="2024-02-29 23:59:59"), feed.trade(3)])

    result = feed.run()

    assert (result.state, result.counters) == (
        "succeeded",
        {
            "files_planned": 1,
            "files_loaded": 1,
            "files_failed": 0,
            "files_skipped": 0,
            "rows_read": 3,
            "rows_loaded": 3,
            "rows_duplicate": 0,
            "rows_rejected": 0,
            "bytes_read": (feed.folder / "a.csv").stat().st_size,
        },
    )
    assert feed.rows() == feed.expected("a.csv")
    assert feed.partitions() == [
        ("trade_p202401", "FOR VALUES FROM ('2024-01-01 00:00:00+00') TO ('2024-02-01 00:00:00+00')"),
        ("trade_p202402", "FOR VALUES FROM ('2024-02-01 00:00:00+00') TO ('2024-03-01 00:00:00+00')"),
    ]
    (file,) = feed.files("state, rows_read, rows_loaded, control_totals, event_time_min::text, event_time_max::text")
    assert file == (
        "a.csv",
        "loaded",
        3,
        3,
        {"quantity": "6.00"},
        "2024-01-15 10:00:00+00",
        "2024-02-29 23:59:59+00",
    )
    (file,) = feed.files("event_days::text[], event_day_rows")
    assert file == ("a.csv", ["2024-01-15", "2024-02-29"], [2, 1])
    assert feed.attempts() == [("a.csv", 1, "loaded")]


def test_second_run_loads_nothing_and_reads_no_file(feed):
    feed.write("a.csv", feed.trades(1, 3))
    feed.write("b.csv", feed.trades(4, 5))
    feed.run()
    for name in ("a.csv", "b.csv"):
        path = feed.folder / name
        times = path.stat().st_mtime_ns
        path.write_bytes(b"#" * path.stat().st_size)  # same version: were it read, it would fail
        feed.touch(name, times // 10**9 - 1_700_000_000)

    again = feed.run()

    assert (again.state, again.files_planned, again.files_skipped, again.rows_read) == ("succeeded", 0, 2, 0)
    assert feed.rows() == feed.expected("a.csv", "b.csv")
    assert feed.attempts() == [("a.csv", 1, "loaded"), ("b.csv", 1, "loaded")]


def test_same_content_under_another_name_is_skipped(feed):
    feed.write("a.csv", feed.trades(1, 3))
    feed.write("copy of a.csv", feed.trades(1, 3))

    result = feed.run()

    assert (result.files_loaded, result.files_skipped, result.rows_loaded) == (1, 1, 3)
    assert feed.rows() == feed.expected("a.csv")
    assert feed.files("state, reason, same_as_file_id") == [
        ("a.csv", "loaded", None, None),
        ("copy of a.csv", "skipped", "same_content", 1),
    ]
    assert feed.plan() == {"a.csv": "already_loaded", "copy of a.csv": "same_content"}


def test_same_content_is_recognised_though_one_copy_is_compressed(feed):
    path = feed.write("a.csv", feed.trades(1, 3))
    (feed.folder / "b.csv.gz").write_bytes(gzip.compress(path.read_bytes()))

    result = feed.run()

    assert (result.files_loaded, result.files_skipped) == (1, 1)
    assert feed.rows() == feed.expected("a.csv")


@pytest.mark.parametrize("key", [["trade_id"], []])
def test_same_content_loaded_at_once_by_two_processes_is_loaded_once(feed, gate, drive, make_contract, key):
    feed.contract = make_contract(key=key)
    feed.prepare()
    feed.write("a.csv", feed.trades(1, 3))
    feed.write("b.csv", feed.trades(1, 3))
    gate.at("BEFORE UPDATE", "ingest.file", "NEW.state = 'loaded'")
    run = drive(parallelism=2)
    # with a key the second waits for the first at its first row, without at the index file_content
    gate.wait_for(1 if key else 2)
    gate.open()

    result = run.result()

    assert (result["state"], result["files_loaded"], result["files_skipped"]) == ("succeeded", 1, 1)
    loaded = [name for name, state in feed.files() if state == "loaded"]
    assert len(loaded) == 1
    assert feed.rows() == feed.expected(loaded[0])
    assert sorted(feed.files("state, reason"), key=lambda f: f[1]) == [
        (loaded[0], "loaded", None),
        ("b.csv" if loaded == ["a.csv"] else "a.csv", "skipped", "same_content"),
    ]


def test_empty_and_header_only_files_are_loaded_with_no_rows(feed):
    feed.write("empty.csv", [], header=None)
    feed.write("header.csv", [])
    feed.write("other header.csv", [])

    result = feed.run()

    assert (result.state, result.files_loaded, result.rows_read) == ("succeeded", 3, 0)
    assert feed.files("state, rows_read") == [
        ("empty.csv", "loaded", 0),
        ("header.csv", "loaded", 0),
        ("other header.csv", "loaded", 0),
    ]
    assert feed.rows() == []
    assert feed.run().files_planned == 0


@pytest.mark.parametrize("header", [None, "trade_id,symbol,executed_at,price,quantity"])
def test_touched_file_without_rows_stays_loaded(feed, header):
    feed.write("a.csv", [], header=header)
    feed.run()
    feed.touch("a.csv")

    result = feed.run()

    assert (result.state, result.failed) == ("succeeded", [])
    assert feed.run().files_planned == 0


def test_two_contracts_share_one_table_of_a_layout(feed, make_contract):
    def prints(name, **changes):
        columns = [
            {"name": "venue", "type": "text", "constant": name},
            {"name": "symbol", "type": "text"},
            {"name": "executed_at", "type": "timestamp", "zone": "UTC"},
            {"name": "price", "type": "decimal(38,12)"},
            {"name": "quantity", "type": "decimal(38,12)"},
        ]
        target = {"schema": "market", "table": "trade_print", "layout": "trade_print"}
        return make_contract(name=name, columns=changes.pop("first", []) + columns, target=target, **changes)

    with_ids = prints("alpha", first=[{"name": "trade_id", "type": "text"}], key=["venue", "symbol", "trade_id"])
    without_ids = prints("beta", key=[])
    alpha = feed.write("alpha.csv", feed.trades(1, 2))
    beta = feed.write(
        "beta.csv", ["EURUSD,2024-01-15 10:00:00,1.50,2.00"] * 3, header="symbol,executed_at,price,quantity"
    )

    results = [feed.run(alpha, contract=with_ids), feed.run(beta, contract=without_ids)]

    assert [(r.state, r.rows_loaded, r.rows_duplicate) for r in results] == [("succeeded", 2, 0), ("succeeded", 3, 0)]
    assert feed.query(
        "SELECT venue, trade_id, row_number, price FROM market.trade_print ORDER BY venue, row_number"
    ) == [
        ("alpha", "1", 1, Decimal("1.5")),
        ("alpha", "2", 2, Decimal("1.5")),
        ("beta", None, 1, Decimal("1.5")),
        ("beta", None, 2, Decimal("1.5")),
        ("beta", None, 3, Decimal("1.5")),
    ]
    assert feed.run(alpha, beta, contract=without_ids).files_planned == 0


def test_file_that_is_no_table_fails_alone(feed):
    feed.write("a.csv", feed.trades(1, 2))
    feed.write("b.csv", ["1"], header="something,else")
    feed.write("c.csv", feed.trades(3, 4))

    result = feed.run()

    assert (result.state, result.files_loaded, result.files_failed) == ("failed", 2, 1)
    assert [(f.reason, f.state) for f in result.failed] == [("file.header", "failed")]
    assert feed.files("state, reason") == [
        ("a.csv", "loaded", None),
        ("b.csv", "failed", "file.header"),
        ("c.csv", "loaded", None),
    ]
    assert feed.rows() == feed.expected("a.csv", "c.csv")
