"""What a file's end looks like as an event."""

from __future__ import annotations

from typing import Any

from trade_ingest.ledger.events import Event, EventKind
from trade_ingest.load.task import FileResult, FileState


def event_of(result: FileResult, run_id: int) -> Event:
    """The event of a file's end."""
    kind = {FileState.LOADED: EventKind.FILE_LOADED, FileState.FAILED: EventKind.FILE_FAILED}.get(
        result.state, EventKind.FILE_SKIPPED
    )
    detail: dict[str, Any] = {"uri": result.uri, "size_bytes": result.size_bytes}
    if result.state != FileState.SKIPPED:
        detail |= {
            "rows_read": result.rows_read,
            "rows_loaded": result.rows_loaded,
            "rows_duplicate": result.rows_duplicate,
            "rows_rejected": result.rows_rejected,
            "duration_seconds": round(result.duration_seconds, 3),
        }
    if result.records_ignored:
        detail["records_ignored"] = result.records_ignored
    if result.reason:
        detail["reason"] = result.reason
    if result.error:
        detail["error"] = result.error.as_dict()
    return Event(kind, run_id, result.file_id, detail)
