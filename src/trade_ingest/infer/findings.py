"""All that was found out about the samples."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from trade_ingest.contract.types import Kind
from trade_ingest.infer.columns import FoundColumn
from trade_ingest.infer.dialect import FoundDialect
from trade_ingest.infer.key import KeyCandidate
from trade_ingest.infer.kinds import FoundKind
from trade_ingest.infer.numbers import Marks
from trade_ingest.infer.paths import PathValues
from trade_ingest.infer.roles import Roles
from trade_ingest.infer.sample import Sample
from trade_ingest.infer.table import Table


@dataclass(frozen=True, slots=True)
class Findings:
    """The samples and what each look at them has found.

    Attributes:
        samples: the files.
        dialect: how they are cut into cells.
        table: their cells.
        marks: of their numbers.
        columns: of the files.
        roles: of the columns.
        kind: what the rows are.
        key: what may identify a row.
        path: what the files' names say.
        trailer: a pattern for the last record, and what its count counts; empty: none.
        ignored: expressions of records that are no rows.
        repeats_header: the header is one of them.
    """

    samples: Sequence[Sample]
    dialect: FoundDialect
    table: Table
    marks: Marks
    columns: Sequence[FoundColumn]
    roles: Roles
    kind: FoundKind
    key: KeyCandidate
    path: PathValues
    trailer: tuple[str, str] = ("", "")
    ignored: tuple[str, ...] = ()
    repeats_header: bool = False

    @property
    def by_position(self) -> bool:
        """Whether columns are named by their place, as their names do not tell them apart."""
        names = self.dialect.header
        if names is None or self.repeats_header:
            return True
        repeated = any(count > 1 for count in Counter(names).values())
        return repeated or any(set("{}") & set(name) or name.strip().isdecimal() for name in names)

    @property
    def needs_trim(self) -> bool:
        """Whether blanks around cells would keep them from being what they are."""
        padded = [column for column in self.columns if column.is_padded]
        return any(c.kind != Kind.TEXT or c.clock is not None or self.roles.is_taken(c) for c in padded)


@dataclass(slots=True)
class Relaxed:
    """What a trial of a proposed contract has shown to be too strict.

    Attributes:
        is_own: the shared layout does not hold the rows.
        why_own: why not.
        as_text: columns, by name in the target, that are text.
        optional: columns that may be empty.
        no_time: the event time cannot be read.
        ignores_without_time: records without an event time are passed over.
        no_trailer: the end of the files is not what it seemed.
    """

    is_own: bool = False
    why_own: str = ""
    as_text: set[str] = field(default_factory=set)
    optional: set[str] = field(default_factory=set)
    no_time: bool = False
    ignores_without_time: bool = False
    no_trailer: bool = False
