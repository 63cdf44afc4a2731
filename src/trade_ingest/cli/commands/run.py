"""``trade-ingest run``: load what is not loaded yet."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from trade_ingest.cli.commands.plan import (
    EXIT_NOTHING_TO_DO,
    chosen_sources,
    command_line,
    planning_options,
    say_ignored,
    show_plan,
    source_argument,
)
from trade_ingest.cli.delivery import delivery_options
from trade_ingest.cli.invocation import Invocation, common_options, setting_option
from trade_ingest.cli.progress import ProgressView, RunProgress, progress_view
from trade_ingest.cli.selection import selection_flags, selection_options
from trade_ingest.cli.summary import run_summary

if TYPE_CHECKING:
    from trade_ingest.cli.output import Output
    from trade_ingest.ledger.events import Event
    from trade_ingest.ledger.progress import Progress
    from trade_ingest.plan import Plan
    from trade_ingest.run import RunOptions, RunResult
    from trade_ingest.source.pattern import Selection

EXIT_FAILED_FILES, EXIT_RETRYABLE, EXIT_INTERRUPTED = 1, 3, 130

_STOPPING = "stopping after the files in flight; Ctrl-C again aborts them; the ledger stays consistent"
_ABORTED = "aborted: files in flight were rolled back; the ledger is consistent"


@click.command()
@source_argument
@common_options("contract", "database")
@setting_option(
    "--engine",
    setting="engine",
    type=click.Choice(["auto", "local", "spark"]),
    help="What runs file loads; auto: Spark where it is configured.",
)
@setting_option(
    "--master", setting="master", metavar="URL", help="Where Spark runs: local[*], spark://…, yarn, sc://…."
)
@setting_option(
    "--conf", setting="spark_conf", metavar="NAME=VALUE", multiple=True, help="A setting of Spark; may be repeated."
)
@setting_option(
    "--max-connections",
    setting="max_connections",
    metavar="N",
    help="Connections to the database that the run may have open, on all machines.",
)
@setting_option(
    "--parallelism",
    setting="parallelism",
    metavar="N",
    help="Files loaded at once; default: one per processor, and two more; on Spark packs of files, one per slot.",
)
@planning_options
@setting_option(
    "--max-rejects",
    setting="max_rejects",
    metavar="N|N%|N,N%",
    help="Rejects that a file may have; more undo it. N,N%: more than both. Default: as the contract says.",
)
@setting_option(
    "--after-load",
    setting="after_load",
    metavar="keep|move:URI|tag|delete",
    help="What to do with a file once its rows are committed. Default: keep.",
)
@setting_option(
    "--also",
    setting="also",
    metavar="parquet:URI|iceberg:URI",
    multiple=True,
    help="A lake that gets the accepted rows, too, or iceberg:CATALOG:NAMESPACE.TABLE; may be repeated.",
)
@selection_options
@delivery_options
@click.option("--dry-run", is_flag=True, help="Show what would be loaded, and stop; the same as `plan`.")
@common_options("output")
@click.pass_obj
def command(
    invocation: Invocation,
    sources: tuple[str, ...],
    *,
    reload: bool,
    dry_run: bool,
    fail_if_empty: bool,
    selection: Selection,
) -> int:
    """Load the files of SOURCE that are not loaded yet: each exactly once, every row accounted for.

    SOURCE is a file, a folder or a quoted glob; without one, TRADE_INGEST_SOURCE. Each file is one transaction: all its
    rows or none. Safe to repeat, to interrupt and to run several times at once. Ctrl-C finishes the files in flight and
    stops; a second Ctrl-C aborts them.

    \b
    Examples:
      trade-ingest run trades/
      trade-ingest run 'trades/2024-*.csv.gz' --contract kraken_trades --parallelism 4
      trade-ingest run trades/ --max-rejects 0 -o json
      trade-ingest run s3://deliveries/fx/ --after-load move:s3://trade-archive/fx
      trade-ingest run s3://deliveries/fx/ --also parquet:s3://lake/trades
    """  # noqa: D301  # \b keeps click from joining the lines
    if dry_run:
        return show_plan(invocation, sources, selection, is_reload=reload, fails_if_empty=fail_if_empty)
    from trade_ingest.run import RunOptions

    options = RunOptions.of(invocation.settings, reload=reload, selection=selection)
    result = _ingest(invocation, chosen_sources(invocation, sources), options)
    invocation.outcome = result.as_dict()
    _show(invocation, result, sources, selection)
    return _exit_code(result, fails_if_empty=fail_if_empty)


def _ingest(invocation: Invocation, sources: Sequence[str], options: RunOptions) -> RunResult:
    from trade_ingest.pipeline import ingest

    progress = RunProgress()
    with _events(invocation.output) as events, progress_view(progress, is_quiet=invocation.is_quiet) as view:

        def note_event(event: Event) -> None:
            progress.note_event(event)
            events.write(event)
            view.update()

        def note_progress(reported: Progress) -> None:
            progress.note_progress(reported)
            view.update()

        def note_plan(the_plan: Plan) -> None:
            progress.note_plan(the_plan)
            say_ignored(invocation, the_plan)

        contract, database = invocation.contract, invocation.database
        with _interruptible(view) as stop:
            return ingest(
                sources,
                contract=contract,
                database=database,
                options=options,
                on_event=note_event,
                on_progress=note_progress,
                on_plan=note_plan,
                on_planning=view.note_planning,
                stop=stop,
            )


@contextmanager
def _interruptible(view: ProgressView) -> Iterator[threading.Event]:
    """An event that the first SIGINT or SIGTERM sets; the second raises KeyboardInterrupt."""
    stop = threading.Event()

    def handle(*_: object) -> None:
        if stop.is_set():
            view.announce(_ABORTED)
            raise KeyboardInterrupt
        stop.set()
        view.announce(_STOPPING)

    if threading.current_thread() is not threading.main_thread():
        yield stop  # only the main thread may handle signals
        return
    before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class _Events:
    """Writes the events of a run, the last of which is always one ``run_ended``."""

    def __init__(self, output: Output) -> None:
        self._output = output
        self._run_id: int | None = None
        self._has_ended = False

    def write(self, event: Event) -> None:
        """Write an event."""
        self._run_id = event.run_id
        self._has_ended = self._has_ended or event.kind.value == "run_ended"
        self._output.event(event.as_dict())

    def end(self, error: BaseException) -> None:
        """Write the end of a run that an error ended."""
        if self._has_ended:
            return
        is_interrupted = isinstance(error, KeyboardInterrupt)
        self._output.event(
            {
                "event": "run_ended",
                "at": datetime.now(UTC).isoformat(timespec="milliseconds"),
                "run_id": self._run_id,
                "file_id": None,
                "state": "interrupted" if is_interrupted else "failed",
                "error": {
                    "code": "run.interrupted" if is_interrupted else getattr(error, "code", "internal"),
                    "message": str(error),
                    "hint": getattr(error, "hint", ""),
                    "retryable": is_interrupted or bool(getattr(error, "retryable", False)),
                },
            }
        )


@contextmanager
def _events(output: Output) -> Iterator[_Events]:
    events = _Events(output)
    try:
        yield events
    except BrokenPipeError:
        raise
    except BaseException as exc:
        events.end(exc)
        raise


def _show(invocation: Invocation, result: RunResult, sources: Sequence[str], selection: Selection) -> None:
    output = invocation.output
    if output.format == "jsonl":
        return  # the last event has said it
    text = run_summary(result, invocation.database) if output.is_text else None
    output.object(result.as_dict(), schema="trade-ingest.run/1", text=text)
    for hint in _next_steps(invocation, result, sources, selection_flags(selection)):
        invocation.say(hint)


def _next_steps(
    invocation: Invocation, result: RunResult, sources: Sequence[str], options: Sequence[str]
) -> Iterator[str]:
    again = command_line(invocation, "run", sources, options)
    is_interrupted = result.state.value == "interrupted"
    if is_interrupted:
        yield f"go on with: {again}"
    elif result.failed:
        yield f"files that failed are tried again by: {again}"
    if result.archive_failed:
        yield f"files that were not archived are tried again by the next run, such as: {again}"
    if result.handover_failed:
        yield f"files that were not handed over are tried again by the next run, such as: {again}"
    if result.rows_rejected or any(f.rows_rejected for f in result.failed):
        yield f"see the rejects: {_ledger_command(invocation, 'rejects', '--run', str(result.run_id))}"
    elif not result.files_planned:
        yield f"see why nothing was loaded: {command_line(invocation, 'plan', sources, options)}"
    elif not is_interrupted and not result.failed:
        yield f"see the rows: {_ledger_command(invocation, 'db', 'shell')}"


def _ledger_command(invocation: Invocation, *words: str) -> str:
    from trade_ingest.settings import mask_url

    database = invocation.flags.get("database_url")
    return " ".join(["trade-ingest", *words, *(["--database", mask_url(str(database))] if database else [])])


def _exit_code(result: RunResult, *, fails_if_empty: bool) -> int:
    if result.state.value == "interrupted":
        return EXIT_INTERRUPTED
    if result.failed:
        is_passing = all(f.error is not None and f.error.is_retryable for f in result.failed)
        return EXIT_RETRYABLE if is_passing else EXIT_FAILED_FILES
    return EXIT_NOTHING_TO_DO if fails_if_empty and not result.files_planned else 0
