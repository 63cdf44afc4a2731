"""Microsoft Fabric: a Spark job definition, run once; through its REST interface, for which Python has no library."""

from __future__ import annotations

import base64
import json
import time
from typing import Any

from trade_ingest.errors import PlatformError, UsageError
from trade_ingest.platform_errors import require_package
from trade_ingest.submit.platform import Document, JobClient, JobState, Parameter, Phase, Platform, Values

_API = "https://api.fabric.microsoft.com/v1"
_SCOPE = "https://api.fabric.microsoft.com/.default"
_TIMEOUT_SECONDS = 60
_LONGEST_MAKING_SECONDS = 300
_ACCEPTED, _NOT_FOUND = 202, 404

# https://learn.microsoft.com/rest/api/fabric/core/job-scheduler/get-item-job-instance
_PHASES = {
    "NotStarted": Phase.WAITING,
    "InProgress": Phase.RUNNING,
    "Completed": Phase.SUCCEEDED,
    "Failed": Phase.FAILED,
    "Cancelled": Phase.CANCELLED,
    "Deduped": Phase.CANCELLED,
}


class FabricClient(JobClient):
    """Spark job definitions of a workspace: made or updated under the job's name, then run."""

    def __init__(self, values: Values) -> None:
        super().__init__(values)
        self._credential: Any = require_package("azure.identity", "azure").DefaultAzureCredential()
        self._session: Any = require_package("requests", "azure").Session()
        self._workspace = f"{_API}/workspaces/{values['workspace_id']}"

    def start(self, job: Document) -> str:
        """Update the definition, or make it, and run it; the ids of definition and run."""
        item = self._item(job)
        reply = self._ask("POST", f"{self._workspace}/items/{item}/jobs/instances?jobType=sparkjob")
        run = reply.headers.get("Location", "").rstrip("/").rpartition("/")[2]
        if not run:
            raise PlatformError("Fabric did not say which run it has started", hint="see the workspace's monitor")
        return f"{item}/{run}"

    def state(self, job_id: str) -> JobState:
        """The run as it is now."""
        item, _, run = job_id.partition("/")
        log = f"https://app.fabric.microsoft.com/workloads/de-ds/sparkmonitor/{item}/{run}"
        reply = self._ask("GET", f"{self._workspace}/items/{item}/jobs/instances/{run}", is_new=True)
        if reply.status_code == _NOT_FOUND:  # for a moment after it was started
            return JobState(Phase.WAITING, "NotStarted", "", log)
        found = reply.json()
        reason = found.get("failureReason") or {}
        said = found["status"]
        return JobState(_PHASES.get(said, Phase.RUNNING), said, reason.get("message", ""), log)

    def _item(self, job: Document) -> str:
        """The id of the definition, which is as the job wants it by then."""
        payload = base64.b64encode(json.dumps(job).encode()).decode()
        part = {"path": "SparkJobDefinitionV1.json", "payload": payload, "payloadType": "InlineBase64"}
        definition = {"format": "SparkJobDefinitionV1", "parts": [part]}
        if (item := self._find()) is not None:
            body = {"definition": definition}
            reply = self._ask("POST", f"{self._workspace}/sparkJobDefinitions/{item}/updateDefinition", body)
            self._wait(reply)
            return item
        body = {"displayName": self.values["name"], "definition": definition}
        made = self._wait(self._ask("POST", f"{self._workspace}/sparkJobDefinitions", body))
        item = made.get("id") or self._find()
        if item is None:
            raise PlatformError(f"Fabric has made no Spark job definition {self.values['name']!r}")
        return str(item)

    def _find(self) -> str | None:
        url: str | None = f"{self._workspace}/sparkJobDefinitions"
        while url:
            page = self._ask("GET", url).json()
            for item in page["value"]:
                if item["displayName"] == self.values["name"]:
                    return str(item["id"])
            url = page.get("continuationUri")
        return None

    def _wait(self, reply: Any) -> dict[str, Any]:  # noqa: ANN401  # a reply of requests
        """The result of what Fabric may do later: https://learn.microsoft.com/rest/api/fabric/articles/long-running-operation."""
        deadline = time.monotonic() + _LONGEST_MAKING_SECONDS
        location = reply.headers.get("Location")
        if reply.status_code != _ACCEPTED or not location:
            return dict(reply.json()) if reply.content else {}
        while time.monotonic() < deadline:
            operation = self._ask("GET", location).json()
            if operation["status"] == "Failed":
                raise PlatformError(f"Fabric: {operation.get('error', {}).get('message', 'the operation failed')}")
            if operation["status"] == "Succeeded":
                return {}
            time.sleep(float(reply.headers.get("Retry-After", 5)))
        raise PlatformError("Fabric has not made the Spark job definition in time")

    def _ask(self, method: str, url: str, body: dict[str, Any] | None = None, *, is_new: bool = False) -> Any:  # noqa: ANN401  # a reply of requests
        token = self._credential.get_token(_SCOPE).token
        headers = {"Authorization": f"Bearer {token}"}
        reply = self._session.request(method, url, json=body, headers=headers, timeout=_TIMEOUT_SECONDS)
        if reply.ok or (is_new and reply.status_code == _NOT_FOUND):
            return reply
        requests: Any = require_package("requests", "azure")
        raise requests.HTTPError(f"status {reply.status_code}: {reply.text[:300]}", response=reply)


def without_spaces(document: Document, values: Values) -> Document:
    """The document, if its one line of arguments can only be read in one way.

    Raises:
        UsageError: an argument has a space or a quote in it.
    """
    for argument in values["arguments"]:
        if not argument or any(character.isspace() or character in "\"'\\" for character in argument):
            message = f"{argument!r}: Fabric takes all arguments as one line, which it splits at spaces"
            raise UsageError(message, hint="name files and options without spaces and quotes")
    return document


FABRIC = Platform(
    name="fabric",
    title="Microsoft Fabric",
    template="fabric/SparkJobDefinitionV1.json",
    parameters=(
        Parameter("workspace_id", "Id of the workspace."),
        Parameter("environment_id", "Id of the environment that has the wheel among its libraries."),
        Parameter("lakehouse_id", "Id of the default lakehouse.", is_optional=True),
    ),
    client=FabricClient,
    artefacts=("entry_point",),
    places=("abfss://",),
    sources=("/lakehouse/",),
    adapt=without_spaces,
)
