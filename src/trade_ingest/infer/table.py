"""The cells of the samples as text, read as loading would read them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import polars as pl

from trade_ingest.contract.model import Column, Contract, FileFormat, Target
from trade_ingest.errors import InferenceError
from trade_ingest.infer.dialect import FoundDialect
from trade_ingest.infer.encoding import Encoding
from trade_ingest.infer.sample import SAMPLE_BYTES, Sample
from trade_ingest.parse.file import open_rows
from trade_ingest.parse.reject import ReasonCode, Reject
from trade_ingest.source.blocks import BlockReader

_BLOCK_BYTES = 4 << 20
_KEPT_REJECTS = 500
_EVENT_TIME = Column(name="sampled_at", type="timestamp", constant="2000-01-01T00:00:00Z")
_UNREADABLE = (ReasonCode.BAD_ENCODING, ReasonCode.NUL_BYTE)


@dataclass(frozen=True, slots=True)
class Odd:
    """A record that is not like the others.

    Attributes:
        row_number: its 1-based place in its file.
        text: the record.
        code: what is odd about it, as a reject code.
        is_last: it is the last record of its file.
    """

    row_number: int
    text: str
    code: str
    is_last: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """The samples' rows.

    Attributes:
        cells: text, one column per cell, named ``c1`` and so on; NULL where a cell is empty.
        file_rows: how many rows each file has among them, in order.
        odd: the first records with another number of cells, or that cannot be read.
        odd_count: all of those.
        rows_read: all records.
        is_whole: the files were read to their end.
        encoding: of the text; another one than the first lines looked like, if later ones are not of that.
    """

    cells: pl.DataFrame
    file_rows: tuple[int, ...]
    odd: tuple[Odd, ...]
    odd_count: int
    rows_read: int
    is_whole: bool
    encoding: Encoding

    @property
    def height(self) -> int:
        """Rows with as many cells as most."""
        return self.cells.height


def file_format(dialect: FoundDialect, encoding: str, *, header: bool | None = None) -> FileFormat:
    """The format that a contract would have for a dialect; a header may be passed over as a line of the preamble."""
    has_header = dialect.header is not None if header is None else header
    passed = dialect.header is not None and not has_header
    return FileFormat(
        delimiter=dialect.delimiter,
        quote=dialect.quote,
        escape=dialect.escape,
        header=has_header,
        encoding=encoding,
        preamble_lines=dialect.preamble_lines + passed,
        comment_prefix=dialect.comment_prefix,
        ignore_records="|".join(dialect.ignored) or None,
    )


def read_table(samples: Sequence[Sample], dialect: FoundDialect) -> Table:
    """All cells of the samples, as far as ``SAMPLE_BYTES`` go.

    Raises:
        InferenceError: no record has the number of cells that the first lines have.
        FileError: a file cannot be read; the subclass says why.
    """
    encoding = samples[0].encoding
    table = _read(samples, dialect, encoding)
    bad = sum(odd.code == ReasonCode.BAD_ENCODING for odd in table.odd)
    if bad and encoding.name == "utf-8":  # its first lines were ASCII
        reason = f"no UTF-8 from row {next(o.row_number for o in table.odd if o.code == ReasonCode.BAD_ENCODING)} on"
        table = _read(samples, dialect, Encoding("cp1252", reason, is_certain=False))
        if any(odd.code == ReasonCode.BAD_ENCODING for odd in table.odd):
            table = _read(samples, dialect, Encoding("latin-1", reason, is_certain=False))
    if not table.height:
        message = f"{samples[0].file.uri}: there are no rows below its {'header' if dialect.header else 'first lines'}"
        raise InferenceError(message, hint="name a file with some rows")
    return table


def _read(samples: Sequence[Sample], dialect: FoundDialect, encoding: Encoding) -> Table:
    contract = _text_contract(dialect, encoding.name)
    parts: list[pl.DataFrame] = []
    file_rows: list[int] = []
    odd: list[Odd] = []
    rows_read = odd_count = 0
    left, is_whole = SAMPLE_BYTES, True
    for sample in samples:
        reader = BlockReader(sample.file, contract.format, block_bytes=_BLOCK_BYTES)
        opened = open_rows(reader, contract, sample.file.uri)
        assert opened is not None  # only a file that should have a header may have nothing to open
        height, first_odd = 0, len(odd)
        for block in opened.reader:
            parsed = opened.parser.parse(block)
            parts.append(parsed.rows.drop("sampled_at", "row_number"))
            height += parsed.rows.height
            odd_count += len(parsed.rejects)
            odd += [_odd(reject) for reject in parsed.rejects[: _KEPT_REJECTS - len(odd) + first_odd]]
            if reader.content_bytes > left:
                is_whole = False
                break
        rows_read += reader.row_count
        left -= reader.content_bytes
        file_rows.append(height)
        if is_whole and len(odd) > first_odd:
            last = odd[-1]
            odd[-1] = replace(last, is_last=last.row_number == reader.row_count)
        if left <= 0:
            break
    names = [f"c{i + 1}" for i in range(dialect.width)]
    cells = pl.concat([part.select(names) for part in parts]) if parts else pl.DataFrame(schema=names)
    cells = cells.select(pl.when(pl.col(name) != "").then(pl.col(name)).alias(name) for name in names)
    return Table(cells, tuple(file_rows), tuple(odd), odd_count, rows_read, is_whole, encoding)


def _odd(reject: Reject) -> Odd:
    codes = [reason.code for reason in reject.reasons]
    code = next((code for code in codes if code in _UNREADABLE), codes[0])
    return Odd(reject.row_number, reject.raw_text, code)


def _text_contract(dialect: FoundDialect, encoding: str) -> Contract:
    columns = [Column(name=f"c{i}", type="text", position=i, required=False) for i in range(1, dialect.width + 1)]
    return Contract(
        name="sample",
        version=1,
        format=file_format(dialect, encoding, header=False),
        columns=(*columns, _EVENT_TIME),
        event_time="sampled_at",
        target=Target(table="sample"),
    )


def first_text(samples: Sequence[Sample]) -> str:
    """What the files are called in messages."""
    more = f" and {len(samples) - 1} more" if len(samples) > 1 else ""
    return f"{samples[0].file.uri}{more}"
