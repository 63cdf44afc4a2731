"""Contracts."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from apiflask.fields import UploadFile
from pydantic import ConfigDict, Field

from trade_ingest.api.schemas.base import Answer, ErrorInfo, JsonObject, Request, Text
from trade_ingest.api.schemas.files import Mark, Reason


class Contract(Answer):
    """What a file must look like, in short."""

    name: str
    version: int
    description: str
    target: str
    key: list[str]
    event_time: str
    columns: int
    origin: Literal["builtin", "configured"]


class Contracts(Answer):
    """The contracts that can be named: those that are built in, and the one that the server is set up with."""

    items: list[Contract]


class StoredContract(Answer):
    """A contract as it was used."""

    contract_id: int
    version: int
    fingerprint: str
    created_at: datetime


class ContractDetail(Answer):
    """A contract."""

    name: str
    version: int
    target: str
    origin: Literal["builtin", "configured", "ledger"]
    text: str | None = Field(description="Its YAML; None of one that is only in the ledger.")
    definition: JsonObject = Field(description="As it is understood, defaults included.")
    used: list[StoredContract] = Field(description="What the ledger has under its name, newest first; at most 100.")


class Sample(Request):
    """A file to check; nothing of it is kept."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    file: UploadFile = Field(description="The sample, compressed or not.")
    contract: Text | None = Field(None, description="A contract's name; none: the one that the server is set up with.")
    limit: int = Field(10, ge=0, le=100, description="How many rejects are listed.")


class ReasonCount(Answer):
    """How many rows are rejected for one reason."""

    reason: str
    column: str | None
    rows: int


class CheckedReject(Answer):
    """A row that breaks the contract."""

    row_number: int
    byte_offset: int
    raw_text: str
    reasons: list[Reason]
    marks: list[Mark]


class CheckError(ErrorInfo):
    """Why the file would fail."""

    retryable: bool = Field(default=False, validation_alias="is_retryable")


class FileCheck(Answer):
    """What loading would make of a file; keys are not looked up."""

    uri: str
    size_bytes: int
    rows_read: int
    rows_accepted: int
    rows_rejected: int
    passes: bool = Field(description="Whether the file would be loaded.")
    reasons: list[ReasonCount]
    rejects: list[CheckedReject]
    error: CheckError | None


class SampleCheck(Answer):
    """What loading would make of the sample, and which built-in contracts would take every row of it."""

    contract: str
    check: FileCheck
    fitting: list[str]
