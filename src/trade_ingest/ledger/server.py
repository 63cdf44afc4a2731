"""What the server does for the ledger: connections, locks, sizes of tables."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, LiteralString

import psycopg
from psycopg.rows import class_row

Connection = psycopg.Connection[Any]


@dataclass(frozen=True, slots=True)
class ServerConnection:
    """A connection of this program's to the database; ``waits_for`` is what its server process waits for."""

    process_id: int
    user: str
    application: str
    address: str | None
    state: str | None
    waits_for: str | None
    connected_at: datetime
    statement_seconds: float | None
    blocked_by: list[int]


_CONNECTIONS_SQL: LiteralString = """
SELECT pid AS process_id, usename AS user, application_name AS application, host(client_addr) AS address, state,
    CASE WHEN state <> 'idle' THEN wait_event_type || ': ' || wait_event END AS waits_for,
    backend_start AS connected_at,
    CASE WHEN state = 'active' THEN extract(epoch FROM clock_timestamp() - query_start)::float8 END
        AS statement_seconds,
    pg_blocking_pids(pid) AS blocked_by
FROM pg_stat_activity
WHERE datname = current_database() AND application_name LIKE 'trade-ingest%%'
ORDER BY backend_start, pid
LIMIT 500
"""


@dataclass(frozen=True, slots=True)
class RelationLock:
    """A lock on a table of the ledger or a target, other than those that reading takes."""

    relation: str
    mode: str
    is_granted: bool
    process_id: int


_LOCKS_SQL: LiteralString = """
SELECT DISTINCT l.relation::regclass::text AS relation, l.mode, l.granted AS is_granted, l.pid AS process_id
FROM pg_locks AS l
JOIN pg_class AS c ON c.oid = l.relation
WHERE l.locktype = 'relation' AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
    AND c.relkind IN ('r', 'p') AND l.mode <> 'AccessShareLock' AND c.relnamespace <> 'pg_catalog'::regnamespace
ORDER BY 1, 2, 4
LIMIT 500
"""


@dataclass(frozen=True, slots=True)
class TableSize:
    """A table of the ledger or a target, partitions included; ``rows`` is PostgreSQL's estimate."""

    table: str
    rows: int
    table_bytes: int
    index_bytes: int


_SIZES_SQL: LiteralString = """
WITH RECURSIVE wanted AS (
    SELECT c.oid FROM pg_class AS c WHERE c.relnamespace = to_regnamespace('ingest') AND c.relkind IN ('r', 'p')
    UNION
    SELECT to_regclass(format('%%I.%%I', split_part(target, '.', 1), split_part(target, '.', 2)))
    FROM (SELECT DISTINCT target FROM ingest.run WHERE target LIKE '%%.%%') AS targets
), parts AS (
    SELECT oid AS root, oid AS part FROM wanted WHERE oid IS NOT NULL
    UNION ALL
    SELECT root, inhrelid FROM parts JOIN pg_inherits ON inhparent = part
)
SELECT root::regclass::text AS "table", greatest(sum(reltuples) FILTER (WHERE reltuples > 0), 0)::bigint AS rows,
    sum(pg_table_size(part))::bigint AS table_bytes, sum(pg_indexes_size(part))::bigint AS index_bytes
FROM parts
JOIN pg_class AS c ON c.oid = part
GROUP BY root
ORDER BY sum(pg_table_size(part)) + sum(pg_indexes_size(part)) DESC, 1
"""


@dataclass(frozen=True, slots=True)
class DatabaseFacts:
    """The server and the database as a whole."""

    server_version: str
    name: str
    size_bytes: int
    started_at: datetime
    max_connections: int
    connections: int


_FACTS_SQL: LiteralString = """
SELECT current_setting('server_version') AS server_version, current_database() AS name,
    pg_database_size(current_database()) AS size_bytes, pg_postmaster_start_time() AS started_at,
    current_setting('max_connections')::int AS max_connections,
    (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend') AS connections
"""


@dataclass(frozen=True, slots=True)
class ServerStatus:
    """All of it."""

    database: DatabaseFacts
    connections: list[ServerConnection]
    locks: list[RelationLock]
    tables: list[TableSize]


def read_server_status(connection: Connection) -> ServerStatus:
    """What the server does at the moment; what other users' sessions do is shown as far as the role may see it."""
    with connection.cursor(row_factory=class_row(DatabaseFacts)) as cursor:
        facts = cursor.execute(_FACTS_SQL).fetchone()
    assert facts is not None
    with connection.cursor(row_factory=class_row(ServerConnection)) as cursor:
        others = cursor.execute(_CONNECTIONS_SQL, []).fetchall()
    with connection.cursor(row_factory=class_row(RelationLock)) as cursor:
        locks = cursor.execute(_LOCKS_SQL).fetchall()
    with connection.cursor(row_factory=class_row(TableSize)) as cursor:
        sizes = cursor.execute(_SIZES_SQL, []).fetchall()
    return ServerStatus(facts, others, locks, sizes)
