"""Values written in a contract: bounds and constants, read as the type of their column."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING
from uuid import UUID
from zoneinfo import ZoneInfo

from trade_ingest.contract.types import Kind

if TYPE_CHECKING:
    from trade_ingest.contract.model import Column

Bound = int | Decimal | date | datetime

_INTEGER = re.compile(r"[+-]?[0-9]+")
_DECIMAL = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_TIMESTAMP = re.compile(
    rf"{_DATE.pattern}(?:[T ][0-9]{{2}}:[0-9]{{2}}:[0-9]{{2}}(?:\.[0-9]{{1,6}})?(?:Z|[+-][0-9]{{2}}:[0-9]{{2}})?)?"
)
_SCIENTIFIC = re.compile(rf"{_DECIMAL.pattern}(?:[eE][+-]?[0-9]{{1,3}})?")


def parse_bound(column: Column, bound: str | int | Decimal) -> Bound:
    """Read ``min``, ``max``, ``greater_than`` or ``less_than`` as a value of the column's type.

    Integers and decimals are exact. Dates are ``YYYY-MM-DD``. Timestamps are ISO 8601 with at most six decimals and
    come out with a zone: their own offset, else the column's ``zone``; a date alone is its first moment.

    Raises:
        ValueError: the bound is no value of that type, or a local time and the column has no ``zone``.
    """
    readers: dict[Kind, Callable[[str], Bound]] = {
        Kind.INTEGER: _integer,
        Kind.DECIMAL: _decimal,
        Kind.DATE: _date,
        Kind.TIMESTAMP: lambda text: _timestamp(text, column.zone),
    }
    return readers[column.value_type.kind](str(bound))


def check_constant(column: Column, constant: str) -> None:
    """Check that a constant, written as it would be in a cell, is a value of the column's type.

    Raises:
        ValueError: it is not; the message says what it should be.
    """
    if is_wrong := _WRONG_CONSTANTS.get(column.value_type.kind):
        is_wrong(column, constant)


def _integer(text: str) -> int:
    if not _INTEGER.fullmatch(text):
        raise ValueError(f"{text!r} is not a whole number")
    return int(text)


def _decimal(text: str) -> Decimal:
    if not _SCIENTIFIC.fullmatch(text):
        raise ValueError(f"{text!r} is not a number")
    return Decimal(text)


def _date(text: str) -> date:
    if not _DATE.fullmatch(text):
        raise ValueError(f"{text!r} is not a date such as 2024-01-31")
    return date.fromisoformat(text)


def _timestamp(text: str, zone: str | None) -> datetime:
    if not _TIMESTAMP.fullmatch(text):
        raise ValueError(f"{text!r} is not a time such as 2024-01-31T09:30:00Z")
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None and zone is None:
        raise ValueError(f"{text!r} needs an offset, such as 2024-01-31T09:30:00Z: the column has no zone")
    return moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo(str(zone)))


def _is_a_member(column: Column, constant: str) -> None:
    if constant not in column.values:
        raise ValueError(f"{constant!r} is not one of the column's values: {', '.join(column.values)}")


def _is_a_boolean(column: Column, constant: str) -> None:
    if constant not in (*column.true_tokens, *column.false_tokens):
        raise ValueError(f"{constant!r} is neither one of true_tokens nor of false_tokens")


def _is_a_uuid(_: Column, constant: str) -> None:
    try:
        UUID(constant)
    except ValueError as exc:
        raise ValueError(f"{constant!r} is not a UUID") from exc


def _is_json(_: Column, constant: str) -> None:
    try:
        json.loads(constant)
    except ValueError as exc:
        raise ValueError(f"{constant!r} is not JSON") from exc


_WRONG_CONSTANTS: dict[Kind, Callable[[Column, str], object]] = {
    Kind.INTEGER: lambda _, constant: _integer(constant),
    Kind.DECIMAL: lambda _, constant: _decimal(constant),
    Kind.BOOLEAN: _is_a_boolean,
    Kind.UUID: _is_a_uuid,
    Kind.ENUM: _is_a_member,
    Kind.JSON: _is_json,
}
