"""What the ledger says of files, attempts and rejects; each function is one statement or one transaction's part."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import psycopg
from psycopg import sql

from trade_ingest.errors import DatabaseUnavailableError
from trade_ingest.parse.reject import Reject

Connection = psycopg.Connection[Any]

_ESCAPED_NUL = re.compile(r"(?<!\\)((?:\\\\)*)\\u0000")  # not the text \u0000, whose backslash is doubled

FINAL_STATES = ("loaded", "skipped", "rolled_back", "baseline", "replaced")
"""States in which a file is not loaded again at the same version."""


@dataclass(frozen=True, slots=True)
class FileRow:
    """A row of ``ingest.file``, as far as loading needs it."""

    file_id: int
    target: str
    uri: str
    version: str
    state: str
    reason: str | None
    run_id: int | None
    content_hash: bytes | None
    rows_read: int
    rows_loaded: int
    rows_duplicate: int
    rows_rejected: int
    event_time_min: datetime | None
    event_time_max: datetime | None
    same_as_file_id: int | None
    replaces_file_id: int | None


_COLUMNS = sql.SQL(", ").join(map(sql.Identifier, FileRow.__dataclass_fields__))
_LOCK = sql.SQL("SELECT {} FROM ingest.file WHERE file_id = %s FOR NO KEY UPDATE").format(_COLUMNS)
# as bytes: composing them anew for each file took 40 µs each
_LOCK_SQL = _LOCK.as_bytes()
_LOCK_OR_SKIP_SQL = (_LOCK + sql.SQL(" SKIP LOCKED")).as_bytes()
_PREDECESSOR_SQL = (
    sql.SQL(
        "SELECT {} FROM ingest.file WHERE target = %s AND uri = %s AND file_id <> %s"
        " AND state IN ('loaded', 'baseline')"
        " ORDER BY state = 'loaded' DESC, loaded_at DESC, file_id DESC LIMIT 1 FOR NO KEY UPDATE"
    )
    .format(_COLUMNS)
    .as_bytes()
)


@dataclass(frozen=True, slots=True)
class LoadedCounts:
    """What a file's transaction writes about it."""

    content_hash: bytes
    content_bytes: int
    rows_read: int
    rows_loaded: int
    rows_duplicate: int
    rows_rejected: int
    control_totals: Mapping[str, Decimal]
    event_time_min: datetime | None
    event_time_max: datetime | None
    days: Mapping[date, int]
    header: list[str] | None
    header_record: bytes | None


def lock_file(connection: Connection, file_id: int, *, waits: bool) -> FileRow | None:
    """Lock a file's row until the transaction ends; None if another transaction has it and ``waits`` is false.

    The lock lets others refer to the row (their attempts), but not change it.
    """
    row = connection.execute(_LOCK_SQL if waits else _LOCK_OR_SKIP_SQL, [file_id]).fetchone()
    return None if row is None else FileRow(*row)


def find_predecessor(connection: Connection, row: FileRow) -> FileRow | None:
    """The version of a file, other than this one, that is loaded or else marked as loaded; the newest, locked."""
    found = connection.execute(_PREDECESSOR_SQL, [row.target, row.uri, row.file_id]).fetchone()
    return None if found is None else FileRow(*found)


def has_loaded_content_of_size(connection: Connection, target: str, content_bytes: int) -> bool:
    """Whether a loaded file has so many bytes of content, so that comparing hashes may save a load."""
    found = connection.execute(
        "SELECT 1 FROM ingest.file WHERE target = %s AND content_bytes = %s AND state = 'loaded' LIMIT 1",
        [target, content_bytes],
    )
    return found.fetchone() is not None


def find_same_content(connection: Connection, target: str, content_hash: bytes) -> int | None:
    """The loaded file with that content."""
    found = connection.execute(
        "SELECT file_id FROM ingest.file"
        " WHERE target = %s AND content_hash = %s AND state = 'loaded' AND rows_read > 0",
        [target, content_hash],
    ).fetchone()
    return None if found is None else int(found[0])


def start_attempt(connection: Connection, file_id: int, run_id: int, worker: str) -> tuple[int, int]:
    """Record that an attempt begins; committed at once.

    Returns:
        The attempt's id, and its number among the attempts at this file.
    """
    row = None
    while row is None:  # the number is taken when a statement that a dead process had sent is carried out only now
        row = connection.execute(
            "INSERT INTO ingest.attempt (file_id, run_id, number, state, worker)"
            " SELECT %(file_id)s, %(run_id)s, coalesce(max(number), 0) + 1, 'running', %(worker)s"
            " FROM ingest.attempt WHERE file_id = %(file_id)s"
            " ON CONFLICT (file_id, number) DO NOTHING RETURNING attempt_id, number",
            {"file_id": file_id, "run_id": run_id, "worker": worker},
        ).fetchone()
    return int(row[0]), int(row[1])


def end_attempt(
    connection: Connection,
    attempt_id: int,
    state: str,
    *,
    rows_read: int = 0,
    bytes_read: int = 0,
    stage_seconds: Mapping[str, float] | None = None,
    error: Mapping[str, Any] | None = None,
) -> None:
    """Record how an attempt ended; one that has loaded the file stays so, whatever its caller knows of its COMMIT."""
    connection.execute(
        "UPDATE ingest.attempt SET state = %s, ended_at = clock_timestamp(), rows_read = %s, bytes_read = %s,"
        " stage_seconds = %s, error = %s WHERE attempt_id = %s AND state <> 'loaded'",
        [state, rows_read, bytes_read, json_text(stage_seconds), json_text(error), attempt_id],
    )


_LOADED = """
WITH loaded AS (
    UPDATE ingest.file SET state = 'loaded', reason = NULL, error = NULL, run_id = %(run_id)s,
        contract_id = %(contract_id)s, content_hash = %(content_hash)s, content_bytes = %(content_bytes)s,
        rows_read = %(rows_read)s, rows_loaded = %(rows_loaded)s, rows_duplicate = %(rows_duplicate)s,
        rows_rejected = %(rows_rejected)s, control_totals = %(control_totals)s, event_time_min = %(event_time_min)s,
        event_time_max = %(event_time_max)s, event_days = %(event_days)s, event_day_rows = %(event_day_rows)s,
        header = %(header)s, header_record = %(header_record)s,
        replaces_file_id = %(replaces)s, same_as_file_id = NULL, loaded_at = clock_timestamp()
    WHERE file_id = %(file_id)s
), """
# a version that another process is loading in this moment is locked: it will find out by itself that it is outdated
_OUTDATED = """outdated AS (
    SELECT other.file_id
    FROM ingest.file AS present
    JOIN ingest.file AS other ON other.target = present.target AND other.uri = present.uri
    WHERE present.file_id = %(file_id)s AND other.file_id <> present.file_id AND other.state IN ('pending', 'failed')
    FOR NO KEY UPDATE OF other SKIP LOCKED
), forgotten AS (
    DELETE FROM ingest.reject WHERE file_id IN (SELECT file_id FROM outdated)
)
UPDATE ingest.file SET state = 'skipped', reason = 'outdated', error = NULL, rows_read = 0, rows_rejected = 0
WHERE file_id IN (SELECT file_id FROM outdated)
"""
_LOADED_SQL = _LOADED + _OUTDATED
_OUTDATE_SQL = "WITH " + _OUTDATED


def mark_loaded(
    connection: Connection, file_id: int, run_id: int, contract_id: int, counts: LoadedCounts, replaces: int | None
) -> None:
    """Publish a file, and settle its versions that never were loaded; see ``outdate_others``.

    Raises:
        psycopg.errors.UniqueViolation: a loaded file has the same content (index ``file_content``); waits for a
            transaction that is about to publish it.
    """
    facts = {name: getattr(counts, name) for name in LoadedCounts.__dataclass_fields__}
    facts["control_totals"] = json_text({name: str(total) for name, total in counts.control_totals.items()})
    days = sorted(facts.pop("days").items())
    facts |= {"event_days": [day for day, _ in days], "event_day_rows": [rows for _, rows in days]}
    others = {"file_id": file_id, "run_id": run_id, "contract_id": contract_id, "replaces": replaces}
    connection.execute(_LOADED_SQL, facts | others)


def outdate_others(connection: Connection, file_id: int) -> None:
    """Settle the versions of a file that never were loaded, and forget their rejects: the file has changed since."""
    connection.execute(_OUTDATE_SQL, {"file_id": file_id})


def mark_skipped(
    connection: Connection,
    file_id: int,
    run_id: int,
    reason: str,
    *,
    same_as: int | None,
    content_hash: bytes | None,
    replaces: int | None,
) -> None:
    """Record that a file needs no loading, and why; ``replaces`` is the version whose rows it has taken out."""
    connection.execute(
        "UPDATE ingest.file SET state = 'skipped', reason = %s, run_id = %s, same_as_file_id = %s, content_hash = %s,"
        " replaces_file_id = %s, error = NULL WHERE file_id = %s",
        [reason, run_id, same_as, content_hash, replaces, file_id],
    )
    delete_rejects(connection, file_id)
    outdate_others(connection, file_id)


def mark_failed(
    connection: Connection, file_id: int, run_id: int, error: Mapping[str, Any], rows_read: int, rows_rejected: int
) -> bool:
    """Record a failure, unless the file was published or skipped meanwhile; whether it was recorded."""
    cursor = connection.execute(
        "UPDATE ingest.file SET state = 'failed', reason = %s, run_id = %s, error = %s, rows_read = %s,"
        " rows_rejected = %s, rows_loaded = 0, rows_duplicate = 0, control_totals = '{}', loaded_at = NULL"
        " WHERE file_id = %s AND state IN ('pending', 'failed')",
        [error["code"], run_id, json_text(error), rows_read, rows_rejected, file_id],
    )
    return cursor.rowcount == 1


def delete_rejects(connection: Connection, file_id: int) -> None:
    """Forget the rejects of earlier attempts, which a new attempt finds again."""
    connection.execute("DELETE FROM ingest.reject WHERE file_id = %s", [file_id])


def add_rejects(connection: Connection, file_id: int, run_id: int, rejects: Iterable[Reject]) -> None:
    """Keep rows that broke the contract."""
    statement = "COPY ingest.reject (file_id, run_id, row_number, byte_offset, raw, raw_text, reasons) FROM STDIN"
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        for reject in rejects:
            reasons = json_text([reason.as_dict() for reason in reject.reasons])
            copy.write_row(
                (file_id, run_id, reject.row_number, reject.byte_offset, reject.raw, reject.raw_text, reasons)
            )


def add_overlaps(connection: Connection, file_id: int, duplicates: Mapping[int, int]) -> None:
    """Record how many rows of a file other files had delivered before.

    Keeps those files loaded until the transaction ends: were one taken out meanwhile, its rows would be nowhere.

    Raises:
        DatabaseUnavailableError: one of them is being taken out; trying again loads the rows.
    """
    originals = {original: rows for original, rows in duplicates.items() if original != file_id}
    if not originals:
        return
    states = dict(
        connection.execute(
            "SELECT file_id, state FROM ingest.file WHERE file_id = ANY(%s) ORDER BY file_id FOR SHARE",
            [list(originals)],
        ).fetchall()
    )
    if any(state not in {"loaded", "baseline"} for state in states.values()):
        raise DatabaseUnavailableError("a file that has the same rows is being taken out", hint="run it again")
    originals = {original: originals[original] for original in states}  # others came by other means: nobody takes them
    for original, rows in originals.items():
        connection.execute(
            "INSERT INTO ingest.overlap (file_id, original_file_id, rows) VALUES (%s, %s, %s)"
            " ON CONFLICT (file_id, original_file_id) DO UPDATE SET rows = overlap.rows + EXCLUDED.rows",
            [file_id, original, rows],
        )


def register_contract(connection: Connection, name: str, version: int, fingerprint: str, definition: str) -> int:
    """The ledger's id of a contract, which is kept as it is; the same contract always has the same id.

    A contract that is known is only read: files of one contract do not wait for each other's commits.
    """
    key = [name, version, fingerprint]
    while True:
        row = connection.execute(
            "SELECT contract_id FROM ingest.contract WHERE name = %s AND version = %s AND fingerprint = %s", key
        ).fetchone()
        if row is not None:
            return int(row[0])
        connection.execute(
            "INSERT INTO ingest.contract (name, version, fingerprint, definition) VALUES (%s, %s, %s, %s)"
            " ON CONFLICT (name, version, fingerprint) DO NOTHING",
            [*key, definition],
        )


def json_text(value: object) -> str | None:
    """A value as JSON that ``jsonb`` takes: NUL, which it cannot hold, is shown as backslash, x and zeros."""
    return None if value is None else _ESCAPED_NUL.sub(r"\1\\\\x00", json.dumps(value, ensure_ascii=False))
