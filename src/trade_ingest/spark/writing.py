"""DataFrames into PostgreSQL."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from trade_ingest.engine.spark import SparkEngine, described
from trade_ingest.engine.spark_session import is_classic
from trade_ingest.engine.spark_task import result_schema
from trade_ingest.errors import TradeIngestError, UsageError, WriteRefusedError
from trade_ingest.ledger.connection import open_connection, wrap_database_errors
from trade_ingest.ledger.spark_writes import claim_write, count_written
from trade_ingest.pipeline import prepare_ledger
from trade_ingest.spark.table import WriteTarget, ensure_table, target_of

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

Batches = Iterator[Any]

_LONGEST_ID = 200


@dataclass(frozen=True, slots=True)
class WriteResult:
    """What a write did; the rows of the DataFrame are the sum of the three counts.

    Attributes:
        write_id: the id that makes writing the same again do nothing.
        target: the table, as ``schema.table``.
        partitions: how many the DataFrame has.
        rows_loaded: rows that are in the table since this call.
        rows_duplicate: rows that were there already, with the same key and content, or twice in the DataFrame.
        rows_skipped: rows of partitions that an earlier call with the same write id has written.
    """

    write_id: str
    target: str
    partitions: int
    rows_loaded: int
    rows_duplicate: int
    rows_skipped: int


def write(
    df: DataFrame,
    table: str,
    database: str,
    *,
    key: str | Sequence[str] = (),
    write_id: str | None = None,
    partitions: int | None = None,
) -> WriteResult:
    """Write a DataFrame into a PostgreSQL table by binary COPY: each partition exactly once per write id.

    The rows of a partition and its row in the ledger are one transaction, so that retries of Spark, speculative
    copies of tasks, and further calls with the same write id find it done and do nothing. A call that fails leaves
    whole partitions; calling again with the same write id writes the others.

    That needs the same rows in the same partitions at each call with one write id. A DataFrame of ``read`` has them,
    as one of files that do not change; after a shuffle it depends on Spark. ``partitions`` makes them so: each row's
    partition then follows from its values. Otherwise ``persist`` the DataFrame. A column that is computed anew each
    time, as of ``rand`` or ``current_timestamp``, is to be persisted in any case.

    Args:
        df: classic or Connect.
        table: ``table`` or ``schema.table``; made if it does not exist, with a unique index on the key.
        database: the URL of the database, as driver and executors reach it.
        key: columns that tell rows apart: a row whose key is in the table already, with the same content, is a
            duplicate and not written; one with other content fails its partition.
        write_id: names this write; None: a new one, so that only this call is exactly once.
        partitions: spread the rows by their values over so many partitions, which costs a shuffle; None: those that the
            DataFrame has. To count them its shuffles are done a second time, and over Spark Connect all of it.

    Returns:
        How many rows were written and skipped, as the ledger has it.

    Raises:
        WriteRefusedError: the write id was used for another table or number of partitions, or the DataFrame fits no
            table.
        TargetIncompatibleError: the table exists and does not take the DataFrame.
        WriteConflictError: a key is there with other content.
        EngineError: executors lack a package or cannot reach the database.
        LedgerVersionError: the ledger is of another version of this program.
        DatabaseUnavailableError, DatabaseAuthenticationError, DatabasePermissionError: the database cannot be used.
        PySparkException: a task failed, also when Spark tried again.
    """
    write_id = checked_id(write_id or str(uuid4()))
    target = target_of(table, fields_of(df.schema), [key] if isinstance(key, str) else key)
    df = df.toDF(*(f"c{number}" for number in range(len(target.columns))))  # Spark takes dots in names for fields
    if partitions is not None:
        df = df.repartition(partitions, *df.columns)
    engine = SparkEngine(df.sparkSession, database)
    if partitions is None and not is_classic(df.sparkSession):
        engine.check_executors(None)  # which count, too
    count = partitions if partitions is not None else _count_partitions(df)
    target = begin_write(database, write_id, target, partitions=count)
    with wrap_database_errors(), open_connection(database) as connection:
        before = count_written(connection, write_id)
        if before.partitions < count:
            engine.check_executors(None)
            with described(df.sparkSession, f"trade-ingest write {write_id}: {target.name}"):
                _run(df, copy_partition(database, write_id, target))
        after = count_written(connection, write_id)
    if after.partitions != count:
        message = f"the DataFrame had {count:,} partitions when they were counted, and {after.partitions:,} are written"
        hint = "its partitions differ from one evaluation to the next: persist it, or give `partitions`"
        raise WriteRefusedError(message, hint=hint)
    return WriteResult(
        write_id=write_id,
        target=target.name,
        partitions=count,
        rows_loaded=after.rows_loaded - before.rows_loaded,
        rows_duplicate=after.rows_duplicate - before.rows_duplicate,
        rows_skipped=before.rows_loaded + before.rows_duplicate,
    )


def checked_id(write_id: str) -> str:
    """The write id.

    Raises:
        UsageError: it is empty or too long.
    """
    if not write_id or len(write_id) > _LONGEST_ID:
        raise UsageError(f"a write id has 1 to {_LONGEST_ID} characters, not {len(write_id)}", hint="e.g. 2024-01-31")
    return write_id


def fields_of(schema: Any) -> list[tuple[str, str]]:  # noqa: ANN401  # a StructType; pyspark is optional
    """Name and type of each column of a Spark schema."""
    return [(field.name, field.dataType.simpleString()) for field in schema.fields]


def begin_write(database: str, write_id: str, target: WriteTarget, *, partitions: int | None) -> WriteTarget:
    """Make ledger and table where they are not there, and bind the write id to them; see ``write`` for errors."""
    prepare_ledger(database)
    with wrap_database_errors(), open_connection(database) as connection:
        with connection.transaction():
            claim_write(connection, write_id, target=target.name, partitions=partitions)
        return ensure_table(connection, target)


def copy_partition(database: str, write_id: str, target: WriteTarget) -> Callable[[Batches], Batches]:
    """The function of ``mapInArrow`` that writes the partition that it is given.

    It yields nothing, or a pickled error that trying again would not mend; others it raises, for Spark to try again.
    """
    payload = pickle.dumps((database, write_id, target))

    def copy(batches: Batches) -> Batches:
        from pyspark import TaskContext

        from trade_ingest.engine.spark_task import forget_zip_importers, result_batch
        from trade_ingest.errors import TradeIngestError
        from trade_ingest.spark.partition import write_partition

        context = TaskContext.get()
        assert context is not None
        database, write_id, target = pickle.loads(payload)  # noqa: S301  # made by the driver, above
        try:
            write_partition(database, write_id, target, context.partitionId(), batches)
        except TradeIngestError as error:
            if error.retryable:
                raise
            yield result_batch(pickle.dumps(error))
        forget_zip_importers()

    return copy


def _run(df: DataFrame, function: Callable[[Batches], Batches]) -> None:
    errors = [pickle.loads(bytes(row[0])) for row in df.mapInArrow(function, result_schema()).collect()]  # noqa: S301  # our own
    if errors:
        error: TradeIngestError = errors[0]
        raise error


def _count_partitions(df: DataFrame) -> int:
    if ".connect." not in type(df).__module__:
        return df.rdd.getNumPartitions()

    def tell(_: Batches) -> Batches:
        from trade_ingest.engine.spark_task import result_batch

        yield result_batch(b"")

    return len(df.mapInArrow(tell, result_schema()).collect())
