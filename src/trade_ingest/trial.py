"""Try a contract on the first records of a file: what it accepts, and why not the rest. Nothing is kept."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import cast

import polars as pl

from trade_ingest.contract.model import Contract
from trade_ingest.errors import FileError, StoreError
from trade_ingest.parse.file import FileRows, check_trailer, open_rows
from trade_ingest.parse.layout import FileLayout
from trade_ingest.source.blocks import BlockReader
from trade_ingest.source.file import SourceFile

TRIAL_BYTES = 1 << 18
"""Of a file's start, unpacked: some thousands of records."""


@dataclass(slots=True)
class Trial:
    """What became of the first records of a file under a contract; ``rows_read`` = accepted + rejected.

    Attributes:
        rows_read: data records tried.
        rows_accepted: those that fit.
        records_ignored: records that are no rows by the contract's ``format.ignore_records``.
        reasons: rows by code and column (None: the whole record) of what is wrong with the others.
        example: by the same, the value of the first such row.
        header: the file's header as the format reads it; None without one.
        layout: which field is which column; None if the file could not be opened.
        rows: the accepted rows.
        is_whole: the file ends within what was tried.
        has_trailer: its end is the trailer that the contract describes.
        error: why the file would fail.
    """

    rows_read: int = 0
    rows_accepted: int = 0
    records_ignored: int = 0
    reasons: Counter[tuple[str, str | None]] = field(default_factory=Counter)
    example: dict[tuple[str, str | None], str] = field(default_factory=dict)
    header: tuple[str, ...] | None = None
    layout: FileLayout | None = None
    rows: pl.DataFrame = field(default_factory=pl.DataFrame)
    is_whole: bool = False
    has_trailer: bool = False
    error: FileError | StoreError | None = None

    @property
    def accepts_all(self) -> bool:
        """Whether there are rows, and each is accepted."""
        return self.error is None and self.rows_read > 0 and self.rows_accepted == self.rows_read

    def span(self, column: str) -> tuple[datetime, datetime] | None:
        """The first and the last moment of a timestamp column; None without one."""
        if column not in self.rows.columns or not self.rows.get_column(column).count():
            return None
        values = self.rows.get_column(column)
        return cast("datetime", values.min()), cast("datetime", values.max())

    @property
    def filled(self) -> Mapping[str, int]:
        """How many accepted rows have a value, by column."""
        return {name: self.rows.get_column(name).count() for name in self.rows.columns}


def try_contract(
    file: SourceFile, contract: Contract, *, uri: str = "", max_bytes: int | None = TRIAL_BYTES, block_bytes: int = 0
) -> Trial:
    """Parse the first records of a file under a contract, as loading would; the reject limit is left aside.

    Args:
        file: a file of a listing.
        contract: what it may look like.
        uri: the path that values are taken from, instead of the file's own.
        max_bytes: as much of the unpacked file is tried; None: all of it.
        block_bytes: what is parsed at once; 0: as much as is tried.
    """
    trial = Trial()
    try:
        reader = BlockReader(file, contract.format, block_bytes=block_bytes or max_bytes or 8 * TRIAL_BYTES)
        trial.header = None if reader.header is None else tuple(reader.header)
        opened = open_rows(reader, contract, uri or file.uri)
        if opened is not None:
            trial.layout = opened.layout
            _parse(opened, trial, max_bytes)
        else:
            trial.is_whole = True
        trial.records_ignored = reader.ignored_count
        trial.has_trailer = reader.trailer is not None
        if trial.is_whole:
            check_trailer(reader, contract, file.uri)
    except (FileError, StoreError) as exc:
        trial.error = exc
    return trial


def _parse(opened: FileRows, trial: Trial, max_bytes: int | None) -> None:
    parts: list[pl.DataFrame] = []
    for block in opened.reader:
        parsed = opened.parser.parse(block)
        parts.append(parsed.rows)
        trial.rows_read += block.row_count
        trial.rows_accepted += parsed.rows.height
        for reject in parsed.rejects:
            for reason in reject.reasons:
                place = (reason.code, reason.column)
                trial.reasons[place] += 1
                trial.example.setdefault(place, reject.raw_text if reason.value is None else reason.value)
        if max_bytes is not None and opened.reader.content_bytes >= max_bytes:
            break
    else:
        trial.is_whole = True
    trial.rows = pl.concat(parts, how="diagonal") if parts else pl.DataFrame()
