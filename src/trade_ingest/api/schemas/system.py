"""How ingestion and the system go."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import Field

from trade_ingest.api.schemas.base import Answer, Moment, Request, Text

_MINUTE = 60
BUCKETS = {"minute": _MINUTE, "hour": 60 * _MINUTE, "day": 24 * 60 * _MINUTE, "week": 7 * 24 * 60 * _MINUTE}
"""Widths by name, in seconds."""


class SummaryQuery(Request):
    """Of which time."""

    start: Moment | None = Field(None, description="From here; none: a day before the end.")
    end: Moment | None = Field(None, description="Up to here; none: now.")
    bucket: Literal["minute", "hour", "day", "week"] = Field("hour", description="How wide the spans are, in UTC.")
    target: Text | None = Field(None, description="Only of this target, `schema.table`.")


class Bucket(Answer):
    """What was committed in one span of time."""

    at: datetime = Field(description="Where the span begins.")
    files_loaded: int
    files_failed: int
    rows_read: int
    rows_loaded: int
    rows_duplicate: int
    rows_rejected: int
    bytes_loaded: int = Field(description="Size of the files as stored.")
    reject_ratio: float | None = Field(description="Rejects of the rows read; None if none was.")


class Freshness(Answer):
    """When the last file of a target came in by a contract, and until when its events reach."""

    target: str
    contract: str
    last_loaded_at: datetime
    last_event_at: datetime | None
    age_seconds: float


class Backlog(Answer):
    """What is known and not loaded."""

    files_pending: int
    bytes_pending: int
    oldest_pending_at: datetime | None
    files_failed: int
    bytes_failed: int
    runs_running: int
    rejects_open: int


class Summary(Answer):
    """How ingestion goes."""

    start: datetime
    end: datetime
    bucket_seconds: int
    buckets: list[Bucket]
    reject_ratio: float | None = Field(description="Of the whole time.")
    rows_per_second: float = Field(description="Rows loaded in the whole time, by its length.")
    freshness: list[Freshness]
    backlog: Backlog


class Check(Answer):
    """One of the doctor's checks."""

    name: str
    state: Literal["pass", "warn", "fail"]
    message: str
    fix: str = Field(description="What to do, or empty.")
    duration_seconds: float


class Checks(Answer):
    """All checks; those that need what failed before are left out."""

    state: Literal["pass", "warn", "fail"] = Field(description="The worst of all.")
    items: list[Check]


class ServerConnection(Answer):
    """A connection of this program's."""

    process_id: int
    user: str
    application: str
    address: str | None
    state: str | None
    waits_for: str | None
    connected_at: datetime
    statement_seconds: float | None
    blocked_by: list[int] = Field(description="Processes of the server that it waits for.")


class RelationLock(Answer):
    """A lock on a table, other than those that reading takes."""

    relation: str
    mode: str
    is_granted: bool
    process_id: int


class TableSize(Answer):
    """A table with its partitions; the number of rows is PostgreSQL's estimate."""

    table: str
    rows: int
    table_bytes: int
    index_bytes: int


class DatabaseFacts(Answer):
    """The server and the database as a whole."""

    server_version: str
    name: str
    size_bytes: int
    started_at: datetime
    max_connections: int
    connections: int


class Database(Answer):
    """What the database does at the moment."""

    database: DatabaseFacts
    connections: list[ServerConnection]
    locks: list[RelationLock]
    tables: list[TableSize]


class Setting(Answer):
    """A setting; secrets are masked."""

    name: str
    value: Any
    origin: str = Field(description="The option, variable or file that it comes from, or default.")
    layer: Literal["flag", "environment", "env_file", "config_file", "default"]
    variable: str
    description: str


class Settings(Answer):
    """All settings."""

    items: list[Setting]


class Health(Answer):
    """Whether it works."""

    status: Literal["ok"]
    version: str


class Readiness(Answer):
    """Whether the database answers and has a ledger of this program's version."""

    status: Literal["ok"]
    ledger_revision: str
