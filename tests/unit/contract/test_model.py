import pickle

import pytest
from pydantic import ValidationError

from trade_ingest.contract.loading import load_contract
from trade_ingest.contract.model import Column, Contract, FileFormat, RejectLimit

MINIMAL = {
    "name": "c",
    "version": 1,
    "columns": [{"name": "at", "type": "timestamp"}],
    "event_time": "at",
    "target": {"table": "t"},
}


def test_contract_made_in_python_is_checked_as_strictly_as_one_from_yaml():
    assert Contract.model_validate(MINIMAL).event_time == "at"
    with pytest.raises(ValidationError, match=r"no column 'aat' is declared.*did you mean `at`"):
        Contract.model_validate({**MINIMAL, "event_time": "aat"})


def test_column_made_in_python_lists_all_that_is_inconsistent():
    with pytest.raises(ValidationError, match=r"comes from source already.*; zone is for timestamp"):
        Column(name="x", type="text", source=("X",), position=1, zone="UTC")


def test_marks_of_a_format_must_differ():
    with pytest.raises(ValidationError, match="',' is the delimiter already"):
        FileFormat(quote=",")


def test_contract_survives_json_and_pickle():
    for name in ("trade_event", "binance_spot_trades"):
        contract = load_contract(name)
        assert Contract.model_validate_json(contract.model_dump_json(by_alias=True)) == contract
        assert pickle.loads(pickle.dumps(contract)) == contract


@pytest.mark.parametrize(
    ("rejected", "read", "is_exceeded"),
    [(10, 10, False), (11, 11, True), (11, 1100, False), (12, 1100, True), (0, 0, False)],
)
def test_reject_limit_is_exceeded_only_over_both_its_limits(rejected, read, is_exceeded):
    assert RejectLimit(max_count=10, max_ratio=0.01).is_exceeded(rejected, read) is is_exceeded
