"""Files as Arrow batches of accepted rows, or of rejects. Runs on the executors."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import polars as pl
import pyarrow as pa

from trade_ingest.contract.model import Contract, RejectLimit
from trade_ingest.parse.file import check_trailer, open_rows, reject_limit_error
from trade_ingest.parse.rows import ParsedBlock
from trade_ingest.source.blocks import BlockReader
from trade_ingest.source.file import SourceFile
from trade_ingest.source.listing import require_unchanged
from trade_ingest.spark.schema import FILE, ROW_NUMBER, reject_schema, row_schema

BATCH_ROWS = 65_536

_REASON = pl.Struct({"code": pl.String, "column": pl.String, "value": pl.String})


def accepted_rows(
    files: Sequence[SourceFile], contract: Contract, reject_limit: RejectLimit
) -> Iterator[pa.RecordBatch]:
    """The accepted rows of the files, in order, in batches of exactly ``row_schema``.

    Raises:
        FileError: a file cannot be read as the contract says, has too many rejects, or is not the listed version.
    """
    schema = row_schema(contract)
    for file in files:
        for parsed in _parsed_blocks(file, contract, reject_limit):
            if parsed.rows.height:
                rows = _with_lineage(parsed.rows, file, schema)
                yield from rows.to_arrow().cast(schema).to_batches(max_chunksize=BATCH_ROWS)


def rejected_rows(files: Sequence[SourceFile], contract: Contract) -> Iterator[pa.RecordBatch]:
    """The rejects of the files, in order, however many, in batches of exactly ``reject_schema``.

    Raises:
        FileError: a file cannot be read as the contract says, or is not the listed version.
    """
    schema = reject_schema()
    for file in files:
        for parsed in _parsed_blocks(file, contract, None):
            if parsed.rejects:
                frame = pl.DataFrame(
                    {
                        FILE: [file.uri] * len(parsed.rejects),
                        "row_number": [reject.row_number for reject in parsed.rejects],
                        "byte_offset": [reject.byte_offset for reject in parsed.rejects],
                        "raw_text": [reject.raw_text for reject in parsed.rejects],
                        "reasons": [[reason.as_dict() for reason in reject.reasons] for reject in parsed.rejects],
                    },
                    schema_overrides={"reasons": pl.List(_REASON)},
                )
                yield from frame.to_arrow().cast(schema).to_batches(max_chunksize=BATCH_ROWS)


def _with_lineage(rows: pl.DataFrame, file: SourceFile, schema: pa.Schema) -> pl.DataFrame:
    rows = rows.with_columns(pl.lit(file.uri).alias(FILE), pl.col("row_number").alias(ROW_NUMBER))
    missing = [pl.lit(None, pl.Int64).alias(name) for name in schema.names if name not in rows.columns]
    return rows.with_columns(missing).select(schema.names)


def _parsed_blocks(file: SourceFile, contract: Contract, reject_limit: RejectLimit | None) -> Iterator[ParsedBlock]:
    reader = BlockReader(file, contract.format)
    opened = open_rows(reader, contract, file.uri)
    rejected = 0
    if opened is not None:
        for block in opened.reader:
            parsed = opened.parser.parse(block)
            rejected += len(parsed.rejects)
            yield parsed
    check_trailer(reader, contract, file.uri)
    if reject_limit is not None and reject_limit.is_exceeded(rejected, reader.row_count):
        hint = "see them with read_rejects, or allow more with reject_limit"
        raise reject_limit_error(file.uri, reject_limit, rows_rejected=rejected, rows_read=reader.row_count, hint=hint)
    require_unchanged(file)
