import re

import pytest

from trade_ingest.infer.paths import path_values


@pytest.mark.parametrize(
    ("uri", "symbol", "date"),
    [
        ("/data/KRAKEN/BCHEUR.csv", "BCHEUR", None),
        ("/data/AAPL_2012-06-21_34200000_57600000_message_10.csv", "AAPL", "2012-06-21"),
        ("s3://bucket/DAT_ASCII_EURUSD_T_202001.csv", "EURUSD", None),
        ("/x/EQY_US_ALL_TRADE_20240304.gz", None, "20240304"),
        ("/x/usdjpy-ticks.csv", "usdjpy", None),
        ("/x/a.zip!/BTCUSDT-trades-2024-03-04.csv", "BTCUSDT", "2024-03-04"),
        ("/x/april_trades.csv", None, None),
    ],
)
def test_symbol_and_date_are_found_in_the_name(uri, symbol, date):
    found = path_values([uri], wants_symbol=True, wants_date=True)

    assert (found.symbol or None, found.date_text or None) == (symbol, date)
    match = re.search(found.regex, uri)
    assert match.groupdict() == {k: v for k, v in {"symbol": symbol, "date": date}.items() if v is not None}


def test_names_of_all_files_must_have_them_in_the_same_place():
    found = path_values(["/x/2024-03-04_A.csv", "/x/other.csv"], wants_symbol=False, wants_date=True)

    assert found.regex == ""


def test_nothing_is_taken_that_is_not_wanted():
    assert path_values(["/x/AAPL_2024-03-04.csv"], wants_symbol=False, wants_date=False).regex == ""
