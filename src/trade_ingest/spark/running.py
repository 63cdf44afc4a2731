"""The pipeline on a session."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypedDict, Unpack

from trade_ingest import pipeline
from trade_ingest.contract.model import Contract, OnChanged, RejectLimit
from trade_ingest.engine.spark_session import is_stopped
from trade_ingest.errors import EngineError
from trade_ingest.run import RunOptions, RunResult
from trade_ingest.source.connection import StoreConnection
from trade_ingest.spark.reading import as_contract

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


class Options(TypedDict, total=False):
    """The options of ``RunOptions`` that a run on a given session has."""

    parallelism: int | None
    max_connections: int | None
    on_changed: OnChanged | None
    reject_limit: RejectLimit | None
    reload: bool
    connections: tuple[StoreConnection, ...]


def ingest(
    session: SparkSession,
    sources: str | Sequence[str],
    *,
    contract: Contract | str,
    database: str,
    **options: Unpack[Options],
) -> RunResult:
    """Load files into PostgreSQL as ``trade_ingest.ingest`` does, with this session, which stays.

    Args:
        session: classic or Connect; need not be the active one.
        sources: files, folders, globs.
        contract: a contract, the name of a built-in one, or the path of a YAML file.
        database: the URL of the database, as driver and executors reach it.
        options: those of ``RunOptions``.

    Raises:
        EngineError: the session is stopped, or executors cannot load.
        TradeIngestError: as ``trade_ingest.ingest``.
    """
    if is_stopped(session):
        raise EngineError("the Spark session is stopped", hint="begin a new one: SparkSession.builder.getOrCreate()")
    return pipeline.ingest(
        [sources] if isinstance(sources, str) else sources,
        contract=as_contract(contract),
        database=database,
        options=RunOptions(engine="spark", session=session, **options),
    )
