"""Plans."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import Field

from trade_ingest.api.orders import OrderSelection
from trade_ingest.api.schemas.base import Answer, Request, Text
from trade_ingest.plan import PlanReason


class PlanRequest(Request):
    """What would be run."""

    sources: list[Text] = Field(min_length=1, max_length=100, description="Files, folders and globs that are allowed.")
    contract: Text | None = Field(None, description="A contract's name; none: the one that the server is set up with.")
    on_changed: Literal["replace", "skip", "append", "fail"] | None = Field(
        None, description="What to do with a loaded file whose content has changed; none: as the contract says."
    )
    reload: bool = Field(default=False, description="Load files again that were rolled back.")
    selection: OrderSelection = Field(default_factory=OrderSelection)
    limit: int = Field(200, ge=0, le=5000, description="How many files to load, and how many others, are listed.")


class PlannedFile(Answer):
    """A file, and what the plan does with it."""

    uri: str
    version: str
    size_bytes: int
    modified_at: datetime
    reason: PlanReason
    explanation: str
    file_id: int | None
    other_file_id: int | None = Field(description="The file that explains the reason.")


class Plan(Answer):
    """What would be loaded, and why not the rest; nothing was changed."""

    contract: str
    target: str
    files_to_load: int
    bytes_to_load: int
    files_skipped: int
    reasons: dict[str, int] = Field(description="How many files there are for each reason.")
    to_load: list[PlannedFile] = Field(description="The first of them, by URI.")
    skipped: list[PlannedFile] = Field(description="The first of them, by URI.")
    ignored: list[str] = Field(description="Paths that were left out because of their names; the first of them.")
