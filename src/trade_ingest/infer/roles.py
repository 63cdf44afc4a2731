"""Which column is what for a trade, by its name, or by its values where there is no header."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from trade_ingest.contract.types import Kind
from trade_ingest.infer.columns import FoundColumn
from trade_ingest.infer.header import snake_name
from trade_ingest.infer.shapes import NumericColumns
from trade_ingest.infer.sides import side_values
from trade_ingest.infer.vocabulary import Role, name_score

_SYMBOL = re.compile(r"[A-Za-z0-9][A-Za-z0-9/._:&+ -]{1,30}")
_MAKER = re.compile(r".*maker.*|m|sell")
_DAY_SECONDS, _DAY_MILLISECONDS = 86_400, 86_400_000
_FEW_ROWS = 20  # in which a value may be the same by chance
_FEW_SYMBOLS = 0.5  # of the rows
_DATE_ROLES = (Role.DATE, Role.CLOCK)


@dataclass(slots=True)
class Roles:
    """The columns that have a role.

    Attributes:
        columns: the column of each role.
        sides: what the cells of the side say.
        since_midnight: the unit of the time of day, where it is a number.
        is_guessed: by values alone: a person has to look at it.
    """

    columns: dict[Role, FoundColumn] = field(default_factory=dict)
    sides: dict[str, str] = field(default_factory=dict)
    since_midnight: str | None = None
    is_guessed: bool = False

    def get(self, role: Role) -> FoundColumn | None:
        """The column of a role."""
        return self.columns.get(role)

    def has(self, *roles: Role) -> bool:
        """Whether each of the roles has a column."""
        return all(role in self.columns for role in roles)

    def is_taken(self, column: FoundColumn) -> bool:
        """Whether a column has a role already."""
        return any(column is taken for taken in self.columns.values())


def find_roles(columns: Sequence[FoundColumn], numbers: NumericColumns) -> Roles:
    """The roles of columns."""
    if columns[0].header is None:
        return _by_values(columns, numbers)
    roles = _by_names(columns)
    _add_clock_number(roles, columns)
    return roles


def _by_names(columns: Sequence[FoundColumn]) -> Roles:
    roles = Roles()
    fits: dict[Role, Callable[[FoundColumn], bool]] = {
        Role.OPEN: _is_price,
        Role.HIGH: _is_price,
        Role.LOW: _is_price,
        Role.CLOSE: _is_price,
        Role.BID: _is_price,
        Role.ASK: _is_price,
        Role.TIME: _is_moment,
        Role.DATE: lambda c: c.kind == Kind.DATE,
        Role.CLOCK: lambda c: c.clock is not None,
        Role.SIDE: lambda c: _sides(c) is not None,
        Role.PRICE: _is_price,
        Role.QUANTITY: _is_amount,
        Role.QUOTE_QUANTITY: _is_amount,
        Role.TRADE_ID: _is_id,
        Role.SYMBOL: lambda c: c.kind in {Kind.TEXT, Kind.INTEGER} and not c.is_empty and c.clock is None,
        Role.VENUE: lambda c: c.kind in {Kind.TEXT, Kind.INTEGER} and not c.is_empty,
        Role.CURRENCY: lambda c: c.kind == Kind.TEXT and _is_currency(c),
        Role.SEQUENCE: lambda c: c.kind == Kind.INTEGER,
    }
    for role, is_fit in fits.items():
        scored = [
            (score * _weight(column), -column.position, column)
            for column in columns
            if not roles.is_taken(column) and is_fit(column) and (score := _score(role, column))
        ]
        if scored:
            roles.columns[role] = max(scored, key=lambda item: item[:2])[2]
    _prefer_whole_times(roles)
    if not roles.has(Role.TIME) and not roles.has(Role.DATE):  # its name says nothing, its values do
        moments = [c for c in columns if c.kind == Kind.TIMESTAMP or (c.epoch is not None and c.epoch.unit != "s")]
        if free := [c for c in moments if c.is_full and not roles.is_taken(c)]:
            roles.columns[Role.TIME] = free[0]
    if (side := roles.get(Role.SIDE)) is not None:
        roles.sides = _sides(side) or {}
    return roles


def _score(role: Role, column: FoundColumn) -> int:
    return name_score(role, snake_name(column.header or ""), column.header or "")


def _weight(column: FoundColumn) -> float:
    return math.sqrt(max(column.filled / max(column.rows, 1), 0.05))


def _prefer_whole_times(roles: Roles) -> None:
    """Keep a moment rather than a date and a time of day, and those rather than a date alone."""
    moment = roles.get(Role.TIME)
    if moment is not None and moment.kind != Kind.DATE:
        for role in _DATE_ROLES:
            roles.columns.pop(role, None)
    elif moment is not None:
        other = roles.get(Role.DATE)
        if other is None or _score(Role.DATE, other) < _score(Role.DATE, moment):
            roles.columns[Role.DATE] = moment
        del roles.columns[Role.TIME]


def _is_moment(column: FoundColumn) -> bool:
    return column.kind in {Kind.TIMESTAMP, Kind.DATE} or column.epoch is not None


def _is_price(column: FoundColumn) -> bool:
    return _is_numeric(column) and column.epoch is None


def _is_amount(column: FoundColumn) -> bool:
    return _is_numeric(column) and (column.epoch is None or column.epoch.unit == "s")


def _is_numeric(column: FoundColumn) -> bool:
    return column.is_number or column.is_number_as_text


def _is_id(column: FoundColumn) -> bool:
    return not column.is_empty and column.kind in {Kind.TEXT, Kind.INTEGER, Kind.UUID} and column.clock is None


def _is_currency(column: FoundColumn) -> bool:
    return all(re.fullmatch(r"[A-Z0-9]{2,6}", value) for value, _ in column.values) and bool(column.values)


def _sides(column: FoundColumn) -> dict[str, str] | None:
    if not column.values:
        return None
    is_maker = column.header is not None and _MAKER.fullmatch(snake_name(column.header)) is not None
    return side_values(tuple(value for value, _ in column.values), is_maker=is_maker)


def _add_clock_number(roles: Roles, columns: Iterable[FoundColumn]) -> None:
    """Take a number since midnight for the time of day, where nothing else says the time."""
    if roles.has(Role.TIME) or roles.has(Role.CLOCK):
        return
    for column in columns:
        if roles.is_taken(column) or not _score(Role.CLOCK, column) + _score(Role.TIME, column):
            continue
        if (unit := _unit_of_day(column)) is not None:
            roles.columns[Role.CLOCK], roles.since_midnight = column, unit
            return


def _unit_of_day(column: FoundColumn) -> str | None:
    """The unit of numbers since midnight; None if they cannot be such."""
    numbers = column.numbers
    if numbers is None or not column.is_number or numbers.least < 0 or numbers.remove:
        return None
    if numbers.most < _DAY_SECONDS and (numbers.decimals > 0 or column.distinct > 1):
        return "s"
    return "ms" if numbers.is_whole and numbers.most < _DAY_MILLISECONDS else None


def _by_values(columns: Sequence[FoundColumn], numbers: NumericColumns) -> Roles:
    roles = Roles(is_guessed=True)
    _find_moment(roles, columns)
    _find_words(roles, columns)
    left = [c for c in columns if _is_numeric(c) and not roles.is_taken(c) and not _is_constant(c)]
    pair = _pair(left, numbers)
    if (bar := _bar(left, numbers)) is not None:
        roles.columns |= dict(zip((Role.OPEN, Role.HIGH, Role.LOW, Role.CLOSE), bar, strict=True))
    elif pair is not None:
        roles.columns |= dict(zip((Role.BID, Role.ASK), pair, strict=True))
    left = [c for c in left if not roles.is_taken(c)]
    if not roles.has(Role.TRADE_ID) and (ids := [c for c in left if _counts_up(c)]) and len(left) > len(ids[:1]) + 1:
        roles.columns[Role.TRADE_ID] = ids[0]
        left.remove(ids[0])
    _find_price(roles, left, numbers)
    return roles


def _is_constant(column: FoundColumn) -> bool:
    is_zero = column.numbers is not None and column.numbers.least == column.numbers.most == 0
    return column.distinct == 1 and (column.rows > _FEW_ROWS or (column.rows > 1 and is_zero))


def _counts_up(column: FoundColumn) -> bool:
    return column.kind == Kind.INTEGER and column.is_ascending and column.distinct == column.rows


def _find_moment(roles: Roles, columns: Sequence[FoundColumn]) -> None:
    moments = [c for c in columns if c.kind == Kind.TIMESTAMP]
    moments += [c for c in columns if c.epoch is not None and c.epoch.unit != "s"]
    moments += [c for c in columns if c.epoch is not None and c.epoch.unit == "s" and not _counts_by_one(c)]
    dates = [c for c in columns if c.kind == Kind.DATE]
    clocks = [c for c in columns if c.clock is not None]
    if moments:
        roles.columns[Role.TIME] = moments[0]
        return
    if dates:
        roles.columns[Role.DATE] = dates[0]
    if clocks:
        roles.columns[Role.CLOCK] = clocks[0]
        return
    for column in columns:
        if column.is_ascending and not roles.is_taken(column) and (unit := _unit_of_day(column)) is not None:
            if column.distinct < max(column.rows / 20, 2):
                continue
            roles.columns[Role.CLOCK], roles.since_midnight = column, unit
            return


def _counts_by_one(column: FoundColumn) -> bool:
    numbers = column.numbers
    return numbers is not None and _counts_up(column) and numbers.most - numbers.least < 2 * column.rows


def _find_words(roles: Roles, columns: Sequence[FoundColumn]) -> None:
    for column in columns:
        if roles.is_taken(column) or column.is_empty:
            continue
        texts = tuple(value for value, _ in column.values)
        is_sign = {value for value, _ in column.values} == {"1", "-1"}
        if not roles.has(Role.SIDE) and texts and (is_sign or not column.is_number):
            sides = side_values(texts, is_maker=column.kind == Kind.BOOLEAN)
            if sides:
                roles.columns[Role.SIDE], roles.sides = column, sides
                continue
        if column.kind == Kind.UUID or (column.kind == Kind.TEXT and column.distinct == column.rows > 1):
            roles.columns.setdefault(Role.TRADE_ID, column)
        elif column.kind == Kind.TEXT and column.distinct <= max(1, column.rows * _FEW_SYMBOLS):
            words = texts or (column.example,)
            if all(_SYMBOL.fullmatch(word) for word in words) and max(map(len, words)) > 1:
                roles.columns.setdefault(Role.SYMBOL, column)


def _pair(left: Sequence[FoundColumn], numbers: NumericColumns) -> tuple[FoundColumn, FoundColumn] | None:
    """Neighbours that are bid and ask; of several, those that are furthest apart: a price lies between them."""
    neighbours = [pair for first, second in pairwise(left) for pair in ((first, second), (second, first))]
    neighbours = [pair for pair in neighbours if not (_counts_up(pair[0]) and _counts_up(pair[1]))]  # those are ids
    quotes = [pair for pair in neighbours if numbers.is_quote(pair[0].position, pair[1].position)]
    return max(quotes, key=lambda pair: numbers.spread(pair[0].position, pair[1].position), default=None)


def _bar(left: Sequence[FoundColumn], numbers: NumericColumns) -> Sequence[FoundColumn] | None:
    for start in range(len(left) - 3):
        four = left[start : start + 4]
        if numbers.is_bar([column.position for column in four]):
            return four
    return None


def _find_price(roles: Roles, left: list[FoundColumn], numbers: NumericColumns) -> None:
    """Tell price from quantity: prices change little from row to row, and their product may be there too."""
    if (bid := roles.get(Role.BID)) is not None:
        near = [column for column in left if numbers.is_near(column.position, bid.position)]
        left = [*near[:1], *(column for column in left if column not in near)] if near else []
    varied = [column for column in left if column.distinct > 2 or column.rows <= _FEW_ROWS]  # noqa: PLR2004  # two are a flag
    left = varied if len(varied) > 1 else left
    if not left:
        return
    by_position = {column.position: column for column in left}
    product = numbers.product([column.position for column in left[:6]])
    pair = left[:2] if product is None else [by_position[position] for position in product[:2]]
    if product is not None:
        roles.columns[Role.QUOTE_QUANTITY] = by_position[product[2]]
    pair = sorted(pair, key=lambda column: numbers.roughness(column.position))
    if len(pair) == 2 and numbers.roughness(pair[0].position) == numbers.roughness(pair[1].position):  # noqa: PLR2004
        pair.sort(key=lambda column: column.position)
    roles.columns[Role.PRICE] = pair[0]
    if len(pair) > 1:
        roles.columns[Role.QUANTITY] = pair[1]
