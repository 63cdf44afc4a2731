"""``trade-ingest config``: the settings."""

from __future__ import annotations

from typing import Any

import click

from trade_ingest.cli.invocation import Invocation, common_options
from trade_ingest.cli.output import Column, plain_value

_COLUMNS = (Column("name", "setting"), Column("value", format=str, shorten="start"))
_ORIGIN = Column("origin", "from")
_DATA = (Column("layer", only_data=True), Column("variable", only_data=True), Column("description", only_data=True))


@click.group(invoke_without_command=True)
@common_options("contract", "database", "output")
@click.pass_context
def command(ctx: click.Context) -> None:
    """Show the settings and where each comes from.

    Order: option, environment variable, .env, trade-ingest.toml, default. Empty text means none.

    \b
    Examples:
      trade-ingest config show --origin
      TRADE_INGEST_PARALLELISM=4 trade-ingest config show
      trade-ingest config check
    """  # noqa: D301  # \b keeps click from joining the lines
    if ctx.invoked_subcommand is None:
        ctx.invoke(show_settings)


@command.command("show")
@click.option("--origin", is_flag=True, help="Also say where each value comes from.")
@common_options("contract", "database", "output")
@click.pass_obj
def show_settings(invocation: Invocation, *, origin: bool = False) -> None:
    """Show each setting's value; passwords are masked."""
    from trade_ingest.settings import ENV_PREFIX, Settings

    settings = invocation.settings
    rows: list[dict[str, Any]] = []
    for name, field in Settings.model_fields.items():
        value = settings.shown(name)
        source = settings.origin_of(name)
        rows.append(
            {
                "name": name,
                "value": _words(value) if invocation.output.is_text else value,
                "origin": str(source),
                "layer": source.layer,
                "variable": f"{ENV_PREFIX}{name.upper()}",
                "description": field.description,
            }
        )
    columns = (*_COLUMNS, *((_ORIGIN,) if origin or not invocation.output.is_text else ()), *_DATA)
    invocation.output.table(rows, columns, schema="trade-ingest.settings/1")


@command.command("check")
@common_options("contract", "database", "output")
@click.pass_obj
def check_settings(invocation: Invocation) -> None:
    """Check the settings and the contract that they name.

    All problems are listed. Connects to nothing; `trade-ingest doctor` checks the database.
    """
    from trade_ingest.settings import Settings

    contract = invocation.contract
    given = sum(invocation.settings.origin_of(name).layer != "default" for name in Settings.model_fields)
    text = (
        f"ok: {given} of {len(Settings.model_fields)} settings given;"
        f" contract {contract.name} version {contract.version}"
    )
    values = {"settings_given": given, "contract": contract.name, "contract_version": contract.version}
    invocation.output.object(values, schema="trade-ingest.settings_check/1", text=text)


def _words(value: object) -> str:
    if value is None or value in ((), {}):
        return "(none)"
    if isinstance(value, dict):
        return ", ".join(
            f"{name}: {_words(part)}" if isinstance(part, dict) else f"{name}={part}" for name, part in value.items()
        )
    return ", ".join(value) if isinstance(value, tuple) else str(plain_value(value))
