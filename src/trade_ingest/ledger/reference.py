"""The reference of the ledger's tables: ``python -m trade_ingest.ledger.reference > docs/reference/ledger.md``."""

from __future__ import annotations

import re
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg

from trade_ingest.embedded.cluster import Cluster
from trade_ingest.ledger.connection import open_connection
from trade_ingest.ledger.schema import upgrade

_INTRODUCTION = """\
# The ledger

The ledger is the schema `ingest` in the database that takes the rows. It says what was loaded, from where, when, by
whom, and what was not; nothing in it expires. This page is generated from a migrated database (`make docs`). Reading
these tables is safe at any time; do not write to them.

Every target has two columns of lineage: `file_id` refers to `ingest.file`, `row_number` is the row's place in its file,
from 1. So this is where a row came from:

```sql
SELECT f.uri, t.row_number, f.loaded_at, r.started_by
FROM trade_event AS t JOIN ingest.file AS f USING (file_id) JOIN ingest.run AS r USING (run_id)
WHERE t.trade_id = '…';
```
"""

_TABLES_SQL = """
SELECT c.oid, c.relname, coalesce(obj_description(c.oid), ''), c.relpersistence = 'u'
FROM pg_class AS c
WHERE c.relnamespace = 'ingest'::regnamespace AND c.relkind = 'r' AND c.relname <> 'schema_version'
ORDER BY array_position(ARRAY['run', 'file', 'reject', 'attempt', 'contract', 'event', 'overlap'], c.relname::text),
    c.relname
"""

_COLUMNS_SQL = """
SELECT a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity <> '',
    pg_get_expr(d.adbin, d.adrelid)
FROM pg_attribute AS a LEFT JOIN pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE a.attrelid = %s AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attnum
"""

_CONSTRAINTS_SQL = """
SELECT c.contype, array_agg(a.attname::text ORDER BY a.attnum), pg_get_constraintdef(c.oid)
FROM pg_constraint AS c JOIN pg_attribute AS a ON a.attrelid = c.conrelid AND a.attnum = ANY(c.conkey)
WHERE c.conrelid = %s AND c.contype IN ('c', 'f')
GROUP BY c.oid
ORDER BY c.conname
"""

_TYPES = {"timestamp with time zone": "timestamptz"}

_VALUE = re.compile(r"'(\w+)'::text")


def reference_text(connection: psycopg.Connection[Any]) -> str:
    """The page, in Markdown, with a final newline.

    Args:
        connection: a connection to a database with a ledger of this program's version.
    """
    sections = ["\n".join(_table(connection, *row)) for row in connection.execute(_TABLES_SQL).fetchall()]
    return "\n".join([_INTRODUCTION, *sections])


def _table(connection: psycopg.Connection[Any], oid: int, name: str, comment: str, is_unlogged: bool) -> Iterator[str]:  # noqa: FBT001
    notes: dict[str, str] = {}
    rules: list[str] = []
    for kind, columns, definition in connection.execute(_CONSTRAINTS_SQL, [oid]).fetchall():
        values = _VALUE.findall(definition)
        if kind == "f" and (referred := re.search(r"REFERENCES (?:ingest\.)?(\w+)", definition)):
            notes[columns[0]] = f"a row of `{referred[1]}`"
        elif len(columns) == 1 and values:
            notes[columns[0]] = "one of " + ", ".join(f"`{value}`" for value in values)
        else:
            rules.append(definition.replace("::text", ""))
    yield f"## ingest.{name}\n"
    yield comment + (" Unlogged: empty after a crash of the server." if is_unlogged else "") + "\n"
    yield "| column | type | | |"
    yield "|---|---|---|---|"
    for column, sql_type, is_required, is_identity, default in connection.execute(_COLUMNS_SQL, [oid]).fetchall():
        about = [notes[column]] if column in notes else []
        if default is not None:
            about.append(f"default `{default.replace('::text', '').replace('::jsonb', '')}`")
        kind = "identity" if is_identity else "" if is_required else "may be NULL"
        yield f"| `{column}` | {_TYPES.get(sql_type, sql_type)} | {kind} | {'; '.join(about)} |"
    yield ""
    yield from (f"Always true: `{rule}`\n" for rule in rules)


def main() -> None:
    """Write the page to stdout, from a server of its own."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)  # the account that runs the server must get in
        cluster = Cluster(Path(folder, "postgresql"))
        database = cluster.start().url("postgres")
        try:
            upgrade(database)
            with open_connection(database) as connection:
                sys.stdout.write(reference_text(connection))
        finally:
            cluster.stop()


if __name__ == "__main__":
    main()
