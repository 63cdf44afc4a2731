"""A contract's rows as Spark and Arrow see them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from trade_ingest.contract.model import Contract
from trade_ingest.contract.types import Kind, ValueType
from trade_ingest.errors import UsageError

if TYPE_CHECKING:
    import pyarrow as pa

FILE, ROW_NUMBER = "_file", "_row_number"
"""Where a row came from: the file's URI, and the row's place in it, from 1."""

REJECT_SCHEMA = (
    f"{FILE} string, row_number bigint, byte_offset bigint, raw_text string,"
    " reasons array<struct<code: string, column: string, value: string>>"
)

_SPARK_TYPES = {
    Kind.INTEGER: "bigint",
    Kind.BOOLEAN: "boolean",
    Kind.DATE: "date",
    Kind.TIMESTAMP: "timestamp_ltz",  # `timestamp` may be set to mean one without a zone
}


@dataclass(frozen=True, slots=True)
class FrameColumn:
    """One column of a DataFrame of rows: its name and the type of its values."""

    name: str
    type: ValueType

    @property
    def spark_type(self) -> str:
        """The type in Spark's DDL; text, enum, uuid and json are strings."""
        if self.type.kind == Kind.DECIMAL:
            return f"decimal({self.type.precision},{self.type.scale})"
        return _SPARK_TYPES.get(self.type.kind, "string")


def frame_columns(contract: Contract) -> tuple[FrameColumn, ...]:
    """The contract's columns, each ``nanoseconds`` companion right after its timestamp, then file and row number.

    Raises:
        UsageError: the contract has a column of the name of one of the last two.
    """
    columns = []
    for column in contract.columns:
        columns.append(FrameColumn(column.name, column.value_type))
        if column.nanoseconds:
            columns.append(FrameColumn(column.nanoseconds, ValueType(Kind.INTEGER)))
    if taken := {column.name for column in columns} & {FILE, ROW_NUMBER}:
        message = f"the contract {contract.name} has a column {min(taken)!r}, which a DataFrame of rows has of its own"
        raise UsageError(message, hint="name the column otherwise in the contract")
    return (*columns, FrameColumn(FILE, ValueType(Kind.TEXT)), FrameColumn(ROW_NUMBER, ValueType(Kind.INTEGER)))


def spark_schema(contract: Contract) -> str:
    """The schema of accepted rows, as Spark's DDL."""
    return ", ".join(f"`{column.name}` {column.spark_type}" for column in frame_columns(contract))


def row_schema(contract: Contract) -> pa.Schema:
    """The schema of accepted rows, as Spark wants it from Arrow: it does not convert."""
    import pyarrow as pa

    types = {
        "bigint": pa.int64(),
        "boolean": pa.bool_(),
        "date": pa.date32(),
        "timestamp_ltz": pa.timestamp("us", "UTC"),
        "string": pa.string(),
    }
    return pa.schema(
        [
            pa.field(c.name, types.get(c.spark_type) or pa.decimal128(c.type.precision, c.type.scale))
            for c in frame_columns(contract)
        ]
    )


def reject_schema() -> pa.Schema:
    """The schema of rejects, as Spark wants it from Arrow."""
    import pyarrow as pa

    reason = pa.struct([pa.field(name, pa.string()) for name in ("code", "column", "value")])
    return pa.schema(
        [
            pa.field(FILE, pa.string()),
            pa.field("row_number", pa.int64()),
            pa.field("byte_offset", pa.int64()),
            pa.field("raw_text", pa.string()),
            pa.field("reasons", pa.list_(reason)),
        ]
    )
