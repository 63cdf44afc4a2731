"""``trade-ingest contracts``: what files must look like."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import click

from trade_ingest.cli.display import printable, styled
from trade_ingest.cli.invocation import Invocation, common_options
from trade_ingest.cli.output import Column

if TYPE_CHECKING:
    from trade_ingest.match import FileMatch, Fit

EXIT_NOTHING_FITS = 1

_COLUMNS = (
    Column("name"),
    Column("version", align="right"),
    Column("target"),
    Column("key", format=", ".join, shorten="start"),
    Column("event_time", only_data=True),
    Column("description", shorten="start"),
)

_MATCH_COLUMNS = (
    Column("uri"),
    Column("contract"),
    Column("verdict"),
    Column("score"),
    Column("rows_read"),
    Column("rows_accepted"),
    Column("path_fits"),
    Column("path_columns"),
    Column("expected_name"),
    Column("equals"),
    Column("evidence"),
    Column("problem"),
)
_SHOWN_FITS, _SHOWN_EVIDENCE = 3, 5
_COLOURS = {"certain": "green", "likely": "green", "possible": "yellow", "none": "red"}


@click.group(invoke_without_command=True)
@click.option(
    "--match", "files", multiple=True, metavar="FILE", help="Say which contracts fit FILE, as `match` does; repeatable."
)
@common_options("output")
@click.pass_context
def command(ctx: click.Context, files: tuple[str, ...]) -> int | None:
    """List, show and check contracts; find those that fit a file; print the DDL of their targets.

    A contract says what a file must look like and where its rows go.

    \b
    Examples:
      trade-ingest contracts
      trade-ingest contracts show trade_event > my_feed.yaml
      trade-ingest contracts check my_feed.yaml
      trade-ingest contracts ddl trade_event | psql my_database
      trade-ingest contracts --match BTCUSDT-trades-2024-01-02.zip
    """  # noqa: D301  # \b keeps click from joining the lines
    if ctx.invoked_subcommand is not None:
        if files:
            raise click.UsageError(f"--match lists what fits a file: leave out `{ctx.invoked_subcommand}`", ctx)
        return None
    if files:
        return _show_matches(ctx.obj, files)
    ctx.invoke(list_contracts)
    return None


@command.command("list")
@common_options("output")
@click.pass_obj
def list_contracts(invocation: Invocation) -> None:
    """List the built-in contracts."""
    from trade_ingest.contract.loading import builtin_names, load_contract

    rows: list[dict[str, Any]] = []
    for name in builtin_names():
        contract = load_contract(name)
        rows.append(
            {
                "name": contract.name,
                "version": contract.version,
                "target": contract.target.qualified_name,
                "key": list(contract.key),
                "event_time": contract.event_time,
                "description": contract.description,
            }
        )
    invocation.output.table(rows, _COLUMNS, schema="trade-ingest.contracts/1")
    if invocation.output.is_text:
        invocation.say("see one with: trade-ingest contracts show NAME")


@command.command("match")
@click.argument("files", metavar="FILE...", nargs=-1, required=True)
@common_options("output")
@click.pass_obj
def match(invocation: Invocation, files: tuple[str, ...]) -> int:
    """Say which built-in contracts fit files, how sure that is and why; the best first.

    FILE is a file, a folder, a quoted glob or a URI; each member of an archive is a file. The first 256 KiB are tried.
    `certain`: use it. `likely`, `possible`: compare it with what the vendor says. Exits with 1 if nothing fits one of
    the files. Needs no database.

    \b
    Examples:
      trade-ingest contracts match BTCUSDT-trades-2024-01-02.zip
      trade-ingest contracts match 'downloads/*.csv.gz' -o json
    """  # noqa: D301  # \b keeps click from joining the lines
    return _show_matches(invocation, files)


def _show_matches(invocation: Invocation, files: Sequence[str]) -> int:
    from trade_ingest.match import match_contracts

    missing = 0
    found: list[FileMatch] = []
    for file_match in match_contracts(files, connections=invocation.settings.store_connections):
        missing += not file_match.fits
        if invocation.output.is_text:
            for line in _match_lines(file_match):
                invocation.output.text(line)
        else:
            found.append(file_match)
    if not invocation.output.is_text:
        rows = (_match_row(m.uri, fit) for m in found for fit in (m.fits or m.nearest[:1]))
        invocation.output.table(rows, _MATCH_COLUMNS, schema="trade-ingest.contract_match/1")
    return EXIT_NOTHING_FITS if missing else 0


def _match_row(uri: str, fit: Fit) -> dict[str, Any]:
    row = {column.name: getattr(fit, column.name) for column in _MATCH_COLUMNS if column.name != "uri"}
    lists = {"path_columns": list(fit.path_columns), "equals": list(fit.equals), "evidence": list(fit.evidence)}
    return {"uri": uri, **row, **lists, "verdict": str(fit.verdict)}


def _match_lines(file_match: FileMatch) -> Iterator[str]:
    from trade_ingest.contract.loading import load_contract

    yield printable(file_match.uri)
    if not file_match.fits:
        yield f"  {styled('none fits', _COLOURS['none'], sys.stdout)}"
        for fit in file_match.nearest[:1]:
            yield f"  nearest: {fit.contract}, but {printable(fit.problem)}"
        yield "  propose one: trade-ingest infer FILE"
        return
    for fit in file_match.fits[:_SHOWN_FITS]:
        verdict = styled(f"{fit.verdict:<8}", _COLOURS[fit.verdict], sys.stdout)
        yield f"  {verdict} {fit.score:.2f}  {fit.contract}: {load_contract(fit.contract).description}"
        yield f"      {printable('; '.join(fit.evidence[:_SHOWN_EVIDENCE]))}"
        if fit.equals:
            yield f"      fits as well as {', '.join(fit.equals)}"
        if not fit.path_fits:
            named = f", such as {fit.expected_name}" if fit.expected_name else ""
            verb = "comes" if len(fit.path_columns) == 1 else "come"
            columns = ", ".join(fit.path_columns)
            yield f"      {columns} {verb} from the path: the file must be named as the vendor does{named}"
    best = file_match.fits[0]
    if best.takes_all and not best.equals:
        yield f"  load it: trade-ingest run FILE --contract {best.contract}"


@command.command("show")
@click.argument("name", metavar="NAME|FILE")
@common_options("output")
@click.pass_obj
def show_contract(invocation: Invocation, name: str) -> None:
    """Print a contract as YAML, to copy and change.

    With `-o json` as it is understood, defaults included.
    """
    from trade_ingest.contract.loading import contract_text, load_contract

    if invocation.output.is_text:
        click.echo(contract_text(name), nl=False)
        return
    contract = load_contract(name)
    invocation.output.object(contract.model_dump(mode="json", by_alias=True), schema="trade-ingest.contract/1")


@command.command("check")
@click.argument("file", metavar="FILE")
@common_options("output")
@click.pass_obj
def check_contract(invocation: Invocation, file: str) -> None:
    """Validate a contract; list every problem with its line.

    Exits with 2 if there is one.
    """
    from trade_ingest.contract.loading import load_contract

    contract = load_contract(file)
    key = ", ".join(contract.key) or "none: a row is its file and its row number"
    values = {
        "name": contract.name,
        "version": contract.version,
        "columns": len(contract.columns),
        "key": list(contract.key),
        "event_time": contract.event_time,
        "target": contract.target.qualified_name,
    }
    text = (
        f"ok: contract {contract.name} version {contract.version}, {len(contract.columns)} columns"
        f" → {contract.target.qualified_name}\nkey: {key}"
    )
    invocation.output.object(values, schema="trade-ingest.contract_check/1", text=text)


@command.command("ddl")
@click.argument("name", metavar="NAME|FILE")
@click.pass_obj
def show_ddl(invocation: Invocation, name: str) -> None:
    """Print the SQL that makes a contract's target.

    `run` makes the target by itself if it does not exist.
    """
    from trade_ingest.contract.loading import load_contract
    from trade_ingest.load.target import target_ddl

    del invocation
    for statement in target_ddl(load_contract(name)):
        click.echo(f"{statement.as_string(None)};")
