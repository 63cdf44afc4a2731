import pytest

from trade_ingest.contract.model import RejectLimit


def lines_of(feed, *, good, bad):
    """Bad rows first, so that the limit is reached before the good ones are read."""
    return [*[f"{number},EURUSD,2024-01-15 10:00:00,-1,2" for number in range(bad)], *feed.trades(1000, 999 + good)]


@pytest.mark.parametrize(
    ("limit", "good", "bad", "is_loaded"),
    [
        ({"max_count": 10, "max_ratio": 0.01}, 0, 10, True),  # as many are always tolerated
        ({"max_count": 10, "max_ratio": 0.01}, 100, 11, False),
        ({"max_count": 10, "max_ratio": 0.01}, 1089, 11, True),  # over the count, not over the ratio
        ({"max_count": 10, "max_ratio": 0.01}, 1088, 11, False),
        ({"max_count": 3, "max_ratio": 0}, 1000, 3, True),
        ({"max_count": 3, "max_ratio": 0}, 1000, 4, False),
        ({"max_count": 0, "max_ratio": 0.5}, 4, 4, True),
        ({"max_count": 0, "max_ratio": 0.5}, 4, 5, False),
        ({"max_count": 0, "max_ratio": 0}, 1000, 1, False),
        ({"max_count": 0, "max_ratio": 1}, 0, 50, True),
    ],
)
def test_file_is_loaded_up_to_the_limit_and_undone_beyond(feed, make_contract, limit, good, bad, is_loaded):
    feed.contract = make_contract(rejects=limit)
    feed.write("a.csv", lines_of(feed, good=good, bad=bad))

    result = feed.run()

    if is_loaded:
        assert (result.state, result.rows_read, result.rows_loaded, result.rows_rejected) == (
            "succeeded",
            good + bad,
            good,
            bad,
        )
        assert feed.rows() == feed.expected("a.csv")[bad:]
        assert feed.files("state, reason") == [("a.csv", "loaded", None)]
    else:
        assert (result.state, result.rows_loaded, result.files_failed) == ("failed", 0, 1)
        assert [f.reason for f in result.failed] == ["file.reject_limit"]
        assert feed.rows() == []
        assert feed.files("state, reason, rows_loaded") == [("a.csv", "failed", "file.reject_limit", 0)]
    assert feed.rejects() == [("a.csv", n, f"{n - 1},EURUSD,2024-01-15 10:00:00,-1,2", ["below_min"]) for n in
                              range(1, bad + 1)]  # fmt: skip


def test_limit_of_the_run_wins_over_that_of_the_contract(feed, make_contract):
    feed.contract = make_contract(rejects={"max_count": 0, "max_ratio": 0})
    feed.write("a.csv", lines_of(feed, good=10, bad=2))

    strict = feed.run()
    lenient = feed.run(reject_limit=RejectLimit(max_count=2, max_ratio=0))
    feed.write("b.csv", lines_of(feed, good=3, bad=3))
    strictest = feed.run(reject_limit=RejectLimit(max_count=2, max_ratio=0))

    assert [(r.state, r.rows_loaded, r.rows_rejected) for r in (strict, lenient, strictest)] == [
        ("failed", 0, 0),
        ("succeeded", 10, 2),
        ("failed", 0, 0),
    ]
    assert feed.rows() == feed.expected("a.csv")[2:]


def test_of_a_failed_file_the_first_thousand_rejects_are_kept(feed):
    feed.write("a.csv", lines_of(feed, good=5, bad=1234))

    feed.run()

    assert [row_number for _, row_number, _, _ in feed.rejects()] == list(range(1, 1001))
    assert feed.files("state, rows_read, rows_rejected") == [("a.csv", "failed", 1239, 1234)]


def test_file_that_failed_is_loaded_once_the_contract_fits_and_its_old_rejects_are_gone(feed, make_contract):
    feed.write("a.csv", lines_of(feed, good=5, bad=20))
    feed.run()
    assert len(feed.rejects()) == 20
    columns = [dict(c) for c in feed.contract.model_dump(exclude_unset=True, mode="json")["columns"]]
    del columns[3]["greater_than"]
    feed.contract = make_contract(columns=columns, version=2)

    result = feed.run()

    assert (result.state, result.rows_loaded, result.rows_rejected) == ("succeeded", 25, 0)
    assert feed.rejects() == []
    assert feed.files("state, reason, rows_rejected, error") == [("a.csv", "loaded", None, 0, None)]
    assert feed.attempts() == [("a.csv", 1, "failed"), ("a.csv", 2, "loaded")]


def test_rejects_are_not_doubled_by_a_second_failure(feed):
    feed.write("a.csv", lines_of(feed, good=5, bad=20))

    feed.run()
    feed.run()

    assert len(feed.rejects()) == 20
    assert feed.attempts() == [("a.csv", 1, "failed"), ("a.csv", 2, "failed")]


def test_many_rejects_across_segments_are_all_kept(feed, make_contract):
    feed.contract = make_contract(rejects={"max_count": 0, "max_ratio": 1})
    bad = lines_of(feed, good=0, bad=25_000)  # more than are held in memory at once
    feed.write("a.csv", [line for pair in zip(feed.trades(1, 25_000), bad, strict=True) for line in pair])

    result = feed.load("a.csv", block_bytes=50_000, segment_bytes=200_000)

    assert (result.rows_loaded, result.rows_rejected) == (25_000, 25_000)
    assert feed.query("SELECT count(*), count(DISTINCT row_number), sum(mod(row_number, 2)) FROM ingest.reject") == [
        (25_000, 25_000, 0)
    ]
    assert feed.rows() == feed.expected("a.csv")[::2]
