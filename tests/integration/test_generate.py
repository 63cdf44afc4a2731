"""Generated files in a real database: the ledger agrees with what was reported, and sums with Python's own."""

import csv
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import psycopg
import pytest

from trade_ingest.contract.loading import load_contract
from trade_ingest.contract.model import RejectLimit
from trade_ingest.generate import generate
from trade_ingest.pipeline import ingest
from trade_ingest.run import RunOptions

SUMS = "SELECT count(*), sum(from_cost), sum(to_cost), count(DISTINCT trade_id) FROM trade_event"


def test_generated_trade_events_load_as_reported(tmp_path, database_url):
    contract = load_contract("trade_event")
    made = generate(contract, tmp_path, rows=8_000, files=8, seed=3, bad_ratio=0.02, duplicate_ratio=0.05)
    clean = generate(contract, tmp_path / "clean", rows=8_000, files=8, seed=3)
    options = RunOptions(reject_limit=RejectLimit(max_count=0, max_ratio=0.5))
    result = ingest([str(file.path) for file in made.files], contract=contract, database=database_url, options=options)
    assert (result.rows_read, result.rows_rejected, result.rows_duplicate) == (8_000, 160, 400)
    assert (made.rows, made.bad_rows, made.duplicate_rows) == (8_000, 160, 400)

    rows, good = [], set()
    for file in clean.files:
        with file.path.open(newline="") as text:
            rows += list(csv.DictReader(text))
        good.update(file.path.read_text().splitlines()[1:])
    kept = {line for file in made.files for line in file.path.read_bytes().decode("latin-1").splitlines()} & good
    expected = [row for row in rows if ",".join(row.values()) in kept]
    with psycopg.connect(database_url) as connection:
        found = connection.execute(SUMS).fetchone()
    assert found == (
        8_000 - 160 - 400,
        sum(Decimal(row["From_Cost"]) for row in expected),
        sum(Decimal(row["To_Cost"]) for row in expected),
        len({row["TradeId"] for row in expected}),
    )


@pytest.mark.parametrize(("name", "duplicates"), [("binance_spot_trades", 200), ("kraken_trades", 0)])
def test_generated_market_trades_load_as_reported(tmp_path, database_url, name, duplicates):
    contract = load_contract(name)
    made = generate(contract, tmp_path, rows=4_000, files=4, bad_ratio=0.01, duplicate_ratio=0.05)
    options = RunOptions(reject_limit=RejectLimit(max_count=0, max_ratio=0.5))
    result = ingest([str(tmp_path)], contract=contract, database=database_url, options=options)
    # without a key a repeated row is a row like any other
    assert (result.rows_rejected, result.rows_duplicate) == (made.bad_rows, duplicates)
    assert result.rows_loaded == 4_000 - made.bad_rows - duplicates


_MEASURE = """
import resource, sys
from trade_ingest.contract.loading import load_contract
from trade_ingest.generate import generate
generate(load_contract("trade_event"), sys.argv[1], rows=int(sys.argv[2]), files=1, bad_ratio=0.001)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def test_memory_does_not_grow_with_the_rows(tmp_path):
    def peak(rows: int) -> int:
        command = [sys.executable, "-c", _MEASURE, str(tmp_path / str(rows)), str(rows)]
        return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)

    few, many = peak(100_000), peak(500_000)
    unit = 1 if sys.platform == "darwin" else 1024
    file_bytes = next(Path(tmp_path / "500000").iterdir()).stat().st_size
    assert file_bytes > 90_000_000
    assert (many - few) * unit < 45_000_000
