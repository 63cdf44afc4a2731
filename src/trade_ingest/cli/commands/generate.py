"""``trade-ingest generate``: synthetic files."""

from __future__ import annotations

import time
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from trade_ingest.cli.display import counted, format_bytes, format_seconds
from trade_ingest.cli.invocation import Invocation, common_options, setting_option
from trade_ingest.cli.output import FORMATS

if TYPE_CHECKING:
    from trade_ingest.generate import GeneratedFile

DEFAULT_FILES = 20
_COMPRESSIONS = ("gzip", "zstd", "bz2", "xz", "lz4")
_REPORT_SECONDS = 10.0


@click.command()
@common_options("contract")
@click.option(
    "--output",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("data/synthetic"),
    show_default=True,
    help="The folder for the files.",
)
@click.option("--rows", type=click.IntRange(min=1), default=100_000, show_default=True, help="Rows of all files.")
@click.option(
    "--files", type=click.IntRange(min=1), help=f"Files, one a trading day.  [default: {DEFAULT_FILES}, at most --rows]"
)
@click.option("--seed", type=int, default=0, show_default=True, help="Another seed gives other rows of the same kind.")
@click.option(
    "--start-date",
    type=click.DateTime(["%Y-%m-%d"]),
    metavar="YYYY-MM-DD",
    help="The first day.  [default: 2024-01-02]",
)
@click.option(
    "--bad-ratio", type=click.FloatRange(0, 0.5), default=0.0, help="Share of rows that break the contract, e.g. 0.01."
)
@click.option(
    "--duplicate-ratio",
    type=click.FloatRange(0, 0.5),
    default=0.0,
    help="Share of rows that repeat earlier files' rows.",
)
@click.option("--unique", is_flag=True, help="No two rows with the same ids: each row is a trade of its own.")
@click.option(
    "--compress",
    "compression",
    type=click.Choice(_COMPRESSIONS),
    is_flag=False,
    flag_value="gzip",
    help="Compress the files; without a value with gzip.",
)
@click.option("--force", is_flag=True, help="Replace existing files of the same names.")
@setting_option(
    "-o", "--output-format", setting="output", type=click.Choice(FORMATS), help="How the result is printed."
)
@click.pass_obj
def command(
    invocation: Invocation,
    /,
    folder: Path,
    rows: int,
    files: int | None,
    start_date: datetime | None,
    compression: str | None,
    *,
    unique: bool,
    force: bool,
    **numbers: Any,
) -> None:
    """Write synthetic trade files for a contract, one for each trading day.

    The same arguments give the same files, on any machine. The files of trade_event, binance_spot_trades and
    kraken_trades look like real ones; those of other contracts satisfy all of their rules.

    \b
    Examples:
      trade-ingest generate --rows 1000000
      trade-ingest generate --bad-ratio 0.005 --duplicate-ratio 0.01 --seed 7
      trade-ingest generate --contract my_feed.yaml --files 3 --compress zstd
    """  # noqa: D301  # \b keeps click from joining the lines
    from trade_ingest.generate import DEFAULT_START, generate

    started = time.monotonic()
    result = generate(
        invocation.contract,
        folder,
        rows=rows,
        files=min(DEFAULT_FILES, rows) if files is None else files,
        start_date=DEFAULT_START if start_date is None else start_date.date(),
        unique_ids=unique,
        compression=compression or "none",
        overwrite=force,
        on_file=_Progress(invocation, rows),
        **numbers,
    )
    seconds = time.monotonic() - started
    values = {
        "contract": result.contract,
        "output": folder,
        "files": len(result.files),
        "rows": result.rows,
        "bad_rows": result.bad_rows,
        "duplicate_rows": result.duplicate_rows,
        "size_bytes": result.size_bytes,
        "duration_seconds": round(seconds, 3),
        "rows_per_second": round(result.rows / seconds),
    }
    text = (
        f"{counted(result.rows, 'row')} in {counted(len(result.files), 'file')}, {format_bytes(result.size_bytes)},"
        f" {result.bad_rows:,} bad, {result.duplicate_rows:,} duplicate"
        f"  {format_seconds(seconds)}, {values['rows_per_second']:,} rows/s"
    )
    invocation.output.object(values, schema="trade-ingest.generate/1", text=text)
    invocation.say(f"load them: trade-ingest run {folder}{_contract_option(invocation)}")


class _Progress:
    """Reports each file as an event, and every ten seconds how far it is."""

    def __init__(self, invocation: Invocation, rows: int) -> None:
        self._invocation = invocation
        self._rows = rows
        self._written = 0
        self._said_at = time.monotonic()

    def __call__(self, file: GeneratedFile) -> None:
        self._written += file.rows
        event = {
            "event": "file_generated",
            "uri": str(file.path),
            "date": file.date.isoformat(),
            "rows": file.rows,
            "bad_rows": file.bad_rows,
            "duplicate_rows": file.duplicate_rows,
            "size_bytes": file.size_bytes,
        }
        self._invocation.output.event(event)
        if time.monotonic() - self._said_at >= _REPORT_SECONDS:
            self._said_at = time.monotonic()
            self._invocation.say(f"{self._written:,} of {self._rows:,} rows")


def _contract_option(invocation: Invocation) -> str:
    contract = invocation.flags.get("contract")
    return f" --contract {contract}" if contract else ""
