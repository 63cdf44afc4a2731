r"""Text that matches a regular expression: of those that value rules and file names are made of.

Literals, classes (``[A-Z0-9]``, ``[^,]``, ``\d``, ``\w``, ``.``), groups, alternatives and repetitions. Look-around,
back references, flags and other anchors than those at the ends are refused.
"""

from __future__ import annotations

import string
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import polars as pl

from trade_ingest.errors import GenerateError
from trade_ingest.generate.draws import Draws, Integers

_DIGITS = string.digits
_WORD = string.ascii_uppercase + string.digits
_CLASSES = {
    "d": _DIGITS,
    "w": _WORD + string.ascii_lowercase,
    "s": " ",
    "D": string.ascii_uppercase,
    "W": "-",
    "S": _WORD,
}
_ANY = string.ascii_uppercase + string.ascii_lowercase + string.digits
_CONTROL = {"t": "\t", "n": "\n", "r": "\r"}
_USUAL_REPEATS = 8  # how often `+` and `*` repeat at most


@dataclass(frozen=True, slots=True)
class Characters:
    """One character out of several."""

    choices: str


@dataclass(frozen=True, slots=True)
class Repeat:
    """Something from ``least`` to ``most`` times."""

    part: Part
    least: int
    most: int


@dataclass(frozen=True, slots=True)
class Sequence:
    """Parts after each other."""

    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """One of several branches."""

    branches: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Group:
    """A part with a name."""

    name: str
    part: Part


Part = Characters | Repeat | Sequence | Choice | Group


def parse_pattern(pattern: str) -> Part:
    """Read a regular expression.

    Raises:
        GenerateError: it has something that no text can be made for; the message says what and where.
    """
    return _Parser(pattern).parse()


def matching_cells(part: Part, index: Integers, draws: Callable[[int], Draws]) -> pl.Series:
    """Texts that match, one for each index; ``draws`` gives a stream for each decision, counted from 0."""
    return _Writer(index, draws).write(part)


def fixed_choices(part: Part) -> list[str] | None:
    """The characters to choose from at each place, if all matching texts have as many places; else None."""
    if isinstance(part, Characters):
        return [part.choices]
    if isinstance(part, Group):
        return fixed_choices(part.part)
    if isinstance(part, Sequence):
        places: list[str] = []
        for inner in part.parts:
            if (more := fixed_choices(inner)) is None:
                return None
            places += more
        return places
    if isinstance(part, Repeat) and part.least == part.most:
        inner_places = fixed_choices(part.part)
        return None if inner_places is None else inner_places * part.least
    return None


def numbered_cells(places: list[str], numbers: Integers) -> pl.Series:
    """A different text for each number from 0 to the product of the numbers of choices - 1, the last place first."""
    cells: list[pl.Series] = []
    rest = numbers
    for choices in reversed(places):
        rest, digit = np.divmod(rest, len(choices))
        cells.append(_pick(choices, digit))
    return pl.select(pl.concat_str(cells[::-1])).to_series()


def _pick(choices: str, digit: Integers) -> pl.Series:
    return pl.Series(list(choices)).gather(pl.Series(digit.astype(np.uint32)))


class _Writer:
    def __init__(self, index: Integers, draws: Callable[[int], Draws]) -> None:
        self._index = index
        self._draws = draws
        self._decisions = 0

    def _below(self, bound: int) -> Integers:
        self._decisions += 1
        return self._draws(self._decisions - 1).below(self._index, bound)

    def write(self, part: Part) -> pl.Series:
        if isinstance(part, Characters):
            return _pick(part.choices, self._below(len(part.choices)))
        if isinstance(part, Group):
            return self.write(part.part)
        if isinstance(part, Sequence):
            written = [self.write(inner) for inner in part.parts]
            return self._joined(written)
        if isinstance(part, Choice):
            branch = pl.Series(self._below(len(part.branches)))
            return self._joined([self._where(branch == i, self.write(inner)) for i, inner in enumerate(part.branches)])
        count = pl.Series(self._below(part.most - part.least + 1) + part.least)
        return self._joined([self._where(count > i, self.write(part.part)) for i in range(part.most)])

    def _joined(self, cells: list[pl.Series]) -> pl.Series:
        empty = pl.Series([""]).new_from_index(0, len(self._index))
        return pl.select(pl.concat_str(cells)).to_series() if cells else empty

    @staticmethod
    def _where(mask: pl.Series, cells: pl.Series) -> pl.Series:
        return pl.select(pl.when(mask).then(cells).otherwise(pl.lit(""))).to_series()


class _Parser:
    """Recursive descent over the characters of a pattern."""

    def __init__(self, pattern: str) -> None:
        self._pattern = pattern
        self._at = 0

    def parse(self) -> Part:
        part = self._alternatives()
        if self._at < len(self._pattern):
            raise self._refusal("unbalanced )")
        return part

    def _peek(self) -> str:
        return self._pattern[self._at : self._at + 1]

    def _take(self) -> str:
        self._at += 1
        return self._pattern[self._at - 1 : self._at]

    def _takes(self, text: str) -> bool:
        if self._pattern.startswith(text, self._at):
            self._at += len(text)
            return True
        return False

    def _refusal(self, what: str) -> GenerateError:
        message = f"cannot make text for the regular expression {self._pattern!r}: {what} at character {self._at}"
        hint = "literals, classes, groups, alternatives and repetitions are understood"
        return GenerateError(message, hint=hint)

    def _alternatives(self) -> Part:
        branches = [self._sequence()]
        while self._takes("|"):
            branches.append(self._sequence())
        return branches[0] if len(branches) == 1 else Choice(tuple(branches))

    def _sequence(self) -> Part:
        parts: list[Part] = []
        while self._peek() not in {"", "|", ")"}:
            part = self._atom()
            if part is not None:
                parts.append(self._repeated(part))
        return parts[0] if len(parts) == 1 else Sequence(tuple(parts))

    def _atom(self) -> Part | None:
        character = self._take()
        if character == "(":
            return self._group()
        if character == "[":
            return Characters(self._class())
        if character == "\\":
            return Characters(self._escape())
        if character == ".":
            return Characters(_ANY)
        if character in "^$":
            return None  # texts are made whole: both ends are where they should be
        if character in "*+?{":
            raise self._refusal(f"nothing to repeat with {character!r}")
        return Characters(character)

    def _group(self) -> Part:
        name = ""
        if self._takes("?P<"):
            end = self._pattern.find(">", self._at)
            name, self._at = self._pattern[self._at : end], end + 1
        elif self._peek() == "?" and not self._takes("?:"):
            raise self._refusal("look-around, flags and back references have no example")
        part = self._alternatives()
        if not self._takes(")"):
            raise self._refusal("unbalanced (")
        return Group(name, part) if name else part

    def _escape(self) -> str:
        character = self._take()
        if character in _CLASSES:
            return _CLASSES[character]
        if character in _CONTROL:
            return _CONTROL[character]
        if character.isalnum() or not character:
            raise self._refusal(f"unsupported escape \\{character}")
        return character

    def _class(self) -> str:
        is_negated = self._takes("^")
        chosen = ""
        while not (self._peek() == "]" and chosen):
            if not self._peek():
                raise self._refusal("unbalanced [")
            first = self._class_member()
            if self._peek() == "-" and self._pattern[self._at + 1 : self._at + 2] not in {"]", ""}:
                self._take()
                first = "".join(map(chr, range(ord(first[0]), min(ord(self._class_member()[0]), 0x7E) + 1)))
            chosen += first
        self._take()
        if is_negated:
            chosen = "".join(c for c in _ANY if c not in chosen)
        if not chosen:
            raise self._refusal("a class without ASCII letters and digits")
        return "".join(dict.fromkeys(chosen))

    def _class_member(self) -> str:
        return self._escape() if self._takes("\\") else self._take()

    def _repeated(self, part: Part) -> Part:
        least, most = self._bounds()
        if (least, most) == (1, 1):
            return part
        self._takes("?") or self._takes("+")  # greedy or not makes no difference here
        return Repeat(part, least, most)

    def _bounds(self) -> tuple[int, int]:
        for mark, bounds in (("?", (0, 1)), ("*", (0, _USUAL_REPEATS)), ("+", (1, _USUAL_REPEATS))):
            if self._takes(mark):
                return bounds
        if not self._takes("{"):
            return 1, 1
        end = self._pattern.find("}", self._at)
        least, comma, most = self._pattern[self._at : end].partition(",")
        if end < 0 or not (least + most).isdecimal():
            raise self._refusal("a repetition that is no number")
        self._at = end + 1
        low = int(least or 0)
        high = int(most) if most else (low + _USUAL_REPEATS if comma else low)
        return low, high
