"""A lake of Parquet objects: ``event_date=YYYY-MM-DD/<token>-<file id>.parquet``."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from trade_ingest.lake.places import EVENT_DATE
from trade_ingest.lake.spool import SpooledDay
from trade_ingest.ledger.handover import Lake, OpenHandover
from trade_ingest.load.target import TargetTable
from trade_ingest.source.access import Accesses
from trade_ingest.source.location import Location, parse_location
from trade_ingest.source.placing import put_file, take_away


class ParquetLake:
    """Puts each file's rows to the same names each time, so that what is written again is never there twice."""

    def __init__(self, lake: Lake, accesses: Accesses) -> None:
        self._lake = lake
        self._root = parse_location(lake.place)
        self._access = accesses.of(self._root)

    def names(self, handover: OpenHandover, attempt: int, spooled: Sequence[SpooledDay]) -> list[str]:  # noqa: ARG002
        """The names of the objects, below the lake's folder, in the order of the spooled files."""
        stem = f"{self._lake.token}-{handover.file_id}"
        return [f"{EVENT_DATE}={one.day}/{stem}{f'-{one.part}' if one.part else ''}.parquet" for one in spooled]

    def publish(
        self,
        handover: OpenHandover,
        target: TargetTable,  # noqa: ARG002  # as of all lakes
        new: Sequence[tuple[str, SpooledDay]],
        check: Callable[[], None],
    ) -> None:
        """Let the lake hold these objects of a file, and none that it had before.

        Each object is there as a whole or not; those of several days come one after the other.

        Args:
            handover: the file.
            target: its target.
            new: its objects, by name.
            check: called before each change; raises if somebody else sees to the file now.
        """
        for name, spooled in new:
            check()
            put_file(spooled.path, self._at(name), self._access)
        kept = {name for name, _ in new}
        for name in handover.objects:
            if name not in kept:
                check()
                take_away(self._at(name), self._access)

    def is_done(self, handover: OpenHandover) -> bool:  # noqa: ARG002
        """Whether it holds all of that already; what is put again does no harm, so nobody is asked."""
        return False

    def _at(self, name: str) -> Location:
        base = self._root.key.rstrip("/")
        return self._root.at(f"{base}/{name}" if base or self._root.is_local else name)
