"""The platforms that ``submit`` knows, by name."""

from __future__ import annotations

from trade_ingest.submit.databricks import DATABRICKS, DATABRICKS_SERVERLESS
from trade_ingest.submit.dataproc import DATAPROC_CLUSTER, DATAPROC_SERVERLESS
from trade_ingest.submit.emr import EMR_EC2, EMR_SERVERLESS
from trade_ingest.submit.fabric import FABRIC
from trade_ingest.submit.kubernetes import KUBERNETES, KUBERNETES_SPARK
from trade_ingest.submit.platform import Platform
from trade_ingest.submit.synapse import SYNAPSE

PLATFORMS: dict[str, Platform] = {
    platform.name: platform
    for platform in (
        EMR_EC2,
        EMR_SERVERLESS,
        DATAPROC_CLUSTER,
        DATAPROC_SERVERLESS,
        SYNAPSE,
        FABRIC,
        DATABRICKS,
        DATABRICKS_SERVERLESS,
        KUBERNETES,
        KUBERNETES_SPARK,
    )
}
