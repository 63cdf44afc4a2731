"""The value types of contract columns, and what each is in PostgreSQL."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

RESERVED_COLUMNS = frozenset({"file_id", "row_number"})
"""Every target has these two: which file a row came from, and its place in it."""

LEDGER_SCHEMA = "ingest"
"""The schema of the ledger's tables."""

MAX_PRECISION = 38  # the widest decimal that Arrow (decimal128) and the binary encoder carry


class Kind(StrEnum):
    """The closed set of value types."""

    TEXT = "text"
    INTEGER = "integer"
    DECIMAL = "decimal"
    BOOLEAN = "boolean"
    DATE = "date"
    TIMESTAMP = "timestamp"
    UUID = "uuid"
    ENUM = "enum"
    JSON = "json"


_SQL_NAMES = {
    Kind.TEXT: "text",
    Kind.INTEGER: "bigint",
    Kind.BOOLEAN: "boolean",
    Kind.DATE: "date",
    Kind.TIMESTAMP: "timestamp with time zone",
    Kind.UUID: "uuid",
    Kind.ENUM: "text",
    Kind.JSON: "jsonb",
}
_DECIMAL = re.compile(r"decimal\(\s*(\d+)\s*,\s*(\d+)\s*\)")


@dataclass(frozen=True, slots=True)
class ValueType:
    """A column's type: its kind and, for ``decimal``, precision and scale in digits."""

    kind: Kind
    precision: int = 0
    scale: int = 0

    @classmethod
    def parse(cls, text: str) -> ValueType:
        """Read a type as a contract spells it: ``text``, ``integer``, ``decimal(20,8)``.

        Raises:
            ValueError: it is none of the types, or precision and scale are out of range.
        """
        cleaned = text.strip().lower()
        if match := _DECIMAL.fullmatch(cleaned):
            precision, scale = int(match[1]), int(match[2])
            if not (1 <= precision <= MAX_PRECISION and scale <= precision):
                raise ValueError(f"{text!r}: precision must be 1 to {MAX_PRECISION} and scale at most the precision")
            return cls(Kind.DECIMAL, precision, scale)
        if cleaned == Kind.DECIMAL or cleaned not in set(Kind):
            raise ValueError(
                f"{text!r} is not a type; types: {', '.join(k for k in Kind if k != Kind.DECIMAL)}, decimal(p,s)"
            )
        return cls(Kind(cleaned))

    @property
    def sql_name(self) -> str:
        """The PostgreSQL type, spelled as ``format_type`` spells it."""
        if self.kind == Kind.DECIMAL:
            return f"numeric({self.precision},{self.scale})"
        return _SQL_NAMES[self.kind]

    def __str__(self) -> str:
        return f"decimal({self.precision},{self.scale})" if self.kind == Kind.DECIMAL else self.kind.value
