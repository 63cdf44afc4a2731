import importlib
import io
import os
import re
import subprocess
import sys

import click
import pytest

from trade_ingest.cli import main as cli
from trade_ingest.cli.failure import report_failure
from trade_ingest.errors import OUTCOMES, DatabaseUnavailableError

HEAVY = ["polars", "pyarrow", "psycopg", "pydantic", "alembic", "sqlalchemy", "yaml", "rich", "numpy"]


def modules_loaded_by(*arguments, cwd):
    script = (
        "import sys; from trade_ingest.cli.main import main; code = main(sys.argv[1:]);"
        f" print(code, [m for m in {HEAVY!r} if m in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments], capture_output=True, text=True, check=True, cwd=cwd
    )
    return done.stderr.strip()


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["run", "--help"], ["check", "--help"], ["db"]])
def test_help_imports_nothing_heavy(tmp_path, arguments):
    code, _, loaded = modules_loaded_by(*arguments, cwd=tmp_path).splitlines()[-1].partition(" ")

    assert (code, loaded) == ("2" if arguments == ["db"] else "0", "[]")


@pytest.mark.parametrize("name", cli.COMMANDS)
def test_each_name_of_the_table_is_a_command_with_help(name):
    module = importlib.import_module(cli.COMMANDS[name][0])

    assert isinstance(module.command, click.Command)
    assert module.command.help


def test_help_lists_each_command_with_its_line(program):
    done = program("--help")

    assert done.code == 0
    assert done.err == ""
    words = " ".join(done.out.split())
    assert [name for name, (_, line) in cli.COMMANDS.items() if f" {name} {line}" not in words] == []


def test_help_documents_each_exit_code(program):
    documented = program("--help").out.partition("Exit codes:")[2]
    codes = {outcome.exit_code for outcome in OUTCOMES.values()} | {0, 5}

    assert [code for code in sorted(codes) if f"  {code}  " not in documented] == []


@pytest.mark.parametrize(
    ("arguments", "message", "hint"),
    [
        (["runn"], "no such command 'runn'", "did you mean `run` or `runs`?"),
        (["xyz"], "no such command 'xyz'", "`trade-ingest --help` lists the commands"),
        (["run", "--databse", "x"], "no such option --databse", "did you mean `--database`?"),
        (["contracts", "show"], "missing argument 'NAME|FILE'", "`trade-ingest contracts show --help` shows the usage"),
        (
            ["plan", "x", "-o", "xml"],
            "invalid value for '-o' / '--output': 'xml' is not one of 'text', 'json', 'jsonl', 'csv'",
            "`trade-ingest plan --help` shows the usage",
        ),
    ],
)
def test_usage_errors_are_two_lines_and_exit_with_2(program, arguments, message, hint):
    done = program(*arguments)

    assert (done.code, done.out) == (2, "")
    assert done.err == f"error[usage]: {message}\nhint: {hint}\n"


@pytest.mark.parametrize("error", OUTCOMES, ids=lambda error: error.__name__)
def test_each_error_is_two_lines_and_exits_as_the_table_says(capsys, error):
    code = report_failure(error("it broke", hint="mend it"), is_debug=False)

    assert code == OUTCOMES[error].exit_code
    assert capsys.readouterr().err == f"error[{error.code}]: it broke\nhint: mend it\n"


def test_several_problems_are_listed_below_their_number(capsys):
    report_failure(DatabaseUnavailableError("one\ntwo"), is_debug=False)

    assert capsys.readouterr().err == "error[database.unavailable]: 2 problems\n  one\n  two\n"


def test_unexpected_error_is_one_line_and_a_hint(capsys):
    code = report_failure(ZeroDivisionError("division\nby zero"), is_debug=False)

    assert code == 1
    expected = "error[internal]: unexpected ZeroDivisionError: division\nhint: --debug shows the traceback\n"
    assert capsys.readouterr().err == expected


def test_path_that_cannot_be_written_is_no_defect(capsys):
    code = report_failure(PermissionError(13, "Permission denied", "/etc/rejects.csv"), is_debug=False)

    assert code == 2
    hint = "check that the folder is there, with the right to it"
    assert capsys.readouterr().err == f"error[usage]: /etc/rejects.csv: Permission denied\nhint: {hint}\n"


def test_debug_shows_the_traceback(program):
    plain, debugged = program("check", "nope.csv"), program("check", "nope.csv", "--debug")

    assert plain.code == debugged.code == 2
    assert "Traceback" not in plain.err
    assert "Traceback" in debugged.err
    assert debugged.err.endswith(plain.err)


@pytest.mark.parametrize("error", [KeyboardInterrupt(), click.Abort()])
def test_interrupt_exits_with_130(capsys, error):
    assert report_failure(error, is_debug=False) == 130
    assert capsys.readouterr().err == "error[run.interrupted]: interrupted\n"


def test_closed_pipe_is_quiet(tmp_path):
    command = [sys.executable, "-m", "trade_ingest", "contracts", "show", "trade_event"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=tmp_path) as process:
        process.stdout.close()
        said = process.stderr.read()

    assert (process.returncode, said) == (141, b"")


def test_no_arguments_show_the_help_on_stderr(program):
    done = program()

    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("Usage: trade-ingest [OPTIONS] COMMAND [ARGS]...\n")


def test_version_is_that_of_the_package(program):
    from importlib.metadata import version

    assert program("--version").out == f"trade-ingest {version('trade-ingest')}\n"


@pytest.mark.parametrize("place", ["before", "after"])
def test_global_options_may_stand_before_and_after_the_command(program, place):
    words = ["--log-level", "debug"]

    done = program(*(words if place == "before" else []), "config", "show", *(words if place == "after" else []))

    assert re.search(r"^log_level +debug$", done.out, re.MULTILINE)


def test_colours_are_for_terminals_that_want_them(monkeypatch):
    from trade_ingest.cli.display import styled

    class Terminal(io.StringIO):
        def isatty(self):
            return True

    def colour(stream, **variables):
        for name in ("NO_COLOR", "CLICOLOR_FORCE"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("TERM", "xterm")
        for name, value in variables.items():
            monkeypatch.setitem(os.environ, name, value)
        return styled("x", "red", stream) != "x"

    assert colour(Terminal())
    assert not colour(io.StringIO())
    assert not colour(Terminal(), NO_COLOR="1")
    assert not colour(Terminal(), TERM="dumb")
    assert colour(io.StringIO(), CLICOLOR_FORCE="1")
    assert not colour(Terminal(), CLICOLOR_FORCE="1", NO_COLOR="1")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_prints_a_script_for_the_program(program, shell):
    done = program("completion", shell)

    assert done.code == 0
    assert "_TRADE_INGEST_COMPLETE" in done.out
    assert "trade-ingest" in done.out


def test_completion_offers_commands_without_importing_them(tmp_path):
    environment = {
        **os.environ,
        "_TRADE_INGEST_COMPLETE": "bash_complete",
        "COMP_WORDS": "trade-ingest re",
        "COMP_CWORD": "1",
    }
    script = (
        "import sys; from trade_ingest.cli.main import main\n"
        "try: main([])\n"
        "finally: print([m for m in sys.modules if m.startswith('trade_ingest.cli.commands.')], file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment, cwd=tmp_path, capture_output=True, text=True, check=True
    )

    assert done.stdout.splitlines() == ["plain,rejects", "plain,replay", "plain,reconcile", "plain,report"]
    assert done.stderr == "[]\n"
