"""Runs a page at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import LiteralString

from trade_ingest.ledger.pages import Condition, Listing, SortKey
from trade_ingest.ledger.queries import like_pattern

_SECONDS: LiteralString = "extract(epoch FROM coalesce(t.ended_at, clock_timestamp()) - t.started_at)::float8"

_COUNTS = (
    "files_planned",
    "files_loaded",
    "files_failed",
    "files_skipped",
    "rows_read",
    "rows_loaded",
    "rows_duplicate",
    "rows_rejected",
    "bytes_read",
)
_TEXTS = ("state", "kind", "target", "engine", "started_by")

# each expression has its index in migration 0003, spelled the same way; a run that goes on counts as the longest
RUNS = Listing(
    table="ingest.run",
    id_column="run_id",
    columns="t.run_id, t.kind, t.state, t.target, t.sources, t.contract_id, t.engine, t.started_by, t.host,"
    " t.process_id, t.program_version, t.started_at, t.ended_at,"
    " t.files_planned, t.files_loaded, t.files_failed, t.files_skipped,"
    " t.rows_read, t.rows_loaded, t.rows_duplicate, t.rows_rejected, t.bytes_read, t.error",
    joined="c.name AS contract, c.version AS contract_version,"
    f" {_SECONDS} AS duration_seconds, (t.rows_read / nullif({_SECONDS}, 0))::float8 AS rows_per_second",
    joins="LEFT JOIN ingest.contract AS c USING (contract_id)",
    sorts={
        "run_id": SortKey("t.run_id", "bigint"),
        "started_at": SortKey("t.run_id", "bigint"),  # runs are numbered as they start
        "ended_at": SortKey("coalesce(t.ended_at, 'infinity'::timestamptz)", "timestamptz"),
        "duration_seconds": SortKey(
            "coalesce(extract(epoch FROM t.ended_at - t.started_at)::float8, 'infinity'::float8)", "float8"
        ),
        "rows_per_second": SortKey(
            "coalesce(t.rows_read / nullif(extract(epoch FROM t.ended_at - t.started_at)::float8, 0), 0)", "float8"
        ),
        **{name: SortKey(f"t.{name}", "bigint") for name in _COUNTS},
        **{name: SortKey(f"t.{name}", "text") for name in _TEXTS},
    },
)


@dataclass(frozen=True, slots=True)
class RunFilter:
    """Which runs are listed; what is None or empty does not narrow them.

    `source` may have the wildcards `*` and `?`, and is any part of a source without one. Times are from (included) to
    (excluded).
    """

    state: tuple[str, ...] = ()
    kind: tuple[str, ...] = ()
    target: str | None = None
    contract: str | None = None
    engine: str | None = None
    started_by: str | None = None
    source: str | None = None
    started_from: datetime | None = None
    started_to: datetime | None = None
    ended_from: datetime | None = None
    ended_to: datetime | None = None
    min_files_failed: int | None = None
    min_rows_rejected: int | None = None
    min_duration_seconds: float | None = None

    def conditions(self) -> list[Condition]:
        """The filter as SQL."""
        return list(self._conditions())

    def _conditions(self) -> Iterator[Condition]:
        if len(self.state) == 1:
            yield Condition("t.state = %(state)s", {"state": self.state[0]}, is_indexed=True, only_by_id=True)
        elif self.state:
            yield Condition("t.state = ANY(%(state)s)", {"state": list(self.state)})
        for name, sql in _RUN_CONDITIONS.items():
            value = getattr(self, name)
            if value is None or value == ():
                continue
            if isinstance(value, tuple):
                value = list(value)
            yield Condition(sql, {name: value})
        if self.source is not None:
            pattern = like_pattern(self.source)
            yield Condition(_SOURCE_CONDITION, {"source": pattern, "sources": f"%{pattern}%"})


_RUN_CONDITIONS: Mapping[str, LiteralString] = {
    "kind": "t.kind = ANY(%(kind)s)",
    "target": "t.target = %(target)s",
    "contract": "t.contract_id = ANY(ARRAY(SELECT contract_id FROM ingest.contract WHERE name = %(contract)s))",
    "engine": "t.engine = %(engine)s",
    "started_by": "t.started_by = %(started_by)s",
    "started_from": "t.started_at >= %(started_from)s",
    "started_to": "t.started_at < %(started_to)s",
    "ended_from": "t.ended_at >= %(ended_from)s",
    "ended_to": "t.ended_at < %(ended_to)s",
    "min_files_failed": "t.files_failed >= %(min_files_failed)s",
    "min_rows_rejected": "t.rows_rejected >= %(min_rows_rejected)s",
    "min_duration_seconds": "extract(epoch FROM coalesce(t.ended_at, clock_timestamp()) - t.started_at)"
    " >= %(min_duration_seconds)s",
}

# all sources as one text first: a look at each of them takes three times as long
_SOURCE_CONDITION: LiteralString = (
    "array_to_string(t.sources, ' ') LIKE %(sources)s"
    " AND EXISTS (SELECT FROM unnest(t.sources) AS source WHERE source LIKE %(source)s)"
)
