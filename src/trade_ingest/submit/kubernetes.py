"""Kubernetes: a Job of one pod, or a SparkApplication of the Spark operator; through the client of Kubernetes."""

from __future__ import annotations

import os
import re
from typing import Any

from trade_ingest.platform_errors import require_package
from trade_ingest.submit.platform import Document, JobClient, JobState, Parameter, Phase, Platform, Values

_GROUP, _VERSION, _PLURAL = "sparkoperator.k8s.io", "v1beta2", "sparkapplications"
_EXIT_CODE = re.compile(r"exit ?code:? (\d+)", re.IGNORECASE)

# https://github.com/kubeflow/spark-operator/blob/master/api/v1beta2/sparkapplication_types.go, ApplicationStateType
_APPLICATION_PHASES = {
    "": Phase.WAITING,
    "NEW": Phase.WAITING,
    "SUBMITTED": Phase.WAITING,
    "PENDING_RERUN": Phase.WAITING,
    "SUSPENDED": Phase.WAITING,
    "COMPLETED": Phase.SUCCEEDED,
    "FAILED": Phase.FAILED,
    "SUBMISSION_FAILED": Phase.RUNNING,  # tried again, or else FAILED
    "FAILING": Phase.RUNNING,
}


class _KubernetesClient(JobClient):
    def __init__(self, values: Values) -> None:
        super().__init__(values)
        self.library: Any = require_package("kubernetes", "kubernetes")
        # the library reads the variable when it is imported, and never again
        kubeconfig = os.environ.get("KUBECONFIG") or None
        api = self.library.config.new_client_from_config(config_file=kubeconfig, context=values["context"])
        self.core: Any = self.library.client.CoreV1Api(api)
        self.batch: Any = self.library.client.BatchV1Api(api)
        self.objects: Any = self.library.client.CustomObjectsApi(api)
        self.namespace: str = values["namespace"]

    def terminated(self, selector: str) -> Any | None:  # noqa: ANN401  # a V1ContainerStateTerminated
        """How the first container of the newest pod with these labels ended; None: it has not."""
        pods = self.core.list_namespaced_pod(self.namespace, label_selector=selector).items
        ended = [
            status.state.terminated
            for pod in sorted(pods, key=lambda pod: pod.metadata.creation_timestamp, reverse=True)
            for status in (pod.status.container_statuses or [])[:1]
        ]
        return ended[0] if ended else None


class KubernetesJobClient(_KubernetesClient):
    """Jobs of the API group batch."""

    def start(self, job: Document) -> str:
        """Make the Job; its name."""
        return str(self.batch.create_namespaced_job(self.namespace, job).metadata.name)

    def state(self, job_id: str) -> JobState:
        """The Job as it is now."""
        log = f"kubectl logs --namespace {self.namespace} job/{job_id}"
        status = self.batch.read_namespaced_job(job_id, self.namespace).status
        ends = {found.type: found for found in status.conditions or [] if found.status == "True"}
        if "Complete" in ends:
            return JobState(Phase.SUCCEEDED, "Complete", "", log, 0)
        if failed := ends.get("Failed"):
            ended = self.terminated(f"batch.kubernetes.io/job-name={job_id}")
            code = None if ended is None else int(ended.exit_code)
            return JobState(Phase.FAILED, failed.reason or "Failed", failed.message or "", log, code)
        return JobState(Phase.RUNNING if status.active else Phase.WAITING, "Active" if status.active else "", "", log)


class SparkApplicationClient(_KubernetesClient):
    """Applications of the Spark operator."""

    def start(self, job: Document) -> str:
        """Make the SparkApplication; its name."""
        made = self.objects.create_namespaced_custom_object(_GROUP, _VERSION, self.namespace, _PLURAL, job)
        return str(made["metadata"]["name"])

    def state(self, job_id: str) -> JobState:
        """The application as it is now."""
        found = self.objects.get_namespaced_custom_object(_GROUP, _VERSION, self.namespace, _PLURAL, job_id)
        status = found.get("status", {})
        state = status.get("applicationState", {})
        said, message = state.get("state", ""), state.get("errorMessage", "")
        pod = status.get("driverInfo", {}).get("podName") or f"{job_id}-driver"
        code = _EXIT_CODE.search(message)
        return JobState(
            _APPLICATION_PHASES.get(said, Phase.RUNNING),
            said,
            message,
            f"kubectl logs --namespace {self.namespace} {pod}",
            int(code[1]) if code else None,
        )


def _common(service_account: str) -> tuple[Parameter, ...]:
    """The parameters of both forms; the accounts are those of cloud_jobs/kubernetes/service_account.yaml."""
    return (
        Parameter("image", "Image with trade-ingest, such as registry.example/trade-ingest-spark:0.1.0."),
        Parameter("namespace", "Namespace.", "trade-ingest"),
        Parameter("service_account", "Service account of the pods.", service_account),
        Parameter("secret_name", "Secret whose key database-url has the database's URL.", "trade-ingest-database"),
        Parameter("context", "Context of the kubeconfig; none: its current one.", is_optional=True),
    )


_MOUNTED = "file:/etc/trade-ingest/database-url"
_PLACES = ("s3://", "gs://", "abfss://", "az://")

KUBERNETES = Platform(
    name="kubernetes",
    title="Kubernetes",
    template="kubernetes/job.yaml",
    parameters=(
        *_common("trade-ingest"),
        Parameter("cpu", "Processors of the pod.", "4"),
        Parameter("memory", "Memory of the pod.", "8Gi"),
        Parameter("timeout_seconds", "The Job is stopped after so long.", 43_200, is_number=True),
    ),
    client=KubernetesJobClient,
    artefacts=(),
    places=_PLACES,
    sources=("/data/",),
    database_secret=_MOUNTED,
    needs_bucket=False,
)

KUBERNETES_SPARK = Platform(
    name="kubernetes-spark",
    title="Kubernetes with the Spark operator",
    template="kubernetes/spark_application.yaml",
    parameters=(
        *_common("trade-ingest-spark"),
        Parameter("spark_version", "Spark of the image.", "4.0.1"),
        Parameter("executors", "Executors.", 2, is_number=True),
        Parameter("cores", "Cores of the driver and of each executor.", 2, is_number=True),
        Parameter("memory", "Memory of the driver and of each executor.", "4g"),
    ),
    client=SparkApplicationClient,
    artefacts=(),
    places=_PLACES,
    database_secret=_MOUNTED,
    needs_bucket=False,
)
