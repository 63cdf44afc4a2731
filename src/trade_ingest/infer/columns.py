"""What the cells of one column are: its type, with the evidence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import polars as pl

from trade_ingest.contract.types import Kind
from trade_ingest.infer.numbers import INTEGER, Marks, Numbers, numbers_of
from trade_ingest.infer.times import Epoch, TimeFormat, clock_format, epoch_of, formats_in_words, time_formats
from trade_ingest.parse.cells import UUID_REGEX

NULL_WORDS = ("NA", "N/A", "n/a", "#N/A", "NaN", "nan", "null", "NULL", "None", "none", "-", "--", "\\N", "?", "N.A.")
_TRUTHS = {"true": "false", "True": "False", "TRUE": "FALSE", "Y": "N", "yes": "no", "Yes": "No", "YES": "NO"}
_TOLERATED, _OF_ROWS = 0.005, 1000  # cells that are of no type, where the column is long enough for a habit
_MOST_CELLS = 50_000  # distinct ones that are looked at for formats of times
_AS_OF = " as of .*"  # some brokers put a second date behind the first
_SHOWN = 40
_FEW_VALUES = 30


@dataclass(frozen=True, slots=True)
class FoundColumn:
    """One column of the samples.

    Attributes:
        position: its 1-based place.
        header: its name in the header; None without one.
        kind: of its values; text if they have nothing in common.
        rows: cells, empty ones among them.
        filled: cells that are not empty.
        distinct: different cells.
        example: one of them.
        bad: cells that are not of the kind: they would be rejected.
        bad_example: one of those.
        null_words: cells that mean that there is no value, where the others are of the kind.
        values: the different cells with their counts, where they are few.
        numbers: of integers and decimals, and of epochs.
        times: the formats of timestamps and dates; several: mixed styles.
        clock: the format of times of day.
        epoch: what the numbers mean as times since 1970.
        remove: what has to be taken out of the cells to make times of them, a regular expression; empty: nothing.
        is_padded: there are blanks around cells.
        is_ascending: no number or time is below the one before it.
    """

    position: int
    header: str | None
    kind: Kind
    rows: int
    filled: int
    distinct: int
    example: str
    bad: int = 0
    bad_example: str = ""
    null_words: tuple[str, ...] = ()
    values: tuple[tuple[str, int], ...] = ()
    numbers: Numbers | None = None
    times: tuple[TimeFormat, ...] = ()
    clock: TimeFormat | None = None
    epoch: Epoch | None = None
    remove: str = ""
    is_padded: bool = False
    is_ascending: bool = False

    @property
    def cell_name(self) -> str:
        """``c3``, as the table calls it."""
        return f"c{self.position}"

    @property
    def is_empty(self) -> bool:
        """Whether there is never a value."""
        return self.filled == 0

    @property
    def is_full(self) -> bool:
        """Whether there is always a value."""
        return self.filled == self.rows and not self.null_words

    @property
    def is_number(self) -> bool:
        """Whether the cells are numbers."""
        return self.kind in {Kind.INTEGER, Kind.DECIMAL}

    @property
    def is_number_as_text(self) -> bool:
        """Whether the cells are whole numbers kept as text: with zeros before them, or beyond what a bigint holds."""
        return self.kind == Kind.TEXT and self.numbers is not None and not self.times

    @property
    def label(self) -> str:
        """What it is called in messages."""
        return f"column {self.position}" if self.header is None else repr(self.header)

    @property
    def evidence_of_text(self) -> str:
        """What its cells are, in words, where they are kept as text."""
        if self.is_empty:
            return self.evidence
        shown = self.example if len(self.example) <= _SHOWN else f"{self.example[:_SHOWN]}…"
        count = f"{self.filled:,} of {self.rows:,} cells" + (
            "" if self.filled == self.rows else ", the others are empty"
        )
        if self.values and len(self.values) <= _FEW_VALUES // 5:
            return f"{count}; only {', '.join(value[:_SHOWN] for value, _ in self.values)}"
        return f"{count}; {shown}; {self.distinct:,} different"

    @property
    def evidence(self) -> str:
        """How its type is known, in words."""
        if self.is_empty:
            return f"always empty in {self.rows:,} rows"
        good = self.filled - self.bad
        count = f"{good:,} of {self.rows:,} cells" + ("" if self.filled == self.rows else ", the others are empty")
        parts = [count, self._meaning()]
        if self.null_words:
            parts.append(f"{', '.join(map(repr, self.null_words))} taken for NULL")
        if self.bad:
            parts.append(f"{self.bad:,} would be rejected, such as {self.bad_example[:_SHOWN]!r}")
        return "; ".join(part for part in parts if part)

    def _meaning(self) -> str:
        shown = self.example if len(self.example) <= _SHOWN else f"{self.example[:_SHOWN]}…"
        if self.epoch is not None:
            units = {"s": "seconds", "ms": "milliseconds", "us": "microseconds", "ns": "nanoseconds"}
            unit = " and ".join(f"epoch {units[unit]}" for unit in self.epoch.units)
            return f"{shown}: {unit}, {_day(self.epoch.least)} to {_day(self.epoch.most)}"
        if self.times:
            least = min(found.least for found in self.times)
            most = max(found.most for found in self.times)
            return f"{shown}: {formats_in_words(self.times) if len(self.times) > 1 else 'dates'} from {least} to {most}"
        if self.clock is not None:
            return f"{shown}: times of day"
        if self.values and len(self.values) <= _FEW_VALUES // 5:
            return f"only {', '.join(value[:_SHOWN] for value, _ in self.values)}"
        if self.numbers is not None:
            return f"{shown}: {self.numbers.least:,.10g} to {self.numbers.most:,.10g}"
        return f"{shown}; {self.distinct:,} different"


def _day(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d}"


def is_padded(cells: pl.Series) -> bool:
    """Whether there are blanks around some cell."""
    return bool(cells.str.contains(r"^[ \t]|[ \t]$").any())


def find_column(
    cells: pl.Series, *, position: int, header: str | None, marks: Marks, day_first: bool | None = None
) -> FoundColumn:
    """What the cells of a column are.

    Args:
        cells: text, NULL where there is nothing; blanks around are taken off.
        position: the column's 1-based place.
        header: its name; None without a header.
        marks: of the file's numbers.
        day_first: whether dates of other columns have the day before the month; None: unknown.
    """
    padded = is_padded(cells)
    cells = cells.str.strip_chars(" \t") if padded else cells
    cells = pl.select(pl.when(cells.str.len_bytes() > 0).then(pl.lit(cells))).to_series() if padded else cells
    counts = cells.drop_nulls().alias("cell").value_counts(name="count")
    filled = len(cells) - cells.null_count()
    base = FoundColumn(
        position, header, Kind.TEXT, len(cells), filled, counts.height, _example(cells), is_padded=padded
    )
    if not filled:
        return base
    there = set(counts.get_column("cell").filter(counts.get_column("cell").is_in(list(NULL_WORDS))))
    nulls = tuple(word for word in NULL_WORDS if word in there)
    good = counts.filter(~pl.col("cell").is_in(list(nulls))) if nulls else counts
    if nulls and good.height:
        typed = _typed(base, good, marks, cells, day_first=day_first)
        if typed.kind != Kind.TEXT or typed.clock is not None:
            return replace(typed, null_words=nulls)
    return _typed(base, counts, marks, cells, day_first=day_first)


def _example(cells: pl.Series) -> str:
    first = cells.drop_nulls().head(1)
    return str(first[0]) if len(first) else ""


def _typed(
    base: FoundColumn, counts: pl.DataFrame, marks: Marks, cells: pl.Series, *, day_first: bool | None
) -> FoundColumn:
    """The column with its kind; ``counts`` has the distinct cells that are to have one."""
    unique = counts.get_column("cell")
    if counts.height <= _FEW_VALUES:
        pairs = counts.sort(["count", "cell"], descending=[True, False]).rows()
        base = replace(base, values=tuple((str(value), int(count)) for value, count in pairs))
    if unique.str.contains(UUID_REGEX).all():
        return replace(base, kind=Kind.UUID)
    if _is_truth(set(unique.head(9))):
        return replace(base, kind=Kind.BOOLEAN)
    looked_at = unique if len(unique) <= _MOST_CELLS else unique.gather_every(-(-len(unique) // _MOST_CELLS))
    is_digits = looked_at.str.contains(r"^[0-9.]+$").all()
    if not is_digits or looked_at.str.len_chars().n_unique() == 1:
        formats = time_formats(looked_at, day_first=day_first)
        if not formats and looked_at.str.contains(_AS_OF).any():
            formats = time_formats(looked_at.str.replace(_AS_OF, ""), day_first=day_first)
            base = replace(base, remove=_AS_OF if formats else "")
        if formats and not (is_digits and not _may_be_date_digits(formats)):
            kind = Kind.TIMESTAMP if any(found.has_time for found in formats) else Kind.DATE
            return replace(base, kind=kind, times=tuple(formats), is_ascending=_is_ascending(cells, formats))
    clock = clock_format(looked_at)
    if clock is not None and not is_digits:
        return replace(base, clock=clock)
    return _numeric(base, counts, marks, cells, clock)


def _may_be_date_digits(formats: Sequence[TimeFormat]) -> bool:
    return all(found.least >= "1970" and found.most < "2040" for found in formats)


def _is_truth(values: set[str]) -> bool:
    words = set(_TRUTHS) | set(_TRUTHS.values())
    return bool(values) and values <= words and (len(values) > 1 or values <= {"true", "false", "True", "False"})


def _numeric(
    base: FoundColumn, counts: pl.DataFrame, marks: Marks, cells: pl.Series, clock: TimeFormat | None
) -> FoundColumn:
    unique = counts.get_column("cell")
    numbers = numbers_of(unique, marks)
    bad, bad_example = 0, ""
    if numbers is None and base.rows >= _OF_ROWS:
        is_good = unique.str.contains(marks.regex)
        wrong = counts.filter(~is_good)
        bad = int(wrong.get_column("count").sum())
        if wrong.height and bad <= _TOLERATED * base.filled and is_good.any():
            unique = unique.filter(is_good)
            numbers, bad_example = numbers_of(unique, marks), str(wrong.get_column("cell")[0])
    if numbers is None:
        return base
    is_plain = not (numbers.remove or bad) and marks.thousands is None
    epoch = epoch_of(unique) if is_plain or unique.str.contains(INTEGER).all() else None
    if clock is not None and not (clock.is_padded and numbers.is_whole):
        clock = None
    is_long = numbers.is_whole and numbers.type != "integer" and epoch is None
    text_like = numbers.has_leading_zero or is_long or not numbers.type
    return replace(
        base,
        kind=Kind.TEXT if text_like else Kind.INTEGER if numbers.type == "integer" else Kind.DECIMAL,
        numbers=numbers,
        epoch=epoch,
        clock=clock,
        bad=0 if text_like else bad,
        bad_example=bad_example,
        is_ascending=not numbers.remove and _ascends(_floats(cells, marks)),
    )


def _floats(cells: pl.Series, marks: Marks) -> pl.Series:
    return pl.select(marks.plain(pl.lit(cells))).to_series().cast(pl.Float64, strict=False)


def _ascends(values: pl.Series) -> bool:
    known = values.drop_nulls()
    return len(known) > 1 and bool((known.diff().drop_nulls() >= 0).all())


def _is_ascending(cells: pl.Series, formats: Sequence[TimeFormat]) -> bool:
    """Whether times come in order; of those that are written the same way, and are in order as texts."""
    if len(formats) != 1 or not formats[0].pattern.startswith("%Y"):
        return False
    known = cells.drop_nulls()
    return len(known) > 1 and bool((known.shift(-1).head(len(known) - 1) >= known.head(len(known) - 1)).all())
