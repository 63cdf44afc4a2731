"""Columns of a proposed contract, from single columns of the file."""

from __future__ import annotations

import re

from trade_ingest.contract.types import Kind
from trade_ingest.infer.columns import FoundColumn
from trade_ingest.infer.draft import DraftColumn
from trade_ingest.infer.findings import Findings
from trade_ingest.infer.header import snake_name
from trade_ingest.infer.vocabulary import Role, name_score

_ID_NAME = re.compile(
    r"(?:.*_)?(?:id|ids|no|num|nr|number|code|zip|account|isin|cusip|sedol|figi|wkn|conditions?|portfolio|portefeuille|ref|"
    r"reference|order|uti|lei)"
)
_TIME_NAME = re.compile(r".*(?:time|date|_at|_on|ts|stamp|epoch|zeit|tijd|hora|datum).*|t|at")
_LEAST_ROWS = 100  # before a column that is always filled is taken to be always filled
_PRINT_DECIMAL = "decimal(38,12)"
_TRUTHS = {"Y": "N", "yes": "no", "Yes": "No", "YES": "NO"}
_AMOUNTS = (
    *(Role.PRICE, Role.QUANTITY, Role.QUOTE_QUANTITY, Role.BID, Role.ASK),
    *(Role.OPEN, Role.HIGH, Role.LOW, Role.CLOSE),
)


def place_of(column: FoundColumn, findings: Findings) -> dict[str, object]:
    """The key that says which cell of the file it is."""
    if findings.by_position:
        return {"position": column.position}
    return {"source": column.header or ""}


def reference_to(column: FoundColumn, findings: Findings) -> str:
    """The cell as a template names it."""
    return f"{{{column.position}}}" if findings.by_position else f"{{{column.header}}}"


def null_keys(column: FoundColumn) -> dict[str, object]:
    """The key for cells that mean NULL, if there are such."""
    return {"null_tokens": ["", *column.null_words]} if column.null_words else {}


def number_keys(column: FoundColumn) -> dict[str, object]:
    """The key for what is taken out of numbers, if there is something."""
    numbers = column.numbers
    return {"remove": numbers.remove} if numbers is not None and numbers.remove else {}


def optional_key(column: FoundColumn) -> dict[str, object]:
    """The key for columns that may be empty."""
    return {} if column.is_full and not column.bad and column.rows >= _LEAST_ROWS else {"required": False}


def own_columns(column: FoundColumn, name: str, findings: Findings) -> list[DraftColumn]:
    """The columns of a table of the file's own for one of its columns: one, and one for the units of its numbers."""
    place = place_of(column, findings)
    if not findings.by_position and column.header == name:
        place = {}
    made_type, keys = _typed(column, name, findings)
    keys_of_text = {} if made_type == "text" else null_keys(column)
    evidence = column.evidence_of_text if made_type in {"text", "enum"} else column.evidence
    found = DraftColumn(
        name, made_type, {**place, **keys, **keys_of_text, **optional_key(column)}, evidence, of=(column.position,)
    )
    if "zone" in keys and not _says_utc(column):
        found.confirm = "the cells have no offset"
    if column.numbers is None or not column.numbers.unit or made_type == "text":
        return [found]
    unit = DraftColumn(
        f"{name}_unit"[:63],
        "text",
        {"template": reference_to(column, findings), "remove": column.numbers.unit, "required": False},
        f"what stands behind the numbers of {name}",
        of=(column.position,),
    )
    return [found, unit]


def _says_utc(column: FoundColumn) -> bool:
    words = snake_name(column.header or "").split("_")
    return "utc" in words or "gmt" in words or any(found.pattern.endswith((" UTC", " GMT")) for found in column.times)


def _typed(column: FoundColumn, name: str, findings: Findings) -> tuple[str, dict[str, object]]:
    """The type and its keys, as the cells are."""
    if column is findings.roles.get(Role.SIDE) and findings.roles.sides:
        return "enum", {"values": findings.roles.sides}
    if column.epoch is not None and _is_time(column, name, findings):
        keys: dict[str, object] = {"epoch": column.epoch.unit}
        return "timestamp", keys | ({"nanoseconds": f"{name}_ns"[:63]} if column.epoch.has_nanoseconds else {})
    if column.times:
        return _time_type(column, name)
    if column.kind in {Kind.BOOLEAN, Kind.UUID}:
        return str(column.kind), _truth_tokens(column)
    return _number_type(column, name, findings) if column.is_number else ("text", {})


def _truth_tokens(column: FoundColumn) -> dict[str, object]:
    """The words for true and false, where they are not those that a contract knows by itself."""
    values = {value for value, _ in column.values}
    words = [(true, false) for true, false in _TRUTHS.items() if {true, false} & values]
    if column.kind != Kind.BOOLEAN or not words:
        return {}
    return {"true_tokens": [true for true, _ in words], "false_tokens": [false for _, false in words]}


def _number_type(column: FoundColumn, name: str, findings: Findings) -> tuple[str, dict[str, object]]:
    """Ids are texts, amounts have decimals."""
    roles, numbers = findings.roles, column.numbers
    assert numbers is not None  # it is a number
    is_id = column is roles.get(Role.TRADE_ID) or column is roles.get(Role.SYMBOL)
    if column.kind == Kind.INTEGER and (is_id or column.clock is not None or _ID_NAME.fullmatch(name)):
        return "text", {}
    is_amount = any(column is roles.get(role) for role in _AMOUNTS)
    made = numbers.decimal_type if is_amount or numbers.remove else numbers.type
    return (made, number_keys(column)) if made else ("text", {})


def _is_time(column: FoundColumn, name: str, findings: Findings) -> bool:
    if any(column is findings.roles.get(role) for role in (Role.TIME, Role.DATE)):
        return True
    return _TIME_NAME.fullmatch(name) is not None or (column.header is not None and name_score(Role.TIME, name, "") > 0)


def _time_type(column: FoundColumn, name: str) -> tuple[str, dict[str, object]]:
    found = column.times[0]
    if len(column.times) > 1 or not found.is_padded:
        return "text", {}
    if column.kind == Kind.DATE:
        removed: dict[str, object] = {"remove": column.remove} if column.remove else {}
        return "date", removed | ({} if found.is_iso else {"format": found.pattern})
    keys: dict[str, object] = {} if found.is_iso else {"format": found.pattern}
    if column.remove:
        keys["remove"] = column.remove
    if not found.has_offset:
        keys["zone"] = "UTC"
    if found.has_nanoseconds:
        keys["nanoseconds"] = f"{name}_ns"[:63]
    return "timestamp", keys


def print_amount(column: FoundColumn, name: str, findings: Findings) -> DraftColumn:
    """A price or a quantity in the layout `trade_print`."""
    required = {} if name == "quantity" or column.is_full else {"required": False}
    keys = {**place_of(column, findings), **number_keys(column), **null_keys(column), **required}
    return DraftColumn(name, _PRINT_DECIMAL, keys, column.evidence, of=(column.position,))
