"""The interface of Kubernetes for Jobs, their pods, and the SparkApplications of Kubeflow's operator."""

import re

import yaml

from clouds.cloud import HOST, Cloud, Reply, Request, Route
from clouds.jobs import FAILED, RUNNING, SUCCEEDED, Job, Jobs

_HOST = re.escape(HOST)
_APPLICATION_STATES = {RUNNING: "RUNNING", SUCCEEDED: "COMPLETED", FAILED: "FAILED"}


class Kubernetes:
    """A cluster."""

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud
        self.jobs = Jobs()
        jobs = r"/apis/batch/v1/namespaces/trade-ingest/jobs"
        applications = r"/apis/sparkoperator\.k8s\.io/v1beta2/namespaces/trade-ingest/sparkapplications"
        cloud.routes += [
            Route("POST", _HOST, jobs, self._create_job),
            Route("GET", _HOST, rf"{jobs}/([^/]+)", lambda request: Reply(self._job_of(self.jobs[request.found[0]]))),
            Route("GET", _HOST, "/api/v1/namespaces/trade-ingest/pods", self._pods),
            Route("POST", _HOST, applications, self._create_application),
            Route("GET", _HOST, rf"{applications}/([^/]+)", self._application),
        ]

    def kubeconfig(self) -> str:
        """A kubeconfig that leads here."""
        cluster = {"name": "test", "cluster": {"server": self.cloud.url}}
        user = {"name": "test", "user": {"token": "a-token-of-kubernetes"}}
        context = {"name": "test", "context": {"cluster": "test", "user": "test"}}
        return yaml.safe_dump(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "clusters": [cluster],
                "users": [user],
                "contexts": [context],
                "current-context": "test",
            }
        )

    def _create_job(self, request: Request) -> Reply:
        assert request.headers["authorization"] == "Bearer a-token-of-kubernetes"
        (container,) = request.json["spec"]["template"]["spec"]["containers"]
        name = request.json["metadata"]["name"]
        return Reply(self._job_of(self.jobs.add(name, request.json, container["command"][1], container["args"])), 201)

    def _job_of(self, job: Job) -> dict:
        kinds = {SUCCEEDED: "Complete", FAILED: "Failed"}
        condition = {"type": kinds.get(job.state), "status": "True"}
        if job.state == FAILED:
            condition |= {"reason": "BackoffLimitExceeded", "message": "Job has reached the specified backoff limit"}
        status = {"active": 1} if job.state == RUNNING else {"conditions": [condition]}
        return job.document | {"status": status}

    def _pods(self, request: Request) -> Reply:
        job = self.jobs[request.query["labelSelector"].partition("=")[2]]
        ended = {"terminated": {"exitCode": job.exit_code, "reason": "Error"}}
        status = {"name": "ingest", "image": "i", "imageID": "i", "ready": False, "restartCount": 0, "state": ended}
        metadata = {"name": f"{job.id}-x", "creationTimestamp": "2026-01-01T00:00:00Z"}
        pod = {"metadata": metadata, "status": {"phase": "Failed", "containerStatuses": [status]}}
        return Reply({"apiVersion": "v1", "kind": "PodList", "items": [pod]})

    def _create_application(self, request: Request) -> Reply:
        spec = request.json["spec"]
        self.jobs.add(request.json["metadata"]["name"], request.json, spec["mainApplicationFile"], spec["arguments"])
        return Reply(request.json, 201)

    def _application(self, request: Request) -> Reply:
        job = self.jobs[request.found[0]]
        state = {"state": _APPLICATION_STATES[job.state]}
        if job.state == FAILED:
            state["errorMessage"] = f"driver container failed with ExitCode: {job.exit_code}, Reason: Error"
        status = {"applicationState": state, "driverInfo": {"podName": f"{job.id}-driver"}}
        return Reply(job.document | {"status": status})
