"""From a file's blocks to encoded rows, in file order, a few blocks ahead of the COPY."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from itertools import chain, islice

import polars as pl

from trade_ingest.contract.model import Contract
from trade_ingest.load.encode import RowEncoder
from trade_ingest.parse.reject import Reject
from trade_ingest.parse.rows import BlockParser, control_totals
from trade_ingest.source.blocks import Block, BlockReader


@dataclass(slots=True)
class EncodedBlock:
    """A block, parsed and ready to be copied.

    Attributes:
        block: the block it came from.
        payload: the accepted rows, encoded.
        row_count: how many they are.
        rejects: the other rows.
        totals: sums of the control columns over the accepted rows.
        first_time, last_time: the range of event times, None without accepted rows.
        days: how many accepted rows each UTC day has, by their event times.
    """

    block: Block
    payload: list[bytes]
    row_count: int
    rejects: list[Reject]
    totals: Mapping[str, Decimal]
    first_time: datetime | None
    last_time: datetime | None
    days: Mapping[date, int]


class BlockPipeline:
    """Parses and encodes blocks in threads; memory is bounded by ``threads + 2`` blocks."""

    def __init__(
        self, reader: BlockReader, parser: BlockParser, encoder: RowEncoder, contract: Contract, threads: int
    ) -> None:
        self._reader = reader
        self._parser = parser
        self._encoder = encoder
        self._contract = contract
        self._threads = threads

    def __iter__(self) -> Iterator[EncodedBlock]:
        """The encoded blocks in file order.

        Raises:
            FileCorruptError: the file breaks while it is read.
        """
        blocks = iter(self._reader)
        first = list(islice(blocks, 2))
        if len(first) == 1:  # most files of a feed are small: no thread is worth starting
            yield self._encode(first[0])
            return
        pending: deque[Future[EncodedBlock]] = deque()
        with ThreadPoolExecutor(self._threads, thread_name_prefix="parse") as pool:
            try:
                for block in chain(first, blocks):
                    pending.append(pool.submit(self._encode, block))
                    if len(pending) > self._threads:
                        yield pending.popleft().result()
                while pending:
                    yield pending.popleft().result()
            finally:
                for future in pending:
                    future.cancel()

    def _encode(self, block: Block) -> EncodedBlock:
        parsed = self._parser.parse(block)
        rows = parsed.rows
        times = rows.get_column(self._contract.event_time)
        return EncodedBlock(
            block=block,
            payload=self._encoder.encode(rows) if rows.height else [],
            row_count=rows.height,
            rejects=parsed.rejects,
            totals=control_totals(rows, self._contract.control_totals),
            first_time=times.min(),  # type: ignore[arg-type]
            last_time=times.max(),  # type: ignore[arg-type]
            days=rows_by_day(times),
        )


def rows_by_day(times: pl.Series) -> dict[date, int]:
    """How many of the times each UTC day has."""
    if not len(times):
        return {}
    first, last = times.min(), times.max()
    assert isinstance(first, datetime)
    assert isinstance(last, datetime)
    if first.date() == last.date():  # most files are of one day
        return {first.date(): len(times)}
    counts = times.dt.date().value_counts(name="rows")
    return dict(zip(counts.to_series(0).to_list(), counts.get_column("rows").to_list(), strict=True))
