import csv
import io
import json
import re
import shlex

import pytest

COUNTERS = [
    "files_planned",
    "files_loaded",
    "files_failed",
    "files_skipped",
    "rows_read",
    "rows_loaded",
    "rows_duplicate",
    "rows_rejected",
    "bytes_read",
]


def masked(text):
    """The text with what differs from call to call replaced."""
    text = re.sub(r"\d+\.\d\d s", "N s", text)
    return re.sub(r"[\d,]+ rows/s, [\d.]+ .?i?B/s", "N rows/s, N B/s", text)


def test_run_loads_and_says_what_it_did(program):
    program.write("in/a.csv", range(1, 1001))
    program.write("in/b.csv", range(991, 1201))

    done = program("run", "in")

    assert done.code == 0
    assert masked(done.out) == (
        "run 1 succeeded in N s  tick → public.tick\n"
        "files    2 loaded, 0 skipped\n"
        "rows     1,210 read = 1,200 loaded + 10 duplicate + 0 rejected  ✓ balanced\n"
        "read     35.6 KiB, N rows/s, N B/s\n"
    )
    assert done.err == "see the rows: trade-ingest db shell\n"
    assert program.query("SELECT count(*), sum(tick_id) FROM tick") == [(1200, 720600)]


def test_second_run_has_nothing_to_do(program):
    program.write("in/a.csv", [1, 2])
    program("run", "in")

    done, strict = program("run", "in"), program("run", "in", "--fail-if-empty")

    assert (done.code, strict.code) == (0, 5)
    assert masked(done.out) == "run 2 succeeded in N s  tick → public.tick\nfiles    0 loaded, 1 skipped\n"
    assert done.err == "see why nothing was loaded: trade-ingest plan in\n"


def test_failed_file_has_its_error_and_hint_and_the_rejects_their_reasons(program):
    program.write("in/good.csv", [1])
    bad = program.write("in/bad.csv", [2, 3, 4], price="x")

    done = program("run", "in")

    assert done.code == 1
    assert masked(done.out) == (
        "run 1 failed in N s  tick → public.tick\n"
        "files    1 loaded, 0 skipped, 1 failed\n"
        "rows     1 read = 1 loaded + 0 duplicate + 0 rejected  ✓ balanced\n"
        "read     52 B, N rows/s, N B/s\n"
        "rejects  3  invalid_decimal in price (1 file)\n"
        f"failed  [file.reject_limit] {bad}: 3 of 3 rows rejected, more than 1 and 0.00%;"
        f" first: {bad}:1:price: invalid_decimal ('x')\n"
        "        hint: see them with: trade-ingest rejects --file 1\n"
    )
    assert done.err == (
        "files that failed are tried again by: trade-ingest run in\nsee the rejects: trade-ingest rejects --run 1\n"
    )
    assert program.query("SELECT tick_id FROM tick") == [(1,)]


def test_max_rejects_option_wins_over_the_contract(program):
    program.write("a.csv", [1, 2, 3], price="x")

    assert program("run", "a.csv", "--max-rejects", "2").code == 1
    assert program("run", "a.csv", "--max-rejects", "3").code == 0
    assert program.query("SELECT rows_read, rows_rejected FROM ingest.file WHERE state = 'loaded'") == [(3, 3)]


def test_failures_that_may_pass_exit_with_3(program, monkeypatch):
    import trade_ingest.load.copying as loading
    from trade_ingest.errors import FileChangedWhileReadError

    def changed(file):
        raise FileChangedWhileReadError(f"{file.uri}: changed while it was read", hint="run again")

    program.write("a.csv", [1])
    monkeypatch.setattr(loading, "require_unchanged", changed)

    done = program("run", "a.csv")

    assert done.code == 3
    assert "hint: run again; trying again may help" in done.out


def test_json_is_one_object_with_all_counters(program):
    path = program.write("a.csv", [1, 2])

    done = program("run", "a.csv", "-o", "json", "-q")

    assert done.err == ""
    shown = json.loads(done.out)
    assert shown.pop("duration_seconds") > 0
    assert shown == {
        "schema": "trade-ingest.run/1",
        "run_id": 1,
        "state": "succeeded",
        "contract": "tick",
        "target": "public.tick",
        "files_planned": 1,
        "files_loaded": 1,
        "files_failed": 0,
        "files_skipped": 0,
        "rows_read": 2,
        "rows_loaded": 2,
        "rows_duplicate": 0,
        "rows_rejected": 0,
        "bytes_read": path.stat().st_size,
        "failed": [],
        "files_archived": 0,
        "archive_failed": [],
        "files_handed_over": 0,
        "handover_failed": [],
    }


def test_csv_is_a_header_and_one_line(program):
    program.write("a.csv", [1, 2])

    (row,) = csv.DictReader(io.StringIO(program("run", "a.csv", "-o", "csv").out))

    assert [row[name] for name in COUNTERS[:8]] == ["1", "1", "0", "0", "2", "2", "0", "0"]


def test_json_lines_are_the_events_and_one_end(program):
    path = program.write("a.csv", [1, 2])

    events = [json.loads(line) for line in program("run", "a.csv", "-o", "jsonl").out.splitlines()]

    assert [event["event"] for event in events] == [
        "run_started",
        "target_created",
        "run_planned",
        "file_loaded",
        "run_ended",
    ]
    assert events[3] | {"at": None, "duration_seconds": None} == {
        "event": "file_loaded",
        "at": None,
        "run_id": 1,
        "file_id": 1,
        "uri": str(path),
        "size_bytes": path.stat().st_size,
        "rows_read": 2,
        "rows_loaded": 2,
        "rows_duplicate": 0,
        "rows_rejected": 0,
        "duration_seconds": None,
    }
    assert {name: events[4][name] for name in ("state", "rows_loaded")} == {"state": "succeeded", "rows_loaded": 2}


def test_json_lines_end_even_when_the_run_cannot_begin(program):
    done = program("run", "nope.csv", "-o", "jsonl")

    (event,) = map(json.loads, done.out.splitlines())
    assert done.code == 2
    assert (event["event"], event["state"], event["error"]["code"]) == ("run_ended", "failed", "source.not_found")
    assert done.err.startswith("error[source.not_found]: nope.csv")


def test_json_lines_have_one_end_when_the_run_breaks_in_the_middle(program, monkeypatch):
    from trade_ingest import pipeline
    from trade_ingest.errors import DatabaseUnavailableError

    def broken(*_args, **_kwargs):
        raise DatabaseUnavailableError("the server is gone", hint="run it again")

    program.write("a.csv", [1])
    monkeypatch.setattr(pipeline, "register_files", broken)

    done = program("run", "a.csv", "-o", "jsonl")

    events = [json.loads(line) for line in done.out.splitlines()]
    assert done.code == 3
    assert [event["event"] for event in events].count("run_ended") == 1
    assert (events[-1]["event"], events[-1]["run_id"], events[-1]["state"]) == ("run_ended", 1, "failed")


def test_dry_run_is_plan(program):
    program.write("in/a.csv", [1])
    program("run", "in")
    program.write("in/b.csv", [2])

    assert program("run", "in", "--dry-run") == program("plan", "in")
    assert program.query("SELECT count(*) FROM ingest.run") == [(1,)]


def test_plan_shows_each_file_with_its_reason_and_the_command_to_run(program):
    loaded = program.write("in/a.csv", [1])
    program("run", "in")
    new = program.write("in/b.csv", [2])

    done = program("plan", "in", "--on-changed", "skip")

    lines = done.out.splitlines()
    assert done.code == 0
    assert lines[0].split() == ["ACTION", "REASON", "FILE", "SIZE", "WHY"]
    assert lines[1].startswith(f"skip    already_loaded  {loaded}  52 B  loaded by run 1 at ")
    assert lines[2] == f"load    new             {new}  52 B"
    assert lines[4] == "1 file to load, 52 B; 1 skipped (1 already loaded)  tick → public.tick"
    assert done.err == "run it: trade-ingest run in --on-changed skip\n"


CHOSEN = ["--from", "2024-01-31", "--to", "2024-02-01", "--include", "fx*", "--exclude", "*_test.csv"]


@pytest.fixture
def dated(program):
    """The program, with files in a folder for each day."""
    for number, day in enumerate(("2024/01/30", "2024/01/31", "2024/02/01", "2024/02/02")):
        for name in ("fx.csv", "fx_test.csv", "eq.csv"):
            program.write(f"in/{day}/{name}", [number])
    return program


def test_files_are_chosen_by_date_and_name(dated):
    source = "in/{date:%Y/%m/%d}/*.csv"

    plan = dated("plan", source, *CHOSEN, "-o", "csv")
    hint = dated("plan", source, *CHOSEN).err
    check = dated("check", source, *CHOSEN)
    baseline = dated("baseline", source, "--to", "2024-01-30", "--include", "fx.csv")
    run = dated("run", source, *CHOSEN, "-o", "json")

    expected = [str(dated.folder / f"in/2024/{day}/fx.csv") for day in ("01/31", "02/01")]
    assert [row["uri"] for row in csv.DictReader(plan.out.splitlines())] == expected
    assert hint == f"run it: {shlex.join(['trade-ingest', 'run', source, *CHOSEN[4:], *CHOSEN[:4]])}\n"
    assert check.out.splitlines()[-1] == "2 files: all would be loaded; 2 rows, 0 rejects"
    assert baseline.out.startswith("run 1: 1 file marked as loaded, 0 known already")
    assert json.loads(run.out)["files_loaded"] == 2
    assert dated.query("SELECT uri FROM ingest.file WHERE state = 'loaded' ORDER BY 1") == [(uri,) for uri in expected]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["in", "--from", "2024-01-01"], "a range of dates, and no date in the source\nhint: say where the date is"),
        (["in", "--to", "today"], "'today': expected a date or a time without zone\nhint: write it as 2024-01-31"),
        (["in/{date:%Y-%D}.csv"], "'%D' is no part of a date\nhint: there are %Y %y %m"),
        (["in", "--include", "*.tsv"], "in: no file is left by the selection\nhint: check --include"),
    ],
)
@pytest.mark.parametrize("command", ["plan", "run", "check", "baseline"])
def test_wrong_choice_of_files_says_what_to_write(program, command, arguments, said):
    program.write("in/a.csv", [1])

    done = program(command, *arguments)

    assert (done.code, done.out) == (2, "")
    assert said in done.err
    assert program.query("SELECT to_regnamespace('ingest')::text") == [(None,)]


@pytest.mark.parametrize("command", ["plan", "run"])
def test_files_of_other_names_are_mentioned(program, command):
    program.write("in/a.csv", [1])
    notes = program.folder / "in" / "notes.md"
    notes.write_text("hello")

    said = program(command, "in").err
    assert f"1 file ignored, not named .csv, .txt, .tsv or .psv: {notes}\n" in said


def test_plan_as_json_has_the_totals(program):
    program.write("in/a.csv", [1])

    plan = json.loads(program("plan", "in", "-o", "json").out)

    (item,) = plan.pop("items")
    assert plan == {
        "schema": "trade-ingest.plan/1",
        "contract": "tick",
        "target": "public.tick",
        "files_to_load": 1,
        "files_skipped": 0,
        "files_ignored": 0,
        "bytes_to_load": 52,
        "reasons": {"new": 1},
    }
    assert (item["action"], item["reason"], item["size_bytes"]) == ("load", "new", 52)


def test_long_plan_is_shortened_for_people_only(program):
    for number in range(60):
        program.write(f"in/{number:02}.csv", [number])

    text, data = program("plan", "in").out.splitlines(), program("plan", "in", "-o", "csv").out.splitlines()

    assert len(data) == 61
    assert len(text) == 1 + 50 + 1 + 2
    assert text[51] == "and 10 more files: -o csv lists all"


def test_plan_of_nothing_new_can_be_an_exit_code(program):
    program.write("a.csv", [1])

    assert program("plan", "a.csv", "--fail-if-empty").code == 0
    program("run", "a.csv")
    assert program("plan", "a.csv", "--fail-if-empty").code == 5


def test_password_is_in_no_output(program, database_url, monkeypatch):
    program.write("a.csv", [1])
    monkeypatch.setenv("TRADE_INGEST_DATABASE_URL", "")
    url = f"{database_url}&password=hunter2"

    texts = [program("run", "a.csv", "--database", url), program("plan", "a.csv", "--database", url)]
    texts.append(program("doctor", "--database", url))
    texts.append(program("db", "status", "--database", url))

    assert [done.code for done in texts] == [0, 0, 0, 0]
    assert not [done for done in texts if "hunter2" in done.out + done.err]


def test_unreachable_database_exits_with_3(program):
    program.write("a.csv", [1])

    done = program("run", "a.csv", "--database", "postgresql://u:hunter2@localhost:1/x")

    assert (done.code, done.out) == (3, "")
    assert re.fullmatch(r"error\[database\.unavailable\]: .+\nhint: .+\n", done.err)
    assert "hunter2" not in done.err


@pytest.mark.parametrize("parallelism", [1, 2])
def test_parallelism_changes_nothing_but_the_time(program, parallelism):
    for number in range(4):
        program.write(f"in/{number}.csv", range(number * 10, number * 10 + 10))

    assert program("run", "in", "--parallelism", parallelism).code == 0
    assert program.query("SELECT count(*), count(DISTINCT file_id) FROM tick") == [(40, 4)]


def test_baseline_marks_files_so_that_nothing_is_left_to_load(program):
    program.write("in/a.csv", [1])
    program.write("in/b.csv", [2])

    done = program("baseline", "in")

    assert done.code == 0
    assert done.out == "run 1: 2 files marked as loaded, 0 known already  tick → public.tick\n"
    assert program("plan", "in", "--fail-if-empty").code == 5
    assert program.query("SELECT state, count(*) FROM ingest.file GROUP BY state") == [("baseline", 2)]


def test_incompatible_target_is_refused_with_the_differences(program):
    program.write("a.csv", [1])
    program("run", "a.csv")
    contract = (program.folder / "tick.yaml").read_text()
    (program.folder / "wide.yaml").write_text(contract.replace("decimal(12,2)", "decimal(18,4)"))

    done = program("run", "a.csv", "--contract", "./wide.yaml")

    assert done.code == 2
    assert done.err.startswith(
        "error[target.incompatible]: table public.tick exists and differs: column price is numeric(12,2),"
        " expected numeric(18,4)\nhint: "
    )


def test_unexpected_error_is_no_bare_traceback(program, monkeypatch):
    def broken(*_args, **_options):
        message = "boom"
        raise ZeroDivisionError(message)

    program.write("a.csv", [1])
    monkeypatch.setattr("trade_ingest.pipeline.compare_listing", broken)

    done = program("run", "a.csv")

    assert done.code == 1
    assert done.err == "error[internal]: unexpected ZeroDivisionError: boom\nhint: --debug shows the traceback\n"
