"""What the routes that change something take and give."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from trade_ingest.api.orders import MAX_SOURCES, MaxRejects
from trade_ingest.api.schemas.base import Answer, ErrorInfo, Id, JsonObject, PageQuery, Request, Text
from trade_ingest.api.schemas.rejects import days_field


class IdempotencyHeader(BaseModel):
    """Headers of a request that may be sent again."""

    model_config = ConfigDict(populate_by_name=True)  # APIFlask gives headers by such names

    idempotency_key: str | None = Field(
        None,
        alias="Idempotency-Key",
        min_length=1,
        max_length=200,
        pattern=r"^[\x21-\x7e]+$",
        description="The same key and body again begin nothing: the answer is that of the first time.",
    )


class RunRequestOut(Answer):
    """A run that was asked for."""

    run_request_id: int
    state: Literal["queued", "starting", "running", "ended", "cancelled", "failed"]
    run_id: int | None = Field(description="Its run, as soon as there is one.")
    retry_of_run_id: int | None
    requested_by: str
    arguments: JsonObject
    tries: int
    requested_at: datetime
    started_at: datetime | None
    stop_requested_at: datetime | None
    ended_at: datetime | None
    error: JsonObject | None


class RunRequestsOut(Answer):
    """The requests that have not ended, oldest first."""

    items: list[RunRequestOut]


class RetryIn(Request):
    """How failed files are tried again."""

    contract: Text | None = Field(default=None, description="Name of a contract; none: the one of the run, as it was.")
    max_rejects: MaxRejects = None


class RollbackIn(Request):
    """A rollback, or what it would do."""

    preview: bool = Field(default=False, description="Say what would happen, and change nothing.")


class RolledBackFileOut(Answer):
    """A file that was taken out."""

    file_id: int
    uri: str
    target: str
    rows_removed: int
    restored_file_id: int | None
    rows_restored: int


class LostDuplicatesOut(Answer):
    """A loaded file that had duplicates of rows that are gone."""

    file_id: int
    uri: str
    contract: str
    rows: int


class RollbackOut(Answer):
    """What a rollback did, or would do."""

    run_id: int | None
    is_preview: bool
    files: list[RolledBackFileOut]
    rows_removed: int
    rows_restored: int
    rows_missing: int
    lost_duplicates: list[LostDuplicatesOut]
    released: list[str] = Field(description="Files that were skipped as the same content; the next run loads one.")


MAX_CORRECTED = 1000


class WantedRejects(Request):
    """Which rejects; at least one of these, beside `days`."""

    file_ids: list[Id] = Field(default_factory=list, max_length=MAX_SOURCES)
    run_id: Id | None = None
    contract: Text | None = Field(None, description="Of files that were loaded by the contract of this name.")
    reason: Text | None = None
    column: Text | None = None
    days: int | None = days_field()


class CorrectedReject(Request):
    """A reject as it should have been."""

    reject_id: Id
    raw_text: str = Field(max_length=1 << 20, description="The whole row.")


class ReplayIn(WantedRejects):
    """Open rejects to be tried again: as they are, or those of `corrected` as they are there."""

    corrected: list[CorrectedReject] = Field(
        default_factory=list, max_length=MAX_CORRECTED, description="Rows in place of filters."
    )
    use_present_contract: bool = Field(
        default=False,
        description="By the version of `contract` that is offered now, instead of the one they were rejected by.",
    )
    preview: bool = Field(default=False, description="Say what would happen, and change nothing.")


class ReplayedFileOut(Answer):
    """What came of one file's rejects."""

    file_id: int
    uri: str
    rows_tried: int
    rows_loaded: int
    rows_duplicate: int
    rows_rejected: int
    reasons: dict[str, int]
    error: ErrorInfo | None


class RefusalOut(Answer):
    """Rejects that were not tried."""

    why: str
    rejects: int
    reject_ids: list[int]
    file_id: int | None
    is_settled: bool


class ReplayOut(Answer):
    """What a replay did, or would do."""

    run_id: int | None
    is_preview: bool
    rows_tried: int
    rows_loaded: int
    rows_duplicate: int
    rows_rejected: int
    reasons: dict[str, int]
    files: list[ReplayedFileOut]
    refused: list[RefusalOut]


class DiscardIn(WantedRejects):
    """Open rejects that are not to be loaded."""

    reject_ids: list[Id] = Field(default_factory=list, max_length=MAX_SOURCES, description="Only these.")
    why: Text = Field(pattern=r"\S", description="Kept with each of them.")


class DiscardOut(Answer):
    """How many were discarded."""

    rejects: int
    why: str


class TokenIn(Request):
    """A token to be made."""

    name: Text = Field(max_length=200, pattern=r"\S", description="Who or what uses it.")
    scope: Literal["read", "operate", "admin"]
    expires_in_days: float | None = Field(None, gt=0, le=3660, description="None: it does not expire.")


class TokenOut(Answer):
    """A token, without its secret."""

    token_id: int
    name: str
    scope: str
    created_by: str
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None


class NewTokenOut(TokenOut):
    """A token that was made."""

    token: str = Field(description="Shown this once.")


class TokensOut(Answer):
    """All tokens, newest first."""

    items: list[TokenOut]


class SessionIn(Request):
    """What lets a browser in."""

    token: str = Field(min_length=1, max_length=16_384)


class SessionOut(Answer):
    """Who is asking."""

    name: str
    scope: Literal["read", "operate", "admin"]
    method: Literal["local", "token", "session", "proxy", "oidc"]
    expires_at: datetime | None


class AuditOut(Answer):
    """A write, and what became of it."""

    audit_id: int
    at: datetime
    actor: str
    action: str
    subject: str | None
    detail: JsonObject
    status: int | None
    address: str | None
    request_id: str | None


class AuditPage(Answer):
    """Writes, newest first."""

    items: list[AuditOut]
    next_cursor: str | None


class AuditQuery(PageQuery):
    """Which writes."""

    actor: Text | None = None
