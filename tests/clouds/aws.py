"""EMR, EMR Serverless and Secrets Manager by moto, whose jobs are run by the test since moto runs nothing."""

import contextlib
import logging
import threading
from collections.abc import Iterator
from typing import Any

import boto3
from moto.emr.models import emr_backends
from moto.emrserverless import models as emrserverless_models
from moto.server import ThreadedMotoServer

from clouds.jobs import CANCELLED, FAILED, RUNNING, SUCCEEDED, Job, Jobs

ACCOUNT, REGION = "123456789012", "us-east-1"
_STEP_STATES = {RUNNING: "RUNNING", SUCCEEDED: "COMPLETED", FAILED: "FAILED", CANCELLED: "CANCELLED"}
_RUN_STATES = {RUNNING: "RUNNING", SUCCEEDED: "SUCCESS", FAILED: "FAILED", CANCELLED: "CANCELLED"}


class Aws:
    """The server of moto, and a thread that gives what moto was given to ``jobs`` and their states to moto."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.jobs = Jobs()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, daemon=True)

    @property
    def environment(self) -> dict[str, str]:
        """What leads boto3 here, for these services alone."""
        names = ("EMR", "EMR_SERVERLESS", "SECRETS_MANAGER")
        return {"AWS_DEFAULT_REGION": REGION, **{f"AWS_ENDPOINT_URL_{name}": self.url for name in names}}

    def client(self, service: str) -> Any:
        """A client of boto3, with credentials that moto does not look at."""
        return boto3.client(
            service, endpoint_url=self.url, region_name=REGION, aws_access_key_id="a", aws_secret_access_key="b"
        )

    def make_cluster(self) -> str:
        """A cluster of EMR; its id."""
        instances = {"MasterInstanceType": "m5.xlarge", "InstanceCount": 1, "KeepJobFlowAliveWhenNoSteps": True}
        request = {"Name": "desk", "Instances": instances, "ReleaseLabel": "emr-7.13.0", "VisibleToAllUsers": True}
        return self.client("emr").run_job_flow(**request)["JobFlowId"]

    def make_application(self) -> str:
        """An application of EMR Serverless; its id."""
        request = {"name": "desk", "releaseLabel": "emr-7.13.0", "type": "SPARK"}
        return self.client("emr-serverless").create_application(**request)["applicationId"]

    def put_secret(self, name: str, text: str) -> None:
        """Store a secret."""
        self.client("secretsmanager").create_secret(Name=name, SecretString=text)

    def start(self) -> None:
        """Begin to give jobs on."""
        self._thread.start()

    def stop(self) -> None:
        """End it."""
        self._stop.set()
        self._thread.join()

    def _work(self) -> None:
        known: dict[str, tuple[Any, Job, dict[str, str]]] = {}
        while not self._stop.wait(0.01):
            with contextlib.suppress(RuntimeError):  # moto changes its tables meanwhile
                for native, states, entry_point, arguments in self._submitted():
                    if native.id not in known:
                        known[native.id] = native, self.jobs.add(native.id, native, entry_point, arguments), states
            for native, job, states in known.values():
                native.state = states[job.state]

    def _submitted(self) -> Iterator[tuple[Any, dict[str, str], str, list[str]]]:
        for cluster in list(emr_backends[ACCOUNT][REGION].clusters.values()):
            for step in list(cluster.steps):
                arguments = list(step.args)
                first = next(i for i, word in enumerate(arguments) if word.endswith(".py"))
                yield step, _STEP_STATES, arguments[first], arguments[first + 1 :]
        for runs in list(emrserverless_models.emrserverless_backends[ACCOUNT][REGION].job_runs.values()):
            for run in list(runs):
                submit = run.job_driver["sparkSubmit"]
                yield run, _RUN_STATES, submit["entryPoint"], submit["entryPointArguments"]


@contextlib.contextmanager
def run_aws() -> Iterator[Aws]:
    """A server while the block runs."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)  # it tells of each request
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    state = emrserverless_models.JOB_STATUS
    emrserverless_models.JOB_STATUS = "PENDING"  # where moto says at once that a job has succeeded
    try:
        yield Aws(f"http://{host}:{port}")
    finally:
        emrserverless_models.JOB_STATUS = state
        server.stop()
