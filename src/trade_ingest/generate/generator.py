"""The public function: a set of synthetic files for a contract."""

from __future__ import annotations

import codecs
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl

from trade_ingest.contract.model import Contract
from trade_ingest.errors import GenerateError
from trade_ingest.generate.breakage import Breakages
from trade_ingest.generate.columns import Setting
from trade_ingest.generate.content import Content, feed_of
from trade_ingest.generate.draws import Integers
from trade_ingest.generate.judge import BAD_BYTE, Judge, has_bad_bytes
from trade_ingest.generate.naming import SUFFIXES, Names, trailer_record
from trade_ingest.generate.output import open_output
from trade_ingest.generate.records import join_record
from trade_ingest.generate.schedule import Day, RepeatedRows, Rows, SpecialRows, make_schedule

DEFAULT_START = date(2024, 1, 2)

CHUNK_ROWS = 1 << 15
_SAMPLE_ROWS = 50


@dataclass(frozen=True, slots=True)
class GeneratedFile:
    """One file that was written.

    Attributes:
        path: where it is.
        date: the day that it holds.
        rows: its rows, bad ones and duplicates included.
        bad_rows: rows that break the contract; a load rejects exactly these.
        duplicate_rows: exact repeats of rows in earlier files of the set.
        size_bytes: its size, as stored.
    """

    path: Path
    date: date
    rows: int
    bad_rows: int
    duplicate_rows: int
    size_bytes: int


@dataclass(frozen=True, slots=True)
class GenerateResult:
    """The files of a set, by day."""

    contract: str
    files: tuple[GeneratedFile, ...]

    @property
    def rows(self) -> int:
        """All rows."""
        return sum(file.rows for file in self.files)

    @property
    def bad_rows(self) -> int:
        """Rows that break the contract."""
        return sum(file.bad_rows for file in self.files)

    @property
    def duplicate_rows(self) -> int:
        """Exact repeats of rows in earlier files."""
        return sum(file.duplicate_rows for file in self.files)

    @property
    def size_bytes(self) -> int:
        """Bytes of all files, as stored."""
        return sum(file.size_bytes for file in self.files)


def generate(  # noqa: PLR0913 - each is one thing to ask for, all but two by name
    contract: Contract,
    output_dir: Path | str,
    *,
    rows: int = 100_000,
    files: int = 20,
    seed: int = 0,
    start_date: date = DEFAULT_START,
    bad_ratio: float = 0.0,
    duplicate_ratio: float = 0.0,
    unique_ids: bool = False,
    compression: str = "none",
    overwrite: bool = False,
    on_file: Callable[[GeneratedFile], None] = lambda _: None,
) -> GenerateResult:
    """Write a set of synthetic files, one for each trading day.

    The same arguments give the same bytes on any machine (compressed files: the same content). Memory does not grow
    with ``rows``. Each file appears under its name when it is complete. Every row that is not counted as bad is
    accepted by the parser, and no two rows but the duplicates have the same key.

    Args:
        contract: what the files look like.
        output_dir: the folder that takes the files; made if it does not exist.
        rows: data rows of all files together, bad ones and duplicates included.
        files: how many days; at most ``rows``.
        seed: another one gives other rows of the same kind.
        start_date: the first day; feeds that rest on weekends begin on the next weekday.
        bad_ratio: the share of rows that break the contract, in as many ways as it allows, 0 to 0.5.
        duplicate_ratio: the share of rows that repeat rows of earlier files, 0 to 0.5.
        unique_ids: for ``trade_event``: each row is a trade of its own instead of a state of one.
        compression: ``none``, ``gzip``, ``zstd``, ``bz2``, ``xz`` or ``lz4``.
        overwrite: replace files of the same names.
        on_file: called after each file.

    Raises:
        GenerateError: no such files can be made for the contract, or they exist and ``overwrite`` is false.
    """
    compression = _compression_for(contract, compression)
    schedule = make_schedule(
        rows=rows,
        files=files,
        seed=seed,
        start=start_date,
        weekdays_only=feed_of(contract).weekdays_only,
        bad_ratio=bad_ratio,
        duplicate_ratio=duplicate_ratio,
    )
    content = Content(Setting(contract, seed, rows, len(schedule)), unique_ids=unique_ids)
    names = Names(contract, content.feed, seed, compression)
    if duplicate_ratio and names.has_dated_values:
        hint = "leave the duplicates out"
        raise GenerateError("the files' names carry the day as a value: no row of another day is the same", hint=hint)
    paths = _paths(Path(output_dir), names, schedule, overwrite=overwrite)
    writer = _SetWriter(contract, content, schedule, seed, compression)
    for day in (schedule[0], schedule[-1]):
        sample = Rows(day, np.arange(min(day.row_count, _SAMPLE_ROWS), dtype=np.int64))
        content.check(sample, Judge(contract, str(paths[day.number]), content.header))
    written = []
    for day, path in zip(schedule, paths, strict=True):
        written.append(writer.write(day, path))
        on_file(written[-1])
    return GenerateResult(contract.name, tuple(written))


def _compression_for(contract: Contract, compression: str) -> str:
    if compression not in SUFFIXES:
        raise GenerateError(f"unknown compression {compression!r}; expected {', '.join(SUFFIXES)}")
    declared = contract.format.compression
    if declared in {"auto", compression}:
        return compression
    if compression == "none":
        return declared
    raise GenerateError(f"{contract.name} wants {declared} files, not {compression}")


def _paths(folder: Path, names: Names, schedule: list[Day], *, overwrite: bool) -> list[Path]:
    folder = folder.expanduser().absolute()
    paths = []
    for day in schedule:
        name = names.of(day.date)
        paths.append(folder / name)
        names.check(str(paths[-1]), name)
    existing = [path for path in paths if path.exists()]
    if existing and not overwrite:
        others = f", and {len(existing) - 1:,} more" if len(existing) > 1 else ""
        hint = "choose another folder, or replace them with --force"
        raise GenerateError(f"{existing[0]} exists already{others}", hint=hint)
    return paths


class _SetWriter:
    """Writes the files of one set."""

    def __init__(self, contract: Contract, content: Content, schedule: list[Day], seed: int, compression: str) -> None:
        self._contract = contract
        self._content = content
        self._seed = seed
        self._compression = compression
        self._repeated = RepeatedRows(schedule, seed)
        self._breakages: Breakages | None = None

    def write(self, day: Day, path: Path) -> GeneratedFile:
        """Write one file: all of it or nothing."""
        judge = Judge(self._contract, str(path), self._content.header)
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(f".{path.name}.part")  # hidden: no listing takes it
        try:
            with open_output(partial, self._compression) as write:
                encode = _Encoder(self._contract.format.encoding)
                write(encode("".join(f"{line}\n" for line in self._first_lines(day))))
                for start in range(0, day.row_count, CHUNK_ROWS):
                    places = np.arange(start, min(start + CHUNK_ROWS, day.row_count), dtype=np.int64)
                    write(encode(self._chunk(day, places, judge)))
                write(encode("".join(f"{line}\n" for line in self._last_lines(day))))
            size_bytes = partial.stat().st_size
            partial.replace(path)
        except BaseException:
            with suppress(FileNotFoundError):
                partial.unlink()
            raise
        return GeneratedFile(path, day.date, day.row_count, day.bad_count, day.duplicate_count, size_bytes)

    def _first_lines(self, day: Day) -> Iterator[str]:
        file_format = self._contract.format
        for number in range(file_format.preamble_lines):
            yield f"Synthetic {self._contract.name} data of {day.date}, line {number + 1}"
        if file_format.header:
            yield join_record(self._content.header, file_format)

    def _last_lines(self, day: Day) -> Iterator[str]:
        file_format = self._contract.format
        lines = file_format.preamble_lines + int(file_format.header) + day.row_count
        trailer = trailer_record(file_format, rows=day.row_count, lines=lines, day=day.date, seed=self._seed)
        if trailer is not None:
            yield trailer

    def _chunk(self, day: Day, places: Integers, judge: Judge) -> str:
        """The records at consecutive places, each with its line break."""
        records = self._content.records(Rows(day, places), judge)
        special, is_bad = SpecialRows(day, self._seed).between(int(places[0]), int(places[-1]) + 1)
        if len(special):
            bad, repeated = special[is_bad], special[~is_bad]
            parts = [records]
            order = np.arange(len(places))
            for at, replacement in (
                (bad, self._broken(Rows(day, bad), judge)),
                (repeated, self._repeats(day, repeated, judge)),
            ):
                order[at - places[0]] = sum(map(len, parts)) + np.arange(len(at))
                parts.append(replacement)
            records = pl.concat(parts).gather(pl.Series(order.astype(np.uint32)))
        return str(records.str.join("\n")[0]) + "\n"

    def _broken(self, rows: Rows, judge: Judge) -> pl.Series:
        if not len(rows.places):
            return pl.Series(dtype=pl.String)
        cells = [list(row) for row in self._content.cells(rows).rows()]
        if self._breakages is None:
            first = self._content.cells(Rows(rows.day, np.arange(min(2, rows.day.row_count))))
            samples = [list(row) for row in first.rows()]
            self._breakages = Breakages(self._contract, self._content.field_columns, samples, judge, self._seed)
        return pl.Series(self._breakages.records(rows.index, cells), dtype=pl.String)

    def _repeats(self, day: Day, places: Integers, judge: Judge) -> pl.Series:
        if not len(places):
            return pl.Series(dtype=pl.String)
        records = np.empty(len(places), object)
        for chosen, rows in self._repeated.originals(day, places):
            records[chosen] = self._content.records(rows, judge).to_list()
        return pl.Series(records.tolist(), dtype=pl.String)


_ENCODERS = {"utf-16": "utf-16-le", "utf-32": "utf-32-le", "utf-8-sig": "utf-8", "ascii": "utf-8"}


class _Encoder:
    """Text in a file's encoding, with a byte order mark at the start where the encoding has one."""

    def __init__(self, encoding: str) -> None:
        name = codecs.lookup(encoding).name
        self._has_bad_bytes = has_bad_bytes(encoding)
        self._start = "\ufeff" if name in {"utf-16", "utf-32"} else ""
        # without a mark's help the byte order would be that of the machine
        self._encoding = _ENCODERS.get(name, name)
        self._mark = codecs.BOM_UTF8 if name == "utf-8-sig" else b""

    def __call__(self, text: str) -> bytes:
        start, mark, self._start, self._mark = self._start, self._mark, "", b""
        data = mark + (start + text).encode(self._encoding)
        return data.replace(BAD_BYTE.encode(), b"\xff") if self._has_bad_bytes and BAD_BYTE in text else data
