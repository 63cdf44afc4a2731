"""``trade-ingest plan``: what ``run`` would do."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import click

from trade_ingest.cli.coming import coming_changes
from trade_ingest.cli.delivery import delivery_options
from trade_ingest.cli.display import counted, format_bytes, printable
from trade_ingest.cli.invocation import Invocation, common_options, setting_option
from trade_ingest.cli.output import Column
from trade_ingest.cli.progress import RunProgress, progress_view
from trade_ingest.cli.selection import selection_flags, selection_options

if TYPE_CHECKING:
    from trade_ingest.cli.coming import Coming
    from trade_ingest.plan import Plan, PlannedFile
    from trade_ingest.source.location import LiteralSource
    from trade_ingest.source.pattern import Selection

_Decorated = TypeVar("_Decorated", bound=Callable[..., Any])

EXIT_NOTHING_TO_DO = 5
SHOWN_FILES = 50
"""Of those to load and of those to skip; text only."""

_COLUMNS = (
    Column("action"),
    Column("reason"),
    Column("uri", "file", shorten="end"),
    Column("version", only_data=True),
    Column("size_bytes", "size", align="right", format=format_bytes),
    Column("modified_at", only_data=True),
    Column("file_id", only_data=True),
    Column("other_file_id", only_data=True),
    Column("explanation", "why", shorten="start"),
)


def source_argument(function: _Decorated) -> _Decorated:
    """The sources of a command: an argument, and ``--files-from``, whose value goes to the invocation."""
    option = click.option(
        "--files-from",
        metavar="FILE",
        callback=_note_files_from,
        expose_value=False,
        help="Also the files that FILE names, one on a line, taken as they are: no wildcards. -: those on stdin.",
    )
    return option(click.argument("sources", metavar="[SOURCE]...", nargs=-1)(function))


def _note_files_from(ctx: click.Context, parameter: click.Parameter, value: str | None) -> None:  # noqa: ARG001
    ctx.ensure_object(Invocation).files_from = value


def planning_options(function: _Decorated) -> _Decorated:
    """The options that decide what is loaded."""
    for option in (
        click.option(
            "--fail-if-empty", is_flag=True, help=f"Exit with {EXIT_NOTHING_TO_DO} if there is nothing to load."
        ),
        click.option("--reload", is_flag=True, help="Load files again that were rolled back."),
        setting_option(
            "--on-changed",
            setting="on_changed",
            type=click.Choice(["replace", "skip", "append", "fail"]),
            help="What to do with a loaded file whose content has changed; default: as the contract says.",
        ),
    ):
        function = option(function)
    return function


@click.command()
@source_argument
@click.option(
    "--diff",
    "is_diff",
    is_flag=True,
    help="Read the changed files, and show which rows their new versions add, remove and change.",
)
@common_options("contract", "database", "output")
@planning_options
@selection_options
@delivery_options
@click.pass_obj
def command(
    invocation: Invocation,
    sources: tuple[str, ...],
    *,
    is_diff: bool,
    reload: bool,
    fail_if_empty: bool,
    selection: Selection,
) -> int:
    """Show which files `run` would load, and why not the others; changes nothing.

    SOURCE is a file, a folder or a quoted glob.

    \b
    Examples:
      trade-ingest plan trades/
      trade-ingest plan 'trades/2024-*.csv.gz' --contract kraken_trades -o json
      trade-ingest plan trades/ --diff
      find trades -name '*.csv' -newer last | trade-ingest plan --files-from -
      trade-ingest plan 'trades/{date:%Y/%m/%d}/*.csv' --from 2024-01-01 --to 2024-01-31 --exclude '*_test.csv'
    """  # noqa: D301  # \b keeps click from joining the lines
    return show_plan(invocation, sources, selection, is_reload=reload, fails_if_empty=fail_if_empty, is_diff=is_diff)


def show_plan(
    invocation: Invocation,
    sources: Sequence[str],
    selection: Selection,
    *,
    is_reload: bool,
    fails_if_empty: bool,
    is_diff: bool = False,
) -> int:
    """Make the plan, show it, and return the exit code."""
    from trade_ingest.contract.model import OnChanged
    from trade_ingest.pipeline import plan

    settings = invocation.settings
    chosen, contract, database = chosen_sources(invocation, sources), invocation.contract, invocation.database
    with progress_view(RunProgress(), is_quiet=invocation.is_quiet) as view:
        the_plan = plan(
            chosen,
            contract=contract,
            database=database,
            on_changed=OnChanged(settings.on_changed) if settings.on_changed else None,
            reload=is_reload,
            connections=settings.store_connections,
            selection=selection,
            on_planning=view.note_planning,
        )
    output = invocation.output
    differences = dict(coming_changes(invocation, chosen, the_plan)) if is_diff else {}
    shown = _shortened(the_plan) if output.is_text else the_plan.files
    rows = (_row(planned) | {"changes": _changes(differences.get(planned.file.uri))} for planned in shown)
    columns = (*_COLUMNS, Column("changes", only_data=True)) if is_diff else _COLUMNS
    output.table(rows, columns, schema="trade-ingest.plan/1", summary=_summary(the_plan))
    for difference in differences.values():
        output.text()
        for line in difference.lines():
            output.text(line)
    if hidden := sum(max(len(files) - SHOWN_FILES, 0) for files in (the_plan.to_load, the_plan.skipped)):
        output.text(f"and {counted(hidden, 'more file', 'more files')}: -o csv lists all")
    output.text()
    output.text(_totals(the_plan))
    say_ignored(invocation, the_plan)
    if the_plan.to_load:
        options = [*selection_flags(selection), *(["--reload"] if is_reload else [])]
        invocation.say(f"run it: {command_line(invocation, 'run', sources, options)}")
    return EXIT_NOTHING_TO_DO if fails_if_empty and not the_plan.to_load else 0


def _changes(coming: Coming | None) -> dict[str, Any] | None:
    return None if coming is None else coming.data()


def _shortened(the_plan: Plan) -> list[PlannedFile]:
    """As many of the plan's files as people read, in its order: the first to load, and the first to skip."""
    shown = [*the_plan.to_load[:SHOWN_FILES], *the_plan.skipped[:SHOWN_FILES]]
    return sorted(shown, key=lambda planned: planned.file.uri)


def chosen_sources(invocation: Invocation, sources: Sequence[str]) -> Sequence[str]:
    """The sources given, with those of ``--files-from``, which may be none; or else those of the settings.

    Raises:
        UsageError: there are neither.
    """
    from trade_ingest.errors import UsageError

    if invocation.files_from is not None:
        return [*sources, *_read_names(invocation.files_from)]
    chosen = sources or invocation.settings.source
    if not chosen:
        message = "no source given and none configured"
        raise UsageError(message, hint="name files, a folder or a glob, or set TRADE_INGEST_SOURCE (see .env.example)")
    return chosen


def _read_names(file: str) -> list[LiteralSource]:
    from trade_ingest.errors import UsageError
    from trade_ingest.source.location import LiteralSource

    try:
        with click.open_file(file, encoding="utf-8") as lines:
            names = [line.rstrip("\r\n") for line in lines]
    except UnicodeDecodeError:
        raise UsageError(f"--files-from {file}: is no UTF-8", hint="name one file on each line") from None
    return [LiteralSource(name) for name in names if name]


def command_line(invocation: Invocation, name: str, sources: Sequence[str], options: Sequence[str] = ()) -> str:
    """A command with the settings that were given as options, to be typed again; passwords are masked."""
    from trade_ingest.settings import option_of
    from trade_ingest.source.location import shown_source

    flags: list[str] = []
    for setting in invocation.flags:
        if setting not in {"output", "log_level"}:
            value = invocation.settings.shown(setting)
            for item in value if isinstance(value, tuple) else [value]:
                flags += [option_of(setting), str(item)]
    if invocation.files_from is not None:
        flags += ["--files-from", invocation.files_from]
    if invocation.config_file:
        flags += ["--config-file", invocation.config_file]
    return shlex.join(["trade-ingest", name, *map(shown_source, sources), *flags, *options])


def say_ignored(invocation: Invocation, the_plan: Plan) -> None:
    """Tell of files that a listing has left out, so that nobody misses them later."""
    if the_plan.ignored:
        count, first = counted(len(the_plan.ignored), "file"), printable(the_plan.ignored[0])
        more = " …" if len(the_plan.ignored) > 1 else ""
        invocation.say(f"{count} ignored, not named .csv, .txt, .tsv or .psv: {first}{more}")


def _row(planned: PlannedFile) -> dict[str, Any]:
    file = planned.file
    return {
        "action": "load" if planned.is_loaded else "skip",
        "reason": planned.reason,
        "uri": file.uri,
        "version": file.version,
        "size_bytes": file.size_bytes,
        "modified_at": file.modified_at,
        "file_id": planned.file_id,
        "other_file_id": planned.other_file_id,
        "explanation": planned.explanation,
    }


def _summary(the_plan: Plan) -> dict[str, Any]:
    return {
        "contract": the_plan.contract,
        "target": the_plan.target,
        "files_to_load": len(the_plan.to_load),
        "files_skipped": len(the_plan.skipped),
        "files_ignored": len(the_plan.ignored),
        "bytes_to_load": the_plan.bytes_to_load,
        "reasons": dict(the_plan.reasons),
    }


def _totals(the_plan: Plan) -> str:
    reasons = ", ".join(f"{count:,} {reason.replace('_', ' ')}" for reason, count in the_plan.skipped.reasons.items())
    reasons = f" ({reasons})" if reasons else ""
    to_load = f"{counted(len(the_plan.to_load), 'file')} to load, {format_bytes(the_plan.bytes_to_load)}"
    return printable(f"{to_load}; {len(the_plan.skipped):,} skipped{reasons}  {the_plan.contract} → {the_plan.target}")
