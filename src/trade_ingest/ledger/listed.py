"""A source's listing, compared with the ledger in tables of the session: neither is ever in memory here."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import Any, LiteralString

import psycopg
from psycopg import sql

from trade_ingest.contract.model import OnChanged
from trade_ingest.source.file import SourceFile

Connection = psycopg.Connection[Any]

_LISTING = sql.Identifier("pg_temp", "trade_ingest_listing")
_PLANNED = sql.Identifier("pg_temp", "trade_ingest_planned")

_CHUNK_FILES = 2_000
_SORT_MEMORY = "64MB"  # of the server; a million files are sorted on its disk in no more time

_SPECIAL = re.compile(r"[\\\t\n\r]")
_ESCAPES = {"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"}
_UNESCAPES = {f"\\{letter}": text for letter, text in zip("\\tnrbfv", "\\\t\n\r\b\f\v", strict=True)}

_CREATE_SQL = sql.SQL(
    "CREATE TEMPORARY TABLE {} (uri text NOT NULL, version text NOT NULL, size_bytes bigint NOT NULL,"
    " modified_at timestamptz NOT NULL, checksum text NOT NULL, held text NOT NULL, held_because text NOT NULL)"
)

_NOT_LOADED_SQL: LiteralString = """
SELECT uri FROM unnest(%(uris)s::text[]) AS named (uri)
WHERE NOT EXISTS (
    SELECT FROM ingest.file AS f
    WHERE f.target = %(target)s AND f.uri = named.uri AND f.state IN ('loaded', 'baseline')
)
"""

_DECIDE_SQL = sql.SQL("""
COPY (
    WITH listed AS (
        SELECT DISTINCT ON (uri COLLATE "C") uri, version, size_bytes, modified_at, checksum, held, held_because
        FROM {listing}
        WHERE {condition}
        ORDER BY uri COLLATE "C", modified_at DESC, version
    ), compared AS (
        SELECT
            l.*, f.file_id, f.state, f.reason AS file_reason, f.run_id, f.loaded_at, f.same_as_file_id,
            s.uri AS same_uri, o.file_id AS other_file_id, o.version AS other_version, o.run_id AS other_run_id,
            CASE
                WHEN f.state = 'loaded' THEN 'already_loaded'
                WHEN f.state = 'baseline' THEN 'baseline'
                WHEN f.state = 'rolled_back' THEN CASE WHEN {reload} THEN 'reload' ELSE 'rolled_back' END
                WHEN f.state = 'skipped' AND f.reason = 'same_content' AND s.state = 'loaded' THEN 'same_content'
                WHEN o.file_id IS NOT NULL THEN
                    CASE WHEN {on_changed} = 'skip' THEN 'changed_skipped' ELSE 'changed' END
                WHEN f.file_id IS NULL THEN 'new'
                ELSE 'retry'
            END AS ledger_reason
        FROM listed AS l
        LEFT JOIN ingest.file AS f
            ON f.target = {target} AND f.uri = l.uri AND f.version = l.version AND f.state <> 'replaced'
        LEFT JOIN ingest.file AS s ON s.file_id = f.same_as_file_id
        LEFT JOIN LATERAL (
            SELECT p.file_id, p.version, p.run_id
            FROM ingest.file AS p
            WHERE p.target = {target} AND p.uri = l.uri AND p.version <> l.version
                AND p.state IN ('loaded', 'baseline')
            ORDER BY p.file_id DESC
            LIMIT 1
        ) AS o ON true
    ), decided AS (
        SELECT
            *,
            CASE
                WHEN held <> '' AND ledger_reason IN ('new', 'retry', 'changed', 'reload') THEN held
                ELSE ledger_reason
            END AS reason
        FROM compared
    )
    SELECT
        reason, size_bytes, uri, version, modified_at, file_id,
        CASE
            WHEN reason = 'same_content' THEN same_as_file_id
            WHEN reason IN ('changed', 'changed_skipped') THEN other_file_id
        END,
        CASE reason
            WHEN 'already_loaded' THEN format(
                'loaded by run %s at %s UTC, same version', run_id, to_char(loaded_at, 'YYYY-MM-DD HH24:MI:SS')
            )
            WHEN 'baseline' THEN 'marked as loaded by a baseline'
            WHEN 'reload' THEN 'rolled back before'
            WHEN 'rolled_back' THEN 'rolled back; load it again with --reload'
            WHEN 'same_content' THEN format('same content as file %s (%s)', same_as_file_id, same_uri)
            WHEN 'retry' THEN
                CASE state WHEN 'pending' THEN 'never finished' ELSE concat('last attempt: ', file_reason) END
            WHEN 'new' THEN ''
            WHEN held THEN held_because
            ELSE format(
                'version %s is file %s, loaded by run %s; on_changed is %s',
                other_version, other_file_id, other_run_id, {on_changed}
            )
        END,
        checksum
    FROM decided
    ORDER BY uri COLLATE "C"
) TO STDOUT (NULL '')
""")

_ALL_NEW_SQL = sql.SQL("""
COPY (
    SELECT DISTINCT ON (uri COLLATE "C")
        CASE held WHEN '' THEN 'new' ELSE held END, size_bytes, uri, version, modified_at, NULL, NULL, held_because,
        checksum
    FROM {listing}
    ORDER BY uri COLLATE "C", modified_at DESC, version
) TO STDOUT (NULL '')
""")

_REGISTER_SQL = sql.SQL("""
INSERT INTO ingest.file (target, uri, version, size_bytes, modified_at, contract_id, state)
SELECT %(target)s, uri, version, size_bytes, modified_at, %(contract_id)s, %(state)s
FROM {planned}
ON CONFLICT (target, uri, version) WHERE state <> 'replaced' DO NOTHING
""").format(planned=_PLANNED)

_REGISTERED_SQL = sql.SQL("""
SELECT f.uri, f.file_id
FROM {planned} AS l
JOIN ingest.file AS f
    ON f.target = %(target)s AND f.uri = l.uri AND f.version = l.version AND f.state <> 'replaced'
""").format(planned=_PLANNED)

# a row that another run is loading is locked and stays as it is: only settled ones are opened again
_REOPEN_SQL = """
UPDATE ingest.file SET state = 'pending', reason = NULL
WHERE file_id = ANY(%s) AND state IN ('skipped', 'rolled_back')
"""


_RECHECK_SQL = sql.SQL("""
SELECT f.uri, EXISTS (SELECT 1 FROM {listing} AS l WHERE l.uri = f.uri) AND NOT EXISTS (
    SELECT 1 FROM ingest.after_load AS a WHERE a.file_id = f.file_id AND a.state = 'done' AND a.action <> 'tag'
)
FROM ingest.file AS f
WHERE f.target = %s AND f.state = 'loaded' AND f.reason = 'recheck'
ORDER BY f.uri
""")


def stage_listing(
    connection: Connection, files: Iterable[SourceFile], on_staged: Callable[[int], None] = lambda _: None
) -> None:
    """Put a listing, as it comes, into a table of the session, in place of an earlier one.

    Args:
        connection: in autocommit mode.
        files: the listing, in any order; what it raises is passed on.
        on_staged: called now and then with the number of files so far.
    """
    with connection.transaction():
        connection.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(_LISTING))
        _copy_in(connection, _LISTING, files, on_staged)
        connection.execute(sql.SQL("ANALYZE {}").format(_LISTING))


@contextmanager
def decided_lines(
    connection: Connection,
    target: str,
    on_changed: OnChanged,
    *,
    reload: bool,
    only: Sequence[str] | None,
    has_ledger: bool,
) -> Iterator[Iterator[bytes]]:
    r"""What is to become of each file of the staged listing, in the order of the URIs, as lines for ``split_line``.

    The fields: reason, size, URI, version, modification time, the file's id in the ledger, that of the file that
    explains the reason, the explanation, the checksum.

    Args:
        connection: the one that has staged the listing.
        target: the ledger's files of this target are looked at.
        on_changed: what is done with changed files.
        reload: whether files that were rolled back are loaded.
        only: only these URIs.
        has_ledger: whether there is one; without, all files are new.
    """
    statement = _ALL_NEW_SQL.format(listing=_LISTING)
    if has_ledger:
        condition = sql.SQL("true") if only is None else sql.SQL("uri = ANY({})").format(list(only))
        statement = _DECIDE_SQL.format(
            listing=_LISTING,
            condition=condition,
            reload=sql.Literal(reload),
            on_changed=sql.Literal(on_changed.value),
            target=sql.Literal(target),
        )
    with connection.transaction():
        connection.execute(sql.SQL("SET LOCAL work_mem = {}").format(_SORT_MEMORY))
        with connection.cursor().copy(statement) as copy:
            yield (bytes(line) for line in copy)


def register(
    connection: Connection, files: Iterable[SourceFile], target: str, contract_id: int, *, state: str
) -> dict[str, int]:
    """Give each file its row in the ledger, if it has none at this version; the file ids by URI."""
    with connection.transaction():
        _copy_in(connection, _PLANNED, files)
        connection.execute(_REGISTER_SQL, {"target": target, "contract_id": contract_id, "state": state})
        ids = dict(connection.execute(_REGISTERED_SQL, {"target": target}).fetchall())
        connection.execute(sql.SQL("DROP TABLE {}").format(_PLANNED))
    return ids


def reopen(connection: Connection, file_ids: Sequence[int]) -> None:
    """Make files that were skipped or rolled back pending again."""
    connection.execute(_REOPEN_SQL, [list(file_ids)])


def marked_for_recheck(connection: Connection, target: str) -> list[tuple[str, bool]]:
    """The URIs of loaded files that a replaced file makes load again, and whether the staged listing has them."""
    statement = _RECHECK_SQL.format(listing=_LISTING)
    return connection.execute(statement, [target]).fetchall()


def line_of(fields: Iterable[object]) -> str:
    """A line as COPY has it, with its line feed; None is the empty text."""
    return "\t".join("" if field is None else _escaped(str(field)) for field in fields) + "\n"


def split_line(line: str) -> list[str]:
    """The fields of a line of ``line_of`` or ``decided_lines``, without its line feed."""
    fields = line.split("\t")
    return [re.sub(r"\\.", lambda m: _UNESCAPES[m[0]], field) for field in fields] if "\\" in line else fields


def _escaped(text: str) -> str:
    return _SPECIAL.sub(lambda match: _ESCAPES[match[0]], text) if _SPECIAL.search(text) else text


def _lines_of(files: Sequence[SourceFile]) -> str:
    text = "".join(
        [f"{f.uri}\t{f.version}\t{f.size_bytes}\t{f.modified_at}\t{f.checksum}\t{f.held}\t\n" for f in files]
    )
    separators = (text.count("\t"), text.count("\n"), text.count("\\"), text.count("\r"))
    if separators == (6 * len(files), len(files), 0, 0) and not any(f.held for f in files):
        return text  # as good as always: nothing is to be escaped
    return "".join(
        line_of((f.uri, f.version, f.size_bytes, f.modified_at, f.checksum, f.held, f.held_because)) for f in files
    )


def _copy_in(
    connection: Connection,
    table: sql.Identifier,
    files: Iterable[SourceFile],
    on_copied: Callable[[int], None] = lambda _: None,
) -> None:
    """Make a table of files; whole chunks are written, as a call for each row takes thrice the time."""
    connection.execute(_CREATE_SQL.format(table))
    count, rest = 0, iter(files)
    with connection.cursor().copy(sql.SQL("COPY {} FROM STDIN").format(table)) as copy:
        while chunk := list(islice(rest, _CHUNK_FILES)):
            copy.write(_lines_of(chunk))
            count += len(chunk)
            on_copied(count)


def not_loaded(connection: Connection, uris: Sequence[str], target: str) -> list[str]:
    """Which of the files the ledger does not have as loaded, at any version."""
    return [uri for (uri,) in connection.execute(_NOT_LOADED_SQL, {"uris": list(uris), "target": target})]
