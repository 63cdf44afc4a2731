"""Which days the loaded files of a target, or of one of its feeds, have rows of."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, LiteralString

from psycopg.rows import class_row

from trade_ingest.errors import NotInLedgerError
from trade_ingest.ledger.feeds import ROWS_BY_DAY

if TYPE_CHECKING:
    import psycopg

    Connection = psycopg.Connection[Any]


@dataclass(frozen=True, slots=True)
class DayCoverage:
    """The accepted rows of one UTC day by their event time, duplicates included, and how many files they came in."""

    date: date
    files: int
    rows: int


_DAYS_SQL: LiteralString = f"""
SELECT day AS date, sum(files)::bigint AS files, sum(rows)::bigint AS rows
FROM (
    {ROWS_BY_DAY}
) AS of_contract
GROUP BY 1
ORDER BY 1
"""  # noqa: S608  # made of constants

_IS_KNOWN_SQL: LiteralString = """
SELECT 1
FROM ingest.file AS f
JOIN ingest.contract AS c USING (contract_id)
WHERE f.target = %(target)s AND (%(contract)s::text IS NULL OR c.name = %(contract)s)
LIMIT 1
"""

_HOLIDAYS_SQL: LiteralString = """
SELECT ARRAY(SELECT jsonb_array_elements_text(coalesce(newest.definition->'holidays', '[]'))::date)
FROM (
    SELECT DISTINCT c.name
    FROM (SELECT DISTINCT contract_id FROM ingest.run WHERE target = %(target)s) AS used
    JOIN ingest.contract AS c USING (contract_id)
    WHERE %(contract)s::text IS NULL OR c.name = %(contract)s
) AS feed
CROSS JOIN LATERAL (
    SELECT definition FROM ingest.contract WHERE name = feed.name ORDER BY contract_id DESC LIMIT 1
) AS newest
"""


def cover_days(
    connection: Connection,
    target: str,
    *,
    contract: str | None = None,
    first: date | None = None,
    end: date | None = None,
) -> list[DayCoverage]:
    """The days that the loaded files of a target have rows of, in order; reads the ledger alone.

    Args:
        connection: to a database with a ledger.
        target: ``schema.table``.
        contract: only files of the feed with a contract of this name.
        first: this day and later.
        end: days before this one.

    Raises:
        NotInLedgerError: the ledger has no file of the target, or of the feed.
    """
    wanted = {"target": target, "contract": contract, "first": first or "-infinity", "end": end or "infinity"}
    with connection.cursor(row_factory=class_row(DayCoverage)) as cursor:
        days = cursor.execute(_DAYS_SQL, wanted).fetchall()
    if not days and connection.execute(_IS_KNOWN_SQL, wanted).fetchone() is None:
        message = f"the ledger has no file for {target}" + (f" by contract {contract}" if contract else "")
        raise NotInLedgerError(message, hint="list the files with: trade-ingest files", target=target)
    return days


def list_holidays(connection: Connection, target: str, *, contract: str | None = None) -> list[date]:
    """The days on which none of the feeds of a target expects anything, as their newest contracts say, in order."""
    of_feeds = connection.execute(_HOLIDAYS_SQL, {"target": target, "contract": contract}).fetchall()
    return sorted(set.intersection(*(set(days) for (days,) in of_feeds))) if of_feeds else []
