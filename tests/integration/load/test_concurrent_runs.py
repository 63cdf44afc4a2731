import pytest

WAITING_FOR_A_FILE = (
    "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    " AND query LIKE '%FOR NO KEY UPDATE'"
)


@pytest.mark.parametrize(("runs", "parallelism"), [(2, 2), (4, 1)])
def test_runs_over_the_same_files_at_once_share_the_work(feed, gate, drive, runs, parallelism):
    names = [f"{number:02d}.csv" for number in range(30)]
    for number, name in enumerate(names):
        feed.write(name, feed.trades(1000 + 40 * number, 1049 + 40 * number))  # ten rows are in the next file too
    feed.prepare()
    gate.at("BEFORE INSERT", "ingest.run")  # all of them have listed the files and found none of them loaded
    drivers = [drive(parallelism=parallelism) for _ in range(runs)]
    gate.wait_for(runs)
    gate.open()

    results = [driver.result() for driver in drivers]

    assert [r["state"] for r in results] == ["succeeded"] * runs
    assert [r["files_failed"] for r in results] == [0] * runs
    assert [r["files_loaded"] + r["files_skipped"] for r in results] == [30] * runs
    totals = {
        name: sum(r[name] for r in results) for name in ("files_loaded", "rows_read", "rows_loaded", "bytes_read")
    }
    assert totals == {
        "files_loaded": 30,
        "rows_read": 1500,
        "rows_loaded": 1210,
        "bytes_read": sum(path.stat().st_size for path in feed.folder.iterdir()),
    }
    assert sum(r["rows_duplicate"] for r in results) == 290
    lines = feed.query("SELECT count(*), count(DISTINCT trade_id), min(trade_id), max(trade_id) FROM market.trade")
    assert lines == [(1210, 1210, 1000, 2209)]
    assert set(feed.rows()) <= set(feed.expected(*names))
    assert feed.files("state, rows_read") == [(name, "loaded", 50) for name in names]
    loaded = [(name, state) for name, _, state in feed.attempts() if state == "loaded"]
    assert loaded == [(name, "loaded") for name in names]
    assert feed.query("SELECT count(*) FROM ingest.progress") == [(0,)]
    assert feed.query("SELECT count(*), count(DISTINCT file_id) FROM ingest.event WHERE kind = 'file_loaded'") == [
        (30, 30)
    ]


def test_first_runs_at_once_make_ledger_and_target_once(feed, drive):
    feed.write("a.csv", feed.trades(1, 9))
    feed.write("b.csv", feed.trades(10, 19))

    results = [driver.result() for driver in [drive(), drive(), drive()]]

    assert [r.get("state") for r in results] == ["succeeded"] * 3, results
    assert sum(r["files_loaded"] for r in results) == 2
    assert feed.rows() == feed.expected("a.csv", "b.csv")
    assert feed.query("SELECT count(*) FROM ingest.event WHERE kind = 'target_created'") == [(1,)]


def test_run_waits_for_a_file_that_another_run_is_loading_and_skips_it(feed, gate, drive, wait_until):
    feed.write("a.csv", feed.trades(1, 9))
    feed.prepare()
    gate.at("BEFORE INSERT", "market.trade", "NEW.row_number = 5")
    first = drive()
    gate.wait_for()
    second = drive()
    wait_until(lambda: feed.query(WAITING_FOR_A_FILE), "the second run waits for the file")
    gate.open()

    results = [first.result(), second.result()]

    counts = [
        (r["state"], r["files_planned"], r["files_loaded"], r["files_skipped"], r["rows_loaded"]) for r in results
    ]
    assert counts == [("succeeded", 1, 1, 0, 9), ("succeeded", 1, 0, 1, 0)]
    assert feed.rows() == feed.expected("a.csv")
    assert feed.attempts() == [("a.csv", 1, "loaded")]


def test_run_loads_a_file_whose_other_run_fails(feed, gate, drive, wait_until):
    feed.write("a.csv", feed.trades(1, 9))
    feed.prepare()
    gate.at("BEFORE INSERT", "market.trade", "NEW.row_number = 5")
    first = drive()
    gate.wait_for()
    second = drive()
    wait_until(lambda: feed.query(WAITING_FOR_A_FILE), "the second run waits for the file")
    first.kill()
    gate.open()

    result = second.result()

    assert (result["state"], result["files_loaded"], result["rows_loaded"]) == ("succeeded", 1, 9)
    assert feed.rows() == feed.expected("a.csv")
    assert feed.attempts() == [("a.csv", 1, "abandoned"), ("a.csv", 2, "loaded")]


def test_files_of_one_contract_do_not_wait_for_each_others_commits(feed, gate, drive, wait_until):
    feed.write("a.csv", feed.trades(1, 9))
    feed.write("b.csv", feed.trades(11, 19))
    feed.prepare()
    gate.at("AFTER UPDATE", "ingest.file", "NEW.state = 'loaded' AND NEW.uri LIKE '%/a.csv'", is_at_commit=True)
    run = drive(parallelism=2)
    gate.wait_for()

    wait_until(
        lambda: feed.rows() == feed.expected("b.csv"), "b.csv is loaded while the COMMIT of a.csv takes its time"
    )
    gate.open()

    assert run.result()["files_loaded"] == 2
