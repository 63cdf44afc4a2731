"""A lake as an Iceberg table, partitioned by the day of the event time; PostgreSQL itself is the catalog."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import psycopg

from trade_ingest.errors import HandoverError, LakeIncompatibleError, TradeIngestError
from trade_ingest.lake.places import EVENT_DATE, catalog_table
from trade_ingest.lake.spool import SpooledDay
from trade_ingest.ledger.connection import open_connection
from trade_ingest.ledger.handover import Lake, OpenHandover, locked_lake
from trade_ingest.load.target import LINEAGE_COLUMNS, TargetTable
from trade_ingest.source.access import Accesses
from trade_ingest.source.location import Location, parse_location

if TYPE_CHECKING:
    from pyiceberg.catalog import Catalog
    from pyiceberg.expressions import BooleanExpression
    from pyiceberg.table import Table
    from pyiceberg.types import IcebergType

Connection = psycopg.Connection[Any]

CATALOG = "trade_ingest"
"""The name of the catalog that the ledger holds (``ingest.iceberg_tables``)."""

PROPERTY = "trade-ingest"
"""What the names of our properties of a snapshot begin with: ``trade-ingest.<token>.<file id>``."""

_ABSENT = "absent"
_AZURE_HOST = "dfs.core.windows.net"
_PROPERTIES = {
    "format-version": "2",
    "write.parquet.compression-codec": "zstd",
    "commit.manifest-merge.enabled": "true",  # or there would be a manifest for each file
    "write.metadata.delete-after-commit.enabled": "true",
    "write.metadata.previous-versions-max": "20",
}


class IcebergLake:
    """Commits each file's rows as one change of the table: readers see all of it or nothing."""

    def __init__(self, lake: Lake, database: str, accesses: Accesses) -> None:
        self._lake = lake
        self._database = database
        self._accesses = accesses

    def ensure_table(self, target: TargetTable) -> None:
        """Make the table if it does not exist, else check it; two callers at once are safe.

        Raises:
            LakeIncompatibleError: it has other columns than the target, or is somewhere else.
            HandoverError, StoreError: it cannot be made or read.
        """
        from pyiceberg.exceptions import NoSuchTableError

        with (
            _foreign_errors(self._lake),
            open_connection(self._database) as connection,
            locked_lake(connection, self._lake.lake_id),
            _opened(self._catalog()) as catalog,
        ):
            try:
                table = catalog.load_table(self._identifier)
            except NoSuchTableError:
                self._create(catalog, target)
            else:
                self._check(table, target)

    def names(self, handover: OpenHandover, attempt: int, spooled: Sequence[SpooledDay]) -> list[str]:
        """The names of the objects, below the table's folder, in the order of the spooled files.

        What Iceberg has once read is never written again: each attempt has names of its own.
        """
        stem = f"{self._lake.token}-{handover.file_id}-{attempt}"
        return [f"data/{EVENT_DATE}={one.day}/{stem}{f'-{one.part}' if one.part else ''}.parquet" for one in spooled]

    def publish(
        self,
        handover: OpenHandover,
        target: TargetTable,
        new: Sequence[tuple[str, SpooledDay]],
        check: Callable[[], None],
    ) -> None:
        """Let the table hold these rows of a file, and none that it had before, in one commit.

        Versions of the file that are to go from the lake go in the same commit.

        Args:
            handover: the file.
            target: its target.
            new: its objects, by name.
            check: called before each change; raises if somebody else sees to the file now.
        """
        with _foreign_errors(self._lake), _opened(self._catalog()) as catalog:
            table = catalog.load_table(self._identifier)
            base = table.location().rstrip("/")
            for name, spooled in new:
                check()
                _upload(table, spooled, f"{base}/{name}")
            with open_connection(self._database) as connection, locked_lake(connection, self._lake.lake_id):
                check()
                table.refresh()
                self._commit(table, handover, target, [f"{base}/{name}" for name, _ in new])

    def is_done(self, handover: OpenHandover) -> bool:
        """Whether the last commit of the file holds what it should: it was broken off before it was recorded."""
        from pyiceberg.table.snapshots import ancestors_of

        key = self._property(handover.file_id)
        with _foreign_errors(self._lake), _opened(self._catalog()) as catalog:
            table = catalog.load_table(self._identifier)
            for snapshot in ancestors_of(table.current_snapshot(), table.metadata):
                found = snapshot.summary.additional_properties.get(key) if snapshot.summary is not None else None
                if found is not None:
                    return handover.is_wanted and found == handover.facts
        return False

    def _commit(self, table: Table, handover: OpenHandover, target: TargetTable, objects: list[str]) -> None:
        """One commit; pyiceberg tries it again where somebody else has changed the table meanwhile."""
        leaving = handover.gone if handover.attempts == 0 else (handover.file_id, *handover.gone)
        properties = {self._property(file_id): _ABSENT for file_id in leaving}
        if handover.is_wanted:
            properties[self._property(handover.file_id)] = handover.facts
        rows = _rows_of(leaving, handover, target)
        is_there = rows is not None and any(True for _ in table.scan(row_filter=rows).plan_files())
        with table.transaction() as transaction:
            if is_there and rows is not None:
                transaction.delete(rows, snapshot_properties=properties)
            if objects:
                # no attempt has the names of another, and to look for them would read all manifests each time
                transaction.add_files(objects, snapshot_properties=properties, check_duplicate_files=False)

    def _property(self, file_id: int) -> str:
        return f"{PROPERTY}.{self._lake.token}.{file_id}"

    @property
    def _identifier(self) -> str:
        configured = catalog_table(self._lake.place)
        return configured[1] if configured is not None else self._lake.target

    def _catalog(self) -> Catalog:
        configured = catalog_table(self._lake.place)
        if configured is None:
            return _ledger_catalog(self._database, self._accesses)
        from pyiceberg.catalog import load_catalog

        return load_catalog(configured[0])

    @property
    def _location(self) -> str | None:
        """Where the table is, as Iceberg's other readers spell it; None: the catalog says."""
        if catalog_table(self._lake.place) is not None:
            return None
        return iceberg_uri(parse_location(self._lake.place))

    def _create(self, catalog: Catalog, target: TargetTable) -> None:
        from pyiceberg.partitioning import PartitionField, PartitionSpec
        from pyiceberg.schema import Schema
        from pyiceberg.table import TableProperties
        from pyiceberg.transforms import DayTransform
        from pyiceberg.types import NestedField

        columns = (*target.columns, *LINEAGE_COLUMNS)
        fields = [
            NestedField(number, column.name, _type(column.sql_type), required=False, doc=column.description or None)
            for number, column in enumerate(columns, start=1)
        ]
        schema = Schema(*fields)
        event_time = next(field.field_id for field in fields if field.name == target.event_time)
        spec = PartitionSpec(PartitionField(event_time, 1000, DayTransform(), EVENT_DATE))
        catalog.create_namespace_if_not_exists(self._identifier.rpartition(".")[0])
        mapping = {TableProperties.DEFAULT_NAME_MAPPING: schema.name_mapping.model_dump_json()}
        catalog.create_table(
            self._identifier, schema, location=self._location, partition_spec=spec, properties=_PROPERTIES | mapping
        )

    def _check(self, table: Table, target: TargetTable) -> None:
        differences = []
        if self._location is not None and table.location().rstrip("/") != self._location.rstrip("/"):
            differences.append(f"is at {table.location()}")
        found = {field.name: str(field.field_type) for field in table.schema().fields}
        for column in (*target.columns, *LINEAGE_COLUMNS):
            there, wanted = found.get(column.name), str(_type(column.sql_type))
            if there is None:
                differences.append(f"has no column {column.name}")
            elif there != wanted:
                differences.append(f"column {column.name} is {there}, expected {wanted}")
        if differences:
            message = f"{self._lake.name}: table {self._identifier} {'; '.join(differences)}"
            hint = "bring the table in line, or name another one: --also iceberg:CATALOG:NAMESPACE.TABLE"
            raise LakeIncompatibleError(message, hint=hint)


def iceberg_uri(location: Location) -> str:
    """A location as Iceberg spells it: ``file://`` and ``abfss://`` where we have a path and ``az://``."""
    if location.is_local:
        return f"file://{quote(location.key)}"
    if location.scheme == "az":
        container, _, account = location.store.partition("@")
        host = account if "." in account else f"{account}.{_AZURE_HOST}"
        return f"abfss://{container}@{host}/{location.key}"
    return location.uri


def _ledger_catalog(database: str, accesses: Accesses) -> Catalog:
    import sqlalchemy
    from pyiceberg.catalog import MetastoreCatalog
    from pyiceberg.catalog.sql import SqlCatalog

    from trade_ingest.lake.iceberg_io import ACCESSES

    def connect() -> Connection:
        connection = open_connection(database, autocommit=False, name="trade-ingest iceberg")
        connection.execute("SET search_path TO ingest")
        connection.commit()
        return connection

    class LedgerCatalog(SqlCatalog):
        """The catalog in the ledger, whose tables its migrations make."""

        def __init__(self) -> None:
            MetastoreCatalog.__init__(self, CATALOG, **properties)
            url = "postgresql+psycopg://"
            self.engine = sqlalchemy.create_engine(url, creator=connect, poolclass=sqlalchemy.NullPool)
            self._schema_version = "v1"

    properties: dict[str, Any] = {"py-io-impl": "trade_ingest.lake.iceberg_io.StoreFileIO", ACCESSES: accesses}
    return LedgerCatalog()


@contextmanager
def _opened(catalog: Catalog) -> Iterator[Catalog]:
    try:
        yield catalog
    finally:
        catalog.close()


def _rows_of(file_ids: Sequence[int], handover: OpenHandover, target: TargetTable) -> BooleanExpression | None:
    """A condition for all rows of files; of the file alone with its range of event times, which spares manifests."""
    from pyiceberg.expressions import And, GreaterThanOrEqual, In, LessThanOrEqual

    if not file_ids:
        return None
    is_theirs = In(term="file_id", literals=set(file_ids))
    if list(file_ids) != [handover.file_id] or handover.event_time_min is None or handover.event_time_max is None:
        return is_theirs
    first, last = (moment.isoformat() for moment in (handover.event_time_min, handover.event_time_max))
    return And(
        is_theirs,
        GreaterThanOrEqual(term=target.event_time, value=first),
        LessThanOrEqual(term=target.event_time, value=last),
    )


def _upload(table: Table, spooled: SpooledDay, uri: str) -> None:
    from trade_ingest.lake.iceberg_io import StoreFileIO
    from trade_ingest.source.placing import put_file

    if isinstance(table.io, StoreFileIO):
        put_file(spooled.path, *table.io.reach(uri))
        return
    with spooled.path.open("rb") as source, table.io.new_output(uri).create(overwrite=True) as target:
        shutil.copyfileobj(source, target)


def _type(sql_type: str) -> IcebergType:
    from pyiceberg import types

    if sql_type.startswith("numeric("):
        precision, scale = sql_type.removeprefix("numeric(").removesuffix(")").split(",")
        return types.DecimalType(int(precision), int(scale))
    plain: dict[str, IcebergType] = {
        "text": types.StringType(),
        "uuid": types.StringType(),
        "jsonb": types.StringType(),
        "bigint": types.LongType(),
        "boolean": types.BooleanType(),
        "date": types.DateType(),
        "timestamp with time zone": types.TimestamptzType(),
    }
    return plain[sql_type]


@contextmanager
def _foreign_errors(lake: Lake) -> Iterator[None]:
    """What pyiceberg, the catalog and its stores raise, as errors of ours."""
    try:
        yield
    except (TradeIngestError, psycopg.Error):
        raise
    except Exception as exc:
        message = f"{lake.name}: {type(exc).__name__}: {exc}"
        hint = "the rows are in the target; the next run tries again"
        raise HandoverError(message, hint=hint) from exc
