"""Codes with valid check digits."""

import pytest

from trade_ingest.contract.checks import invalid_values
from trade_ingest.contract.model import CHECKS
from trade_ingest.generate.codes import valid_codes
from trade_ingest.generate.draws import Draws


@pytest.mark.parametrize("check", CHECKS)
def test_codes_pass_their_check(check):
    codes = valid_codes(check, lambda i: Draws(1, check, i))
    assert len(set(codes)) == len(codes) >= 20
    assert invalid_values(check, codes) == set()
