"""``trade-ingest explain``: why a file was loaded or was not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from trade_ingest.cli.display import format_time, printable
from trade_ingest.cli.invocation import Invocation, common_options

if TYPE_CHECKING:
    from trade_ingest.explain import ExplainedVersion, Explanation


@click.command()
@click.argument("uri", metavar="FILE")
@common_options("contract", "database", "output")
@click.pass_obj
def command(invocation: Invocation, uri: str) -> None:
    """Say why FILE was loaded or was not, and what the next run would do with it.

    \b
    Example:
      trade-ingest explain trades/2024-01-02.csv
    """  # noqa: D301  # \b keeps click from joining the lines
    from trade_ingest.explain import explain

    contract = invocation.contract if "contract" in invocation.flags else None
    connections = invocation.settings.store_connections
    explanation = explain(invocation.database, uri, contract=contract, connections=connections)
    values: dict[str, Any] = {
        "uri": explanation.uri,
        "sentence": explanation.sentence,
        "versions": [_version(version) for version in explanation.versions],
        "next_run": explanation.next_run,
        "similar": explanation.similar,
    }
    invocation.output.object(values, schema="trade-ingest.explanation/1", text="\n".join(_lines(explanation)))


def _version(version: ExplainedVersion) -> dict[str, Any]:
    file = version.file
    return {
        "file_id": file.file_id,
        "target": file.target,
        "version": file.version,
        "state": file.state,
        "reason": file.reason,
        "run_id": file.run_id,
        "sentence": version.sentence,
        "hint": version.hint,
        "attempts": version.attempts,
        "after_load": version.after_load,
        "lakes": version.lakes,
    }


def _lines(explanation: Explanation) -> list[str]:
    lines = [explanation.uri]
    for version in explanation.versions:
        file = version.file
        lines.append(f"  file {file.file_id}, {file.target}, version {file.version}: {version.sentence}")
        lines += [
            f"    attempt {a.number} in run {a.run_id}, {format_time(a.started_at)}: {a.state}"
            + (f" [{a.error['code']}] {a.error['message']}" if a.error else "")
            for a in version.attempts
        ]
        if version.after_load:
            lines.append(f"    archive: {version.after_load.sentence}")
        lines += [f"    lake: {lake.sentence}" for lake in version.lakes]
        if version.hint:
            lines.append(f"    hint: {version.hint}")
    if not explanation.versions:
        lines.append("  not in the ledger")
    following = explanation.next_run
    if following is None:
        lines.append("  next run: no such file is there now")
        lines += [f"  did you mean: {uri}" for uri in explanation.similar]
    else:
        lines.append(f"  next run (contract {following.contract}): {following.sentence}")
    return [printable(line) for line in lines]
