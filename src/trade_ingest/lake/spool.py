"""Rows in Parquet files of this machine, one for each day, before they go to a lake."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

GROUP_ROWS = 131_072
"""Rows of a row group, where a file has as many of a day; what readers skip or read at once."""

_BUFFERED_ROWS = 4 * GROUP_ROWS
_OPEN_FILES = 200


@dataclass(frozen=True, slots=True)
class SpooledDay:
    """A Parquet file of rows of one day.

    Attributes:
        day: the UTC day of their event time.
        part: 0, or more where the day came up again after others.
        path: the file.
    """

    day: date
    part: int
    path: Path


@dataclass(slots=True)
class _Day:
    path: Path
    part: int
    writer: pq.ParquetWriter | None = None
    waiting: list[pa.RecordBatch] = field(default_factory=list)
    rows: int = 0


class Spool:
    """Takes rows in any order and keeps them by day; its memory is bounded by half a million rows."""

    def __init__(self, folder: Path, schema: pa.Schema, event_time: str) -> None:
        self._folder = folder
        self._schema = schema
        self._event_time = event_time
        # numbers and times hardly repeat: a dictionary of them took three times as long
        self._words = [field.name for field in schema if pa.types.is_string(field.type)]
        self._days: dict[date, _Day] = {}  # that written to last at the end
        self._parts: dict[date, int] = {}
        self._done: list[SpooledDay] = []
        self._waiting_rows = 0

    def write(self, batches: Iterable[pa.RecordBatch]) -> list[SpooledDay]:
        """Write all rows; the files, by day."""
        try:
            for batch in batches:
                for day, rows in self._split(batch):
                    self._take(day, rows)
            for day in list(self._days):
                self._close(day)
        finally:
            for kept in self._days.values():
                if kept.writer is not None:
                    kept.writer.close()
        return sorted(self._done, key=lambda spooled: (spooled.day, spooled.part))

    def _split(self, batch: pa.RecordBatch) -> Iterator[tuple[date, pa.RecordBatch]]:
        days = pc.cast(batch.column(self._event_time), pa.date32())
        found = pc.unique(days)
        if len(found) == 1:
            yield found[0].as_py(), batch
            return
        for day in found:
            yield day.as_py(), batch.filter(pc.equal(days, day))

    def _take(self, day: date, rows: pa.RecordBatch) -> None:
        kept = self._days.pop(day, None)
        if kept is None:
            part = self._parts.get(day, 0)
            self._parts[day] = part + 1
            kept = _Day(self._folder / f"{day:%Y%m%d}-{part}.parquet", part)
        self._days[day] = kept
        kept.waiting.append(rows)
        kept.rows += rows.num_rows
        self._waiting_rows += rows.num_rows
        if kept.rows >= GROUP_ROWS:
            self._flush(kept)
        while self._waiting_rows > _BUFFERED_ROWS:
            self._flush(max(self._days.values(), key=lambda one: one.rows))
        if len(self._days) > _OPEN_FILES:
            self._close(next(iter(self._days)))

    def _flush(self, kept: _Day) -> None:
        if kept.writer is None:
            kept.writer = pq.ParquetWriter(kept.path, self._schema, compression="zstd", use_dictionary=self._words)
        kept.writer.write_table(pa.Table.from_batches(kept.waiting, self._schema), row_group_size=GROUP_ROWS)
        self._waiting_rows -= kept.rows
        kept.waiting, kept.rows = [], 0

    def _close(self, day: date) -> None:
        kept = self._days.pop(day)
        if kept.waiting:
            self._flush(kept)
        if kept.writer is not None:
            kept.writer.close()
        self._done.append(SpooledDay(day, kept.part, kept.path))
