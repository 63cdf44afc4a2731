"""``trade-ingest reconcile``: does the target hold what the ledger says?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from trade_ingest.cli.display import counted, format_seconds, printable
from trade_ingest.cli.invocation import Invocation, common_options
from trade_ingest.cli.output import Column

if TYPE_CHECKING:
    from trade_ingest.reconcile import ReconcileResult

_SHOWN = 50

_COLUMNS = (
    Column("target"),
    Column("kind", "what"),
    Column("column"),
    Column("file_id", "file", align="right", format=str),
    Column("expected", "ledger", align="right"),
    Column("found", align="right"),
    Column("uri", "file", shorten="end"),
)


@click.command()
@click.option("--target", metavar="SCHEMA.TABLE", help="Only this target; default: all, or that of --contract.")
@click.option("--file", "file_ids", type=int, multiple=True, metavar="ID", help="Only this file; may be repeated.")
@click.option(
    "--run", "run_ids", type=int, multiple=True, metavar="ID", help="Only files of this run; may be repeated."
)
@common_options("contract", "database", "output")
@click.pass_obj
def command(invocation: Invocation, target: str | None, file_ids: tuple[int, ...], run_ids: tuple[int, ...]) -> None:
    """Compare the ledger with the rows in the target: counts, control totals, rejects, rows without a file.

    Ends with exit code 6 if they disagree.

    \b
    Examples:
      trade-ingest reconcile
      trade-ingest reconcile --contract kraken_trades -o json
      trade-ingest reconcile --run 7
    """  # noqa: D301  # \b keeps click from joining the lines
    from trade_ingest.reconcile import reconcile

    contract = invocation.contract if "contract" in invocation.flags else None
    result = reconcile(invocation.database, target=target, contract=contract, file_ids=file_ids, run_ids=run_ids)
    _show(invocation, result)
    if result.error is not None:
        raise result.error


def _show(invocation: Invocation, result: ReconcileResult) -> None:
    output = invocation.output
    mismatches = [
        {"target": target.target, **{name: getattr(mismatch, name) for name in _FIELDS}}
        for target in result.targets
        for mismatch in target.mismatches
    ]
    lost = [duplicates for target in result.targets for duplicates in target.lost_duplicates]
    summary = {
        "is_balanced": result.is_balanced,
        "files": result.files,
        "rows": result.rows,
        "targets": [{"target": t.target, "files": t.files, "rows": t.rows} for t in result.targets],
        "lost_duplicates": lost,
        "duration_seconds": round(result.duration_seconds, 3),
    }
    if mismatches or not output.is_text:
        shown = mismatches[:_SHOWN] if output.is_text else mismatches
        output.table(shown, _COLUMNS, schema="trade-ingest.reconciliation/1", summary=summary)
        if len(mismatches) > len(shown):
            output.text(f"and {len(mismatches) - len(shown):,} more: -o csv lists all")
    for target in result.targets:
        verdict = (
            "agrees with the ledger"
            if target.is_balanced
            else counted(len(target.mismatches), "mismatch", "mismatches")
        )
        output.text(f"{target.target}: {counted(target.files, 'file')}, {counted(target.rows, 'row')}: {verdict}")
    if not result.targets:
        output.text("nothing is loaded yet")
    output.text(f"compared in {format_seconds(result.duration_seconds)}")
    for duplicates in lost:
        text = (
            f"warning: {counted(duplicates.rows, 'row')} of file {duplicates.file_id} ({duplicates.uri}) counted as"
            f" duplicate of file {duplicates.original_file_id}, which is {duplicates.original_state.replace('_', ' ')};"
            f" to load them: trade-ingest rollback {duplicates.file_id}, then run it with --reload"
        )
        invocation.say(printable(text))


_FIELDS = ("kind", "column", "file_id", "expected", "found", "uri")
