"""Azure's interfaces: Synapse's batches (Livy), Fabric's items and jobs, Key Vault's secrets, a managed identity.

Shapes: learn.microsoft.com/rest/api/synapse/data-plane/spark-batch, /rest/api/fabric/core/job-scheduler,
/rest/api/fabric/sparkjobdefinition/items, /rest/api/keyvault/secrets/get-secret.
"""

import base64
import json
import time

from clouds.cloud import Cloud, Reply, Request, Route
from clouds.jobs import CANCELLED, FAILED, RUNNING, SUCCEEDED, Jobs

_FABRIC = r"api\.fabric\.microsoft\.com"
_LIVY = {RUNNING: "running", SUCCEEDED: "success", FAILED: "dead", CANCELLED: "killed"}
_RESULTS = {RUNNING: "Uncertain", SUCCEEDED: "Succeeded", FAILED: "Failed", CANCELLED: "Cancelled"}
_STATUSES = {RUNNING: "InProgress", SUCCEEDED: "Completed", FAILED: "Failed", CANCELLED: "Cancelled"}
TOKEN = "a-token-of-entra"


class Azure:
    """All of it, for one workspace, pool and vault.

    Attributes:
        definitions: the Spark job definitions of Fabric by name.
    """

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud
        self.jobs = Jobs()
        self.secrets: dict[str, str] = {}
        self.definitions: dict[str, dict] = {}
        batches = r"/livyApi/versions/2019-11-01-preview/sparkPools/desk/batches"
        workspace = r"/v1/workspaces/ws-1"
        synapse, vault = r"desk\.dev\.azuresynapse\.net", r"desk\.vault\.azure\.net"
        instances = rf"{workspace}/items/([^/]+)/jobs/instances"
        cloud.routes += [
            Route("GET", ".*", "/identity", self._identity),
            Route("POST", synapse, batches, self._create_batch),
            Route("GET", synapse, rf"{batches}/(\d+)", self._batch),
            Route("GET", _FABRIC, rf"{workspace}/sparkJobDefinitions", self._list),
            Route("POST", _FABRIC, rf"{workspace}/sparkJobDefinitions", self._create),
            Route("POST", _FABRIC, rf"{workspace}/sparkJobDefinitions/([^/]+)/updateDefinition", self._update),
            Route("GET", _FABRIC, r"/v1/operations/op-1", self._operation),
            Route("POST", _FABRIC, instances, self._run),
            Route("GET", _FABRIC, rf"{instances}/([^/]+)", self._instance),
            Route("GET", vault, r"/secrets/([^/]+)/?", self._secret),
        ]

    @property
    def environment(self) -> dict[str, str]:
        """What lets azure-identity find the managed identity, as in an App Service."""
        return {"IDENTITY_ENDPOINT": f"{self.cloud.url}/identity", "IDENTITY_HEADER": "of-this-test"}

    def _identity(self, request: Request) -> Reply:
        assert request.headers["x-identity-header"] == "of-this-test"
        expires = str(int(time.time()) + 3600)
        resource = request.query["resource"]
        return Reply({"access_token": TOKEN, "expires_on": expires, "resource": resource, "token_type": "Bearer"})

    def _create_batch(self, request: Request) -> Reply:
        _require_token(request)
        job_id = str(len(self.jobs.all))
        self.jobs.add(job_id, request.json, request.json["file"], request.json["args"])
        return Reply(self._batch_of(job_id))

    def _batch(self, request: Request) -> Reply:
        _require_token(request)
        return Reply(self._batch_of(request.found[0]))

    def _batch_of(self, job_id: str) -> dict:
        job = self.jobs[job_id]
        errors = [{"message": "the driver ended", "errorCode": "UserError", "source": "User"}]
        return {
            "id": int(job_id),
            "name": job.document["name"],
            "appId": "application_1_0001",
            "state": _LIVY[job.state],
            "result": _RESULTS[job.state],
            "errorInfo": errors if job.state == FAILED else [],
        }

    def _list(self, request: Request) -> Reply:
        _require_token(request)
        items = [
            {"id": f"id-of-{name}", "displayName": name, "type": "SparkJobDefinition"} for name in self.definitions
        ]
        return Reply({"value": items})

    def _create(self, request: Request) -> Reply:
        name = request.json["displayName"]
        self.definitions[name] = _payload(request.json)
        return Reply(
            status=202, headers={"Location": "https://api.fabric.microsoft.com/v1/operations/op-1", "Retry-After": "0"}
        )

    def _update(self, request: Request) -> Reply:
        self.definitions[request.found[0].removeprefix("id-of-")] = _payload(request.json)
        return Reply()

    def _operation(self, _: Request) -> Reply:
        return Reply({"status": "Succeeded", "percentComplete": 100})

    def _run(self, request: Request) -> Reply:
        _require_token(request)
        assert request.query == {"jobType": "sparkjob"}
        definition = self.definitions[request.found[0].removeprefix("id-of-")]
        job_id = f"run-{len(self.jobs.all)}"
        self.jobs.add(job_id, definition, definition["executableFile"], definition["commandLineArguments"].split())
        return Reply(status=202, headers={"Location": f"https://api.fabric.microsoft.com{request.path}/{job_id}"})

    def _instance(self, request: Request) -> Reply:
        item, job_id = request.found
        job = self.jobs[job_id]
        reason = {"errorCode": "Spark_Failed", "message": "the driver ended"} if job.state == FAILED else None
        return Reply({"id": job_id, "itemId": item, "status": _STATUSES[job.state], "failureReason": reason})

    def _secret(self, request: Request) -> Reply:
        if "authorization" not in request.headers:
            challenge = 'Bearer authorization="https://login.microsoftonline.com/t", resource="https://vault.azure.net"'
            return Reply(status=401, headers={"WWW-Authenticate": challenge})
        _require_token(request)
        name = request.found[0]
        if name not in self.secrets:
            return Reply({"error": {"code": "SecretNotFound", "message": f"secret {name} was not found"}}, 404)
        address = f"https://desk.vault.azure.net/secrets/{name}/1"
        return Reply({"value": self.secrets[name], "id": address, "attributes": {"enabled": True}})


def _require_token(request: Request) -> None:
    assert request.headers["authorization"] == f"Bearer {TOKEN}"


def _payload(body: dict) -> dict:
    (part,) = body["definition"]["parts"]
    assert (part["path"], part["payloadType"]) == ("SparkJobDefinitionV1.json", "InlineBase64")
    return json.loads(base64.b64decode(part["payload"]))
