"""Each platform, as a desk submits to it."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

ROLE = "arn:aws:iam::123456789012:role/trade-ingest-job"
_GOOGLE = (
    *("--project", "trade-files", "--region", "europe-west1", "--subnetwork", "desk"),
    *("--service-account", "ingest@trade-files.iam.gserviceaccount.com"),
)


@dataclass(frozen=True)
class Case:
    """One platform.

    Attributes:
        name: as on the command line.
        store: where its files and those of the job are; ``volume``: a volume of Databricks for those of the job.
        service: the attribute of ``Clouds``.
        keep_secret: stores the database's URL; the reference to it.
        options: of the platform.
    """

    name: str
    store: str
    service: str
    keep_secret: Callable[[Any], str]
    options: Callable[[Any], tuple[str, ...]]
    has_volume: bool = False

    def arguments(self, desk: Any, *, wait: bool = True) -> list[str]:
        """All that stands before `--`."""
        bucket = f"/Volumes/main/ingest/{uuid.uuid4().hex}" if self.has_volume else desk.bucket(self.store)
        secret = ["--database-secret", self.keep_secret(desk)]
        waiting = ["--wait", "--poll-seconds", "0.2"] if wait else []
        return [self.name, "--bucket", bucket, *secret, *self.options(desk), *waiting, "-o", "json"]


def _of_aws(desk: Any) -> str:
    name = f"desk/{uuid.uuid4().hex}"
    desk.clouds.aws.put_secret(name, desk.database)
    return f"aws-secretsmanager:{name}"


def _of_google(desk: Any) -> str:
    desk.clouds.google.secrets["projects/trade-files/secrets/database/versions/latest"] = desk.database
    return "gcp-secretmanager:trade-files/database"


def _of_azure(desk: Any) -> str:
    desk.clouds.azure.secrets["database"] = desk.database
    return "azure-keyvault:desk/database"


def _of_databricks(desk: Any) -> str:
    desk.clouds.databricks.secrets["desk", "database"] = desk.database
    return "databricks:desk/database"


def _mounted(desk: Any) -> str:
    (desk.folder / "database-url").write_text(f"{desk.database}\n")
    return f"file:{desk.folder / 'database-url'}"


def arguments_of(name: str, document: dict[str, Any]) -> list[str]:
    """The arguments of the entry point in a rendered job."""
    if name == "emr-ec2":
        words = document["Steps"][0]["HadoopJarStep"]["Args"]
        return words[next(i for i, word in enumerate(words) if word.endswith("/ingest_job.py")) + 1 :]
    if name == "kubernetes":
        return document["spec"]["template"]["spec"]["containers"][0]["args"]
    places = {
        "emr-serverless": lambda: document["jobDriver"]["sparkSubmit"]["entryPointArguments"],
        "dataproc-cluster": lambda: document["jobs"][0]["pysparkJob"]["args"],
        "dataproc-serverless": lambda: document["pysparkBatch"]["args"],
        "synapse": lambda: document["args"],
        "fabric": lambda: document["commandLineArguments"].split(" "),
        "databricks": lambda: document["tasks"][0]["spark_python_task"]["parameters"],
        "databricks-serverless": lambda: document["tasks"][0]["spark_python_task"]["parameters"],
        "kubernetes-spark": lambda: document["spec"]["arguments"],
    }
    return places[name]()


CASES = [
    Case("emr-ec2", "s3", "aws", _of_aws, lambda desk: ("--cluster-id", desk.clouds.aws.make_cluster())),
    Case(
        "emr-serverless",
        "s3",
        "aws",
        _of_aws,
        lambda desk: ("--application-id", desk.clouds.aws.make_application(), "--execution-role-arn", ROLE),
    ),
    Case("dataproc-cluster", "gs", "google", _of_google, lambda _: _GOOGLE),
    Case("dataproc-serverless", "gs", "google", _of_google, lambda _: _GOOGLE),
    Case("synapse", "abfss", "azure", _of_azure, lambda _: ("--workspace", "desk", "--pool", "desk")),
    Case("fabric", "abfss", "azure", _of_azure, lambda _: ("--workspace-id", "ws-1", "--environment-id", "env-1")),
    Case(
        "databricks",
        "s3",
        "databricks",
        _of_databricks,
        lambda _: ("--node-type-id", "i3.xlarge"),
        has_volume=True,
    ),
    Case("databricks-serverless", "s3", "databricks", _of_databricks, lambda _: (), has_volume=True),
    Case("kubernetes", "s3", "kubernetes", _mounted, lambda _: ("--image", "registry.example/ingest:1")),
    Case("kubernetes-spark", "s3", "kubernetes", _mounted, lambda _: ("--image", "registry.example/ingest:1")),
]
