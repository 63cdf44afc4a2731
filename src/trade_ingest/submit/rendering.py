"""A job made of a template and of what was asked for; nothing is uploaded and nobody is asked."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from trade_ingest.errors import UsageError
from trade_ingest.secret_stores import check_reference
from trade_ingest.source.location import parse_location, shown_source
from trade_ingest.submit.artefacts import Artefact, artefact
from trade_ingest.submit.platform import Document, Platform, Values
from trade_ingest.submit.template import fill, read_template, templates_folder

_NAME = re.compile(r"[a-z]([a-z0-9-]{0,38}[a-z0-9])?")
"""What every platform takes as the beginning of a name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobOrder:
    """What is asked for.

    Attributes:
        platform: where the job runs.
        arguments: those of ``trade-ingest run``.
        sources: the sources among them.
        contract: the contract's file among them, which goes to the bucket; None: none, or one that is there.
        bucket: URI of the folder that artefacts and outcomes go to.
        name: of the job, for people.
        database_secret: where the database's URL is, see ``secret_stores``.
        connections_secret: where the setting ``connections`` is, as JSON.
        parameters: the platform's parameters by name; those that are not given have their defaults.
        files: files or URIs of artefacts by kind, instead of the usual ones.
        template: instead of the platform's own.
    """

    platform: Platform
    arguments: tuple[str, ...]
    sources: tuple[str, ...] = ()
    contract: str | None = None
    bucket: str | None = None
    name: str = "trade-ingest"
    database_secret: str | None = None
    connections_secret: str | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    template: Path | None = None


@dataclass(frozen=True, slots=True)
class RenderedJob:
    """A job as the platform takes it.

    Attributes:
        platform: where it runs.
        document: the request, in the platform's own form; no secret is in it.
        artefacts: what is uploaded before.
        outcome: URI of the document that the job leaves at its end; None: it leaves none.
        values: what the template was filled with.
    """

    platform: Platform
    document: Document
    artefacts: tuple[Artefact, ...]
    outcome: str | None
    values: Values


def render(order: JobOrder) -> RenderedJob:
    """Fill the template of the order's platform.

    Raises:
        UsageError: something is missing, or cannot be so on this platform; the message says what to give.
    """
    platform = order.platform
    _check(order)
    parameters = _parameters(order)
    identity = f"{order.name}-{uuid.uuid4().hex[:12]}"
    bucket = order.bucket.rstrip("/") if order.bucket else None
    artefacts = _artefacts(order, bucket, parameters)
    outcome = f"{bucket}/outcomes/{identity}.json" if bucket else None
    arguments = _job_arguments(order, artefacts, outcome)
    values = {
        **parameters,
        **dict.fromkeys(("entry_point", "packages", "wheel")),
        **{found.kind: found.uri for found in artefacts},
        "arguments": arguments,
        "bucket": bucket,
        "command_line": " ".join(arguments),
        "id": identity,
        "local_arguments": [*arguments, "--engine", "local"],
        "name": order.name,
    }
    for name, value in parameters.items():  # a default may be made of other values
        if isinstance(value, str) and "${" in value:
            values[name] = fill({"value": value}, values).get("value")
    template = read_template(order.template or templates_folder() / platform.template)
    document = platform.adapt(fill(template, values), values)
    return RenderedJob(platform, document, artefacts, outcome, values)


def _check(order: JobOrder) -> None:
    platform = order.platform
    if not _NAME.fullmatch(order.name):
        message = f"{order.name!r} cannot be the name of a job"
        raise UsageError(message, hint="lower-case letters, digits and hyphens, at most 40")
    if platform.needs_bucket and not order.bucket:
        raise UsageError("--bucket is missing", hint=f"where files of the job go: {' or '.join(platform.places)}…")
    if order.bucket and platform.places and not order.bucket.startswith(platform.places):
        message = f"--bucket {shown_source(order.bucket)}: {platform.title} needs {' or '.join(platform.places)}"
        raise UsageError(message)
    if not order.sources:
        raise UsageError("no source is given", hint="name it after `--`, as for `trade-ingest run`")
    for source in order.sources:
        if parse_location(source).is_local and not source.startswith(platform.sources or "\0"):
            message = f"{source}: is a path of this machine, which {platform.title} cannot read"
            raise UsageError(message, hint="load from an object store: s3://, gs://, abfss://")
    _check_database(order)


def _check_database(order: JobOrder) -> None:
    names = [argument.partition("=")[0] for argument in order.arguments]
    if "--database" in names:
        message = "a job takes no --database: its arguments are shown by the platform"
        raise UsageError(message, hint="keep the URL in the platform's secret store, and give --database-secret")
    reference = order.database_secret or order.platform.database_secret
    if reference is None:
        message = "--database-secret is missing: the job has no database"
        raise UsageError(message, hint="where the database's URL is, such as aws-secretsmanager:NAME")
    for name in (reference, order.connections_secret):
        if name is not None:
            check_reference(name)


def _parameters(order: JobOrder) -> dict[str, Any]:
    known = {parameter.name: parameter for parameter in order.platform.parameters}
    if unknown := sorted(order.parameters.keys() - known.keys()):
        raise UsageError(f"{order.platform.name} has no parameter {', '.join(unknown)}")
    values = {name: parameter.default for name, parameter in known.items()}
    values |= {name: value for name, value in order.parameters.items() if value is not None}
    missing = [known[name].option for name, value in values.items() if value is None and not known[name].is_optional]
    if missing:
        raise UsageError(f"{order.platform.name} needs {', '.join(missing)}")
    return values


def _artefacts(order: JobOrder, bucket: str | None, parameters: Values) -> tuple[Artefact, ...]:
    folder = f"{bucket}/artefacts"
    programs = parameters.get("workspace_folder") or folder  # Databricks takes programs of its workspace
    found = [
        artefact(kind, order.files.get(kind), programs if kind == "entry_point" else folder)
        for kind in order.platform.artefacts
        if bucket or kind in order.files
    ]
    if order.contract is not None:
        if bucket is None:
            message = f"{order.contract}: the job cannot read this machine's file"
            raise UsageError(message, hint="give --bucket, where it goes to, or the URI of a contract that is there")
        found.append(artefact("contract", order.contract, folder))
    return tuple(found)


def _job_arguments(order: JobOrder, artefacts: Sequence[Artefact], outcome: str | None) -> list[str]:
    contract = next((found.uri for found in artefacts if found.kind == "contract"), None)
    arguments = list(order.arguments if contract is None else _replaced(order.arguments, "--contract", contract))
    arguments += ["--database-secret", str(order.database_secret or order.platform.database_secret)]
    if order.connections_secret:
        arguments += ["--connections-secret", order.connections_secret]
    return [*arguments, "--outcome", outcome] if outcome else arguments


def _replaced(arguments: Sequence[str], option: str, value: str) -> list[str]:
    """The arguments with another value of an option, however it was written; the last one counts."""
    kept: list[str] = []
    remaining = iter(arguments)
    for argument in remaining:
        if argument == option:
            next(remaining, None)
        elif not argument.startswith(f"{option}="):
            kept.append(argument)
    return [*kept, option, value]
