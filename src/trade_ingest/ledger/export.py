"""Rejects as a CSV file that a person edits and gives back."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from xxhash import xxh3_128_hexdigest

from trade_ingest.errors import ReplayRefusedError
from trade_ingest.ledger.rejects import RejectRow

EXPORT_COLUMNS = ("reject_id", "file", "row_number", "byte_offset", "reasons", "raw_hash", "raw")

_ESCAPED_BYTE = re.compile(r"\\x[0-9a-f]{2}")


def write_export(rejects: Iterable[RejectRow], file: IO[str]) -> int:
    """Write rejects, one record each; ``raw`` is what is to be corrected. The number of rejects.

    The file must be open with ``newline=""``: a raw row may hold line breaks.
    """
    count = -1  # the header is no reject
    for record in export_records(rejects):
        file.write(record)
        count += 1
    return count


def export_records(rejects: Iterable[RejectRow]) -> Iterator[str]:
    """The records of an export, each with its line end; the header is the first."""
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\n")
    writer.writerow(EXPORT_COLUMNS)
    yield buffer.getvalue()
    for reject in rejects:
        buffer.seek(0)
        buffer.truncate()
        reasons = json.dumps(reject.reasons, ensure_ascii=False)
        place = (reject.uri, reject.row_number, reject.byte_offset)
        writer.writerow((reject.reject_id, *place, reasons, hash_of(reject.raw_text), reject.raw_text))
        yield buffer.getvalue()


def hash_of(raw_text: str) -> str:
    """What ``raw_hash`` is of a row as it was exported; no spreadsheet takes it for a number."""
    return f"xxh3:{xxh3_128_hexdigest(raw_text.encode())}"


@dataclass(frozen=True, slots=True)
class Place:
    """A row wherever it is kept: its file, its number there, and the hash of its text as it was exported."""

    uri: str
    row_number: int
    raw_hash: str


@dataclass(frozen=True, slots=True)
class EditedExport:
    """An export as it came back.

    Attributes:
        raw_texts: the corrected rows by reject id.
        repeated: reject ids that occur more than once; none of their rows is taken.
        places: where the rows are, by reject id; of those for which the file says it.
    """

    raw_texts: dict[int, str]
    repeated: tuple[int, ...]
    places: dict[int, Place]


def read_edited(path: str | Path) -> EditedExport:
    """Read an edited export: columns in any order; all but ``reject_id`` and ``raw`` may be missing.

    Raises:
        ReplayRefusedError: it is no such file; says in which line.
    """
    raw_texts: dict[int, str] = {}
    repeated: set[int] = set()
    places: dict[int, Place] = {}
    previous = csv.field_size_limit(1 << 30)
    try:
        with Path(path).open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            _check_header(path, reader.fieldnames)
            for record in reader:
                reject_id, raw = _record(path, reader.line_num, record)
                if reject_id in raw_texts:
                    repeated.add(reject_id)
                raw_texts[reject_id] = raw
                if place := _place(record):
                    places[reject_id] = place
    except (OSError, UnicodeDecodeError, csv.Error) as exc:
        message = f"{path}: {getattr(exc, 'strerror', None) or exc}"
        raise ReplayRefusedError(message, hint="give the CSV file that `trade-ingest rejects --export` wrote") from exc
    finally:
        csv.field_size_limit(previous)
    once = {i: raw for i, raw in raw_texts.items() if i not in repeated}
    return EditedExport(once, tuple(sorted(repeated)), places)


def _check_header(path: str | Path, names: Iterable[str] | None) -> None:
    found = list(names or ())
    missing = [name for name in ("reject_id", "raw") if name not in found]
    if missing:
        message = f"{path}: column {' and '.join(missing)} is missing; columns read: {', '.join(found) or 'none'}"
        raise ReplayRefusedError(message, hint="save it as CSV with commas, and leave the first line as it is")


def _record(path: str | Path, line: int, record: dict[str, str | None]) -> tuple[int, str]:
    reject_id, raw = record["reject_id"], record["raw"]
    if reject_id is None or not reject_id.strip().isdigit():
        message = f"{path}:{line}: {reject_id!r} is no reject id"
        raise ReplayRefusedError(message, hint="change nothing but the column raw")
    if raw is None or None in record:
        message = f"{path}:{line}: not {len(EXPORT_COLUMNS)} cells"
        raise ReplayRefusedError(message, hint="keep the quotes around the column raw")
    return int(reject_id), raw


def _place(record: Mapping[str, str | None]) -> Place | None:
    uri, row_number, raw_hash = (record.get(name) or "" for name in ("file", "row_number", "raw_hash"))
    return Place(uri, int(row_number), raw_hash) if uri and row_number.isdecimal() and raw_hash else None


def raw_of_edited(edited: str, raw: bytes, raw_text: str) -> bytes | None:
    r"""The bytes of an edited row; None if it still shows bytes, as ``\x00``, that text cannot carry.

    Args:
        edited: the row as it came back.
        raw: the row's original bytes.
        raw_text: the row as it was shown.
    """
    if edited == raw_text:
        return raw
    edited = edited.rstrip("\r\n")
    shown = set(_ESCAPED_BYTE.findall(raw_text)) - set(_ESCAPED_BYTE.findall(raw.decode("utf-8", "ignore")))
    if any(escape in edited for escape in shown):
        return None
    return edited.encode("utf-8")
