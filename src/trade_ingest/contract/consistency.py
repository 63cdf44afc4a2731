"""Checks across the keys of a contract: each part is well-formed, but do they go together?

The functions list everything they find instead of stopping at the first; paths are relative to what they are given.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from trade_ingest.contract.layout import layout_named, layout_problems
from trade_ingest.contract.problems import Inconsistency, Path
from trade_ingest.contract.suggestion import did_you_mean
from trade_ingest.contract.timeformat import shape_of
from trade_ingest.contract.types import LEDGER_SCHEMA, RESERVED_COLUMNS, Kind
from trade_ingest.contract.values import Bound, check_constant, parse_bound

if TYPE_CHECKING:
    from trade_ingest.contract.model import Column, Contract, FileFormat, Target

_CELL_NAME = re.compile(r"column_[0-9]+")
_TYPE: tuple[Path, ...] = (("type",),)
_ORIGINS = ("source", "position", "template", "members", "path_group", "constant", "expression")
_BOUNDS = ("min", "max", "greater_than", "less_than")
_ORDERED = frozenset({Kind.INTEGER, Kind.DECIMAL, Kind.DATE, Kind.TIMESTAMP})
_KINDS_OF_KEY = {
    "values": {Kind.ENUM},
    "true_tokens": {Kind.BOOLEAN},
    "false_tokens": {Kind.BOOLEAN},
    "format": {Kind.DATE, Kind.TIMESTAMP},
    "epoch": {Kind.TIMESTAMP},
    "zone": {Kind.TIMESTAMP},
    "nanoseconds": {Kind.TIMESTAMP},
    "since_midnight": {Kind.TIMESTAMP},
    "multiply_by": {Kind.DECIMAL},
    "round": {Kind.DECIMAL},
    "members": {Kind.JSON},
    "regex": {Kind.TEXT, Kind.ENUM},
    "max_length": {Kind.TEXT, Kind.ENUM},
    "check": {Kind.TEXT, Kind.ENUM},
    **dict.fromkeys(_BOUNDS, _ORDERED),
}


def format_problems(form: FileFormat) -> Iterator[Inconsistency]:
    """Marks that cannot be told apart, or that the reader cannot use."""
    names = [name for name in ("delimiter", "quote", "escape") if getattr(form, name) is not None]
    seen: dict[str, str] = {}
    for name in names:
        mark = getattr(form, name)
        if mark in seen:
            yield Inconsistency((name,), f"{mark!r} is the {seen[mark]} already")
        if ord(mark) > 0x7F or mark in "\r\n\0":  # noqa: PLR2004 - the last ASCII character
            yield Inconsistency((name,), f"{mark!r} must be an ASCII character and no line break")
        seen.setdefault(mark, name)
    if form.thousands_mark == form.decimal_mark:
        yield Inconsistency(("thousands_mark",), f"{form.thousands_mark!r} is the decimal_mark already")


def column_problems(column: Column) -> Iterator[Inconsistency]:
    """Keys of one column that contradict each other or its type."""
    kind = column.value_type.kind
    if column.name in RESERVED_COLUMNS:
        yield Inconsistency(("name",), f"{column.name!r} is a column that every target has; choose another name")
    if _CELL_NAME.fullmatch(column.name):
        yield Inconsistency(("name",), f"{column.name!r} is what the parser calls a cell; choose another name")
    origins = [name for name in _ORIGINS if getattr(column, name) not in (None, ())]
    if len(origins) > 1:
        yield Inconsistency(
            (origins[1],), f"the value comes from {origins[0]} already: give one of {', '.join(_ORIGINS)}"
        )
    for key, kinds in _KINDS_OF_KEY.items():
        if kind not in kinds and _is_given(column, key):
            yield Inconsistency((key,), f"{key} is for {' and '.join(sorted(kinds))}, not for {kind}", rests_on=_TYPE)
    if kind == Kind.ENUM and not column.values:
        yield Inconsistency(("type",), "an enum needs its values", rests_on=(*_TYPE, ("values",)))
    if both := set(column.true_tokens) & set(column.false_tokens):
        yield Inconsistency(("false_tokens",), f"{min(both)!r} means true already")
    if column.constant is not None:
        yield from _constant_problems(column)
    yield from _time_problems(column)
    if kind in _ORDERED:
        yield from _bound_problems(column)


def contract_problems(contract: Contract) -> Iterator[Inconsistency]:
    """Parts of a contract that do not go together; those of one column or of the format are not repeated."""
    yield from _name_problems(contract)
    yield from _reference_problems(contract)
    yield from _role_problems(contract)
    yield from _origin_problems(contract)
    yield from layout_problems(contract)
    yield from _target_problems(contract.target)


def _target_problems(target: Target) -> Iterator[Inconsistency]:
    owner = _owner_of(target.schema_name)
    if owner:
        message = f"schema {target.schema_name!r} is {owner} own"
        yield Inconsistency(("target", "schema"), message, "name another one, e.g. `schema: market`")
    view = target.current_view
    if view and view.name == target.table:
        yield Inconsistency(("target", "current_view", "name"), f"{view.name!r} is the table's name")


def _owner_of(schema: str) -> str:
    """Whose schema it is that no target may be in; empty for any other."""
    if schema == LEDGER_SCHEMA:
        return "the ledger's"
    return "PostgreSQL's" if schema == "information_schema" or schema.startswith("pg_") else ""


def _is_given(column: Column, key: str) -> bool:
    return bool(getattr(column, key) != type(column).model_fields[key].default)


def _constant_problems(column: Column) -> Iterator[Inconsistency]:
    try:
        check_constant(column, column.constant or "")
    except ValueError as exc:
        yield Inconsistency(("constant",), str(exc), rests_on=(*_TYPE, ("values",)))


def _time_problems(column: Column) -> Iterator[Inconsistency]:
    if column.value_type.kind not in {Kind.DATE, Kind.TIMESTAMP}:
        return
    if column.since_midnight is not None:
        yield from _midnight_problems(column)
    elif column.format is not None and column.epoch is not None:
        yield Inconsistency(("format",), "give format or epoch, not both", rests_on=_TYPE)
    elif column.epoch is not None and column.zone is not None:
        yield Inconsistency(("zone",), "an epoch counts from 1970 in UTC: it has no zone", rests_on=_TYPE)
    elif column.format not in (None, "iso"):
        yield from _pattern_problems(column, column.format or "")


def _midnight_problems(column: Column) -> Iterator[Inconsistency]:
    path = ("since_midnight",)
    if column.epoch is not None:
        yield Inconsistency(path, "give since_midnight or epoch, not both", rests_on=_TYPE)
    if column.zone is None:
        yield Inconsistency(path, "whose midnight? Add `zone`, e.g. `zone: America/New_York`", rests_on=(("zone",),))
    if column.format not in (None, "iso"):
        try:
            shape = shape_of(column.format or "")
        except ValueError as exc:
            yield Inconsistency(("format",), str(exc), rests_on=_TYPE)
            return
        if shape.has_time:
            yield Inconsistency(("format",), f"{column.format!r} has a time of day beside since_midnight")


def _pattern_problems(column: Column, pattern: str) -> Iterator[Inconsistency]:
    try:
        shape = shape_of(pattern)
    except ValueError as exc:
        yield Inconsistency(("format",), str(exc), rests_on=_TYPE)
        return
    if column.value_type.kind == Kind.DATE:
        if shape.has_time:
            yield Inconsistency(("format",), f"{pattern!r} has a time of day: a date would lose it", rests_on=_TYPE)
    elif shape.has_offset and column.zone is not None:
        yield Inconsistency(
            ("zone",), "the cells carry their offset: they need no zone", rests_on=(*_TYPE, ("format",))
        )
    elif not shape.has_offset and column.zone is None:
        hint = "add `zone`, e.g. `zone: UTC`, or an offset directive such as %z"
        message = f"{pattern!r} is a local time without a zone"
        yield Inconsistency(("format",), message, hint, rests_on=(*_TYPE, ("zone",)))


def _bound_problems(column: Column) -> Iterator[Inconsistency]:
    bounds: dict[str, Bound] = {}
    rests_on = (*_TYPE, ("zone",)) if column.value_type.kind == Kind.TIMESTAMP else _TYPE
    for key in _BOUNDS:
        if (bound := getattr(column, key)) is not None:
            try:
                bounds[key] = parse_bound(column, bound)
            except ValueError as exc:
                yield Inconsistency((key,), str(exc), rests_on=rests_on)
    for low in ("min", "greater_than"):
        for high in ("max", "less_than"):
            is_open = (low, high) != ("min", "max")
            if low in bounds and high in bounds and not _is_room(bounds[low], bounds[high], is_open=is_open):
                yield Inconsistency((high,), f"no value satisfies both {low} and {high}", rests_on=_TYPE)


def _is_room(low: Bound, high: Bound, *, is_open: bool) -> bool:
    return low < high if is_open else low <= high  # type: ignore[operator] # both are of the column's one type


def _name_problems(contract: Contract) -> Iterator[Inconsistency]:
    yield from _repeated((("columns", i, "name"), c.name) for i, c in enumerate(contract.columns))
    names = {c.name for c in contract.columns}
    companions = [(i, c.nanoseconds) for i, c in enumerate(contract.columns) if c.nanoseconds]
    for i, companion in companions:
        if companion in names | RESERVED_COLUMNS:
            yield Inconsistency(("columns", i, "nanoseconds"), f"there is a column {companion!r} already")
    yield from _repeated((("columns", i, "nanoseconds"), companion) for i, companion in companions)
    yield from _repeated((("rules", i, "name"), rule.name) for i, rule in enumerate(contract.rules))
    yield from _repeated((("key", i), name) for i, name in enumerate(contract.key))
    yield from _repeated((("control_totals", i), name) for i, name in enumerate(contract.control_totals))
    if contract.format.header:
        headers = [(i, h) for i, c in enumerate(contract.columns) if _is_cell(c) for h in dict.fromkeys(c.header_names)]
        yield from _repeated((("columns", i, "source"), header) for i, header in headers)


def _repeated(items: Iterable[tuple[Path, object]]) -> Iterator[Inconsistency]:
    seen = set()
    for path, value in items:
        if value in seen:
            yield Inconsistency(path, f"{value!r} appears twice")
        seen.add(value)


def _is_cell(column: Column) -> bool:
    return column.is_one_cell and column.position is None


def _reference_problems(contract: Contract) -> Iterator[Inconsistency]:
    names = [c.name for c in contract.columns] + [c.nanoseconds for c in contract.columns if c.nanoseconds]
    for path, name in _references(contract):
        if name not in names:
            hint = did_you_mean(name, names)
            yield Inconsistency(path, f"no column {name!r} is declared", hint, rests_on=(("columns",),))
    groups = set(re.compile(contract.path).groupindex) if contract.path else set()
    for i, column in enumerate(contract.columns):
        wanted = [("path_group", column.path_group), *(("template", part.path_group) for part in column.template_parts)]
        for key, group in wanted:
            if group is not None and group not in groups:
                hint = did_you_mean(group, groups)
                message = f"`path` has no group named {group!r}"
                yield Inconsistency(("columns", i, key), message, hint, rests_on=(("path",),))


def _references(contract: Contract) -> Iterator[tuple[Path, str]]:
    for i, name in enumerate(contract.key):
        yield ("key", i), name
    yield ("event_time",), contract.event_time
    for i, name in enumerate(contract.control_totals):
        yield ("control_totals", i), name
    if view := contract.target.current_view:
        for i, name in enumerate(view.by):
            yield ("target", "current_view", "by", i), name
        yield ("target", "current_view", "latest"), view.latest


def _role_problems(contract: Contract) -> Iterator[Inconsistency]:
    by_name = {c.name: (i, c) for i, c in enumerate(contract.columns)}
    nullable = _nullable_key_columns(contract)
    for k, name in enumerate(contract.key):
        i, column = by_name.get(name, (0, None))
        if column and not column.required and name not in nullable:
            message = f"key column {name!r} must be required: NULL identifies nothing"
            yield Inconsistency(("key", k), message, rests_on=(("columns", i, "required"),))
    i, column = by_name.get(contract.event_time, (0, None))
    if column and (column.value_type.kind != Kind.TIMESTAMP or not column.required):
        message = f"{contract.event_time!r} must be a required timestamp"
        yield Inconsistency(("event_time",), message, rests_on=(("columns", i, "type"), ("columns", i, "required")))
    for t, name in enumerate(contract.control_totals):
        i, column = by_name.get(name, (0, None))
        if column and column.value_type.kind not in {Kind.INTEGER, Kind.DECIMAL}:
            message = f"{name!r} is {column.type}: only integer and decimal columns have sums"
            yield Inconsistency(("control_totals", t), message, rests_on=(("columns", i, "type"),))


def _nullable_key_columns(contract: Contract) -> set[str]:
    if not contract.target.layout:
        return set()
    return {column.name for column in layout_named(contract.target.layout).columns if not column.required}


def _origin_problems(contract: Contract) -> Iterator[Inconsistency]:
    has_header = contract.format.header
    rests_on: tuple[Path, ...] = (("format", "header"),)
    for i, column in enumerate(contract.columns):
        if has_header and column.position is not None:
            message = "positions are for files without a header: use source, or set format.header to false"
            yield Inconsistency(("columns", i, "position"), message, rests_on=rests_on)
        elif not has_header and column.is_one_cell and column.position is None:
            message = f"column {column.name!r} needs a position: the format has no header"
            yield Inconsistency(("columns", i), message, rests_on=(*rests_on, ("columns", i, "position")))
        for key, place in _places(column):
            if has_header == (place.isdecimal() and int(place) > 0):
                wanted = "a name of the header" if has_header else "a position, counted from 1"
                message = f"{place!r} is not {wanted}: the format has {'a' if has_header else 'no'} header"
                yield Inconsistency(("columns", i, key), message, rests_on=rests_on)
        if isinstance(column.members, str) and not has_header:
            message = f"`{column.members}` is for files with a header"
            yield Inconsistency(("columns", i, "members"), message, rests_on=rests_on)
    yield from _repeated(
        (("columns", i, "position"), c.position) for i, c in enumerate(contract.columns) if c.position is not None
    )
    if not contract.file_columns:
        yield Inconsistency(("columns",), "no column takes its value from the file", rests_on=(("columns",),))


def _places(column: Column) -> Iterator[tuple[str, str]]:
    """The cells that a template or `members` names, as written."""
    for part in column.template_parts:
        if part.literal is None and part.path_group is None:
            yield "template", part.header_name or str(part.position)
    if isinstance(column.members, dict):
        for place in column.members.values():
            yield "members", place
