"""Market trades of one instrument, as two crypto venues publish them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from trade_ingest.contract.types import Kind
from trade_ingest.generate.cells import Decimals, decimal_cells, time_cells
from trade_ingest.generate.columns import Setting
from trade_ingest.generate.draws import MILLION, Draws, Integers
from trade_ingest.generate.feed import Feed
from trade_ingest.generate.market import PriceWalk
from trade_ingest.generate.moments import CRYPTO_ACTIVITY, DayCurve, midnight
from trade_ingest.generate.schedule import Rows

_DAILY_MOVE, _TRADE_NOISE = 22_000, 15  # millionths


@dataclass(frozen=True, slots=True)
class Market:
    """One instrument.

    Attributes:
        base_price: where its price walk begins, in cents.
        median_quantity: in hundred-thousandths.
        price_decimals, quantity_decimals: as written; zeros are added.
    """

    symbol: str
    base_price: int
    median_quantity: int
    price_decimals: int
    quantity_decimals: int


BITCOIN_DOLLAR = Market("BTCUSDT", 42_300_00, 1_200, 8, 8)
BITCOIN_EURO = Market("XBTEUR", 38_700_00, 1_500, 6, 8)


class _Prints:
    def __init__(self, setting: Setting, curve: DayCurve, market: Market) -> None:
        self._contract = setting.contract
        self._seed = setting.seed
        self._curve = curve
        self._market = market
        self._walk = PriceWalk(
            setting.seed, market.symbol, days=setting.day_count, daily_move=[_DAILY_MOVE], noise=_TRADE_NOISE
        )

    def _draws(self, stream: str) -> Draws:
        return Draws(self._seed, self._market.symbol, stream)

    def _price_and_quantity(self, rows: Rows, times: Integers) -> tuple[Integers, Integers]:
        """Cents, and hundred-thousandths."""
        factors = self._walk.factors(rows, np.zeros(len(rows.places), np.int64), times)
        quantity = self._market.median_quantity * self._draws("quantity").lognormal(rows.index, 1600) // MILLION
        return self._market.base_price * factors // MILLION, np.maximum(quantity, 1)

    def _written(self, values: Integers, decimals: int, wanted: int) -> pl.Series:
        scaled = values * 10 ** (wanted - decimals)
        return decimal_cells(Decimals(scaled, wanted), self._contract.format)

    def _executed_at(self, rows: Rows, times: Integers) -> pl.Series:
        return time_cells(midnight(rows.day.date) + times, self._contract.column("executed_at"))


class BinanceTrades(_Prints):
    """The trades of BTCUSDT, numbered through over all files."""

    def __init__(self, setting: Setting, curve: DayCurve) -> None:
        super().__init__(setting, curve, BITCOIN_DOLLAR)

    def cells(self, rows: Rows) -> dict[str, pl.Series]:
        """The cells of all its columns."""
        times = self._curve.times(rows)
        price, quantity = self._price_and_quantity(rows, times)
        is_maker = self._draws("side").below(rows.index, 2).astype(np.uint32)
        return {
            "trade_id": pl.Series(rows.index + 3_358_201_457).cast(pl.String),
            "price": self._written(price, 2, self._market.price_decimals),
            "quantity": self._written(quantity, 5, self._market.quantity_decimals),
            "quote_quantity": self._written(price * quantity, 7, 8),
            "executed_at": self._executed_at(rows, times),
            "side": pl.Series(["True", "False"]).gather(pl.Series(is_maker)),
        }


class KrakenTrades(_Prints):
    """The trades of XBTEUR, without ids."""

    def __init__(self, setting: Setting, curve: DayCurve) -> None:
        super().__init__(setting, curve, BITCOIN_EURO)

    def cells(self, rows: Rows) -> dict[str, pl.Series]:
        """The cells of all its columns."""
        times = self._curve.times(rows)
        price, quantity = self._price_and_quantity(rows, times)
        return {
            "executed_at": self._executed_at(rows, times),
            "price": self._written(price // 10, 1, self._market.price_decimals),
            "quantity": self._written(quantity, 5, self._market.quantity_decimals),
        }


BINANCE = Feed(
    kinds={
        "trade_id": Kind.TEXT,
        "price": Kind.DECIMAL,
        "quantity": Kind.DECIMAL,
        "quote_quantity": Kind.DECIMAL,
        "executed_at": Kind.TIMESTAMP,
        "side": Kind.ENUM,
    },
    writer=lambda setting, curve, _: BinanceTrades(setting, curve).cells,
    weekdays_only=False,
    activity=CRYPTO_ACTIVITY,
    file_stem="{symbol}-trades-{date}",
    path_values={"symbol": BITCOIN_DOLLAR.symbol},
    surplus_cells=("True",),  # isBestMatch, which the contract ignores
)
"""The feed of the contract ``binance_spot_trades``."""

KRAKEN = Feed(
    kinds={"executed_at": Kind.TIMESTAMP, "price": Kind.DECIMAL, "quantity": Kind.DECIMAL},
    writer=lambda setting, curve, _: KrakenTrades(setting, curve).cells,
    weekdays_only=False,
    activity=CRYPTO_ACTIVITY,
    file_stem="{symbol}_{date}",
    path_values={"symbol": BITCOIN_EURO.symbol},
)
"""The feed of the contract ``kraken_trades``."""
