"""Azure Synapse: a Spark batch of a pool (Livy); through azure-synapse-spark."""

from __future__ import annotations

from typing import Any

from trade_ingest.platform_errors import require_package
from trade_ingest.submit.platform import Document, JobClient, JobState, Parameter, Phase, Platform, Values

# https://learn.microsoft.com/rest/api/synapse/data-plane/spark-batch/get-spark-batch-job
_RESULTS = {"Succeeded": Phase.SUCCEEDED, "Failed": Phase.FAILED, "Cancelled": Phase.CANCELLED}
_ENDS = {"success": Phase.SUCCEEDED, "error": Phase.FAILED, "dead": Phase.FAILED, "killed": Phase.CANCELLED}
_WAITING = frozenset({"not_started", "starting", "recovering"})


class SynapseClient(JobClient):
    """Batches of a pool."""

    def __init__(self, values: Values) -> None:
        super().__init__(values)
        identity = require_package("azure.identity", "azure")
        spark = require_package("azure.synapse.spark", "azure")
        endpoint = f"https://{values['workspace']}.dev.azuresynapse.net"
        self.models: Any = spark.models
        self.batches: Any = spark.SparkClient(identity.DefaultAzureCredential(), endpoint, values["pool"]).spark_batch

    def start(self, job: Document) -> str:
        """Submit the batch; its id."""
        options = self.models.SparkBatchJobOptions.from_dict(job)
        return str(self.batches.create_spark_batch_job(options, detailed=True).id)

    def state(self, job_id: str) -> JobState:
        """The batch as it is now."""
        batch = self.batches.get_spark_batch_job(int(job_id), detailed=True)
        said = str(batch.state)
        phase = _RESULTS.get(str(batch.result)) or _ENDS.get(said)
        if phase is None:
            phase = Phase.WAITING if said in _WAITING else Phase.RUNNING
        errors = "; ".join(str(error.message) for error in batch.errors or [])
        name, workspace = self.values["name"], self.values["workspace"]
        log = f"https://web.azuresynapse.net/monitoring/sparkapplication/{name}?livyId={job_id}&workspace={workspace}"
        return JobState(phase, said, errors, log)


SYNAPSE = Platform(
    name="synapse",
    title="Azure Synapse",
    template="synapse/spark_batch_job.json",
    parameters=(
        Parameter("workspace", "Synapse workspace."),
        Parameter("pool", "Apache Spark pool, with runtime 3.5."),
        Parameter("executors", "Executors.", 2, is_number=True),
        Parameter("cores", "Cores of the driver and of each executor.", 4, is_number=True),
        Parameter("memory", "Memory of the driver and of each executor.", "28g"),
    ),
    client=SynapseClient,
    places=("abfss://",),
)
