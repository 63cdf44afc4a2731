"""The blocks of a file, handed to one COPY or to several at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from threading import Lock

from trade_ingest.load.partitions import Partitions
from trade_ingest.load.pipeline import EncodedBlock
from trade_ingest.load.tally import Tally
from trade_ingest.parse.reject import Reject


class BlockFeed:
    """Hands out each block once, in file order, with its partitions made; safe to use from several threads."""

    def __init__(
        self,
        blocks: Iterator[EncodedBlock],
        partitions: Partitions,
        tally: Tally,
        on_block: Callable[[EncodedBlock], None],
    ) -> None:
        self._blocks = blocks
        self._partitions = partitions
        self._tally = tally
        self._on_block = on_block
        self._lock = Lock()
        self._generation = 0
        partitions.begin_file()
        self._head = self._next()

    def open_segment(
        self, *, most_bytes: int | None = None, keeps_blocks: bool = False, ends_for_rejects: bool = True
    ) -> Segment | None:
        """A segment that begins now, or None at the end of the file.

        Args:
            most_bytes: file bytes after which the segment is full; None for no limit.
            keeps_blocks: keep the blocks, to send them again.
            ends_for_rejects: the segment is also full when many rejects wait to be written.
        """
        with self._lock:
            if self._head is None:
                return None
            self._make_partitions(self._head)
            return Segment(
                self, self._generation, most_bytes, keeps_blocks=keeps_blocks, ends_for_rejects=ends_for_rejects
            )

    def take(self, generation: int) -> EncodedBlock | None:
        """The next block for a COPY, or None if there is none or the COPY cannot take it.

        A running COPY does not see partitions that are younger than itself: it has to end and a new one to begin.
        """
        with self._lock:
            block = self._head
            if block is None:
                return None
            self._make_partitions(block)
            if generation != self._generation:
                return None
            self._on_block(block)
            self._head = self._next()
            return block

    def close(self) -> None:
        """Hand out no more blocks."""
        with self._lock:
            self._head = None

    @property
    def has_many_rejects(self) -> bool:
        """Whether rejects should be written before more blocks are taken."""
        return self._tally.has_many_rejects

    def take_rejects(self) -> list[Reject]:
        """The rejects of the blocks taken so far that nobody has written yet."""
        with self._lock:
            return self._tally.take_rejects()

    def _make_partitions(self, block: EncodedBlock) -> None:
        if self._partitions.ensure(block.days):
            self._generation += 1

    def _next(self) -> EncodedBlock | None:
        with self._tally.timed("parse"):
            return next(self._blocks, None)


class Segment:
    """The payload of one COPY; iterating takes blocks from the feed until the segment is full.

    Attributes:
        blocks: the blocks taken, if they are kept.
    """

    def __init__(
        self,
        feed: BlockFeed,
        generation: int,
        most_bytes: int | None,
        *,
        keeps_blocks: bool,
        ends_for_rejects: bool,
    ) -> None:
        self._feed = feed
        self._ends_for_rejects = ends_for_rejects
        self._generation = generation
        self._most_bytes = most_bytes
        self._keeps_blocks = keeps_blocks
        self._size_bytes = 0
        self.blocks: list[EncodedBlock] = []

    def __iter__(self) -> Iterator[bytes]:
        """The encoded rows."""
        while not self._is_full and (block := self._feed.take(self._generation)) is not None:
            self._size_bytes += len(block.block.data)
            if self._keeps_blocks:
                self.blocks.append(block)
            yield from block.payload

    @property
    def _is_full(self) -> bool:
        if not self._size_bytes:
            return False
        if self._ends_for_rejects and self._feed.has_many_rejects:
            return True
        return self._most_bytes is not None and self._size_bytes >= self._most_bytes
