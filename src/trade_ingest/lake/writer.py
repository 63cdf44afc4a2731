"""What writes to a lake."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from trade_ingest.lake.spool import SpooledDay
from trade_ingest.ledger.handover import Lake, LakeKind, OpenHandover
from trade_ingest.load.target import TargetTable
from trade_ingest.source.access import Accesses


class LakeWriter(Protocol):
    """Brings what a lake holds of a file in line; whoever calls it has the file's hand-over for himself."""

    def names(self, handover: OpenHandover, attempt: int, spooled: Sequence[SpooledDay]) -> list[str]:
        """The names of the objects, below the lake's folder, in the order of the spooled files."""
        ...

    def publish(
        self,
        handover: OpenHandover,
        target: TargetTable,
        new: Sequence[tuple[str, SpooledDay]],
        check: Callable[[], None],
    ) -> None:
        """Let the lake hold these objects of a file, and none that it had before; safe to repeat.

        Args:
            handover: the file.
            target: its target.
            new: its objects, by name; none: the file is to leave the lake.
            check: called before each change; raises if somebody else may see to the file now.

        Raises:
            HandoverError, StoreError: it cannot be done; the message says what.
        """
        ...

    def is_done(self, handover: OpenHandover) -> bool:
        """Whether the lake holds that already, since an earlier attempt was broken off before it was recorded."""
        ...


def writer_of(lake: Lake, database: str, accesses: Accesses) -> LakeWriter:
    """What writes to a lake."""
    if lake.kind == LakeKind.ICEBERG:
        from trade_ingest.lake.iceberg import IcebergLake

        return IcebergLake(lake, database, accesses)
    from trade_ingest.lake.parquet import ParquetLake

    return ParquetLake(lake, accesses)
