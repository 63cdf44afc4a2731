"""Each built-in contract reads a small file of our own making that is written as its vendor writes files.

A fixture is a folder under `tests/fixtures/contracts/NAME`, at any depth, with two files: `expected.json`, written by
hand from the vendor's rules, and the file itself. A contract with several eras has a folder for each.
"""

import json
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import pytest

from trade_ingest.check import check
from trade_ingest.contract.loading import builtin_names, load_contract
from trade_ingest.contract.model import Contract
from trade_ingest.parse.file import open_rows
from trade_ingest.source.blocks import BlockReader

FIXTURES = Path(__file__).parents[2] / "fixtures/contracts"
EXPECTED = sorted(FIXTURES.rglob("expected.json"))


def contract_of(expected: Path) -> Contract:
    return load_contract(expected.relative_to(FIXTURES).parts[0])


def delivered_file(expected: Path) -> Path:
    (file,) = (path for path in expected.parent.iterdir() if path.is_file() and path != expected)
    return file


def as_text(name: str, value: object) -> object:
    """A value as PostgreSQL would show it, without what its type adds: trailing zeros, a space instead of T."""
    match value:
        case Decimal():
            text = f"{value:f}"
            return text.rstrip("0").rstrip(".") if "." in text else text
        case datetime():
            return value.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        case bool():
            return str(value).lower()
        case str() if name == "extra":
            return json.loads(value)
        case None:
            return None
        case _:
            return str(value)


def parsed_rows(file: Path, contract: Contract) -> list[dict[str, object]]:
    rows = open_rows(BlockReader(str(file), contract.format), contract, str(file))
    if rows is None:
        return []
    frames = [rows.parser.parse(block).rows.drop("row_number") for block in rows.reader]
    return [{name: as_text(name, value) for name, value in row.items()} for frame in frames for row in frame.to_dicts()]


@pytest.mark.parametrize("expected", EXPECTED, ids=lambda path: str(path.parent.relative_to(FIXTURES)))
def test_fixture_is_read_as_its_vendor_means_it(expected):
    contract, file = contract_of(expected), delivered_file(expected)
    (checked,) = check([str(file)], contract=contract, limit=1000)

    found = {
        "error": checked.error and checked.error.message,
        "rows_read": checked.rows_read,
        "rejected": [
            [reject.row_number, reason.code, reason.column] for reject in checked.rejects for reason in reject.reasons
        ],
        "ignored": checked.records_ignored,
        "rows": parsed_rows(file, contract),
    }

    assert found == {"error": None} | json.loads(expected.read_text(encoding="utf-8"))


def test_every_built_in_contract_has_a_fixture():
    assert {expected.relative_to(FIXTURES).parts[0] for expected in EXPECTED} == set(builtin_names())


@pytest.mark.parametrize("name", builtin_names())
def test_built_in_contract_says_what_a_reader_must_know(name):
    about = load_contract(name).about
    assert about is not None
    assert all(value.strip() for value in about.model_dump().values())
