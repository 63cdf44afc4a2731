"""Generated market trades, read back with nothing but Python's csv and decimal modules."""

import csv
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import pairwise

from trade_ingest.contract.loading import load_contract
from trade_ingest.generate import generate


def read_rows(file):
    with file.path.open(newline="") as text:
        return list(csv.reader(text))


def test_binance_rows_look_like_the_archive(tmp_path):
    result = generate(
        load_contract("binance_spot_trades"), tmp_path, rows=9_000, files=9, start_date=date(2024, 12, 28)
    )
    assert [file.date.weekday() for file in result.files] == [5, 6, 0, 1, 2, 3, 4, 5, 6]
    ids, prices = [], []
    for file in result.files:
        times = []
        for trade_id, price, quantity, quote, time, is_maker, is_best in read_rows(file):
            ids.append(int(trade_id))
            prices.append(Decimal(price))
            assert Decimal(price) * Decimal(quantity) == Decimal(quote)
            assert [len(cell.partition(".")[2]) for cell in (price, quantity, quote)] == [8, 8, 8]
            assert is_maker in {"True", "False"}
            assert is_best == "True"
            # milliseconds before 2025, microseconds since
            assert len(time) == (13 if file.date.year == 2024 else 16)
            times.append(int(time) * (1000 if len(time) == 13 else 1))
        assert times == sorted(times)
        assert {datetime.fromtimestamp(t // 1_000_000, UTC).date() for t in times} == {file.date}
    assert ids == list(range(ids[0], ids[0] + 9_000))
    assert Decimal(20_000) < min(prices) < max(prices) < Decimal(90_000)
    assert max(prices) / min(prices) > Decimal("1.01")
    steps = [abs(b / a - 1) for a, b in pairwise(prices)]
    assert max(steps) < Decimal("0.02")


def test_kraken_rows_look_like_the_download(tmp_path):
    result = generate(load_contract("kraken_trades"), tmp_path, rows=2_000, files=2)
    for file in result.files:
        rows = read_rows(file)
        assert len(rows) == file.rows
        seconds = [int(time) for time, _, _ in rows]
        assert seconds == sorted(seconds)
        assert {datetime.fromtimestamp(second, UTC).date() for second in seconds} == {file.date}
        assert all(Decimal(price) > 0 and Decimal(volume) > 0 for _, price, volume in rows)
        assert {(len(p.partition(".")[2]), len(v.partition(".")[2])) for _, p, v in rows} == {(6, 8)}
