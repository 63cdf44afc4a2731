"""Values that only the files' names have: the symbol and the date."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import PurePosixPath

from trade_ingest.contract.checks import currency_codes

_DATES = (
    (r"\d{4}-\d{2}-\d{2}", "%Y-%m-%d"),
    (r"\d{4}_\d{2}_\d{2}", "%Y_%m_%d"),
    (r"\d{4}\.\d{2}\.\d{2}", "%Y.%m.%d"),
    (r"\d{8}", "%Y%m%d"),
)
_TOKENS = re.compile(r"[^_.\- /!]+")
_WORDS = frozenset(
    [
        "DAT",
        "ASCII",
        "TRADES",
        "TRADE",
        "TICK",
        "TICKS",
        "DAILY",
        "MONTHLY",
        "CSV",
        "TXT",
        "DATA",
        "EXPORT",
        "HISTORY",
        "MESSAGE",
        "US",
        "EQ",
        "EQY",
        "ALL",
        "NEG",
        "OPCOES",
        "SEF",
        "SPOT",
        "PERP",
        "QUOTES",
        "FX",
        "FUTURES",
        "OPTIONS",
        "USD",
        "EUR",
        "CFTC",
        "SEC",
        "CUMULATIVE",
        "RATES",
        "CREDITS",
        "FOREX",
        "EQUITIES",
        "COMMODITIES",
        "TS",
        "TAQ",
        "MKTDATA",
        "T",
        "M1",
    ]
)
_SYMBOL = re.compile(r"(?=.*[A-Z])[A-Z0-9]{1,20}")
_CRYPTO = ("USDT", "USDC", "USD", "EUR", "BTC", "XBT", "ETH", "BUSD", "GBP", "JPY")


@dataclass(frozen=True, slots=True)
class PathValues:
    """What the files' names say.

    Attributes:
        regex: a contract's ``path`` with the groups ``symbol`` and ``date``, as far as there are such.
        symbol: of the first file; empty: none is in the name.
        date_format: how the date is written; empty: there is none.
        date_text: of the first file.
    """

    regex: str = ""
    symbol: str = ""
    date_format: str = ""
    date_text: str = ""


def path_values(uris: Sequence[str], *, wants_symbol: bool, wants_date: bool) -> PathValues:
    """The symbol and the date that the names of all files have in the same place.

    Args:
        uris: of the files.
        wants_symbol: no column has it.
        wants_date: no column has it.
    """
    name = PurePosixPath(uris[0]).name
    day = _date_in(name) if wants_date else None
    stem = _stem(name)
    symbol = _symbol_in(stem, taken=day[0] if day else None) if wants_symbol else None
    pieces = sorted(
        [(day[0][0], "date", day[1]) for _ in (1,) if day]
        + [(symbol[0], "symbol", r"[A-Z0-9]+" if symbol[2].isupper() else r"[A-Za-z0-9]+") for _ in (1,) if symbol]
    )
    if not pieces:
        return PathValues()
    regex = _regex(stem, pieces)
    found = [re.search(regex, uri) for uri in uris]
    first = found[0]
    wanted = {"date": None if day is None else name[day[0][0] : day[0][1]], "symbol": symbol and symbol[2]}
    if first is None or any(match is None for match in found):
        return PathValues()
    if any(first.groupdict().get(group) != value for group, value in wanted.items() if value is not None):
        return PathValues()
    return PathValues(regex, wanted["symbol"] or "", "" if day is None else day[2], wanted["date"] or "")


def _regex(stem: str, pieces: Sequence[tuple[int, str, str]]) -> str:
    """An expression that finds the pieces by how many words are before them."""
    regex, position = "(?:^|[/!])", 0
    for start, group, pattern in pieces:
        between = stem[position:start]
        words = len(_TOKENS.findall(between))
        if words and position:
            regex += r"[_.\- ]+"
        if words:
            regex += rf"(?:[^/!_.\- ]+[_.\- ]+){{{words}}}" if words > 1 else r"[^/!_.\- ]+[_.\- ]+"
        elif between:
            regex += r"[_.\- ]+"
        regex += f"(?P<{group}>{pattern})"
        match = (_TOKENS if group == "symbol" else re.compile(pattern)).match(stem, start)
        position = match.end() if match else start
    return rf"{regex}[^/!]*$"


def _stem(name: str) -> str:
    return re.sub(r"\.(?:csv|txt|tsv|psv|rpt|dat|gz|zst|bz2|xz|lz4|zip|asc|out)\b.*$", "", name, flags=re.IGNORECASE)


def _date_in(name: str) -> tuple[tuple[int, int], str, str] | None:
    """Where a file's name has a date, and as what."""
    for pattern, text_format in _DATES:
        for match in re.finditer(rf"(?<!\d){pattern}(?!\d)", name):
            try:
                day = datetime.strptime(match[0], text_format).date()  # noqa: DTZ007  # only its date is used
            except ValueError:
                continue
            if date(1970, 1, 1) < day < date(2100, 1, 1):
                return match.span(), pattern, text_format
    return None


def _symbol_in(stem: str, taken: tuple[int, int] | None) -> tuple[int, int, str] | None:
    """The word of a file's name that is a symbol: two currencies, or else the first in capitals."""
    words = [(m.start(), m.end(), m[0]) for m in _TOKENS.finditer(stem) if not (taken and m.start() == taken[0])]
    pairs = [word for word in words if is_pair(word[2])]
    if pairs:
        return pairs[0]
    if words and _SYMBOL.fullmatch(words[0][2]) and words[0][2] not in _WORDS:
        return words[0]
    known = [word for word in words if _SYMBOL.fullmatch(word[2]) and word[2] not in _WORDS and word[2].isalpha()]
    return known[0] if len(known) == 1 else None


def is_pair(word: str) -> bool:
    """Whether a word is two currencies, such as EURUSD or btcusdt."""
    upper = word.upper()
    codes = currency_codes() | {"XBT", "BTC", "ETH", "USDT"}
    if len(word) == 6 and upper[:3] in codes and upper[3:] in codes:  # noqa: PLR2004  # two codes of three letters
        return True
    return word.isupper() and any(upper.endswith(quote) and 2 <= len(upper) - len(quote) <= 6 for quote in _CRYPTO[:3])  # noqa: PLR2004
