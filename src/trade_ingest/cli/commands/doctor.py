"""``trade-ingest doctor``: is everything in place."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from trade_ingest.cli.display import STATE_COLOURS, printable, styled
from trade_ingest.cli.invocation import Invocation, common_options
from trade_ingest.cli.output import Column

if TYPE_CHECKING:
    from trade_ingest.doctor import CheckResult

EXIT_FAILED = 1

_SIGNS = {"pass": "✓", "warn": "!", "fail": "✗"}
_COLUMNS = (Column("name"), Column("state"), Column("message"), Column("fix"), Column("duration_seconds"))


@click.command()
@click.option("--source", metavar="URI", help="Instead: whether this source can be listed and read, and by whom.")
@common_options("contract", "database", "output")
@click.pass_obj
def command(invocation: Invocation, *, source: str | None) -> int:
    """Check all that a run needs: Python, contract, engine, database, rights, ledger, target, disk and clock.

    Every check passes, warns or fails, and says what would mend it. Exits with 1 if one fails. Starts the embedded
    server if no database is configured; changes nothing in the database.

    With --source, needs no database: where the source is, where its credentials come from (never what they are), its
    clock, whether it can be listed, and whether a file of it can be read.

    \b
    Examples:
      trade-ingest doctor
      trade-ingest doctor --source s3://vendor-deliveries/fx/
    """  # noqa: D301  # \b keeps click from joining the lines
    from trade_ingest.doctor import CheckState

    results: list[CheckResult] = []
    for result in _checks(invocation, source):
        results.append(result)
        for line in _lines(result):
            invocation.output.text(line)
    failed = sum(result.state == CheckState.FAIL for result in results)
    warned = sum(result.state == CheckState.WARN for result in results)
    if invocation.output.is_text:
        passed = len(results) - failed - warned
        invocation.output.text(f"\n{passed} passed, {warned} warned, {failed} failed")
    else:
        invocation.output.table(
            results, _COLUMNS, schema="trade-ingest.doctor/1", summary={"failed": failed, "warned": warned}
        )
    return EXIT_FAILED if failed else 0


def _checks(invocation: Invocation, source: str | None) -> Iterator[CheckResult]:
    settings = invocation.settings
    if source is not None:
        from trade_ingest.source_checks import diagnose_source

        return diagnose_source(source, settings.store_connections)
    from trade_ingest.doctor import diagnose

    if settings.database_url is None:
        invocation.say_embedded()
    return diagnose(settings)


def _lines(result: CheckResult) -> Iterator[str]:
    state = result.state.value
    word = styled(f"{_SIGNS[state]} {state}", STATE_COLOURS[state], sys.stdout)
    yield f"{word}  {result.name:<12} {printable(result.message)}"
    if result.fix:
        yield f"{'':<21}fix: {printable(result.fix)}"
