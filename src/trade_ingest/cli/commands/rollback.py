"""``trade-ingest rollback``: files out again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from trade_ingest.cli.confirmation import confirm
from trade_ingest.cli.display import counted, printable
from trade_ingest.cli.invocation import Invocation, common_options
from trade_ingest.cli.output import Column

if TYPE_CHECKING:
    from trade_ingest.rollback import RollbackResult

_COLUMNS = (
    Column("file_id", "file", align="right", format=str),
    Column("rows_removed", "rows out", align="right"),
    Column("restored_file_id", "brings back", align="right", format=lambda file_id: f"file {file_id}"),
    Column("rows_restored", "rows back", align="right"),
    Column("target"),
    Column("uri", "file", shorten="end"),
)


@click.command()
@click.argument("files", metavar="[FILE]...", nargs=-1)
@click.option("--run", "run_id", type=int, metavar="ID", help="All files that this run loaded, newest first.")
@click.option("--preview", is_flag=True, help="Show what would happen, and change nothing.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@common_options("database", "output")
@click.pass_obj
def command(invocation: Invocation, files: tuple[str, ...], run_id: int | None, *, preview: bool, yes: bool) -> None:
    """Take out exactly the rows of files, and bring back what they had replaced; all in one transaction.

    FILE is a file's number in the ledger or its path. The files are not loaded again unless `run --reload` asks for it.

    \b
    Examples:
      trade-ingest rollback 12 --preview
      trade-ingest rollback 12 13 --yes
      trade-ingest rollback trades/2024-01-16.csv
      trade-ingest rollback --run 7
    """  # noqa: D301  # \b keeps click from joining the lines
    from trade_ingest.rollback import find_loaded, rollback

    file_ids = find_loaded(invocation.database, files)
    expected = rollback(invocation.database, file_ids=file_ids, run_id=run_id, preview=True)
    if preview:
        _show(invocation, expected)
        return
    question = f"Take {counted(expected.rows_removed, 'row')} of {counted(len(expected.files), 'file')} out"
    if expected.rows_restored:
        question += f", and bring {counted(expected.rows_restored, 'row')} back"
    if not confirm(f"{question}?", yes=yes):
        invocation.say("nothing was changed")
        return
    connections = invocation.settings.store_connections
    _show(invocation, rollback(invocation.database, file_ids=file_ids, run_id=run_id, connections=connections))


def _show(invocation: Invocation, result: RollbackResult) -> None:
    output = invocation.output
    summary: dict[str, Any] = {
        "run_id": result.run_id,
        "is_preview": result.is_preview,
        "rows_removed": result.rows_removed,
        "rows_restored": result.rows_restored,
        "rows_missing": result.rows_missing,
        "lost_duplicates": result.lost_duplicates,
        "released": result.released,
    }
    output.table(result.files, _COLUMNS, schema="trade-ingest.rollback/1", summary=summary)
    verb = "to be " if result.is_preview else ""
    output.text(f"{counted(result.rows_removed, 'row')} {verb}taken out, {result.rows_restored:,} {verb}brought back")
    for line in _notes(result):
        invocation.say(printable(line))


def _notes(result: RollbackResult) -> list[str]:
    notes = []
    notes += [
        f"warning: {handed.lake} still has rows of file {handed.file_id}, which the next run takes out:"
        f" {handed.error.message}"
        for handed in result.handed_over
        if handed.error is not None
    ]
    if result.rows_missing:
        notes.append(f"warning: {counted(result.rows_missing, 'row')} that the ledger had as loaded were not there")
    notes += [
        f"warning: {counted(lost.rows, 'row')} of file {lost.file_id} ({lost.uri}) counted as duplicate of rows"
        " that are gone now: they are in no table"
        for lost in result.lost_duplicates
    ]
    if result.commands:
        notes.append(f"load them again with: {' && '.join(result.commands)}")
    notes += [f"has the same content, and is loaded by the next run: {uri}" for uri in result.released]
    if not result.is_preview:
        notes.append("check with: trade-ingest reconcile")
    return notes
