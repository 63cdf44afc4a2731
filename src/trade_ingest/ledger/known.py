"""Names that the ledger knows, and what may have been meant by one that it does not know."""

from __future__ import annotations

from heapq import nlargest
from os.path import commonprefix
from typing import LiteralString

from trade_ingest.contract.suggestion import did_you_mean, near_misses
from trade_ingest.errors import NotInLedgerError
from trade_ingest.ledger.queries import Connection, get_file_summary, get_run_row
from trade_ingest.ledger.rejects import RejectFilter
from trade_ingest.parse.reject import ReasonCode

_SEE_REJECTS = "see what there is with: trade-ingest rejects --state all"

_NEWEST_FILES = 100_000  # looked through in 0.4 s
_COMPARED = 200  # 0.1 ms each

_RULES_SQL: LiteralString = """
SELECT DISTINCT rule->>'name' FROM ingest.contract CROSS JOIN jsonb_array_elements(definition->'rules') AS rule
"""
_COLUMNS_SQL: LiteralString = """
SELECT DISTINCT item->>'name' FROM ingest.contract CROSS JOIN jsonb_array_elements(definition->'columns') AS item
"""


def require_known(connection: Connection, wanted: RejectFilter) -> None:
    """Refuse a filter that names something that does not exist, and that thus no reject can match.

    Raises:
        NotInLedgerError: no such file, run or contract; or the reason is no reject code and no rule of a contract in
            the ledger; or no contract there has the column.
    """
    for file_id in wanted.file_ids:
        get_file_summary(connection, file_id)
    if wanted.run_id is not None:
        get_run_row(connection, wanted.run_id)
    if wanted.contract is not None:
        _require_contract(connection, wanted.contract)
    if wanted.reason is not None:
        _require_reason(connection, wanted.reason)
    if wanted.column is not None:
        _require_column(connection, wanted.column)


def _require_contract(connection: Connection, contract: str) -> None:
    names = _names(connection, "SELECT DISTINCT name FROM ingest.contract")
    if contract not in names:
        message = f"the ledger has no contract {contract!r}"
        raise NotInLedgerError(message, hint=did_you_mean(contract, names) or _SEE_REJECTS, contract=contract)


def _require_reason(connection: Connection, reason: str) -> None:
    codes = [*ReasonCode, *_names(connection, _RULES_SQL)]
    if reason not in codes:
        message = f"no reject code {reason!r}, and no rule of that name in a contract of the ledger"
        raise NotInLedgerError(message, hint=did_you_mean(reason, codes) or _SEE_REJECTS, reason=reason)


def _require_column(connection: Connection, column: str) -> None:
    columns = _names(connection, _COLUMNS_SQL)
    if not set(column.split(", ")) <= set(columns):  # a conflict names all columns of the key
        message = f"no contract of the ledger has a column {column!r}"
        raise NotInLedgerError(message, hint=did_you_mean(column, columns) or _SEE_REJECTS, column=column)


def _names(connection: Connection, query: LiteralString) -> list[str]:
    return [row[0] for row in connection.execute(query)]


def similar_uris(connection: Connection, uri: str) -> list[str]:
    """Up to three files of the ledger whose URIs resemble one, the closest first; else some with its file name."""
    newest = connection.execute(
        "SELECT uri FROM ingest.file GROUP BY uri ORDER BY max(file_id) DESC LIMIT %s", [_NEWEST_FILES]
    )

    def shared_ends(other: str) -> int:
        beginning = commonprefix((uri, other))  # noqa: RUF071  # of characters
        return len(beginning) + len(commonprefix((uri[::-1], other[::-1])))  # noqa: RUF071

    candidates = nlargest(_COMPARED, (row[0] for row in newest), key=shared_ends)
    name = uri.rpartition("/")[2]
    return near_misses(uri, candidates) or [other for other in candidates if other.rpartition("/")[2] == name][:3]
