"""Runs."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from trade_ingest.api.paging import sort_field
from trade_ingest.api.schemas.base import (
    Answer,
    CommaSeparated,
    Count,
    CountedPage,
    CountedQuery,
    ErrorInfo,
    JsonObject,
    Moment,
    PageQuery,
    Text,
)
from trade_ingest.ledger.events import EventKind
from trade_ingest.ledger.run_pages import RUNS, RunFilter

RunState = Literal["running", "succeeded", "failed", "interrupted", "abandoned"]
RunKind = Literal["ingest", "replay", "rollback", "baseline"]


class RunsQuery(CountedQuery):
    """Which runs."""

    sort: str = sort_field(RUNS.sorts, "-run_id")
    state: Annotated[tuple[RunState, ...], CommaSeparated] = Field((), description="In one of these states.")
    kind: Annotated[tuple[RunKind, ...], CommaSeparated] = Field((), description="Of one of these kinds.")
    target: Text | None = Field(None, description="Into this target, `schema.table`.")
    contract: Text | None = Field(None, description="By the contract of this name.")
    engine: Text | None = None
    started_by: Text | None = Field(None, description="Started by this user.")
    source: Text | None = Field(
        None, description="With a source that matches: `*` and `?` are wildcards; without one, any part of it."
    )
    started_from: Moment | None = None
    started_to: Moment | None = None
    ended_from: Moment | None = None
    ended_to: Moment | None = None
    min_files_failed: Count | None = None
    min_rows_rejected: Count | None = None
    min_duration_seconds: float | None = Field(None, ge=0, allow_inf_nan=False)

    @property
    def filter(self) -> RunFilter:
        """The filter as the ledger takes it."""
        return RunFilter(**self.model_dump(exclude={"limit", "cursor", "sort", "include"}))


class Run(Answer):
    """A run; ``rows_read = rows_loaded + rows_duplicate + rows_rejected`` of its loaded files."""

    run_id: int
    kind: RunKind
    state: RunState
    target: str
    sources: list[str]
    contract: str | None = Field(description="The contract's name.")
    contract_version: int | None
    engine: str
    started_by: str
    host: str
    program_version: str
    started_at: datetime
    ended_at: datetime | None
    duration_seconds: float = Field(description="Of a running one, the time so far.")
    rows_per_second: float | None = Field(description="Rows read; None at the very start.")
    files_planned: int
    files_loaded: int
    files_failed: int
    files_skipped: int
    rows_read: int
    rows_loaded: int
    rows_duplicate: int
    rows_rejected: int
    bytes_read: int
    error: ErrorInfo | None


class RunPage(CountedPage):
    """Some runs; a page may be short and have a next one."""

    items: list[Run]
    next_cursor: str | None


class FileFailure(Answer):
    """A file that failed, and with what."""

    file_id: int
    uri: str
    error: ErrorInfo


class RunDetail(Answer):
    """All that the ledger knows of a run."""

    run: Run
    options: JsonObject = Field(description="What it was started with.")
    process_id: int
    is_live: bool = Field(description="Whether its process lives, on whatever machine.")
    is_balanced: bool = Field(description="Whether rows_read is the sum of the rows loaded, duplicate and rejected.")
    files_by_state: dict[str, int] = Field(description="How the files stand now that it touched last.")
    stage_seconds: dict[str, float] = Field(description="Time of its loading threads by stage, over all attempts.")
    bottleneck: str | None = Field(description="The stage that took most.")
    failures: list[FileFailure] = Field(description="Files that failed and have not been loaded since; at most 100.")
    rejects_open: int
    median_duration_seconds: float | None = Field(
        description="Of up to 20 runs before it that succeeded by the same contract into the same target."
    )
    command: str = Field(description="The command line that does the same.")


class FileProgress(Answer):
    """How far a file is that is being loaded; nothing of it is committed."""

    file_id: int
    uri: str
    stage: str
    bytes_read: int
    size_bytes: int
    rows_read: int
    rows_rejected: int


class Progress(Answer):
    """The files that a run is loading now."""

    items: list[FileProgress]


class Attempt(Answer):
    """A try to load a file."""

    file_id: int
    uri: str
    number: int
    state: Literal["running", "loaded", "failed", "skipped", "abandoned"]
    worker: str
    started_at: datetime
    ended_at: datetime | None
    rows_read: int | None
    bytes_read: int | None
    stage_seconds: dict[str, float] | None
    error: ErrorInfo | None


class AttemptPage(Answer):
    """Some attempts, first to last."""

    items: list[Attempt]
    next_cursor: str | None


class EventsQuery(PageQuery):
    """Which events of a run."""

    kind: Annotated[tuple[EventKind, ...], CommaSeparated] = Field((), description="Of one of these kinds.")
    sort: Literal["event_id", "-event_id"] = "event_id"


class LedgerEvent(Answer):
    """Something that happened."""

    event_id: int
    at: datetime
    event: str
    run_id: int | None
    file_id: int | None
    uri: str | None
    detail: JsonObject


class EventPage(Answer):
    """Some events, in the order of their ids."""

    items: list[LedgerEvent]
    next_cursor: str | None
