"""Runs as OpenLineage events: their files, their table, counts and quality. On where OpenLineage is configured.

The client reads its own settings: ``OPENLINEAGE_URL``, ``OPENLINEAGE_CONFIG`` or ``OPENLINEAGE__TRANSPORT__…``.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import datetime
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from uuid import UUID, uuid5

import psycopg
from psycopg.conninfo import conninfo_to_dict

from trade_ingest.errors import EngineError
from trade_ingest.ledger.stream import StreamEvent

if TYPE_CHECKING:
    from openlineage.client.event_v2 import InputDataset, OutputDataset, RunEvent

Connection = psycopg.Connection[Any]

PRODUCER = "https://github.com/trade-ingest/trade-ingest"
MAX_INPUTS = 1000
"""Files that one event names; the counts are those of all."""

BALANCE = "rows_read = rows_loaded + rows_duplicate + rows_rejected"

_NAMESPACE = UUID("6f0b4b0e-6a3c-5f0e-9a54-3c1c0c3a7a11")
_STATES = {"succeeded": "COMPLETE", "failed": "FAIL", "interrupted": "ABORT", "abandoned": "ABORT"}

_RUN_SQL = """
SELECT r.kind, r.target, r.started_at, r.ended_at, r.state, r.files_loaded, r.rows_read, r.rows_loaded,
    r.rows_duplicate, r.rows_rejected, r.bytes_read, r.error->>'message', c.name
FROM ingest.run AS r LEFT JOIN ingest.contract AS c USING (contract_id)
WHERE r.run_id = %s
"""

_FILES_SQL = """
SELECT uri, size_bytes, rows_read, rows_loaded, rows_duplicate, rows_rejected FROM ingest.file
WHERE run_id = %s AND state IN ('loaded', 'replaced') ORDER BY file_id LIMIT %s
"""


def is_lineage_configured() -> bool:
    """Whether the environment says where OpenLineage events go."""
    names = ("OPENLINEAGE_URL", "OPENLINEAGE_CONFIG")
    return any(os.environ.get(n) for n in names) or any(n.startswith("OPENLINEAGE__TRANSPORT") for n in os.environ)


class Lineage:
    """Sends the beginning and the end of each run.

    Args:
        database: the URL of the database, which names the tables; no password of it is sent.
    """

    name = "openlineage"

    def __init__(self, database: str) -> None:
        try:
            from openlineage.client import OpenLineageClient
        except ImportError as exc:
            message = "OpenLineage is configured, and its package is not installed"
            raise EngineError(message, hint="pip install 'trade-ingest[lineage]'") from exc
        parameters = conninfo_to_dict(database)
        self._name = str(parameters.get("dbname") or "postgres")
        host = str(parameters.get("host") or "localhost")
        self._namespace = f"postgres://{'localhost' if host.startswith('/') else host}:{parameters.get('port') or 5432}"
        self._client = OpenLineageClient()

    def take(self, events: Sequence[StreamEvent], connection: Connection, memory: dict[str, Any]) -> None:  # noqa: ARG002
        """Send what began and what ended."""
        for event in events:
            if event.kind in {"run_started", "run_ended", "run_abandoned"} and event.run_id is not None:
                self._client.emit(self._event(connection, event.run_id, event.at, is_end=event.kind != "run_started"))

    def _event(self, connection: Connection, run_id: int, at: datetime, *, is_end: bool) -> RunEvent:
        from openlineage.client.event_v2 import Job, Run, RunEvent, RunState
        from openlineage.client.facet_v2 import error_message_run

        row = connection.execute(_RUN_SQL, [run_id]).fetchone()
        assert row is not None
        kind, target, *_, error, contract = row
        state = _STATES.get(row[4], "FAIL") if is_end else "START"
        facets: dict[str, Any] = {}
        if is_end and error:
            facets["errorMessage"] = error_message_run.ErrorMessageRunFacet(error, "python", producer=PRODUCER)
        return RunEvent(
            eventTime=at.isoformat(),
            producer=PRODUCER,
            eventType=RunState[state],
            run=Run(str(uuid5(_NAMESPACE, f"{self._namespace}/{self._name}/{run_id}")), facets=facets),
            job=Job("trade-ingest", f"{kind}.{contract}" if contract else kind),
            inputs=self._inputs(connection, run_id) if is_end else [],
            outputs=self._outputs(target, row, is_end=is_end),
        )

    def _inputs(self, connection: Connection, run_id: int) -> list[InputDataset]:
        from openlineage.client.event_v2 import InputDataset
        from openlineage.client.facet_v2 import data_quality_assertions_dataset as assertions
        from openlineage.client.facet_v2 import data_quality_metrics_input_dataset as metrics

        inputs = []
        for uri, size_bytes, rows, *counts in connection.execute(_FILES_SQL, [run_id, MAX_INPUTS]).fetchall():
            duplicate, rejected = counts[1:]
            checks = [
                assertions.Assertion(BALANCE, rows == sum(counts)),
                assertions.Assertion("rows_duplicate = 0", duplicate == 0, actual=str(duplicate)),
                assertions.Assertion("rows_rejected = 0", rejected == 0, actual=str(rejected)),
            ]
            facets: dict[str, Any] = {
                "dataQualityMetrics": metrics.DataQualityMetricsInputDatasetFacet(
                    rowCount=rows, bytes=size_bytes, columnMetrics={}, producer=PRODUCER
                ),
                "dataQualityAssertions": assertions.DataQualityAssertionsDatasetFacet(checks, producer=PRODUCER),
            }
            inputs.append(InputDataset(*_dataset_of(uri), inputFacets=facets))
        return inputs

    def _outputs(self, target: str, row: Sequence[Any], *, is_end: bool) -> list[OutputDataset]:
        from openlineage.client.event_v2 import OutputDataset
        from openlineage.client.facet_v2 import output_statistics_output_dataset as statistics

        facets: dict[str, Any] = {}
        if is_end:
            files, _, loaded = row[5:8]
            facets["outputStatistics"] = statistics.OutputStatisticsOutputDatasetFacet(
                rowCount=loaded, fileCount=files, producer=PRODUCER
            )
        return [OutputDataset(self._namespace, f"{self._name}.{target}", outputFacets=facets)]


def _dataset_of(uri: str) -> tuple[str, str]:
    """Namespace and name of a file, as https://openlineage.io/docs/spec/naming says."""
    parts = urlsplit(uri)
    if len(parts.scheme) <= 1:
        return "file", str(PurePosixPath(uri))
    return f"{parts.scheme}://{parts.netloc}", parts.path.lstrip("/")
