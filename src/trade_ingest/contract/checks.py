"""Named checks of text values: code lists and check digits.

Only the canonical spelling is valid: upper case, no blanks or hyphens. A value that would need repair is not repaired.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache
from importlib import import_module

_STDNUM_MODULES = {
    "isin": "stdnum.isin",
    "cusip": "stdnum.cusip",
    "sedol": "stdnum.gb.sedol",
    "figi": "stdnum.figi",
    "lei": "stdnum.lei",
    "iban": "stdnum.iban",
    "bic": "stdnum.bic",
}

WITHDRAWN_CURRENCIES = frozenset(
    """
    ADP AFA ALK ANG AOK AON AOR ARA ARP ARY ATS AYM AZM BAD BEC BEF BEL BGJ BGK BGL BGN BOP BRB BRC BRE BRN BRR BUK
    BYB BYR CHC CNX CSD CSJ CSK CUC CYP DDM DEM ECS ECV EEK EQE ESA ESB ESP FIM FRF GEK GHC GHP GNE GNS GQE GRD GWE
    GWP HRD HRK IEP ILP ILR ISJ ITL LAJ LSM LTL LTT LUC LUF LUL LVL LVR MAF MGF MLF MRO MTL MTP MVQ MXP MZE MZM NIC
    NLG PEH PEI PES PLZ PTE RHD ROK ROL RUR SDD SDP SIT SKK SLL SRG STD SUR TJR TMM TPE TRL UAK UGS UGW USS UYN UYP
    VEB VEF VNC XEU XFO XFU XRE YDD YUD YUM YUN ZAL ZMK ZRN ZRZ ZWC ZWD ZWL ZWN ZWR
    """.split()  # noqa: SIM905 - 150 codes in six lines
)
"""Codes of the past (ISO 4217 list three): the trades of their time are in them."""


def invalid_values(check: str, values: Iterable[str]) -> set[str]:
    """The values that do not pass a named check.

    ``values`` should be distinct: each costs microseconds of Python. ``iso4217`` knows the current codes and those of
    the past, so that old trades in DEM or HRK pass; ``iban`` also checks the country's own structure.

    Raises:
        ValueError: there is no such check.
    """
    is_valid = _validator(check)
    return {value for value in values if not is_valid(value)}


@cache
def _validator(check: str) -> Callable[[str], bool]:
    if check == "iso4217":
        return currency_codes().__contains__
    if check not in _STDNUM_MODULES:
        raise ValueError(f"unknown check {check!r}; checks: iso4217, {', '.join(_STDNUM_MODULES)}")
    number = import_module(_STDNUM_MODULES[check])
    return lambda value: number.is_valid(value) and number.validate(value) == value


@cache
def currency_codes() -> frozenset[str]:
    """The ISO 4217 codes of today and of the past."""
    from iso4217 import Currency

    return WITHDRAWN_CURRENCIES | {currency.code for currency in Currency}
