"""Rejected rows of one loaded file into its target, in the caller's transaction."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any, LiteralString, cast

import numpy as np
import polars as pl
import psycopg
from psycopg.rows import class_row

from trade_ingest.contract.model import Contract
from trade_ingest.errors import FileError, FileUnreadableError
from trade_ingest.ledger.after_load import find_action, find_place
from trade_ingest.ledger.events import Event, EventKind, record_event
from trade_ingest.ledger.export import raw_of_edited
from trade_ingest.ledger.files import FileRow, add_overlaps, json_text, lock_file
from trade_ingest.ledger.queries import fetch_row
from trade_ingest.ledger.rejects import WHERE, RejectFilter
from trade_ingest.load.encode import RowEncoder
from trade_ingest.load.partitions import Partitions
from trade_ingest.load.pipeline import rows_by_day
from trade_ingest.load.segment import Merged, copy_rows, merge_rows
from trade_ingest.load.target import TargetTable
from trade_ingest.parse.layout import FileLayout, layout_of
from trade_ingest.parse.reject import Reason, ReasonCode
from trade_ingest.parse.rows import EXACT, BlockParser, control_totals
from trade_ingest.source.blocks import Block, BlockReader, split_record
from trade_ingest.source.file import SourceFile
from trade_ingest.source.listing import Connections, find_file
from trade_ingest.source.records import Dialect, Records, scan_records

Connection = psycopg.Connection[Any]

_CHUNK_REJECTS = 5_000

_CHUNK_SQL: LiteralString = f"""
SELECT reject_id, row_number, raw, raw_text
FROM ingest.reject AS r
WHERE file_id = %(file_id)s AND row_number > %(last)s AND state = 'open'
    AND (%(ids)s::bigint[] IS NULL OR reject_id = ANY(%(ids)s)) AND {WHERE}
ORDER BY row_number
LIMIT %(limit)s
FOR UPDATE
"""  # noqa: S608  # made of constants


@dataclass(slots=True)
class RejectsDone:
    """What became of the rejects: ``rows_tried = rows_loaded + rows_duplicate + rows_rejected``."""

    rows_tried: int = 0
    rows_loaded: int = 0
    duplicates: dict[int, int] = field(default_factory=dict)
    rows_rejected: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    totals: dict[str, Decimal] = field(default_factory=dict)
    first_time: datetime | None = None
    last_time: datetime | None = None
    days: Counter[date] = field(default_factory=Counter)

    @property
    def rows_duplicate(self) -> int:
        """Rows that the target had already."""
        return sum(self.duplicates.values())


@dataclass(frozen=True, slots=True)
class _Open:
    """An open reject, and the bytes to try."""

    reject_id: int
    row_number: int
    raw: bytes
    raw_text: str


class RejectLoad:
    """Loads open rejects of one file; the file's ledger row stays locked until the caller's transaction ends."""

    def __init__(  # what is tried, and where
        self,
        connection: Connection,
        side: Connection,
        file_id: int,
        contract: Contract,
        run_id: int | None,
        *,
        connections: Connections = (),
    ) -> None:
        """Lock the file and find out how its rows are to be read.

        Args:
            connection: in a transaction.
            side: makes partitions, in transactions of its own.
            file_id: a loaded file.
            contract: what the rows are checked against.
            run_id: who resolves the rejects.
            connections: the named connections of the settings, for object stores.

        Raises:
            FileError: the file is not loaded any more, or its header does not fit the contract.
        """
        self._connection = connection
        self._contract = contract
        self._run_id = run_id
        self._connections = connections
        self._file = _lock_loaded(connection, file_id)
        self._target = TargetTable.of(contract)
        self._dialect = Dialect.of(contract.format)
        self._parser = BlockParser(contract, self._layout(), self._file.uri)
        self._encoder = RowEncoder(self._target.columns, file_id)
        self._partitions = Partitions(self._target, lambda: side)
        self._kept_totals = self._read_totals()
        self._done = RejectsDone()

    def _layout(self) -> FileLayout:
        file_format, uri = self._contract.format, self._file.uri
        if file_format.header:
            query: LiteralString = "SELECT header_record FROM ingest.file WHERE file_id = %s"
            (record,) = fetch_row(self._connection, query, [self._file.file_id])
            header = None if record is None else split_record(record, file_format)
            return layout_of(self._contract, uri, header=header, first_record=None)
        return layout_of(self._contract, uri, header=None, first_record=self._first_record())

    def _first_record(self) -> list[str] | None:
        """The first record, where the contract lets a file have more fields than it names: only the file knows."""
        if self._contract.drift.unknown_columns == "fail":
            return None
        found = self._source_file()
        if found is None:
            action = find_action(self._connection, self._file.file_id)
            what = action.sentence if action is not None and action.state == "done" else "has changed"
            message = f"{self._file.uri}: {what}, so the number of its fields is not known any more"
            raise FileUnreadableError(message, hint="bring the file back as it was", uri=self._file.uri)
        record = BlockReader(found, self._contract.format).peek_record()
        return None if record is None else split_record(record, self._contract.format)

    def _source_file(self) -> SourceFile | None:
        """The file as it was loaded, where it was or where it was moved to since; None if it is not there any more."""
        found = find_file(self._file.uri, connections=self._connections)
        if found is not None and found.version == self._file.version:
            return found
        place = find_place(self._connection, self._file.file_id)
        moved = None if place is None else find_file(place, connections=self._connections)
        query: LiteralString = "SELECT size_bytes FROM ingest.file WHERE file_id = %s"
        (size_bytes,) = fetch_row(self._connection, query, [self._file.file_id])
        return moved if moved is not None and moved.size_bytes == size_bytes else None  # a copy has an etag of its own

    def _read_totals(self) -> dict[str, Decimal]:
        query: LiteralString = "SELECT control_totals FROM ingest.file WHERE file_id = %s"
        (totals,) = fetch_row(self._connection, query, [self._file.file_id])
        return {name: Decimal(total) for name, total in totals.items()}

    def run(self, wanted: RejectFilter, edited: Mapping[int, str] | None) -> RejectsDone:
        """Try the rejects, resolve those that pass, and bring the file's row in the ledger in line.

        Args:
            wanted: which open rejects, within the file.
            edited: instead: the rejects with these ids, as these texts.

        Raises:
            DatabaseUnavailableError: a file whose rows are repeated here is being taken out: try again.
        """
        for chunk in self._chunks(wanted, edited):
            self._load(chunk, edited)
        if self._done.rows_tried:
            self._update_file()
        return self._done

    def _chunks(self, wanted: RejectFilter, edited: Mapping[int, str] | None) -> Iterator[list[_Open]]:
        parameters = wanted.parameters | {
            "file_id": self._file.file_id,
            "ids": None if edited is None else list(edited),
            "limit": _CHUNK_REJECTS,
        }
        last = 0
        while True:
            with self._connection.cursor(row_factory=class_row(_Open)) as cursor:
                chunk = cursor.execute(_CHUNK_SQL, parameters | {"last": last}).fetchall()
            if not chunk:
                return
            yield chunk
            last = chunk[-1].row_number

    def _load(self, chunk: list[_Open], edited: Mapping[int, str] | None) -> None:
        self._done.rows_tried += len(chunk)
        failed: dict[int, tuple[Reason, ...]] = {}
        tried: list[tuple[_Open, bytes]] = []
        for reject in chunk:
            text = None if edited is None else edited[reject.reject_id]
            raw = reject.raw if text is None else raw_of_edited(text, reject.raw, reject.raw_text)
            if raw is None:
                failed[reject.row_number] = (
                    Reason(ReasonCode.BAD_ENCODING, None, "a byte shown as \\x is still there"),
                )
            else:
                tried.append((reject, raw))
        if tried:
            failed |= self._parse_and_merge(tried)
        self._resolve(chunk, failed)

    def _parse_and_merge(self, tried: Sequence[tuple[_Open, bytes]]) -> dict[int, tuple[Reason, ...]]:
        """Load the rows that pass; the others by row number."""
        numbers = [reject.row_number for reject, _ in tried]
        parsed = self._parser.parse(block_of([raw for _, raw in tried], self._dialect))
        failed = {numbers[reject.row_number - 1]: reject.reasons for reject in parsed.rejects}
        rows = parsed.rows.with_columns(
            pl.Series("row_number", [numbers[i - 1] for i in parsed.rows.get_column("row_number")], dtype=pl.Int64)
        )
        if not rows.height:
            return failed
        merged = self._merge(rows)
        for row_number, file_id in merged.conflicts.items():
            key = ", ".join(self._target.key)
            value = f"file {file_id} has this key with other content"
            failed[row_number] = (Reason(ReasonCode.KEY_CONFLICT, key, value),)
        return failed

    def _merge(self, rows: pl.DataFrame) -> Merged:
        done = self._done
        times = rows.get_column(self._contract.event_time)
        days = rows_by_day(times)
        self._partitions.ensure(days)
        names = tuple(name for name in self._kept_totals if name in rows.columns)
        payload = self._encoder.encode(rows)
        with self._connection.cursor() as cursor:
            if self._target.key:
                merged = merge_rows(cursor, self._target, payload, names)
            else:
                merged = Merged(copy_rows(cursor, self._target.identifier, self._target, payload))
        done.rows_loaded += merged.rows_loaded
        for file_id, count in merged.duplicates.items():
            done.duplicates[file_id] = done.duplicates.get(file_id, 0) + count
        for name, total in control_totals(rows, names).items():
            left_out = merged.left_out.get(name, Decimal(0))
            done.totals[name] = EXACT.add(done.totals.get(name, Decimal(0)), EXACT.subtract(total, left_out))
        earliest, latest = cast("datetime", times.min()), cast("datetime", times.max())
        done.first_time = min(done.first_time or earliest, earliest)
        done.last_time = max(done.last_time or latest, latest)
        done.days.update(days)
        return merged

    def _resolve(self, chunk: list[_Open], failed: Mapping[int, tuple[Reason, ...]]) -> None:
        passed = [reject.reject_id for reject in chunk if reject.row_number not in failed]
        self._connection.execute(
            "UPDATE ingest.reject SET state = 'replayed', resolved_at = clock_timestamp(), resolved_run_id = %s"
            " WHERE reject_id = ANY(%s)",
            [self._run_id, passed],
        )
        still_open = [
            (json_text([reason.as_dict() for reason in failed[reject.row_number]]), reject.reject_id)
            for reject in chunk
            if reject.row_number in failed
        ]
        with self._connection.cursor() as cursor:
            cursor.executemany("UPDATE ingest.reject SET reasons = %s WHERE reject_id = %s", still_open)
        self._done.rows_rejected += len(still_open)
        self._done.reasons.update(code for reasons in failed.values() for code in {reason.code for reason in reasons})

    def _update_file(self) -> None:
        done, file_id = self._done, self._file.file_id
        add_overlaps(self._connection, self._file.file_id, self._done.duplicates)
        totals = {name: total + done.totals.get(name, Decimal(0)) for name, total in self._kept_totals.items()}
        resolved = done.rows_loaded + done.rows_duplicate
        self._connection.execute(
            "UPDATE ingest.file SET rows_loaded = rows_loaded + %s, rows_duplicate = rows_duplicate + %s,"
            " rows_rejected = rows_rejected - %s, control_totals = %s, event_time_min = least(event_time_min, %s),"
            " event_time_max = greatest(event_time_max, %s), (event_days, event_day_rows) = ("
            "  SELECT array_agg(day ORDER BY day), array_agg(rows ORDER BY day) FROM ("
            "   SELECT day, sum(rows)::bigint AS rows FROM ("
            "    SELECT * FROM unnest(event_days, event_day_rows)"
            "    UNION ALL SELECT * FROM unnest(%s::date[], %s::bigint[])"
            "   ) AS both_of (day, rows) GROUP BY day"
            "  ) AS summed) WHERE file_id = %s",
            [
                done.rows_loaded,
                done.rows_duplicate,
                resolved,
                json.dumps({name: str(total) for name, total in totals.items()}),
                done.first_time,
                done.last_time,
                list(done.days),
                list(done.days.values()),
                file_id,
            ],
        )
        detail = {
            "uri": self._file.uri,
            "rows_loaded": done.rows_loaded,
            "rows_duplicate": done.rows_duplicate,
            "rows_rejected": done.rows_rejected,
        }
        record_event(self._connection, Event(EventKind.REJECTS_REPLAYED, self._run_id, file_id, detail))


def block_of(raws: Sequence[bytes], dialect: Dialect) -> Block:
    """The rows as a block of as many records, whatever line breaks or stray quotes they hold."""
    data = b"\n".join(raws) + b"\n"
    lengths = np.array([len(raw) for raw in raws], np.int64)
    ends = np.cumsum(lengths + 1) - 1
    starts = ends - lengths
    records, _ = scan_records(data, dialect, is_final=True)
    if not np.array_equal(records.starts, starts):
        counts = np.array([_field_count(raw, dialect) for raw in raws], np.int64)
        records = Records(starts, ends, counts)
    return Block(data, 0, 1, len(raws), records)


def _field_count(raw: bytes, dialect: Dialect) -> int:
    """The fields of a row; 0 if it is not exactly one record."""
    records, _ = scan_records(raw, dialect, is_final=True)
    is_whole = len(records) == 1 and int(records.ends[0]) == len(raw) and int(records.starts[0]) == 0
    return int(records.field_counts[0]) if is_whole else 0


def _lock_loaded(connection: Connection, file_id: int) -> FileRow:
    file = lock_file(connection, file_id, waits=True)
    if file is None or file.state != "loaded":
        state = "gone" if file is None else file.state
        message = f"file {file_id} is not loaded any more ({state})"
        raise FileError(message, hint=f"see: trade-ingest files {file_id}")
    return file
