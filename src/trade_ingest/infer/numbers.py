"""Numbers as text: which marks they have, and how large they are."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

import polars as pl

SCALE = 12
"""Decimals of the proposed types, unless the cells have more: as many as the layout `trade_print` has."""

PRECISION = 38
INTEGER = r"^[+-]?[0-9]+$"
_EXPONENT = r"(?:[eE][+-]?[0-9]{1,3})?"
_NOISE = r"[€$£¥%+]"
_UNIT = r" [A-Z]{2,6}[0-9]?$"


@dataclass(frozen=True, slots=True)
class Marks:
    """The decimal mark and the mark between groups of three digits."""

    decimal: str = "."
    thousands: str | None = None

    @property
    def regex(self) -> str:
        """Matches a number with these marks."""
        decimal = re.escape(self.decimal)
        plain = rf"[+-]?(?:[0-9]+(?:{decimal}[0-9]*)?|{decimal}[0-9]+){_EXPONENT}"
        if self.thousands is None:
            return f"^{plain}$"
        group = _escaped(self.thousands)
        return rf"^(?:{plain}|[+-]?[0-9]{{1,3}}(?:{group}[0-9]{{3}})+(?:{decimal}[0-9]*)?)$"

    def plain(self, text: pl.Expr) -> pl.Expr:
        """The text of numbers with a point and nothing between digits."""
        if self.thousands is not None:
            text = text.str.replace_all(self.thousands, "", literal=True)
        return text if self.decimal == "." else text.str.replace_all(self.decimal, ".", literal=True)


CHOICES = (
    Marks(),
    Marks(".", ","),
    Marks(","),
    Marks(",", "."),
    Marks(".", " "),
    Marks(",", " "),
    Marks(".", "'"),
    Marks(",", "\u00a0"),
)


def _escaped(mark: str) -> str:
    return re.escape(mark) if mark != " " else "[ ]"


@dataclass(frozen=True, slots=True)
class Numbers:
    """What the numbers of a column are like.

    Attributes:
        is_whole: all are written without a decimal mark and exponent.
        integer_digits: the most digits before the decimal mark.
        decimals: the most digits after it.
        has_exponent: some are in scientific notation.
        has_leading_zero: some whole ones begin with a zero that means nothing to a number.
        least: the smallest.
        most: the largest.
        remove: what has to be taken out of the cells first, a regular expression; empty: nothing.
        unit: how the regular expression of what stands after the number is kept as a text; empty: nothing.
    """

    is_whole: bool
    integer_digits: int
    decimals: int
    has_exponent: bool
    has_leading_zero: bool
    least: float
    most: float
    remove: str = ""
    unit: str = ""

    @property
    def type(self) -> str:
        """The contract's type: exact, with room to grow; empty if no type holds them."""
        if self.is_whole and self.integer_digits <= 18:  # noqa: PLR2004  # any of that many fit a bigint
            return "integer"
        return self.decimal_type

    @property
    def decimal_type(self) -> str:
        """The type for values that may have decimals; empty if no type holds them."""
        scale = max(SCALE, self.decimals)
        if self.integer_digits + scale > PRECISION:
            scale = PRECISION - self.integer_digits
        return f"decimal({PRECISION},{scale})" if scale >= self.decimals else ""

    @property
    def fits_print(self) -> bool:
        """Whether the columns of the layout `trade_print` hold them."""
        return self.decimals <= SCALE and self.integer_digits <= PRECISION - SCALE


def find_marks(columns: Iterable[pl.Series], delimiter: str) -> Marks:
    """The marks that make numbers of the most columns.

    Args:
        columns: the distinct cells of each column.
        delimiter: a file with semicolons rather has decimal commas.
    """
    samples = [column.head(2000) for column in columns if len(column) and _has_digits(column)]
    preferred = "," if delimiter == ";" else "."
    choices = sorted(CHOICES, key=lambda marks: (marks != Marks(), marks.decimal != preferred))
    cleaned = [column.str.replace_all(_NOISE, "").str.strip_chars(" \t") for column in samples]
    scores = [sum(bool(column.str.contains(marks.regex).all()) for column in cleaned) for marks in choices]
    best = max(scores, default=0)
    return next((marks for marks, score in zip(choices, scores, strict=True) if score == best), Marks())


def _has_digits(column: pl.Series) -> bool:
    return bool(column.head(100).str.contains("[0-9]").any())


def numbers_of(cells: pl.Series, marks: Marks) -> Numbers | None:
    """What the numbers of a column are like; None if some cell is none.

    Args:
        cells: distinct cells, without blanks around them.
        marks: of the file's numbers.
    """
    remove = unit = ""
    if not cells.str.contains(marks.regex).all():
        there = "".join(mark for mark in "€$£¥%+" if cells.str.contains(mark, literal=True).any())
        for candidate, kept in ((f"[{there}]" if there else "", ""), (_UNIT, r"^[-+0-9., ']+")):
            cleaned = cells.str.replace_all(candidate, "") if candidate else cells
            if candidate and cleaned.str.contains(marks.regex).all():
                cells, remove, unit = cleaned, candidate, kept
                break
        else:
            return None
    return _measured(cells, marks, remove, unit)


def _measured(cells: pl.Series, marks: Marks, remove: str, unit: str) -> Numbers:
    plain = pl.select(marks.plain(pl.lit(cells)).str.strip_chars_start("+-")).to_series()
    parts = plain.str.extract_groups(r"^([0-9]*)(?:\.([0-9]*))?(?:[eE]([+-]?[0-9]+))?$").struct.unnest()
    whole, fraction, exponent = parts.to_series(0), parts.to_series(1).fill_null(""), parts.to_series(2)
    power = exponent.cast(pl.Int64).fill_null(0)
    integer_digits = (whole.str.strip_chars_start("0").str.len_chars().cast(pl.Int64) + power).clip(0)
    decimals = (fraction.str.strip_chars_end("0").str.len_chars().cast(pl.Int64) - power).clip(0)
    values = pl.select(marks.plain(pl.lit(cells))).to_series().cast(pl.Float64, strict=False)
    is_whole = not (plain.str.contains(".", literal=True).any() or exponent.count())
    return Numbers(
        is_whole=is_whole,
        integer_digits=int(str(integer_digits.max() or 0)),
        decimals=int(str(decimals.max() or 0)),
        has_exponent=bool(exponent.count()),
        has_leading_zero=is_whole and bool(plain.str.contains("^0[0-9]").any()),
        least=float(str(values.min())),
        most=float(str(values.max())),
        remove=remove,
        unit=unit,
    )
