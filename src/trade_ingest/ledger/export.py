"""Rejects as a CSV file that a person edits and gives back."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from trade_ingest.errors import ReplayRefusedError
from trade_ingest.ledger.rejects import RejectRow

EXPORT_COLUMNS = ("reject_id", "file", "row_number", "byte_offset", "reasons", "raw")

_ESCAPED_BYTE = re.compile(r"\\x[0-9a-f]{2}")


def write_export(rejects: Iterable[RejectRow], file: IO[str]) -> int:
    """Write rejects, one record each; ``raw`` is what is to be corrected. The number of rejects.

    The file must be open with ``newline=""``: a raw row may hold line breaks.
    """
    writer = csv.writer(file, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\n")
    writer.writerow(EXPORT_COLUMNS)
    count = 0
    for reject in rejects:
        reasons = json.dumps(reject.reasons, ensure_ascii=False)
        writer.writerow((reject.reject_id, reject.uri, reject.row_number, reject.byte_offset, reasons, reject.raw_text))
        count += 1
    return count


@dataclass(frozen=True, slots=True)
class EditedExport:
    """An export as it came back.

    Attributes:
        raw_texts: the corrected rows by reject id.
        repeated: reject ids that occur more than once; none of their rows is taken.
    """

    raw_texts: dict[int, str]
    repeated: tuple[int, ...]


def read_edited(path: str | Path) -> EditedExport:
    """Read an edited export; only the columns ``reject_id`` and ``raw`` are looked at, in any order.

    Raises:
        ReplayRefusedError: it is no such file; says in which line.
    """
    raw_texts: dict[int, str] = {}
    repeated: set[int] = set()
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
    except (OSError, UnicodeDecodeError, csv.Error) as exc:
        message = f"{path}: {getattr(exc, 'strerror', None) or exc}"
        raise ReplayRefusedError(message, hint="give the CSV file that `trade-ingest rejects --export` wrote") from exc
    finally:
        csv.field_size_limit(previous)
    return EditedExport({i: raw for i, raw in raw_texts.items() if i not in repeated}, tuple(sorted(repeated)))


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
