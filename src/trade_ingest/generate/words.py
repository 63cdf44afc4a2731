"""Texts for columns of which only the name is known."""

from __future__ import annotations

import re

from trade_ingest.generate.codes import CURRENCIES

_TRADERS = (
    "a.keller", "m.okafor", "j.tanaka", "s.lindqvist", "r.dubois", "p.novak", "l.marino", "d.cohen", "h.nguyen",
    "c.alvarez", "t.schmidt", "n.patel", "fix-gateway", "api", "ops.desk",
)  # fmt: skip
_PARTIES = (
    "Alder Capital", "Baker, Inc.", "Corvus Trading", "Delta & Sons", "O'Hara Partners", "Fjord Asset Management",
    'Gray "Old" Fund', "Harbour Bank, N.A.", "Zoë Müller", "Kestrel Markets", "Larch Holdings", "NA", "Norte S.A.",
)  # fmt: skip
_WORDS = (
    "spot", "forward", "block", "auto", "manual", "late", "cross", "odd lot", "auction", "hedge", "client order",
    "rebalance, monthly", "corrected", "standard",
)  # fmt: skip
SYMBOLS = ("BTCUSDT", "ETHUSDT", "EURUSD", "XBTEUR", "AAPL", "MSFT", "NVDA", "GOOG", "AMZN", "TSLA", "NA", "TRUE")
"""The last two are tickers that careless loaders take for something else."""

_BY_NAME: tuple[tuple[str, tuple[str, ...]], ...] = (
    (r"currency|ccy", CURRENCIES),
    (r"symbol|ticker|instrument|pair|product|security|asset", SYMBOLS),
    (r"venue|exchange|market|mic$", ("XNAS", "XNYS", "XLON", "XETR", "BATS", "XPAR", "ARCX")),
    (r"side|direction|buy_sell", ("buy", "sell")),
    (r"account", tuple(f"ACC-{number:06d}" for number in range(100_017, 100_017 + 37 * 300, 37))),
    (r"trader|user|created_by|updated_by|author|owner", _TRADERS),
    (r"customer|client|party|broker|bank|name|firm", _PARTIES),
    (r"status|state", ("NEW", "FILLED", "CANCELLED")),
    (r"(^|_)id$|reference|number", tuple(f"{number:010d}" for number in range(48_211, 48_211 + 7_919 * 500, 7_919))),
)


def words_for(column_name: str, encoding: str) -> list[str]:
    """Texts for a column of that name, those that the encoding has."""
    words = next((words for pattern, words in _BY_NAME if re.search(pattern, column_name)), _WORDS)
    return [word for word in words if _has(encoding, word)]


def _has(encoding: str, text: str) -> bool:
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True
