"""What changed files would change: ``plan --diff``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from trade_ingest.cli.display import counted, format_count, printable, shortened

if TYPE_CHECKING:
    from trade_ingest.cli.invocation import Invocation
    from trade_ingest.plan import Plan
    from trade_ingest.trades.changes import FileChanges
    from trade_ingest.trades.rows import TradeRow

SHOWN_ROWS = 5
"""Of each kind, for each file."""

_SHOWN_VALUE = 40


@dataclass(frozen=True, slots=True)
class Coming:
    """What the new version of one file changes, or why that cannot be said."""

    uri: str
    changes: FileChanges | None
    error: str = ""

    def data(self) -> dict[str, Any]:
        """For JSON."""
        if self.changes is None:
            return {"error": self.error}
        found = self.changes
        return {
            "before_file_id": found.before_file_id,
            "key": list(found.key),
            "rows_before": found.rows_before,
            "rows_now": found.rows_now,
            "rows_same": found.rows_same,
            "rows_added": found.rows_added,
            "rows_removed": found.rows_removed,
            "rows_changed": found.rows_changed,
            "columns": {change.column: change.rows for change in found.columns},
        }

    def lines(self) -> Iterator[str]:
        """For people."""
        if self.changes is None:
            yield f"{printable(self.uri)}: {self.error}"
            return
        found = self.changes
        yield (
            f"{printable(self.uri)}: {format_count(found.rows_before)} rows before, {format_count(found.rows_now)} now:"
            f" {format_count(found.rows_same)} the same, {format_count(found.rows_added)} added,"
            f" {format_count(found.rows_removed)} removed, {format_count(found.rows_changed)} changed"
        )
        if found.columns:
            columns = ", ".join(f"{change.column} in {counted(change.rows, 'row')}" for change in found.columns)
            yield f"  changed: {columns}"
        names = found.key or ()
        for sign, rows in (("+", found.added), ("-", found.removed)):
            for row in rows:
                yield f"  {sign} row {format_count(row.row_number)}: {_shown(row, names)}"
        for pair in found.changed:
            values = (
                f"{name} {_value(pair.before.values[name])} → {_value(pair.now.values[name])}" for name in pair.columns
            )
            yield f"  ~ row {format_count(pair.now.row_number)}: {_shown(pair.now, names)}: {', '.join(values)}"


def coming_changes(invocation: Invocation, sources: Sequence[str], the_plan: Plan) -> Iterator[tuple[str, Coming]]:
    """What the new version of each changed file would change, by URI, in the order of the plan.

    A file that cannot be read, or does not fit the contract, gets its error; the others go on.
    """
    from trade_ingest.errors import FileError, NotInLedgerError, StoreError
    from trade_ingest.ledger.connection import open_connection, wrap_database_errors
    from trade_ingest.plan import PlanReason
    from trade_ingest.source.access import Accesses
    from trade_ingest.trades.changes import find_coming_changes

    changed = [planned for planned in the_plan.to_load if planned.reason == PlanReason.CHANGED]
    if not changed:
        return
    accesses = Accesses.to(sources, invocation.settings.store_connections)
    with wrap_database_errors(), open_connection(invocation.database, name="trade-ingest plan") as connection:
        for planned in changed:
            file = replace(planned.file, access=accesses.of_uri(planned.file.uri))
            try:
                assert planned.other_file_id is not None
                found = find_coming_changes(
                    connection, file, invocation.contract, planned.other_file_id, limit=SHOWN_ROWS
                )
            except (FileError, StoreError, NotInLedgerError) as exc:
                yield file.uri, Coming(file.uri, None, f"[{exc.code}] {exc.message}")
            else:
                yield file.uri, Coming(file.uri, found)


def _shown(row: TradeRow, names: Sequence[str]) -> str:
    """What a row is known by; without a key its values."""
    chosen = names or [name for name, value in row.values.items() if value is not None]
    return ", ".join(f"{name} {_value(row.values[name])}" for name in chosen)


def _value(value: str | None) -> str:
    return "NULL" if value is None else shortened(printable(value), _SHOWN_VALUE)
