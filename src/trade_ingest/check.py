"""Check files against a contract without a database: the same parsing and the same judgement as loading."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from trade_ingest.contract.model import Contract, RejectLimit
from trade_ingest.errors import FileError, StoreError
from trade_ingest.load.task import ErrorInfo
from trade_ingest.parse.file import FileRows, check_trailer, open_rows, reject_limit_error
from trade_ingest.parse.reject import Reason, Reject
from trade_ingest.parse.spans import cell_spans
from trade_ingest.source.blocks import BlockReader
from trade_ingest.source.file import SourceFile
from trade_ingest.source.listing import Connections, take_listing
from trade_ingest.source.pattern import EVERYTHING, Selection
from trade_ingest.source.sizes import BLOCK_BYTES


@dataclass(frozen=True, slots=True)
class ReasonCount:
    """How many rows are rejected for one reason; ``column`` is None where the whole record is wrong."""

    reason: str
    column: str | None
    rows: int


@dataclass(frozen=True, slots=True)
class CheckedReject:
    r"""A row that breaks the contract.

    Attributes:
        row_number: its 1-based ordinal among the file's data records.
        byte_offset: where it begins in the decompressed file.
        raw_text: the row as text; bytes that are no text are shown as ``\x00``.
        reasons: all that is wrong with it.
        marks: start and end (characters of ``raw_text``) of each bad cell, in order.
    """

    row_number: int
    byte_offset: int
    raw_text: str
    reasons: tuple[Reason, ...]
    marks: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class FileCheck:
    """What loading would make of one file; ``rows_read = rows_accepted + rows_rejected``.

    Keys are not looked up, so that duplicates and conflicts with rows of the target are among ``rows_accepted``.

    Attributes:
        uri: the file.
        size_bytes: its size as stored.
        rows_read: data records.
        rows_accepted: those that fit the contract.
        rows_rejected: the others.
        records_ignored: records that are no rows by the contract's ``format.ignore_records``.
        reasons: why, the most frequent first; a row with several reasons counts for each.
        rejects: the first of them.
        error: why the file would fail, or None; after an error the counts are those so far.
    """

    uri: str
    size_bytes: int
    rows_read: int
    rows_accepted: int
    rows_rejected: int
    records_ignored: int
    reasons: tuple[ReasonCount, ...]
    rejects: tuple[CheckedReject, ...]
    error: ErrorInfo | None

    @property
    def passes(self) -> bool:
        """Whether the file would be loaded."""
        return self.error is None


def check(
    sources: Sequence[str],
    *,
    contract: Contract,
    reject_limit: RejectLimit | None = None,
    limit: int = 10,
    block_bytes: int = BLOCK_BYTES,
    connections: Connections = (),
    selection: Selection = EVERYTHING,
) -> Iterator[FileCheck]:
    """Read and parse files as loading would, and say what would become of each; memory is constant.

    Args:
        sources: files, folders, globs.
        contract: what the files must look like.
        reject_limit: instead of the contract's.
        limit: how many rejects of each file are kept.
        block_bytes: file bytes parsed at once.
        connections: the named connections of the settings, for object stores.
        selection: which of the sources' files are taken.

    Raises:
        SourceNotFoundError: a source matches no file.
        StoreError: a store cannot be listed; the subclass says why.
    """
    delivery = selection.delivery_over(contract.delivery)
    files = take_listing(sources, connections=connections, selection=selection, delivery=delivery).files
    return (_Check(file, contract, reject_limit or contract.rejects, limit, block_bytes).run() for file in files)


class _Check:
    """The check of one file."""

    def __init__(
        self, file: SourceFile, contract: Contract, reject_limit: RejectLimit, limit: int, block_bytes: int
    ) -> None:
        self._file = file
        self._contract = contract
        self._reject_limit = reject_limit
        self._limit = limit
        self._block_bytes = block_bytes
        self._rows_read = self._rows_accepted = self._rows_rejected = self._ignored = 0
        self._reasons: Counter[tuple[str, str | None]] = Counter()
        self._rejects: list[CheckedReject] = []

    def run(self) -> FileCheck:
        error: ErrorInfo | None = None
        try:
            self._read()
        except (FileError, StoreError) as exc:
            error = ErrorInfo.of(exc)
        reasons = sorted(self._reasons.items(), key=lambda item: (-item[1], item[0][0], item[0][1] or ""))
        return FileCheck(
            uri=self._file.uri,
            size_bytes=self._file.size_bytes,
            rows_read=self._rows_read,
            rows_accepted=self._rows_accepted,
            rows_rejected=self._rows_rejected,
            records_ignored=self._ignored,
            reasons=tuple(ReasonCount(code, column, rows) for (code, column), rows in reasons),
            rejects=tuple(self._rejects),
            error=error,
        )

    def _read(self) -> None:
        uri = self._file.uri
        reader = BlockReader(self._file, self._contract.format, block_bytes=self._block_bytes)
        rows = open_rows(reader, self._contract, uri)
        if rows is not None:
            self._parse(rows)
        self._ignored = reader.ignored_count
        check_trailer(reader, self._contract, uri)
        if self._reject_limit.is_exceeded(self._rows_rejected, self._rows_read):
            raise reject_limit_error(
                uri,
                self._reject_limit,
                rows_rejected=self._rows_rejected,
                rows_read=self._rows_read,
                hint="mend the rows or the contract, or allow more with --max-rejects",
            )

    def _parse(self, rows: FileRows) -> None:
        for block in rows.reader:
            parsed = rows.parser.parse(block)
            self._rows_read += block.row_count
            self._rows_accepted += parsed.rows.height
            self._rows_rejected += len(parsed.rejects)
            for reject in parsed.rejects:
                self._reasons.update((reason.code, reason.column) for reason in reject.reasons)
                if len(self._rejects) < self._limit:
                    self._rejects.append(self._marked(reject, rows))

    def _marked(self, reject: Reject, rows: FileRows) -> CheckedReject:
        spans = cell_spans(reject.raw_text, self._contract.format)
        columns = {reason.column for reason in reject.reasons if reason.column is not None}
        fields = {index for column in columns for index in rows.layout.cells_of(column)}
        marks = tuple(spans[i] for i in sorted(fields) if i < len(spans))
        return CheckedReject(reject.row_number, reject.byte_offset, reject.raw_text, reject.reasons, marks)
