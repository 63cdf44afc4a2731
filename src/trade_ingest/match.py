"""Which built-in contracts fit a file, and how sure that is.

A contract that takes all rows may still be the wrong one: three numbers in a row fit many feeds. So each fit is weighed
by how much had to be right for it: names of the header, values out of a short list, times in years that can be, a
trailer, the file's name.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from functools import cache
from pathlib import PurePosixPath

from trade_ingest.contract.loading import builtin_names, load_contract
from trade_ingest.contract.model import Column, Contract
from trade_ingest.contract.types import Kind
from trade_ingest.errors import FileHeaderError, GenerateError
from trade_ingest.generate.content import feed_of
from trade_ingest.generate.naming import Names
from trade_ingest.source.file import SourceFile
from trade_ingest.source.listing import Connections, take_listing
from trade_ingest.trial import TRIAL_BYTES, Trial, try_contract

LEAST_SHARE = 0.98
"""Of the rows, that a contract must accept to fit at all."""

_TOLERATED = 0.2  # of a small file's rows that may be rejected, within the contract's limit
_FIRST_YEAR, _LAST_DAYS = 1980, 400  # times before, or so far in the future, were read in a wrong unit
_CERTAIN, _LIKELY, _POSSIBLE = 0.85, 0.55, 0.25
_EQUAL = 0.04  # contracts whose numbers differ by less fit equally well
_RENAMED = 0.75  # what a file's number is multiplied by if its name is not the feed's
_HALF_POINTS = 3.5
_LEAST_LETTERS = 4  # of a path expression that say more than any name would


class Verdict(StrEnum):
    """How sure it is that a contract is a file's."""

    CERTAIN = "certain"
    LIKELY = "likely"
    POSSIBLE = "possible"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Fit:
    """One contract and one file.

    Attributes:
        contract: the contract's name.
        verdict: how sure it is that this is the file's contract.
        score: the same as a number from 0 to 1.
        rows_read: records that were tried.
        rows_accepted: those that fit the contract.
        path_fits: whether the file's path matches the contract's ``path``; true where it has none.
        path_columns: the columns whose values come from the path.
        expected_name: what the file would have to be called, as an example, where its path does not fit.
        takes_all: whether loading the file as it is named would take every row that was tried.
        evidence: what speaks for the contract, the strongest first.
        problem: what speaks against it; empty: nothing.
        equals: other contracts that fit equally well.
    """

    contract: str
    verdict: Verdict
    score: float
    rows_read: int
    rows_accepted: int
    path_fits: bool
    path_columns: tuple[str, ...]
    expected_name: str
    takes_all: bool
    evidence: tuple[str, ...]
    problem: str
    equals: tuple[str, ...] = ()

    @property
    def fits(self) -> bool:
        """Whether the contract fits at all."""
        return self.verdict != Verdict.NONE


@dataclass(frozen=True, slots=True)
class FileMatch:
    """The contracts that may be a file's.

    Attributes:
        uri: the file.
        fits: the contracts that fit, the best first.
        nearest: those that do not, the nearest first.
    """

    uri: str
    fits: tuple[Fit, ...]
    nearest: tuple[Fit, ...]

    @property
    def best(self) -> Fit | None:
        """The contract that fits best; None if none fits."""
        return self.fits[0] if self.fits else None


def match_contracts(
    sources: Sequence[str], *, connections: Connections = (), max_bytes: int | None = TRIAL_BYTES
) -> Iterator[FileMatch]:
    """Find the built-in contracts that fit files, file by file.

    Args:
        sources: files, folders, globs; each member of an archive is a file.
        connections: the named connections of the settings, for object stores.
        max_bytes: as much of each unpacked file is tried; None: all of it.

    Raises:
        SourceNotFoundError: a source matches no file.
        StoreError: a store cannot be listed; the subclass says why.
    """
    files = take_listing(sources, connections=connections).files
    return (match_file(file, max_bytes=max_bytes) for file in files)


def match_file(file: SourceFile, *, max_bytes: int | None = TRIAL_BYTES) -> FileMatch:
    """Find the built-in contracts that fit one file."""
    found = [_fit(file, load_contract(name), max_bytes) for name in builtin_names()]
    found.sort(key=lambda fit: (-fit.score, fit.contract))
    fits = _told_apart([fit for fit in found if fit.fits])
    return FileMatch(file.uri, tuple(fits), tuple(fit for fit in found if not fit.fits))


def _told_apart(fits: list[Fit]) -> list[Fit]:
    """The fits, those that are equal to the best named and no longer certain."""
    if not fits:
        return fits
    equal = [fit for fit in fits if fits[0].score - fit.score < _EQUAL]
    if len(equal) == 1:  # the best alone is certain
        return [fits[0], *(_no_longer_certain(fit) for fit in fits[1:])]
    names = [fit.contract for fit in equal]
    told = [
        replace(_no_longer_certain(fit), equals=tuple(name for name in names if name != fit.contract)) for fit in equal
    ]
    return [*told, *(_no_longer_certain(fit) for fit in fits[len(equal) :])]


def _no_longer_certain(fit: Fit) -> Fit:
    return replace(fit, verdict=Verdict.LIKELY) if fit.verdict == Verdict.CERTAIN else fit


def _fit(file: SourceFile, contract: Contract, max_bytes: int | None) -> Fit:
    path_columns = tuple(c.name for c in contract.columns if _is_of_path(c))
    path_fits = not path_columns or re.search(contract.path or "", file.uri) is not None
    example = "" if path_fits else example_name(contract.name)
    trial = try_contract(file, contract, uri=f"/{example}" if example else "", max_bytes=max_bytes)
    points, evidence = _weighed(trial, contract, is_named=bool(path_columns) and path_fits)
    problem = _problem(trial, contract)
    share = trial.rows_accepted / trial.rows_read if trial.rows_read else 0.0
    score = share**3 * (1 - math.exp(-points / _HALF_POINTS)) * (1 if path_fits else _RENAMED)
    verdict = Verdict.NONE if problem else _verdict(score)
    if verdict == Verdict.NONE:
        problem = problem or "it fits, but so would nearly any file"
        score = _nearness(trial, contract, share)
    return Fit(
        contract=contract.name,
        verdict=verdict,
        score=round(score, 2),
        rows_read=trial.rows_read,
        rows_accepted=trial.rows_accepted,
        path_fits=path_fits,
        path_columns=path_columns,
        expected_name=example,
        takes_all=path_fits and trial.accepts_all,
        evidence=tuple(evidence),
        problem=problem,
    )


def _is_of_path(column: Column) -> bool:
    return column.path_group is not None or any(part.path_group for part in column.template_parts)


def _verdict(score: float) -> Verdict:
    bounds = ((_CERTAIN, Verdict.CERTAIN), (_LIKELY, Verdict.LIKELY), (_POSSIBLE, Verdict.POSSIBLE))
    return next((verdict for bound, verdict in bounds if score >= bound), Verdict.NONE)


def _problem(trial: Trial, contract: Contract) -> str:
    """Why a contract does not fit; empty: it does."""
    if isinstance(trial.error, FileHeaderError) and trial.error.fields.get("problems"):
        problems = trial.error.fields["problems"]
        more = f" and {len(problems) - 2} more" if len(problems) > 2 else ""  # noqa: PLR2004  # as many are shown
        return f"header: {'; '.join(problems[:2])}{more}"
    if trial.error is not None and not trial.rows_read:
        return trial.error.message
    if not trial.rows_read:
        return "the file has no rows"
    if not _is_accepted(trial, contract):
        (code, column), count = trial.reasons.most_common(1)[0]
        where = f" in {column}" if column else ""
        return f"{count:,} of {trial.rows_read:,} rows rejected: {code}{where}"
    if (span := trial.span(contract.event_time)) is not None and not _is_plausible(*span):
        return f"{contract.event_time} would be from {span[0]:%Y-%m-%d} to {span[1]:%Y-%m-%d}: no years of trades"
    return "" if trial.error is None else trial.error.message


def _is_accepted(trial: Trial, contract: Contract) -> bool:
    """Whether nearly all rows are accepted; of few rows, as many as the contract's limit of rejects asks for."""
    rejected = trial.rows_read - trial.rows_accepted
    is_tolerated = rejected <= _TOLERATED * trial.rows_read and not contract.rejects.is_exceeded(
        rejected, trial.rows_read
    )
    return trial.rows_accepted >= LEAST_SHARE * trial.rows_read or is_tolerated


def _is_plausible(first: datetime, last: datetime) -> bool:
    return first.year >= _FIRST_YEAR and last < datetime.now(UTC) + timedelta(days=_LAST_DAYS)


def _nearness(trial: Trial, contract: Contract, share: float) -> float:
    """How near a contract that does not fit comes to it, from 0 to less than any that fits."""
    if contract.format.header:
        wanted = {name.strip().casefold() for c in contract.columns for name in _names_of(c)}
        found = {name.strip().casefold() for name in trial.header or ()}
        share = max(share, len(wanted & found) / max(len(wanted | found), 1))
    return share * (_POSSIBLE - 0.01)


def _names_of(column: Column) -> tuple[str, ...]:
    if column.is_one_cell:
        return column.header_names
    return tuple(part.header_name for part in column.template_parts if part.header_name)


def _weighed(trial: Trial, contract: Contract, *, is_named: bool) -> tuple[float, list[str]]:
    """How much had to be right, in points, and in words."""
    found: list[tuple[float, str]] = []
    if trial.rows_read:
        found.append((0, f"{trial.rows_accepted:,} of {trial.rows_read:,} rows accepted"))
    if contract.format.header and trial.header and trial.layout:
        found.append(_header_points(trial.header, contract))
    elif trial.layout is not None:
        found.append((trial.layout.field_count / 10, f"no header, {trial.layout.field_count} fields in each row"))
    filled = trial.filled
    found += [_cell_points(c, trial) for c in contract.columns if c.is_from_file and filled.get(c.name)]
    if trial.has_trailer:
        found.append((2, "the trailer at its end"))
    if is_named:
        letters = len("".join(re.findall(r"(?<![\\A-Za-z])[A-Za-z]{3,}", _without_groups(contract.path or ""))))
        found.append((2 if letters >= _LEAST_LETTERS else 1, "the file's name"))
    said = [(points, text) for points, text in found if text]
    said[1:] = sorted(said[1:], key=lambda item: -item[0])
    return sum(points for points, _ in found), [text for _, text in said]


def _without_groups(path: str) -> str:
    return re.sub(r"\(\?P<\w+>", "(", path)


def _header_points(header: Sequence[str], contract: Contract) -> tuple[float, str]:
    wanted = {name for c in contract.columns for name in _names_of(c)}
    exact = sum(name in wanted for name in header)
    folded_names = {name.strip().casefold() for name in wanted}
    folded = sum(name.strip().casefold() in folded_names for name in header) - exact
    text = f"{exact} of the header's {len(header)} names exactly"
    coverage = (exact + folded) / len(header)
    points = (exact + folded / 2) * (1 + coverage) / 2
    return points, f"{text}, {folded} but for case" if folded else text


_POINTS = {
    Kind.UUID: 1.5,
    Kind.ENUM: 1.5,
    Kind.BOOLEAN: 1.0,
    Kind.TIMESTAMP: 2.0,
    Kind.DATE: 1.0,
    Kind.DECIMAL: 0.4,
    Kind.INTEGER: 0.4,
}


def _cell_points(column: Column, trial: Trial) -> tuple[float, str]:
    kind = column.value_type.kind
    if kind == Kind.TIMESTAMP and (span := trial.span(column.name)):
        if not _is_plausible(*span):
            return -3, ""
        return _POINTS[kind], f"{column.name} from {span[0]:%Y-%m-%d} to {span[1]:%Y-%m-%d}"
    if kind == Kind.ENUM:
        values = sorted(map(str, trial.rows.get_column(column.name).drop_nulls().unique()))
        return _POINTS[kind], f"{column.name} is {', '.join(values[:4])}{' …' if len(values) > 4 else ''}"  # noqa: PLR2004
    if kind == Kind.TEXT and (column.regex or column.check):
        return 1.0, f"{column.name} passes its check"
    return _POINTS.get(kind, 0), ""


@cache
def example_name(contract: str) -> str:
    """A file name that a built-in contract's ``path`` accepts; empty if none can be made."""
    the_contract = load_contract(contract)
    if the_contract.path is not None:  # names that a flag for case lets pass are there without it, too
        the_contract = the_contract.model_copy(update={"path": re.sub(r"^\(\?[a-z]+\)", "", the_contract.path)})
    try:
        name = Names(the_contract, feed_of(the_contract), 0, "none").of(date(2024, 1, 2))
    except GenerateError:
        return ""
    return PurePosixPath(name).name if re.search(the_contract.path or "", f"/{PurePosixPath(name).name}") else name
