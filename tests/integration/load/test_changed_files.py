import pytest

from trade_ingest.load.transaction import Loader


@pytest.fixture
def loaded(feed):
    """A file whose first version is loaded and that has another content now."""
    feed.write("a.csv", feed.trades(1, 4))
    feed.run()
    first = feed.expected("a.csv")
    feed.write("a.csv", [*feed.trades(2, 3), feed.trade(9)])
    return first


def rows_by_file(feed, table="market.trade"):
    return feed.query(f"SELECT file_id, count(*) FROM {table} GROUP BY file_id ORDER BY file_id")


def test_replace_takes_the_old_rows_out_and_keeps_them(feed, loaded):
    result = feed.run()

    assert (result.state, result.files_loaded, result.rows_loaded, result.rows_duplicate) == ("succeeded", 1, 3, 0)
    assert feed.rows() == feed.expected("a.csv")
    assert feed.rows("market.trade_replaced") == loaded
    assert rows_by_file(feed, "market.trade_replaced") == [(1, 4)]
    assert feed.files("state, replaces_file_id, rows_loaded") == [
        ("a.csv", "replaced", None, 4),
        ("a.csv", "loaded", 1, 3),
    ]
    assert feed.plan() == {"a.csv": "already_loaded"}


def test_replace_happens_in_one_transaction(feed, gate, loaded, drive):
    gate.at("BEFORE UPDATE", "ingest.file", "NEW.state = 'loaded'")
    run = drive()
    gate.wait_for()

    assert feed.rows() == loaded
    assert feed.rows("market.trade_replaced") == []
    gate.open()
    assert run.result()["rows_loaded"] == 3
    assert feed.rows() == feed.expected("a.csv")


def test_replacement_that_fails_leaves_the_old_rows(feed, loaded):
    feed.write("a.csv", [*feed.trades(1, 4), *["broken"] * 20])

    result = feed.run()

    assert [f.reason for f in result.failed] == ["file.reject_limit"]
    assert feed.rows() == loaded
    assert feed.rows("market.trade_replaced") == []
    assert feed.files() == [("a.csv", "loaded"), ("a.csv", "failed")]


def test_skip_leaves_the_old_rows(feed, loaded):
    result = feed.run(on_changed="skip")

    assert (result.state, result.files_planned, result.files_skipped) == ("succeeded", 0, 1)
    assert feed.rows() == loaded
    assert feed.plan(on_changed="skip") == {"a.csv": "changed_skipped"}


def test_append_adds_the_rows_that_are_new(feed, loaded):
    result = feed.run(on_changed="append")

    assert (result.rows_read, result.rows_loaded, result.rows_duplicate) == (3, 1, 2)
    assert feed.rows() == sorted(loaded + feed.expected("a.csv")[2:])
    assert feed.rows("market.trade_replaced") == []
    assert feed.files() == [("a.csv", "loaded"), ("a.csv", "loaded")]
    assert feed.run(on_changed="append").files_planned == 0


def test_fail_fails_the_file_each_time_and_leaves_the_old_rows(feed, loaded):
    results = [feed.run(on_changed="fail") for _ in range(2)]

    assert [[(f.reason, f.error.is_retryable) for f in result.failed] for result in results] == [
        [("file.changed", False)],
        [("file.changed", False)],
    ]
    assert feed.rows() == loaded
    assert feed.files("state, reason") == [("a.csv", "loaded", None), ("a.csv", "failed", "file.changed")]


@pytest.mark.parametrize("policy", ["replace", "skip", "append", "fail"])
def test_policy_of_the_contract_holds_without_an_option(feed, loaded, make_contract, policy):
    feed.contract = make_contract(on_changed=policy)

    feed.run()

    found = [row[0] for row in feed.query("SELECT trade_id FROM market.trade ORDER BY trade_id")]
    assert (
        found == {"replace": [2, 3, 9], "skip": [1, 2, 3, 4], "append": [1, 2, 3, 4, 9], "fail": [1, 2, 3, 4]}[policy]
    )


@pytest.mark.parametrize("policy", ["replace", "append"])
def test_touched_file_with_the_same_content_is_skipped(feed, policy):
    feed.write("a.csv", feed.trades(1, 4))
    feed.run()
    before = feed.query("SELECT ctid, xmin::text, * FROM market.trade ORDER BY row_number")
    feed.touch("a.csv")

    result = feed.run(on_changed=policy)

    assert (result.state, result.files_planned, result.files_loaded, result.files_skipped) == ("succeeded", 1, 0, 1)
    assert feed.query("SELECT ctid, xmin::text, * FROM market.trade ORDER BY row_number") == before
    assert feed.files("state, reason, same_as_file_id") == [
        ("a.csv", "loaded", None, None),
        ("a.csv", "skipped", "same_content", 1),
    ]
    assert feed.run(on_changed=policy).files_planned == 0


@pytest.mark.parametrize("same_version", [True, False])
def test_file_changed_back_to_its_first_content_replaces_the_second(feed, loaded, same_version):
    feed.run()
    feed.write("a.csv", feed.trades(1, 4))
    if same_version:
        feed.touch("a.csv", 1)

    result = feed.run()

    assert (result.state, result.files_loaded, result.rows_loaded) == ("succeeded", 1, 4)
    assert feed.rows() == loaded
    assert rows_by_file(feed) == [(3, 4)]
    assert rows_by_file(feed, "market.trade_replaced") == [(1, 4), (2, 3)]
    assert feed.files("state, replaces_file_id") == [
        ("a.csv", "replaced", None),
        ("a.csv", "replaced", 1),
        ("a.csv", "loaded", 2),
    ]
    assert feed.run().files_planned == 0


def test_replaced_rows_come_only_from_the_file_that_changed(feed):
    feed.write("a.csv", feed.trades(1, 4))
    feed.write("b.csv", feed.trades(3, 8))
    feed.run()
    before = feed.rows()
    feed.write("a.csv", feed.trades(20, 21))

    feed.run()

    assert feed.rows() == sorted(feed.expected("a.csv") + [row for row in before if row[0] == "b.csv"])


def test_old_rows_of_a_file_go_though_its_new_content_is_that_of_another_file(feed):
    feed.write("a.csv", feed.trades(1, 4))
    feed.write("b.csv", feed.trades(5, 8))
    feed.run()
    old = feed.expected("a.csv")
    feed.write("a.csv", feed.trades(5, 8))

    result = feed.run()

    assert (result.state, result.rows_loaded) == ("succeeded", 0)
    assert feed.rows() == feed.expected("b.csv")  # no file has the rows 1 to 4 any more
    assert feed.rows("market.trade_replaced") == old


def test_content_that_changes_between_plan_and_load_is_noticed_and_the_next_run_loads_it(feed):
    feed.write("a.csv", feed.trades(1, 4))
    with feed.task("a.csv") as task, Loader(feed.database) as loader:
        feed.write("a.csv", feed.trades(5, 9))
        result = loader.load(task)

    assert (result.state, result.reason, result.error.is_retryable) == ("failed", "file.changed_while_read", True)
    assert (feed.rows(), feed.files("state, reason")) == ([], [("a.csv", "failed", "file.changed_while_read")])
    assert feed.attempts() == [("a.csv", 1, "failed")]  # what was planned does not come back
    again = feed.run()
    assert (again.state, again.rows_loaded) == ("succeeded", 5)
    assert feed.rows() == feed.expected("a.csv")


def test_content_that_changes_while_it_is_copied_is_noticed(feed, gate, drive):
    feed.prepare()
    feed.write("a.csv", feed.trades(1, 4))
    gate.at("BEFORE INSERT", "market.trade", "NEW.row_number = 2")
    run = drive()
    gate.wait_for()
    feed.write("a.csv", feed.trades(1, 5))
    gate.open()

    result = run.result()

    assert (result["state"], [f["error"]["code"] for f in result["failed"]]) == ("failed", ["file.changed_while_read"])
    assert feed.rows() == []


def test_file_that_is_gone_when_its_turn_comes_fails_alone(feed):
    feed.write("a.csv", feed.trades(1, 4))
    with feed.task("a.csv") as task, Loader(feed.database) as loader:
        (feed.folder / "a.csv").unlink()
        result = loader.load(task)

    assert (result.state, result.reason) == ("failed", "file.unreadable")
    assert feed.files("state, reason") == [("a.csv", "failed", "file.unreadable")]


def test_failed_version_that_a_new_one_takes_the_place_of_is_no_failure_any_more(feed):
    feed.write("a.csv", [*feed.trades(1, 4), *["broken"] * 20])
    feed.run()
    assert len(feed.rejects()) == 20
    feed.write("a.csv", feed.trades(1, 4))

    result = feed.run()

    assert (result.state, result.rows_loaded) == ("succeeded", 4)
    assert feed.rows() == feed.expected("a.csv")
    assert feed.rejects() == []
    assert feed.files("state, reason") == [("a.csv", "skipped", "outdated"), ("a.csv", "loaded", None)]


def test_failure_before_the_first_row_is_recorded_too(feed, with_setting):
    feed.prepare()
    feed.query(
        "CREATE FUNCTION public.refuse() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RAISE 'no attempts today'; END$$"
    )
    feed.query("CREATE TRIGGER refuse BEFORE INSERT ON ingest.attempt FOR EACH ROW EXECUTE FUNCTION public.refuse()")
    with_setting("lock_timeout", "5s")  # to fail instead of waiting for ever
    feed.write("a.csv", feed.trades(1, 4))

    result = feed.run()

    assert [(f.reason, f.error.message) for f in result.failed] == [("database.error", "no attempts today")]
    assert feed.files("state, reason") == [("a.csv", "failed", "database.error")]
    feed.query("DROP TRIGGER refuse ON ingest.attempt")
    assert feed.run().rows_loaded == 4


def test_row_that_a_replaced_file_had_stays_if_another_file_has_it_too(feed):
    feed.write("a.csv", feed.trades(1, 3))
    feed.write("b.csv", feed.trades(3, 4))
    feed.run()
    feed.write("a.csv", feed.trades(1, 2, price="9.00"))

    result = feed.run()

    assert (result.state, result.files_loaded) == ("succeeded", 2)
    assert feed.rows() == feed.expected("a.csv", "b.csv")
    assert feed.run().files_loaded == 0


def test_row_of_a_replaced_file_stays_though_the_other_file_is_listed_by_a_later_run_only(feed):
    feed.write("a.csv", feed.trades(1, 3))
    feed.write("b.csv", feed.trades(3, 4))
    feed.run()
    feed.write("a.csv", feed.trades(1, 2, price="9.00"))
    feed.run(feed.folder / "a.csv")

    assert feed.run().files_loaded == 1
    assert feed.rows() == feed.expected("a.csv", "b.csv")


def test_file_that_fails_when_it_is_loaded_again_is_tried_once_in_a_run(feed):
    feed.write("a.csv", feed.trades(1, 3))
    feed.write("b.csv", feed.trades(3, 4))
    feed.run()
    feed.write("a.csv", feed.trades(1, 2, price="9.00"))
    feed.write("b.csv", ["broken"], header="no,such,header")

    result = feed.run()

    assert (result.state, result.files_loaded, result.files_failed) == ("failed", 1, 1)
    assert feed.rows()[-1][2] == feed.trade(4)  # what b.csv had brought is still there
