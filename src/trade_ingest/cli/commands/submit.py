"""``trade-ingest submit``: a run as a job of a cloud."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from trade_ingest.cli.display import counted, printable
from trade_ingest.cli.invocation import Invocation, common_options
from trade_ingest.submit.platforms import PLATFORMS

if TYPE_CHECKING:
    from trade_ingest.submit.platform import JobState, Parameter, Platform
    from trade_ingest.submit.rendering import JobOrder, RenderedJob
    from trade_ingest.submit.submitting import JobOutcome


@click.group()
def command() -> None:
    """Run as a job of a cloud: the files are read and loaded there, and the run is in the ledger as any other.

    Arguments of `trade-ingest run` stand after `--`. The database's URL comes from the secret store of the platform.

    \b
    Examples:
      trade-ingest submit emr-serverless --bucket s3://jobs/trade-ingest --application-id 00fabcdefghijk0p \\
        --execution-role-arn arn:aws:iam::123456789012:role/trade-ingest-job \\
        --database-secret aws-secretsmanager:trade-ingest/database --wait -- s3://deliveries/fx/ --max-connections 40
      trade-ingest submit kubernetes --image registry.example/trade-ingest-spark:0.1.0 --dry-run -- s3://deliveries/fx/
    """  # noqa: D301  # \b keeps click from joining the lines


def _command_of(platform: Platform) -> click.Command:
    def call(invocation: Invocation, /, **options: Any) -> int:
        return _submit(invocation, platform, options)

    function: Any = click.pass_obj(call)
    for option in (*_common(platform), *map(_option, reversed(platform.parameters))):
        function = option(function)
    function = common_options("output")(function)
    function = click.argument("arguments", nargs=-1, metavar="-- SOURCE... [RUN OPTIONS]")(function)
    text = f"Submit a job to {platform.title}: cloud_jobs/{platform.template} says what it is."
    return click.command(platform.name, help=text, short_help=f"{platform.title}.")(function)


def _common(platform: Platform) -> list[Any]:
    """Options that all platforms have, the last one first."""
    secret = platform.database_secret or "aws-secretsmanager:…, gcp-secretmanager:…, azure-keyvault:…, databricks:…"
    places = f"{', '.join(platform.places)}…"
    files = [
        click.option(f"--{kind.replace('_', '-')}", kind, metavar="FILE|URI", help=text)
        for kind, text in (("packages", "Archive of `make dist`, or where it is."), ("wheel", "Wheel, or where it is."))
        if kind in platform.artefacts
    ]
    return [
        click.option("--poll-seconds", type=click.FloatRange(min=0.01), default=10, help="How often --wait asks."),
        click.option("--wait", is_flag=True, help="Follow the job to its end, and exit as its run does."),
        click.option("--dry-run", is_flag=True, help="Print the job; upload and submit nothing."),
        click.option(
            "--template",
            type=click.Path(exists=True, dir_okay=False, path_type=Path),
            help=f"A changed copy of cloud_jobs/{platform.template}.",
        ),
        *reversed(files),
        click.option(
            "--connections-secret",
            metavar="REFERENCE",
            help="Where credentials of object stores are: the setting connections as JSON.",
        ),
        click.option(
            "--database-secret",
            metavar="REFERENCE",
            help=f"Where the database's URL is; {'default' if platform.database_secret else 'such as'}: {secret}.",
        ),
        click.option("--name", default="trade-ingest", show_default=True, help="Name of the job."),
        click.option(
            "--bucket",
            metavar="URI",
            help=f"Folder for the job's files: {places}{'' if platform.needs_bucket else ' Optional.'}",
        ),
    ]


def _option(parameter: Parameter) -> Any:  # noqa: ANN401  # a decorator of click
    needed = " Required." if parameter.default is None and not parameter.is_optional else ""
    default = "" if parameter.default is None else f" Default: {parameter.default}."
    return click.option(
        parameter.option,
        f"parameter_{parameter.name}",
        metavar="N" if parameter.is_number else "TEXT",
        type=int if parameter.is_number else str,
        help=f"{parameter.help}{needed}{default}",
    )


for _platform in PLATFORMS.values():
    command.add_command(_command_of(_platform))


def _submit(invocation: Invocation, platform: Platform, options: dict[str, Any]) -> int:
    from trade_ingest.submit.rendering import render
    from trade_ingest.submit.submitting import submit

    job = render(_order(platform, options))
    if options["dry_run"]:
        _show_job(invocation, job)
        return 0

    def note_start(job_id: str, state: JobState) -> None:
        invocation.say(f"submitted to {platform.title}: {job_id}")
        invocation.say(f"logs: {state.log}")
        note_state(state)

    def note_state(state: JobState) -> None:
        words = f"{state.said}: {state.message}" if state.message else state.said
        invocation.say(f"{state.phase.value}{f' ({printable(words)})' if words else ''}")
        invocation.output.event({"event": "job_state", "phase": state.phase.value, "state": state.said})

    outcome = submit(
        job,
        connections=invocation.settings.store_connections,
        waits=options["wait"],
        poll_seconds=options["poll_seconds"],
        on_upload=lambda uri: invocation.say(f"uploading {uri}"),
        on_start=note_start,
        on_state=note_state,
    )
    _show_outcome(invocation, outcome, waited=options["wait"])
    return outcome.exit_code


def _order(platform: Platform, options: dict[str, Any]) -> JobOrder:
    from trade_ingest.submit.rendering import JobOrder

    arguments: Sequence[str] = options["arguments"]
    sources, contract = _read_arguments(arguments)
    prefix = "parameter_"
    return JobOrder(
        platform=platform,
        arguments=tuple(arguments),
        sources=sources,
        contract=contract,
        bucket=options["bucket"],
        name=options["name"],
        database_secret=options["database_secret"],
        connections_secret=options["connections_secret"],
        parameters={name.removeprefix(prefix): value for name, value in options.items() if name.startswith(prefix)},
        files={kind: options[kind] for kind in ("packages", "wheel") if options.get(kind)},
        template=options["template"],
    )


def _read_arguments(arguments: Sequence[str]) -> tuple[tuple[str, ...], str | None]:
    """The sources among arguments of ``run``, and the contract if it is a file here; wrong ones are refused now."""
    from trade_ingest.cli.commands.run import command as run
    from trade_ingest.contract.loading import builtin_names, load_contract

    own = Invocation()
    with run.make_context("run", list(arguments), obj=own) as context:
        sources = tuple(context.params["sources"])
    contract = own.flags.get("contract")
    if (
        contract is None
        or contract in builtin_names()
        or "://" in contract
        or contract.startswith(("/Volumes/", "dbfs:"))
    ):
        return sources, None
    load_contract(contract)
    return sources, contract


def _show_job(invocation: Invocation, job: RenderedJob) -> None:
    import yaml

    document = {
        "platform": job.platform.name,
        "job": job.document,
        "uploads": [
            {"kind": found.kind, "path": str(found.path), "uri": found.uri} for found in job.artefacts if found.path
        ],
        "outcome": job.outcome,
    }
    text = yaml.safe_dump(job.document, sort_keys=False, allow_unicode=True, width=1000).rstrip()
    invocation.output.object(document, schema="trade-ingest.job/1", text=text)


def _show_outcome(invocation: Invocation, outcome: JobOutcome, *, waited: bool) -> None:
    from trade_ingest.cli.failure import show_error

    text = f"{outcome.platform} {outcome.job_id}: {outcome.state.phase.value}"
    run = outcome.run
    if run is not None:
        loaded, failed = counted(run["files_loaded"], "file"), run["files_failed"]
        text += f"; run {run['run_id']}: {loaded} loaded, {failed:,} failed, {counted(run['rows_loaded'], 'row')}"
    invocation.output.object(outcome.as_dict(), schema="trade-ingest.job_outcome/1", text=text)
    if outcome.error is not None:
        show_error(outcome.error["code"], outcome.error["message"], outcome.error["hint"])
    if run is not None:
        invocation.say(f"see the run, with its database: trade-ingest runs {run['run_id']} --database …")
    elif waited and outcome.exit_code:
        invocation.say(f"see why: {outcome.state.log}")
