"""Shared table layouts, and the columns and key of any contract's target."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict

from trade_ingest.contract.document import read_document
from trade_ingest.contract.problems import Inconsistency
from trade_ingest.contract.suggestion import did_you_mean
from trade_ingest.contract.types import Kind, ValueType

if TYPE_CHECKING:
    from trade_ingest.contract.model import Column, Contract


@dataclass(frozen=True, slots=True)
class TargetColumn:
    """One column of a target table; ``sql_type`` is spelled as PostgreSQL's ``format_type`` spells it."""

    name: str
    sql_type: str
    nullable: bool
    description: str


class LayoutColumn(BaseModel):
    """One column of a layout; ``values`` are the only ones it may hold, if there are any."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    type: str
    required: bool
    description: str
    values: tuple[str, ...] = ()

    @property
    def sql_type(self) -> str:
        """The PostgreSQL type."""
        return ValueType.parse(self.type).sql_name


class Layout(BaseModel):
    """A fixed set of columns, so that the rows of several contracts go into one table."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    description: str
    columns: tuple[LayoutColumn, ...]
    key: tuple[str, ...]
    event_time: str


@cache
def layout_named(name: str) -> Layout:
    """The layout of that name, from the package's own data."""
    source = resources.files(__package__) / "layouts" / f"{name}.yaml"
    return Layout.model_validate(read_document(source.read_text(encoding="utf-8"), origin=name).data)


def layout_columns(contract: Contract) -> tuple[TargetColumn, ...]:
    """The target's columns, in order, without the ``file_id`` and ``row_number`` that every target has.

    With a layout these are all of the layout's columns, also those that the contract does not fill; else the
    contract's own, each ``nanoseconds`` companion (``bigint``) right after its timestamp and as nullable as it.
    """
    if contract.target.layout:
        return tuple(
            TargetColumn(c.name, c.sql_type, not c.required, c.description)
            for c in layout_named(contract.target.layout).columns
        )
    return tuple(target for column in contract.columns for target in _own_columns(column))


def unique_key(contract: Contract) -> tuple[str, ...]:
    """The columns of the target's unique index; empty if it has none.

    The layout's key, else the contract's; on a partitioned target the event time is added, as PostgreSQL demands. In
    a layout's key a NULL never conflicts: a feed without trade ids shares the table with feeds that have them.
    """
    key = layout_named(contract.target.layout).key if contract.target.layout else contract.key
    if key and contract.target.partition_by != "none" and contract.event_time not in key:
        return (*key, contract.event_time)
    return key


def layout_problems(contract: Contract) -> Iterator[Inconsistency]:
    """Where a contract does not fit the layout that its target names."""
    if not contract.target.layout:
        return
    layout = layout_named(contract.target.layout)
    yield from _column_set_problems(contract, layout)
    yield from _key_problems(contract, layout)
    if contract.event_time != layout.event_time:
        yield Inconsistency(("event_time",), f"must be {layout.event_time!r} in the layout {layout.name}")
    if contract.target.current_view:
        yield Inconsistency(("target", "current_view"), f"the shared layout {layout.name} has no current view")


def _own_columns(column: Column) -> Iterator[TargetColumn]:
    nullable = not column.required
    yield TargetColumn(column.name, column.value_type.sql_name, nullable, column.description)
    if column.nanoseconds:
        description = f"{column.name} in nanoseconds since 1970-01-01 UTC"
        yield TargetColumn(column.nanoseconds, "bigint", nullable, description)


def _column_set_problems(contract: Contract, layout: Layout) -> Iterator[Inconsistency]:
    expected = {column.name: column for column in layout.columns}
    for i, column in enumerate(contract.columns):
        if column.name in expected:
            yield from _fit_problems(i, column, expected[column.name], layout)
        else:
            hint = did_you_mean(column.name, expected) or f"its columns: {', '.join(expected)}"
            yield Inconsistency(("columns", i, "name"), f"{column.name!r} is not in the layout {layout.name}", hint)
        if column.nanoseconds and column.nanoseconds not in expected:
            message = f"{column.nanoseconds!r} is not in the layout {layout.name}"
            hint = did_you_mean(column.nanoseconds, expected)
            yield Inconsistency(("columns", i, "nanoseconds"), message, hint)
    declared = {column.name for column in contract.columns}
    for wanted in layout.columns:
        if wanted.required and wanted.name not in declared:
            message = f"the layout {layout.name} needs a column {wanted.name!r} ({wanted.type})"
            yield Inconsistency(("columns",), message, rests_on=(("columns",),))


def _fit_problems(i: int, column: Column, expected: LayoutColumn, layout: Layout) -> Iterator[Inconsistency]:
    rests_on = (("columns", i, "type"),)
    if expected.required and not column.required:
        message = f"{column.name!r} must be required: the layout {layout.name} does not take NULL"
        yield Inconsistency(("columns", i, "required"), message)
    if column.value_type.sql_name != expected.sql_type:
        message = f"{column.name!r} is {column.type}, but {expected.type} in the layout {layout.name}"
        yield Inconsistency(("columns", i, "type"), message, rests_on=rests_on)
    elif expected.values and column.constant is None and column.value_type.kind != Kind.ENUM:
        message = f"must be enum: in the layout {layout.name} it is one of {', '.join(expected.values)}"
        yield Inconsistency(("columns", i, "type"), message, rests_on=rests_on)
    elif expected.values and (strangers := sorted(_stored_values(column) - set(expected.values))):
        message = f"{strangers[0]!r} is not one of {', '.join(expected.values)} (layout {layout.name})"
        yield Inconsistency(("columns", i, "values"), message)


def _stored_values(column: Column) -> set[str]:
    if column.constant is not None and column.value_type.kind != Kind.ENUM:
        return {column.constant}
    return set(column.values.values() if isinstance(column.values, dict) else column.values)


def _key_problems(contract: Contract, layout: Layout) -> Iterator[Inconsistency]:
    declared = {column.name: i for i, column in enumerate(contract.columns)}
    optional = [c.name for c in layout.columns if not c.required and c.name in layout.key and c.name in declared]
    if contract.key and set(contract.key) != set(layout.key):
        message = f"must be [{', '.join(layout.key)}] or absent in the layout {layout.name}"
        yield Inconsistency(("key",), message)
    elif not contract.key and optional:
        message = f"{optional[0]!r} identifies rows in the layout {layout.name}"
        hint = f"declare `key: [{', '.join(layout.key)}]`, or leave the column out"
        yield Inconsistency(("columns", declared[optional[0]], "name"), message, hint)
