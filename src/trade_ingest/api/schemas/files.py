"""Files."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field, model_validator

from trade_ingest.api.paging import sort_field
from trade_ingest.api.schemas.base import (
    Answer,
    CommaSeparated,
    Count,
    CountedPage,
    CountedQuery,
    ErrorInfo,
    Id,
    Moment,
    Request,
    Text,
)
from trade_ingest.ledger.file_pages import FILES, FileFilter

FileState = Literal["pending", "loaded", "failed", "skipped", "replaced", "rolled_back", "baseline"]


class RunFilesQuery(CountedQuery):
    """Which files of a run."""

    sort: str = sort_field(FILES.sorts, "-file_id")
    state: Annotated[tuple[FileState, ...], CommaSeparated] = Field((), description="In one of these states.")
    target: Text | None = Field(None, description="For this target, `schema.table`.")
    contract: Text | None = Field(None, description="By the contract of this name.")
    uri: Text | None = Field(
        None, description="Whose URI matches: `*` and `?` are wildcards; without one, any part of it."
    )
    reason: Text | None = Field(None, description="With this reason for its state, or this code of its error.")
    loaded_from: Moment | None = None
    loaded_to: Moment | None = None
    discovered_from: Moment | None = None
    discovered_to: Moment | None = None
    event_from: Moment | None = Field(None, description="With an event at this time or later.")
    event_to: Moment | None = Field(None, description="With an event before this time.")
    min_size_bytes: Count | None = None
    max_size_bytes: Count | None = None
    min_rows_rejected: Count | None = None

    @property
    def filter(self) -> FileFilter:
        """The filter as the ledger takes it."""
        return FileFilter(**self.model_dump(exclude={"limit", "cursor", "sort", "include"}))


class FilesQuery(RunFilesQuery):
    """Which files."""

    run_id: Id | None = Field(None, description="That this run touched last.")


class File(Answer):
    """A file; the counts of one that is not loaded any more are those it had."""

    file_id: int
    target: str
    uri: str
    version: str = Field(description="The etag, or size and modification time.")
    size_bytes: int
    modified_at: datetime
    state: FileState
    reason: str | None
    run_id: int | None = Field(description="The run that touched it last.")
    contract: str
    contract_version: int
    attempts: int
    rows_read: int
    rows_loaded: int
    rows_duplicate: int
    rows_rejected: int
    event_time_min: datetime | None
    event_time_max: datetime | None
    discovered_at: datetime
    claimed_at: datetime | None = Field(description="When its last attempt began.")
    loaded_at: datetime | None = Field(description="When it was committed.")
    duration_seconds: float | None = Field(description="Of its last attempt.")
    replaces_file_id: int | None
    same_as_file_id: int | None
    error: ErrorInfo | None


class FilePage(CountedPage):
    """Some files; a page may be short and have a next one."""

    items: list[File]
    next_cursor: str | None


class Overlap(Answer):
    """Rows that two files both delivered."""

    file_id: int
    uri: str
    rows: int


class FileDetail(Answer):
    """All that the ledger knows of a file."""

    file: File
    is_balanced: bool = Field(description="Whether each row read is accounted for.")
    control_totals: dict[str, str] = Field(description="Sums over its loaded rows, as decimal text, by column.")
    header: list[str] | None
    content_hash: str | None = Field(description="xxh3-128 of its content, in hexadecimal digits.")
    content_bytes: int | None = Field(description="Its decompressed size.")
    replaced_by_file_id: int | None
    duplicates_of: list[Overlap] = Field(description="Files that had delivered rows of it before.")
    duplicated_by: list[Overlap] = Field(description="Files that delivered rows of it again.")
    rejects_by_state: dict[str, int]
    attempts: list[FileAttempt]
    after_load: AfterLoad | None = Field(description="What was to be done with it once loaded; none: it was kept.")
    lakes: list[LakeOfFile] = Field(description="What the lakes of its target hold of it.")


class FileAttempt(Answer):
    """A try to load the file."""

    number: int
    run_id: int
    state: Literal["running", "loaded", "failed", "skipped", "abandoned"]
    worker: str
    started_at: datetime
    ended_at: datetime | None
    rows_read: int | None
    bytes_read: int | None
    stage_seconds: dict[str, float] | None
    error: ErrorInfo | None


class AfterLoad(Answer):
    """What was to be done with a file once it was loaded, and what came of it."""

    run_id: int = Field(description="The run that it was asked of.")
    action: Literal["move", "tag", "delete"]
    destination: str | None = Field(description="The URI that it is moved to; none for other actions.")
    state: Literal["pending", "done", "failed"] = Field(description="What is pending or failed, the next run tries.")
    attempts: int
    error: ErrorInfo | None
    requested_at: datetime
    done_at: datetime | None


class LakeOfFile(Answer):
    """What a lake holds of a file."""

    lake: str = Field(description="As it is asked for with --also.")
    run_id: int = Field(description="The run that it was asked of.")
    state: Literal["pending", "done", "failed"] = Field(description="What is pending or failed, the next run tries.")
    rows: int | None = Field(
        description="Rows that are there; 0: they were taken out; none: it is at work or was not done."
    )
    objects: list[str] = Field(description="Names of all objects that may be there, below the lake's folder.")
    attempts: int
    error: ErrorInfo | None
    requested_at: datetime
    done_at: datetime | None


class LinesQuery(Request):
    """How many lines."""

    limit: int = Field(20, ge=1, le=200)


class Line(Answer):
    """A line of a file; ``marks`` are the bad cells of a reject that begins here."""

    byte_offset: int = Field(description="Where it begins in the decompressed file.")
    text: str = Field(description="At most 4,000 characters; bytes that are no text are shown as \\x00.")
    is_cut: bool
    row_number: int | None = Field(description="Of the reject that begins here.")
    marks: list[Mark]
    reasons: list[Reason]


class Mark(Answer):
    """A bad cell: characters from ``start`` up to, not including, ``end``."""

    start: int
    end: int

    @model_validator(mode="before")
    @classmethod
    def _of_pair(cls, value: tuple[int, int]) -> dict[str, int]:
        return {"start": value[0], "end": value[1]}


class Reason(Answer):
    """One thing that is wrong with a row; without a column it is the whole record."""

    code: str
    column: str | None = None
    value: str | None = None


class FirstLines(Answer):
    """The beginning of a file, read again from its source."""

    uri: str
    is_same_version: bool = Field(description="Whether the source still has the version that the ledger has.")
    lines: list[Line]


class ExplainedVersion(Answer):
    """Why one version of a file is in its state."""

    file_id: int
    version: str
    state: FileState
    sentence: str
    hint: str


class NextRun(Answer):
    """What the next run over the file would do with it."""

    contract: str
    target: str
    version: str
    reason: str
    sentence: str
    is_loaded: bool


class Explanation(Answer):
    """Why a file was loaded, or was not."""

    uri: str
    sentence: str
    versions: list[ExplainedVersion] = Field(description="Newest first.")
    next_run: NextRun | None = Field(description="None if the file is not there, or its source is not allowed here.")
