import pytest
from iso4217 import Currency

from trade_ingest.contract.checks import WITHDRAWN_CURRENCIES, invalid_values
from trade_ingest.contract.model import CHECKS

# Real ones: Apple (ISIN, CUSIP, FIGI), BAE Systems (SEDOL), Deutsche Bank (LEI, BIC); the IBAN registry's example.
VALID = {
    "iso4217": "USD",
    "isin": "US0378331005",
    "cusip": "037833100",
    "sedol": "0263494",
    "figi": "BBG000B9XRY4",
    "lei": "7LTWFZYICNSX8D621K86",
    "iban": "DE89370400440532013000",
    "bic": "DEUTDEFF500",
}
INVALID = {
    "iso4217": "USX",
    "isin": "US0378331006",
    "cusip": "037833101",
    "sedol": "0263495",
    "figi": "BBG000B9XRY5",
    "lei": "7LTWFZYICNSX8D621K87",
    "iban": "DE89370400440532013001",
    "bic": "DEUTDEF",
}


@pytest.mark.parametrize("check", CHECKS)
def test_only_the_wrong_value_is_returned(check):
    assert invalid_values(check, [VALID[check], INVALID[check]]) == {INVALID[check]}


@pytest.mark.parametrize("check", CHECKS)
def test_value_that_would_need_repair_is_invalid(check):
    good = VALID[check]
    sloppy = [f" {good}", f"{good} ", f"{good[:2]} {good[2:]}", f"{good[:2]}-{good[2:]}", f"{good}\n", ""]
    sloppy += [good.lower()] if good.lower() != good else []
    assert invalid_values(check, sloppy) == set(sloppy)


def test_withdrawn_currencies_are_valid_because_old_trades_are_in_them():
    assert invalid_values("iso4217", ["DEM", "HRK", "VEF", "ZWL", "BYR", "XBT", "USDT"]) == {"XBT", "USDT"}


def test_withdrawn_currencies_are_well_formed_and_not_in_the_current_list():
    assert all(len(code) == 3 and code.isascii() and code.isupper() for code in WITHDRAWN_CURRENCIES)
    assert not {"USD", "EUR", "JPY", "GBP"} & WITHDRAWN_CURRENCIES
    assert len({currency.code for currency in Currency} | WITHDRAWN_CURRENCIES) > 300


def test_unknown_check_is_refused():
    with pytest.raises(ValueError, match="unknown check 'luhn'"):
        invalid_values("luhn", ["1"])
