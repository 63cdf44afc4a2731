"""``trade-ingest rejects``: rows that broke their contract."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from trade_ingest.cli.confirmation import confirm
from trade_ingest.cli.display import counted, printable, styled, terminal_width, text_width
from trade_ingest.cli.invocation import Invocation, common_options, is_given
from trade_ingest.cli.output import Column

if TYPE_CHECKING:
    from trade_ingest.ledger.queries import Connection
    from trade_ingest.ledger.rejects import RejectFilter, RejectRow

_Decorated = TypeVar("_Decorated", bound=Callable[..., Any])

STATES = ("open", "replayed", "discarded")

_GROUP_COLUMNS = (
    Column("reason"),
    Column("column"),
    Column("rejects", align="right"),
    Column("files", align="right"),
    Column("example_value", "example", shorten="start"),
    Column("example_reject_id", only_data=True),
)
_ROW_COLUMNS = tuple(
    Column(name)
    for name in (
        "reject_id",
        "file_id",
        "uri",
        "run_id",
        "row_number",
        "byte_offset",
        "state",
        "reasons",
        "raw_text",
        "marks",
        "resolved_at",
        "resolved_run_id",
        "discard_reason",
    )
)


def filter_options(function: _Decorated) -> _Decorated:
    """The options that say which rejects are meant: the fields of a ``RejectFilter``."""
    for option in (
        click.option("--column", metavar="NAME", help="Only with a bad cell in this column."),
        click.option("--reason", metavar="CODE", help="Only with this reason."),
        click.option("--run", "run_id", type=int, metavar="ID", help="Only those that this run found."),
        click.option(
            "--file", "file_ids", type=int, multiple=True, metavar="ID", help="Only of this file; repeatable."
        ),
    ):
        function = option(function)
    return function


@click.command()
@filter_options
@click.option("--state", "states", type=click.Choice((*STATES, "all")), default="open", show_default=True)
@click.option("--rows", is_flag=True, help="List single rejects, the bad cells marked.")
@click.option(
    "--limit", type=click.IntRange(min=1), default=20, show_default=True, help="At most so many groups or rows."
)
@click.option(
    "--export", metavar="FILE.csv", type=click.Path(dir_okay=False, writable=True), help="Write all to a file."
)
@click.option("--discard", is_flag=True, help="Mark them as not to be loaded; needs --why.")
@click.option("--why", metavar="TEXT", default="", help="Kept with what is discarded.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@common_options("database", "output")
@click.pass_obj
def command(
    invocation: Invocation,
    /,
    states: str,
    limit: int,
    export: str | None,
    why: str,
    *,
    rows: bool,
    discard: bool,
    yes: bool,
    **filters: Any,
) -> None:
    """Show what was rejected: grouped by reason and column, or row by row.

    \b
    Examples:
      trade-ingest rejects --run 7
      trade-ingest rejects --file 12 --rows
      trade-ingest rejects --reason below_min --export rejects.csv
      trade-ingest rejects --file 12 --discard --why 'test rows of the venue'
    """  # noqa: D301  # \b keeps click from joining the lines
    from trade_ingest.errors import UsageError
    from trade_ingest.ledger.known import require_known
    from trade_ingest.ledger.queries import open_ledger
    from trade_ingest.ledger.rejects import RejectFilter

    if (discard or export is not None) and is_given("limit"):
        message = "--limit is for what is shown: --export and --discard take all"
        raise UsageError(message, hint="narrow them with --file, --run, --reason or --column")
    wanted = RejectFilter(**filters, states=() if states == "all" else (states,))
    with open_ledger(invocation.database) as connection:
        require_known(connection, wanted)
        if discard:
            _discard(invocation, connection, wanted, why=why, yes=yes)
        elif export is not None:
            _export(invocation, connection, wanted, export)
        elif rows:
            _show_rows(invocation, connection, wanted, limit)
        else:
            _show_groups(invocation, connection, wanted, limit)


def _show_groups(invocation: Invocation, connection: Connection, wanted: RejectFilter, limit: int) -> None:
    from trade_ingest.ledger.rejects import count_rejects, group_rejects

    groups, count = group_rejects(connection, wanted), count_rejects(connection, wanted)
    shown = groups[:limit]
    summary = {"rejects": count, "groups": len(groups)}
    invocation.output.table(
        shown, _GROUP_COLUMNS, schema="trade-ingest.reject_groups/1", summary=summary, empty="no rejects"
    )
    if len(shown) < len(groups):
        invocation.output.text(f"{len(shown):,} of {counted(len(groups), 'group')}")
        invocation.say("--limit shows more")
    if groups:
        invocation.output.text(f"{counted(count, 'reject')}; a row with several reasons is in several groups")
        invocation.say("see the rows with: trade-ingest rejects --rows; correct them with --export FILE.csv and replay")


def _show_rows(invocation: Invocation, connection: Connection, wanted: RejectFilter, limit: int) -> None:
    from trade_ingest.ledger.rejects import count_rejects, list_rejects

    rejects = list_rejects(connection, wanted, limit=limit)
    if not invocation.output.is_text:
        invocation.output.table(rejects, _ROW_COLUMNS, schema="trade-ingest.rejects/1")
        return
    shown = 0
    for reject in rejects:
        shown += 1
        for line in reject_lines(reject):
            invocation.output.text(line)
    count = count_rejects(connection, wanted)
    invocation.output.text(f"{shown:,} of {counted(count, 'reject')}" if count else "no rejects")
    if shown < count:
        invocation.say("--limit shows more, --export FILE.csv writes all")


def _export(invocation: Invocation, connection: Connection, wanted: RejectFilter, path: str) -> None:
    from trade_ingest.ledger.export import write_export
    from trade_ingest.ledger.rejects import list_rejects

    with Path(path).open("w", encoding="utf-8", newline="") as file:
        count = write_export(list_rejects(connection, wanted, limit=None), file)
    values = {"path": path, "rejects": count}
    invocation.output.object(
        values, schema="trade-ingest.export/1", text=f"{counted(count, 'reject')} written to {path}"
    )
    invocation.say(f"correct the column raw, then: trade-ingest replay {path} --preview")


def _discard(invocation: Invocation, connection: Connection, wanted: RejectFilter, *, why: str, yes: bool) -> None:
    from dataclasses import replace

    from trade_ingest.errors import UsageError
    from trade_ingest.ledger.rejects import count_rejects, discard_rejects

    if not why.strip():
        message = "a reason is needed to discard rejects"
        raise UsageError(message, hint="say it with --why")
    wanted = replace(wanted, states=("open",))
    count = count_rejects(connection, wanted)
    if count and not confirm(f"Discard {counted(count, 'open reject')}?", yes=yes):
        invocation.say("nothing was changed")
        return
    discarded = discard_rejects(connection, why=why, wanted=wanted) if count else 0
    text = f"{counted(discarded, 'reject')} discarded: {printable(why)}"
    invocation.output.object({"discarded": discarded, "why": why}, schema="trade-ingest.discard/1", text=text)


def reject_lines(reject: RejectRow) -> list[str]:
    """A reject as text: where it is, what is wrong, and the row with a line of carets below the bad cells."""
    place = f"{reject.uri}:{reject.row_number} (file {reject.file_id}, byte {reject.byte_offset:,})"
    heading = f"reject {reject.reject_id}  {place}"
    if reject.state != "open":
        heading += f"  {reject.state}"
    lines = [printable(heading)]
    for reason in reject.reasons:
        where = f"{reason['column']}: " if reason["column"] else ""
        value = f" {reason['value']!r}" if reason["value"] is not None else ""
        lines.append(f"  {where}{styled(str(reason['code']), 'red', sys.stdout)}{printable(value)}")
    text, carets = marked(reject.raw_text, reject.marks, width=max(terminal_width() - 4, 40))
    lines.append(f"  | {text}")
    if carets:
        lines.append(f"  | {styled(carets, 'red', sys.stdout)}")
    return lines


def marked(text: str, marks: list[tuple[int, int]], *, width: int) -> tuple[str, str]:
    """The text on one line of at most ``width`` columns around the first mark, and carets below its marks."""
    pieces = [printable(character) for character in text]
    bad = {i for start, end in marks for i in range(start, max(end, start + 1))}
    if bad and max(bad) >= len(pieces):
        pieces.append(" ")  # an empty last cell has its caret after the text
    first, last = _window(pieces, min(bad, default=0), width)
    shown = pieces[first:last]
    carets = "".join(
        ("^" if i in bad else " ") * text_width(piece) for i, piece in enumerate(shown, start=first)
    ).rstrip()
    before, after = "…" * (first > 0), "…" * (last < len(pieces))
    return f"{before}{''.join(shown)}{after}".rstrip(), f"{' ' * len(before)}{carets}" if carets else ""


def _window(pieces: list[str], wanted: int, width: int) -> tuple[int, int]:
    widths = [text_width(piece) for piece in pieces]
    if sum(widths) <= width:
        return 0, len(pieces)
    room = width - 2  # for the ellipses
    first = wanted
    used = 0
    while first > 0 and used + widths[first - 1] <= room // 3:
        first -= 1
        used += widths[first]
    last = first
    used = 0
    while last < len(pieces) and used + widths[last] <= room:
        used += widths[last]
        last += 1
    return first, last
