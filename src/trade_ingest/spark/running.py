"""The pipeline on a session."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypedDict, Unpack

from trade_ingest import pipeline
from trade_ingest.contract.model import Contract, OnChanged, RejectLimit
from trade_ingest.engine.spark_session import active_session
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
    """Load files into PostgreSQL as ``trade_ingest.ingest`` does, with this session.

    Args:
        session: the session of this process, classic or Connect.
        sources: files, folders, globs.
        contract: a contract, the name of a built-in one, or the path of a YAML file.
        database: the URL of the database, as driver and executors reach it.
        options: those of ``RunOptions``.

    Raises:
        EngineError: the session is stopped or not the one of this process, or executors cannot load.
        TradeIngestError: as ``trade_ingest.ingest``.
    """
    active = active_session()
    if active is None or _application(active) != _application(session):
        raise EngineError("the session is not the active one of this process", hint="stop the other one first")
    return pipeline.ingest(
        [sources] if isinstance(sources, str) else sources,
        contract=as_contract(contract),
        database=database,
        options=RunOptions(engine="spark", **options),
    )


def _application(session: SparkSession) -> str:
    """What sessions of one application share."""
    return session.conf.get("spark.app.id", "") or ""
