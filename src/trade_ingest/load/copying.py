"""A file's rows into its target, within transactions that the caller opens and ends."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
from psycopg import errors as pg

from trade_ingest.contract.model import Contract, RejectLimit
from trade_ingest.errors import BalanceError, RejectLimitError
from trade_ingest.ledger import files
from trade_ingest.ledger.progress import Progress
from trade_ingest.load.encode import RowEncoder
from trade_ingest.load.feed import BlockFeed, Segment
from trade_ingest.load.lanes import copy_in_lanes
from trade_ingest.load.partitions import Partitions
from trade_ingest.load.pipeline import BlockPipeline, EncodedBlock
from trade_ingest.load.segment import Merged, copy_rows, merge_rows
from trade_ingest.load.tally import Tally
from trade_ingest.load.target import TargetTable
from trade_ingest.load.task import LoadTask
from trade_ingest.parse.file import check_trailer, open_rows, reject_limit_error
from trade_ingest.parse.layout import path_values
from trade_ingest.parse.reject import Reason, ReasonCode, Reject
from trade_ingest.source.blocks import BlockReader
from trade_ingest.source.listing import require_unchanged
from trade_ingest.source.records import Dialect, scan_records

_PROGRESS_SECONDS = 0.5

Connection = psycopg.Connection[Any]
Report = Callable[[Progress], None]


class FileCopy:
    """One pass over one file.

    Attributes:
        tally: what it has done so far.
        reader: the file, None before it is opened.
    """

    def __init__(self, task: LoadTask, target: TargetTable, partitions: Partitions, report: Report) -> None:
        self._task = task
        self._target = target
        self._partitions = partitions
        self._report = report
        self._reported_at = time.monotonic()  # what takes less than one interval is not worth reporting
        self.tally = Tally()
        self.reader: BlockReader | None = None

    @property
    def _contract(self) -> Contract:
        return self._task.contract

    def run(self, lanes: list[Connection], attempt_id: int) -> None:
        """COPY all rows, keep all rejects, and make the checks that need the whole file; commits nothing.

        Args:
            lanes: the connections to copy over; the first has the file's transaction.
            attempt_id: the attempt that the lanes belong to.

        Raises:
            NeedsOneLaneError: a key conflicts and there are several lanes.
            FileError: the file fails, for the reason that the subclass says.
        """
        uri, options = self._task.file.uri, self._task.options
        if self._task.kept is not None:
            self._task.kept.clear()
        self.reader = reader = BlockReader(
            self._task.file,
            self._contract.format,
            block_bytes=options.block_bytes,
            hash_seed=hash_seed(self._contract, uri),
        )
        rows = open_rows(reader, self._contract, uri)
        if rows is not None:  # None is an empty file: no header, no rows, nothing wrong
            encoder = RowEncoder(self._target.columns, self._task.file_id, self._task.kept)
            threads = max(options.threads, len(lanes))
            blocks = iter(BlockPipeline(reader, rows.parser, encoder, self._contract, threads))
            feed = BlockFeed(blocks, self._partitions, self.tally, self._note_block)
            parsed_before = self.tally.seconds.get("parse", 0.0)
            with self.tally.timed("copy"):
                if len(lanes) > 1:
                    self._copy_in_lanes(lanes, feed, attempt_id)
                else:
                    self._copy_segments(lanes[0], feed)
            self._write_rejects(lanes[0], feed)
            seconds = self.tally.seconds  # what the copying waited for rows is parsing
            seconds["copy"] = max(seconds["copy"] - (seconds.get("parse", 0.0) - parsed_before), 0.0)
        self._check_whole_file(reader)

    def _copy_in_lanes(self, lanes: list[Connection], feed: BlockFeed, attempt_id: int) -> None:
        loaded = copy_in_lanes(
            lanes,
            self._target,
            feed,
            file_id=self._task.file_id,
            attempt_id=attempt_id,
            write_rejects=lambda: self._write_rejects(lanes[0], feed),
        )
        self.tally.rows_loaded += sum(loaded)

    def _copy_segments(self, connection: Connection, feed: BlockFeed) -> None:
        has_key = bool(self._target.key)  # without a key nothing is ever sent twice
        most_bytes = self._task.options.segment_bytes if has_key else None
        is_merging = False
        with connection.cursor() as cursor:
            while (segment := feed.open_segment(most_bytes=most_bytes, keeps_blocks=has_key)) is not None:
                if not has_key:
                    self.tally.rows_loaded += copy_rows(cursor, self._target.identifier, self._target, segment)
                elif is_merging:
                    is_merging = self._merge(cursor, segment)
                else:
                    is_merging = self._copy_or_merge(cursor, segment)
                self._write_rejects(connection, feed)

    def _copy_or_merge(self, cursor: psycopg.Cursor[Any], segment: Segment) -> bool:
        cursor.execute("SAVEPOINT segment")
        try:
            self.tally.rows_loaded += copy_rows(cursor, self._target.identifier, self._target, segment)
        except pg.UniqueViolation:
            cursor.execute("ROLLBACK TO SAVEPOINT segment")
            return self._merge(cursor, segment)
        cursor.execute("RELEASE SAVEPOINT segment")
        return False

    def _merge(self, cursor: psycopg.Cursor[Any], segment: Segment) -> bool:
        """Tell the segment's rows apart; whether there was an overlap, which is seldom alone."""
        for _ in segment:  # what the server refused to take, or all of it
            pass
        payload = (part for block in segment.blocks for part in block.payload)
        merged = merge_rows(cursor, self._target, payload, self._contract.control_totals)
        self.tally.add_merged(merged)
        self.tally.add_rejects(list(_conflicts(segment.blocks, merged, self._target, self._contract)))
        return bool(merged.duplicates or merged.conflicts)

    def _note_block(self, block: EncodedBlock) -> None:
        self.tally.add_block(block)
        self._check_absolute_limit()
        if time.monotonic() - self._reported_at >= _PROGRESS_SECONDS:
            self._reported_at = time.monotonic()
            self._report_progress(block.block.first_row + block.block.row_count - 1)

    def _report_progress(self, rows_read: int) -> None:
        assert self.reader is not None
        file = self._task.file
        # of a compressed file the share that is read is not known: its content may be larger than the file
        read = min(self.reader.content_bytes, file.size_bytes)
        self._report(
            Progress(
                file_id=self._task.file_id,
                uri=file.uri,
                stage="loading",
                bytes_read=read,
                size_bytes=file.size_bytes,
                rows_read=rows_read,
                rows_rejected=self.tally.rows_rejected,
            )
        )

    def _write_rejects(self, connection: Connection, feed: BlockFeed) -> None:
        if rejects := feed.take_rejects():
            files.add_rejects(connection, self._task.file_id, self._task.run_id, rejects)

    def _check_absolute_limit(self) -> None:
        limit = self._reject_limit
        if limit.max_ratio == 0 and self.tally.rows_rejected > limit.max_count:
            raise self._too_many_rejects()

    def _too_many_rejects(self) -> RejectLimitError:
        return reject_limit_error(
            self._task.file.uri,
            self._reject_limit,
            rows_rejected=self.tally.rows_rejected,
            rows_read=self.reader.row_count if self.reader else 0,
            hint=f"see them with: trade-ingest rejects --file {self._task.file_id}",
            first=next(iter(self.tally.first_rejects), None),
        )

    @property
    def _reject_limit(self) -> RejectLimit:
        return self._task.options.reject_limit or self._contract.rejects

    def _check_whole_file(self, reader: BlockReader) -> None:
        """The checks that need the whole file."""
        uri, tally = self._task.file.uri, self.tally
        check_trailer(reader, self._contract, uri)
        if self._reject_limit.is_exceeded(tally.rows_rejected, reader.row_count):
            raise self._too_many_rejects()
        accounted = tally.rows_loaded + tally.rows_duplicate + tally.rows_rejected
        if accounted != reader.row_count:
            message = (
                f"{uri}: {reader.row_count:,} rows read, but {tally.rows_loaded:,} loaded"
                f" + {tally.rows_duplicate:,} duplicate + {tally.rows_rejected:,} rejected = {accounted:,}"
            )
            raise BalanceError(message, hint="nothing was committed; please report this file", uri=uri)
        require_unchanged(self._task.file)


def hash_seed(contract: Contract, uri: str) -> bytes:
    """What makes a file's content other than its bytes: the values from its path.

    The same bytes under the name of another symbol are another content.
    """
    return repr(sorted(path_values(contract, uri).items())).encode()


def _conflicts(blocks: list[EncodedBlock], merged: Merged, target: TargetTable, contract: Contract) -> Iterator[Reject]:
    """Rejects for rows whose key is in the target with other content, with their raw text."""
    dialect = Dialect.of(contract.format)
    for encoded in blocks:
        block = encoded.block
        wanted = [n for n in merged.conflicts if block.first_row <= n < block.first_row + block.row_count]
        if not wanted:
            continue
        records = block.records or scan_records(block.data, dialect, is_final=True)[0]
        for row_number in wanted:
            index = row_number - block.first_row
            reason = Reason(
                ReasonCode.KEY_CONFLICT,
                ", ".join(target.key),
                f"file {merged.conflicts[row_number]} has this key with other content",
            )
            offset = block.source_offset(int(records.starts[index]))
            yield Reject(row_number, offset, records.raw(block.data, index), (reason,))
