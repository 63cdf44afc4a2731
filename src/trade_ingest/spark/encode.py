"""Arrow batches as the payload of a binary COPY."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import pgpq
import polars as pl
import pyarrow as pa
from pgpq.encoders import LargeStringEncoderBuilder
from pgpq.schema import Jsonb

from trade_ingest.errors import WriteRefusedError
from trade_ingest.load.encode import SLICE_ROWS
from trade_ingest.spark.table import WriteColumn

_ARROW = {
    "text": pa.large_string(),
    "jsonb": pa.large_string(),
    "uuid": pa.binary(16),
    "smallint": pa.int16(),
    "integer": pa.int32(),
    "bigint": pa.int64(),
    "real": pa.float32(),
    "double precision": pa.float64(),
    "boolean": pa.bool_(),
    "date": pa.date32(),
    "timestamp with time zone": pa.timestamp("us", "UTC"),
    "timestamp without time zone": pa.timestamp("us"),
    "bytea": pa.large_binary(),
}


def encode_batches(batches: Iterable[pa.RecordBatch], columns: Sequence[WriteColumn]) -> Iterator[bytes]:
    """The payload of ``COPY table (columns…) FROM STDIN (FORMAT binary)``, in order; memory is that of a few batches.

    Args:
        batches: the columns by position.
        columns: what they are in the table.

    Raises:
        WriteRefusedError: a string is no UUID and its column is.
    """
    schema = pa.schema([pa.field(column.name, _arrow_type(column)) for column in columns])
    encoder = _encoder(schema, columns)
    yield encoder.write_header()
    for batch in batches:
        values = [
            _uuids(array, column.name) if column.sql_type == "uuid" else array
            for array, column in zip(batch.columns, columns, strict=True)
        ]
        table = pa.Table.from_arrays(values, names=schema.names).cast(schema)
        for part in table.to_batches(max_chunksize=SLICE_ROWS):
            if payload := encoder.write_batch(part):
                yield payload
    yield encoder.finish()


def _encoder(schema: pa.Schema, columns: Sequence[WriteColumn]) -> pgpq.ArrowToPostgresBinaryEncoder:
    encoders = {
        field.name: LargeStringEncoderBuilder.new_with_output(field, Jsonb())
        if column.sql_type == "jsonb"
        else pgpq.ArrowToPostgresBinaryEncoder.infer_encoder(field)
        for field, column in zip(schema, columns, strict=True)
    }
    return pgpq.ArrowToPostgresBinaryEncoder.new_with_encoders(schema, encoders)


def _arrow_type(column: WriteColumn) -> pa.DataType:
    if column.sql_type.startswith("numeric("):
        precision, scale = column.sql_type.removeprefix("numeric(").removesuffix(")").split(",")
        return pa.decimal128(int(precision), int(scale))
    if column.sql_type.startswith("character varying"):
        return pa.large_string()
    return _ARROW[column.sql_type]


def _uuids(array: pa.Array, name: str) -> pa.Array:
    texts = pl.Series(pl.from_arrow(array))
    values = texts.str.replace_all("-", "", literal=True)
    is_wrong = ~values.str.contains("^[0-9a-fA-F]{32}$")
    if is_wrong.any():
        message = f"column {name}: {texts.filter(is_wrong)[0]!r} is no UUID, and the table's column is uuid"
        raise WriteRefusedError(message, hint="write it into a column of type text")
    return values.str.decode("hex").to_arrow()
