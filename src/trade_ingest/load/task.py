"""What a loader is asked to do, and what it answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from trade_ingest.contract.model import Contract, OnChanged, RejectLimit
from trade_ingest.errors import TradeIngestError
from trade_ingest.ledger.after_load import AfterLoad
from trade_ingest.ledger.events import Event
from trade_ingest.ledger.handover import HandoverOrder
from trade_ingest.load.kept import KeptRows
from trade_ingest.source.file import SourceFile
from trade_ingest.source.sizes import BLOCK_BYTES


class FileState(StrEnum):
    """How a file stands in the ledger."""

    PENDING = "pending"
    LOADED = "loaded"
    FAILED = "failed"
    SKIPPED = "skipped"
    REPLACED = "replaced"
    ROLLED_BACK = "rolled_back"
    BASELINE = "baseline"


@dataclass(frozen=True, slots=True)
class LoadOptions:
    """How files are loaded.

    Attributes:
        reject_limit: when a file has too many rejects; None: the contract's.
        on_changed: what to do with changed files; None: the contract's.
        threads: threads that parse and encode.
        lanes: connections that copy one file at once.
        block_bytes: file bytes parsed at once.
        segment_bytes: file bytes in one COPY of a target with a key; what is sent again after a key conflict.
        attempts: how often a file is tried when the database says that trying again may help.
    """

    reject_limit: RejectLimit | None = None
    on_changed: OnChanged | None = None
    threads: int = 1
    lanes: int = 1
    block_bytes: int = BLOCK_BYTES
    segment_bytes: int = 32 << 20
    attempts: int = 5


@dataclass(frozen=True, slots=True)
class LoadTask:
    """One file to load.

    Attributes:
        run_id: the run that asks.
        file_id: the file's row in the ledger.
        file: where it is, at which version.
        contract: what it must look like.
        contract_id: the contract's id in the ledger.
        options: how it is loaded.
        waits: wait while another process loads the file, instead of answering ``is_busy``.
        after_load: what is to be done with the file then, by the run; None: nothing.
        handover: where its rows go, too; None: the target has no lake.
        kept: where the loader leaves its rows for that; None: nowhere. Made where the file is loaded.
    """

    run_id: int
    file_id: int
    file: SourceFile
    contract: Contract
    contract_id: int
    options: LoadOptions = LoadOptions()
    waits: bool = False
    after_load: AfterLoad | None = None
    handover: HandoverOrder | None = None
    kept: KeptRows | None = None


@dataclass(frozen=True, slots=True)
class ErrorInfo:
    """An error as data: what the ledger, the API and the displays show."""

    code: str
    message: str
    hint: str
    is_retryable: bool

    @classmethod
    def of(cls, error: TradeIngestError) -> ErrorInfo:
        """The facts of an error."""
        return cls(error.code, error.message, error.hint, error.retryable)

    def as_dict(self) -> dict[str, Any]:
        """The form kept in the ledger."""
        return {"code": self.code, "message": self.message, "hint": self.hint, "retryable": self.is_retryable}


@dataclass(frozen=True, slots=True)
class HandedOver:
    """What came of one file's hand-over to one lake.

    Attributes:
        file_id: the file.
        uri: its URI.
        lake: the lake, as it is asked for.
        rows: the rows that the lake holds of it, or was to hold; 0: it was taken out.
        event: its event, which is in the ledger already.
        error: why it is not done; None if it is.
    """

    file_id: int
    uri: str
    lake: str
    rows: int
    event: Event
    error: ErrorInfo | None = None

    def as_dict(self) -> dict[str, Any]:
        """The object that ``-o json`` prints."""
        return {
            "file_id": self.file_id,
            "uri": self.uri,
            "lake": self.lake,
            "rows": self.rows,
            "error": self.error and self.error.as_dict(),
        }


@dataclass(frozen=True, slots=True)
class FileResult:
    """What came of one file.

    ``rows_read = rows_loaded + rows_duplicate + rows_rejected`` holds for a loaded file. ``is_busy``: another process
    is loading it, nothing was done. ``stage_seconds`` splits the time of the loading thread: ``parse`` is time spent
    waiting for parsed rows, ``copy`` for PostgreSQL to take them, ``commit`` for it to make them durable.
    ``records_ignored`` are no rows: the contract's ``format.ignore_records`` names them. ``handed_over``: what came of
    its lakes.
    """

    file_id: int
    uri: str
    size_bytes: int
    state: FileState
    reason: str = ""
    rows_read: int = 0
    rows_loaded: int = 0
    rows_duplicate: int = 0
    rows_rejected: int = 0
    records_ignored: int = 0
    content_bytes: int = 0
    duration_seconds: float = 0.0
    stage_seconds: Mapping[str, float] = field(default_factory=dict)
    error: ErrorInfo | None = None
    is_busy: bool = False
    handed_over: tuple[HandedOver, ...] = ()
