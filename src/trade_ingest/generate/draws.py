"""Random numbers without state: each is a function of a seed, a stream and an index.

Only integers are used. Floating-point functions, and the distributions of NumPy's generators, may differ between
machines and versions; these do not.
"""

from __future__ import annotations

from decimal import Decimal, localcontext
from functools import cache
from hashlib import blake2b

import numpy as np
import numpy.typing as npt

Integers = npt.NDArray[np.int64]
Bits = npt.NDArray[np.uint64]
Mask = npt.NDArray[np.bool_]

MILLION = 1_000_000

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX = (np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB))
_SUM_OF_FOUR_SIGMA = 37_837  # the standard deviation of the sum of four uniform 16-bit numbers
_EXP_STEP = 8  # thousandths of an exponent between two entries of the table


class Draws:
    """One stream of random numbers; another stream, or another seed, is independent of it."""

    def __init__(self, seed: int, *stream: str | int) -> None:
        digest = blake2b(repr((seed, *stream)).encode(), digest_size=8).digest()
        self._key = np.uint64(int.from_bytes(digest, "little"))

    def bits(self, index: Integers) -> Bits:
        """64 random bits for each index; different indexes have different bits (splitmix64)."""
        mixed = index.astype(np.uint64) * _GOLDEN + self._key
        mixed ^= mixed >> np.uint64(30)
        mixed *= _MIX[0]
        mixed ^= mixed >> np.uint64(27)
        mixed *= _MIX[1]
        mixed ^= mixed >> np.uint64(31)
        return mixed

    def below(self, index: Integers, bound: int | Integers) -> Integers:
        """Evenly distributed numbers from 0 to ``bound`` - 1; ``bound`` is at least 1 and below 2**63."""
        bits = self.bits(index)
        if isinstance(bound, int) and bound > 1 << 31:
            return (bits % np.uint64(bound)).astype(np.int64)
        # bounds as an array are counts of rows or choices, never above 2**31
        return ((bits >> np.uint64(32)) * np.asarray(bound, np.uint64) >> np.uint64(32)).astype(np.int64)

    def chance(self, index: Integers, per_million: int) -> Mask:
        """True for so many of a million."""
        return self.below(index, MILLION) < per_million

    def normal(self, index: Integers) -> Integers:
        """Bell-shaped numbers, in thousandths of a standard deviation, between -3464 and 3464."""
        bits = self.bits(index)
        sixteen = np.uint64(0xFFFF)
        total = (bits & sixteen) + (bits >> np.uint64(16) & sixteen)
        total += (bits >> np.uint64(32) & sixteen) + (bits >> np.uint64(48))
        return (total.astype(np.int64) - 2 * 0xFFFF) * 1000 // _SUM_OF_FOUR_SIGMA

    def lognormal(self, index: Integers, sigma_thousandths: int) -> Integers:
        """Log-normal factors in millionths: the median is a million."""
        exponents = self.normal(index) * sigma_thousandths // 1000
        table, half = _exponentials()
        position, rest = np.divmod(np.clip(exponents, -half, half - 1) + half, _EXP_STEP)
        low = table[position]
        return np.asarray(low + (table[position + 1] - low) * rest // _EXP_STEP)

    def number(self, bound: int) -> int:
        """The stream's first number below ``bound``."""
        return int(self.below(np.zeros(1, np.int64), bound)[0])


@cache
def _exponentials() -> tuple[Integers, int]:
    """``e ** x`` in millionths for ``x`` in steps of ``_EXP_STEP`` thousandths, and the largest thousandths."""
    half = 10_000
    with localcontext(prec=28) as context:  # decimal arithmetic is the same on all machines
        factor = (Decimal(_EXP_STEP) / 1000).exp(context)
        value = (Decimal(-half) / 1000).exp(context)
        values = []
        for _ in range(2 * half // _EXP_STEP + 1):
            values.append(max(1, int(value * MILLION)))
            value *= factor
    return np.array(values, np.int64), half
