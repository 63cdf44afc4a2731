"""What in the samples would mislead a hurried reader."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from trade_ingest.contract.types import Kind
from trade_ingest.infer.columns import FoundColumn
from trade_ingest.infer.findings import Findings
from trade_ingest.infer.times import formats_in_words
from trade_ingest.infer.vocabulary import Role

_SAFE_DIGITS = 15  # that a float, and so a spreadsheet, holds
_SCALED = 1e8
_SHOWN = 6


def find_traps(findings: Findings) -> list[str]:
    """One sentence for each."""
    return [*_of_rows(findings), *_of_columns(findings), *_of_trades(findings), *_of_times(findings)]


def _of_rows(findings: Findings) -> Iterator[str]:
    table, key = findings.table, findings.key
    if key.identical_rows:
        yield (
            f"identical rows: {key.identical_rows:,} of {key.rows_read:,} are the twin of another. Without an id equal"
            " trades are normal: none of them may be dropped"
        )
    if table.odd_count:
        first = table.odd[0]
        yield (
            f"{table.odd_count:,} records do not have {findings.dialect.width} cells or are no text ({first.code}) and"
            f" would be rejected, such as row {first.row_number}: {first.text[:60]!r}"
        )
    names = findings.dialect.header or ()
    if findings.by_position and names and not findings.repeats_header:
        twice = sorted({name or "(empty)" for name in names if names.count(name) > 1 or set("{}") & set(name)})
        yield f"names that occur twice or cannot be used, so that columns go by position: {', '.join(twice)}"
    if not table.is_whole:
        yield f"only the first {table.rows_read:,} rows were read; a trailer or rows of other kinds may follow"


def _of_columns(findings: Findings) -> Iterator[str]:
    columns = findings.columns
    if empty := [column.label for column in columns if column.is_empty]:
        yield f"always empty: {_listed(empty)}"
    if zeros := [c.label for c in columns if c.numbers is not None and c.numbers.has_leading_zero and not c.times]:
        yield f"leading zeros, kept as text: {_listed(zeros)}"
    long = [c.label for c in columns if c.numbers is not None and _is_long(c) and c.epoch is None]
    if long:
        yield f"whole numbers of over {_SAFE_DIGITS} digits, which floats and spreadsheets change: {_listed(long)}"
    if scientific := [c.label for c in columns if c.numbers is not None and c.numbers.has_exponent]:
        yield f"scientific notation, read exactly: {_listed(scientific)}"
    if marked := [f"{c.label} ({c.example})" for c in columns if c.numbers is not None and c.numbers.remove]:
        yield f"signs or units in cells of numbers, taken out: {_listed(marked)}"
    yield from _of_dates(findings)
    yield from _of_marks(findings)


def _of_dates(findings: Findings) -> Iterator[str]:
    for column in findings.columns:
        if column.remove:
            yield f"some cells of {column.label} have a second date behind the first, which is taken out"
        if len(column.times) > 1:
            yield f"mixed date styles in {column.label}: {formats_in_words(column.times)}"
        elif column.times and column.times[0].is_ambiguous:
            yield f"{column.label} could be day/month or month/day: taken as {column.times[0].pattern}"


def _of_marks(findings: Findings) -> Iterator[str]:
    marks = findings.marks
    between = f"{marks.thousands!r} between thousands"
    if marks.decimal == ",":
        yield "numbers have a decimal comma" + (f" and {between}" if marks.thousands else "")
    elif marks.thousands is not None:
        yield f"numbers have {between}"
    if other := [c.label for c in findings.columns if _is_other_comma(c, findings)]:
        yield f"numbers with another decimal mark than the rest of the file, kept as text: {_listed(other)}"


def _is_long(column: FoundColumn) -> bool:
    return column.numbers is not None and column.numbers.is_whole and column.numbers.integer_digits > _SAFE_DIGITS


def _is_other_comma(column: FoundColumn, findings: Findings) -> bool:
    if column.kind != Kind.TEXT or column.numbers is not None or column.is_empty or column.times or column.clock:
        return False
    cells = findings.table.cells.get_column(column.cell_name).drop_nulls().unique()
    return bool(cells.str.contains(r"^[-+]?[0-9]+(?:[.,][0-9]+)?$").all())


def _of_trades(findings: Findings) -> Iterator[str]:
    price, quantity = findings.roles.get(Role.PRICE), findings.roles.get(Role.QUANTITY)
    cells = findings.table.cells
    if price is not None and price.numbers is not None:
        if price.numbers.least <= 0:
            count = _count_at_most_zero(cells, price, findings)
            yield f"{count:,} prices at or below zero in {price.label}: legitimate for spreads, rates and power"
        if price.numbers.is_whole and price.numbers.least >= _SCALED:
            yield (
                f"prices in {price.label} are whole numbers such as {price.example}: likely scaled; if so add"
                " `multiply_by: 0.000000001` (Databento) or as the vendor says"
            )
    if quantity is not None and quantity.numbers is not None and quantity.numbers.least <= 0:
        what = "negative" if quantity.numbers.least < 0 else "zero"
        yield f"{quantity.label} is {what} in some rows: a side by its sign, a correction, or no trade"
    side = findings.roles.get(Role.SIDE)
    if side is not None and side.kind == Kind.BOOLEAN:
        yield f"{side.label} is true or false: look at which of them is a purchase by the aggressor"


def _count_at_most_zero(cells: pl.DataFrame, column: FoundColumn, findings: Findings) -> int:
    texts = cells.get_column(column.cell_name)
    values = pl.select(findings.marks.plain(pl.lit(texts)).str.strip_chars()).to_series().cast(pl.Float64, strict=False)
    return int((values <= 0).sum())


def _of_times(findings: Findings) -> Iterator[str]:
    moment = findings.roles.get(Role.TIME)
    if moment is None or moment.distinct < 2:  # noqa: PLR2004  # one time is in order
        return
    is_comparable = moment.epoch is not None or (len(moment.times) == 1 and moment.times[0].pattern.startswith("%Y"))
    if is_comparable and not moment.is_ascending:
        yield f"times in {moment.label} are not in order"
    if moment.epoch is not None and len(moment.epoch.units) > 1:
        yield f"the unit of {moment.label} changes: {' and '.join(moment.epoch.units)}; `epoch: auto` tells them apart"


def _listed(labels: list[str]) -> str:
    more = f" and {len(labels) - _SHOWN} more" if len(labels) > _SHOWN else ""
    return f"{', '.join(labels[:_SHOWN])}{more}"
