"""What the rows of a set hold: the record of each."""

from __future__ import annotations

import numpy as np
import polars as pl

from trade_ingest.contract.loading import builtin_names, load_contract
from trade_ingest.contract.model import Column, Contract
from trade_ingest.contract.types import Kind
from trade_ingest.errors import GenerateError
from trade_ingest.generate.columns import (
    CellMaker,
    Moments,
    Setting,
    can_be_unique,
    cell_maker,
    even_times,
    null_token,
    resolution_of,
)
from trade_ingest.generate.draws import Integers
from trade_ingest.generate.feed import Feed
from trade_ingest.generate.judge import Judge
from trade_ingest.generate.moments import DayCurve, from_local, midnight
from trade_ingest.generate.records import join_records
from trade_ingest.generate.schedule import Rows
from trade_ingest.generate.trade_event import TRADE_EVENTS
from trade_ingest.generate.trade_prints import BINANCE, KRAKEN

_FEEDS = {"trade_event": TRADE_EVENTS, "binance_spot_trades": BINANCE, "kraken_trades": KRAKEN}
_ATTEMPTS = 60  # a row that breaks a rule is drawn again so often
_FILLER = "0"  # in fields that the contract passes over


def feed_of(contract: Contract) -> Feed:
    """What is known of a contract's feed; a contract that only shares the name of a known one is unknown."""
    feed = _FEEDS.get(contract.name, Feed())
    declared = {column.name: column.value_type.kind for column in contract.file_columns}
    return feed if feed.kinds.items() <= declared.items() else Feed()


class Content:
    """Makes records: each a function of the seed and the row's place, and accepted by the parser.

    Raises:
        GenerateError: the contract has columns for which no values can be made.
    """

    def __init__(self, setting: Setting, *, unique_ids: bool) -> None:
        contract = setting.contract
        self._contract = contract
        _refuse_what_cannot_be_made(contract)
        self.feed = feed_of(contract)
        self._curve = DayCurve(self.feed.activity, setting.seed)
        self._event_time = contract.column(contract.event_time)
        self._carrier = None if self.feed.kinds else _key_carrier(contract)
        if unique_ids and not contract.key:
            hint = "the contract declares no key"
            raise GenerateError(f"{contract.name} has no ids that could be unique", hint=hint)
        self._writer = self.feed.writer and self.feed.writer(setting, self._curve, unique_ids)
        self._makers: dict[str, CellMaker] = {
            column.name: cell_maker(column, setting, is_unique=column.name == self._carrier)
            for column in contract.file_columns
            if column.name not in self.feed.kinds and column.is_one_cell
        }
        self._fields = _fields_of(contract, self.feed)
        self._is_proven = contract.name in builtin_names() and contract == load_contract(contract.name)

    @property
    def header(self) -> list[str]:
        """The name of each field, or a stand-in where the format has no header."""
        return [field.header_names[0] if isinstance(field, Column) else field for field in self._fields]

    @property
    def field_columns(self) -> list[Column | None]:
        """The column of each field; None for fields that the contract passes over."""
        return [field if isinstance(field, Column) else None for field in self._fields]

    def cells(self, rows: Rows) -> pl.DataFrame:
        """The cells of rows, a column for each field; they may break rules across columns."""
        cells = self._writer(rows) if self._writer else {}
        if self._makers:
            moments = self._moments(rows)
            cells |= {name: make(rows, moments) for name, make in self._makers.items()}
        columns = [
            cells[field.name].fill_null(null_token(field, self._contract) or "")
            if isinstance(field, Column)
            else pl.Series([field]).new_from_index(0, len(rows.places))
            for field in self._fields
        ]
        return pl.DataFrame({f"field_{i}": column for i, column in enumerate(columns)})

    def records(self, rows: Rows, judge: Judge) -> pl.Series:
        """The records of rows.

        Raises:
            GenerateError: some row breaks the contract however often it is drawn again.
        """
        records = join_records(self.cells(rows), self._contract.format)
        if self._is_proven:
            return records
        texts = records.to_list()
        wrong = np.flatnonzero(judge.is_rejected(texts))
        for attempt in range(1, _ATTEMPTS + 1):
            if not len(wrong):
                return pl.Series(texts)
            again = join_records(
                self.cells(Rows(rows.day, rows.places[wrong], attempt)), self._contract.format
            ).to_list()
            for place, text in zip(wrong.tolist(), again, strict=True):
                texts[place] = text
            wrong = wrong[judge.is_rejected(again)]
        raise _refusal(judge, [texts[place] for place in wrong.tolist()])

    def check(self, rows: Rows, judge: Judge) -> None:
        """Have the parser confirm a few rows.

        Raises:
            GenerateError: it rejects one.
        """
        texts = self.records(rows, judge).to_list()
        if judge.is_rejected(texts).any():
            raise _refusal(judge, texts)

    def _moments(self, rows: Rows) -> Moments:
        if self._carrier == self._contract.event_time:
            times = even_times(rows, resolution_of(self._event_time))
        else:
            times = self._curve.times(rows)
        return Moments(times, self._instants(rows, times))

    def _instants(self, rows: Rows, times: Integers) -> Integers:
        return from_local(midnight(rows.day.date) + times, self._event_time.zone or "UTC")


def _key_carrier(contract: Contract) -> str | None:
    """The key's column whose values are made unique, so that no two rows have the same key.

    Raises:
        GenerateError: no column of the key can be.
    """
    if not contract.key:
        return None
    columns = [column for column in contract.file_columns if column.name in contract.key and can_be_unique(column)]
    order = [Kind.UUID, Kind.TEXT, Kind.INTEGER, Kind.DECIMAL, Kind.TIMESTAMP]
    columns.sort(key=lambda column: ("id" not in column.name.split("_"), order.index(column.value_type.kind)))
    if not columns:
        message = f"the key ({', '.join(contract.key)}) has no column that could be unique for each row"
        raise GenerateError(message, hint="a text, integer, decimal, uuid or timestamp column from the file is needed")
    return columns[0].name


def _refuse_what_cannot_be_made(contract: Contract) -> None:
    hint = "files can be made for contracts whose columns are single cells as they are, and that ignore no records"
    for column in contract.file_columns:  # JSON of other cells is left empty
        if column.template is not None or column.remove is not None or column.multiply_by is not None:
            message = f"{contract.name} makes {column.name} of other cells, or changes its cell"
            raise GenerateError(message, hint=hint)
    if contract.format.ignore_records is not None:
        message = f"{contract.name} ignores some records, and a bad row might be one of them"
        raise GenerateError(message, hint=hint)


def _fields_of(contract: Contract, feed: Feed) -> list[Column | str]:
    """What is in each field of a record: a column, or always the same text."""
    columns = [column for column in contract.file_columns if column.is_one_cell]
    if contract.format.header:
        return list(columns)
    by_position = {column.position: column for column in columns}
    others = [int(place) for c in contract.columns if isinstance(c.members, dict) for place in c.members.values()]
    last = max([*others, *(position for position in by_position if position is not None)])
    fields: list[Column | str] = [by_position.get(position, _FILLER) for position in range(1, last + 1)]
    return [*fields, *(feed.surplus_cells if contract.drift.unknown_columns == "ignore" else ())]


def _refusal(judge: Judge, records: list[str]) -> GenerateError:
    rejects = judge.rejects(records[:100])
    if not rejects:
        return GenerateError(
            "generated rows cannot be told apart", hint="the delimiter or the comment prefix is in them"
        )
    reason = rejects[0].reasons[0]
    what = f"column {reason.column!r}: " if reason.column else ""
    message = f"cannot make rows that satisfy the contract: {what}{reason.code} ({rejects[0].raw_text[:200]})"
    hint = "times follow the start date; simplify the rule, or choose another start date"
    return GenerateError(message, hint=hint)
