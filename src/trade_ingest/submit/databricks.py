"""Databricks: a run of one task on a cluster of its own, or on serverless compute; through databricks-sdk."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from trade_ingest.errors import PlatformAuthenticationError, UsageError
from trade_ingest.platform_errors import require_package
from trade_ingest.submit.platform import Document, JobClient, JobState, Parameter, Phase, Platform, Values

_RUNNING = frozenset({"RUNNING", "TERMINATING"})
_CANCELLED = frozenset({"CANCELED", "USER_CANCELED"})


class DatabricksClient(JobClient):
    """One-time runs; who asks, and where, is as the environment or a profile of Databricks says."""

    def __init__(self, values: Values) -> None:
        super().__init__(values)
        sdk = require_package("databricks.sdk", "databricks")
        try:
            self.workspace: Any = sdk.WorkspaceClient(profile=values["profile"])
        except ValueError as exc:  # also where no credentials are found
            message = f"Databricks: {str(exc).partition('. Config')[0]}"
            hint = "set DATABRICKS_HOST with DATABRICKS_TOKEN or a service principal, or give --profile"
            raise PlatformAuthenticationError(message, hint=hint) from None

    def start(self, job: Document) -> str:
        """Submit the run; its id. The same request sent twice starts one run."""
        jobs = require_package("databricks.sdk.service.jobs", "databricks")
        tasks = [jobs.SubmitTask.from_dict(task) for task in job["tasks"]]
        environments = [jobs.JobEnvironment.from_dict(found) for found in job.get("environments", [])]
        waiter = self.workspace.jobs.submit(
            run_name=job["run_name"],
            tasks=tasks,
            environments=environments or None,
            timeout_seconds=job.get("timeout_seconds"),
            idempotency_token=self.values["id"],
        )
        return str(waiter.run_id)

    def state(self, job_id: str) -> JobState:
        """The run as it is now."""
        run = self.workspace.jobs.get_run(int(job_id))
        log = run.run_page_url or ""
        status = run.status
        said = status.state.value if status and status.state else "PENDING"
        end = status.termination_details if status else None
        if said != "TERMINATED" or end is None:
            return JobState(Phase.RUNNING if said in _RUNNING else Phase.WAITING, said, "", log)
        code = end.code.value if end.code else "UNKNOWN"
        phase = Phase.SUCCEEDED if code == "SUCCESS" else Phase.CANCELLED if code in _CANCELLED else Phase.FAILED
        return JobState(phase, code, "" if phase is Phase.SUCCEEDED else end.message or "", log)

    def upload(self, path: Path, uri: str) -> None:
        """Put a file into a volume, or into the workspace's files."""
        errors = require_package("databricks.sdk.errors", "databricks")
        format_auto = require_package("databricks.sdk.service.workspace", "databricks").ImportFormat.AUTO
        folder = uri.rpartition("/")[0]
        with path.open("rb") as content:
            if uri.startswith("/Workspace/"):
                self.workspace.workspace.mkdirs(folder)
                self.workspace.workspace.upload(uri, content, format=format_auto, overwrite=True)
                return
            try:
                found = self.workspace.files.get_metadata(uri)
            except errors.NotFound:
                self.workspace.files.create_directory(folder)
            else:
                if found.content_length == path.stat().st_size:
                    return
            self.workspace.files.upload(uri, content, overwrite=True)

    def read(self, uri: str) -> bytes | None:
        """A file of a volume; None if there is none."""
        errors = require_package("databricks.sdk.errors", "databricks")
        try:
            return bytes(self.workspace.files.download(uri).contents.read())
        except errors.NotFound:
            return None


def submitted_form(resource: Document, values: Values, *, key: str) -> Document:
    """The request for a one-time run that is as the job of a bundle's resource file.

    The files of the job are those that are uploaded, in the place of those that ``databricks bundle deploy`` uploads.
    """
    try:
        job = resource["resources"]["jobs"][key]
        (task,) = job["tasks"]
        task["spark_python_task"]["python_file"] = values["entry_point"]
    except (KeyError, TypeError, ValueError):
        message = f"expected resources.jobs.{key} with one task that is a spark_python_task"
        raise UsageError(f"the template of Databricks: {message}") from None
    if "libraries" in task:
        task["libraries"] = [{"whl": values["wheel"]}]
    for environment in job.get("environments", []):
        environment["spec"]["dependencies"] = [values["wheel"]]
    return {
        "run_name": values["name"],
        "tasks": [task],
        **{name: job[name] for name in ("environments", "timeout_seconds") if name in job},
    }


_COMMON = (
    Parameter("workspace_folder", "Where the program goes.", "/Workspace/Shared/trade-ingest"),
    Parameter("profile", "Profile of ~/.databrickscfg; none: as the environment says.", is_optional=True),
)
_OF_WORKSPACE = ("/Volumes/", "dbfs:/", "/dbfs/")

DATABRICKS = Platform(
    name="databricks",
    title="Databricks",
    template="databricks/resources/ingest.job.yml",
    parameters=(
        Parameter("node_type_id", "Type of the cluster's machines, such as i3.xlarge or Standard_D4ds_v5."),
        Parameter("workers", "Workers of the cluster.", 2, is_number=True),
        Parameter("spark_version", "Runtime of the cluster.", "17.3.x-scala2.13"),
        *_COMMON,
    ),
    client=DatabricksClient,
    artefacts=("entry_point", "wheel"),
    places=("/Volumes/",),
    sources=_OF_WORKSPACE,
    adapt=partial(submitted_form, key="ingest"),
)

DATABRICKS_SERVERLESS = Platform(
    name="databricks-serverless",
    title="Databricks serverless",
    template="databricks/resources/ingest_serverless.job.yml",
    parameters=_COMMON,
    client=DatabricksClient,
    artefacts=("entry_point", "wheel"),
    places=("/Volumes/",),
    sources=_OF_WORKSPACE,
    adapt=partial(submitted_form, key="ingest_serverless"),
)
