"""Loads killed at random moments, again and again: in the end each row is there once."""

import contextlib
import random
import signal
import threading

import psutil
import pytest

FILES = 8
ROWS = 300

# At any moment: rows are there of loaded files only, all of them and each once.
BROKEN_PROMISES = """
SELECT coalesce(f.uri, 'no file'), f.state, f.rows_loaded, t.rows
FROM ingest.file AS f
FULL JOIN (SELECT file_id, count(*) AS rows FROM market.trade GROUP BY file_id) AS t USING (file_id)
WHERE (f.state = 'loaded' AND f.rows_loaded <> coalesce(t.rows, 0))
    OR (f.state IS DISTINCT FROM 'loaded' AND t.rows > 0)
"""


class Deliveries:
    """Files that come and change, with keys that no row before had."""

    def __init__(self, feed):
        self._feed = feed
        self._next = 100_000
        self.names = []

    def deliver(self, count):
        for _ in range(count):
            self.names.append(f"{len(self.names):04d}.csv")
            self._write(self.names[-1])

    def change(self, name):
        self._write(name)

    def _write(self, name):
        first, self._next = self._next, self._next + ROWS
        month = 1 + int(name[:4]) % 12
        self._feed.write(name, self._feed.trades(first, first + ROWS - 1, at=f"2024-{month:02d}-01 00:00:00"))


@pytest.fixture
def deliveries(feed):
    """Files, and a target that takes its time, so that a random moment is seldom between two files."""
    feed.prepare()
    feed.query(
        "CREATE FUNCTION public.take_time() RETURNS trigger LANGUAGE plpgsql AS"
        " $$BEGIN PERFORM pg_sleep(0.0005); RETURN NEW; END$$"
    )
    trigger = "CREATE TRIGGER take_time BEFORE INSERT ON market.trade FOR EACH ROW EXECUTE FUNCTION public.take_time()"
    feed.query(trigger)
    deliveries = Deliveries(feed)
    deliveries.deliver(FILES)
    return deliveries


def assert_loaded_once(feed, deliveries):
    assert feed.run().state == "succeeded"
    assert feed.rows() == feed.expected(*deliveries.names)
    assert feed.query(BROKEN_PROMISES) == []
    assert sorted(name for name, state in feed.files() if state == "loaded") == deliveries.names
    assert {state for _, state in feed.files()} <= {"loaded", "replaced", "skipped"}
    assert "running" not in {state for _, _, state in feed.attempts()} | set(feed.runs())
    assert feed.query("SELECT count(*) FROM ingest.progress") == [(0,)]
    loaded = "SELECT count(*), sum(rows_loaded)::int FROM ingest.file WHERE state IN ('loaded', 'replaced')"
    counted = "SELECT sum(files_loaded)::int, sum(rows_loaded)::int FROM ingest.run"
    assert feed.query(loaded) == feed.query(counted)


def kill_at_random_moments(feed, drive, deliveries, *, seed, kills, most_seconds):
    """Kill drivers and workers after random times; after each kill files come and one changes."""
    rng = random.Random(seed)
    killed = 0
    while killed < kills:
        driver = drive(parallelism=rng.choice([1, 2, 3]))
        threading.Event().wait(rng.uniform(0.3, most_seconds))  # the moment is what is random here
        if driver.process.poll() is None:
            killed += 1
            workers = driver.workers
            if workers and rng.random() < 0.5:
                with contextlib.suppress(psutil.NoSuchProcess):
                    rng.choice(workers).send_signal(signal.SIGKILL)
            else:
                driver.process.kill()
        driver.process.communicate()
        assert feed.query(BROKEN_PROMISES) == []
        deliveries.deliver(2)
        deliveries.change(rng.choice(deliveries.names))
    assert_loaded_once(feed, deliveries)


def test_three_kills_at_random_moments_lose_and_double_nothing(feed, drive, deliveries):
    kill_at_random_moments(feed, drive, deliveries, seed=1, kills=3, most_seconds=2.0)


@pytest.mark.torture
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("seed", range(6))
def test_many_kills_at_random_moments_lose_and_double_nothing(feed, drive, deliveries, seed):
    kill_at_random_moments(feed, drive, deliveries, seed=seed, kills=25, most_seconds=4.0)


@pytest.mark.torture
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("seed", range(4))
def test_runs_at_once_whose_sessions_end_at_random_moments_lose_and_double_nothing(feed, drive, deliveries, seed):
    rng = random.Random(seed)
    deliveries.deliver(20)
    drivers = [drive(parallelism=2) for _ in range(3)]
    while any(driver.process.poll() is None for driver in drivers):
        feed.query(
            "SELECT pg_terminate_backend(pid) FROM (SELECT pid FROM pg_stat_activity WHERE datname = current_database()"
            " AND application_name LIKE 'trade-ingest%%' ORDER BY random() LIMIT %s) AS s",
            rng.randint(0, 1),
        )
        assert feed.query(BROKEN_PROMISES) == []
        threading.Event().wait(rng.uniform(0.1, 1.0))
    assert_loaded_once(feed, deliveries)
