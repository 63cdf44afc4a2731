"""The Python Data Sources of Spark 4: ``trades`` to read files, ``postgres_copy`` to write tables."""

from __future__ import annotations

import json
import pickle
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from trade_ingest.contract.loading import load_contract
from trade_ingest.contract.model import Contract
from trade_ingest.errors import EngineError, UsageError, WriteRefusedError
from trade_ingest.ledger.connection import open_connection, wrap_database_errors
from trade_ingest.ledger.spark_writes import claim_write, count_written
from trade_ingest.spark.packs import Pack
from trade_ingest.spark.reading import packs_of
from trade_ingest.spark.schema import spark_schema
from trade_ingest.spark.table import WriteTarget, target_of
from trade_ingest.spark.writing import begin_write, checked_id, fields_of

if TYPE_CHECKING:
    from pyspark.sql import SparkSession
    from pyspark.sql.types import StructType

Options = Mapping[str, str]


def register(session: SparkSession) -> None:
    """Make the formats ``trades`` and ``postgres_copy`` known to a session, classic or Connect.

    ``spark.read.format("trades").option("contract", …).load(path)`` is ``read``;
    ``df.write.format("postgres_copy").mode("append")`` with the options ``table``, ``database`` and, if wanted, ``key``
    (columns separated by commas) and ``write_id`` is ``write`` with the DataFrame's own partitions. Spark counts these
    only when it is done: until a write has ended once, another number of them is not noticed.

    Raises:
        EngineError: the session is older than Spark 4.
    """
    if int(session.version.partition(".")[0]) < 4:  # noqa: PLR2004  # Python Data Sources came with Spark 4
        message = f"formats in Python need Spark 4, and the session is Spark {session.version}"
        raise EngineError(message, hint="use trade_ingest.spark.read and write, which work on Spark 3.5 too")
    for source in (_reading_source(), _writing_source()):
        session.dataSource.register(source)


def _reading_source() -> type[Any]:
    """The class of ``trades``; Spark ships it to its processes by value."""
    from pyspark.sql.datasource import DataSource, DataSourceReader, InputPartition

    class Reader(DataSourceReader):
        def __init__(self, options: Options) -> None:
            self._options = dict(options)
            self._contract = source_contract(options)

        def partitions(self) -> Sequence[InputPartition]:
            return [InputPartition(pickle.dumps(pack)) for pack in source_packs(self._options, self._contract)]

        def read(self, partition: InputPartition) -> Iterator[Any]:
            from trade_ingest.spark.rows import accepted_rows

            return accepted_rows(pickle.loads(partition.value), self._contract, self._contract.rejects)  # noqa: S301

    class Trades(DataSource):
        @classmethod
        def name(cls) -> str:
            return "trades"

        def schema(self) -> str:
            return spark_schema(source_contract(self.options))

        def reader(self, schema: StructType) -> DataSourceReader:  # noqa: ARG002  # it is that of schema()
            return Reader(self.options)

    return Trades


def _writing_source() -> type[Any]:
    """The class of ``postgres_copy``."""
    from pyspark.sql.datasource import DataSource, DataSourceArrowWriter, WriterCommitMessage

    class Writer(DataSourceArrowWriter):
        def __init__(self, write: SourceWrite) -> None:
            self._write = write

        def write(self, iterator: Iterator[Any]) -> WriterCommitMessage:
            self._write.write(iterator)
            return WriterCommitMessage()

        def commit(self, messages: list[WriterCommitMessage | None]) -> None:
            self._write.commit(len(messages))

        def abort(self, messages: list[WriterCommitMessage | None]) -> None:
            """Partitions that are written stay, for the next try."""

    class PostgresCopy(DataSource):
        @classmethod
        def name(cls) -> str:
            return "postgres_copy"

        def writer(self, schema: StructType, overwrite: bool) -> DataSourceArrowWriter:  # noqa: FBT001
            if overwrite:
                raise UsageError("postgres_copy does not overwrite tables", hint='write with mode("append")')
            return Writer(SourceWrite.begin(self.options, fields_of(schema)))

    return PostgresCopy


def needed(options: Options, name: str, source: str) -> str:
    """An option.

    Raises:
        UsageError: it is not given.
    """
    value = options.get(name)
    if not value:
        raise UsageError(f"format {source} needs the option {name!r}", hint=f'.option("{name}", …)')
    return value


def source_contract(options: Options) -> Contract:
    """The contract that the option names."""
    return load_contract(needed(options, "contract", "trades"))


def source_packs(options: Options, contract: Contract) -> list[Pack]:
    """The files of ``load(path)`` or ``load([path, …])``."""
    paths = options.get("paths")
    return packs_of(json.loads(paths) if paths else needed(options, "path", "trades"), contract)


@dataclass(frozen=True, slots=True)
class SourceWrite:
    """A write by the format ``postgres_copy``."""

    database: str
    write_id: str
    target: WriteTarget

    @classmethod
    def begin(cls, options: Options, fields: Sequence[tuple[str, str]]) -> SourceWrite:
        """Make what is to be there before the tasks begin."""
        from uuid import uuid4

        database = needed(options, "database", "postgres_copy")
        key = [name.strip() for name in (options.get("key") or "").split(",") if name.strip()]
        target = target_of(needed(options, "table", "postgres_copy"), fields, key)
        write_id = checked_id(options.get("write_id") or str(uuid4()))
        return cls(database, write_id, begin_write(database, write_id, target, partitions=None))

    def write(self, batches: Iterator[Any]) -> None:
        """Write the partition of the task that this runs in."""
        from pyspark import TaskContext

        from trade_ingest.spark.partition import write_partition

        context = TaskContext.get()
        assert context is not None
        write_partition(self.database, self.write_id, self.target, context.partitionId(), batches)

    def commit(self, partitions: int) -> None:
        """Bind the write id to the number of partitions, which is known at last.

        Raises:
            WriteRefusedError: it was another one before.
        """
        with wrap_database_errors(), open_connection(self.database) as connection:
            claim_write(connection, self.write_id, target=self.target.name, partitions=partitions)
            written = count_written(connection, self.write_id).partitions
        if written != partitions:
            message = f"the DataFrame has {partitions:,} partitions, and under its write id {written:,} are written"
            raise WriteRefusedError(message, hint="its partitions differ from one evaluation to the next: persist it")
