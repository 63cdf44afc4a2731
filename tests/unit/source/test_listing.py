import glob
import os
import random
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trade_ingest.errors import FileUnreadableError, SourceNotFoundError, UsageError
from trade_ingest.source.dates import parse_dates
from trade_ingest.source.listing import OpenListing, list_files, take_listing
from trade_ingest.source.local import stat_path
from trade_ingest.source.location import LiteralSource, parse_location
from trade_ingest.source.pattern import Selection


@pytest.fixture
def folder(tmp_path):
    for name in ["b.csv", "a.CSV.gz", "deep/er/c.tsv", ".hidden.csv", "_work/d.csv", "deep/_SUCCESS", "notes.md"]:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")
    return tmp_path


def names(folder, *sources):
    return [os.path.relpath(file.uri, folder) for file in list_files(sources)]


def test_folder_is_searched_for_data_files_and_hidden_ones_are_left_out(folder):
    assert names(folder, str(folder)) == ["a.CSV.gz", "b.csv", "deep/er/c.tsv"]


def test_glob_takes_any_name_and_two_stars_cross_folders(folder):
    assert names(folder, f"{folder}/*.md") == ["notes.md"]
    assert names(folder, f"{folder}/**/*.tsv") == ["deep/er/c.tsv"]


PARTS = ["a", "b.csv", ".a", "_a", "ab", "[a]"]


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    """Folders with these names within each other, and files in them, some hidden."""
    top = tmp_path_factory.mktemp("tree")
    for first in PARTS:
        for second in PARTS:
            (top / first / second).mkdir(parents=True)
            for name in ["a.csv", ".a.csv", "b"]:
                (top / first / second / name).touch()
        (top / first / "c.csv").touch()
    return top


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(["**", "*", ".*", "a", "?", "*b*", "[!a]*", "[[]a]", "a**", "*.csv"]), max_size=5))
def test_glob_finds_what_pythons_own_finds(tree, names_below):
    path = "/".join([str(tree), "**", *names_below])
    expected = {p for p in glob.glob(path, recursive=True) if Path(p).is_file()}  # noqa: PTH207
    try:
        found = [file.uri for file in list_files([path])]
    except SourceNotFoundError:
        found = []
    assert found == sorted(expected)


@pytest.fixture
def linked(folder, tmp_path_factory):
    """The folder with links: to folders elsewhere, to a folder of its own under an earlier name, and in circles."""
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (elsewhere / "2024" / "q1").mkdir(parents=True)
    (elsewhere / "2024" / "e.csv").touch()
    (elsewhere / "2024" / "q1" / "f.csv").touch()
    links = {
        "deep/archive": elsewhere,
        "deep/last_year": elsewhere / "2024",
        "a_link_to_deep": folder / "deep",
        "deep/up": folder,
        "deep/er/up": folder / "deep",
        "deep/er/itself": folder / "deep/er/itself",
        ".hidden_link": elsewhere,
    }
    for name, target in links.items():
        (folder / name).symlink_to(target)
    return folder


LINKED_FILES = ["b.csv", "deep/archive/2024/e.csv", "deep/archive/2024/q1/f.csv", "deep/er/c.tsv"]


def test_links_to_folders_are_followed_and_each_folder_is_entered_once(linked):
    assert names(linked, str(linked)) == ["a.CSV.gz", *LINKED_FILES]
    assert names(linked, f"{linked}/**/[!d]*.?sv") == ["_work/d.csv", *LINKED_FILES][1:]


def test_files_behind_links_have_the_same_paths_in_whatever_order_the_system_lists_them(linked, monkeypatch):
    class Shuffled:
        def __init__(self, path):
            with real(path) as entries:
                self._entries = sorted(entries, key=lambda _: random.random())

        def __enter__(self):
            return self

        def __exit__(self, *error):
            pass

        def __next__(self):
            if not self._entries:
                raise StopIteration
            return self._entries.pop()

    real = os.scandir
    monkeypatch.setattr(os, "scandir", Shuffled)
    for _ in range(20):
        assert names(linked, str(linked)) == ["a.CSV.gz", *LINKED_FILES]


def test_folder_that_is_a_link_itself_keeps_its_name(linked):
    assert names(linked, str(linked / "deep/last_year")) == ["deep/last_year/e.csv", "deep/last_year/q1/f.csv"]
    assert names(linked, f"{linked}/deep/last*/**/e.csv") == ["deep/last_year/e.csv"]


def test_folder_tells_which_files_it_ignores_because_of_their_names(folder):
    for name in ["b.xlsx", "deep/er/c.parquet", "trades"]:
        (folder / name).touch()

    def ignored(*sources):
        return [os.path.relpath(path, folder) for path in take_listing(sources).ignored]

    assert ignored(str(folder)) == ["b.xlsx", "deep/er/c.parquet", "notes.md", "trades"]
    assert ignored(str(folder), str(folder / "deep"), f"{folder}/*.md") == ["b.xlsx", "deep/er/c.parquet", "trades"]
    assert ignored(f"{folder}/*.csv", str(folder / "notes.md")) == []


def test_sources_that_overlap_give_each_file_once(folder):
    assert names(folder, str(folder / "b.csv"), f"file://{folder}/b.csv", f"{folder}/*.csv") == ["b.csv"]


def test_file_with_glob_characters_in_its_name_is_taken_as_named(folder):
    path = folder / "trades[1].csv"
    path.write_text("x")
    assert names(folder, str(path)) == ["trades[1].csv"]


def test_what_is_no_file_is_left_out_of_a_folder_with_a_warning(folder, caplog):
    os.mkfifo(folder / "pipe.csv")
    (folder / "link.csv").symlink_to(folder / "gone.csv")
    assert names(folder, str(folder)) == ["a.CSV.gz", "b.csv", "deep/er/c.tsv"]
    assert sorted(record.getMessage() for record in caplog.records) == [
        f"{folder}/{name}.csv: left out, as it is no file (any more)" for name in ("link", "pipe")
    ]


def test_folder_that_cannot_be_searched_is_an_error_and_its_files_are_not_missed_silently(folder, monkeypatch):
    def scandir(path):
        if str(path).endswith("deep"):
            raise PermissionError(13, "Permission denied", str(path))
        return real(path)

    real = os.scandir
    monkeypatch.setattr(os, "scandir", scandir)
    with pytest.raises(FileUnreadableError, match="deep: Permission denied"):
        list_files([str(folder)])


@pytest.mark.parametrize("source", ["nothing*.csv", "missing.csv"])
def test_source_without_files_is_an_error(folder, source):
    with pytest.raises(SourceNotFoundError, match="no such file or folder"):
        list_files([str(folder / source)])


def test_folder_without_data_files_says_what_it_looked_for(tmp_path):
    with pytest.raises(SourceNotFoundError, match=r"no \.csv, \.txt, \.tsv or \.psv file"):
        list_files([str(tmp_path)])


def test_unsupported_scheme_is_refused():
    with pytest.raises(UsageError, match="scheme 'ftp' is not supported"):
        parse_location("ftp://host/trades.csv")


def test_version_changes_with_size_and_time(folder):
    path = folder / "b.csv"
    first = stat_path(str(path))
    path.write_text("xy")
    os.utime(path, ns=(1, 4 * 10**9))
    second = stat_path(str(path))
    os.utime(path, ns=(1, 5 * 10**9))
    third = stat_path(str(path))
    assert len({first.version, second.version, third.version}) == 3
    assert (third.size_bytes, third.version) == (2, "2-5000000000")


def test_file_whose_name_is_no_text_is_refused_with_its_name(tmp_path):
    (tmp_path / os.fsdecode(b"a\xff.csv")).touch()
    with pytest.raises(FileUnreadableError, match=r"/a\\xff\.csv: the name is no UTF-8") as caught:
        list_files([str(tmp_path)])
    assert caught.value.hint == "rename the file"


def test_file_that_is_gone_is_unreadable(tmp_path):
    with pytest.raises(FileUnreadableError, match="No such file"):
        stat_path(str(tmp_path / "gone.csv"))


def test_literal_source_is_one_file_whatever_its_name(tmp_path):
    for name in ["a*.csv", "ab.csv", "[x].csv", "x.csv", "{date:%Y}.csv", "2024.csv"]:
        (tmp_path / name).write_text("x")
    sources = [LiteralSource(tmp_path / name) for name in ["a*.csv", "[x].csv", "{date:%Y}.csv"]]

    assert names(tmp_path, *sources) == ["[x].csv", "a*.csv", "{date:%Y}.csv"]


def test_literal_source_that_is_gone_is_noted_and_no_other_file_is_taken_for_it(tmp_path):
    (tmp_path / "ab.csv").write_text("x")
    listing = OpenListing([LiteralSource(tmp_path / "a*.csv"), LiteralSource(tmp_path)])

    assert list(listing) == []
    assert listing.gone == [f"{tmp_path}/a*.csv", str(tmp_path)]
    with pytest.raises(SourceNotFoundError, match=r"a\*\.csv: there is no such file; nor 1 others"):
        list_files(listing.gone and [LiteralSource(path) for path in listing.gone])


def test_literal_member_of_an_archive_is_that_member(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for name in ["t*.csv", "ticks.csv"]:
            archive.writestr(name, "x")

    assert names(tmp_path, LiteralSource(f"{tmp_path}/a.zip!/t*.csv")) == ["a.zip!/t*.csv"]


def test_literal_source_has_no_dates(tmp_path):
    (tmp_path / "a.csv").write_text("x")
    selection = Selection(dates=parse_dates("2024-01-01", None))

    with pytest.raises(UsageError, match="this is one"):
        take_listing([LiteralSource(tmp_path / "a.csv")], selection=selection)
