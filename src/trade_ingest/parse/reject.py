"""Rows that broke the contract, and why."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class ReasonCode(StrEnum):
    """The closed set of reject codes; a row rule's own name is used as the code of the rule."""

    MALFORMED_RECORD = "malformed_record"
    FIELD_COUNT = "field_count"
    NUL_BYTE = "nul_byte"
    BAD_ENCODING = "bad_encoding"
    NULL_VALUE = "null_value"
    INVALID_INTEGER = "invalid_integer"
    INTEGER_OUT_OF_RANGE = "integer_out_of_range"
    INVALID_DECIMAL = "invalid_decimal"
    SCALE_EXCEEDED = "scale_exceeded"
    PRECISION_EXCEEDED = "precision_exceeded"
    INVALID_BOOLEAN = "invalid_boolean"
    INVALID_DATE = "invalid_date"
    INVALID_TIMESTAMP = "invalid_timestamp"
    TIMESTAMP_TOO_PRECISE = "timestamp_too_precise"
    TIMESTAMP_OUT_OF_RANGE = "timestamp_out_of_range"
    AMBIGUOUS_TIME = "ambiguous_time"
    NONEXISTENT_TIME = "nonexistent_time"
    INVALID_UUID = "invalid_uuid"
    INVALID_JSON = "invalid_json"
    NOT_IN_VALUES = "not_in_values"
    BELOW_MIN = "below_min"
    ABOVE_MAX = "above_max"
    TOO_LONG = "too_long"
    REGEX_MISMATCH = "regex_mismatch"
    FAILED_CHECK = "failed_check"
    EXPRESSION_FAILED = "expression_failed"
    KEY_CONFLICT = "key_conflict"


@dataclass(frozen=True, slots=True)
class Reason:
    """One thing wrong with a row.

    ``column`` is the target column, or None when the whole record is wrong; ``value`` is the cell as text, at most
    1,000 characters.
    """

    code: str
    column: str | None = None
    value: str | None = None

    def as_dict(self) -> dict[str, str | None]:
        """The form kept in the ledger."""
        return {"column": self.column, "value": self.value, "code": self.code}


@dataclass(frozen=True, slots=True)
class Reject:
    """A row that broke the contract.

    Attributes:
        row_number: its 1-based ordinal among the file's data records.
        byte_offset: offset of its first byte in the decompressed file.
        raw: its bytes without line break, as UTF-8 whatever the file's encoding is. Bytes that are no text in it stand
            as they are, or as FF if text could be mistaken for them.
        reasons: all that is wrong with it.
    """

    row_number: int
    byte_offset: int
    raw: bytes
    reasons: tuple[Reason, ...]

    @property
    def raw_text(self) -> str:
        """``raw`` as text that PostgreSQL can store: NUL and undecodable bytes are shown as backslash, x and hex."""
        return self.raw.decode("utf-8", "backslashreplace").replace("\0", "\\x00")
