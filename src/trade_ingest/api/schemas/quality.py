"""Coverage and reconciliation."""

from __future__ import annotations

from datetime import date

from pydantic import Field

from trade_ingest.api.schemas.base import Answer, Day, Id, Request, Text
from trade_ingest.ledger.feeds import DayState
from trade_ingest.reconcile import MismatchKind


class CoverageQuery(Request):
    """Of which target or feed, and which days."""

    target: Text = Field(description="`schema.table`.")
    contract: Text | None = Field(None, description="Only files that were loaded by the contract of this name.")
    date_from: Day | None = Field(None, description="This day and later.")
    date_to: Day | None = Field(None, description="Days before this one.")


class DayCoverage(Answer):
    """One UTC day, by the event time of rows."""

    date: date
    state: DayState = Field(
        description="`loaded`; `partial`: with less than half of what this weekday had in the four weeks before;"
        " `missing`: without rows, though this weekday had some in two of them; `late`: the same, after the newest day;"
        " `holiday`: without rows, as the contract says."
    )
    files: int = Field(description="Loaded files with rows of the day.")
    rows: int = Field(description="Their accepted rows, duplicates included.")


class Coverage(Answer):
    """The days that have rows or should have, in order, up to yesterday or the newest day."""

    target: str
    contract: str | None
    days: list[DayCoverage]


class GapsQuery(Request):
    """Of how much time."""

    days: int = Field(28, ge=1, le=366, description="The last so many days, without today.")


class FeedGaps(Answer):
    """The days that a feed lacks, by their states; see `/coverage`."""

    target: str
    contract: str
    missing: list[date]
    late: list[date]
    partial: list[date]


class Gaps(Answer):
    """The feeds that lack days."""

    items: list[FeedGaps]


class ReconciliationRequest(Request):
    """What is compared: a target, or the files of a run; everything if nothing is named."""

    target: Text | None = Field(None, description="Only this target, `schema.table`.")
    run_id: Id | None = Field(None, description="Only the files that this run touched last.")


class Mismatch(Answer):
    """One difference."""

    kind: MismatchKind
    file_id: int | None
    uri: str | None
    column: str | None
    expected: str = Field(description="What the ledger says.")
    found: str = Field(description="What is there.")


class LostDuplicates(Answer):
    """Rows that were counted as duplicates of a file that is not loaded any more."""

    file_id: int
    uri: str
    original_file_id: int
    original_state: str
    rows: int


class ReconciledTarget(Answer):
    """One target."""

    target: str
    is_balanced: bool
    files: int = Field(description="Loaded files that were compared.")
    rows: int = Field(description="Rows that the target has of them.")
    mismatches: list[Mismatch]
    lost_duplicates: list[LostDuplicates]


class Reconciliation(Answer):
    """Whether the ledger and the targets agree."""

    is_balanced: bool
    files: int
    rows: int
    duration_seconds: float
    targets: list[ReconciledTarget]
