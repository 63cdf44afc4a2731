"""Which rows of a target are read: those of a span of event times, or of one file.

No target has an index on its event time: it would cost a tenth of each load. The ledger knows which files have events
in a span, and the summary index on ``file_id`` finds their rows; partitions that the span does not touch are left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, LiteralString

from psycopg import errors as pg
from psycopg import sql

from trade_ingest.errors import DatabaseUnavailableError, NotInLedgerError

if TYPE_CHECKING:
    import psycopg

    from trade_ingest.trades.target import TradeTarget

    Connection = psycopg.Connection[Any]

NEWEST_FILES: Final = 20_000
"""The newest rows of ``ingest.file`` that are looked at for a target's last event, and for the files of a span."""

NAMED_FILES: Final = 500
"""More files are not named to PostgreSQL one by one: each of them is looked up in the summary index."""

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Window:
    """Some rows of a target: those with ``event_from <= event time < event_to`` of loaded files, or of one file.

    Attributes:
        target: the target.
        table: the quoted table that has the rows.
        event_from: begin of the span; None: the target has no rows at all.
        event_to: end of the span.
        condition: SQL over the table's columns.
    """

    target: TradeTarget
    table: sql.Identifier
    event_from: datetime | None
    event_to: datetime | None
    condition: sql.Composable

    @property
    def seconds(self) -> float:
        """How long the span is."""
        if self.event_from is None or self.event_to is None:
            return 0.0
        return max((self.event_to - self.event_from).total_seconds(), 0.0)


def find_window(
    connection: Connection,
    target: TradeTarget,
    *,
    event_from: datetime | None = None,
    event_to: datetime | None = None,
    file_id: int | None = None,
) -> Window:
    """The rows that are meant; of what is not given, the day that ends the span or, with a file, all of its rows.

    The day is that of the last event of the target, or of its ``NEWEST_FILES`` newest files where it has more.

    Args:
        connection: to a database with a ledger.
        target: the target.
        event_from: this moment and later.
        event_to: before this moment.
        file_id: only rows of this file; of one that was replaced, the rows that are kept.

    Raises:
        NotInLedgerError: there is no such file in the target.
    """
    if file_id is not None:
        return _window_of_file(connection, target, file_id, event_from, event_to)
    end = event_to or _end_of_last_day(connection, target)
    if end is None:
        return Window(target, target.table, None, None, sql.SQL("false"))
    begin = event_from or _moved(end, -_DAY)
    files = _files_condition(connection, target, begin, end)
    condition = sql.SQL("{} AND {}").format(_times(target, begin, end), files)
    return Window(target, target.table, begin, end, condition)


@contextmanager
def within_time(target: TradeTarget) -> Iterator[None]:
    """Say what to do where PostgreSQL takes too long.

    Raises:
        DatabaseUnavailableError: it did.
    """
    try:
        yield
    except pg.QueryCanceled as exc:
        message = f"{target.name}: reading its rows took longer than the server allows"
        raise DatabaseUnavailableError(message, hint="ask for a shorter span, or for one file_id") from exc


_FILE_SQL: LiteralString = """
SELECT state, event_time_min, event_time_max FROM ingest.file WHERE file_id = %s AND target = %s
"""


def _window_of_file(
    connection: Connection, target: TradeTarget, file_id: int, event_from: datetime | None, event_to: datetime | None
) -> Window:
    row = connection.execute(_FILE_SQL, [file_id, target.name]).fetchone()
    if row is None:
        message = f"the ledger has no file {file_id} in {target.name}"
        raise NotInLedgerError(message, hint="list the files with: trade-ingest files", file_id=file_id)
    state, first, last = row
    if first is None or last is None or state not in {"loaded", "replaced"}:
        return Window(target, target.table, None, None, sql.SQL("false"))
    begin = event_from or first
    end = event_to or _moved(last, timedelta(microseconds=1))
    table = target.replaced_table if state == "replaced" else target.table
    condition = sql.SQL("{} AND file_id = {}").format(_times(target, begin, end), sql.Literal(file_id))
    return Window(target, table, begin, end, condition)


_LAST_EVENT_SQL: LiteralString = """
SELECT max(event_time_max) FILTER (WHERE state = 'loaded')
FROM (
    SELECT state, event_time_max FROM ingest.file WHERE target = %s ORDER BY file_id DESC LIMIT %s
) AS newest
"""


def last_event_at(connection: Connection, target: TradeTarget) -> datetime | None:
    """The last event time of the target's loaded files, or of the ``NEWEST_FILES`` newest of them; None without any."""
    row = connection.execute(_LAST_EVENT_SQL, [target.name, NEWEST_FILES]).fetchone()
    found: datetime | None = row[0] if row else None
    return found


def _end_of_last_day(connection: Connection, target: TradeTarget) -> datetime | None:
    last = last_event_at(connection, target)
    if last is None:
        return None
    return _moved(last.replace(hour=0, minute=0, second=0, microsecond=0), _DAY)


def _moved(moment: datetime, by: timedelta) -> datetime:
    """The moment later or earlier; at most as late or early as a moment can be."""
    try:
        return moment.astimezone(UTC) + by
    except OverflowError:
        return datetime.max.replace(tzinfo=UTC) if by > timedelta() else datetime.min.replace(tzinfo=UTC)


def _times(target: TradeTarget, begin: datetime, end: datetime) -> sql.Composed:
    column = sql.Identifier(target.event_time)
    return sql.SQL("{column} >= {begin} AND {column} < {end}").format(
        column=column, begin=sql.Literal(begin), end=sql.Literal(end)
    )


_FILES_SQL: LiteralString = """
SELECT count(*), coalesce(array_agg(file_id ORDER BY file_id) FILTER (
    WHERE state = 'loaded' AND rows_loaded > 0 AND event_time_max >= %(begin)s AND event_time_min < %(end)s
), '{}')
FROM (SELECT * FROM ingest.file WHERE target = %(target)s ORDER BY file_id DESC LIMIT %(limit)s) AS newest
"""


def _files_condition(connection: Connection, target: TradeTarget, begin: datetime, end: datetime) -> sql.Composable:
    """The rows of loaded files, and not those that a load which is not over has committed already."""
    parameters = {"target": target.name, "begin": begin, "end": end, "limit": NEWEST_FILES + 1}
    row = connection.execute(_FILES_SQL, parameters).fetchone()
    assert row is not None
    known, inside = row
    is_known = known <= NEWEST_FILES
    if is_known and not inside:
        return sql.SQL("false")
    if is_known and len(inside) <= NAMED_FILES:
        return sql.SQL("file_id = ANY({})").format(sql.Literal(inside))
    finished = sql.SQL("file_id <> ALL(ARRAY(SELECT DISTINCT p.file_id FROM ingest.file_part AS p))")
    if not is_known:
        return finished
    between = sql.SQL("file_id BETWEEN {} AND {} AND {}")
    return between.format(sql.Literal(inside[0]), sql.Literal(inside[-1]), finished)
