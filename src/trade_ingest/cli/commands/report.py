"""``trade-ingest report``: views and functions for analysts."""

from __future__ import annotations

import click

from trade_ingest.cli.invocation import Invocation, common_options


@click.group()
def command() -> None:
    """Make views and functions for analysts: daily summaries, bars, exposure, rejects, latency.

    \b
    Examples:
      trade-ingest report install --reader analysts
      trade-ingest report refresh
      trade-ingest db shell -- -c "SELECT * FROM report.bars('1 hour', '2024-01-02', '2024-01-03')"
    """  # noqa: D301  # \b keeps click from joining the lines


@command.command("install")
@click.option("--schema", "schema_name", default="report", show_default=True, help="The schema that they are made in.")
@click.option("--trades", default="public.trade_print", show_default=True, help="The target of market trades.")
@click.option("--events", default="public.trade_event", show_default=True, help="The target of trade events.")
@click.option("--reader", metavar="ROLE", help="A role that may read them; made, without login, if it is not there.")
@common_options("database", "output")
@click.pass_obj
def install_views(invocation: Invocation, schema_name: str, trades: str, events: str, reader: str | None) -> None:
    """Make the views, or make them anew.

    A target that does not exist is passed over.
    """
    from trade_ingest.report.install import install

    made = install(invocation.database, schema_name=schema_name, trades=trades, events=events, reader=reader)
    values = {
        "schema": made.schema_name,
        "relations": list(made.relations),
        "trades": made.trades,
        "events": made.events,
        "reader": made.reader,
    }
    text = "\n".join(f"{made.schema_name}.{name}" for name in made.relations)
    if made.reader:
        text += f"\nrole {made.reader} may read them"
    invocation.output.object(values, schema="trade-ingest.report_install/1", text=text)


@command.command("refresh")
@click.option("--schema", "schema_name", default="report", show_default=True, help="The schema that they are in.")
@common_options("database", "output")
@click.pass_obj
def refresh_views(invocation: Invocation, schema_name: str) -> None:
    """Bring the stored summaries up to date; readers are not held up."""
    from trade_ingest.report.install import refresh

    names = refresh(invocation.database, schema_name=schema_name)
    text = "\n".join(f"refreshed {schema_name}.{name}" for name in names)
    invocation.output.object({"refreshed": list(names)}, schema="trade-ingest.report_refresh/1", text=text)
