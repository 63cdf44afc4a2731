"""``trade-ingest runs``: what was run, and how it ended."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any

import click

from trade_ingest.cli.display import format_bytes, format_ratio, format_seconds, format_time, printable
from trade_ingest.cli.invocation import Invocation, common_options
from trade_ingest.cli.output import Column

if TYPE_CHECKING:
    from trade_ingest.ledger.queries import RunDetail

STATES = ("running", "succeeded", "failed", "interrupted", "abandoned")

_COLUMNS = (
    Column("run_id", "run", align="right", format=str),
    Column("kind"),
    Column("state", is_state=True),
    Column("started_at", "started"),
    Column("ended_at", only_data=True),
    Column("duration_seconds", "duration", align="right", format=format_seconds),
    Column("files_planned", only_data=True),
    Column("files_loaded", "loaded", align="right"),
    Column("files_failed", "failed", align="right"),
    Column("files_skipped", "skipped", align="right"),
    Column("rows_read", only_data=True),
    Column("rows_loaded", "rows loaded", align="right"),
    Column("rows_duplicate", "duplicate", align="right"),
    Column("rows_rejected", "rejected", align="right"),
    Column("bytes_read", "bytes", align="right", format=format_bytes),
    Column("target"),
    Column("sources", format=", ".join, shorten="end"),
    Column("started_by", only_data=True),
    Column("host", only_data=True),
    Column("error", only_data=True),
)

_STAGES = {
    "parse": "reading and checking rows: this machine's processors",
    "copy": "PostgreSQL taking the rows",
    "commit": "PostgreSQL making them durable: its disk",
}


@click.command()
@click.argument("run_id", metavar="[ID]", type=int, required=False)
@click.option("--limit", type=click.IntRange(min=1), default=20, show_default=True, help="At most so many.")
@click.option("--state", "states", type=click.Choice(STATES), multiple=True, help="Only runs in this state.")
@common_options("database", "output")
@click.pass_obj
def command(invocation: Invocation, run_id: int | None, limit: int, states: tuple[str, ...]) -> None:
    """List runs, newest first, or show one.

    \b
    Examples:
      trade-ingest runs --state failed
      trade-ingest runs 7
      trade-ingest runs 7 -o json
    """  # noqa: D301  # \b keeps click from joining the lines
    from trade_ingest.ledger.queries import get_run, list_runs, open_ledger

    with open_ledger(invocation.database) as connection:
        if run_id is not None:
            _show(invocation, get_run(connection, run_id))
            return
        runs = list_runs(connection, states=states, limit=limit)
    invocation.output.table(runs, _COLUMNS, schema="trade-ingest.runs/1", empty="no runs yet")
    if runs:
        invocation.say(f"see one with: trade-ingest runs {runs[0].run_id}")
    else:
        invocation.say("begin one with: trade-ingest run SOURCE")


def _show(invocation: Invocation, detail: RunDetail) -> None:
    run = detail.run
    values: dict[str, Any] = {f.name: getattr(run, f.name) for f in fields(run)}
    values |= {
        "contract": detail.contract,
        "options": detail.options,
        "files_by_state": detail.files_by_state,
        "stage_seconds": detail.stage_seconds,
        "bottleneck": detail.bottleneck,
        "rejects_open": detail.rejects_open,
        "failed": detail.failures,
    }
    invocation.output.object(values, schema="trade-ingest.run_detail/1", text="\n".join(_lines(detail)))
    if detail.failures:
        invocation.say(f"see one with: trade-ingest files {detail.failures[0].file_id}")
    elif detail.rejects_open:
        invocation.say(f"see its rejects with: trade-ingest rejects --run {run.run_id}")


def _lines(detail: RunDetail) -> list[str]:
    run = detail.run
    ended = f"ended {format_time(run.ended_at)}, " if run.ended_at else ""
    files = f"{run.files_planned:,} planned: {run.files_loaded:,} loaded, {run.files_failed:,} failed"
    rows = f"{run.rows_loaded:,} loaded + {run.rows_duplicate:,} duplicate + {run.rows_rejected:,} rejected"
    lines = [
        f"run {run.run_id}: {run.kind}, {run.state}",
        f"  started   {format_time(run.started_at)}, {ended}{format_seconds(run.duration_seconds)}",
        f"  by        {run.started_by} on {run.host}, trade-ingest {run.program_version}, engine {run.engine}",
        f"  sources   {', '.join(run.sources)}",
        f"  target    {run.target}" + (f" by contract {detail.contract}" if detail.contract else ""),
        f"  files     {files}; {run.files_skipped:,} skipped; {format_bytes(run.bytes_read)}",
        f"  rows      {run.rows_read:,} read = {rows}",
    ]
    if detail.files_by_state:
        states = ", ".join(f"{count:,} {state.replace('_', ' ')}" for state, count in detail.files_by_state.items())
        lines.append(f"  now       {states}")
    if detail.rejects_open:
        lines.append(f"  rejects   {detail.rejects_open:,} open")
    lines += _stage_lines(detail)
    if run.error:
        lines.append(f"  error     [{run.error.get('code')}] {run.error.get('message')}")
    for failure in detail.failures:
        lines.append(f"  failed    file {failure.file_id}: [{failure.error['code']}] {failure.error['message']}")
        if failure.error.get("hint"):
            lines.append(f"            hint: {failure.error['hint']}")
    return [printable(line) for line in lines]


def _stage_lines(detail: RunDetail) -> list[str]:
    total = sum(detail.stage_seconds.values())
    lines = []
    for number, (stage, seconds) in enumerate(detail.stage_seconds.items()):
        share = f"{format_seconds(seconds):>9} {format_ratio(seconds, total):>7}"
        lines.append(f"  {'stages' if number == 0 else '':<9} {stage:<7} {share}")
    if detail.bottleneck is not None:
        lines.append(
            f"            bottleneck: {detail.bottleneck} ({_STAGES.get(detail.bottleneck, detail.bottleneck)})"
        )
    return lines
