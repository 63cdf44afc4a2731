"""Coverage and reconciliation."""

from __future__ import annotations

from datetime import date

from pydantic import Field

from trade_ingest.api.schemas.base import Answer, Id, Request, Text
from trade_ingest.reconcile import MismatchKind


class CoverageQuery(Request):
    """Of which target, and which days."""

    target: Text = Field(description="`schema.table`.")
    date_from: date | None = Field(None, description="This day and later.")
    date_to: date | None = Field(None, description="Days before this one.")


class DayCoverage(Answer):
    """The rows of one UTC day by their event time."""

    date: date
    files: int
    rows: int


class Coverage(Answer):
    """The days that a target has rows of, in order."""

    target: str
    days: list[DayCoverage]


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
