"""Google's interfaces for Dataproc and for secrets (REST, as in googleapis' google/cloud/*/v1/*.proto)."""

import base64
import json
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from clouds.cloud import Cloud, Reply, Request, Route
from clouds.jobs import CANCELLED, FAILED, RUNNING, SUCCEEDED, Jobs

_DATAPROC = r"europe-west1-dataproc\.googleapis\.com"
_TYPE = "type.googleapis.com/google.cloud.dataproc.v1"
_BATCH_STATES = {RUNNING: "RUNNING", SUCCEEDED: "SUCCEEDED", FAILED: "FAILED", CANCELLED: "CANCELLED"}
_CODES = {FAILED: 2, CANCELLED: 1}


class Google:
    """Dataproc with workflows and batches, and Secret Manager."""

    def __init__(self, cloud: Cloud) -> None:
        self.jobs = Jobs()
        self.secrets: dict[str, str] = {}
        parent = r"/v1/(projects/[^/]+/regions/[^/]+)"
        location = r"/v1/(projects/[^/]+/locations/[^/]+)"
        cloud.routes += [
            Route("POST", _DATAPROC, rf"{parent}/workflowTemplates:instantiateInline", self._instantiate),
            Route("GET", _DATAPROC, rf"{parent}/operations/([^/]+)", self._operation),
            Route("POST", _DATAPROC, rf"{location}/batches", self._create_batch),
            Route("GET", _DATAPROC, rf"{location}/batches/([^/]+)", self._batch),
            Route("GET", r"secretmanager\.googleapis\.com", r"/v1/(.+):access", self._access),
            Route("POST", r"oauth2\.googleapis\.com", "/token", self._token),
            Route("GET", r"iamcredentials\.googleapis\.com", ".*/allowedLocations", self._locations),
        ]

    def _instantiate(self, request: Request) -> Reply:
        (step,) = request.json["jobs"]
        job = step["pysparkJob"]
        made = self.jobs.add(f"workflow-{len(self.jobs.all)}", request.json, job["mainPythonFileUri"], job["args"])
        return Reply(self._operation_of(request.found[0], made.id))

    def _operation(self, request: Request) -> Reply:
        return Reply(self._operation_of(*request.found))

    def _operation_of(self, parent: str, job_id: str) -> dict:
        job = self.jobs[job_id]
        is_done = job.state != RUNNING
        node = {"stepId": "ingest", "jobId": "ingest-1", "state": "FAILED" if job.state == FAILED else "RUNNING"}
        if job.state == FAILED:
            node["error"] = "Google Cloud Dataproc Agent reports job failure"
        return {
            "name": f"{parent}/operations/{job_id}",
            "metadata": {
                "@type": f"{_TYPE}.WorkflowMetadata",
                "state": "DONE" if is_done else "RUNNING",
                "graph": {"nodes": [node]},
            },
            "done": is_done,
            **({"error": {"code": _CODES[job.state], "message": "the workflow ended"}} if job.state in _CODES else {}),
            **({"response": {"@type": "type.googleapis.com/google.protobuf.Empty"}} if job.state == SUCCEEDED else {}),
        }

    def _create_batch(self, request: Request) -> Reply:
        batch = request.json["pysparkBatch"]
        self.jobs.add(request.query["batchId"], request.json, batch["mainPythonFileUri"], batch["args"])
        operation = {"name": f"{request.found[0]}/operations/op-1"}
        return Reply(operation | {"metadata": {"@type": f"{_TYPE}.BatchOperationMetadata"}})

    def _batch(self, request: Request) -> Reply:
        parent, job_id = request.found
        job = self.jobs[job_id]
        output = f"gs://dataproc-logs/{job_id}/driveroutput"
        return Reply(
            {
                **job.document,
                "name": f"{parent}/batches/{job_id}",
                "state": _BATCH_STATES[job.state],
                "runtimeInfo": {"outputUri": output},
            }
        )

    def _access(self, request: Request) -> Reply:
        assert request.headers["authorization"].startswith("Bearer ")
        if request.found[0] not in self.secrets:
            return Reply(
                {"error": {"code": 404, "message": f"{request.found[0]} not found", "status": "NOT_FOUND"}}, 404
            )
        data = base64.b64encode(self.secrets[request.found[0]].encode()).decode()
        return Reply({"name": request.found[0], "payload": {"data": data}})

    def _locations(self, _: Request) -> Reply:
        return Reply({"locations": [], "encodedLocations": "0x0"})  # as of an account without a boundary

    def _token(self, _: Request) -> Reply:
        return Reply({"access_token": "a-token-of-google", "expires_in": 3600, "token_type": "Bearer"})


def make_account(path: Path) -> None:
    """Make the file of a service account usable for Google's library as well; stores find in it what they had."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    account = {
        "type": "service_account",
        "project_id": "trade-files",
        "private_key": pem,
        "token_uri": "https://oauth2.googleapis.com/token",
    }
    path.write_text(json.dumps(json.loads(path.read_text()) | account))
