"""Rejects."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import Field

from trade_ingest.api.paging import sort_field
from trade_ingest.api.schemas.base import (
    Answer,
    CommaSeparated,
    CountedPage,
    CountedQuery,
    Id,
    Request,
    Text,
)
from trade_ingest.api.schemas.files import FileState, Mark, Reason
from trade_ingest.ledger.reject_pages import REJECTS
from trade_ingest.ledger.rejects import RejectFilter

RejectState = Literal["open", "replayed", "discarded"]

_States = Annotated[tuple[RejectState, ...], CommaSeparated]


def days_field(default: int | None = None) -> Any:  # noqa: ANN401  # as pydantic's Field
    """The field of a parameter ``days``."""
    return Field(default, ge=1, le=3660, description="Found by runs that began in the last so many days.")


class _Wanted:
    """What all parameters that say which rejects are meant become."""

    run_id: int | None
    file_id: int | None
    contract: str | None
    reason: str | None
    column: str | None
    state: tuple[RejectState, ...]
    days: int | None

    @property
    def filter(self) -> RejectFilter:
        """The filter as the ledger takes it."""
        file_ids = () if self.file_id is None else (self.file_id,)
        return RejectFilter(file_ids, self.run_id, self.reason, self.column, self.state, self.contract, self.days)


class WantedRejects(_Wanted, Request):
    """Which rejects."""

    run_id: Id | None = Field(None, description="Found by this run.")
    file_id: Id | None = Field(None, description="Of this file.")
    contract: Text | None = Field(None, description="Of files that were loaded by the contract of this name.")
    reason: Text | None = Field(None, description="With this code among their reasons.")
    column: Text | None = Field(None, description="With a reason that names this column.")
    state: _States = Field(("open",), description="In one of these states.")
    days: int | None = days_field()


class GroupsQuery(WantedRejects):
    """Which rejects are grouped."""

    days: int = days_field(30)


class RejectFilesQuery(GroupsQuery):
    """Which rejects are counted by file, and how many files are listed."""

    limit: int = Field(200, ge=1, le=1000)


class RejectsQuery(_Wanted, CountedQuery):
    """Which rejects are listed."""

    sort: str = sort_field(REJECTS.sorts, "-reject_id")
    run_id: Id | None = Field(None, description="Found by this run.")
    file_id: Id | None = Field(None, description="Of this file.")
    contract: Text | None = Field(None, description="Of files that were loaded by the contract of this name.")
    reason: Text | None = Field(None, description="With this code among their reasons.")
    column: Text | None = Field(None, description="With a reason that names this column.")
    state: _States = Field(("open",), description="In one of these states.")
    days: int | None = days_field()


class ExportQuery(_Wanted, Request):
    """Which rejects are exported."""

    run_id: Id | None = Field(None, description="Found by this run.")
    file_id: Id | None = Field(None, description="Of this file.")
    contract: Text | None = Field(None, description="Of files that were loaded by the contract of this name.")
    reason: Text | None = Field(None, description="With this code among their reasons.")
    column: Text | None = Field(None, description="With a reason that names this column.")
    state: _States = Field(("open",), description="In one of these states.")
    days: int | None = days_field()


class Reject(Answer):
    """A row that broke its contract."""

    reject_id: int
    file_id: int
    uri: str
    run_id: int
    row_number: int = Field(description="Its 1-based ordinal in the file.")
    byte_offset: int = Field(description="Where it begins in the decompressed file.")
    raw_text: str = Field(description="The row; bytes that are no text are shown as \\x00.")
    reasons: list[Reason]
    marks: list[Mark] = Field(description="The bad cells in raw_text, in order.")
    state: RejectState
    resolved_at: datetime | None
    resolved_run_id: int | None
    discard_reason: str | None


class RejectPage(CountedPage):
    """Some rejects; a page may be short and have a next one."""

    items: list[Reject]
    next_cursor: str | None


class DayCount(Answer):
    """The rejects that the runs of one UTC day found."""

    date: date
    rejects: int


class RejectGroup(Answer):
    """The rejects with the same reason in the same column by the same contract.

    A row with several reasons is in several groups.
    """

    reason: str
    column: str | None
    contract: str
    rejects: int
    files: int
    example_reject_id: int
    example_value: str | None
    days: list[DayCount]


class RejectGroups(Answer):
    """All groups, the most frequent first."""

    items: list[RejectGroup]


class RejectFile(Answer):
    """A file, and how many rejects it has."""

    file_id: int
    uri: str
    state: FileState
    rejects: int


class RejectFiles(Answer):
    """The files with the most rejects, these first."""

    items: list[RejectFile]
    files: int = Field(description="How many there are in all.")
