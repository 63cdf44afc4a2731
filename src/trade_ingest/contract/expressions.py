"""Checks of what only Polars can judge: SQL expressions and regular expressions of values."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from typing import TYPE_CHECKING

from trade_ingest.contract.problems import Inconsistency, Path
from trade_ingest.contract.suggestion import did_you_mean
from trade_ingest.contract.types import Kind, ValueType

if TYPE_CHECKING:
    import polars as pl

    from trade_ingest.contract.model import Column, Contract


_BEYOND_THE_ROW = frozenset({"Agg", "Correlation", "Explode", "Len", "Over", "Quantile"})
"""Nodes of Polars' expression trees, of those that its SQL can make, whose result depends on other rows."""


def expression_problems(contract: Contract) -> list[Inconsistency]:
    """Expressions that do not compile, name unknown columns, mix types, or look beyond their own row; bad regexes.

    A derived column may use the columns declared before it, a rule any column, and a rule must be true or false.
    Polars is imported only if there is something to check.
    """
    if not (contract.rules or any(c.expression or c.regex for c in contract.columns)):
        return []
    return [
        *(finding for i in range(len(contract.columns)) for finding in _column_findings(contract.columns, i)),
        *(finding for i in range(len(contract.rules)) for finding in _rule_findings(contract, i)),
    ]


def _column_findings(columns: Sequence[Column], i: int) -> Iterator[Inconsistency]:
    column = columns[i]
    if column.regex is not None and (error := _regex_error(column.regex)):
        yield Inconsistency(("columns", i, "regex"), f"{column.regex!r}: {error}")
    if column.expression is not None:
        path = ("columns", i, "expression")
        later = {c.name for c in columns[i:]}
        yield from _findings(column.expression, path, columns[:i], later=later, must_be_boolean=False)


def _rule_findings(contract: Contract, i: int) -> Iterator[Inconsistency]:
    path = ("rules", i, "expression")
    yield from _findings(contract.rules[i].expression, path, contract.columns, later=(), must_be_boolean=True)


def _findings(
    sql: str, path: Path, columns: Sequence[Column], *, later: Collection[str], must_be_boolean: bool
) -> Iterator[Inconsistency]:
    import polars as pl

    try:
        expression = pl.sql_expr(sql)
    except pl.exceptions.PolarsError as exc:
        yield Inconsistency(path, f"{sql!r}: {_main_line(exc)}")
        return
    roots = dict.fromkeys(expression.meta.root_names())
    names = {column.name: i for i, column in enumerate(columns)}
    if unknown := [root for root in roots if root not in names]:
        for root in unknown:
            yield _unknown_column(root, path, names, later)
    elif not roots:
        yield Inconsistency(path, f"{sql!r} names no column", "use `constant` for a value that is always the same")
    elif _looks_at_other_rows(expression):
        yield Inconsistency(path, f"{sql!r} looks at other rows: only functions of one row are possible")
    else:
        rests_on = tuple(("columns", names[root], "type") for root in roots)
        yield from _type_findings(expression, sql, path, columns, must_be_boolean=must_be_boolean, rests_on=rests_on)


def _looks_at_other_rows(expression: pl.Expr) -> bool:
    # Of Polars 2.1's own answers, meta.is_row_separable is true of AVG(a), and is_scalar is not of a > AVG(a).
    return not _BEYOND_THE_ROW.isdisjoint(_nodes(json.loads(expression.meta.serialize(format="json"))))


def _nodes(tree: object) -> Iterator[str]:
    if isinstance(tree, str):
        yield tree
    elif isinstance(tree, list):
        for inner in tree:
            yield from _nodes(inner)
    elif isinstance(tree, dict):
        for node, inner in tree.items():
            yield node
            if node not in {"Column", "Literal"}:
                yield from _nodes(inner)


def _unknown_column(root: str, path: Path, names: Collection[str], later: Collection[str]) -> Inconsistency:
    if root in later:
        return Inconsistency(path, f"column {root!r} is not declared before this one")
    return Inconsistency(path, f"no column {root!r} is declared", did_you_mean(root, names), rests_on=(("columns",),))


def _type_findings(
    expression: pl.Expr,
    sql: str,
    path: Path,
    columns: Sequence[Column],
    *,
    must_be_boolean: bool,
    rests_on: tuple[Path, ...],
) -> Iterator[Inconsistency]:
    import polars as pl

    no_rows = pl.DataFrame(schema={column.name: polars_type(column.value_type) for column in columns})
    try:  # evaluated, not only typed: a regular expression in it is not looked at before
        (result,) = no_rows.select(expression.alias("result")).dtypes
    except pl.exceptions.PolarsError as exc:
        yield Inconsistency(path, f"{sql!r}: {_main_line(exc)}", rests_on=rests_on)
        return
    if must_be_boolean and result != pl.Boolean:
        yield Inconsistency(path, f"{sql!r} is {result}: a rule must be true or false", rests_on=rests_on)


def polars_type(value_type: ValueType) -> pl.DataType:
    """The Polars type in which expressions see a column: timestamps are in UTC, to the microsecond."""
    import polars as pl

    if value_type.kind == Kind.DECIMAL:
        return pl.Decimal(value_type.precision, value_type.scale)
    return {
        Kind.INTEGER: pl.Int64(),
        Kind.BOOLEAN: pl.Boolean(),
        Kind.DATE: pl.Date(),
        Kind.TIMESTAMP: pl.Datetime("us", "UTC"),
    }.get(value_type.kind, pl.String())


def _regex_error(pattern: str) -> str:
    import polars as pl

    try:
        pl.Series([""]).str.contains(f"^(?:{pattern})$")
    except pl.exceptions.PolarsError as exc:
        return _main_line(exc)
    return ""


def _main_line(exc: Exception) -> str:
    """The line of an error that says most: the first, or the one that says what is wrong with a regular expression."""
    lines = str(exc).strip().splitlines()
    return next((line.removeprefix("error: ") for line in lines if line.startswith("error: ")), lines[0])
