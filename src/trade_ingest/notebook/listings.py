"""What the ledger knows, as HTML: runs, one run, files, rejects."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

from trade_ingest.cli.display import counted, format_bytes, format_ratio, format_seconds
from trade_ingest.errors import LedgerVersionError
from trade_ingest.notebook.page import (
    Balance,
    Column,
    View,
    count,
    empty,
    escaped,
    heading,
    line,
    masked,
    next_step,
    state,
    table,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trade_ingest.ledger.queries import Connection, FileSummary, RunDetail, RunRow
    from trade_ingest.ledger.rejects import RejectGroup, RejectRow

_INGEST = "ingest(sources, contract=contract, database=database)"


def _why(file: FileSummary) -> str:
    if file.error:
        return f'<span title="{masked(file.error.get("message"))}">{escaped(file.error.get("code"))}</span>'
    return escaped((file.reason or "").replace("_", " "))


def _reasons(reject: RejectRow) -> str:
    return "<br>".join(_reason(reason) for reason in reject.reasons)


def _reason(reason: Any) -> str:  # noqa: ANN401  # as the ledger's JSON has it
    where = f"{escaped(reason['column'])}: " if reason["column"] else ""
    return f"{where}<code>{escaped(reason['code'])}</code>"


def _marked(reject: RejectRow) -> str:
    """The row as it was delivered, its bad cells marked."""
    pieces, done = [], 0
    for start, end in reject.marks:
        pieces.append(escaped(reject.raw_text[done:start]))
        pieces.append(f"<mark>{escaped(reject.raw_text[start:end]) or '&nbsp;'}</mark>")
        done = end
    return f"<pre>{''.join(pieces)}{escaped(reject.raw_text[done:])}</pre>"


_RUNS = (
    Column("run", lambda run: str(run.run_id), is_number=True),
    Column("kind", lambda run: escaped(run.kind)),
    Column("state", lambda run: state(run.state)),
    Column("started", lambda run: escaped(run.started_at)),
    Column("duration", lambda run: escaped(format_seconds(run.duration_seconds)), is_number=True),
    Column("files", lambda run: count(run.files_loaded), is_number=True),
    Column("failed", lambda run: count(run.files_failed), is_number=True),
    Column("skipped", lambda run: count(run.files_skipped), is_number=True),
    Column("rows read", lambda run: count(run.rows_read), is_number=True),
    Column("loaded", lambda run: count(run.rows_loaded), is_number=True),
    Column("duplicate", lambda run: count(run.rows_duplicate), is_number=True),
    Column("rejected", lambda run: count(run.rows_rejected), is_number=True),
    Column("target", lambda run: escaped(run.target)),
)
_FILES = (
    Column("file", lambda file: str(file.file_id), is_number=True),
    Column("state", lambda file: state(file.state)),
    Column("uri", lambda file: masked(file.uri)),
    Column("size", lambda file: escaped(format_bytes(file.size_bytes)), is_number=True),
    Column("rows read", lambda file: count(file.rows_read), is_number=True),
    Column("loaded", lambda file: count(file.rows_loaded), is_number=True),
    Column("duplicate", lambda file: count(file.rows_duplicate), is_number=True),
    Column("rejected", lambda file: count(file.rows_rejected), is_number=True),
    Column("", lambda file: escaped("✓" if file.is_balanced else "✗ rows do not balance")),
    Column("first event", lambda file: escaped(file.event_time_min)),
    Column("last event", lambda file: escaped(file.event_time_max)),
    Column("run", lambda file: escaped(file.run_id), is_number=True),
    Column("why", _why),
)
_GROUPS = (
    Column("reason", lambda group: f"<code>{escaped(group.reason)}</code>"),
    Column("column", lambda group: escaped(group.column)),
    Column("rejects", lambda group: count(group.rejects), is_number=True),
    Column("files", lambda group: count(group.files), is_number=True),
    Column("example", lambda group: escaped(group.example_value)),
)
_REJECTS = (
    Column("reject", lambda reject: str(reject.reject_id), is_number=True),
    Column("file", lambda reject: masked(reject.uri.rsplit("/", 1)[-1])),
    Column("row", lambda reject: count(reject.row_number), is_number=True),
    Column("reasons", _reasons),
    Column("as delivered", _marked),
    Column("state", lambda reject: state(reject.state)),
)
_FAILURES = (
    Column("file", lambda failure: str(failure.file_id), is_number=True),
    Column("uri", lambda failure: masked(failure.uri)),
    Column("error", lambda failure: f"<code>{escaped(failure.error.get('code'))}</code>"),
    Column("what", lambda failure: masked(failure.error.get("message"))),
    Column("hint", lambda failure: masked(failure.error.get("hint"))),
)


@contextmanager
def ledger_or_none(database: str) -> Iterator[Connection | None]:
    """A connection to a database with a ledger; None if there is no ledger yet."""
    from trade_ingest.ledger.queries import open_ledger

    with ExitStack() as stack:
        try:
            connection: Connection | None = stack.enter_context(open_ledger(database))
        except LedgerVersionError as exc:
            if exc.fields.get("revision") is not None:
                raise
            connection = None
        yield connection


def runs(database: str, *, states: Sequence[str] = (), limit: int = 20) -> View:
    """Runs, newest first.

    Args:
        database: the URL of the database.
        states: only runs in one of these states; all if empty.
        limit: at most so many.
    """
    from trade_ingest.ledger.queries import list_runs

    with ledger_or_none(database) as connection:
        return runs_view([] if connection is None else list_runs(connection, states=states, limit=limit))


def runs_view(found: Sequence[RunRow]) -> View:
    """Runs."""
    if not found:
        return empty("no runs", "begin one with", _INGEST)
    body = table(_RUNS, found) + next_step("see one", f"nb.run(database, {found[0].run_id})")
    return View(counted(len(found), "run"), body)


def run(database: str, run_id: int) -> View:
    """One run: its balance, where its time went, its failures.

    Raises:
        NotInLedgerError: there is none with that id.
    """
    from trade_ingest.ledger.queries import get_run, open_ledger

    with open_ledger(database) as connection:
        return detail_view(get_run(connection, run_id))


def detail_view(detail: RunDetail) -> View:
    """One run in detail."""
    found, balance = detail.run, Balance.of(detail.run)
    files = (
        f"{found.files_planned:,} planned: {found.files_loaded:,} loaded, {found.files_failed:,} failed;"
        f" {found.files_skipped:,} skipped; {format_bytes(found.bytes_read)}"
    )
    contract = f" by contract {detail.contract}" if detail.contract else ""
    body = heading(f"Run {found.run_id} {state(found.state)} in {format_seconds(found.duration_seconds)}")
    body += balance.html + line(f"files: {files}")
    body += line(f"{masked(', '.join(found.sources))} → {escaped(found.target + contract)}")
    who = f"{found.kind} by {found.started_by} on {found.host}, engine {found.engine}"
    body += line(f"{escaped(who)}, trade-ingest {escaped(found.program_version)}", is_quiet=True)
    body += line(f"{escaped(found.started_at)} to {escaped(found.ended_at) or 'now'}", is_quiet=True)
    body += _stages(detail)
    if found.error:
        body += line(f"{state('failed')} {masked(found.error.get('code'))}: {masked(found.error.get('message'))}")
    if detail.failures:
        body += heading(f"{counted(len(detail.failures), 'file')} failed") + table(_FAILURES, detail.failures)
    if detail.rejects_open:
        words = f"{counted(detail.rejects_open, 'reject')} open"
        body += next_step(words, f"nb.rejects(database, run_id={found.run_id})")
    return View(f"run {found.run_id} {found.state}; files: {files}; rows: {balance}", body)


def _stages(detail: RunDetail) -> str:
    total = sum(detail.stage_seconds.values())
    if not total:
        return ""
    columns = (
        Column("stage", escaped),
        Column("", lambda stage: _bar(detail.stage_seconds[stage] / total)),
        Column("seconds", lambda stage: escaped(format_seconds(detail.stage_seconds[stage])), is_number=True),
        Column("share", lambda stage: escaped(format_ratio(detail.stage_seconds[stage], total)), is_number=True),
        Column("", lambda stage: "bottleneck" if stage == detail.bottleneck else ""),
    )
    return heading("Where the time of the loading threads went") + table(columns, detail.stage_seconds)


def _bar(share: float) -> str:
    return f'<span class="bar" style="width:{share * 160:.0f}px"></span>'


def files(
    database: str,
    *,
    run_id: int | None = None,
    states: Sequence[str] = (),
    uri: str | None = None,
    target: str | None = None,
    limit: int = 20,
) -> View:
    """Files, newest first.

    Args:
        database: the URL of the database.
        run_id: only files that this run touched last.
        states: only files in one of these states; all if empty.
        uri: only files whose URI matches: ``*`` and ``?`` are wildcards; without one, any part of the URI.
        target: only files of this target, ``schema.table``.
        limit: at most so many.
    """
    from trade_ingest.ledger.queries import list_files

    with ledger_or_none(database) as connection:
        if connection is None:
            return files_view([])
        return files_view(list_files(connection, run_id=run_id, states=states, uri=uri, target=target, limit=limit))


def files_view(found: Sequence[FileSummary]) -> View:
    """Files."""
    if not found:
        return empty("no files", "load some with", _INGEST)
    return View(counted(len(found), "file"), table(_FILES, found))


def rejects(
    database: str,
    *,
    run_id: int | None = None,
    file_ids: Sequence[int] = (),
    reason: str | None = None,
    column: str | None = None,
    states: Sequence[str] = ("open",),
    rows: bool = False,
    limit: int = 20,
) -> View:
    """Rejects: grouped by reason and column, or row by row with the bad cells marked.

    Args:
        database: the URL of the database.
        run_id: only those that this run found.
        file_ids: only those of these files.
        reason: only with this code among their reasons.
        column: only with a bad cell in this column.
        states: ``open``, ``replayed``, ``discarded``; all if empty.
        rows: single rows instead of groups.
        limit: at most so many groups or rows.

    Raises:
        NotInLedgerError: the ledger does not know the run, the file, the reason or the column.
    """
    from trade_ingest.ledger.known import require_known
    from trade_ingest.ledger.rejects import RejectFilter, count_rejects, group_rejects, list_rejects

    wanted = RejectFilter(tuple(file_ids), run_id, reason, column, tuple(states))
    with ledger_or_none(database) as connection:
        if connection is None:
            return groups_view([])
        require_known(connection, wanted)
        total = count_rejects(connection, wanted)
        if rows:
            return rejects_view(list(list_rejects(connection, wanted, limit=limit)), total)
        return groups_view(group_rejects(connection, wanted)[:limit], total)


def groups_view(groups: Sequence[RejectGroup], total: int | None = None) -> View:
    """Rejects by reason and column."""
    if not groups:
        return _no_rejects()
    words = counted(sum(group.rejects for group in groups) if total is None else total, "reject")
    body = heading(words) + table(_GROUPS, groups)
    body += line("A row with several reasons is in several groups.", is_quiet=True)
    first = groups[0]
    return View(words, body + next_step("see the rows", f"nb.rejects(database, reason={first.reason!r}, rows=True)"))


def rejects_view(found: Sequence[RejectRow], total: int | None = None) -> View:
    """Single rejects."""
    if not found:
        return _no_rejects()
    shown, all_of_them = len(found), len(found) if total is None else total
    words = counted(all_of_them, "reject") if shown == all_of_them else f"{shown:,} of {counted(all_of_them, 'reject')}"
    return View(words, heading(words) + table(_REJECTS, found))


def _no_rejects() -> View:
    return empty("no rejects", "see what was loaded", "nb.files(database)")
