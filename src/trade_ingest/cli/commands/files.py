"""``trade-ingest files``: what the ledger knows of each file."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any

import click

from trade_ingest.cli.display import counted, format_bytes, format_seconds, format_time, printable
from trade_ingest.cli.invocation import Invocation, common_options
from trade_ingest.cli.output import Column

if TYPE_CHECKING:
    from trade_ingest.ledger.queries import Attempt, FileDetail

STATES = ("pending", "loaded", "failed", "skipped", "replaced", "rolled_back", "baseline")

_COLUMNS = (
    Column("file_id", "file", align="right", format=str),
    Column("state", is_state=True),
    Column("reason"),
    Column("run_id", "run", align="right", format=str),
    Column("rows_read", "read", align="right"),
    Column("rows_loaded", "loaded", align="right"),
    Column("rows_duplicate", "duplicate", align="right"),
    Column("rows_rejected", "rejected", align="right"),
    Column("size_bytes", "size", align="right", format=format_bytes),
    Column("loaded_at", "loaded at"),
    Column("uri", "file", shorten="end"),
    Column("target", only_data=True),
    Column("version", only_data=True),
    Column("modified_at", only_data=True),
    Column("discovered_at", only_data=True),
    Column("event_time_min", only_data=True),
    Column("event_time_max", only_data=True),
    Column("replaces_file_id", only_data=True),
    Column("same_as_file_id", only_data=True),
    Column("error", only_data=True),
)


@click.command()
@click.argument("file_id", metavar="[ID]", type=int, required=False)
@click.option("--run", "run_id", type=int, metavar="ID", help="Only files that this run touched last.")
@click.option("--state", "states", type=click.Choice(STATES), multiple=True, help="Only files in this state.")
@click.option("--uri", metavar="PATTERN", help="Only files whose URI matches; * and ? are wildcards.")
@click.option("--target", metavar="SCHEMA.TABLE", help="Only files of this target.")
@click.option("--limit", type=click.IntRange(min=1), default=50, show_default=True, help="At most so many.")
@common_options("database", "output")
@click.pass_obj
def command(
    invocation: Invocation,
    file_id: int | None,
    run_id: int | None,
    states: tuple[str, ...],
    uri: str | None,
    target: str | None,
    limit: int,
) -> None:
    """List the ledger's files, newest first, or show one.

    \b
    Examples:
      trade-ingest files --state failed
      trade-ingest files --uri '*2024-01*'
      trade-ingest files 12
    """  # noqa: D301  # \b keeps click from joining the lines
    from trade_ingest.ledger.queries import get_file, list_files, open_ledger

    with open_ledger(invocation.database) as connection:
        if file_id is not None:
            _show(invocation, get_file(connection, file_id))
            return
        files = list_files(connection, run_id=run_id, states=states, uri=uri, target=target, limit=limit)
    invocation.output.table(files, _COLUMNS, schema="trade-ingest.files/1", empty="no such files in the ledger")
    if len(files) == limit:
        invocation.say(f"the newest {limit:,}: --limit shows more")
    if files:
        invocation.say(f"see one with: trade-ingest files {files[0].file_id}")


def _show(invocation: Invocation, detail: FileDetail) -> None:
    file = detail.file
    values: dict[str, Any] = {f.name: getattr(file, f.name) for f in fields(file)}
    values |= {f.name: getattr(detail, f.name) for f in fields(detail) if f.name != "file"}
    values["is_balanced"] = file.is_balanced
    invocation.output.object(values, schema="trade-ingest.file_detail/1", text="\n".join(_lines(detail)))
    if detail.rejects_by_state.get("open"):
        invocation.say(f"see its rejects with: trade-ingest rejects --file {file.file_id}")


def _lines(detail: FileDetail) -> list[str]:
    file = detail.file
    reason = f" ({file.reason})" if file.reason else ""
    lines = [
        f"file {file.file_id}: {file.state.replace('_', ' ')}{reason}",
        f"  uri        {file.uri}",
        f"  version    {file.version}, {format_bytes(file.size_bytes)}, changed {format_time(file.modified_at)}",
        f"  target     {file.target} by contract {detail.contract}",
        f"  found      {format_time(file.discovered_at)}",
    ]
    if file.loaded_at:
        lines.append(f"  loaded     {format_time(file.loaded_at)} by run {file.run_id}")
    sign = "balanced" if file.is_balanced else "NOT BALANCED"
    lines.append(
        f"  rows       {file.rows_read:,} read = {file.rows_loaded:,} loaded + {file.rows_duplicate:,} duplicate"
        f" + {file.rows_rejected:,} rejected" + (f" ({sign})" if file.loaded_at else "")
    )
    if file.event_time_min:
        lines.append(f"  times      {format_time(file.event_time_min)} to {format_time(file.event_time_max)}")
    lines += [f"  sum        {column} {total}" for column, total in detail.control_totals.items()]
    if detail.content_hash:
        lines.append(f"  content    xxh3-128 {detail.content_hash}, {format_bytes(detail.content_bytes or 0)} unpacked")
    if detail.after_load:
        lines.append(f"  archive    {detail.after_load.sentence}")
    lines += [f"  lake       {lake.sentence}" for lake in detail.lakes]
    lines += _relations(detail)
    if detail.rejects_by_state:
        states = ", ".join(f"{count:,} {state}" for state, count in detail.rejects_by_state.items())
        lines.append(f"  rejects    {states}")
    if file.error:
        lines += [f"  error      [{file.error['code']}] {file.error['message']}", f"  hint       {file.error['hint']}"]
    lines += [_attempt_line(attempt) for attempt in detail.attempts]
    return [printable(line) for line in lines]


def _relations(detail: FileDetail) -> list[str]:
    file = detail.file
    lines = []
    if file.replaces_file_id is not None:
        lines.append(f"  replaces   file {file.replaces_file_id}")
    if detail.replaced_by_file_id is not None:
        lines.append(f"  replaced   by file {detail.replaced_by_file_id}")
    if file.same_as_file_id is not None:
        lines.append(f"  same as    file {file.same_as_file_id}")
    lines += [f"  duplicates {counted(o.rows, 'row')} of file {o.file_id} ({o.uri})" for o in detail.duplicates_of]
    lines += [f"  duplicated {counted(o.rows, 'row')} by file {o.file_id} ({o.uri})" for o in detail.duplicated_by]
    return lines


def _attempt_line(attempt: Attempt) -> str:
    text = f"  attempt {attempt.number}  {attempt.state} in run {attempt.run_id}, {format_time(attempt.started_at)}"
    if attempt.ended_at:
        text += f", {format_seconds((attempt.ended_at - attempt.started_at).total_seconds())}"
    if attempt.error:
        text += f": [{attempt.error['code']}] {attempt.error['message']}"
    return text
