"""The DAG ``trade_ingest``: what is new in a source is planned, loaded in groups, reconciled and published.

    plan ──► load, a task for each group of files ──► reconcile ──► publish: an asset for each target table

Every night it loads the day before; ``airflow backfill create`` loads other days, in any order and as often as you
like: what is loaded already is not loaded again. How to set it up: docs/how-to/airflow.md.
"""

from __future__ import annotations

from airflow.sdk import Param, dag
from trade_ingest_tasks import DAG_ARGUMENTS, PARAMS, SCHEDULE, DashboardLink, load, plan, publish, reconcile

_GROUPING = {
    "engine": Param(
        None, enum=[None, "auto", "local", "spark"], description="What runs the loads. Empty: TRADE_INGEST_ENGINE."
    ),
    "group_files": Param(100, type="integer", minimum=1, description="Files of a group, at most."),
    "group_bytes": Param(4 << 30, type="integer", minimum=1, description="Bytes of a group, at most, as stored."),
}


@dag(dag_id="trade_ingest", doc_md=__doc__, schedule=SCHEDULE, params={**PARAMS, **_GROUPING}, **DAG_ARGUMENTS)
def trade_ingest() -> None:
    """Load what is new."""
    loads = load.expand(files=plan())
    loads.operator.operator_extra_links = [DashboardLink()]
    publish(reconcile(loads), loads)


trade_ingest()
