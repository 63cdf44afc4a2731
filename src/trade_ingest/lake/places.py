"""Which lakes a run hands over to: ``--also parquet:URI`` and ``--also iceberg:…``, read and registered."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import psycopg

from trade_ingest.contract.model import Contract
from trade_ingest.errors import UsageError
from trade_ingest.ledger.handover import HandoverOrder, LakeKind, find_lakes, register_lake
from trade_ingest.load.target import LINEAGE_COLUMNS, TargetTable
from trade_ingest.source.access import Accesses
from trade_ingest.source.location import HTTP_SCHEMES, parse_location, shown_source
from trade_ingest.source.pattern import has_wildcards

Connection = psycopg.Connection[Any]

EVENT_DATE = "event_date"
"""What rows are partitioned by: the day of the event time, UTC."""

_CATALOG_TABLE = re.compile(r"(?P<catalog>[A-Za-z0-9_-]{2,}):(?P<namespace>[^:/.]+(\.[^:/.]+)*)\.(?P<table>[^:/.]+)")
_EXAMPLE = "for example --also parquet:s3://lake/trades, or --also iceberg:s3://lake/warehouse/trades"


@dataclass(frozen=True, slots=True)
class LakePlace:
    """A lake as it is asked for; ``place`` is as in ``Lake``."""

    kind: LakeKind
    place: str


def lake_places(wanted: Sequence[str], sources: Sequence[str], contract: Contract) -> list[LakePlace]:
    """Read what is asked for with ``--also``. Asks no store.

    Raises:
        UsageError: it is no lake, it lies in a source, pyiceberg is missing, or the target cannot be in a lake.
    """
    places = list(dict.fromkeys(_lake_place(text) for text in wanted))
    names = {column.name for column in (*TargetTable.of(contract).columns, *LINEAGE_COLUMNS)}
    if places and EVENT_DATE in names:
        message = f"the target has a column {EVENT_DATE}, which a lake is partitioned by"
        raise UsageError(message, hint="give the column another name in the contract")
    for place in places:
        if catalog_table(place.place) is None:
            _refuse_inside(place, sources)
    return places


def catalog_table(place: str) -> tuple[str, str] | None:
    """Catalog and ``namespace.table`` of a configured Iceberg catalog; None for a folder."""
    match = _CATALOG_TABLE.fullmatch(place)
    return None if match is None else (match["catalog"], f"{match['namespace']}.{match['table']}")


def _lake_place(text: str) -> LakePlace:
    kind, _, place = text.partition(":")
    if kind not in set(LakeKind) or not place:
        message = f"--also {shown_source(text)!r} is not legal; expected parquet:URI, iceberg:URI"
        raise UsageError(f"{message} or iceberg:CATALOG:NAMESPACE.TABLE", hint=_EXAMPLE)
    if kind == LakeKind.ICEBERG and find_spec("pyiceberg") is None:
        message = f"--also {shown_source(text)}: pyiceberg is not installed"
        raise UsageError(message, hint="pip install 'trade-ingest[iceberg]'")
    if kind == LakeKind.ICEBERG and catalog_table(place) is not None:
        return LakePlace(LakeKind.ICEBERG, place)
    location = parse_location(place)
    if location.scheme in HTTP_SCHEMES or has_wildcards(location.key):
        message = f"--also {shown_source(text)}: expected a folder of this machine or of an object store"
        raise UsageError(message, hint=_EXAMPLE)
    return LakePlace(LakeKind(kind), location.at(location.key.rstrip("/")).uri)


def _refuse_inside(place: LakePlace, sources: Sequence[str]) -> None:
    lake = parse_location(place.place)
    for source in map(parse_location, sources):
        is_there = (lake.scheme, lake.store) == (source.scheme, source.store)
        if is_there and not has_wildcards(source.key) and f"{lake.key}/".startswith(f"{source.key.rstrip('/')}/"):
            message = f"--also {place.kind.value}:{place.place}: is inside the source {source.uri}"
            raise UsageError(message, hint="name a folder outside, or the next run would find what is written there")


def order_handovers(
    connection: Connection,
    database: str,
    contract: Contract,
    places: Sequence[LakePlace],
    accesses: Accesses,
    run_id: int,
) -> HandoverOrder | None:
    """What the loaders of a run hand over; None where the target has no lake. Iceberg tables are made or checked.

    Raises:
        LakeIncompatibleError: an Iceberg table has other columns than the target, or is somewhere else.
        StoreError: an Iceberg table cannot be made or read.
    """
    target = contract.target.qualified_name
    lakes = [register_lake(connection, target, place.kind, place.place, run_id) for place in places]
    for lake in lakes:
        if lake.kind == LakeKind.ICEBERG:
            from trade_ingest.lake.iceberg import IcebergLake

            IcebergLake(lake, database, accesses).ensure_table(TargetTable.of(contract))
    if not lakes and not find_lakes(connection, target):
        return None
    return HandoverOrder(tuple(lake.lake_id for lake in lakes), accesses)
