"""Propose a contract from samples of a feed, and try it on them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import polars as pl

from trade_ingest.contract.loading import parse_contract
from trade_ingest.contract.model import Contract
from trade_ingest.errors import FileTrailerError, InferenceError
from trade_ingest.infer.columns import FoundColumn, find_column
from trade_ingest.infer.dialect import FoundDialect, find_dialect
from trade_ingest.infer.draft import Draft
from trade_ingest.infer.findings import Findings, Relaxed
from trade_ingest.infer.footers import Footers, without_footers
from trade_ingest.infer.key import KeyCandidate, find_key
from trade_ingest.infer.kinds import FileKind, find_kind
from trade_ingest.infer.numbers import Marks, find_marks
from trade_ingest.infer.paths import path_values
from trade_ingest.infer.proposal import propose
from trade_ingest.infer.roles import find_roles
from trade_ingest.infer.sample import SAMPLE_BYTES, Sample, read_samples
from trade_ingest.infer.shapes import NumericColumns
from trade_ingest.infer.table import read_table
from trade_ingest.infer.times import is_day_first
from trade_ingest.infer.traps import find_traps
from trade_ingest.infer.vocabulary import Role
from trade_ingest.infer.writing import contract_yaml
from trade_ingest.match import FileMatch, Verdict, match_file
from trade_ingest.source.listing import Connections
from trade_ingest.trial import Trial, try_contract

_MOST_TRIALS = 8
_FEW = 0.002  # of the rows, that may be rejected
_TRIAL_BYTES = 1 << 22


@dataclass(frozen=True, slots=True)
class Proposal:
    """A contract that is proposed for a feed.

    Attributes:
        uris: the samples.
        kind: what their rows are.
        reason: how that is known.
        text: the contract as commented YAML.
        contract: the same, loaded.
        confirm: what a person has to look at, column by column.
        traps: what in the samples would mislead.
        key: what may identify a row, as measured.
        match: the built-in contracts that fit the first sample.
        rows_read: rows of the samples that the contract was tried on.
        rows_accepted: those that fit.
        problem: why a sample does not load by the contract; empty: all do.
    """

    uris: tuple[str, ...]
    kind: FileKind
    reason: str
    text: str
    contract: Contract
    confirm: tuple[str, ...]
    traps: tuple[str, ...]
    key: KeyCandidate
    match: FileMatch
    rows_read: int
    rows_accepted: int
    problem: str = ""

    @property
    def builtin(self) -> str:
        """The built-in contract that certainly fits; empty: none does."""
        best = self.match.best
        return best.contract if best is not None and best.verdict == Verdict.CERTAIN else ""


def infer(sources: Sequence[str], *, connections: Connections = ()) -> Proposal:
    """Propose a contract from samples of one feed.

    The samples are read as loading would read them, up to 32 MiB and 20 files, and the contract is tried on them before
    it is returned. Nothing is guaranteed of other files of the feed: a person reads the proposal.

    Args:
        sources: files, folders, globs.
        connections: the named connections of the settings, for object stores.

    Raises:
        InferenceError: the files are empty, have no delimiter, or are not of one layout.
        SourceNotFoundError: a source matches no file.
        FileError: a file cannot be read; the subclass says why.
        StoreError: a store cannot be reached; the subclass says why.
    """
    samples = read_samples(sources, connections=connections)
    findings, notes = _look_at(samples)
    match = match_file(samples[0].file)
    draft, contract, trials = _tried(findings)
    traps = [*notes, *find_traps(findings)]
    rows_read, rows_accepted = sum(t.rows_read for t in trials), sum(t.rows_accepted for t in trials)
    error = next((trial.error for trial in trials if trial.error), None)
    if error is not None:
        traps.insert(0, f"the files do not load by this contract as it stands: {error.message}")
    draft.head = _head(findings, draft, match, traps, (rows_read, rows_accepted))
    return Proposal(
        uris=tuple(sample.file.uri for sample in samples),
        kind=findings.kind.kind,
        reason=findings.kind.reason,
        text=contract_yaml(draft),
        contract=contract,
        confirm=draft.confirm,
        traps=tuple(traps),
        key=findings.key,
        match=match,
        rows_read=rows_read,
        rows_accepted=rows_accepted,
        problem="" if error is None else error.message,
    )


def _look_at(samples: Sequence[Sample]) -> tuple[Findings, tuple[str, ...]]:
    dialect = find_dialect(samples[0])
    for other in samples[1:]:
        _require_equal(dialect, find_dialect(other), samples[0], other)
    footers = without_footers(read_table(samples, dialect), samples, dialect)
    cells = footers.table.cells
    marks = find_marks([cells.get_column(name).drop_nulls().unique() for name in cells.columns], dialect.delimiter)
    header = dialect.header or (None,) * dialect.width
    columns = [
        find_column(cells.get_column(f"c{i}"), position=i, header=name, marks=marks) for i, name in enumerate(header, 1)
    ]
    columns = _with_one_order(columns, cells, marks)
    floats = {c.position: _floats(cells.get_column(c.cell_name), marks) for c in columns if c.numbers is not None}
    numbers = NumericColumns(floats)
    roles = find_roles(columns, numbers)
    uris = [sample.file.uri for sample in samples]
    has_date = roles.has(Role.TIME) or roles.has(Role.DATE)
    path = path_values(uris, wants_symbol=not roles.has(Role.SYMBOL), wants_date=not has_date)
    return (
        Findings(
            samples=samples,
            dialect=dialect,
            table=footers.table,
            marks=marks,
            columns=columns,
            roles=roles,
            kind=find_kind(columns, cells, roles, numbers),
            key=find_key(cells, roles),
            path=path,
            trailer=(footers.trailer, footers.counts),
            ignored=footers.ignored,
            repeats_header=footers.repeats_header,
        ),
        _notes(dialect, footers),
    )


def _with_one_order(columns: list[FoundColumn], cells: pl.DataFrame, marks: Marks) -> list[FoundColumn]:
    """The columns, those whose day and month could be exchanged read as the others are."""
    known = [(is_day_first(f.pattern), f.is_ambiguous) for c in columns for f in c.times]
    sure = [order for order, is_ambiguous in known if order is not None and not is_ambiguous]
    votes = sure or [order for order, _ in known if order is not None]
    if not votes:
        return columns
    day_first = votes.count(True) >= votes.count(False)
    return [
        _in_order(c, cells, marks, day_first=day_first, is_sure=bool(sure))
        if any(f.is_ambiguous for f in c.times)
        else c
        for c in columns
    ]


def _in_order(column: FoundColumn, cells: pl.DataFrame, marks: Marks, *, day_first: bool, is_sure: bool) -> FoundColumn:
    """A column whose day and month could be exchanged, read as other columns are."""
    text = cells.get_column(column.cell_name)
    found = find_column(text, position=column.position, header=column.header, marks=marks, day_first=day_first)
    return found if is_sure else replace(found, times=tuple(replace(f, is_ambiguous=True) for f in found.times))


def _notes(dialect: FoundDialect, footers: Footers) -> tuple[str, ...]:
    return (*dialect.evidence[1:], *footers.notes)


def _require_equal(first: FoundDialect, other: FoundDialect, sample: Sample, another: Sample) -> None:
    if (first.delimiter, first.width, first.header) == (other.delimiter, other.width, other.header):
        return
    message = f"{another.file.uri} has another header than {sample.file.uri}"
    if (first.delimiter, first.width) != (other.delimiter, other.width):
        message = (
            f"{another.file.uri} is not laid out as {sample.file.uri}: {other.width} cells delimited by"
            f" {other.delimiter!r}, not {first.width} by {first.delimiter!r}"
        )
    raise InferenceError(message, hint="name files of one feed and one layout at a time", uri=another.file.uri)


def _floats(cells: pl.Series, marks: Marks) -> pl.Series:
    cleaned = cells.str.replace_all(r"[^0-9.,eE+' -]", "").str.strip_chars(" \t")
    return pl.select(marks.plain(pl.lit(cleaned))).to_series().cast(pl.Float64, strict=False)


def _tried(findings: Findings) -> tuple[Draft, Contract, list[Trial]]:
    """The strictest contract that takes the samples."""
    relaxed = Relaxed()
    for _ in range(_MOST_TRIALS):
        draft = propose(findings, relaxed)
        contract = parse_contract(contract_yaml(draft), origin="the proposed contract")
        trials = [
            try_contract(sample.file, contract, max_bytes=SAMPLE_BYTES, block_bytes=_TRIAL_BYTES)
            for sample in findings.samples
        ]
        if not _relax(relaxed, draft, trials):
            break
    return draft, contract, trials


def _relax(relaxed: Relaxed, draft: Draft, trials: Sequence[Trial]) -> bool:
    """Take back what the trials have shown to be too strict; false if nothing was, or nothing helps."""
    failed = [t for t in trials if t.error or t.rows_read - t.rows_accepted > _FEW * t.rows_read]
    if any(isinstance(trial.error, FileTrailerError) for trial in failed) and not relaxed.no_trailer:
        relaxed.no_trailer = True
        return True
    reasons = [place for trial in failed for place, _ in trial.reasons.most_common() if place[1] is not None]
    if not reasons:
        return False
    if draft.layout:
        code, column = reasons[0]
        relaxed.is_own, relaxed.why_own = True, f"some rows have no {column} that it would take ({code})"
        return True
    if not relaxed.why_own and draft.target_comment:
        relaxed.why_own = draft.target_comment.partition(": ")[2].rstrip(".")
    for code, column in reasons:
        assert column is not None
        if column == draft.event_time:
            if code == "null_value" and not relaxed.ignores_without_time:
                relaxed.ignores_without_time = True
            else:
                relaxed.no_time = True
        elif code == "null_value":
            relaxed.optional.add(column)
        else:
            relaxed.as_text.add(column)
    return True


def _head(findings: Findings, draft: Draft, match: FileMatch, traps: Sequence[str], rows: tuple[int, int]) -> list[str]:
    """The comment at the top."""
    names = ", ".join(sample.file.uri.rpartition("/")[2] for sample in findings.samples[:3])
    more = f" and {len(findings.samples) - 3} more" if len(findings.samples) > 3 else ""  # noqa: PLR2004  # as many are named
    lines = []
    best = match.best
    if best is not None and best.verdict == Verdict.CERTAIN:
        lines += [f"The built-in contract {best.contract} fits ({best.score:.2f}): use --contract {best.contract}", ""]
    elif best is not None and best.verdict == Verdict.LIKELY:
        lines += [f"The built-in contract {best.contract} is likely to fit ({best.score:.2f}): compare it first", ""]
    read, accepted = rows
    lines.append(f"Proposed by `trade-ingest infer` from {names}{more}: {findings.kind.kind}.")
    lines.append(f"Why: {findings.kind.reason}.")
    lines.append(f"Tried on {read:,} rows: {accepted:,} accepted, {read - accepted:,} rejected.")
    if draft.confirm:
        lines += ["", "To be confirmed, where it says CONFIRM:"]
        lines += [f"- {text}" for text in draft.confirm]
    if traps:
        lines += ["", "Seen in the sample:"]
        lines += [f"- {trap}" for trap in traps]
    return [*lines, ""]
