"""``trade-ingest replay``: rejected rows once more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from trade_ingest.cli.commands.rejects import filter_options
from trade_ingest.cli.confirmation import confirm
from trade_ingest.cli.display import counted, printable
from trade_ingest.cli.failure import show_error
from trade_ingest.cli.invocation import Invocation, common_options
from trade_ingest.cli.output import Column

if TYPE_CHECKING:
    from trade_ingest.replay import ReplayResult

EXIT_FAILED = 1

_COLUMNS = (
    Column("file_id", "file", align="right", format=str),
    Column("rows_tried", "tried", align="right"),
    Column("rows_loaded", "loaded", align="right"),
    Column("rows_duplicate", "duplicate", align="right"),
    Column("rows_rejected", "still open", align="right"),
    Column("reasons", format=lambda reasons: ", ".join(f"{code} {count:,}" for code, count in reasons.items())),
    Column("error", format=lambda error: f"[{error.code}] {error.message}"),
    Column("uri", "file", shorten="end"),
)


@click.command()
@click.argument("edited", metavar="[EDITED.csv]", type=click.Path(exists=True, dir_okay=False), required=False)
@filter_options
@click.option("--preview", is_flag=True, help="Show what would happen, and change nothing.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@common_options("contract", "database", "output")
@click.pass_obj
def command(invocation: Invocation, /, edited: str | None, *, preview: bool, yes: bool, **filters: Any) -> int:
    """Load rejected rows again, through the same checks; those that fail stay open with their new reasons.

    With EDITED.csv the rows as they were corrected in a file that `rejects --export` wrote; without it the open rejects
    as they are, for a contract that has changed (--contract) or conflicts that are gone.

    \b
    Examples:
      trade-ingest rejects --export rejects.csv     then correct the column raw
      trade-ingest replay rejects.csv --preview
      trade-ingest replay --file 12 --contract trades-v2.yaml --yes
    """  # noqa: D301  # \b keeps click from joining the lines
    from trade_ingest.ledger.rejects import RejectFilter
    from trade_ingest.replay import replay

    options: dict[str, Any] = {
        "edited": edited,
        "wanted": RejectFilter(**filters),
        "contract": invocation.contract if "contract" in invocation.flags else None,
    }
    if not yes:
        expected = replay(invocation.database, **options, preview=True)
        if preview or not expected.files:
            return _show(invocation, expected)
        question = (
            f"Load {counted(expected.rows_loaded, 'row')} of {counted(expected.rows_tried, 'reject')}"
            f" ({expected.rows_duplicate:,} duplicate, {expected.rows_rejected:,} stay open)?"
        )
        if not confirm(question, yes=False):
            invocation.say("nothing was changed")
            return 0
    return _show(invocation, replay(invocation.database, **options, preview=preview))


def _show(invocation: Invocation, result: ReplayResult) -> int:
    output = invocation.output
    summary = {
        "run_id": result.run_id,
        "is_preview": result.is_preview,
        "rows_tried": result.rows_tried,
        "rows_loaded": result.rows_loaded,
        "rows_duplicate": result.rows_duplicate,
        "rows_rejected": result.rows_rejected,
        "rejects_moved": result.rejects_moved,
        "refused": result.refused,
    }
    if result.files or not output.is_text:
        output.table(result.files, _COLUMNS, schema="trade-ingest.replay/1", summary=summary)
    will = "would be " if result.is_preview and result.files else ""
    output.text(
        f"{counted(result.rows_tried, 'reject')} tried: {result.rows_loaded:,} {will}loaded,"
        f" {result.rows_duplicate:,} duplicate, {result.rows_rejected:,} still open"
    )
    if result.rejects_moved:
        moved = counted(result.rejects_moved, "reject")
        invocation.say(f"{moved} found by file and row number: the file was loaded again since the export")
    for handed in result.handed_over:
        if handed.error is not None:
            said = f"{handed.lake} does not have the rows of file {handed.file_id} yet, the next run hands them over"
            invocation.say(printable(f"warning: {said}: {handed.error.message}"))
    is_refused = _show_refused(invocation, result)
    if result.rows_rejected:
        invocation.say("see what is still wrong with: trade-ingest rejects")
    return EXIT_FAILED if is_refused else 0


def _show_refused(invocation: Invocation, result: ReplayResult) -> bool:
    """Say what could not be tried; whether that is an error, which is said in any case."""
    from trade_ingest.errors import ReplayRefusedError

    for refusal in result.refused:
        ids = f" ({', '.join(map(str, refusal.reject_ids))})" if refusal.reject_ids else ""
        text = printable(f"{counted(refusal.rejects, 'reject')}{ids}: {refusal.why}")
        if refusal.is_settled:
            invocation.say(f"refused: {text}")
        else:
            show_error(ReplayRefusedError.code, text, "")
    for file in result.failed:
        if file.error is not None:
            show_error(file.error.code, printable(file.error.message), printable(file.error.hint))
    return bool(result.failed) or not all(refusal.is_settled for refusal in result.refused)
