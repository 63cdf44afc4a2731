"""Plans, and what runs, replays and reconciliations came to, as HTML."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from trade_ingest.cli.display import counted, format_bytes, format_seconds
from trade_ingest.notebook.page import (
    Balance,
    Column,
    View,
    count,
    escaped,
    heading,
    line,
    masked,
    next_step,
    state,
    table,
)

if TYPE_CHECKING:
    from trade_ingest.plan import Plan, PlannedFile
    from trade_ingest.reconcile import ReconcileResult
    from trade_ingest.replay import ReplayedFile, ReplayResult
    from trade_ingest.run import RunResult

SHOWN = 20
"""Files, failures and differences that are listed; the rest is counted."""


def _reasons(file: ReplayedFile) -> str:
    if file.error is not None:
        return masked(f"{file.error.message}; {file.error.hint}" if file.error.hint else file.error.message)
    return escaped(", ".join(f"{number:,} {code}" for code, number in file.reasons.items()))


_PLANNED = (
    Column("reason", lambda planned: escaped(planned.reason.value.replace("_", " "))),
    Column("file", lambda planned: masked(planned.file.uri)),
    Column("size", lambda planned: escaped(format_bytes(planned.file.size_bytes)), is_number=True),
    Column("why", lambda planned: masked(planned.explanation)),
)
_FAILED = (
    Column("file", lambda failed: masked(failed.uri)),
    Column("error", lambda failed: f"<code>{escaped(failed.error.code)}</code>"),
    Column("what", lambda failed: masked(failed.error.message)),
    Column("hint", lambda failed: masked(failed.error.hint)),
)
_REPLAYED = (
    Column("file", lambda file: masked(file.uri)),
    Column("tried", lambda file: count(file.rows_tried), is_number=True),
    Column("loaded", lambda file: count(file.rows_loaded), is_number=True),
    Column("duplicate", lambda file: count(file.rows_duplicate), is_number=True),
    Column("still open", lambda file: count(file.rows_rejected), is_number=True),
    Column("why", _reasons),
)
_TARGETS = (
    Column("target", lambda target: escaped(target.target)),
    Column("files", lambda target: count(target.files), is_number=True),
    Column("rows", lambda target: count(target.rows), is_number=True),
    Column("differences", lambda target: count(len(target.mismatches)), is_number=True),
    Column("", lambda target: state("pass") if target.is_balanced else state("fail")),
)
_REFUSED = (
    Column("rejects", lambda refusal: count(refusal.rejects), is_number=True),
    Column("why", lambda refusal: masked(refusal.why)),
)


def plan_view(plan: Plan) -> View:
    """What would be loaded, and why the rest would not."""
    skipped = Counter(plan.skipped.reasons)
    why = ", ".join(f"{number:,} {reason.replace('_', ' ')}" for reason, number in skipped.most_common())
    summary = (
        f"{counted(len(plan.to_load), 'file')} to load, {format_bytes(plan.bytes_to_load)};"
        f" {len(plan.skipped):,} skipped" + (f" ({why})" if why else "")
    )
    body = heading(f"Plan: {escaped(plan.contract)} → {escaped(plan.target)}") + line(escaped(summary))
    body += _planned("Load", plan.to_load) + _planned("Skip", plan.skipped)
    if plan.ignored:
        names = f"{counted(len(plan.ignored), 'file')} ignored because of the name, the first {plan.ignored[0]}"
        body += line(masked(names), is_quiet=True)
    if plan.to_load:
        body += next_step("load them", "ingest(sources, contract=contract, database=database)")
    else:
        body += line("Nothing to do: the ledger has each of these files.", is_quiet=True)
    return View(f"plan {plan.contract} → {plan.target}: {summary}", body)


def _planned(title: str, files: Sequence[PlannedFile]) -> str:
    if not files:
        return ""
    return heading(f"{title} {counted(len(files), 'file')}") + table(_PLANNED, files[:SHOWN]) + _more(len(files))


def _more(found: int, shown: int = SHOWN) -> str:
    return line(f"and {found - shown:,} more", is_quiet=True) if found > shown else ""


def run_view(result: RunResult) -> View:
    """What a run did."""
    seconds = max(result.duration_seconds, 1e-6)
    files = f"{result.files_loaded:,} loaded, {result.files_skipped:,} skipped, {result.files_failed:,} failed"
    balance = Balance.of(result)
    body = heading(
        f"Run {result.run_id} {state(result.state.value)} in {format_seconds(result.duration_seconds)}:"
        f" {escaped(result.contract)} → {escaped(result.target)}"
    )
    body += line(f"files: {files}") + balance.html
    if result.rows_read:
        speed = f"{round(result.rows_read / seconds):,} rows/s, {format_bytes(result.bytes_read / seconds)}/s"
        body += line(f"{format_bytes(result.bytes_read)} read, {speed}", is_quiet=True)
    failed = [file for file in result.failed if file.error is not None]
    if failed:
        body += heading(f"{counted(len(failed), 'file')} failed") + table(_FAILED, failed[:SHOWN]) + _more(len(failed))
    if result.rows_rejected or any(file.rows_rejected for file in failed):
        body += next_step("see the rejects", f"nb.rejects(database, run_id={result.run_id})")
    elif not result.files_planned:
        body += next_step("see why nothing was loaded", "nb.show(plan(sources, contract=contract, database=database))")
    text = f"run {result.run_id} {result.state.value}; files: {files}; rows: {balance}"
    return View(text, body)


def replay_view(result: ReplayResult) -> View:
    """What came of rejects that were tried again."""
    would = "would be loaded" if result.is_preview else "loaded"
    summary = (
        f"{counted(result.rows_tried, 'reject')} tried: {result.rows_loaded:,} {would},"
        f" {result.rows_duplicate:,} duplicate, {result.rows_rejected:,} still open"
    )
    title = "Replay, a preview: nothing was changed" if result.is_preview else _replay_title(result.run_id)
    body = heading(title) + line(escaped(summary))
    if result.files:
        body += table(_REPLAYED, result.files[:SHOWN]) + _more(len(result.files))
    if result.refused:
        body += heading("Not tried") + table(_REFUSED, result.refused)
    if not result.rows_tried and not result.refused:
        body += next_step("see what is rejected", "nb.rejects(database)")
    return View(f"replay: {summary}", body)


def _replay_title(run_id: int | None) -> str:
    return "Replay: nothing to try" if run_id is None else f"Replay, run {run_id}"


def reconcile_view(result: ReconcileResult) -> View:
    """Whether ledger and targets agree."""
    verdict = "agrees with the ledger" if result.is_balanced else f"{counted(len(result.mismatches), 'difference')}"
    summary = f"{counted(result.files, 'file')}, {counted(result.rows, 'row')}: {verdict}"
    mark = state("pass") if result.is_balanced else state("fail")
    body = heading(f"Reconciliation {mark}") + line(escaped(summary)) + table(_TARGETS, result.targets)
    if result.mismatches:
        body += _list(masked(mismatch) for mismatch in result.mismatches[:SHOWN]) + _more(len(result.mismatches))
        body += next_step("see a file's history", "explain(database, uri)")
    lost = [lost for target in result.targets for lost in target.lost_duplicates]
    if lost:
        body += line(f"{sum(one.rows for one in lost):,} rows were duplicates of files that are not loaded any more")
    return View(f"reconciliation of {summary}", body)


def _list(items: Iterable[str]) -> str:
    return "<ul>" + "".join(f"<li>{item}</li>" for item in items) + "</ul>"
