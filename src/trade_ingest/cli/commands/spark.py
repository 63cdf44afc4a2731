"""``trade-ingest spark``: Spark on this machine."""

from __future__ import annotations

import click

from trade_ingest.cli.display import format_bytes
from trade_ingest.cli.invocation import Invocation, common_options


@click.group()
def command() -> None:
    """Let Spark start sooner on this machine.

    \b
    Examples:
      trade-ingest spark prepare
    """  # noqa: D301  # \b keeps click from joining the lines


@command.command("prepare")
@common_options("output")
@click.pass_obj
def prepare(invocation: Invocation) -> None:
    """Make an archive of Spark's classes, with which its Java starts in half the time.

    Starts Spark once, which takes about 20 seconds; the archive takes about 150 MB in your cache folder. It fits this
    Java and this installation of Spark: make it again after an update of either. It may be deleted at any time.
    """
    from trade_ingest.engine.java_archive import make_archive

    path, is_new = make_archive()
    size_bytes = path.stat().st_size
    invocation.output.object(
        {"path": str(path), "size_bytes": size_bytes, "is_new": is_new},
        schema="trade-ingest.spark/1",
        text=f"{'made' if is_new else 'is there already:'} {path} ({format_bytes(size_bytes)})",
    )
