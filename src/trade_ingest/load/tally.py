"""What a file's transaction has done so far."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal

from trade_ingest.load.pipeline import EncodedBlock
from trade_ingest.load.segment import Merged
from trade_ingest.parse.reject import Reject
from trade_ingest.parse.rows import EXACT

KEPT_REJECTS = 1000  # of a file that fails: enough to see what is wrong with it
_PENDING_REJECTS = 10_000
_PENDING_REJECT_BYTES = 16 << 20


@dataclass(slots=True)
class Tally:
    """What a file's transaction has done so far."""

    rows_loaded: int = 0
    rows_rejected: int = 0
    duplicates: dict[int, int] = field(default_factory=dict)
    totals: dict[str, Decimal] = field(default_factory=dict)
    first_time: datetime | None = None
    last_time: datetime | None = None
    days: Counter[date] = field(default_factory=Counter)
    pending: list[Reject] = field(default_factory=list)
    pending_bytes: int = 0
    first_rejects: list[Reject] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def rows_duplicate(self) -> int:
        """Rows that the target had already."""
        return sum(self.duplicates.values())

    def add_block(self, block: EncodedBlock) -> None:
        """Count what a block holds, before it is copied."""
        for name, total in block.totals.items():
            self.totals[name] = EXACT.add(self.totals.get(name, Decimal(0)), total)
        if block.first_time is not None and block.last_time is not None:
            self.first_time = min(self.first_time or block.first_time, block.first_time)
            self.last_time = max(self.last_time or block.last_time, block.last_time)
        self.days.update(block.days)
        self.add_rejects(block.rejects)

    def add_rejects(self, rejects: list[Reject]) -> None:
        """Count rejects and keep them to be written."""
        self.rows_rejected += len(rejects)
        self.pending += rejects
        self.pending_bytes += sum(len(r.raw) for r in rejects)
        if len(self.first_rejects) < KEPT_REJECTS:
            self.first_rejects += rejects[: KEPT_REJECTS - len(self.first_rejects)]

    def add_merged(self, merged: Merged) -> None:
        """Count what a merged segment has loaded and left out."""
        self.rows_loaded += merged.rows_loaded
        for file_id, rows in merged.duplicates.items():
            self.duplicates[file_id] = self.duplicates.get(file_id, 0) + rows
        for name, total in merged.left_out.items():
            self.totals[name] = EXACT.subtract(self.totals[name], total)

    @property
    def has_many_rejects(self) -> bool:
        """Whether the rejects should be written before more are taken."""
        return len(self.pending) >= _PENDING_REJECTS or self.pending_bytes >= _PENDING_REJECT_BYTES

    def take_rejects(self) -> list[Reject]:
        """The rejects that are not written yet; they are the caller's now."""
        taken, self.pending, self.pending_bytes = self.pending, [], 0
        return taken

    @contextmanager
    def timed(self, stage: str) -> Iterator[None]:
        """Add the time that the block takes to a stage."""
        started = time.monotonic()
        try:
            yield
        finally:
            self.seconds[stage] = self.seconds.get(stage, 0.0) + time.monotonic() - started
