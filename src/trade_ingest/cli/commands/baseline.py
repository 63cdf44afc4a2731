"""``trade-ingest baseline``: take files as loaded."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from trade_ingest.cli.commands.plan import chosen_sources, command_line, source_argument
from trade_ingest.cli.delivery import delivery_options
from trade_ingest.cli.display import counted
from trade_ingest.cli.invocation import Invocation, common_options
from trade_ingest.cli.selection import selection_flags, selection_options

if TYPE_CHECKING:
    from trade_ingest.source.pattern import Selection


@click.command()
@source_argument
@common_options("contract", "database", "output")
@selection_options
@delivery_options
@click.pass_obj
def command(invocation: Invocation, sources: tuple[str, ...], *, selection: Selection) -> None:
    """Mark the files of SOURCE as loaded, at their present versions, without loading them.

    For a target that was filled by other means: from then on only new and changed files are loaded. Files that the
    ledger has as loaded already stay as they are.

    \b
    Example:
      trade-ingest baseline 'trades/2023-*.csv.gz'
    """  # noqa: D301  # \b keeps click from joining the lines
    from trade_ingest.pipeline import baseline

    chosen = chosen_sources(invocation, sources)
    result = baseline(
        chosen,
        contract=invocation.contract,
        database=invocation.database,
        connections=invocation.settings.store_connections,
        selection=selection,
    )
    text = (
        f"run {result.run_id}: {counted(result.files_planned, 'file')} marked as loaded,"
        f" {result.files_skipped:,} known already  {result.contract} → {result.target}"
    )
    invocation.output.object(result.as_dict(), schema="trade-ingest.run/1", text=text)
    again = command_line(invocation, "plan", sources, selection_flags(selection))
    invocation.say(f"see that nothing is left to load: {again}")
