"""Which paths a source takes: globs, dated paths, and globs that choose among what a source holds. Reads nothing.

The same meaning for paths and for keys of object stores: ``*``, ``?`` and ``[…]`` stay within a name, ``**`` as a whole
name crosses folders, a name that begins with a dot fits only a pattern that does. ``[*]``, ``[?]``, ``[[]`` and ``[{]``
are the characters themselves.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from itertools import takewhile
from typing import TYPE_CHECKING, Any

from trade_ingest.errors import UsageError
from trade_ingest.source.dates import DIRECTIVES, DateRange, finest_unit, period_of

if TYPE_CHECKING:
    from trade_ingest.contract.model import Delivery

MOST_PREFIXES = 400
"""A range of dates is listed by at most so many prefixes; longer ones by the months or years of their dates."""

_WILDCARD = re.compile(r"[*?\[]|\{date[:}]|\{\w+:%")

_TOKEN = re.compile(
    r"""
    (?P<slash> / )
    | \{ (?P<placeholder> date (?= [:}] ) | \w+ (?= :% ) ) (?: : (?P<format> [^{}]* ) )? (?P<closed> \} )?
    | (?P<stars> \*+ )
    | (?P<one> \? )
    | (?P<set> \[ !?+ \]?+ [^\]/]* \] )
    | (?P<literal> [^/*?\[{]+ | . )
    """,
    re.VERBOSE | re.DOTALL,
)
_LONE = 3  # characters of a set of one: [x]
_VISIBLE_FOLDERS = r"(?:(?!\.)[^/]*/)*"


@dataclass(frozen=True, slots=True)
class _Token:
    """A piece of a pattern; ``kind`` is ``slash``, ``stars``, ``one``, ``set``, ``literal`` or ``date``."""

    kind: str
    text: str

    @property
    def literal(self) -> str | None:
        """What it stands for, if that is one text."""
        if self.kind in {"slash", "literal"}:
            return self.text
        return self.text[1] if self.kind == "set" and len(self.text) == _LONE else None

    @property
    def is_listed(self) -> bool:
        """Whether it may be part of a prefix."""
        return self.literal is not None or (self.kind == "date" and DIRECTIVES[self.text].text is not None)

    def text_at(self, moment: datetime) -> str:
        """What it stands for where the date is that of a moment; only if ``is_listed``."""
        if self.literal is not None:
            return self.literal
        spell = DIRECTIVES[self.text].text
        assert spell is not None
        return spell(moment)


@dataclass(frozen=True, slots=True)
class Pattern:
    """A parsed pattern.

    Attributes:
        text: as it was written.
        base: the folder, with its slash, that all its paths are in: what stands before the first wildcard or date.
        prefixes: each path that it takes begins with one of these; none begins with another.
        is_dated: whether it has a ``{date:…}``.
    """

    text: str
    base: str
    prefixes: tuple[str, ...]
    is_dated: bool
    _regex: re.Pattern[str]
    _has_date: Callable[..., bool]

    def matches(self, path: str) -> bool:
        """Whether it takes a path (a whole key, or an absolute path)."""
        found = self._regex.fullmatch(path)
        return found is not None and (not self.is_dated or self._has_date(*found.groups()))


@dataclass(frozen=True, slots=True)
class Selection:
    """Which of the files of sources are taken.

    Attributes:
        include: globs; if there are any, a file has to fit one.
        exclude: globs; a file that fits one is left out.
        dates: only files whose ``{date:…}`` is within.

        settle_seconds, marker, manifest, checksum: instead of those of the contract's ``delivery``; None: the
            contract's; an empty text: none.

    A glob without a slash is about a file's name, in whatever folder. One with a slash is about the path relative to
    the source: to its folder, or to the folder before its first wildcard. A slash at the end means all that is in the
    folder.
    """

    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    dates: DateRange | None = None
    settle_seconds: int | None = None
    marker: str | None = None
    manifest: str | None = None
    checksum: str | None = None

    def __post_init__(self) -> None:
        for globs in filter(None, (self.include, self.exclude)):
            _any_of(globs)  # what is wrong is told at once

    def as_dict(self) -> dict[str, Any]:
        """The form kept in the ledger: only what was asked for."""
        globs = {"include": list(self.include), "exclude": list(self.exclude)}
        dates = {} if self.dates is None else self.dates.as_dict()
        asked = {name: value for name, value in (globs | dates).items() if value}
        delivery = {name.removesuffix("_seconds"): value for name, value in self._delivery.items()}
        return asked | delivery

    @property
    def _delivery(self) -> dict[str, Any]:
        names = ("settle_seconds", "marker", "manifest", "checksum")
        return {name: value for name in names if (value := getattr(self, name)) is not None}

    def delivery_over(self, delivery: Delivery) -> Delivery:
        """A contract's ``delivery`` with what is asked for instead.

        Raises:
            UsageError: a marker or manifest is no name of a file.
        """
        from pydantic import ValidationError

        changed = {name: None if value == "" else value for name, value in self._delivery.items()}
        try:
            return type(delivery).model_validate(delivery.model_dump() | changed) if changed else delivery
        except ValidationError as exc:
            problem = exc.errors()[0]
            option = str(problem["loc"][0]).removesuffix("_seconds")
            message = f"--{option}: {problem['msg'].removeprefix('Value error, ')}"
            raise UsageError(message, hint="see `delivery` in the reference of contracts") from None

    def takes(self, relative_path: str) -> bool:
        """Whether a file is taken as far as ``include`` and ``exclude`` are concerned."""
        included = not self.include or _any_of(self.include).fullmatch(relative_path) is not None
        return included and not (self.exclude and _any_of(self.exclude).fullmatch(relative_path))


EVERYTHING = Selection()
"""Leaves nothing out."""


def has_wildcards(text: str) -> bool:
    """Whether a text is a pattern, and not the path itself."""
    return _WILDCARD.search(text) is not None


def parse_pattern(text: str, *, dates: DateRange | None = None) -> Pattern:
    """Parse a path with wildcards and ``{date:…}``.

    Args:
        text: an absolute path, or a key.
        dates: only paths whose date is within; without it, any date fits.

    Raises:
        UsageError: a ``{date:…}`` is wrong, or ``dates`` are given and there is none.
    """
    tokens = _tokens(text)
    letters = tuple(dict.fromkeys(token.text for token in tokens if token.kind == "date"))
    if letters:
        _require_whole_date(text, letters)
    elif dates is not None:
        message = f"{text}: a range of dates, and no date in the source"
        raise UsageError(message, hint="say where the date is, as in 'trades/{date:%Y/%m/%d}/*.csv'")

    @lru_cache(maxsize=1 << 16)
    def has_date(*values: str) -> bool:
        period = period_of(dict(zip(letters, values, strict=True)))
        return period is not None and (dates is None or dates.overlaps(*period))

    start = "".join(token.literal or "" for token in takewhile(lambda token: token.literal is not None, tokens))
    base = start[: start.rfind("/") + 1]
    return Pattern(text, base, _prefixes(tokens, dates), bool(letters), re.compile(_regex(tokens)), has_date)


@lru_cache(maxsize=64)
def _any_of(globs: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile("|".join(_regex(_tokens(_relative(text))) for text in globs))


def _relative(text: str) -> str:
    if "{date:" in text:
        raise UsageError(f"{text}: a date belongs into the source", hint="write 'trades/{date:%Y/%m/%d}/*.csv'")
    if "/" not in text:
        return f"**/{text}"
    return text.removeprefix("./").removeprefix("/") + ("**" if text.endswith("/") else "")


def _tokens(text: str) -> list[_Token]:
    found: list[_Token] = []
    for match in _TOKEN.finditer(text):
        if match["placeholder"] is None:
            found.append(_Token(str(match.lastgroup), match.group()))
        else:
            found += _date_tokens(text, match)
    return found


def _literals(text: str) -> list[_Token]:
    return [_Token("slash" if part == "/" else "literal", part) for part in re.split("(/)", text) if part]


def _date_tokens(text: str, match: re.Match[str]) -> list[_Token]:
    where = f"{text}: character {match.start() + 1}: {match.group()}"
    if match["placeholder"] != "date":
        raise UsageError(f"{where}: no such placeholder", hint="write {date:%Y-%m-%d}; a literal brace is [{]")
    if match["closed"] is None:
        raise UsageError(f"{where}: has no closing brace", hint="write {date:%Y-%m-%d}; a literal brace is [{]")
    found: list[_Token] = []
    for part in re.findall(r"%.?|[^%]+", match["format"] or "", re.DOTALL):
        if part == "%%" or part[0] != "%":
            found += _literals(part.replace("%%", "%"))
        elif part[1:] in DIRECTIVES:
            found.append(_Token("date", part[1:]))
        else:
            known = " ".join(f"%{letter}" for letter in DIRECTIVES)
            raise UsageError(f"{where}: {part!r} is no part of a date", hint=f"there are {known}; %% is a percent sign")
    if not any(token.kind == "date" for token in found):
        raise UsageError(f"{where}: does not say what the date looks like", hint="write for example {date:%Y-%m-%d}")
    return found


def _require_whole_date(text: str, letters: Sequence[str]) -> None:
    """A date begins with its year and has no gap, so that it can be compared with a range."""
    has = {DIRECTIVES[letter].unit for letter in letters}
    if "j" in letters:
        has.add("month")
    for unit, larger in (("month", "year"), ("day", "month"), ("hour", "day")):
        if unit in has and larger not in has:
            options = " or ".join(f"%{letter}" for letter, one in DIRECTIVES.items() if one.unit == larger)
            message = f"{text}: the date has {'an' if unit == 'hour' else 'a'} {unit} and no {larger}"
            raise UsageError(message, hint=f"add {options}")


def _regex(tokens: Sequence[_Token]) -> str:
    names: list[list[_Token]] = [[]]
    for token in tokens:
        if token.kind == "slash":
            names.append([])
        else:
            names[-1].append(token)
    seen: set[str] = set()
    pieces = [_name_regex(name, seen, is_last=False) for name in names[:-1]]
    return "".join([*pieces, _name_regex(names[-1], seen, is_last=True)])


def _name_regex(name: Sequence[_Token], seen: set[str], *, is_last: bool) -> str:
    if [token.text for token in name if token.kind == "stars"] == ["**"] and len(name) == 1:
        return _VISIBLE_FOLDERS + (r"(?!\.)[^/]*" if is_last else "")
    is_hidden = bool(name) and name[0].kind == "literal" and name[0].text.startswith(".")
    fixed: list[list[_Token]] = [[]]
    for token in name:
        if token.kind == "stars":
            fixed.append([])
        else:
            fixed[-1].append(token)
    first, *others = (_fixed_regex(part, seen) for part in fixed)
    # the first place where a piece fits is as good as any later one: going back would only cost time
    middle = "".join(
        piece if "(?P" in piece else f"(?>{piece})" for piece in (f"[^/]*?{other}" for other in others[:-1])
    )
    last = f"[^/]*{others[-1]}" if others else ""
    return ("" if is_hidden else r"(?!\.)") + first + middle + last + ("" if is_last else "/")


def _fixed_regex(tokens: Sequence[_Token], seen: set[str]) -> str:
    pieces = []
    for token in tokens:
        if token.kind == "date":
            is_again = token.text in seen
            seen.add(token.text)
            pieces.append(f"(?P={token.text})" if is_again else f"(?P<{token.text}>{DIRECTIVES[token.text].regex})")
        elif token.kind == "one":
            pieces.append("[^/]")
        elif token.kind == "set":  # its meaning is fnmatch's, whose result is "(?s:…)\Z"
            pieces.append(f"(?!/){fnmatch.translate(token.text)[4:-3]}")
        else:
            pieces.append(re.escape(token.text))
    return "".join(pieces)


def _prefixes(tokens: Sequence[_Token], dates: DateRange | None) -> tuple[str, ...]:
    """What stands before the first wildcard, for each date of the range as long as those are few."""
    leading = list(takewhile(lambda token: token.is_listed, tokens))
    while dated := [i for i, token in enumerate(leading) if token.kind == "date"]:
        unit = finest_unit(DIRECTIVES[leading[i].text] for i in dated)
        moments = dates.moments(unit, most=MOST_PREFIXES) if dates else None
        if moments is not None:
            return tuple(sorted({"".join(token.text_at(moment) for token in leading) for moment in moments}))
        del leading[dated[-1] :]
    return ("".join(token.literal or "" for token in leading),)
