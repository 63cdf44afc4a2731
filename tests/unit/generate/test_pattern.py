"""Text for regular expressions."""

import re

import numpy as np
import pytest

from trade_ingest.errors import GenerateError
from trade_ingest.generate.draws import Draws
from trade_ingest.generate.pattern import fixed_choices, matching_cells, numbered_cells, parse_pattern

PATTERNS = [
    "[A-Z]{3}",
    r"\d{4}-\d{2}-\d{2}",
    "(?:BUY|SELL|)x?",
    r"[A-Z0-9]{4,8}\.[a-z]+",
    r"T-\w*?_[^,;]{2}",
    "^(?P<head>[-+]?)[0-9]+$",
    r"a\.b\\c[\]\-]d",
    "[+-]?[.]{1,2}",
    "(?:ab|c(?:d|e)){2,3}",
    "",
    r"[]x]{3}",
    "A{,2}B{3,}",
]


@pytest.mark.parametrize("pattern", PATTERNS)
def test_texts_match_the_pattern_and_differ_where_they_can(pattern):
    cells = matching_cells(parse_pattern(pattern), np.arange(300), lambda i: Draws(1, pattern, i)).to_list()
    assert len(cells) == 300
    assert [cell for cell in cells if not re.fullmatch(pattern, cell)] == []
    assert len(set(cells)) > 1 or pattern in {"", r"a\.b\\c[\]\-]d"} or len(set(cells)) > 1


@pytest.mark.parametrize(
    ("pattern", "what"),
    [
        (r"(?=a)b", "look-around"),
        (r"(?i)abc", "look-around, flags"),
        (r"(a)\1", "unsupported escape"),
        (r"\bword", "unsupported escape"),
        ("(ab", "unbalanced"),
        ("ab)", "unbalanced"),
        ("[ab", "unbalanced"),
        ("*a", "nothing to repeat"),
        ("a{x}", "no number"),
        ("[^A-Za-z0-9]", "a class without"),
    ],
)
def test_patterns_without_examples_are_refused(pattern, what):
    with pytest.raises(GenerateError, match=re.escape(repr(pattern)) + f".*{what}"):
        parse_pattern(pattern)


def test_numbered_texts_are_all_different_and_match():
    places = fixed_choices(parse_pattern("[AB][0-9]{2}-(?P<x>[xyz])"))
    assert places is not None
    cells = numbered_cells(places, np.arange(2 * 100 * 3)).to_list()
    assert len(set(cells)) == 600
    assert all(re.fullmatch("[AB][0-9]{2}-[xyz]", cell) for cell in cells)


@pytest.mark.parametrize("pattern", ["A+", "A|BC", "[0-9]{2,3}"])
def test_texts_of_several_lengths_are_not_numbered(pattern):
    assert fixed_choices(parse_pattern(pattern)) is None
