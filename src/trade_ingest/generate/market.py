"""Prices that walk at random from day to day and within the day, and quantities as markets have them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from trade_ingest.generate.draws import MILLION, Draws, Integers
from trade_ingest.generate.moments import DAY
from trade_ingest.generate.schedule import Day, Rows

_KNOTS = 288  # every five minutes
_KNOT_WIDTH = DAY // _KNOTS
_PULL = 64  # each day a walk loses a 64th of its distance from where it began, so that prices stay plausible


class PriceWalk:
    """Random walks of several instruments, pulled gently back to where they began.

    Args:
        stream: the seed and the name of the walk.
        days: how many days are needed.
        daily_move: standard deviation of a day's move, in millionths, by instrument.
        noise: standard deviation of a single trade around the walk, in millionths.
    """

    def __init__(self, seed: int, stream: str, *, days: int, daily_move: Sequence[int], noise: int) -> None:
        self._seed = seed
        self._stream = stream
        self._moves = np.array(daily_move, np.int64)
        self._noise_size = noise
        self._noise = Draws(seed, stream, "noise")
        self._opens = self._walk_of_days(days)
        self._knots = lru_cache(maxsize=8)(self._knots_of)  # a file and the few that it repeats rows of

    def factors(self, rows: Rows, instruments: Integers, times: Integers) -> Integers:
        """What base prices are multiplied by, in millionths; at least a tenth.

        Args:
            rows: the rows.
            instruments: the number of each row's instrument.
            times: microseconds since midnight.
        """
        knots = self._knots(rows.day)
        position, rest = np.divmod(np.clip(times, 0, DAY - 1), _KNOT_WIDTH)
        low = knots[instruments, position]
        walked = low + (knots[instruments, position + 1] - low) * rest // _KNOT_WIDTH
        noise = self._noise.normal(rows.index) * self._noise_size // 1000
        return np.asarray(np.maximum(MILLION + walked + noise, MILLION // 10))

    def _walk_of_days(self, days: int) -> Integers:
        """Where each instrument opens on each day, and closes on the last, in millionths from its base price."""
        steps = np.arange(days * len(self._moves), dtype=np.int64)
        drawn = Draws(self._seed, self._stream, "days").normal(steps).reshape(days, -1) * self._moves // 1000
        opens = np.zeros((days + 1, len(self._moves)), np.int64)
        for day in range(days):
            opens[day + 1] = opens[day] - opens[day] // _PULL + drawn[day]
        return opens

    def _knots_of(self, day: Day) -> Integers:
        """The walk within a day, by instrument: from the day's open to the next one's."""
        count = len(self._moves)
        steps = Draws(self._seed, self._stream, "within", day.number).normal(np.arange(count * _KNOTS))
        walk = np.zeros((count, _KNOTS + 1), np.int64)
        # 17 is the square root of 288: the steps add up to a day's move
        np.cumsum(steps.reshape(count, _KNOTS) * self._moves[:, None] // 17_000, axis=1, out=walk[:, 1:])
        passed = np.arange(_KNOTS + 1)
        first, last = self._opens[day.number][:, None], self._opens[day.number + 1][:, None]
        straight = first + (last - first) * passed // _KNOTS
        return np.asarray(straight + walk - walk[:, -1:] * passed // _KNOTS)
