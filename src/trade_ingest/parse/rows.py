"""Blocks of a file to accepted rows and rejects."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Context, Decimal
from functools import reduce

import numpy as np
import numpy.typing as npt
import polars as pl

from trade_ingest.contract.model import Column, Contract
from trade_ingest.errors import PathMismatchError
from trade_ingest.parse.cells import Converted, convert
from trade_ingest.parse.expressions import evaluate
from trade_ingest.parse.fast import fast_columns
from trade_ingest.parse.layout import FileLayout
from trade_ingest.parse.made_cells import field_name, filled_template, json_object
from trade_ingest.parse.reject import Reason, ReasonCode, Reject
from trade_ingest.source.bad_bytes import described_bad_bytes
from trade_ingest.source.blocks import Block
from trade_ingest.source.records import Dialect, Records, scan_records, split_fields

EARLIEST_EVENT, LATEST_EVENT = "1900-01-01T00:00:00+00:00", "2100-01-01T00:00:00+00:00"
"""Event times outside are rejected where the contract has no bounds of its own."""

EXACT = Context(prec=1000)
"""Adds decimals without rounding, which Python's own context does at 28 digits."""

_BOM = b"\xef\xbb\xbf"
_LINE_FEED = 0x0A
_SHOWN_VALUE = 1000  # characters of a bad cell that are kept with its reason


@dataclass(slots=True)
class ParsedBlock:
    """What one block holds.

    Attributes:
        rows: accepted rows in file order: the contract's columns with their types, then ``row_number``.
        rejects: the other rows, in file order.
        row_count: rows the parser saw: accepted and rejected.
    """

    rows: pl.DataFrame
    rejects: list[Reject] = field(default_factory=list)

    @property
    def row_count(self) -> int:
        """Accepted and rejected rows."""
        return self.rows.height + len(self.rejects)


class BlockParser:
    """Parses the blocks of one file; safe to call from several threads."""

    def __init__(self, contract: Contract, layout: FileLayout, uri: str) -> None:
        """Prepare to parse a file.

        Raises:
            PathMismatchError: a value taken from the path is not of its column's type.
        """
        self._contract = contract
        self._layout = layout
        self._columns = tuple(_with_event_time_bounds(c, contract) for c in contract.columns)
        self._read_columns = [
            (column, field_name(index))
            for column in self._columns
            if (index := layout.field_of(column.name)) is not None
        ]
        self._made_columns = [c for c in self._columns if c.template is not None or c.members is not None]
        self._fast = fast_columns(contract, self._read_columns)
        self._dialect = Dialect.of(contract.format)
        self._schema = {field_name(i): pl.String for i in range(layout.field_count)}
        self._wanted = [field_name(i) for i in layout.used_fields]
        self._derived = [(c, pl.sql_expr(c.expression)) for c in contract.columns if c.expression is not None]
        self._rules = [(rule.name, pl.sql_expr(rule.expression)) for rule in contract.rules]
        self._constants = self._convert_constants(uri)

    def parse(self, block: Block) -> ParsedBlock:
        """Accepted rows and rejects of a block; each of its records is exactly one of the two."""
        cells = self._read_plain(block) if block.records is None else None
        if cells is not None:
            numbers = np.arange(block.first_row, block.first_row + cells.height, dtype=np.int64)
            return self._check(block, cells, numbers, [])
        return self._parse_by_record(block)

    def _read_plain(self, block: Block) -> pl.DataFrame | None:
        """All cells as text, or None when some record is not in order."""
        data = block.data
        if b"\0" in data:
            return None
        delimiters = np.frombuffer(data, np.uint8) == self._dialect.delimiter[0]
        expected = block.row_count * (self._layout.field_count - 1)
        if int(np.count_nonzero(delimiters)) != expected:
            return None
        # with equal sums, a short record means a long one, and that one raises below if all fields are read
        if len(self._wanted) < self._layout.field_count and not self._is_even(data, delimiters):
            return None
        cells = self._read_csv(data)
        return cells if cells is not None and cells.height == block.row_count else None

    def _is_even(self, data: bytes, is_delimiter: npt.NDArray[np.bool_]) -> bool:
        """Whether each line has its share of the delimiters, whose sum is right."""
        if self._layout.field_count == 1:
            return True
        by_line = np.flatnonzero(is_delimiter).reshape(-1, self._layout.field_count - 1)
        breaks = np.flatnonzero(np.frombuffer(data, np.uint8) == _LINE_FEED)[: len(by_line) - 1]
        return bool((by_line[:-1, -1] < breaks).all() and (by_line[1:, 0] > breaks).all())

    def _read_csv(self, data: bytes) -> pl.DataFrame | None:
        is_marked = data.startswith(_BOM)  # Polars would take it for a byte order mark: it is data here
        if is_marked:
            data = self._dialect.delimiter * (self._layout.field_count - 1) + b"x\n" + data
        try:
            cells = pl.read_csv(
                data,
                has_header=False,
                separator=self._contract.format.delimiter,
                quote_char=self._contract.format.quote,
                schema=self._schema,
                columns=self._wanted,
                extra_columns="raise",
                missing_columns="raise",
            )
        except pl.exceptions.PolarsError:
            return None
        return cells.slice(1) if is_marked else cells

    def _parse_by_record(self, block: Block) -> ParsedBlock:
        records = block.records
        if records is None:
            records, _ = scan_records(block.data, self._dialect, is_final=True)
        reasons = self._record_problems(block, records)
        numbers = np.arange(block.first_row, block.first_row + len(records), dtype=np.int64)
        is_good = np.ones(len(records), np.bool_)
        is_good[list(reasons)] = False
        rejects = _rejects(block, records, numbers, {i: [reason] for i, reason in reasons.items()})
        good = records if not reasons else records.keep(is_good)
        cells = self._read_records(block.data, good)
        return self._check(block, cells, numbers[is_good], rejects, good)

    def _record_problems(self, block: Block, records: Records) -> dict[int, Reason]:
        """The records that cannot be told apart into the expected fields of text."""
        expected = self._layout.field_count
        problems: dict[int, Reason] = {}
        for i in np.flatnonzero(records.field_counts != expected).tolist():
            count = int(records.field_counts[i])
            if count:
                problems[i] = Reason(ReasonCode.FIELD_COUNT, None, f"{count} fields, expected {expected}")
            else:
                problems[i] = Reason(ReasonCode.MALFORMED_RECORD)
        if b"\0" in block.data:
            problems |= {
                i: Reason(ReasonCode.NUL_BYTE) for i in range(len(records)) if b"\0" in records.raw(block.data, i)
            }
        if not _is_utf8(block.data):
            raws = ((i, records.raw(block.data, i)) for i in range(len(records)))
            problems |= {
                i: Reason(ReasonCode.BAD_ENCODING, None, described_bad_bytes(raw, block.encoding))
                for i, raw in raws
                if not _is_utf8(raw)
            }
        return dict(sorted(problems.items()))

    def _read_records(self, data: bytes, records: Records) -> pl.DataFrame:
        if not len(records):
            return pl.DataFrame(schema=dict.fromkeys(self._wanted, pl.String))
        pieces = [data[s:e] for s, e in zip(records.starts.tolist(), records.ends.tolist(), strict=True)]
        if self._dialect.escape is None:
            # Polars takes one carriage return off each line: the one that is put here, not one of the data
            cells = self._read_csv(b"\r\n".join([*pieces, b""]))
            if cells is not None and cells.height == len(records):
                return cells
        return self._split_records(pieces)

    def _split_records(self, pieces: list[bytes]) -> pl.DataFrame:
        """The exact but slow way, for escape characters and whatever Polars will not take."""
        rows = [split_fields(piece, self._dialect) for piece in pieces]
        columns: dict[str, pl.Series] = {}
        for i in self._layout.used_fields:
            fields = (row[i] for row in rows)
            cells = [field if field is None else field.decode() for field in fields]
            columns[field_name(i)] = pl.Series(cells, dtype=pl.String)
        return pl.DataFrame(columns)

    def _check(
        self,
        block: Block,
        cells: pl.DataFrame,
        numbers: npt.NDArray[np.int64],
        rejects: list[Reject],
        records: Records | None = None,
    ) -> ParsedBlock:
        reasons: dict[int, list[Reason]] = {}
        rows = self._values(cells, reasons)
        rows = self._derive(rows, reasons)
        self._apply_rules(rows, reasons)
        rows = rows.with_columns(pl.Series("row_number", numbers, dtype=pl.Int64))
        if reasons:
            if records is None:
                records, _ = scan_records(block.data, self._dialect, is_final=True)
            rejects += _rejects(block, records, numbers, reasons)
            rejects.sort(key=lambda reject: reject.row_number)
            is_good = np.ones(len(numbers), np.bool_)
            is_good[list(reasons)] = False
            rows = rows.filter(pl.Series(is_good))
        return ParsedBlock(rows, rejects)

    def _values(self, cells: pl.DataFrame, reasons: dict[int, list[Reason]]) -> pl.DataFrame:
        columns = {name: series.new_from_index(0, cells.height) for name, series in self._constants.items()}
        columns |= self._fast.convert(cells)
        for column, name in self._read_columns:
            if column.name in columns:
                continue
            text = cells.get_column(name)
            converted = convert(text, column, self._contract.format)
            _note(converted, column, text, reasons)
            columns |= _named(converted, column)
        for column in self._made_columns:
            if column.name in columns:
                continue
            if column.members is not None:
                fields = self._layout.members[column.name]
                columns[column.name] = json_object(cells, fields, self._contract.format, is_required=column.required)
                continue
            text = filled_template(cells, self._layout.templates[column.name], self._contract.format)
            converted = convert(text, column, self._contract.format)
            _note(converted, column, text, reasons)
            columns |= _named(converted, column)
        return pl.DataFrame(columns)

    def _convert_constants(self, uri: str) -> dict[str, pl.Series]:
        """The values that are the same in each row, as series of one."""
        constants: dict[str, pl.Series] = {}
        for column in self._columns:
            if column.expression is None and not self._layout.is_read(column.name):
                cell = self._layout.constant_of(column.name)
                converted = convert(pl.Series([cell], dtype=pl.String), column, self._contract.format)
                if converted.failures:
                    codes = ", ".join(code for code, _ in converted.failures)
                    message = f"{uri}: {column.name} is {cell!r}, which is no {column.type} ({codes})"
                    raise PathMismatchError(message, hint="check the contract's path expression", uri=uri)
                constants |= _named(converted, column)
        return constants

    def _derive(self, rows: pl.DataFrame, reasons: dict[int, list[Reason]]) -> pl.DataFrame:
        for column, expression in self._derived:
            dtype = polars_type(column)
            value = evaluate(rows, expression.cast(dtype, strict=False), dtype).values
            rows = rows.with_columns(value.alias(column.name))
            if column.required and value.null_count():
                for i in value.is_null().arg_true().to_list():
                    if i not in reasons:
                        reasons[i] = [Reason(ReasonCode.EXPRESSION_FAILED, column.name)]
        return rows

    def _apply_rules(self, rows: pl.DataFrame, reasons: dict[int, list[Reason]]) -> None:
        for name, expression in self._rules:
            found = evaluate(rows, expression.cast(pl.Boolean), pl.Boolean())
            for i, why in found.failures.items():
                value = f"rule {name}: {why}"[:_SHOWN_VALUE]
                reasons.setdefault(i, []).append(Reason(ReasonCode.EXPRESSION_FAILED, None, value))
            for i in (~found.values).arg_true().to_list():
                reasons.setdefault(i, []).append(Reason(name))


def _rejects(
    block: Block, records: Records, numbers: npt.NDArray[np.int64], reasons: Mapping[int, list[Reason]]
) -> list[Reject]:
    """The rejects of a block, by the index of their record, in file order."""
    indexes = sorted(reasons)
    offsets = block.source_offsets(records.starts[indexes].tolist())
    return [
        Reject(int(numbers[i]), offset, block.delivered(records.raw(block.data, i)), tuple(reasons[i]))
        for i, offset in zip(indexes, offsets, strict=True)
    ]


def _with_event_time_bounds(column: Column, contract: Contract) -> Column:
    """Event times decide which partitions are made, so they always have bounds."""
    if column.name != contract.event_time:
        return column
    has_least = column.min is not None or column.greater_than is not None
    has_most = column.max is not None or column.less_than is not None
    bounds = ({} if has_least else {"min": EARLIEST_EVENT}) | ({} if has_most else {"less_than": LATEST_EVENT})
    return column.model_copy(update=bounds)


def polars_type(column: Column) -> pl.DataType:
    """The Polars type of a column's values."""
    kind = column.value_type
    if kind.kind == "decimal":
        return pl.Decimal(kind.precision, kind.scale)
    return {
        "integer": pl.Int64(),
        "boolean": pl.Boolean(),
        "date": pl.Date(),
        "timestamp": pl.Datetime("us", "UTC"),
    }.get(kind.kind, pl.String())


def control_totals(rows: pl.DataFrame, names: tuple[str, ...]) -> dict[str, Decimal]:
    """The exact sums of columns; NULL counts as zero."""
    if not names:
        return {}
    return {name: _exact_sum(rows.get_column(name)) for name in names}


def _exact_sum(values: pl.Series) -> Decimal:
    scale = values.dtype.scale if isinstance(values.dtype, pl.Decimal) else 0
    try:
        return Decimal(values.cast(pl.Decimal(38, scale)).sum() or 0)
    except pl.exceptions.PolarsError:  # more than 38 digits
        return reduce(EXACT.add, values.drop_nulls().to_list(), Decimal(0))


def _named(converted: Converted, column: Column) -> dict[str, pl.Series]:
    named = {column.name: converted.values}
    if column.nanoseconds and converted.nanoseconds is not None:
        named[column.nanoseconds] = converted.nanoseconds
    return named


def _note(converted: Converted, column: Column, text: pl.Series, reasons: dict[int, list[Reason]]) -> None:
    for code, mask in converted.failures:
        indexes = mask.arg_true()
        for i, cell in zip(indexes.to_list(), text.gather(indexes).to_list(), strict=True):
            value = cell if cell is None else cell[:_SHOWN_VALUE]
            reasons.setdefault(i, []).append(Reason(code, column.name, value))


def _is_utf8(data: bytes) -> bool:
    if data.isascii():
        return True
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True
