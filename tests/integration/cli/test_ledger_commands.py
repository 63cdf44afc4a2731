import csv
import io
import json

import pytest

from trade_ingest.cli.commands.rejects import marked
from trade_ingest.rollback import rollback


class _Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def ask(program, monkeypatch):
    """Call the program; ``answer`` is what the user types, None that there is no terminal."""

    def call(*arguments, answer=None):
        monkeypatch.setattr("sys.stdin", io.StringIO() if answer is None else _Terminal(answer))
        return program(*arguments)

    return call


def items(done):
    """The rows of a JSON table."""
    assert done.code == 0, done.err
    return json.loads(done.out)["items"]


@pytest.fixture
def loaded(desk):
    """Two runs: a file with two rejects, and one that fails."""
    desk.load("a.csv", [desk.line("A1"), desk.line("A2", price="-1", quantity="x"), "A3"])
    desk.write("bad.csv", [], header="no,such")
    desk.ingest("bad.csv")
    return desk


def test_runs_are_listed_and_shown(loaded, ask):
    assert [(run["run_id"], run["state"]) for run in items(ask("runs", "-o", "json"))] == [
        (2, "failed"),
        (1, "succeeded"),
    ]
    assert [run["run_id"] for run in items(ask("runs", "--limit", 1, "-o", "json"))] == [2]
    assert [run["run_id"] for run in items(ask("runs", "--state", "succeeded", "-o", "json"))] == [1]
    shown = ask("runs", 1)
    assert shown.out.startswith("run 1: ingest, succeeded\n")
    assert "  rows      3 read = 1 loaded + 0 duplicate + 2 rejected\n" in shown.out
    assert "bottleneck: " in shown.out
    assert "trade-ingest rejects --run 1" in shown.err
    failed = ask("runs", 2)
    assert f"failed    file 2: [file.header] {loaded.folder}/bad.csv: header does not fit contract fill" in failed.out
    detail = json.loads(ask("runs", 1, "-o", "json").out)
    assert (detail["schema"], detail["rejects_open"], detail["files_by_state"]) == (
        "trade-ingest.run_detail/1",
        2,
        {"loaded": 1},
    )


def test_unknown_run_is_a_usage_error(loaded, ask):
    done = ask("runs", 99)
    assert (done.code, done.out) == (2, "")
    assert (
        done.err == "error[ledger.not_found]: the ledger has no run 99\nhint: list the runs with: trade-ingest runs\n"
    )


def test_files_are_listed_and_shown(loaded, ask):
    rows = items(ask("files", "-o", "json"))
    assert [(row["file_id"], row["state"], row["reason"]) for row in rows] == [
        (2, "failed", "file.header"),
        (1, "loaded", None),
    ]
    assert [row["file_id"] for row in items(ask("files", "--uri", "*a.csv", "-o", "json"))] == [1]
    assert [row["file_id"] for row in items(ask("files", "--state", "failed", "-o", "json"))] == [2]
    shown = ask("files", 1)
    assert "  rows       3 read = 1 loaded + 0 duplicate + 2 rejected (balanced)\n" in shown.out
    assert "  sum        price 10.5000\n" in shown.out
    assert "  attempt 1  loaded in run 1" in shown.out
    detail = json.loads(ask("files", 1, "-o", "json").out)
    assert (detail["control_totals"], detail["is_balanced"]) == ({"price": "10.5000", "quantity": "3"}, True)
    assert "header does not fit" in ask("files", 2).out


def test_rejects_are_grouped(loaded, ask):
    done = ask("rejects", "--file", 1, "-o", "json")
    assert [(g["reason"], g["column"], g["rejects"]) for g in items(done)] == [
        ("below_min", "price", 1),
        ("field_count", None, 1),
        ("invalid_integer", "quantity", 1),
    ]
    assert json.loads(done.out)["rejects"] == 2
    text = ask("rejects", "--reason", "field_count").out
    assert text.splitlines()[1].split() == ["field_count", "1", "1", "1", "fields,", "expected", "5"]


def test_rows_show_the_bad_cells_by_carets(loaded, ask):
    done = ask("rejects", "--rows", "--file", 1)
    assert done.out.splitlines() == [
        f"reject 1  {loaded.folder}/a.csv:2 (file 1, byte 78)",
        "  price: below_min '-1'",
        "  quantity: invalid_integer 'x'",
        "  | A2,AAPL,-1,x,2024-03-04 09:00:00",
        "  |         ^^ ^",
        f"reject 2  {loaded.folder}/a.csv:3 (file 1, byte 111)",
        "  field_count '1 fields, expected 5'",
        "  | A3",
        "2 of 2 rejects",
    ]
    (first, _) = items(ask("rejects", "--rows", "-o", "json"))
    assert (first["raw_text"], first["marks"]) == ("A2,AAPL,-1,x,2024-03-04 09:00:00", [[8, 10], [11, 12]])


def test_groups_are_limited_and_their_number_is_said(loaded, ask):
    done = ask("rejects", "--file", 1, "--limit", 1)
    assert (done.code, done.out.splitlines()[1].split()[0]) == (0, "below_min")
    assert done.out.splitlines()[2:] == ["1 of 3 groups", "2 rejects; a row with several reasons is in several groups"]
    assert done.err.startswith("--limit shows more\n")
    found = json.loads(ask("rejects", "--file", 1, "--limit", 2, "-o", "json").out)
    assert (found["rejects"], found["groups"], [g["reason"] for g in found["items"]]) == (
        2,
        3,
        ["below_min", "field_count"],
    )
    assert "groups" not in ask("rejects", "--file", 1, "--limit", 3).out.splitlines()[-2]


@pytest.mark.parametrize("what", [("--export", "r.csv"), ("--discard", "--why", "test", "--yes")])
def test_limit_of_what_is_exported_or_discarded_is_refused(loaded, ask, tmp_path, what):
    done = ask("rejects", "--limit", 20, *what)
    assert (done.code, done.out) == (2, "")
    assert done.err == (
        "error[usage]: --limit is for what is shown: --export and --discard take all\n"
        "hint: narrow them with --file, --run, --reason or --column\n"
    )
    assert not (tmp_path / "r.csv").exists()
    assert [row[2] for row in loaded.rejects()] == ["open", "open"]


@pytest.mark.parametrize(
    "more", [(), ("--rows",), ("--export", "r.csv"), ("--discard", "--why", "test", "--yes"), ("-o", "json")]
)
def test_reason_file_or_run_that_is_not_there_is_an_error(loaded, ask, more):
    no_code = "no reject code 'below_mim', and no rule of that name in a contract of the ledger"
    for filters, error in [
        (("--reason", "below_mim"), f"{no_code}\nhint: did you mean `below_min`?\n"),
        (("--file", 99), "the ledger has no file 99\nhint: list the files with: trade-ingest files\n"),
        (("--run", 99), "the ledger has no run 99\nhint: list the runs with: trade-ingest runs\n"),
    ]:
        done = ask("rejects", *filters, *more)
        assert (done.code, done.out, done.err) == (2, "", f"error[ledger.not_found]: {error}")
    assert [row[2] for row in loaded.rejects()] == ["open", "open"]


def test_reason_without_rejects_is_no_error(loaded, ask):
    done = ask("rejects", "--reason", "invalid_uuid")
    assert (done.code, done.out) == (0, "no rejects\n")


@pytest.mark.parametrize(
    ("text", "marks", "width", "expected"),
    [
        ("a,b,c", [(2, 3)], 80, ("a,b,c", "  ^")),
        ("a,,c", [(2, 2)], 80, ("a,,c", "  ^")),
        ("a,b,", [(4, 4)], 80, ("a,b,", "    ^")),
        ("a\nb,c", [(4, 5)], 80, ("a\\nb,c", "     ^")),
        ("日本,x", [(3, 4)], 80, ("日本,x", "     ^")),
        ("a" * 100 + ",bad," + "c" * 100, [(101, 104)], 20, ("…aaaaa,bad,cccccccc…", "       ^^^")),
        ("abc", [], 80, ("abc", "")),
    ],
)
def test_carets_stand_below_their_cells_whatever_the_row_holds(text, marks, width, expected):
    line, carets = marked(text, marks, width=width)
    assert (line, carets) == expected


def test_export_edit_preview_and_replay(loaded, ask, tmp_path):
    done = ask("rejects", "--file", 1, "--export", "r.csv")
    assert (done.code, done.out) == (0, "2 rejects written to r.csv\n")
    with (tmp_path / "r.csv").open(newline="") as file:
        header, first, second = list(csv.reader(file))
    assert header == ["reject_id", "file", "row_number", "byte_offset", "reasons", "raw_hash", "raw"]
    assert first[:4] == ["1", f"{loaded.folder}/a.csv", "2", "78"]
    first[-1] = loaded.line("A2")
    with (tmp_path / "r.csv").open("w", newline="") as file:
        csv.writer(file).writerows([header, first, second])

    preview = ask("replay", "r.csv", "--preview", "-o", "json")
    summary = json.loads(preview.out)
    assert (summary["rows_loaded"], summary["rows_rejected"], summary["is_preview"]) == (1, 1, True)
    assert len(loaded.rows()) == 1

    refused = ask("replay", "r.csv")
    assert (refused.code, "--yes" in refused.err, len(loaded.rows())) == (2, True, 1)

    declined = ask("replay", "r.csv", answer="n\n")
    assert (declined.code, len(loaded.rows())) == (0, 1)
    assert "nothing was changed" in declined.err

    accepted = ask("replay", "r.csv", answer="y\n")
    assert accepted.code == 0
    assert "Load 1 row of 2 rejects (0 duplicate, 1 stay open)?" in accepted.err
    assert "2 rejects tried: 1 loaded, 0 duplicate, 1 still open\n" in accepted.out
    assert [row[0] for row in loaded.rows()] == ["A1", "A2"]

    again = ask("replay", "r.csv", "--yes")
    assert again.code == 0
    assert "refused: 1 reject (1): already replayed by run 3" in again.err


def test_rejects_of_a_failed_file_are_refused_with_exit_code_1(desk, ask):
    strict = desk.contract.model_copy(
        update={"rejects": desk.contract.rejects.model_copy(update={"max_count": 0, "max_ratio": 0.0})}
    )
    desk.write("a.csv", [desk.line("A1", price="-1")])
    desk.ingest(contract=strict)
    done = ask("replay", "--yes")
    assert done.code == 1
    assert "error[replay.refused]: 1 reject: file 1 failed" in done.err
    assert done.out == "0 rejects tried: 0 loaded, 0 duplicate, 0 still open\n"


def test_refusal_of_a_replay_reaches_stderr_though_quiet(loaded, ask, tmp_path):
    (tmp_path / "r.csv").write_text(f'reject_id,raw\n99,"{loaded.line("A2")}"\n')
    for arguments in (("--preview",), ("--yes",), ("--yes", "-o", "json")):
        done = ask("-q", "replay", "r.csv", *arguments)
        assert done.code == 1
        assert done.err.startswith(
            "error[replay.refused]: 1 reject (99): the ledger has no such reject, nor one of the"
        )
        assert len(done.err.splitlines()) == 1


def test_file_that_cannot_be_replayed_is_said_on_stderr_though_quiet(loaded, ask, tmp_path):
    newer = loaded.contract.model_dump(mode="json", by_alias=True, exclude_unset=True)
    newer["columns"][1]["source"] = "Symbol2"
    (tmp_path / "v2.yaml").write_text(json.dumps(newer))
    done = ask("-q", "replay", "--file", 1, "--contract", "./v2.yaml", "--yes")
    assert done.code == 1
    assert done.err.startswith(f"error[file.header]: {loaded.folder}/a.csv: header does not fit contract fill")
    assert "\nhint: " in done.err


def test_settled_rejects_are_no_error_and_said_unless_quiet(loaded, ask):
    ask("rejects", "--export", "r.csv")
    ask("rejects", "--discard", "--why", "test", "--yes")
    done, quiet = ask("replay", "r.csv", "--yes"), ask("replay", "r.csv", "--yes", "-q")
    assert (done.code, done.err) == (0, "refused: 2 rejects (1, 2): discarded\n")
    assert (quiet.code, quiet.err) == (0, "")


def test_export_is_replayed_after_rollback_and_reload(loaded, ask, tmp_path):
    ask("rejects", "--export", "r.csv")
    edited = (tmp_path / "r.csv").read_text().replace(loaded.line("A2", price="-1", quantity="x"), loaded.line("A2"))
    (tmp_path / "r.csv").write_text(edited)
    rollback(loaded.database, file_ids=[1])
    loaded.ingest("a.csv", reload=True)

    done = ask("replay", "r.csv", "--yes")

    assert (done.code, done.out.splitlines()[-1]) == (0, "2 rejects tried: 1 loaded, 0 duplicate, 1 still open")
    assert "2 rejects found by file and row number: the file was loaded again since the export\n" in done.err
    assert [row[0] for row in loaded.rows()] == ["A1", "A2"]


def test_discard_needs_a_reason_and_a_yes(loaded, ask):
    assert ask("rejects", "--discard", "--yes").code == 2
    assert ask("rejects", "--discard", "--why", "test").code == 2
    done = ask("rejects", "--discard", "--why", "test", "--reason", "field_count", "--yes")
    assert (done.code, done.out) == (0, "1 reject discarded: test\n")
    assert [row[2] for row in loaded.rejects()] == ["open", "discarded"]


def test_rollback_asks_shows_counts_and_names_what_follows(loaded, ask):
    preview = ask("rollback", 1, "--preview")
    assert preview.code == 0
    assert "1 row to be taken out, 0 to be brought back\n" in preview.out
    assert ask("rollback", 1).code == 2
    assert ask("rollback", 1, answer="n\n").code == 0
    assert len(loaded.rows()) == 1

    done = ask("rollback", 1, answer="y\n")
    assert done.code == 0
    assert "Take 1 row of 1 file out?" in done.err
    assert "1 row taken out, 0 brought back\n" in done.out
    assert loaded.rows() == []

    again = ask("rollback", 1, "--yes")
    assert again.code == 2
    assert again.err.startswith(f"error[rollback.refused]: file 1 ({loaded.folder}/a.csv) is rolled back already\n")


def test_rollback_of_a_run(loaded, ask):
    done = ask("rollback", "--run", 1, "--yes", "-o", "json")
    summary = json.loads(done.out)
    assert (summary["rows_removed"], summary["run_id"], [i["file_id"] for i in summary["items"]]) == (1, 3, [1])
    assert ask("rollback", "--yes").code == 2


def test_reconcile_agrees_or_ends_with_code_6(loaded, ask):
    good = ask("reconcile")
    assert good.code == 0
    assert good.out.startswith("public.fill: 1 file, 1 row: agrees with the ledger\n")
    loaded.execute("DELETE FROM fill")
    bad = ask("reconcile", "-o", "json")
    assert bad.code == 6
    result = json.loads(bad.out)
    assert [(i["kind"], i["expected"], i["found"]) for i in result["items"]] == [
        ("rows", "1", "0"),
        ("control_total", "10.5000", "0"),
        ("control_total", "3", "0"),
    ]
    assert not result["is_balanced"]
    assert bad.err.startswith("error[reconciliation.mismatch]: file 1 (")
    text = ask("reconcile")
    assert "public.fill: 1 file, 0 rows: 3 mismatches\n" in text.out


def test_explain_says_why_in_text_and_json(loaded, ask):
    text = ask("explain", loaded.folder / "a.csv").out.splitlines()
    assert text[0] == str(loaded.folder / "a.csv")
    assert "loaded by run 1 at " in text[1]
    assert text[-1].startswith("  next run (contract fill): would be skipped: this version is loaded")
    mistyped = str(loaded.folder / "a.cvs")
    text = ask("explain", mistyped).out.splitlines()
    assert text == [
        mistyped,
        "  not in the ledger",
        "  next run: no such file is there now",
        f"  did you mean: {loaded.folder / 'a.csv'}",
        f"  did you mean: {loaded.folder / 'bad.csv'}",
    ]
    assert json.loads(ask("explain", mistyped, "-o", "json").out)["similar"] == [
        str(loaded.folder / name) for name in ("a.csv", "bad.csv")
    ]
    detail = json.loads(ask("explain", loaded.folder / "bad.csv", "-o", "json").out)
    assert [v["state"] for v in detail["versions"]] == ["failed"]
    assert detail["next_run"]["reason"] == "retry"


def test_commands_import_nothing_heavy_for_their_help(ask):
    for name in ("runs", "files", "rejects", "explain", "replay", "rollback", "reconcile"):
        done = ask(name, "--help")
        assert done.code == 0
        assert "Example" in done.out


def test_database_without_ledger_is_said(ask):
    done = ask("runs")
    assert done.code == 2
    assert "make it with: trade-ingest db upgrade" in done.err
