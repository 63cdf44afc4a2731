"""Files a page at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import LiteralString

from trade_ingest.ledger.pages import Condition, Listing, SortKey
from trade_ingest.ledger.queries import like_pattern

# each expression that is not narrow has its index in migration 0003, spelled the same way
FILES = Listing(
    table="ingest.file",
    id_column="file_id",
    columns="t.file_id, t.target, t.uri, t.version, t.size_bytes, t.modified_at, t.state, t.reason, t.run_id,"
    " t.contract_id, t.rows_read, t.rows_loaded, t.rows_duplicate, t.rows_rejected, t.event_time_min,"
    " t.event_time_max, t.discovered_at, t.loaded_at, t.replaces_file_id, t.same_as_file_id, t.error",
    joined="c.name AS contract, c.version AS contract_version, coalesce(a.number, 0) AS attempts,"
    " a.started_at AS claimed_at, extract(epoch FROM a.ended_at - a.started_at)::float8 AS duration_seconds",
    joins="JOIN ingest.contract AS c USING (contract_id) LEFT JOIN LATERAL ("
    "SELECT number, started_at, ended_at FROM ingest.attempt WHERE attempt.file_id = t.file_id"
    " ORDER BY number DESC LIMIT 1) AS a ON true",
    sorts={
        "file_id": SortKey("t.file_id", "bigint"),
        "uri": SortKey("t.uri", "text"),
        "size_bytes": SortKey("t.size_bytes", "bigint"),
        "rows_read": SortKey("t.rows_read", "bigint"),
        "rows_rejected": SortKey("t.rows_rejected", "bigint"),
        "loaded_at": SortKey("coalesce(t.loaded_at, '-infinity'::timestamptz)", "timestamptz"),
        "modified_at": SortKey("t.modified_at", "timestamptz", is_narrow=True),
        "event_time_min": SortKey(
            "coalesce(t.event_time_min, '-infinity'::timestamptz)", "timestamptz", is_narrow=True
        ),
        **{name: SortKey(f"t.{name}", "bigint", is_narrow=True) for name in ("rows_loaded", "rows_duplicate")},
        **{name: SortKey(f"t.{name}", "text", is_narrow=True) for name in ("state", "version")},
        "reason": SortKey("coalesce(t.reason, t.error->>'code', '')", "text", is_narrow=True),
        "attempts": SortKey(
            "coalesce((SELECT max(a.number) FROM ingest.attempt AS a WHERE a.file_id = t.file_id), 0)",
            "bigint",
            is_narrow=True,
        ),
    },
)


@dataclass(frozen=True, slots=True)
class FileFilter:
    """Which files are listed; what is None or empty does not narrow them.

    `run_id` is the run that touched a file last. `uri` may have the wildcards `*` and `?`, and is any part of a URI
    without one. `event_from` and `event_to` keep files with an event time between them. Times are from (included) to
    (excluded).
    """

    run_id: int | None = None
    state: tuple[str, ...] = ()
    target: str | None = None
    contract: str | None = None
    uri: str | None = None
    reason: str | None = None
    loaded_from: datetime | None = None
    loaded_to: datetime | None = None
    discovered_from: datetime | None = None
    discovered_to: datetime | None = None
    event_from: datetime | None = None
    event_to: datetime | None = None
    min_size_bytes: int | None = None
    max_size_bytes: int | None = None
    min_rows_rejected: int | None = None

    def conditions(self) -> list[Condition]:
        """The filter as SQL."""
        return list(self._conditions())

    def _conditions(self) -> Iterator[Condition]:
        if "loaded" in self.state:
            yield Condition("t.state = ANY(%(state)s)", {"state": list(self.state)})
        elif len(self.state) == 1:  # only the other states have indexes
            sql: LiteralString = "t.state = %(state)s AND t.state <> 'loaded'"
            yield Condition(sql, {"state": self.state[0]}, is_indexed=True)
        elif self.state:
            sql = "t.state = ANY(%(state)s) AND t.state <> 'loaded'"
            yield Condition(sql, {"state": list(self.state)}, is_indexed=True, only_by_id=True)
        for name, sql in _FILE_CONDITIONS.items():
            value = getattr(self, name)
            if value is not None:
                parameter = like_pattern(value) if name == "uri" else value
                yield Condition(sql, {name: parameter}, is_indexed=name in _INDEXED, only_by_id=name == "target")


_INDEXED = {"run_id", "target"}

_FILE_CONDITIONS: Mapping[str, LiteralString] = {
    "run_id": "t.run_id = %(run_id)s",
    "target": "t.target = %(target)s",
    "contract": "t.contract_id = ANY(ARRAY(SELECT contract_id FROM ingest.contract WHERE name = %(contract)s))",
    "uri": "t.uri LIKE %(uri)s",
    "reason": "(t.reason = %(reason)s OR t.error->>'code' = %(reason)s)",
    "loaded_from": "t.loaded_at >= %(loaded_from)s",
    "loaded_to": "t.loaded_at < %(loaded_to)s",
    "discovered_from": "t.discovered_at >= %(discovered_from)s",
    "discovered_to": "t.discovered_at < %(discovered_to)s",
    "event_from": "t.event_time_max >= %(event_from)s",
    "event_to": "t.event_time_min < %(event_to)s",
    "min_size_bytes": "t.size_bytes >= %(min_size_bytes)s",
    "max_size_bytes": "t.size_bytes <= %(max_size_bytes)s",
    "min_rows_rejected": "t.rows_rejected >= %(min_rows_rejected)s",
}
