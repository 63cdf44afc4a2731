"""``trade-ingest ls``: what a source holds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import click

from trade_ingest.cli.display import counted, format_bytes, format_time, printable
from trade_ingest.cli.invocation import Invocation, common_options
from trade_ingest.cli.output import Column
from trade_ingest.cli.selection import selection_options

if TYPE_CHECKING:
    from trade_ingest.source.file import SourceFile
    from trade_ingest.source.pattern import Selection

_COLUMNS = (Column("uri"), Column("version"), Column("size_bytes"), Column("modified_at"))


@click.command()
@click.argument("sources", metavar="SOURCE...", nargs=-1, required=True)
@selection_options
@common_options("output")
@click.pass_obj
def command(invocation: Invocation, sources: tuple[str, ...], *, selection: Selection) -> None:
    """List the files of SOURCE as `run` would find them: size, time of change, version, name.

    SOURCE is a path, a URI (s3://, gs://, az://container@account/, https:// …), a folder of either or a quoted glob.
    Files are printed as they are found, however many there are. Needs no database.

    \b
    Examples:
      trade-ingest ls s3://vendor-deliveries/fx/
      trade-ingest ls 'az://fills@acme/2024/**/*.csv.gz' -o jsonl
      trade-ingest ls 'gs://ticks/{date:%Y/%m/%d}/*.csv' --from 2024-03-01 --to 2024-03-31
    """  # noqa: D301  # \b keeps click from joining the lines
    from trade_ingest.source.listing import OpenListing

    listing = OpenListing(sources, connections=invocation.settings.store_connections, selection=selection)
    seen = _Seen()
    if invocation.output.is_text:
        for file in seen.counting(listing):
            invocation.output.text(_line(file))
    else:
        invocation.output.table(seen.counting(listing), _COLUMNS, schema="trade-ingest.listing/1")
    invocation.say(f"{counted(seen.files, 'file')}, {format_bytes(seen.size_bytes)}")
    if listing.ignored:
        first = printable(listing.ignored[0])
        invocation.say(f"{len(listing.ignored):,} ignored, not named .csv, .txt, .tsv or .psv: {first} …")


class _Seen:
    """Counts over the files that have been listed."""

    def __init__(self) -> None:
        self.files = self.size_bytes = 0

    def counting(self, files: Iterable[SourceFile]) -> Iterator[SourceFile]:
        """Pass the files on, and count them."""
        for file in files:
            self.files += 1
            self.size_bytes += file.size_bytes
            yield file


def _line(file: SourceFile) -> str:
    """A line of columns that are as wide in each: later files are not known yet."""
    size, changed = format_bytes(file.size_bytes), format_time(file.modified_at)
    return f"{size:>10}  {changed}  {printable(file.version):<34}  {printable(file.uri)}"
