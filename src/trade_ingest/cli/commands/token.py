"""``trade-ingest token``: who may use the API."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import click

from trade_ingest.cli.display import counted
from trade_ingest.cli.invocation import Invocation, common_options
from trade_ingest.cli.output import Column

SCOPES = ("read", "operate", "admin")

_COLUMNS = (
    Column("token_id", "token", align="right", format=str),
    Column("name"),
    Column("scope"),
    Column("state"),
    Column("created_by"),
    Column("created_at"),
    Column("expires_at"),
    Column("last_used_at"),
)
_UNITS = {"h": "hours", "d": "days", "w": "weeks"}
_DURATION = re.compile(r"(\d{1,5})([hdw])")


def _duration(ctx: click.Context, parameter: click.Parameter, value: str | None) -> timedelta | None:
    """Read a time from now: 12h, 90d, 52w."""
    if value is None:
        return None
    match = _DURATION.fullmatch(value)
    if match is None or not int(match[1]):
        message = f"{value!r} is no duration; expected such as 12h, 90d or 52w"
        raise click.BadParameter(message, ctx=ctx, param=parameter)
    return timedelta(**{_UNITS[match[2]]: int(match[1])})


@click.group()
def command() -> None:
    """Make, list and revoke the tokens that let programs and people use the API.

    \b
    Examples:
      trade-ingest token create --name grafana --scope read --expires 90d
      trade-ingest token list
      trade-ingest token revoke 3
    """  # noqa: D301  # \b keeps click from joining the lines


@command.command("create")
@click.option("--name", required=True, help="Who or what uses it; the audit shows it.")
@click.option("--scope", type=click.Choice(SCOPES), default="read", show_default=True, help="What it allows.")
@click.option("--expires", callback=_duration, metavar="N[h|d|w]", help="When it ends; default: never.")
@common_options("database", "output")
@click.pass_obj
def create(invocation: Invocation, name: str, scope: str, expires: timedelta | None) -> None:
    """Make a token and print it: this once, as only a hash of it is kept."""
    import getpass

    from trade_ingest.ledger.connection import open_connection, wrap_database_errors
    from trade_ingest.ledger.tokens import create_token
    from trade_ingest.pipeline import prepare_ledger

    database = invocation.database
    prepare_ledger(database)
    expires_at = None if expires is None else datetime.now(UTC) + expires
    with wrap_database_errors(), open_connection(database) as connection:
        text, token = create_token(
            connection, name=name, scope=scope, created_by=getpass.getuser(), expires_at=expires_at
        )
    values = {"token_id": token.token_id, "name": token.name, "scope": token.scope, "expires_at": token.expires_at}
    invocation.output.object({**values, "token": text}, schema="trade-ingest.token/1", text=text)
    invocation.say(f"token {token.token_id} ({scope}) for {token.name}; it cannot be shown again")


@command.command("list")
@common_options("database", "output")
@click.pass_obj
def list_(invocation: Invocation) -> None:
    """List all tokens, newest first; the tokens themselves are nowhere."""
    from dataclasses import asdict

    from trade_ingest.ledger.queries import open_ledger
    from trade_ingest.ledger.tokens import Token, list_tokens

    def row(token: Token) -> dict[str, Any]:
        is_valid = token.is_valid(datetime.now(UTC))
        state = "valid" if is_valid else "revoked" if token.revoked_at is not None else "expired"
        return {**asdict(token), "state": state}

    with open_ledger(invocation.database) as connection:
        tokens = [row(token) for token in list_tokens(connection)]
    invocation.output.table(tokens, _COLUMNS, schema="trade-ingest.tokens/1", empty="no tokens")
    if tokens:
        invocation.output.text(counted(len(tokens), "token"))


@command.command("revoke")
@click.argument("token_id", type=click.IntRange(min=1))
@common_options("database", "output")
@click.pass_obj
def revoke(invocation: Invocation, token_id: int) -> None:
    """Let nobody in with a token any more, nor with the sessions made from it."""
    from trade_ingest.ledger.queries import open_ledger
    from trade_ingest.ledger.tokens import revoke_token

    with open_ledger(invocation.database) as connection:
        revoke_token(connection, token_id)
    values = {"token_id": token_id}
    invocation.output.object(values, schema="trade-ingest.token_revoke/1", text=f"token {token_id} is revoked")
