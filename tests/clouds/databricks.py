"""Databricks' interfaces for runs, files of volumes and of the workspace, and secrets (docs.databricks.com/api)."""

import base64
import re
from pathlib import Path

from clouds.cloud import HOST, Cloud, Reply, Request, Route
from clouds.jobs import CANCELLED, FAILED, RUNNING, SUCCEEDED, Jobs

_HOST = re.escape(HOST)
_CODES = {SUCCEEDED: "SUCCESS", FAILED: "RUN_EXECUTION_ERROR", CANCELLED: "USER_CANCELED"}


class Databricks:
    """A workspace, whose volumes and files are in a folder."""

    def __init__(self, cloud: Cloud, folder: Path) -> None:
        self.cloud = cloud
        self.folder = folder
        self.jobs = Jobs()
        self.secrets: dict[tuple[str, str], str] = {}
        cloud.routes += [
            Route("POST", _HOST, r"/api/2\.\d/jobs/runs/submit", self._submit),
            Route("GET", _HOST, r"/api/2\.\d/jobs/runs/get", self._run),
            Route("HEAD", _HOST, r"/api/2.0/fs/files(/Volumes/.*)", self._head),
            Route("GET", _HOST, r"/api/2.0/fs/files(/Volumes/.*)", self._read),
            Route("PUT", _HOST, r"/api/2.0/fs/files(/Volumes/.*)", self._write),
            Route("PUT", _HOST, r"/api/2.0/fs/directories(/Volumes/.*)", self._make_folder),
            Route("POST", _HOST, r"/api/2.0/workspace/mkdirs", lambda _: Reply({})),
            Route("POST", _HOST, r"/api/2.0/workspace/import", self._import),
            Route("GET", _HOST, r"/api/2.0/secrets/get", self._secret),
            # addresses of storage, of which workspaces without them say so; files then go through the workspace
            Route("POST", _HOST, r"/api/2.0/fs/create-(?:down|up)load-url", lambda _: Reply({}, 404)),
            Route("GET", _HOST, r"/\.well-known/databricks-config", lambda _: Reply({}, 404)),
        ]

    @property
    def environment(self) -> dict[str, str]:
        """What leads the library here."""
        return {"DATABRICKS_HOST": self.cloud.url, "DATABRICKS_TOKEN": "a-token-of-databricks"}

    def local(self, path: str) -> Path:
        """Where a file of the workspace is in this test."""
        return self.folder / path.lstrip("/")

    def _submit(self, request: Request) -> Reply:
        assert request.headers["authorization"] == "Bearer a-token-of-databricks"
        (task,) = request.json["tasks"]
        program = task["spark_python_task"]
        job_id = str(1000 + len(self.jobs.all))
        self.jobs.add(job_id, request.json, program["python_file"], program["parameters"])
        return Reply({"run_id": int(job_id)})

    def _run(self, request: Request) -> Reply:
        job = self.jobs[request.query["run_id"]]
        status = {"state": "RUNNING"}
        if job.state != RUNNING:
            details = {"code": _CODES[job.state], "type": "CLIENT_ERROR", "message": "the task ended"}
            status = {"state": "TERMINATED", "termination_details": details}
        page = f"{self.cloud.url}/jobs/1/runs/{job.id}"
        return Reply({"run_id": int(job.id), "run_page_url": page, "status": status})

    def _head(self, request: Request) -> Reply:
        path = self.local(request.found[0])
        if not path.is_file():
            return Reply(status=404)
        return Reply(headers={"Content-Length": str(path.stat().st_size)})

    def _read(self, request: Request) -> Reply:
        path = self.local(request.found[0])
        if not path.is_file():
            return Reply({"error_code": "NOT_FOUND", "message": "no such file"}, 404)
        return Reply(path.read_bytes())

    def _write(self, request: Request) -> Reply:
        self.local(request.found[0]).write_bytes(request.body)
        return Reply(status=204)

    def _make_folder(self, request: Request) -> Reply:
        self.local(request.found[0]).mkdir(parents=True, exist_ok=True)
        return Reply(status=204)

    def _import(self, request: Request) -> Reply:
        path = re.search(rb'name="path"\r\n\r\n(.*?)\r\n', request.body)[1].decode()
        content = re.search(rb'name="content".*?\r\n\r\n(.*)\r\n--', request.body, re.DOTALL)[1]
        self.local(path).parent.mkdir(parents=True, exist_ok=True)
        self.local(path).write_bytes(content)
        return Reply({})

    def _secret(self, request: Request) -> Reply:
        scope, key = request.query["scope"], request.query["key"]
        if (scope, key) not in self.secrets:
            return Reply({"error_code": "RESOURCE_DOES_NOT_EXIST", "message": f"no secret {key} in {scope}"}, 404)
        return Reply({"key": key, "value": base64.b64encode(self.secrets[scope, key].encode()).decode()})
