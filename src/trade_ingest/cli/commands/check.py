"""``trade-ingest check``: judge files without a database."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import click

from trade_ingest.cli.commands.plan import chosen_sources, source_argument
from trade_ingest.cli.display import counted, format_bytes, format_count, printable, shortened, styled
from trade_ingest.cli.excerpt import marked_record
from trade_ingest.cli.invocation import Invocation, common_options, setting_option
from trade_ingest.cli.output import Column
from trade_ingest.cli.selection import selection_options

if TYPE_CHECKING:
    from trade_ingest.check import CheckedReject, FileCheck
    from trade_ingest.parse.reject import Reason
    from trade_ingest.source.pattern import Selection

EXIT_FAILED_FILES = 1

_SCHEMA = "trade-ingest.check/1"
_SHOWN_VALUE = 60  # characters; the record below shows all of it

_COLUMNS = (
    Column("uri"),
    Column("state"),
    Column("size_bytes"),
    Column("rows_read"),
    Column("rows_accepted"),
    Column("rows_rejected"),
    Column("reasons"),
    Column("rejects"),
    Column("error"),
)


@click.command()
@source_argument
@common_options("contract")
@setting_option(
    "--max-rejects",
    setting="max_rejects",
    metavar="N|N%|N,N%",
    help="Rejects that a file may have; default: as the contract says.",
)
@selection_options
@click.option("--limit", type=click.IntRange(min=0), default=10, show_default=True, help="Rejects shown of each file.")
@common_options("output")
@click.pass_obj
def command(invocation: Invocation, sources: tuple[str, ...], *, limit: int, selection: Selection) -> int:
    """Check files against a contract, without a database: what would be loaded, and what rejected and why.

    Keys are not looked up: duplicates and conflicts with rows that are loaded already show only in `run`. Exits with 1
    if a file would fail.

    \b
    Examples:
      trade-ingest check trades/2024-01-02.csv
      trade-ingest check trades/ --contract ./my_feed.yaml --limit 3
    """  # noqa: D301  # \b keeps click from joining the lines
    from trade_ingest.check import check

    results = check(
        chosen_sources(invocation, sources),
        contract=invocation.contract,
        reject_limit=invocation.settings.reject_limit,
        limit=limit,
        connections=invocation.settings.store_connections,
        selection=selection,
    )
    seen = _Seen()
    if invocation.output.is_text:
        for result in seen.counting(results):
            for line in _lines(result):
                invocation.output.text(line)
        invocation.output.text(seen.totals())
    else:
        rows = (_row(result) for result in seen.counting(results))
        invocation.output.table(rows, _COLUMNS, schema=_SCHEMA)
    return EXIT_FAILED_FILES if seen.failed else 0


class _Seen:
    """Counts over the files that have been checked."""

    def __init__(self) -> None:
        self.files = self.failed = self.rows = self.rejects = 0

    def counting(self, results: Iterable[FileCheck]) -> Iterator[FileCheck]:
        """Pass the results on, and count them."""
        for result in results:
            self.files += 1
            self.failed += not result.passes
            self.rows += result.rows_read
            self.rejects += result.rows_rejected
            yield result

    def totals(self) -> str:
        """The last line."""
        verdict = f"{self.failed:,} would fail" if self.failed else "all would be loaded"
        return (
            f"{counted(self.files, 'file')}: {verdict}; {counted(self.rows, 'row')}, {counted(self.rejects, 'reject')}"
        )


def _lines(result: FileCheck) -> Iterator[str]:
    verdict = styled("pass", "green", sys.stdout) if result.passes else styled("FAIL", "red", sys.stdout)
    yield (
        f"{verdict}  {printable(result.uri)}  {format_bytes(result.size_bytes)}:"
        f" {format_count(result.rows_read)} read = {format_count(result.rows_accepted)} accepted"
        f" + {format_count(result.rows_rejected)} rejected"
        + (f"; {counted(result.records_ignored, 'record')} ignored" if result.records_ignored else "")
    )
    if result.error is not None:
        yield f"  {styled(f'[{result.error.code}]', 'red', sys.stdout)} {printable(result.error.message)}"
        if result.error.hint:
            yield f"  {styled('hint', 'cyan', sys.stdout)}: {printable(result.error.hint)}"
    for group in result.reasons:
        column = f" in {group.column}" if group.column else ""
        yield f"  {counted(group.rows, 'row')}: {group.reason}{column}"
    for reject in result.rejects:
        yield from _reject_lines(reject)
    hidden = result.rows_rejected - len(result.rejects)
    if hidden and result.rejects:
        yield f"  and {counted(hidden, 'more reject', 'more rejects')}: --limit {result.rows_rejected} shows all"
    if result.reasons or result.error is not None:
        yield ""


def _reject_lines(reject: CheckedReject) -> Iterator[str]:
    reasons = ", ".join(_reason_text(reason) for reason in reject.reasons)
    yield f"  row {format_count(reject.row_number)}, byte {format_count(reject.byte_offset)}: {reasons}"
    yield from marked_record(reject.raw_text, reject.marks)


def _reason_text(reason: Reason) -> str:
    value = "" if reason.value is None else f" {shortened(printable(repr(reason.value)), _SHOWN_VALUE)}"
    return f"{reason.column or 'record'}{value} {reason.code}"


def _row(result: FileCheck) -> dict[str, Any]:
    return {
        "uri": result.uri,
        "state": "pass" if result.passes else "fail",
        "size_bytes": result.size_bytes,
        "rows_read": result.rows_read,
        "rows_accepted": result.rows_accepted,
        "rows_rejected": result.rows_rejected,
        "records_ignored": result.records_ignored,
        "reasons": [{"reason": r.reason, "column": r.column, "rows": r.rows} for r in result.reasons],
        "rejects": [
            {
                "row_number": r.row_number,
                "byte_offset": r.byte_offset,
                "raw_text": r.raw_text,
                "reasons": [reason.as_dict() for reason in r.reasons],
                "marks": [list(mark) for mark in r.marks],
            }
            for r in result.rejects
        ],
        "error": result.error and result.error.as_dict(),
    }
