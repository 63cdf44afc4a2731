"""What is done with local files after loading: only after COMMIT, once, and never to another file than was loaded."""

import contextlib
import errno
import os
import re
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import pytest

from trade_ingest.errors import UsageError
from trade_ingest.explain import explain
from trade_ingest.replay import replay
from trade_ingest.rollback import rollback
from trade_ingest.source import local_transfer, transfer


@pytest.fixture
def archive(tmp_path):
    return tmp_path / "archive"


@pytest.fixture
def run(feed, archive):
    def start(**options):
        return feed.run(**{"after_load": f"move:{archive}"} | options)

    return start


def tree(folder):
    """The files below a folder, by relative path without the time of runs, with their content."""
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    return {without_time(str(path.relative_to(folder))): path.read_text() for path in files}


def without_time(path):
    """A path of the archive without the time that the run began at, which tells apart runs of several databases."""
    return re.sub(r"(/run-\d+)-\d{12}/", r"\1/", path)


def actions(feed):
    return feed.query(
        "SELECT regexp_replace(f.uri, '.*/', ''), a.action, a.state, a.attempts, a.error ->> 'code'"
        " FROM ingest.after_load AS a JOIN ingest.file AS f USING (file_id) ORDER BY f.uri, a.file_id"
    )


def events(feed):
    return feed.query(
        "SELECT kind, run_id, regexp_replace(detail ->> 'uri', '.*/', '') FROM ingest.event"
        " WHERE kind IN ('file_archived', 'archive_failed') ORDER BY event_id"
    )


def folder_of(run_id):
    return f"{datetime.now(UTC):%Y-%m-%d}/run-{run_id}"


def test_loaded_files_are_moved_into_a_folder_of_the_day_and_the_run(feed, run, archive):
    (feed.folder / "deep/er").mkdir(parents=True)
    content = {name: feed.write(name, feed.trades(n, n + 1)).read_text() for n, name in
               [(1, "a.csv"), (5, "deep/b.csv"), (9, "deep/er/b.csv")]}  # fmt: skip

    result = run()

    assert (result.state, result.files_loaded, result.files_archived, result.archive_failed) == ("succeeded", 3, 3, [])
    assert tree(feed.folder) == {}
    assert tree(archive) == {f"{folder_of(result.run_id)}/{name}": text for name, text in content.items()}
    placed = feed.query("SELECT destination, done_at IS NOT NULL FROM ingest.after_load ORDER BY destination")
    assert [(without_time(place), is_done) for place, is_done in placed] == [
        (f"{archive}/{folder_of(result.run_id)}/{name}", True) for name in sorted(content)
    ]
    assert sorted(events(feed)) == [("file_archived", result.run_id, name) for name in ("a.csv", "b.csv", "b.csv")]
    assert feed.rows() == sorted((Path(name).name, n, line) for name, n, line in feed.expected(*content))


def test_files_of_several_sources_keep_what_tells_them_apart(feed, archive):
    for name in ("eu", "us"):
        (feed.folder / name).mkdir(parents=True)
    feed.write("eu/a.csv", feed.trades(1, 2))
    feed.write("us/a.csv", feed.trades(3, 4))

    result = feed.run(feed.folder / "eu", feed.folder / "us" / "*.csv", after_load=f"move:{archive}")

    assert result.files_archived == 2
    assert sorted(tree(archive)) == [f"{folder_of(result.run_id)}/{name}/a.csv" for name in ("eu", "us")]


def test_without_the_option_files_stay(feed, run):
    feed.write("a.csv", feed.trades(1, 2))

    assert run(after_load="keep").files_archived == 0
    assert (sorted(tree(feed.folder)), actions(feed)) == (["a.csv"], [])


def test_failed_and_rejected_files_stay(feed, run, archive):
    feed.write("good.csv", feed.trades(1, 2))
    feed.write("header.csv", feed.trades(3, 4), header="nothing,like,it")
    feed.write("rejected.csv", [feed.trade(number, price="-1") for number in range(100, 150)])

    result = run()

    assert (result.files_loaded, result.files_failed, result.files_archived) == (1, 2, 1)
    assert sorted(tree(feed.folder)) == ["header.csv", "rejected.csv"]
    assert actions(feed) == [("good.csv", "move", "done", 1, None)]


def test_file_with_content_that_is_loaded_already_is_moved_too_and_never_deleted(feed, run, archive):
    feed.write("a.csv", feed.trades(1, 20))
    run(after_load="keep")
    feed.write("b.csv", feed.trades(1, 20))
    feed.write("c.csv", feed.trades(1, 20))

    moved = run(after_load=f"move:{archive}")
    assert (moved.files_skipped, moved.files_archived) == (3, 2)
    assert sorted(tree(feed.folder)) == ["a.csv"]
    feed.write("d.csv", feed.trades(1, 20))
    assert run(after_load="delete").files_archived == 0
    assert sorted(tree(feed.folder)) == ["a.csv", "d.csv"]


def test_deleted_after_loading(feed, run):
    feed.write("a.csv", feed.trades(1, 2))

    assert run(after_load="delete").files_archived == 1
    assert tree(feed.folder) == {}
    assert actions(feed) == [("a.csv", "delete", "done", 1, None)]
    assert feed.rows() == feed.expected("a.csv")


def test_tagged_after_loading_and_not_taken_for_changed(feed, run):
    path = feed.write("a.csv", feed.trades(1, 2))

    result = run(after_load="tag")

    assert result.files_archived == 1
    assert os.getxattr(path, "user.trade_ingest") == f"loaded run={result.run_id}".encode()
    assert feed.plan() == {"a.csv": "already_loaded"}


def test_changed_file_stays_and_is_not_tried_again(feed, run, archive, monkeypatch):
    feed.write("a.csv", feed.trades(1, 2))
    move = transfer.move_file

    def change_first(file, *rest):
        feed.write("a.csv", feed.trades(1, 3))
        move(file, *rest)

    with monkeypatch.context() as patch:
        patch.setattr(transfer, "move_file", change_first)
        result = run()
    (failed,) = result.archive_failed
    assert (result.state, failed.error.code) == ("succeeded", "archive.source_changed")
    assert "has changed since it was loaded" in failed.error.message
    assert (sorted(tree(feed.folder)), archive.exists()) == (["a.csv"], False)
    assert actions(feed) == [("a.csv", "move", "failed", 1, "archive.source_changed")]

    again = run(on_changed="replace")
    assert (again.files_loaded, again.files_archived) == (1, 1)
    assert sorted(tree(archive)) == [f"{folder_of(again.run_id)}/a.csv"]
    assert feed.rows() == feed.expected("a.csv")
    assert actions(feed) == [
        ("a.csv", "move", "failed", 1, "archive.source_changed"),
        ("a.csv", "move", "done", 1, None),
    ]


@pytest.fixture
def planned(feed, run, monkeypatch):
    """Where a.csv is to be moved to by the next run, as if the run that loaded it had ended before that."""

    def load():
        with monkeypatch.context() as patch:
            patch.setattr("trade_ingest.archive.Archiver.submit", lambda *_: None)
            run()
        ((place,),) = feed.query("SELECT destination FROM ingest.after_load")
        Path(place).parent.mkdir(parents=True)
        return Path(place)

    return load


def test_nothing_is_overwritten_and_the_next_run_tries_again(feed, run, archive, planned):
    feed.write("a.csv", feed.trades(1, 2))
    other = planned()
    other.write_text("something else")

    result = run(after_load="keep")
    (failed,) = result.archive_failed
    assert (failed.run_id, failed.error.code) == (1, "archive.destination_exists")
    assert (sorted(tree(feed.folder)), other.read_text()) == (["a.csv"], "something else")

    other.rename(other.with_name("kept.csv"))
    feed.write("b.csv", feed.trades(5, 6))
    again = run(after_load="keep")
    assert (again.files_archived, again.archive_failed) == (1, [])
    assert (sorted(tree(feed.folder)), sorted(tree(archive))) == (
        ["b.csv"],
        [f"{folder_of(1)}/a.csv", f"{folder_of(1)}/kept.csv"],
    )
    assert events(feed) == [("archive_failed", 1, "a.csv"), ("file_archived", 1, "a.csv")]


def test_copy_that_an_earlier_run_had_made_counts(feed, run, archive, planned):
    text = feed.write("a.csv", feed.trades(1, 2)).read_text()
    planned().write_text(text)

    assert run(after_load="keep").files_archived == 1
    assert (tree(feed.folder), tree(archive)) == ({}, {f"{folder_of(1)}/a.csv": text})


@pytest.fixture
def no_links(monkeypatch):
    """As between file systems."""

    def refuse(*_, **__):
        raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))

    monkeypatch.setattr(local_transfer.os, "link", refuse)


@pytest.mark.usefixtures("no_links")
def test_file_is_copied_to_another_file_system(feed, run, archive):
    path = feed.write("a.csv", feed.trades(1, 50))
    text, changed_at = path.read_text(), path.stat().st_mtime_ns

    result = run()

    (copy,) = archive.rglob("a.csv")
    assert (tree(feed.folder), tree(archive)) == ({}, {f"{folder_of(result.run_id)}/a.csv": text})
    assert copy.stat().st_mtime_ns == changed_at


def test_link_is_replaced_by_the_file_that_it_names(feed, run, archive, tmp_path):
    path = feed.write("a.csv", feed.trades(1, 2))
    real = path.rename(tmp_path / "real.csv")
    path.symlink_to("../real.csv")

    result = run()

    assert tree(archive) == {f"{folder_of(result.run_id)}/a.csv": real.read_text()}
    assert (sorted(feed.folder.iterdir()), real.exists()) == ([], True)


def test_killed_after_the_move_and_before_it_is_recorded(feed, drive, gate, run, archive, wait_until):
    feed.write("a.csv", feed.trades(1, 2))
    feed.prepare()
    gate.at("BEFORE UPDATE", "ingest.after_load", "NEW.state = 'done'")
    killed = drive(after_load=f"move:{archive}")
    (session,) = gate.wait_for()
    assert tree(feed.folder) == {}
    killed.kill()
    feed.query("SELECT pg_terminate_backend(%s)", session)
    wait_until(lambda: not gate.waiting(), "the session of the killed process ends")
    gate.open()
    assert actions(feed) == [("a.csv", "move", "pending", 0, None)]
    feed.write("b.csv", feed.trades(5, 6))

    again = run()

    assert (again.files_loaded, again.files_archived) == (1, 2)
    assert actions(feed) == [("a.csv", "move", "done", 1, None), ("b.csv", "move", "done", 1, None)]
    assert sorted(tree(archive)) == [f"{folder_of(1)}/a.csv", f"{folder_of(again.run_id)}/b.csv"]
    assert feed.rows() == feed.expected("a.csv", "b.csv")


def test_action_that_was_not_begun_is_done_by_the_next_run_first(feed, run, archive, monkeypatch):
    feed.write("a.csv", feed.trades(1, 2))
    with monkeypatch.context() as patch:
        patch.setattr("trade_ingest.archive.Archiver.submit", lambda *_: None)  # as if the run had ended there
        assert run().files_archived == 0
    assert (sorted(tree(feed.folder)), actions(feed)) == (["a.csv"], [("a.csv", "move", "pending", 0, None)])

    again = run(after_load="keep")

    assert (again.files_planned, again.files_archived) == (0, 1)
    assert sorted(tree(archive)) == [f"{folder_of(1)}/a.csv"]


def test_action_of_a_live_run_is_left_to_it(feed, run, gate, drive, archive):
    feed.write("a.csv", feed.trades(1, 2))
    feed.prepare()
    gate.at("BEFORE UPDATE", "ingest.after_load", "NEW.state = 'done'")
    first = drive(after_load=f"move:{archive}")
    gate.wait_for()
    feed.write("b.csv", feed.trades(5, 6))

    second = run(after_load="keep")
    gate.open()

    assert (second.files_archived, second.archive_failed) == (0, [])
    assert first.result()["files_archived"] == 1
    assert actions(feed) == [("a.csv", "move", "done", 1, None)]


def test_two_runs_at_once_move_each_file_once(feed, drive, archive):
    content = {f"{n}.csv": feed.write(f"{n}.csv", feed.trades(n * 10, n * 10 + 3)).read_text() for n in range(12)}
    feed.prepare()

    results = [driver.result() for driver in [drive(after_load=f"move:{archive}") for _ in range(2)]]

    assert [result["archive_failed"] for result in results] == [[], []]
    assert sum(result["files_archived"] for result in results) == 12
    assert sorted(Path(name).name for name in tree(archive)) == sorted(content)
    assert tree(feed.folder) == {}
    assert feed.rows() == feed.expected(*content)


def test_file_that_was_rolled_back_before_its_turn_is_not_deleted(feed, run, monkeypatch):
    feed.write("a.csv", feed.trades(1, 2))
    with monkeypatch.context() as patch:
        patch.setattr("trade_ingest.archive.Archiver.submit", lambda *_: None)
        run(after_load="delete")
    feed.query("UPDATE ingest.file SET state = 'rolled_back'")

    assert run(after_load="keep").files_archived == 0
    assert sorted(tree(feed.folder)) == ["a.csv"]


@pytest.mark.parametrize(
    ("source", "place", "is_refused"),
    [
        ("", "", True),
        ("", "done", True),
        ("", "../files/done", True),
        ("**/*.csv", "done", True),
        ("*.csv", "done", False),
        ("a.csv", "done", False),
        ("", "../files-done", False),
        ("", "..", False),
    ],
)
def test_folder_inside_the_source_is_refused_before_the_run(source, place, is_refused, feed):
    feed.write("a.csv", feed.trades(1, 2))
    with pytest.raises(UsageError, match="is inside the source") if is_refused else contextlib.nullcontext():
        feed.run(f"{feed.folder}/{source}".rstrip("/"), after_load=f"move:{feed.folder}/{place}".rstrip("/"))

    assert feed.query("SELECT to_regclass('ingest.run') IS NULL") == [(is_refused,)]


@pytest.mark.parametrize("wanted", ["", "move", "move:", "shred", "tag:x", "delete:/x", "move:https://host/x"])
def test_action_that_is_none_is_refused(wanted, feed):
    feed.write("a.csv", feed.trades(1, 2))

    with pytest.raises(UsageError, match="after-load"):
        feed.run(after_load=wanted)


@pytest.mark.parametrize("wanted", ["move:/archive", "tag", "delete"])
def test_urls_can_only_be_read(wanted, feed):
    with pytest.raises(UsageError, match="can be read only"):
        feed.run("https://127.0.0.1:1/a.csv", after_load=wanted)


@pytest.fixture
def headerless(feed, make_contract):
    """A feed whose files only tell themselves how many fields they have."""
    columns = [
        column.model_dump(mode="json", exclude_unset=True) | {"position": position}
        for position, column in enumerate(feed.contract.columns, 1)
    ]
    feed.contract = make_contract(columns=columns, format={"header": False}, drift={"unknown_columns": "ignore"})
    feed.write("a.csv", [feed.trade(1), feed.trade(2, price="-1"), feed.trade(3)], header=None)
    return feed


@pytest.mark.usefixtures("no_links")
def test_rejects_of_a_moved_file_are_replayed_by_its_copy(headerless, run):
    assert run().files_archived == 1
    columns = [
        column.model_copy(update={"greater_than": None}) if column.name == "price" else column
        for column in headerless.contract.columns
    ]
    looser = headerless.contract.model_copy(update={"version": 2, "columns": tuple(columns)})

    result = replay(headerless.database, contract=looser)

    assert (result.rows_loaded, result.failed) == (1, ())
    assert [row[1] for row in headerless.rows()] == [1, 2, 3]


def test_rejects_of_a_deleted_file_say_so_where_the_file_is_needed(headerless, run):
    run(after_load="delete")

    (failed,) = replay(headerless.database).failed

    assert failed.error.code == "file.unreadable"
    assert "a.csv: deleted at " in failed.error.message


def test_moved_file_that_is_rolled_back_is_loaded_again_from_where_it_is(feed, run, archive):
    path = feed.write("a.csv", feed.trades(1, 2))
    moved = run()
    (place,) = archive.rglob("a.csv")
    (version,) = explain(feed.database, str(path)).versions
    assert version.after_load.sentence.startswith(f"moved to {place} at ")
    rollback(feed.database, run_id=moved.run_id)

    (version,) = explain(feed.database, str(path)).versions

    assert version.hint == f"load it again with: trade-ingest run --reload {place} --contract trades"
    assert feed.run(place, reload=True).rows_loaded == 2
    assert feed.rows() == feed.expected("a.csv")


def test_archive_stays_when_its_members_are_loaded(feed, run, archive):
    lines = "".join(f"{line}\n" for line in [feed.HEADER, *feed.trades(1, 2)])
    feed.folder.mkdir()
    with zipfile.ZipFile(feed.folder / "a.zip", "w") as packed:
        packed.writestr("a.csv", lines)

    result = run()

    assert (result.rows_loaded, result.files_archived, result.archive_failed) == (2, 0, [])
    assert ([path.name for path in feed.folder.iterdir()], archive.exists()) == (["a.zip"], False)
