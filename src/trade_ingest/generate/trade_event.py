"""The FX trade events of the default contract: each trade is booked, and most then complete or fail."""

from __future__ import annotations

from functools import cache

import numpy as np
import polars as pl

from trade_ingest.contract.model import Contract
from trade_ingest.contract.types import Kind
from trade_ingest.generate.cells import Decimals, decimal_cells, time_cells
from trade_ingest.generate.columns import Setting
from trade_ingest.generate.draws import MILLION, Draws, Integers, Mask
from trade_ingest.generate.feed import Feed
from trade_ingest.generate.market import PriceWalk
from trade_ingest.generate.moments import SECOND, DayCurve, midnight
from trade_ingest.generate.schedule import Rows

_PAIRS = (
    # base, quote, share of the trades, units of the quote currency for one of the base, in 1/100,000
    ("EUR", "USD", 24, 108_500), ("USD", "JPY", 15, 14_850_000), ("GBP", "USD", 12, 126_800),
    ("AUD", "USD", 6, 65_900), ("USD", "CAD", 6, 135_200), ("USD", "CHF", 5, 87_400),
    ("EUR", "GBP", 5, 85_600), ("EUR", "JPY", 4, 16_110_000), ("USD", "CNY", 4, 718_500),
    ("NZD", "USD", 3, 61_300), ("USD", "SGD", 3, 134_100), ("USD", "HKD", 3, 781_900),
    ("EUR", "CHF", 3, 94_800), ("USD", "INR", 2, 8_310_000), ("USD", "MXN", 2, 1_705_000),
    ("EUR", "SEK", 2, 1_128_000), ("USD", "ZAR", 1, 1_878_000),
)  # fmt: skip
_WITHOUT_MINOR_UNIT = ("JPY",)
_DAILY_MOVE, _QUOTE_NOISE = 4_500, 40  # millionths
_MEDIAN_AMOUNT, _ROUND_SUM = 42_000_00, 1_000_00  # hundredths of the base currency

_CUSTOMERS = 4_000
_TRADERS = ("m.okafor", "a.keller", "s.lindqvist", "j.tanaka", "r.dubois", "n.patel", "fix-gateway", "portal", None)
_CLERKS = ("settlement", "settlement", "settlement", "back.office", None)

_BLOCK = 32  # rows among which the two states of a trade lie
_PATTERNS = 64
_STAYS_PENDING, _FAILS = 90_000, 45_000  # of a million trades


class TradeEvents:
    """Trades of 17 currency pairs by some thousand customers.

    A row is either the booking of a trade (``PENDING``) or, a few rows later, its end (``COMPLETED``, ``FAILED``) with
    the same content but for state, updater and ``updated_at``.
    """

    def __init__(self, setting: Setting, curve: DayCurve, *, unique_ids: bool) -> None:
        self._contract: Contract = setting.contract
        self._seed = setting.seed
        self._curve = curve
        self._unique_ids = unique_ids
        self._walk = PriceWalk(
            setting.seed, "fx", days=setting.day_count, daily_move=[_DAILY_MOVE] * len(_PAIRS), noise=_QUOTE_NOISE
        )

    def cells(self, rows: Rows) -> dict[str, pl.Series]:
        """The cells of all its columns."""
        bookings = Rows(rows.day, self._bookings(rows))
        index = bookings.index
        is_end = bookings.places != rows.places
        status = self._status(rows, index, is_end)
        return {
            # a day's trades are numbered through; the digits are more than a float could hold
            "trade_id": pl.Series(int(f"{rows.day.date:%Y%m%d}") * 10**10 + bookings.places + 1).cast(pl.String),
            **self._parties(index, is_end),
            **self._amounts(bookings),
            **self._times(rows, bookings, is_end),
            "transaction_status": status,
        }

    def _draws(self, stream: str) -> Draws:
        return Draws(self._seed, "trade_event", stream)

    def _bookings(self, rows: Rows) -> Integers:
        """The place of each row's booking: its own, or an earlier one if the row is the end of a trade."""
        if self._unique_ids:
            return rows.places
        block, offset = np.divmod(rows.places, _BLOCK)
        pattern = self._draws("pattern").below(block + rows.day.first_row, _PATTERNS)
        booking = block * _BLOCK + _pairings()[pattern, offset]
        stays = self._draws("pending").chance(booking + rows.day.first_row, _STAYS_PENDING)
        return np.where(stays, rows.places, booking)

    def _status(self, rows: Rows, index: Integers, is_end: Mask) -> pl.Series:
        fails = self._draws("outcome").chance(index, _FAILS)
        if self._unique_ids:
            is_end = ~self._draws("state").chance(rows.index, 350_000)
        state = np.where(is_end, np.where(fails, 2, 1), 0).astype(np.uint32)
        return pl.Series(["PENDING", "COMPLETED", "FAILED"]).gather(pl.Series(state))

    def _parties(self, index: Integers, is_end: Mask) -> dict[str, pl.Series]:
        draws = self._draws
        # the least of two: some customers trade much more than others
        customer = np.minimum(
            draws("customer").below(index, _CUSTOMERS), draws("customer too").below(index, _CUSTOMERS)
        )
        sold, bought = self._currencies(index)
        tables = _tables()
        trader = draws("trader").below(index, len(_TRADERS))
        clerk = draws("clerk").below(index, len(_CLERKS)) + len(_TRADERS)

        def gather(name: str, chosen: Integers) -> pl.Series:
            return tables[name].gather(pl.Series(chosen.astype(np.uint32)))

        return {
            "customer_id": gather("customer", customer),
            "from_currency": gather("currency", sold),
            "to_currency": gather("currency", bought),
            "created_by": gather("person", trader),
            "updated_by": gather("person", np.where(is_end, clerk, trader)),
            "from_deposited_account": gather("account", customer * len(_currencies()) + sold),
            "to_debited_account": gather("account", customer * len(_currencies()) + bought),
        }

    def _pairs(self, index: Integers) -> Integers:
        shares = np.cumsum([share for _, _, share, _ in _PAIRS])
        return np.searchsorted(shares, self._draws("pair").below(index, int(shares[-1])), side="right")

    def _sells_base(self, index: Integers) -> Mask:
        return self._draws("side").chance(index, MILLION // 2)

    def _currencies(self, index: Integers) -> tuple[Integers, Integers]:
        pair, sells_base = self._pairs(index), self._sells_base(index)
        codes = list(_currencies())
        base = np.array([codes.index(p[0]) for p in _PAIRS])[pair]
        quote = np.array([codes.index(p[1]) for p in _PAIRS])[pair]
        return np.where(sells_base, base, quote), np.where(sells_base, quote, base)

    def _amounts(self, bookings: Rows) -> dict[str, pl.Series]:
        index = bookings.index
        pair, sells_base = self._pairs(index), self._sells_base(index)
        base_rates = np.array([rate for *_, rate in _PAIRS], np.int64)
        times = self._curve.times(bookings)
        rate = base_rates[pair] * self._walk.factors(bookings, pair, times) // MILLION
        base = _MEDIAN_AMOUNT * self._draws("amount").lognormal(index, 1300) // MILLION
        # every third is a round sum
        is_round = self._draws("round").chance(index, MILLION // 3) & (base > _ROUND_SUM)
        base = np.where(is_round, base // _ROUND_SUM * _ROUND_SUM, base)
        unit = np.array([100 if quote in _WITHOUT_MINOR_UNIT else 1 for _, quote, _, _ in _PAIRS])[pair]
        quote = (base * rate // 100_000 + unit // 2) // unit * unit
        file_format = self._contract.format
        base_cells, quote_cells = (decimal_cells(Decimals(v, 2), file_format) for v in (base, quote))
        rate_cells = decimal_cells(Decimals(rate, 5), file_format)
        inverse_cells = decimal_cells(Decimals(10**13 // rate, 8), file_format)
        is_base = pl.Series(sells_base)
        return {
            "from_cost": _either(is_base, base_cells, quote_cells),
            "to_cost": _either(is_base, quote_cells, base_cells),
            "from_pip": _either(is_base, rate_cells, inverse_cells),
            "to_pip": _either(is_base, inverse_cells, rate_cells),
        }

    def _times(self, rows: Rows, bookings: Rows, is_end: Mask) -> dict[str, pl.Series]:
        start = midnight(rows.day.date)
        booked = start + self._curve.times(bookings)
        made = np.maximum(start, booked - self._draws("delay").below(bookings.index, SECOND))
        updated = np.where(is_end, np.maximum(start + self._curve.times(rows), booked + SECOND), booked)
        if self._unique_ids:
            updated = booked + self._draws("settled").below(bookings.index, 90 * SECOND)
        instants = {"transaction_date": made, "created_at": booked, "updated_at": updated}
        return {name: time_cells(values, self._contract.column(name)) for name, values in instants.items()}


def _either(mask: pl.Series, one: pl.Series, other: pl.Series) -> pl.Series:
    return pl.select(pl.when(mask).then(one).otherwise(other)).to_series()


def _currencies() -> dict[str, None]:
    return dict.fromkeys(code for base, quote, _, _ in _PAIRS for code in (base, quote))


@cache
def _tables() -> dict[str, pl.Series]:
    codes = list(_currencies())
    return {
        "currency": pl.Series(codes),
        "customer": pl.Series([f"C{number:06d}" for number in range(_CUSTOMERS)]),
        "person": pl.Series([*_TRADERS, *_CLERKS]),
        "account": pl.Series([f"{number:06d}-{code}" for number in range(_CUSTOMERS) for code in codes]),
    }


@cache
def _pairings() -> Integers:
    """Ways to pair the offsets of a block: for each offset that of its booking, which is never a later one."""
    patterns = np.empty((_PATTERNS, _BLOCK), np.int64)
    for pattern in range(_PATTERNS):
        order = np.argsort(Draws(0, "pairing", pattern).bits(np.arange(_BLOCK)), kind="stable")
        pairs = np.sort(order.reshape(-1, 2), axis=1)
        patterns[pattern, pairs] = pairs[:, :1]
    return patterns


_COLUMNS = {
    "trade_id": Kind.TEXT,
    "customer_id": Kind.TEXT,
    "from_currency": Kind.TEXT,
    "to_currency": Kind.TEXT,
    "from_cost": Kind.DECIMAL,
    "to_cost": Kind.DECIMAL,
    "from_pip": Kind.DECIMAL,
    "to_pip": Kind.DECIMAL,
    "transaction_date": Kind.TIMESTAMP,
    "transaction_status": Kind.ENUM,
    "created_by": Kind.TEXT,
    "created_at": Kind.TIMESTAMP,
    "updated_by": Kind.TEXT,
    "updated_at": Kind.TIMESTAMP,
    "from_deposited_account": Kind.TEXT,
    "to_debited_account": Kind.TEXT,
}

TRADE_EVENTS = Feed(
    kinds=_COLUMNS,
    writer=lambda setting, curve, unique_ids: TradeEvents(setting, curve, unique_ids=unique_ids).cells,
)
"""The feed of the contract ``trade_event``."""
