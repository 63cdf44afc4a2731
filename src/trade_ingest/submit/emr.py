"""Amazon EMR: a step of a cluster on EC2, or a job run of EMR Serverless; through boto3."""

from __future__ import annotations

from typing import Any

from trade_ingest.platform_errors import require_package
from trade_ingest.submit.platform import Document, JobClient, JobState, Parameter, Phase, Platform, Values

# https://docs.aws.amazon.com/emr/latest/APIReference/API_StepStatus.html
_STEP_PHASES = {
    "PENDING": Phase.WAITING,
    "CANCEL_PENDING": Phase.RUNNING,
    "RUNNING": Phase.RUNNING,
    "COMPLETED": Phase.SUCCEEDED,
    "CANCELLED": Phase.CANCELLED,
    "FAILED": Phase.FAILED,
    "INTERRUPTED": Phase.FAILED,
}
# https://docs.aws.amazon.com/emr-serverless/latest/APIReference/API_JobRun.html
_RUN_PHASES = {
    "SUBMITTED": Phase.WAITING,
    "PENDING": Phase.WAITING,
    "SCHEDULED": Phase.WAITING,
    "QUEUED": Phase.WAITING,
    "RUNNING": Phase.RUNNING,
    "CANCELLING": Phase.RUNNING,
    "SUCCESS": Phase.SUCCEEDED,
    "FAILED": Phase.FAILED,
    "CANCELLED": Phase.CANCELLED,
}

_PYTHON = Parameter("python", "Python of the cluster, of the version that the packages are made with.", "python3.11")
_REGION = Parameter("region", "AWS region; none: as the environment says.", is_optional=True)


class _AwsClient(JobClient):
    service: str

    def __init__(self, values: Values) -> None:
        super().__init__(values)
        session: Any = require_package("boto3", "aws").Session()
        self.client: Any = session.client(self.service, region_name=values["region"])

    @property
    def region(self) -> str:
        """The region that the client talks to."""
        return str(self.client.meta.region_name)


class StepClient(_AwsClient):
    """Steps of a cluster on EC2."""

    service = "emr"

    def start(self, job: Document) -> str:
        """Submit the step; its id."""
        return str(self.client.add_job_flow_steps(**job)["StepIds"][0])

    def state(self, job_id: str) -> JobState:
        """The step as it is now."""
        cluster = self.values["cluster_id"]
        status = self.client.describe_step(ClusterId=cluster, StepId=job_id)["Step"]["Status"]
        failure = status.get("FailureDetails", {})
        message = failure.get("Message") or status.get("StateChangeReason", {}).get("Message", "")
        console = (
            f"https://{self.region}.console.aws.amazon.com/emr/home?region={self.region}#/clusterDetails/{cluster}"
        )
        said = status["State"]
        return JobState(_STEP_PHASES.get(said, Phase.RUNNING), said, message, failure.get("LogFile") or console)


class RunClient(_AwsClient):
    """Job runs of an application of EMR Serverless."""

    service = "emr-serverless"

    def start(self, job: Document) -> str:
        """Submit the job run; its id. A request that is sent again by the library starts no second one."""
        return str(self.client.start_job_run(**job)["jobRunId"])

    def state(self, job_id: str) -> JobState:
        """The job run as it is now."""
        application = self.values["application_id"]
        run = self.client.get_job_run(applicationId=application, jobRunId=job_id)["jobRun"]
        log = (
            f"https://{self.region}.console.aws.amazon.com/emr/home?region={self.region}"
            f"#/serverless-applications/{application}/{job_id}"
        )
        phase = _RUN_PHASES.get(run["state"], Phase.RUNNING)
        return JobState(phase, run["state"], run.get("stateDetails") or "", log)


EMR_EC2 = Platform(
    name="emr-ec2",
    title="EMR on EC2",
    template="emr_ec2/add_job_flow_steps.json",
    parameters=(
        Parameter("cluster_id", "Cluster that the step is added to, such as j-2AXXXXXXGAPLF."),
        Parameter("execution_role_arn", "Role of the step, where the cluster has runtime roles.", is_optional=True),
        _PYTHON,
        _REGION,
    ),
    client=StepClient,
    places=("s3://",),
)

EMR_SERVERLESS = Platform(
    name="emr-serverless",
    title="EMR Serverless",
    template="emr_serverless/start_job_run.json",
    parameters=(
        Parameter("application_id", "Application that runs the job, such as 00fabcdefghijk0p."),
        Parameter("execution_role_arn", "Role of the job."),
        Parameter("executors", "Executors at most.", 4, is_number=True),
        Parameter("log_uri", "Where logs go.", "${bucket}/logs/"),
        Parameter("timeout_minutes", "The job is stopped after so long.", 720, is_number=True),
        Parameter("python", "Python of the release, of the version that the packages are made with.", "python3.11"),
        _REGION,
    ),
    client=RunClient,
    places=("s3://",),
)
