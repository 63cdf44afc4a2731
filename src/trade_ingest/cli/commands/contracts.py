"""``trade-ingest contracts``: what files must look like."""

from __future__ import annotations

from typing import Any

import click

from trade_ingest.cli.invocation import Invocation, common_options
from trade_ingest.cli.output import Column

_COLUMNS = (
    Column("name"),
    Column("version", align="right"),
    Column("target"),
    Column("key", format=", ".join, shorten="start"),
    Column("event_time", only_data=True),
    Column("description", shorten="start"),
)


@click.group(invoke_without_command=True)
@common_options("output")
@click.pass_context
def command(ctx: click.Context) -> None:
    """List, show and check contracts; print the DDL of their targets.

    A contract says what a file must look like and where its rows go.

    \b
    Examples:
      trade-ingest contracts
      trade-ingest contracts show trade_event > my_feed.yaml
      trade-ingest contracts check my_feed.yaml
      trade-ingest contracts ddl trade_event | psql my_database
    """  # noqa: D301  # \b keeps click from joining the lines
    if ctx.invoked_subcommand is None:
        ctx.invoke(list_contracts)


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
