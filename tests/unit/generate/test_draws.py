"""Random numbers: the same everywhere, and distributed as they say."""

import math
from collections import Counter

import numpy as np

from trade_ingest.generate.draws import MILLION, Draws

INDEX = np.arange(200_000)


def test_numbers_are_these_on_every_machine_and_in_every_version():
    assert Draws(7, "pinned").bits(np.arange(3)).tolist() == [
        9739853758204570854,
        14603186520733027791,
        5327627093893115553,
    ]
    assert Draws(7, "pinned").below(np.arange(5), 1000).tolist() == [527, 791, 288, 941, 238]
    assert Draws(7, "pinned").lognormal(np.arange(3), 1300).tolist() == [2959461, 1987750, 1476989]


def test_number_depends_on_its_index_only():
    draws = Draws(1, "a")
    assert draws.bits(np.array([5, 9, 5])).tolist() == draws.bits(INDEX)[[5, 9, 5]].tolist()


def test_streams_and_seeds_have_other_numbers():
    streams = [Draws(1, "a"), Draws(2, "a"), Draws(1, "b"), Draws(1, "a", 0)]
    assert len({tuple(stream.bits(INDEX[:4]).tolist()) for stream in streams}) == 4


def test_bits_of_different_indexes_differ():
    assert len(np.unique(Draws(3, "x").bits(INDEX))) == len(INDEX)


def test_numbers_below_a_bound_are_even():
    counts = Counter(Draws(3, "x").below(INDEX, 7).tolist())
    assert sorted(counts) == list(range(7))
    expected = len(INDEX) / 7
    assert sum((count - expected) ** 2 / expected for count in counts.values()) < 22.5  # chi squared, 6 degrees, 0.1 %


def test_numbers_below_a_large_bound_use_all_of_it():
    drawn = Draws(3, "x").below(INDEX, 10**18)
    assert drawn.min() >= 0
    assert 10**18 * 0.999 < drawn.max() < 10**18


def test_bounds_may_differ_by_row():
    bounds = np.array([1, 2, 1 << 31])
    drawn = Draws(3, "x").below(np.arange(3), bounds)
    assert (drawn < bounds).all()
    assert drawn[0] == 0


def test_normal_numbers_have_mean_zero_and_deviation_one():
    drawn = Draws(3, "x").normal(INDEX)
    assert abs(drawn.mean()) < 10
    assert abs(drawn.std() - 1000) < 10
    assert drawn.min() >= -3465
    assert drawn.max() <= 3464


def test_lognormal_numbers_have_their_median_and_spread():
    drawn = np.sort(Draws(3, "x").lognormal(INDEX, 1300))
    assert abs(drawn[len(drawn) // 2] / MILLION - 1) < 0.02
    assert abs(drawn[int(len(drawn) * 0.8413)] / MILLION / math.exp(1.3) - 1) < 0.05


def test_chance_hits_so_many_of_a_million():
    assert abs(Draws(3, "x").chance(INDEX, 250_000).mean() - 0.25) < 0.01
    assert not Draws(3, "x").chance(INDEX, 0).any()
    assert Draws(3, "x").chance(INDEX, MILLION).all()
