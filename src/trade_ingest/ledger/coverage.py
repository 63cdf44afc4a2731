"""Which days a target has rows of."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from psycopg import sql
from psycopg.rows import class_row

from trade_ingest.errors import NotInLedgerError

if TYPE_CHECKING:
    import psycopg

    Connection = psycopg.Connection[Any]


@dataclass(frozen=True, slots=True)
class DayCoverage:
    """The rows of one UTC day by their event time, and how many files they came from."""

    date: date
    files: int
    rows: int


_EVENT_TIME_SQL = """
SELECT c.definition->>'event_time'
FROM ingest.file AS f
JOIN ingest.contract AS c USING (contract_id)
WHERE f.target = %s
ORDER BY f.file_id DESC
LIMIT 1
"""

_DAYS_SQL = """
SELECT ({event_time} AT TIME ZONE 'UTC')::date AS date, count(DISTINCT file_id) AS files, count(*) AS rows
FROM {target}
GROUP BY 1
ORDER BY 1
"""


def cover_days(connection: Connection, target: str) -> list[DayCoverage]:
    """The days that a target has rows of, in order; reads the whole target once. None if its table is gone.

    Args:
        connection: to a database with a ledger.
        target: ``schema.table``.

    Raises:
        NotInLedgerError: the ledger has no file of the target.
    """
    found = connection.execute(_EVENT_TIME_SQL, [target]).fetchone()
    if found is None:
        message = f"the ledger has no file for {target}"
        raise NotInLedgerError(message, hint="list the files with: trade-ingest files", target=target)
    table = sql.Identifier(*target.split(".", 1))
    is_there = connection.execute("SELECT to_regclass(%s)", [table.as_string(connection)]).fetchone()
    if is_there is None or is_there[0] is None:
        return []
    query = sql.SQL(_DAYS_SQL).format(event_time=sql.Identifier(found[0]), target=table)
    with connection.cursor(row_factory=class_row(DayCoverage)) as cursor:
        return cursor.execute(query).fetchall()
