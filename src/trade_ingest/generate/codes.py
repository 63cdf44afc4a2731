"""Codes that pass the named checks of a contract: code lists and check digits."""

from __future__ import annotations

import string
from collections.abc import Callable

from stdnum import cusip, figi, isin
from stdnum.gb import sedol
from stdnum.iso7064 import mod_97_10

from trade_ingest.contract.checks import invalid_values
from trade_ingest.generate.draws import Draws

CURRENCIES = tuple("USD EUR JPY GBP CHF AUD CAD NZD SEK NOK SGD HKD INR CNY MXN ZAR PLN CZK HUF TRY".split())  # noqa: SIM905

_LETTERS = string.ascii_uppercase
_DIGITS = string.digits
_CONSONANTS = "BCDFGHJKLMNPQRSTVWXYZ"
_KINDS = 400  # different codes of a column


def valid_codes(check: str, draws: Callable[[int], Draws]) -> list[str]:
    """Different codes that pass a check; ``draws`` gives a stream for each attempt."""
    if check == "iso4217":
        return list(CURRENCIES)
    make = _MAKERS[check]
    made = dict.fromkeys(make(_Picker(draws(i))) for i in range(_KINDS))
    bad = invalid_values(check, made)
    return [code for code in made if code not in bad]


class _Picker:
    def __init__(self, draws: Draws) -> None:
        self._number = draws.number(1 << 62)

    def __call__(self, choices: str, count: int) -> str:
        text = ""
        for _ in range(count):
            self._number, digit = divmod(self._number, len(choices))
            text += choices[digit]
        return text


def _isin(pick: _Picker) -> str:
    body = ("US", "DE", "GB", "FR", "JP", "CH")[int(pick("012345", 1))] + pick(_DIGITS + "ABCDEFGH", 9)
    return body + isin.calc_check_digit(body)


def _cusip(pick: _Picker) -> str:
    body = pick(_DIGITS, 6) + pick(_DIGITS, 2)
    return body + cusip.calc_check_digit(body)


def _sedol(pick: _Picker) -> str:
    body = "B" + pick(_DIGITS + _CONSONANTS, 5)
    return body + sedol.calc_check_digit(body)


def _figi(pick: _Picker) -> str:
    body = "BBG0" + pick(_DIGITS + _CONSONANTS, 7)
    return body + figi.calc_check_digit(body)


def _lei(pick: _Picker) -> str:
    body = "5493" + "00" + pick(_DIGITS + _LETTERS, 10)
    body += "0" * (18 - len(body))
    return body + mod_97_10.calc_check_digits(body)


def _iban(pick: _Picker) -> str:
    # Germany: 8 digits of bank, 10 of account, nothing national to check
    account = pick(_DIGITS, 17).rjust(18, "1")
    return "DE" + mod_97_10.calc_check_digits(account + "DE") + account


def _bic(pick: _Picker) -> str:
    return pick(_LETTERS, 4) + ("DE", "GB", "US", "FR", "CH")[int(pick("01234", 1))] + pick(_LETTERS, 2)


_MAKERS: dict[str, Callable[[_Picker], str]] = {
    "isin": _isin,
    "cusip": _cusip,
    "sedol": _sedol,
    "figi": _figi,
    "lei": _lei,
    "iban": _iban,
    "bic": _bic,
}
