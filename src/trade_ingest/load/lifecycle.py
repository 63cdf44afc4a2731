"""What trades are now, and what they were known to be, where feeds correct and cancel them.

A target with the layout ``trade_print`` keeps each event that was delivered. A row says what it does (``action``) and
to which trade (``original_trade_id``, or its own id); originals may themselves correct others, so events form chains.
All events of a chain have one root: the id that none of them corrects further. Which event holds is told by when the
feed says that it was reported, never by when it was delivered.
"""

from __future__ import annotations

from typing import LiteralString

from psycopg import sql

MOST_LINKS = 100
"""Corrections of corrections that are followed; a chain that is longer, or a circle, ends there."""

_INDEX: LiteralString = """
CREATE INDEX ON {table} (venue, trade_id) WHERE action IN ('CORRECT', 'CANCEL', 'TERMINATE')
"""

_EVENTS: LiteralString = """
WITH RECURSIVE event AS MATERIALIZED (
    SELECT {columns} FROM {source} AS t WHERE action IN ('CORRECT', 'CANCEL', 'TERMINATE') AND trade_id IS NOT NULL
), link AS MATERIALIZED (
    SELECT DISTINCT venue, trade_id, original_trade_id FROM event
    WHERE original_trade_id IS NOT NULL AND original_trade_id <> trade_id
), path (venue, trade_id, root_id, links) AS (
    SELECT venue, trade_id, original_trade_id, 1 FROM link
    UNION ALL
    SELECT path.venue, path.trade_id, link.original_trade_id, path.links + 1
    FROM path JOIN link ON (link.venue, link.trade_id) = (path.venue, path.root_id)
    WHERE path.links < {most_links}
), root AS MATERIALIZED (
    SELECT DISTINCT ON (venue, trade_id) venue, trade_id, root_id, links
    FROM path ORDER BY venue, trade_id, links DESC, root_id
), chain AS MATERIALIZED (
    SELECT DISTINCT event.venue, coalesce(root.root_id, event.trade_id) AS root_id
    FROM event LEFT JOIN root ON (root.venue, root.trade_id) = (event.venue, event.trade_id)
), original AS MATERIALIZED (
    SELECT t.* FROM {source} AS t JOIN chain ON (chain.venue, chain.root_id) = (t.venue, t.trade_id)
    WHERE t.action IS NULL OR t.action = 'NEW'
), version AS (
    SELECT {columns}, trade_id AS root_id, 0 AS links FROM original AS t
    UNION ALL
    SELECT {columns}, coalesce(root.root_id, t.trade_id), coalesce(root.links, 0)
    FROM event AS t LEFT JOIN root ON (root.venue, root.trade_id) = (t.venue, t.trade_id)
), latest AS (
    SELECT DISTINCT ON (venue, root_id) * FROM version
    ORDER BY venue, root_id, coalesce(reported_at, executed_at) DESC, links DESC, sequence_number DESC NULLS LAST,
        action DESC NULLS LAST, trade_id DESC, executed_at DESC, price DESC NULLS LAST, quantity DESC, file_id DESC,
        row_number DESC
)
"""

_HOLDING: LiteralString = """
SELECT {columns} FROM {source} AS t
WHERE (action IS NULL OR action = 'NEW')
    AND NOT EXISTS (SELECT FROM chain WHERE (chain.venue, chain.root_id) = (t.venue, t.trade_id))
UNION ALL
SELECT {columns} FROM latest AS t
WHERE action IS DISTINCT FROM 'CANCEL'
    AND EXISTS (SELECT FROM original AS o WHERE (o.venue, o.trade_id) = (t.venue, t.root_id))
"""

_PARKED: LiteralString = """
SELECT {columns} FROM version AS t
WHERE NOT EXISTS (SELECT FROM original AS o WHERE (o.venue, o.trade_id) = (t.venue, t.root_id))
"""

# a row is known from its file's COMMIT, or from its replay, until another file takes its file's place
_KNOWN: LiteralString = """(
    SELECT {columns} FROM (SELECT {bare} FROM {table} UNION ALL SELECT {bare} FROM {replaced}) AS t
    JOIN ingest.file AS f ON f.file_id = t.file_id
    LEFT JOIN ingest.reject AS r ON r.file_id = t.file_id AND r.row_number = t.row_number AND r.state = 'replayed'
    WHERE coalesce(r.resolved_at, f.loaded_at) <= known_at AND NOT EXISTS (
        SELECT FROM ingest.file AS later
        WHERE later.replaces_file_id = f.file_id AND f.state = 'replaced' AND later.loaded_at <= known_at
    )
)"""


VIEWS = ("current", "orphans")
"""The views beside a table; their names begin with the table's."""


def lifecycle_ddl(
    schema_name: str, table: sql.Identifier, replaced: sql.Identifier, name: str, columns: tuple[str, ...]
) -> list[sql.Composed]:
    """The statements that make a table's views of what its trades are and were.

    Args:
        schema_name: the table's schema.
        table: the table.
        replaced: the table of rows of replaced files.
        name: the table's name.
        columns: all its columns.
    """
    names = {key: sql.Identifier(schema_name, f"{name}_{key}") for key in (*VIEWS, "as_of")}
    bare = sql.SQL(", ").join(map(sql.Identifier, columns))
    listed = sql.SQL(", ").join(sql.SQL("t.{}").format(sql.Identifier(column)) for column in columns)
    known = sql.SQL(_KNOWN).format(columns=listed, bare=bare, table=table, replaced=replaced)

    def query(result: LiteralString, source: sql.Composable) -> sql.Composed:
        return sql.SQL(_EVENTS + result).format(columns=listed, source=source, most_links=sql.Literal(MOST_LINKS))

    return [
        sql.SQL(_INDEX).format(table=table),
        sql.SQL("CREATE VIEW {} AS {}").format(names["current"], query(_HOLDING, table)),
        sql.SQL("COMMENT ON VIEW {} IS 'Each trade as it stands: corrected, without those that were cancelled'").format(
            names["current"]
        ),
        sql.SQL("CREATE VIEW {} AS {}").format(names["orphans"], query(_PARKED, table)),
        sql.SQL("COMMENT ON VIEW {} IS 'Corrections and cancellations whose original has not arrived'").format(
            names["orphans"]
        ),
        sql.SQL(
            "CREATE FUNCTION {}(known_at timestamptz) RETURNS SETOF {} LANGUAGE sql STABLE PARALLEL SAFE"
            " BEGIN ATOMIC {}; END"
        ).format(names["as_of"], table, query(_HOLDING, known)),
        sql.SQL("COMMENT ON FUNCTION {}(timestamptz) IS 'Each trade as it was known at a moment'").format(
            names["as_of"]
        ),
    ]
