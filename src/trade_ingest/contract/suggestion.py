"""Near-miss suggestions for a word that is not one of those expected."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def near_misses(word: str, expected: Iterable[str]) -> list[str]:
    """Up to three of the ``expected`` words that resemble ``word``, the closest first; case does not matter."""
    by_lower = {candidate.lower(): candidate for candidate in expected}
    return [by_lower[match] for match in get_close_matches(word.lower(), by_lower, n=3, cutoff=0.6)]


def did_you_mean(word: str, expected: Iterable[str]) -> str:
    """``did you mean `x`?``, or an empty string if nothing expected resembles ``word``."""
    matches = near_misses(word, expected)
    return f"did you mean {' or '.join(f'`{match}`' for match in matches)}?" if matches else ""
