"""Targets that hold trades, and what their columns mean."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, LiteralString

from psycopg import sql

from trade_ingest.contract.layout import TargetColumn, layout_columns, layout_named
from trade_ingest.contract.types import Kind
from trade_ingest.errors import NotInLedgerError
from trade_ingest.ledger.contracts import stored_contract
from trade_ingest.load.target import TargetTable

if TYPE_CHECKING:
    import psycopg

    from trade_ingest.contract.model import Contract

    Connection = psycopg.Connection[Any]

SYMBOL_NAMES: Final = (
    ("symbol",),
    ("instrument",),
    ("ticker",),
    ("isin",),
    ("from_currency", "to_currency"),
    ("base_currency", "quote_currency"),
)
PRICE_NAMES: Final = ("price", "from_pip", "rate")
QUANTITY_NAMES: Final = ("quantity", "from_cost", "qty", "volume", "size", "amount")
"""Columns that are taken for what they are called; those of the built-in contracts are among them."""

_MOST_TARGETS = 100


@dataclass(frozen=True, slots=True)
class TradeTarget:
    """A target, and the parts that its columns play.

    Attributes:
        name: ``schema.table``.
        contract: the name of the contract that it was last loaded by.
        columns: its columns that the contract knows, in order.
        key: the columns that no two rows share; empty if there are none.
        event_time: when the trade or event happened.
        symbol: the columns that say what was traded, two for a pair of currencies; empty if none is known.
        price: the column of the price; None if none is known.
        quantity: the column of what was traded, or None.
        identity: the columns that all versions of a trade share; empty: each row stands for itself.
        version: the column that orders the versions of a trade; None: a trade has one.
        table: the quoted table.
        replaced_table: the quoted table that keeps rows of replaced files.
    """

    name: str
    contract: str
    columns: tuple[TargetColumn, ...]
    key: tuple[str, ...]
    event_time: str
    symbol: tuple[str, ...]
    price: str | None
    quantity: str | None
    identity: tuple[str, ...]
    version: str | None
    table: sql.Identifier
    replaced_table: sql.Identifier


_TARGETS_SQL: LiteralString = """
SELECT DISTINCT ON (target) target, contract_id FROM ingest.run
WHERE contract_id IS NOT NULL AND (%(target)s::text IS NULL OR target = %(target)s)
ORDER BY target, run_id DESC
LIMIT %(limit)s
"""

_COLUMNS_SQL: LiteralString = """
SELECT attname FROM pg_attribute WHERE attrelid = to_regclass(%s) AND attnum > 0 AND NOT attisdropped
"""


def list_targets(connection: Connection) -> list[TradeTarget]:
    """The targets of all runs whose tables are there, by name; at most 100."""
    parameters = {"target": None, "limit": _MOST_TARGETS}
    found = connection.execute(_TARGETS_SQL, parameters).fetchall()
    targets = (_read(connection, name, contract_id) for name, contract_id in found)
    return [target for target in targets if target is not None]


def get_target(connection: Connection, name: str) -> TradeTarget:
    """One target.

    Raises:
        NotInLedgerError: no run had it, or its table is gone.
    """
    row = connection.execute(_TARGETS_SQL, {"target": name, "limit": 1}).fetchone()
    target = _read(connection, *row) if row else None
    if target is None:
        message = f"the ledger has no target {name} whose table is there"
        raise NotInLedgerError(message, hint="list the files with: trade-ingest files", target=name)
    return target


def get_target_of_file(connection: Connection, file_id: int) -> tuple[TradeTarget, bool]:
    """A file's target by the contract that the file was loaded by, and whether that contract has a key.

    Without a key its rows have none, even where the target is shared with files whose rows do.

    Raises:
        NotInLedgerError: there is no such file, or the table is gone.
    """
    row = connection.execute("SELECT target, contract_id FROM ingest.file WHERE file_id = %s", [file_id]).fetchone()
    target = _read(connection, *row) if row else None
    if row is None or target is None:
        message = f"the ledger has no file {file_id} whose target is there"
        raise NotInLedgerError(message, hint="list the files with: trade-ingest files", file_id=file_id)
    return target, bool(stored_contract(connection, row[1]).key)


def _read(connection: Connection, name: str, contract_id: int) -> TradeTarget | None:
    contract = stored_contract(connection, contract_id)
    table = TargetTable.of(contract)
    there = {column for (column,) in connection.execute(_COLUMNS_SQL, [table.quoted_name])}
    if contract.event_time not in there or contract.target.qualified_name != name:
        return None
    columns = tuple(column for column in layout_columns(contract) if column.name in there)
    identity, version = _identity(contract)
    return TradeTarget(
        name=name,
        contract=contract.name,
        columns=columns,
        key=table.key,
        event_time=contract.event_time,
        symbol=_symbol(columns),
        price=_number(columns, PRICE_NAMES),
        quantity=_number(columns, QUANTITY_NAMES),
        identity=identity,
        version=version,
        table=table.identifier,
        replaced_table=table.replaced_identifier,
    )


def _identity(contract: Contract) -> tuple[tuple[str, ...], str | None]:
    """What the versions of a trade share, and what orders them."""
    view = contract.target.current_view
    if view is not None:
        return view.by, view.latest
    if contract.target.layout:
        return layout_named(contract.target.layout).key, None
    *rest, last = contract.key or ("",)
    kinds = {column.name: column.value_type.kind for column in contract.columns}
    if rest and last != contract.event_time and kinds[last] == Kind.TIMESTAMP:
        return tuple(rest), last
    return contract.key, None


def _symbol(columns: Iterable[TargetColumn]) -> tuple[str, ...]:
    texts = {column.name for column in columns if column.sql_type == "text"}
    return next((names for names in SYMBOL_NAMES if texts.issuperset(names)), ())


def _number(columns: Iterable[TargetColumn], names: Sequence[str]) -> str | None:
    numbers = {column.name for column in columns if column.sql_type.startswith(("numeric", "bigint"))}
    return next((name for name in names if name in numbers), None)
