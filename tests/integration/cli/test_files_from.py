"""``--files-from``: files that are named one by one."""

import io
import json
import sys


def test_files_named_on_lines_are_loaded_and_no_others(program, tmp_path):
    for number, name in enumerate(["a*.csv", "ab.csv", "c.csv", "d.csv"]):
        program.write(f"in/{name}", [number])
    (tmp_path / "names").write_bytes(b"in/a*.csv\r\n\nin/c.csv")

    done = program("run", "--files-from", "names", "-o", "json")

    assert (done.code, json.loads(done.out)["files_loaded"]) == (0, 2)
    assert program.query("SELECT tick_id FROM tick ORDER BY 1") == [(0,), (2,)]


def test_plan_names_the_files_of_run(program, monkeypatch):
    program.write("in/a.csv", [1])
    program.write("in/b.csv", [2])
    planned = json.loads(program("plan", "in", "-o", "json").out)["items"]
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(planned[1]["uri"].encode())))

    done = program("run", "--files-from", "-")

    assert done.code == 0
    assert program.query("SELECT tick_id FROM tick") == [(2,)]


def test_no_name_is_nothing_to_do_and_never_the_configured_source(program, tmp_path, monkeypatch):
    monkeypatch.setenv("TRADE_INGEST_SOURCE", "in")
    program.write("in/a.csv", [1])
    (tmp_path / "names").touch()

    done = program("run", "--files-from", "names", "--fail-if-empty")

    assert done.code == 5
    assert done.err == "see why nothing was loaded: trade-ingest plan --files-from names\n"


def test_file_that_is_gone_is_an_error_unless_it_is_loaded(program, tmp_path):
    path = program.write("in/a.csv", [1])
    (tmp_path / "names").write_text(str(path))
    program("run", "--files-from", "names", "--after-load", "delete")

    again = program("run", "--files-from", "names")
    (tmp_path / "names").write_text(f"{path}\n{path}x\n{path}y")
    missing = program("run", "--files-from", "names")

    assert (path.exists(), again.code) == (False, 0)
    assert missing.code == 2
    assert missing.err.startswith(f"error[source.not_found]: {path}x: there is no such file; nor 1 others\n")


def test_file_that_is_gone_is_an_error_where_there_is_no_ledger(program, tmp_path):
    (tmp_path / "names").write_text("in/a.csv")

    assert program("plan", "--files-from", "names").code == 2


def test_list_that_is_no_text_is_refused(program, tmp_path):
    (tmp_path / "names").write_bytes(b"\xff")

    done = program("plan", "--files-from", "names")

    assert (done.code, done.err.splitlines()[0]) == (2, "error[usage]: --files-from names: is no UTF-8")
