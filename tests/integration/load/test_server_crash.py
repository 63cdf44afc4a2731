"""PostgreSQL dies with signal 9 while a run is loading, and comes back."""

import contextlib

import psutil
import psycopg
import pytest

from trade_ingest.embedded.cluster import DATABASE, Cluster

# A crash of the processes loses nothing that was handed to the system: no fsync is needed to test recovery from it.
SETTINGS = {"fsync": "off", "shared_buffers": "32MB", "max_wal_size": "256MB", "autovacuum": "off"}


@pytest.fixture
def cluster(server_directory):
    cluster = Cluster(server_directory, settings=SETTINGS)
    cluster.start()
    yield cluster
    cluster.stop()


@pytest.fixture
def database_url(cluster):
    return cluster.running().url(DATABASE)


def kill_server(cluster):
    """End the postmaster and all its children at once."""
    postmaster = psutil.Process(cluster.running().pid)
    postmaster.suspend()  # so that it does not see its children die
    processes = [*postmaster.children(recursive=True), postmaster]
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.suspend()
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(processes, timeout=60)


@pytest.mark.parametrize("parallelism", [1, 2])
@pytest.mark.parametrize(
    ("moment", "table", "condition"),
    [
        ("BEFORE INSERT", "market.trade", "NEW.trade_id = 1150"),
        ("BEFORE UPDATE", "ingest.file", "NEW.state = 'loaded' AND NEW.uri LIKE '%/b.csv'"),
    ],
    ids=["within COPY", "before COMMIT"],
)
def test_after_a_crash_of_the_server_everything_is_loaded_once(
    feed, cluster, drive, parallelism, moment, table, condition, gate_of
):
    feed.write("a.csv", feed.trades(1001, 1100))
    feed.write("b.csv", feed.trades(1101, 1200))
    feed.write("c.csv", feed.trades(1201, 1300))
    feed.prepare()
    with gate_of(feed.database) as gate:
        gate.at(moment, table, condition)
        run = drive(parallelism=parallelism)
        gate.wait_for()
        kill_server(cluster)
    cluster.start()  # nobody holds the gate any more

    first = run.result()

    # with one worker the run notices only at the end of b.csv that its own connection is gone too
    assert first.get("retryable", first.get("state")) in (True, "succeeded"), first
    visible = feed.files()
    assert [name for name, state in visible if state == "loaded"] == sorted({name for name, _, _ in feed.rows()})
    again = feed.run()
    assert again.state == "succeeded"
    assert feed.rows() == feed.expected("a.csv", "b.csv", "c.csv")
    assert {state for _, state in feed.files()} == {"loaded"}
    assert set(feed.runs()) <= {"abandoned", "succeeded"}
    assert "running" not in {state for _, _, state in feed.attempts()}
    assert [state for _, _, state in feed.attempts()].count("loaded") == 3


def test_run_whose_server_stays_away_ends_with_a_retryable_error(feed, cluster, drive, gate_of):
    feed.write("a.csv", feed.trades(1001, 1100))
    feed.prepare()
    with gate_of(feed.database) as gate:
        gate.at("BEFORE INSERT", "market.trade", "NEW.trade_id = 1050")
        run = drive()
        gate.wait_for()
        kill_server(cluster)

    error = run.result()
    assert (error["error"], error["retryable"]) == ("database.unavailable", True)
    cluster.start()
    with psycopg.connect(feed.database) as connection:
        assert connection.execute("SELECT count(*) FROM market.trade").fetchone() == (0,)
    assert feed.run().rows_loaded == 100
    assert feed.runs() == ["abandoned", "succeeded"]
    # that an attempt began need not survive a crash of the server; that it loaded the file must
    assert feed.attempts() in ([("a.csv", 1, "loaded")], [("a.csv", 1, "abandoned"), ("a.csv", 2, "loaded")])
