"""Files as lazy DataFrames."""

from __future__ import annotations

import logging
import pickle
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from trade_ingest.contract.loading import load_contract
from trade_ingest.contract.model import Contract, RejectLimit
from trade_ingest.source.listing import Connections, take_listing
from trade_ingest.spark.packs import Pack, pack_files
from trade_ingest.spark.schema import REJECT_SCHEMA, spark_schema

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

logger = logging.getLogger(__name__)

Batches = Iterator[Any]


def read(
    session: SparkSession,
    source: str | Sequence[str],
    *,
    contract: Contract | str,
    reject_limit: RejectLimit | None = None,
    connections: Connections = (),
) -> DataFrame:
    """The accepted rows of files: what ``ingest`` would load, as a lazy DataFrame.

    Files are listed now, and read when there is an action; each action reads them again unless the DataFrame is
    persisted. The same versions of the same files are always the same rows in the same partitions.

    Args:
        session: classic or Connect.
        source: files, folders, globs, as driver and executors see them.
        contract: what the files must look like: a contract, the name of a built-in one, or the path of a YAML file.
        reject_limit: instead of the contract's.
        connections: how object stores are reached; without, by the credentials of the environment.

    Returns:
        The contract's columns in its order (``decimal(p,s)``, ``timestamp`` in microseconds, ``bigint``, ``boolean``,
        ``date``, else ``string``), each ``nanoseconds`` companion (``bigint``) after its timestamp, then ``_file`` (its
        URI) and ``_row_number`` (from 1).

    Raises:
        SourceNotFoundError: a source matches no file.
        ContractError, UnknownContractError: the contract cannot be used.

    An action fails, and its message names file and reason, where a file cannot be read as the contract says, has more
    rejects than the limit, or has changed since it was listed.
    """
    contract = as_contract(contract)
    packs = packs_of(source, contract, connections)
    function = read_packs("rows", packs, contract, reject_limit)
    return _frame(session, len(packs), function, spark_schema(contract))


def read_rejects(
    session: SparkSession,
    source: str | Sequence[str],
    *,
    contract: Contract | str,
    connections: Connections = (),
) -> DataFrame:
    """The rows of files that break the contract, as a lazy DataFrame; see ``read``.

    Returns:
        ``_file``, ``row_number`` (from 1), ``byte_offset`` (in the decompressed file), ``raw_text`` and ``reasons``: an
        array of ``code``, ``column`` (NULL where the whole record is wrong) and ``value``. Limits of rejects do not
        apply.
    """
    contract = as_contract(contract)
    packs = packs_of(source, contract, connections)
    function = read_packs("rejects", packs, contract, None)
    return _frame(session, len(packs), function, REJECT_SCHEMA)


def as_contract(contract: Contract | str) -> Contract:
    """The contract itself, a built-in one by name, or one from a file."""
    return load_contract(contract) if isinstance(contract, str) else contract


def packs_of(source: str | Sequence[str], contract: Contract, connections: Connections = ()) -> list[Pack]:
    """The files of sources that are delivered whole as the contract says, as the tasks read them.

    Raises:
        SourceNotFoundError: a source matches no file.
    """
    sources = [source] if isinstance(source, str) else source
    files = take_listing(sources, connections=connections, delivery=contract.delivery).files
    for file in files:
        if file.held:
            logger.warning("%s: left out: %s", file.uri, file.held_because)
    return pack_files([file for file in files if not file.held])


def read_packs(
    what: str, packs: Sequence[Pack], contract: Contract, reject_limit: RejectLimit | None
) -> Callable[[Batches], Batches]:
    """The function of ``mapInArrow`` that reads, for each number that it is given, the pack of that number."""
    payloads = [pickle.dumps(pack) for pack in packs]
    shared = pickle.dumps((contract, reject_limit or contract.rejects))

    def read_numbered(batches: Batches) -> Batches:
        from trade_ingest.engine.spark_task import forget_zip_importers
        from trade_ingest.spark.rows import accepted_rows, rejected_rows

        contract, limit = pickle.loads(shared)  # noqa: S301  # made by the driver, above
        for batch in batches:
            for number in batch.column(0).to_pylist():
                files = pickle.loads(payloads[number])  # noqa: S301
                yield from accepted_rows(files, contract, limit) if what == "rows" else rejected_rows(files, contract)
        forget_zip_importers()

    return read_numbered


def _frame(session: SparkSession, tasks: int, function: Callable[[Batches], Batches], schema: str) -> DataFrame:
    numbers = session.range(0, tasks, 1, max(tasks, 1))
    return numbers.mapInArrow(function, schema)
