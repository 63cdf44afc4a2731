"""``trade-ingest serve``: the REST API and the dashboard."""

from __future__ import annotations

import logging
import sys

import click

from trade_ingest.cli.invocation import Invocation, common_options, setting_option


@click.command()
@setting_option("--host", setting="api_host", metavar="ADDRESS", help="Where to listen; default: this machine only.")
@setting_option("--port", setting="api_port", metavar="N", type=int, help="Default: 8480; 0: a free one.")
@setting_option(
    "--auth",
    setting="api_auth",
    type=click.Choice(["none", "token"]),
    help="Who may use it; beyond this machine: token.",
)
@setting_option(
    "--allow",
    setting="api_sources",
    metavar="FOLDER|URI",
    multiple=True,
    help="What may be loaded over the API, with all below; repeatable. Default: the configured source.",
)
@setting_option("--max-runs", setting="api_max_runs", metavar="N", type=int, help="Runs at work at once; others wait.")
@click.option("--workers", type=click.IntRange(1, 64), default=1, show_default=True, help="Processes that serve.")
@click.option("--print-openapi", is_flag=True, help="Print the specification of the API, and stop.")
@common_options("database", "contract")
@click.pass_obj
def command(invocation: Invocation, /, workers: int, *, print_openapi: bool) -> None:
    """Serve the REST API and the dashboard until Ctrl-C; runs that were begun go on.

    Without authentication it is reached from this machine only. Make tokens with `trade-ingest token create`.

    \b
    Examples:
      trade-ingest serve
      trade-ingest serve --host 0.0.0.0 --auth token --allow s3://trades/incoming
      trade-ingest serve --print-openapi > openapi.json
    """  # noqa: D301  # \b keeps click from joining the lines
    _require_extra()
    if print_openapi:
        _print_openapi()
        return
    from trade_ingest.api.auth import check_bind
    from trade_ingest.api.options import ApiOptions
    from trade_ingest.api.serving import serve
    from trade_ingest.source.location import shown_source

    check_bind(invocation.settings)  # before a database is started
    options = ApiOptions(database=invocation.database, settings=invocation.settings)
    _log_requests()

    def say(url: str) -> None:
        invocation.say(f"serving {url}, Ctrl-C ends it")
        invocation.say(f"may load: {', '.join(map(shown_source, options.allowed_sources))}")

    serve(options, workers=workers, config_file=invocation.config_file, on_ready=say)


def _require_extra() -> None:
    from importlib.util import find_spec

    from trade_ingest.errors import UsageError

    missing = [name for name in ("apiflask", "gunicorn", "prometheus_client") if find_spec(name) is None]
    if missing:
        message = f"the API needs packages that are not installed: {', '.join(missing)}"
        raise UsageError(message, hint="pip install 'trade-ingest[api]'")


def _print_openapi() -> None:
    from trade_ingest.api.openapi import main

    main()


def _log_requests() -> None:
    """The access log: one JSON object on each line of stdout."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(logging.Formatter("%(message)s"))
    log = logging.getLogger("trade_ingest.api.access")
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    log.propagate = False
