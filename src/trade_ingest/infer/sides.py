"""Cells that say which side of a trade was the aggressor's."""

from __future__ import annotations

import re

_BUY = frozenset(
    [
        "buy",
        "b",
        "bought",
        "bid",
        "bot",
        "long",
        "1",
        "market_buy",
        "limit_buy",
        "kauf",
        "koop",
        "aankoop",
        "acquisto",
        "compra",
        "achat",
        "buy_to_open",
        "buy_to_close",
        "bto",
        "pay",
        "buyer",
        "买",
        "买入",
        "買",
        "買入",
        "買い",
        "+1",
        "c",
    ]  # thirty words in three lines
)
_SELL = frozenset(
    [
        "sell",
        "s",
        "sold",
        "ask",
        "sld",
        "short",
        "-1",
        "0",
        "2",
        "market_sell",
        "limit_sell",
        "verkauf",
        "verkoop",
        "vendita",
        "venta",
        "venda",
        "vente",
        "a",
        "sell_to_open",
        "sell_to_close",
        "sto",
        "stc",
        "sell_short",
        "ss",
        "receive",
        "seller",
        "卖",
        "卖出",
        "賣",
        "賣出",
        "売り",
        "v",
    ]
)
_UNKNOWN = frozenset({"n", "unknown", "none", "u", "-", "x", "undefined", "na", "neither"})
_FAMILIES = (
    {"buy": "buy", "sell": "sell"},
    {"Buy": "buy", "Sell": "sell"},
    {"BUY": "buy", "SELL": "sell"},
    {"buy": "buy", "sell": "sell", "unknown": "unknown"},
    {"B": "buy", "S": "sell"},
    {"b": "buy", "s": "sell"},
    {"B": "buy", "A": "sell", "N": "unknown"},
    {"1": "buy", "2": "sell"},
    {"1": "buy", "-1": "sell"},
    {"1": "buy", "0": "sell"},
    {"Bought": "buy", "Sold": "sell"},
)
_LONG = 2  # letters; shorter words are codes


def side_values(values: tuple[str, ...], *, is_maker: bool) -> dict[str, str] | None:
    """What each cell says of the aggressor's side: buy, sell or unknown; None if the cells are no sides.

    Where the cells are some of a usual set of words, the others of the set are there too.

    Args:
        values: the different cells.
        is_maker: the cells say whether the buyer was the maker: then the seller was the aggressor.
    """
    folded = {value: _folded(value) for value in values}
    words = set(folded.values())
    if is_maker:
        return _of_truth(values, folded)
    if words <= {"true", "false"}:
        return _completed_truth({value: "buy" if word == "true" else "sell" for value, word in folded.items()})
    found: dict[str, str] = {}
    for value, word in folded.items():
        meaning = next(
            (m for m, known in (("buy", _BUY), ("sell", _SELL), ("unknown", _UNKNOWN)) if word in known), None
        )
        if meaning is None:
            return None
        found[value] = meaning
    if "c" in words and not words <= {"c", "v"}:
        return None
    if not {"buy", "sell"} & set(found.values()):
        return None
    family = next((family for family in _FAMILIES if found.items() <= family.items()), {})
    return {**found, **family}


def _of_truth(values: tuple[str, ...], folded: dict[str, str]) -> dict[str, str] | None:
    if set(folded.values()) <= {"true", "false"}:
        return _completed_truth({value: "sell" if folded[value] == "true" else "buy" for value in values})
    if set(folded.values()) <= {"0", "1"}:
        return {"1": "sell", "0": "buy"}
    return None


def _completed_truth(found: dict[str, str]) -> dict[str, str]:
    """With the word that was not there, in the spelling of the one that was."""
    other = {"buy": "sell", "sell": "buy"}
    opposite = {"true": "false", "True": "False", "TRUE": "FALSE", "false": "true", "False": "True", "FALSE": "TRUE"}
    return {**{opposite[value]: other[side] for value, side in found.items() if value in opposite}, **found}


def _folded(value: str) -> str:
    word = value.strip().lower()
    return re.sub(r"[\s/-]+", "_", word) if len(word) > _LONG else word
