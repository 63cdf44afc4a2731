"""What a new delivery of a file changed."""

from __future__ import annotations

from pydantic import Field

from trade_ingest.api.schemas.base import Answer, Request
from trade_ingest.api.schemas.trades import TradeRow


class ChangesQuery(Request):
    """How many rows of each kind."""

    limit: int = Field(20, ge=1, le=100)


class ColumnChange(Answer):
    """A column that differs."""

    column: str
    rows: int = Field(description="Changed rows that have another value in it.")


class ChangedRow(Answer):
    """A row that both versions have, with other values."""

    before: TradeRow
    now: TradeRow
    columns: list[str] = Field(description="Those that differ.")


class FileChanges(Answer):
    """The rows of a file against those of the version that it took the place of."""

    file_id: int
    before_file_id: int = Field(description="The version before it; its rows are kept beside the target.")
    target: str
    key: list[str] = Field(
        description="By which a row is found again. Empty: rows are compared whole; a changed one is removed and added."
    )
    rows_before: int
    rows_now: int
    rows_same: int
    rows_added: int
    rows_removed: int
    rows_changed: int
    columns: list[ColumnChange] = Field(description="The columns that differ in changed rows.")
    is_complete: bool = Field(description="Whether both still have all the rows that were loaded.")
    added: list[TradeRow] = Field(description="The first ones by their place in the file; of equal rows one.")
    removed: list[TradeRow] = Field(description="The first ones by their place in the version before.")
    changed: list[ChangedRow] = Field(description="The first ones by their place in the file.")
