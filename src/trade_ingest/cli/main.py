"""The trade-ingest program: its commands, its global options, its exit codes.

Importing this module imports click and nothing heavier, so that ``--help`` answers at once. A command's module is
imported when the command is invoked; heavy libraries are imported inside the functions that need them.
"""

from __future__ import annotations

import gc
import importlib
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from trade_ingest.cli.failure import EXIT_BROKEN_PIPE, forget_stdout, report_failure
from trade_ingest.cli.invocation import Invocation, add_global_options, show_version
from trade_ingest.contract.suggestion import did_you_mean
from trade_ingest.errors import RunInterruptedError

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

_COMMANDS_PACKAGE = "trade_ingest.cli.commands"

COMMANDS: dict[str, tuple[str, str]] = {
    "run": (f"{_COMMANDS_PACKAGE}.run", "Load the files that are not loaded yet, each exactly once."),
    "plan": (f"{_COMMANDS_PACKAGE}.plan", "Show which files run would load, and why not the others."),
    "ls": (f"{_COMMANDS_PACKAGE}.ls", "List the files of a source: a folder, a bucket, a glob."),
    "check": (f"{_COMMANDS_PACKAGE}.check", "Check files against a contract, without a database."),
    "infer": (f"{_COMMANDS_PACKAGE}.infer", "Propose a contract from samples of a feed."),
    "runs": (f"{_COMMANDS_PACKAGE}.runs", "List runs, or show one."),
    "files": (f"{_COMMANDS_PACKAGE}.files", "List the ledger's files, or show one."),
    "rejects": (f"{_COMMANDS_PACKAGE}.rejects", "Show the rows that broke their contract, and why; export them."),
    "explain": (f"{_COMMANDS_PACKAGE}.explain", "Say why a file was loaded or was not."),
    "replay": (f"{_COMMANDS_PACKAGE}.replay", "Load rejected rows again, corrected or under a changed contract."),
    "rollback": (f"{_COMMANDS_PACKAGE}.rollback", "Take out exactly the rows of a file or a run."),
    "reconcile": (f"{_COMMANDS_PACKAGE}.reconcile", "Compare the ledger with the rows in the target."),
    "report": (f"{_COMMANDS_PACKAGE}.report", "Make views and functions for analysts; refresh them."),
    "baseline": (f"{_COMMANDS_PACKAGE}.baseline", "Mark files as loaded without loading them."),
    "generate": (f"{_COMMANDS_PACKAGE}.generate", "Write synthetic trade files for a contract."),
    "serve": (f"{_COMMANDS_PACKAGE}.serve", "Serve the REST API and the dashboard."),
    "submit": (f"{_COMMANDS_PACKAGE}.submit", "Run as a job of a cloud: EMR, Dataproc, Synapse, Fabric, Databricks …"),
    "notify": (f"{_COMMANDS_PACKAGE}.notify", "Tell people something, where serve tells of failures."),
    "token": (f"{_COMMANDS_PACKAGE}.token", "Make, list and revoke the tokens of the API."),
    "contracts": (f"{_COMMANDS_PACKAGE}.contracts", "List, show, match and check contracts; print their DDL."),
    "db": (f"{_COMMANDS_PACKAGE}.db", "The database: its URL, a shell, its state; stop the embedded one."),
    "doctor": (f"{_COMMANDS_PACKAGE}.doctor", "Check database, rights, ledger, disk, engines and clock."),
    "spark": (f"{_COMMANDS_PACKAGE}.spark", "Let Spark start sooner on this machine."),
    "config": (f"{_COMMANDS_PACKAGE}.config", "Show the settings and where each comes from."),
    "demo": (f"{_COMMANDS_PACKAGE}.demo", "See it work on generated files, in under a minute."),
    "completion": (f"{_COMMANDS_PACKAGE}.completion", "Print the completion script of a shell."),
}
"""Each command's module and its line in the help."""

_EPILOG = """\
\b
Examples:
  trade-ingest run 'trades/*.csv.gz'          load what is new, into the embedded PostgreSQL
  trade-ingest plan trades/ -o json           what would be loaded, as JSON
  trade-ingest run trades/ --database postgresql://me@db.example/trades

\b
Exit codes:
  0  ok                                3  a passing fault: run it again
  1  finished, but files failed        4  the database or a store refused the user, or a right is missing
  2  usage or configuration            5  nothing to do (with --fail-if-empty)
  6  ledger and target disagree      130  interrupted

Each setting is also an environment variable, TRADE_INGEST_<NAME>, and a key of .env and of trade-ingest.toml;
`trade-ingest config show --origin` lists them.
"""


class Program(click.Group):
    """The group of all commands, which knows their names and help without importing them."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  # click's signature
        """The names, in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import the command of that name."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(COMMANDS[cmd_name][0]).command
        command.name = cmd_name
        add_global_options(command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command, or say which one may have been meant."""
        name = args[0]
        if name not in COMMANDS and not name.startswith("-"):
            hint = did_you_mean(name, COMMANDS) or "`trade-ingest --help` lists the commands"
            error = click.UsageError(f"no such command {name!r}", ctx)
            error.hint = hint  # type: ignore[attr-defined]
            raise error
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> object:
        """Run the command; a reader that has gone ends it quietly.

        Raises:
            RunInterruptedError: the user pressed Ctrl-C.
        """
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt as exc:
            raise RunInterruptedError("interrupted", hint="nothing was half done: run it again") from exc
        except BrokenPipeError:
            forget_stdout()
            return EXIT_BROKEN_PIPE

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """The commands that begin so; none is imported."""
        from click.shell_completion import CompletionItem

        commands = [
            CompletionItem(name, help=text) for name, (_, text) in COMMANDS.items() if name.startswith(incomplete)
        ]
        return commands or click.Command.shell_complete(self, ctx, incomplete)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Write the table's lines; no command is imported."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


def make_program() -> Program:
    """The program as a click group."""
    program = Program(
        name="trade-ingest",
        help="Load trade files into PostgreSQL: every file exactly once, every row accounted for.",
        epilog=_EPILOG,
        no_args_is_help=True,
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120},
    )
    version = click.Option(
        ["--version"], is_flag=True, expose_value=False, is_eager=True, callback=show_version, help="Show the version."
    )
    program.params.append(version)
    add_global_options(program, hidden=False)
    return program


def main(argv: Sequence[str] | None = None, *, invocation: Invocation | None = None) -> int:
    """Run the program and return its exit code; errors become two lines on stderr.

    Args:
        argv: the arguments without the program's name; None: those of the process.
        invocation: what is known beside the arguments, and is told of what came of them.
    """
    invocation = invocation or Invocation()
    arguments = list(sys.argv[1:] if argv is None else argv)
    try:
        program: Any = make_program()
        code = program.main(args=arguments, prog_name="trade-ingest", obj=invocation, standalone_mode=False)
        sys.stdout.flush()
        if argv is None:
            gc.freeze()  # the process ends: looking through all objects once more would take it 70 ms
    except BaseException as exc:  # noqa: BLE001  # the last resort: nobody shall see a bare traceback
        invocation.failure = exc
        return report_failure(exc, is_debug=invocation.is_debug or "--debug" in arguments)
    return int(code or 0)
