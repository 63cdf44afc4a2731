"""``trade-ingest notify``: tell people something, where ``serve`` tells of failures."""

from __future__ import annotations

import click

from trade_ingest.cli.display import counted
from trade_ingest.cli.invocation import Invocation


@click.command()
@click.argument("title")
@click.argument("body", default="")
@click.option(
    "--level", type=click.Choice(["info", "warning", "failure"]), default="failure", show_default=True, help="How bad."
)
@click.pass_obj
def command(invocation: Invocation, title: str, body: str, *, level: str) -> None:
    """Send a notification to the URLs of TRADE_INGEST_NOTIFY; for schedulers, as when a job of theirs fails.

    Ends with exit code 2 if there is no URL, and with 3 if one did not take it; the others have got it then.

    \b
    Example:
      trade-ingest notify 'the nightly load failed' 'the vendor has delivered nothing'
    """  # noqa: D301  # \b keeps click from joining the lines
    from trade_ingest.api.notify import Channel, Notification
    from trade_ingest.errors import NotificationError, UsageError

    urls = [url.get_secret_value() for url in invocation.settings.notify]
    if not urls:
        raise UsageError("there is nobody to notify", hint="set TRADE_INGEST_NOTIFY to URLs of Apprise")
    refused = []
    for channel in [Channel(url, number=number) for number, url in enumerate(urls, start=1)]:
        try:
            channel.send(Notification(title, body, level))
        except OSError as exc:
            refused.append(str(exc))
    if refused:
        raise NotificationError("; ".join(refused), hint="check that it can be reached and takes the password")
    invocation.say(f"sent to {counted(len(urls), 'URL')}")
