"""Exported rejects that have other ids now, as their file was loaded again since."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any, LiteralString

import psycopg

from trade_ingest.ledger.export import EditedExport, Place, hash_of

Connection = psycopg.Connection[Any]

_KNOWN_SQL: LiteralString = "SELECT reject_id FROM ingest.reject WHERE reject_id = ANY(%s)"

_PLACES_SQL: LiteralString = """
SELECT DISTINCT f.uri, r.row_number, r.raw_text, r.reject_id, f.state = 'loaded'
FROM unnest(%s::text[], %s::bigint[]) AS wanted (uri, row_number)
JOIN ingest.file AS f ON f.uri = wanted.uri
JOIN ingest.reject AS r ON r.file_id = f.file_id AND r.row_number = wanted.row_number
"""


@dataclass(frozen=True, slots=True)
class Relocation:
    """An export whose rejects are those that the ledger has now.

    Attributes:
        export: the export, by the ids of now.
        moved: how many have another id than in the file.
        lost: ids in the file of rejects that are not there any more, nor one of the same row.
        ambiguous: ids in the file that are not there any more, and whose row is in several files.
    """

    export: EditedExport
    moved: int
    lost: tuple[int, ...]
    ambiguous: tuple[int, ...]


def relocate(connection: Connection, export: EditedExport) -> Relocation:
    """Find the rejects whose ids are gone by file, row number and content as exported: exactly one, or none.

    Two records of the export that turn out to mean the same reject are repeated ones.
    """
    known = {row[0] for row in connection.execute(_KNOWN_SQL, [list(export.raw_texts)])}
    gone = export.raw_texts.keys() - known
    found = _find(connection, [export.places[i] for i in gone if i in export.places])
    candidates = {i: found.get(export.places[i], ()) if i in export.places else () for i in gone}
    moved = {i: min(ids) for i, ids in candidates.items() if len(ids) == 1}
    return Relocation(
        _renumbered(export, moved | {i: i for i in known}),
        len(moved),
        tuple(sorted(i for i, ids in candidates.items() if not ids)),
        tuple(sorted(i for i, ids in candidates.items() if len(ids) > 1)),
    )


def _find(connection: Connection, places: Collection[Place]) -> dict[Place, set[int]]:
    """The rejects at places; where a loaded file has one, that of no other."""
    found: dict[Place, dict[bool, set[int]]] = {}
    uris, row_numbers = [place.uri for place in places], [place.row_number for place in places]
    for uri, row_number, raw_text, reject_id, is_loaded in connection.execute(_PLACES_SQL, [uris, row_numbers]):
        by_state = found.setdefault(Place(uri, row_number, hash_of(raw_text)), {True: set(), False: set()})
        by_state[is_loaded].add(reject_id)
    return {place: by_state[True] or by_state[False] for place, by_state in found.items()}


def _renumbered(export: EditedExport, ids: Mapping[int, int]) -> EditedExport:
    """The export by other ids, without those that it has none for."""
    repeated = {i for i, count in Counter(ids.values()).items() if count > 1}
    raw_texts = {ids[i]: text for i, text in export.raw_texts.items() if i in ids and ids[i] not in repeated}
    return replace(export, raw_texts=raw_texts, repeated=tuple(sorted({*export.repeated, *repeated})))
