from datetime import datetime
from pathlib import Path

import psycopg

from trade_ingest import pipeline
from trade_ingest.ledger.progress import read_progress
from trade_ingest.ledger.runs import RUN_COUNTERS
from trade_ingest.load import copying
from trade_ingest.run import RunOptions


def test_each_state_change_is_one_event_in_order_and_the_caller_sees_the_same(feed):
    feed.write("a.csv", feed.trades(1, 5))
    feed.write("b.csv", feed.trades(1, 5))
    feed.write("c.csv", ["broken"] * 20)
    seen = []

    result = pipeline.ingest(
        [str(feed.folder)],
        contract=feed.contract,
        database=feed.database,
        options=RunOptions(parallelism=1),
        on_event=seen.append,
    )

    recorded = feed.query("SELECT kind, file_id FROM ingest.event ORDER BY event_id")
    by_size = [("file_loaded", 1), ("file_skipped", 2), ("file_failed", 3)]
    assert recorded[:3] == [("run_started", None), ("target_created", None), ("run_planned", None)]
    assert sorted(recorded[3:-1]) == sorted(by_size)
    assert recorded[-1] == ("run_ended", None)
    assert [(event.kind.value, event.file_id) for event in seen] == recorded
    assert {event.run_id for event in seen} == {result.run_id}
    times = [at for (at,) in feed.query("SELECT at FROM ingest.event ORDER BY event_id")]
    assert times == sorted(times)
    assert all(isinstance(at, datetime) for at in times)


def test_event_of_a_file_says_what_became_of_it(feed):
    path = feed.write("a.csv", [*feed.trades(1, 5), "broken"])
    feed.run()

    ((detail,),) = feed.query("SELECT detail FROM ingest.event WHERE kind = 'file_loaded'")

    assert detail.pop("duration_seconds") >= 0
    assert detail == {
        "uri": str(path),
        "size_bytes": path.stat().st_size,
        "rows_read": 6,
        "rows_loaded": 5,
        "rows_duplicate": 0,
        "rows_rejected": 1,
    }


def test_counters_of_runs_are_the_sums_of_their_files(feed):
    feed.write("a.csv", [*feed.trades(1, 50), "broken"])
    feed.write("b.csv", feed.trades(40, 70))
    feed.write("c.csv", ["broken"] * 20)
    feed.write("d.csv", feed.trades(40, 70))
    feed.run()
    feed.write("a.csv", feed.trades(1, 45))
    feed.write("e.csv", feed.trades(100, 120))
    feed.run()

    columns = ", ".join(name for name in RUN_COUNTERS if name != "bytes_read")
    assert feed.runs(columns) == [(4, 2, 1, 1, 82, 70, 11, 1), (4, 3, 1, 2, 97, 91, 6, 0)]
    # a.csv has lost its trades 46 to 50, which b.csv has too: the run loads b.csv again
    sums = feed.query(
        "SELECT run_id, count(*) FILTER (WHERE state IN ('loaded', 'replaced')), sum(rows_loaded)::int,"
        " (sum(size_bytes) FILTER (WHERE state IN ('loaded', 'replaced')))::int FROM ingest.file"
        " GROUP BY run_id ORDER BY run_id"
    )
    assert feed.runs("run_id, files_loaded, rows_loaded, bytes_read") == sums


def test_progress_is_seen_while_a_file_is_loaded_and_gone_afterwards(feed, monkeypatch):
    feed.write("a.csv", feed.trades(1, 50))
    feed.write("b.csv", feed.trades(100, 149))
    monkeypatch.setattr(copying, "_PROGRESS_SECONDS", 0)
    seen = {}

    def on_progress(progress):
        seen[f"while {Path(progress.uri).name} is loaded"] = shown()
        assert read_progress(ledger, 1) == [progress]

    def shown():
        return feed.query("SELECT file_id, run_id, stage, rows_read, rows_rejected FROM ingest.progress")

    def on_event(event):
        if event.file_id:
            seen[f"as file {event.file_id} ends"] = shown()

    with psycopg.connect(feed.database, autocommit=True) as ledger:
        pipeline.ingest(
            [str(feed.folder)],
            contract=feed.contract,
            database=feed.database,
            options=RunOptions(parallelism=1),
            on_event=on_event,
            on_progress=on_progress,
        )

    assert seen == {
        "while b.csv is loaded": [(2, 1, "loading", 50, 0)],
        "as file 2 ends": [],
        "while a.csv is loaded": [(1, 1, "loading", 50, 0)],
        "as file 1 ends": [],
    }
    assert shown() == []
