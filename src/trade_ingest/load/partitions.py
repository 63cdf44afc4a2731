"""Partitions of a target, made while loads run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from typing import Any

import psycopg
from psycopg import sql
from psycopg.errors import InsufficientPrivilege

from trade_ingest.errors import FileError
from trade_ingest.load.rights import missing_target_rights
from trade_ingest.load.target import TargetTable, attached_partitions, lock_target

MOST_PARTITIONS_PER_FILE = 1200
"""A file whose rows spread over more partitions is taken for broken: 100 years of months."""


class Partitions:
    """Makes sure that a target has the partitions that rows need.

    Each missing one is made as a table of its own and attached, in a short transaction on another connection than the
    one that loads: attaching does not wait for running COPYs, nor they for it. Safe with any number of callers.
    """

    def __init__(self, target: TargetTable, connect: Callable[[], psycopg.Connection[Any]]) -> None:
        self._target = target
        self._connect = connect
        self._known: set[date] = set()
        self._of_file: set[date] = set()

    def begin_file(self) -> None:
        """Count from here on what the rows of one file need."""
        self._of_file.clear()

    def ensure(self, days: Iterable[date]) -> bool:
        """Make the partitions that hold the days; true if the caller must begin a new COPY to see them.

        Raises:
            FileError: the file's rows spread over too many partitions.
            DatabasePermissionError: the role may not make partitions; the hint has the statements that let it.
        """
        if self._target.partition_by == "none":
            return False
        self._of_file.update(self._start_of(day) for day in days)
        missing = sorted(self._of_file - self._known)
        if not missing:
            return False
        if len(self._of_file) > MOST_PARTITIONS_PER_FILE:
            first, last = min(self._of_file), max(self._of_file)
            message = f"rows spread over more than {MOST_PARTITIONS_PER_FILE} partitions ({first} to {last})"
            raise FileError(message, hint=f"check {self._target.event_time}, or set min and max for it in the contract")
        connection = self._connect()
        with self._naming_rights(connection), connection.transaction():
            attached = attached_partitions(connection, self._target)
            absent = [start for start in missing if self._name_of(start) not in attached]
            if absent:
                lock_target(connection, self._target)
                attached = attached_partitions(connection, self._target)
            for start in absent:
                if self._name_of(start) not in attached:
                    self._make(connection, start)
        self._known.update(missing)
        return True

    @contextmanager
    def _naming_rights(self, connection: psycopg.Connection[Any]) -> Iterator[None]:
        try:
            yield
        except InsufficientPrivilege as exc:
            missing = missing_target_rights(connection, self._target)
            if not missing.rights:
                raise
            raise missing.error() from exc

    def _make(self, connection: psycopg.Connection[Any], start: date) -> None:
        partition = sql.Identifier(self._target.schema_name, self._name_of(start))
        bounds = [sql.Literal(f"{day.isoformat()} 00:00:00+00") for day in (start, self._end_of(start))]
        connection.execute(
            sql.SQL("CREATE TABLE {} (LIKE {} INCLUDING DEFAULTS INCLUDING STORAGE)").format(
                partition, self._target.identifier
            )
        )
        connection.execute(
            sql.SQL("ALTER TABLE {} ATTACH PARTITION {} FOR VALUES FROM ({}) TO ({})").format(
                self._target.identifier, partition, *bounds
            )
        )

    def _start_of(self, day: date) -> date:
        return {"day": day, "month": day.replace(day=1), "year": day.replace(month=1, day=1)}[self._target.partition_by]

    def _end_of(self, start: date) -> date:
        return self._start_of(start + timedelta({"day": 1, "month": 31, "year": 366}[self._target.partition_by]))

    def _name_of(self, start: date) -> str:
        digits = start.isoformat().replace("-", "")
        return f"{self._target.table}_p{digits[: {'day': 8, 'month': 6, 'year': 4}[self._target.partition_by]]}"
