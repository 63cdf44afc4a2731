"""Names that a contract's ``path`` accepts, and trailers that its format accepts."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from pathlib import PurePosixPath

from trade_ingest.contract.model import Contract, FileFormat
from trade_ingest.contract.timeformat import shape_of
from trade_ingest.contract.types import Kind
from trade_ingest.errors import GenerateError, PathMismatchError
from trade_ingest.generate.draws import Draws
from trade_ingest.generate.feed import Feed
from trade_ingest.generate.pattern import Characters, Choice, Group, Part, Repeat, Sequence, parse_pattern
from trade_ingest.generate.words import SYMBOLS
from trade_ingest.parse.layout import path_values
from trade_ingest.source.listing import DATA_FILE

SUFFIXES = {"none": "", "gzip": ".gz", "zstd": ".zst", "bz2": ".bz2", "xz": ".xz", "lz4": ".lz4"}
"""What each compression adds to a name."""

_EXTENSIONS = {"\t": ".tsv", "|": ".psv"}
_DIGITS = "0123456789"
_USUAL_LENGTH = 6  # of a repetition without an upper limit


class Names:
    """The names of a set's files, relative to its folder, with ``/``.

    Raises:
        GenerateError: no name can be made for the contract's ``path``.
    """

    def __init__(self, contract: Contract, feed: Feed, seed: int, compression: str) -> None:
        self._contract = contract
        self._feed = feed
        self._seed = seed
        self._suffix = SUFFIXES[compression]
        self._is_dated = self._stem(date(2001, 2, 3)) != self._stem(date(2014, 5, 26))

    def of(self, day: date) -> str:
        """The name of a day's file."""
        stem = self._stem(day)
        name = (
            stem
            if DATA_FILE.search(stem)
            else stem.rstrip(".") + _EXTENSIONS.get(self._contract.format.delimiter, ".csv")
        )
        return f"{'' if self._is_dated else f'{day}/'}{name}{self._suffix}"

    def check(self, path: str, name: str) -> None:
        """Check that a file's whole path gives the same values as its name.

        Raises:
            GenerateError: the folders before the name match the contract's ``path`` too.
        """
        try:
            values, expected = path_values(self._contract, path), path_values(self._contract, f"/{name}")
        except PathMismatchError as exc:
            message = f"cannot make a file name for the contract's path {self._contract.path!r}: tried {name}"
            raise GenerateError(message, hint="simplify the path expression") from exc
        if values != expected:
            message = f"{path}: the contract's path {self._contract.path!r} finds {values} in it, expected {expected}"
            raise GenerateError(message, hint="choose another output folder")

    @property
    def has_dated_values(self) -> bool:
        """Whether the day is among the values that the path carries: then no row of another day is the same row."""
        first, other = (
            path_values(self._contract, "/" + self.of(day)) for day in (date(2001, 2, 3), date(2014, 5, 26))
        )
        return first != other

    def _stem(self, day: date) -> str:
        if self._feed.file_stem is not None:
            return self._feed.file_stem.format(date=day, **self._feed.path_values)
        if self._contract.path is None:
            return f"{self._contract.name}_{day}"
        groups = {c.path_group: c for c in self._contract.columns if c.path_group is not None}
        known: dict[str, str] = {}
        for group, column in groups.items():
            if column.value_type.kind == Kind.DATE:
                pattern = "%Y-%m-%d" if column.format in {None, "iso"} else str(column.format)
                known[group] = f"{day:{shape_of(pattern).polars_format}}"
            elif column.values:
                known[group] = next(iter(column.values))
        written = _Example(day, known, self._seed).write(parse_pattern(self._contract.path))
        return str(PurePosixPath(written.lstrip("/!")))


def trailer_record(file_format: FileFormat, *, rows: int, lines: int, day: date, seed: int) -> str | None:
    """The trailer of a file; None if the format has none.

    Args:
        file_format: the format.
        rows: data rows.
        lines: all records before the trailer.
        day: the file's day.
        seed: for what is left to chance.

    Raises:
        GenerateError: no text can be made for the trailer's pattern.
    """
    trailer = file_format.trailer
    if trailer is None:
        return None
    part = parse_pattern(trailer.pattern)
    count = str(rows if trailer.counts == "rows" else lines + 1)
    text = _Example(day, {}, seed, counts={"rows": count}).write(part)
    match = re.fullmatch(trailer.pattern, text)
    if match is None or (match.groupdict().get("rows") or count).strip().lstrip("0") != count.lstrip("0"):
        raise GenerateError(f"cannot make a trailer for {trailer.pattern!r}: tried {text!r}")
    return text


class _Example:
    """Writes one text that matches: the shortest, with the day where digits look like a date."""

    def __init__(
        self, day: date, known: Mapping[str, str], seed: int, *, counts: Mapping[str, str] | None = None
    ) -> None:
        self._known = known
        self._counts = counts or {}
        self._seed = seed
        self._decisions = 0
        self._dates = {4: [f"{day:%Y}"], 2: [f"{day:%m}", f"{day:%d}"], 8: [f"{day:%Y%m%d}"], 6: [f"{day:%Y%m}"]}

    def write(self, part: Part) -> str:
        if isinstance(part, Group):
            return self._group(part)
        if isinstance(part, Sequence):
            return "".join(map(self.write, part.parts))
        if isinstance(part, Choice):
            return self.write(part.branches[0])
        if isinstance(part, Repeat):
            return self._repeat(part)
        self._decisions += 1
        return part.choices[Draws(self._seed, "name", self._decisions).number(len(part.choices))]

    def _group(self, group: Group) -> str:
        if group.name in self._known:
            return self._known[group.name]
        if group.name in self._counts:
            width = group.part.least if isinstance(group.part, Repeat) else 0
            return self._counts[group.name].rjust(width, "0")
        if group.name in {"rows", "date", "day", "year", "month"} or not isinstance(group.part, Repeat):
            return self.write(group.part)
        return next((word for word in _symbols() if _is_match(group.part, word)), None) or self.write(group.part)

    def _repeat(self, part: Repeat) -> str:
        if part.part == Characters(_DIGITS) and part.least == part.most and self._dates.get(part.least):
            return self._dates[part.least].pop(0)
        unlimited = part.most > part.least + 1
        count = max(part.least, min(part.most, _USUAL_LENGTH)) if unlimited and part.least else part.least
        return "".join(self.write(part.part) for _ in range(count))


def _symbols() -> list[str]:
    return [*SYMBOLS, *(symbol.lower() for symbol in SYMBOLS)]


def _is_match(part: Repeat, word: str) -> bool:
    """Whether a word is made of a repeated class."""
    characters = part.part.choices if isinstance(part.part, Characters) else ""
    return part.least <= len(word) <= part.most and all(c in characters for c in word)
