"""Real files of many vendors: at least nine of ten load by the contract that is proposed for them."""

from pathlib import Path

import pytest

from trade_ingest.check import check
from trade_ingest.infer.inferring import infer

SAMPLES = Path(__file__).parents[2].parent / "shared" / "samples"
KINDS = {
    "lobster": "order events",
    "sef_market_activity": "summaries",
    "histdata": "quotes",
    "truefx": "quotes",
    "tcapy_fx": "order events",  # orders that are placed, replaced and cancelled, with their executions
}
"""Folders whose files are no trades, with what they are."""

EXPECTED_SHARE = 0.9

pytestmark = pytest.mark.skipif(not SAMPLES.is_dir(), reason="the sample files are not here")


def files_of(folder):
    return sorted(path for path in (SAMPLES / folder).iterdir() if path.is_file())


@pytest.mark.parametrize("folder", sorted(KINDS))
def test_files_that_hold_no_trades_are_called_so(folder):
    kinds = {path.name: str(infer([str(path)]).kind) for path in files_of(folder)}

    assert kinds == {path.name: KINDS[folder] for path in files_of(folder)}


def test_nine_of_ten_files_of_trades_load_by_the_proposed_contract():
    folders = sorted(path.name for path in SAMPLES.iterdir() if path.is_dir() and path.name not in KINDS)
    files = [path for folder in folders for path in files_of(folder)]

    failed = {}
    for path in files:
        contract = infer([str(path)]).contract
        for result in check([str(path)], contract=contract, limit=1):
            if not result.passes or not result.rows_accepted:
                failed[path.name] = result.error or result.reasons

    assert len(files) >= 40
    assert len(failed) <= len(files) * (1 - EXPECTED_SHARE), failed
    assert failed == {}  # better than asked for: it shall stay so
