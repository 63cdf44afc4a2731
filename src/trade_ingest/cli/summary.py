"""What a run did, for people."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from trade_ingest.cli.display import (
    STATE_COLOURS,
    counted,
    format_bytes,
    format_count,
    format_seconds,
    printable,
    styled,
)

if TYPE_CHECKING:
    from trade_ingest.load.task import ErrorInfo
    from trade_ingest.run import RunResult

_SHOWN_FAILURES = 20
_SHOWN_REASONS = 10
_LABEL_WIDTH = 9


def run_summary(result: RunResult, database: str) -> str:
    """The summary of a run, without a final line break."""
    return "\n".join(
        [*_counts(result), *_rejects(result, database), *_archiving(result), *_lakes(result), *_failures(result)]
    )


def _counts(result: RunResult) -> Iterator[str]:
    state = styled(result.state.value, STATE_COLOURS.get(result.state.value), sys.stdout)
    duration = format_seconds(result.duration_seconds)
    yield f"run {result.run_id} {state} in {duration}  {result.contract} → {result.target}"
    files = [f"{result.files_loaded:,} loaded", f"{result.files_skipped:,} skipped"]
    if result.files_failed:
        files.append(styled(f"{result.files_failed:,} failed", "red", sys.stdout))
    left = result.files_planned - result.files_loaded - result.files_failed
    if result.state.value == "interrupted" and left > 0:
        files.append(f"up to {left:,} not begun")
    yield _labelled("files", ", ".join(files))
    if result.files_loaded:
        yield _labelled("rows", _balance(result))
        yield _labelled("read", _throughput(result))


def _balance(result: RunResult) -> str:
    accounted = result.rows_loaded + result.rows_duplicate + result.rows_rejected
    is_balanced = accounted == result.rows_read
    verdict = (
        styled("✓ balanced", "green", sys.stdout) if is_balanced else styled("✗ do not balance", "red", sys.stdout)
    )
    return (
        f"{result.rows_read:,} read = {result.rows_loaded:,} loaded + {result.rows_duplicate:,} duplicate"
        f" + {result.rows_rejected:,} rejected  {verdict}"
    )


def _throughput(result: RunResult) -> str:
    seconds = max(result.duration_seconds, 1e-6)
    return (
        f"{format_bytes(result.bytes_read)}, {format_count(round(result.rows_read / seconds))} rows/s,"
        f" {format_bytes(result.bytes_read / seconds)}/s"
    )


def _rejects(result: RunResult, database: str) -> Iterator[str]:
    if not result.rows_rejected and not any(f.rows_rejected for f in result.failed):
        return
    from trade_ingest.ledger.queries import open_ledger
    from trade_ingest.ledger.rejects import RejectFilter, group_rejects
    from trade_ingest.load.tally import KEPT_REJECTS

    with open_ledger(database) as connection:
        groups = group_rejects(connection, RejectFilter(run_id=result.run_id))
    width = max((len(f"{group.rejects:,}") for group in groups), default=0)
    for i, group in enumerate(groups[:_SHOWN_REASONS]):
        column = f" in {group.column}" if group.column else ""
        files = counted(group.files, "file")
        yield _labelled(
            "" if i else "rejects", printable(f"{group.rejects:>{width},}  {group.reason}{column} ({files})")
        )
    if len(groups) > _SHOWN_REASONS:
        yield _labelled("", f"and {len(groups) - _SHOWN_REASONS} more reasons")
    if any(f.rows_rejected > KEPT_REJECTS for f in result.failed):
        yield _labelled("", f"of a file that failed only the first {KEPT_REJECTS:,} are kept")


def _archiving(result: RunResult) -> Iterator[str]:
    """What was done with files after loading; what failed is a warning, as the rows are in the target."""
    failed = [archived.error for archived in result.archive_failed if archived.error is not None]
    yield from _counted("archive", result.files_archived, len(failed), "failed, which stay where they are")
    yield from _warnings(failed, "that could not be archived")


def _lakes(result: RunResult) -> Iterator[str]:
    """What was handed over to lakes."""
    failed = [handed.error for handed in result.handover_failed if handed.error is not None]
    yield from _counted("lake", result.files_handed_over, len(failed), "failed, whose rows are in the target only")
    yield from _warnings(failed, "that could not be handed over")


def _counted(label: str, done: int, failed: int, how: str) -> Iterator[str]:
    if done or failed:
        counts = [f"{done:,} done"]
        if failed:
            counts.append(styled(f"{failed:,} {how}", "yellow", sys.stdout))
        yield _labelled(label, ", ".join(counts))


def _warnings(errors: Sequence[ErrorInfo], what: str) -> Iterator[str]:
    for error in errors[:_SHOWN_FAILURES]:
        yield f"{styled('warning', 'yellow', sys.stdout)}  [{error.code}] {printable(error.message)}"
        if error.hint:
            yield f"        {styled('hint', 'cyan', sys.stdout)}: {printable(error.hint)}"
    if len(errors) > _SHOWN_FAILURES:
        yield f"and {counted(len(errors) - _SHOWN_FAILURES, 'file')} more {what}"


def _failures(result: RunResult) -> Iterator[str]:
    for failed in result.failed[:_SHOWN_FAILURES]:
        if failed.error is None:
            continue
        again = "; trying again may help" if failed.error.is_retryable else ""
        yield f"{styled('failed', 'red', sys.stdout)}  [{failed.error.code}] {printable(failed.error.message)}"
        if failed.error.hint:
            yield f"        {styled('hint', 'cyan', sys.stdout)}: {printable(failed.error.hint)}{again}"
    if len(result.failed) > _SHOWN_FAILURES:
        yield f"and {counted(len(result.failed) - _SHOWN_FAILURES, 'failed file')} more"


def _labelled(label: str, text: str) -> str:
    return f"{label:<{_LABEL_WIDTH}}{text}"
