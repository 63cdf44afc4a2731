"""What the numbers of several columns are to each other: bid and ask, open to close, price times quantity."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations

import polars as pl

_ROWS = 5_000
_NEAR = 0.05  # how far bid and ask are apart at most, of the price
_MOSTLY = 0.98  # of the rows


class NumericColumns:
    """The first rows of numeric columns as floats, by the position of their column."""

    def __init__(self, columns: dict[int, pl.Series]) -> None:
        self._columns = {position: column.head(_ROWS) for position, column in columns.items()}

    def is_quote(self, bid: int, ask: int) -> bool:
        """Whether one column is a little above the other in nearly all rows, so that they are bid and ask."""
        frame = self._frame(bid, ask)
        if frame.height < 2 or frame.get_column("b").n_unique() == 1:  # noqa: PLR2004
            return False
        near = frame.select(
            ((pl.col("b") - pl.col("a")) / pl.col("a")).is_between(-1e-9, _NEAR).mean().alias("near"),
            (pl.col("b") > pl.col("a")).mean().alias("above"),
        )
        return bool(near.item(0, "near") >= _MOSTLY and near.item(0, "above") > 0.5)  # noqa: PLR2004

    def spread(self, bid: int, ask: int) -> float:
        """How far the second is above the first, of its size, on average."""
        return float(str(self._frame(bid, ask).select(((pl.col("b") - pl.col("a")) / pl.col("a")).mean()).item() or 0))

    def is_near(self, price: int, bid: int) -> bool:
        """Whether a column is of the size of a price."""
        frame = self._frame(price, bid)
        ratio = frame.select((pl.col("a") / pl.col("b")).is_between(1 - _NEAR, 1 + _NEAR).mean()).item()
        return bool(ratio is not None and ratio >= _MOSTLY)

    def is_bar(self, positions: Sequence[int]) -> bool:
        """Whether four columns are open, high, low and close."""
        frame = self._frame(*positions)
        if frame.height < 2:  # noqa: PLR2004
            return False
        high, low = pl.col("b"), pl.col("c")
        ends = [pl.col("a"), pl.col("d")]
        is_bar = pl.all_horizontal(*(high >= end for end in ends), *(low <= end for end in ends), low > 0)
        spans = frame.select((high > low).mean()).item()
        return bool(frame.select(is_bar.mean()).item() >= _MOSTLY and spans > 0.3)  # noqa: PLR2004

    def roughness(self, position: int) -> float:
        """How much a number differs from the one before it, of its size: little for prices, much for quantities."""
        column = self._columns[position].drop_nulls().abs()
        median = column.median()
        if len(column) < 2 or not median:  # noqa: PLR2004
            return 0.5
        return float(str(column.diff().abs().median() or 0)) / float(str(median))

    def product(self, positions: Sequence[int]) -> tuple[int, int, int] | None:
        """Two columns and their product, if there are such."""
        for first, second, product in permutations(positions, 3):
            if first > second:
                continue
            frame = self._frame(first, second, product)
            exact = (pl.col("a") * pl.col("b") - pl.col("c")).abs() <= (pl.col("c").abs() * 1e-4 + 1e-9)
            if frame.height > 1 and frame.select(exact.mean()).item() >= _MOSTLY and not self._is_constant(second):
                return first, second, product
        return None

    def _is_constant(self, position: int) -> bool:
        return self._columns[position].n_unique() == 1

    def _frame(self, *positions: int) -> pl.DataFrame:
        columns = [self._columns[position].alias(name) for position, name in zip(positions, "abcd", strict=False)]
        return pl.DataFrame(columns).drop_nulls()
