import psutil
import pytest

WAITING_FOR_AN_ATTEMPT = (
    "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    " AND query LIKE 'UPDATE ingest.attempt%'"
)


@pytest.fixture
def three_files(feed):
    """Three files of which the first is being loaded when something happens."""
    feed.write("a.csv", feed.trades(1001, 1100))
    feed.write("b.csv", feed.trades(1101, 1200))
    feed.write("c.csv", feed.trades(1201, 1300))
    feed.prepare()
    return feed


ROW_50 = "NEW.row_number = 50"
OF_B = "NEW.state = 'loaded' AND NEW.uri LIKE '%/b.csv'"


STEPS = {  # where the session is stopped; the files' states then; what has become of first attempts in the end
    "after listing": (("BEFORE INSERT", "ingest.run", "true"), [], set()),
    "before register": (("BEFORE INSERT", "ingest.file", "true"), [], set()),
    "before the attempt": (("BEFORE INSERT", "ingest.attempt", "true"), ["pending"] * 3, {"abandoned"}),
    "within COPY": (("BEFORE INSERT", "market.trade", ROW_50), ["pending"] * 3, {"abandoned"}),
    "before COMMIT": (("BEFORE UPDATE", "ingest.file", "NEW.state = 'loaded'"), ["pending"] * 3, {"abandoned"}),
    "before the end": (("BEFORE UPDATE", "ingest.run", "NEW.state = 'succeeded'"), ["loaded"] * 3, {"loaded"}),
}


@pytest.mark.parametrize("parallelism", [1, 2])
@pytest.mark.parametrize("step", STEPS)
def test_run_after_a_killed_run_loads_what_is_missing(three_files, gate, drive, parallelism, step):
    feed = three_files
    stop, states, first_attempts = STEPS[step]
    gate.at(*stop)
    driver = drive(parallelism=parallelism)
    gate.wait_for()
    had_run = bool(feed.runs())

    driver.kill()  # and its workers end
    assert feed.files() == list(zip(["a.csv", "b.csv", "c.csv"], states, strict=False))
    visible = feed.rows()
    gate.open()
    result = feed.run()

    assert result.state == "succeeded"
    assert result.rows_loaded + len(visible) == 300
    assert feed.rows() == feed.expected("a.csv", "b.csv", "c.csv")
    assert feed.runs() == (["abandoned"] if had_run else []) + ["succeeded"]
    assert {state for _, state in feed.files()} == {"loaded"}
    history = feed.attempts()
    assert {state for _, number, state in history if number == 1} == first_attempts | {"loaded"}
    for name in ("a.csv", "b.csv", "c.csv"):
        assert [state for n, _, state in history if n == name] in (["loaded"], ["abandoned", "loaded"])
    assert feed.query("SELECT count(*) FROM ingest.progress") == [(0,)]


def test_files_committed_before_the_driver_was_killed_stay_and_count_for_its_run(three_files, gate, drive):
    feed = three_files
    gate.at("BEFORE UPDATE", "ingest.file", OF_B)
    driver = drive()
    gate.wait_for()

    driver.kill()
    assert feed.rows() == feed.expected("a.csv")
    gate.open()
    result = feed.run()

    assert (result.files_loaded, result.rows_loaded, result.files_skipped) == (2, 200, 1)
    assert feed.rows() == feed.expected("a.csv", "b.csv", "c.csv")
    size = (feed.folder / "a.csv").stat().st_size
    columns = "state, files_planned, files_loaded, files_skipped, rows_read, rows_loaded, bytes_read"
    assert feed.runs(columns) == [
        ("abandoned", 3, 1, 0, 100, 100, size),
        ("succeeded", 2, 2, 1, 200, 200, result.bytes_read),
    ]
    assert feed.attempts() == [
        ("a.csv", 1, "loaded"),
        ("b.csv", 1, "abandoned"),
        ("b.csv", 2, "loaded"),
        ("c.csv", 1, "loaded"),
    ]


def test_commit_that_the_killed_driver_had_sent_counts_for_its_run(three_files, gate, drive, wait_until):
    feed = three_files
    gate.at("AFTER UPDATE", "ingest.file", OF_B, is_at_commit=True)
    driver = drive()
    gate.wait_for()
    driver.kill()

    again = drive()
    wait_until(lambda: feed.query(WAITING_FOR_AN_ATTEMPT), "the second run waits to know what becomes of the attempt")
    gate.open()

    assert (again.result()["files_loaded"], feed.rows()) == (1, feed.expected("a.csv", "b.csv", "c.csv"))
    assert feed.attempts() == [("a.csv", 1, "loaded"), ("b.csv", 1, "loaded"), ("c.csv", 1, "loaded")]
    assert feed.runs("state, files_loaded, rows_loaded") == [("abandoned", 2, 200), ("succeeded", 1, 100)]


def test_second_run_need_not_wait_for_the_servers_end_of_a_dead_one(three_files, gate, drive, wait_until):
    feed = three_files
    gate.at("BEFORE INSERT", "market.trade", "NEW.trade_id = 1050")
    driver = drive()
    gate.wait_for()  # its transaction on a.csv stays open: the server does not notice the driver's death
    driver.kill()

    again = drive(parallelism=2)
    wait_until(lambda: len(feed.rows()) == 200, "the two other files are loaded")
    assert feed.rows() == feed.expected("b.csv", "c.csv")
    gate.open()

    assert again.result()["state"] == "succeeded"
    assert feed.rows() == feed.expected("a.csv", "b.csv", "c.csv")


def test_living_run_is_not_taken_for_dead(three_files, gate, drive, wait_until):
    feed = three_files
    gate.at("BEFORE INSERT", "market.trade", "NEW.trade_id = 1050")
    driver = drive()
    gate.wait_for()

    other = drive(parallelism=2)
    wait_until(lambda: len(feed.rows()) == 200, "the second run loads the two other files")
    assert feed.runs() == ["running", "running"]
    assert psutil.pid_exists(driver.process.pid)
    gate.open()

    results = [driver.result(), other.result()]
    assert [r["state"] for r in results] == ["succeeded", "succeeded"]
    assert sum(r["files_loaded"] for r in results) == 3
    assert sum(r["files_loaded"] + r["files_skipped"] for r in results) == 6
    assert feed.rows() == feed.expected("a.csv", "b.csv", "c.csv")


def test_abandoned_run_has_one_event_for_it(three_files, gate, drive):
    feed = three_files
    gate.at("BEFORE INSERT", "market.trade", ROW_50)
    driver = drive()
    gate.wait_for()
    driver.kill()
    gate.open()
    feed.run()
    feed.run()

    assert feed.query("SELECT kind, file_id FROM ingest.event WHERE run_id = 1 ORDER BY event_id") == [
        ("run_started", None),
        ("run_planned", None),
        ("run_abandoned", None),
    ]


def test_attempt_that_the_server_records_after_its_process_died_does_not_disturb_the_next(three_files, gate, drive):
    feed = three_files
    gate.at("BEFORE INSERT", "ingest.attempt")
    driver = drive()
    gate.wait_for()
    driver.kill()  # its INSERT is still on its way

    again = drive()
    gate.wait_for(2)
    gate.open()

    assert again.result()["state"] == "succeeded"
    assert feed.rows() == feed.expected("a.csv", "b.csv", "c.csv")
    assert feed.runs() == ["abandoned", "succeeded"]
    assert [state for _, _, state in feed.attempts()].count("loaded") == 3
    assert "running" not in {state for _, _, state in feed.attempts()}
