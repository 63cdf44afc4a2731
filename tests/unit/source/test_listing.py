import os

import pytest

from trade_ingest.errors import FileUnreadableError, SourceNotFoundError, UsageError
from trade_ingest.source.listing import list_files, local_path, stat_file


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
        local_path("ftp://host/trades.csv")


def test_version_changes_with_size_and_time(folder):
    path = folder / "b.csv"
    first = stat_file(str(path))
    path.write_text("xy")
    os.utime(path, ns=(1, 4 * 10**9))
    second = stat_file(str(path))
    os.utime(path, ns=(1, 5 * 10**9))
    third = stat_file(str(path))
    assert len({first.version, second.version, third.version}) == 3
    assert (third.size_bytes, third.version) == (2, "2-5000000000")


def test_file_whose_name_is_no_text_is_refused_with_its_name(tmp_path):
    (tmp_path / os.fsdecode(b"a\xff.csv")).touch()
    with pytest.raises(FileUnreadableError, match=r"/a\\xff\.csv: the name is no UTF-8") as caught:
        list_files([str(tmp_path)])
    assert caught.value.hint == "rename the file"


def test_file_that_is_gone_is_unreadable(tmp_path):
    with pytest.raises(FileUnreadableError, match="No such file"):
        stat_file(str(tmp_path / "gone.csv"))
