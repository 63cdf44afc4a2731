"""``trade-ingest infer``: a contract proposed from samples."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from trade_ingest.cli.display import counted, printable
from trade_ingest.cli.invocation import Invocation, setting_option
from trade_ingest.cli.output import FORMATS

if TYPE_CHECKING:
    from trade_ingest.infer.inferring import Proposal

_SCHEMA = "trade-ingest.inference/1"


@click.command()
@click.argument("sources", metavar="FILE...", nargs=-1, required=True)
@click.option(
    "--output",
    "path",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write the contract there; default: to stdout.",
)
@click.option("--force", is_flag=True, help="Replace an existing FILE.")
@setting_option(
    "-o", "--output-format", setting="output", type=click.Choice(FORMATS), help="How the result is printed."
)
@click.pass_obj
def command(invocation: Invocation, sources: tuple[str, ...], *, path: Path | None, force: bool) -> None:
    """Propose a contract from samples of a feed, as commented YAML.

    It names the kind of the rows (trades, quotes, bars, order events, summaries, an account's movements), the evidence
    of each type, what was measured of a key, and the traps in the sample. Read it: what only the vendor knows, such as
    the time zone, is marked CONFIRM. It was tried on the samples. If a built-in contract certainly fits, that is said
    first. Several FILEs must be of one feed. Needs no database.

    \b
    Examples:
      trade-ingest infer acme_20240304.csv
      trade-ingest infer 'acme_2024*.csv.gz' --output acme.yaml
      trade-ingest check acme_20240304.csv --contract acme.yaml
    """  # noqa: D301  # \b keeps click from joining the lines
    from trade_ingest.errors import UsageError
    from trade_ingest.infer.inferring import infer

    if path is not None and path.exists() and not force:
        raise UsageError(f"{path} exists already", hint="name another file, or replace it with --force")
    proposal = infer(sources, connections=invocation.settings.store_connections)
    if path is not None:
        path.write_text(proposal.text, encoding="utf-8")
    if not invocation.output.is_text:
        invocation.output.object(_values(proposal, path), schema=_SCHEMA)
    elif path is None:
        click.echo(proposal.text, nl=False)
    _say(invocation, proposal, sources, path)


def _say(invocation: Invocation, proposal: Proposal, sources: tuple[str, ...], path: Path | None) -> None:
    """What a person would do next."""
    if proposal.builtin:
        invocation.say(f"the built-in contract {proposal.builtin} fits: use --contract {proposal.builtin}")
    rejected = proposal.rows_read - proposal.rows_accepted
    invocation.say(
        f"{proposal.kind}: {counted(proposal.rows_read, 'row')} tried, {counted(rejected, 'reject')};"
        f" {len(proposal.confirm):,} to confirm, {counted(len(proposal.traps), 'trap')} seen"
    )
    if path is not None:
        more = " …" if len(sources) > 1 else ""
        invocation.say(f"wrote {path}; check it: trade-ingest check {printable(sources[0])}{more} --contract {path}")


def _values(proposal: Proposal, path: Path | None) -> dict[str, Any]:
    best = proposal.match.best
    return {
        "uris": list(proposal.uris),
        "kind": str(proposal.kind),
        "reason": proposal.reason,
        "builtin_contract": proposal.builtin or None,
        "nearest_contract": None if best is None else best.contract,
        "target": proposal.contract.target.qualified_name,
        "event_time": proposal.contract.event_time,
        "key": list(proposal.contract.key),
        "key_evidence": proposal.key.evidence,
        "identical_rows": proposal.key.identical_rows,
        "rows_read": proposal.rows_read,
        "rows_accepted": proposal.rows_accepted,
        "confirm": list(proposal.confirm),
        "traps": list(proposal.traps),
        "written_to": path,
        "contract": proposal.text,
    }
