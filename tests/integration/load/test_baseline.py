from trade_ingest import pipeline


def mark(feed, *names):
    sources = [str(feed.folder / name) for name in names] or [str(feed.folder)]
    return pipeline.baseline(sources, contract=feed.contract, database=feed.database)


def test_baseline_marks_files_and_the_next_run_loads_none(feed):
    feed.write("a.csv", feed.trades(1, 2))
    feed.write("b.csv", ["not even a trade"])

    result = mark(feed)

    assert (result.state, result.files_planned, result.files_loaded, result.rows_loaded) == ("succeeded", 2, 2, 0)
    assert feed.files("state, reason, run_id") == [("a.csv", "baseline", None, 1), ("b.csv", "baseline", None, 1)]
    run = feed.run()
    assert (run.state, run.files_planned, run.files_skipped) == ("succeeded", 0, 2)
    assert feed.rows() == []
    assert feed.runs("kind, state") == [("baseline", "succeeded"), ("ingest", "succeeded")]


def test_file_that_changes_after_its_baseline_is_loaded(feed):
    feed.write("a.csv", feed.trades(1, 2))
    mark(feed)
    feed.write("a.csv", feed.trades(1, 3))

    assert feed.plan() == {"a.csv": "changed"}
    assert feed.run().rows_loaded == 3
    assert feed.rows() == feed.expected("a.csv")
    assert feed.files() == [("a.csv", "baseline"), ("a.csv", "loaded")]


def test_baseline_leaves_loaded_files_as_they_are(feed):
    feed.write("a.csv", feed.trades(1, 2))
    feed.run()
    feed.write("b.csv", feed.trades(3, 4))

    result = mark(feed)

    assert (result.files_loaded, result.files_skipped) == (1, 1)
    assert feed.files() == [("a.csv", "loaded"), ("b.csv", "baseline")]
    assert feed.rows() == feed.expected("a.csv")


def test_baseline_settles_a_file_that_failed(feed):
    feed.write("a.csv", ["broken"] * 20)
    feed.run()

    mark(feed)

    assert feed.files("state, reason, error") == [("a.csv", "baseline", None, None)]
    assert feed.run().files_planned == 0


def test_second_baseline_marks_only_what_is_new(feed):
    feed.write("a.csv", feed.trades(1, 2))
    mark(feed)
    feed.write("b.csv", feed.trades(1, 2))

    result = mark(feed)

    assert (result.files_planned, result.files_loaded, result.files_skipped) == (1, 1, 1)
    assert feed.files("state, run_id") == [("a.csv", "baseline", 1), ("b.csv", "baseline", 2)]


def test_changed_file_fails_after_a_baseline_where_the_contract_says_so(feed, make_contract):
    feed.write("a.csv", feed.trades(1, 2))
    mark(feed)
    feed.write("a.csv", feed.trades(1, 3))
    feed.contract = make_contract(on_changed="fail")

    result = feed.run()

    assert [f.reason for f in result.failed] == ["file.changed"]
    assert feed.rows() == []
