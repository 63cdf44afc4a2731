"""Google Dataproc: a workflow on a cluster of its own, or a serverless batch; through google-cloud-dataproc."""

from __future__ import annotations

from typing import Any

from trade_ingest.platform_errors import require_package
from trade_ingest.submit.platform import Document, JobClient, JobState, Parameter, Phase, Platform, Values

_CANCELLED = 1  # google.rpc.Code
_BATCH_PHASES = {
    "PENDING": Phase.WAITING,
    "RUNNING": Phase.RUNNING,
    "CANCELLING": Phase.RUNNING,
    "CANCELLED": Phase.CANCELLED,
    "SUCCEEDED": Phase.SUCCEEDED,
    "FAILED": Phase.FAILED,
}

_PROJECT = Parameter("project", "Google Cloud project.")
_REGION = Parameter("region", "Region, such as europe-west1.")
_SUBNETWORK = Parameter("subnetwork", "Subnetwork that reaches the database.")
_SERVICE_ACCOUNT = Parameter("service_account", "Service account of the job.")


class _GoogleClient(JobClient):
    places = "regions"
    """What the service calls its regions in the names of its resources."""

    def __init__(self, values: Values) -> None:
        super().__init__(values)
        self.dataproc: Any = require_package("google.cloud.dataproc_v1", "gcp")
        self.parent = f"projects/{values['project']}/{self.places}/{values['region']}"

    def client(self, kind: str) -> Any:  # noqa: ANN401  # a class of the library
        """The client of a service in the region."""
        endpoint = f"{self.values['region']}-dataproc.googleapis.com"
        return getattr(self.dataproc, kind)(transport="rest", client_options={"api_endpoint": endpoint})

    def message(self, kind: str, job: Document) -> Any:  # noqa: ANN401  # a message of the library
        """The job as the library's own type, which knows no other fields than those of the service."""
        json_format: Any = require_package("google.protobuf.json_format", "gcp")
        wanted = getattr(self.dataproc, kind)
        return wanted(json_format.ParseDict(job, wanted.pb()()))

    def console(self, path: str) -> str:
        """A page of the console."""
        return f"https://console.cloud.google.com/dataproc/{path}?project={self.values['project']}"


class WorkflowClient(_GoogleClient):
    """Workflows, which make their cluster and delete it."""

    def start(self, job: Document) -> str:
        """Submit the workflow; the name of its operation."""
        client = self.client("WorkflowTemplateServiceClient")
        template = self.message("WorkflowTemplate", job)
        request = {"parent": self.parent, "template": template, "request_id": self.values["id"]}
        return str(client.instantiate_inline_workflow_template(request).operation.name)

    def state(self, job_id: str) -> JobState:
        """The workflow as it is now."""
        from google.cloud.dataproc_v1 import WorkflowMetadata

        transport = self.client("WorkflowTemplateServiceClient").transport
        operation = transport.operations_client.get_operation(job_id)
        metadata = WorkflowMetadata.pb()()
        operation.metadata.Unpack(metadata)
        workflow = WorkflowMetadata(metadata)
        said = workflow.state.name
        nodes = workflow.graph.nodes
        jobs = [node.job_id for node in nodes if node.job_id]
        log = self.console(f"jobs/{self.values['region']}/{jobs[0]}" if jobs else "workflows/instances")
        message = operation.error.message or next((node.error for node in nodes if node.error), "")
        if not operation.done:
            return JobState(Phase.RUNNING if said == "RUNNING" else Phase.WAITING, said, message, log)
        if operation.error.code == _CANCELLED:
            return JobState(Phase.CANCELLED, said, message, log)
        return JobState(Phase.FAILED if operation.error.code else Phase.SUCCEEDED, said, message, log)


class BatchClient(_GoogleClient):
    """Serverless batches."""

    places = "locations"

    def start(self, job: Document) -> str:
        """Submit the batch; its id. A request that is sent again by the library starts no second one."""
        batch_id = str(self.values["id"])
        batch = self.message("Batch", job)
        request = {"parent": self.parent, "batch": batch, "batch_id": batch_id, "request_id": batch_id}
        self.client("BatchControllerClient").create_batch(request)
        return batch_id

    def state(self, job_id: str) -> JobState:
        """The batch as it is now."""
        batch = self.client("BatchControllerClient").get_batch(name=f"{self.parent}/batches/{job_id}")
        said = batch.state.name
        log = batch.runtime_info.output_uri or self.console(f"batches/{self.values['region']}/{job_id}/monitoring")
        return JobState(_BATCH_PHASES.get(said, Phase.WAITING), said, batch.state_message, log)


DATAPROC_CLUSTER = Platform(
    name="dataproc-cluster",
    title="Dataproc",
    template="dataproc_cluster/workflow_template.yaml",
    parameters=(
        _PROJECT,
        _REGION,
        _SUBNETWORK,
        _SERVICE_ACCOUNT,
        Parameter("image_version", "Image of the cluster.", "2.3-debian12"),
        Parameter("machine_type", "Machine type of master and workers.", "n2-standard-4"),
        Parameter("workers", "Workers of the cluster.", 2, is_number=True),
        Parameter("python", "Python, of the version that the packages are made with.", "python3.11"),
    ),
    client=WorkflowClient,
    places=("gs://",),
)

DATAPROC_SERVERLESS = Platform(
    name="dataproc-serverless",
    title="Dataproc Serverless",
    template="dataproc_serverless/batch.yaml",
    parameters=(
        _PROJECT,
        _REGION,
        _SUBNETWORK,
        _SERVICE_ACCOUNT,
        Parameter("runtime_version", "Runtime of the batch.", "2.3"),
        Parameter("executors", "Executors at most.", "4"),
        Parameter("timeout", "The batch is stopped after so long.", "43200s"),
    ),
    client=BatchClient,
    places=("gs://",),
)
