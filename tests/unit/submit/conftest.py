"""Jobs that are rendered, of which nothing is uploaded."""

from pathlib import Path

import pytest

from trade_ingest.submit.platforms import PLATFORMS
from trade_ingest.submit.rendering import JobOrder, RenderedJob, render

_GOOGLE = {
    "project": "trade-files",
    "region": "europe-west1",
    "subnetwork": "desk",
    "service_account": "ingest@trade-files.iam.gserviceaccount.com",
}
PARAMETERS = {
    "emr-ec2": {"cluster_id": "j-2AXXXXXXGAPLF"},
    "emr-serverless": {
        "application_id": "00fabcdefghijk0p",
        "execution_role_arn": "arn:aws:iam::123456789012:role/trade-ingest-job",
    },
    "dataproc-cluster": _GOOGLE,
    "dataproc-serverless": _GOOGLE,
    "synapse": {"workspace": "desk", "pool": "desk"},
    "fabric": {"workspace_id": "ws-1", "environment_id": "env-1"},
    "databricks": {"node_type_id": "i3.xlarge"},
    "databricks-serverless": {},
    "kubernetes": {"image": "registry.example/trade-ingest-spark:1"},
    "kubernetes-spark": {"image": "registry.example/trade-ingest-spark:1"},
}
BUCKETS = {
    "s3://": "s3://jobs/trade-ingest",
    "gs://": "gs://jobs/trade-ingest",
    "abfss://": "abfss://jobs@desk.dfs.core.windows.net/trade-ingest",
    "/Volumes/": "/Volumes/main/ingest/jobs",
}


@pytest.fixture
def order_of():
    """An order for a platform; keyword arguments replace its attributes."""

    def make(name: str, /, **changes) -> JobOrder:
        platform = PLATFORMS[name]
        bucket = BUCKETS[platform.places[0]]
        kinds = [kind for kind in platform.artefacts if kind != "entry_point"]
        values = {
            "platform": platform,
            "arguments": ("s3://deliveries/fx/", "--max-connections", "40"),
            "sources": ("s3://deliveries/fx/",),
            "bucket": bucket,
            "database_secret": "aws-secretsmanager:desk/database",
            "parameters": PARAMETERS[name],
            "files": {kind: f"{bucket}/{kind}.bin" for kind in kinds},
        }
        return JobOrder(**values | changes)

    return make


@pytest.fixture
def rendered(order_of):
    """A rendered job."""

    def make(name: str, /, **changes) -> RenderedJob:
        return render(order_of(name, **changes))

    return make


@pytest.fixture
def templates() -> Path:
    return Path(__file__).parents[3] / "cloud_jobs"
