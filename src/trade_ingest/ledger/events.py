"""What happened, in order: one stream for the display, for JSON lines and for the ledger."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import psycopg


class EventKind(StrEnum):
    """The closed set of state changes."""

    RUN_STARTED = "run_started"
    RUN_PLANNED = "run_planned"
    RUN_ENDED = "run_ended"
    RUN_ABANDONED = "run_abandoned"
    RUN_REQUEST_FAILED = "run_request_failed"
    FILE_LOADED = "file_loaded"
    FILE_SKIPPED = "file_skipped"
    FILE_FAILED = "file_failed"
    FILE_ARCHIVED = "file_archived"
    ARCHIVE_FAILED = "archive_failed"
    FILE_HANDED_OVER = "file_handed_over"
    FILE_WITHDRAWN = "file_withdrawn"
    HANDOVER_FAILED = "handover_failed"
    FILE_ROLLED_BACK = "file_rolled_back"
    REJECTS_REPLAYED = "rejects_replayed"
    REJECTS_DISCARDED = "rejects_discarded"
    TARGET_CREATED = "target_created"


@dataclass(frozen=True, slots=True)
class Event:
    """One state change."""

    kind: EventKind
    run_id: int | None = None
    file_id: int | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)
    at: datetime = field(default_factory=lambda: datetime.now(UTC))

    def as_dict(self) -> dict[str, Any]:
        """The form of JSON lines."""
        return {
            "event": self.kind.value,
            "at": self.at.isoformat(timespec="milliseconds"),
            "run_id": self.run_id,
            "file_id": self.file_id,
            **self.detail,
        }


def record_event(connection: psycopg.Connection[Any], event: Event) -> None:
    """Append an event to the ledger, in the connection's transaction."""
    connection.execute(
        "INSERT INTO ingest.event (run_id, file_id, kind, detail) VALUES (%s, %s, %s, %s)",
        [event.run_id, event.file_id, event.kind.value, json.dumps(event.detail, default=str)],
    )
