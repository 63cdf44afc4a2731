"""All clouds at once, with their stores, and a desk with a database that submits to them."""

import dataclasses
import io
import os
import tarfile

import pytest

from clouds.aws import run_aws
from clouds.azure import Azure
from clouds.cloud import run_cloud
from clouds.databricks import Databricks
from clouds.desk import CONTRACT, Clouds, Desk
from clouds.google import Google, make_account
from clouds.kubernetes import Kubernetes
from trade_ingest.cli.main import main


@pytest.fixture(scope="module")
def clouds(seaweedfs, azurite, fake_gcs, tmp_path_factory):
    """All servers, and the environment that leads the product to them and to nothing else."""
    folder = tmp_path_factory.mktemp("clouds")
    gcs, azure = fake_gcs.store(folder), azurite.store()
    make_account(gcs.account)
    abfss = azure.root.replace("az://", "abfss://").replace("@tradefiles/", "@tradefiles.dfs.core.windows.net/")
    stores = {"s3": seaweedfs.store(), "gs": gcs, "abfss": dataclasses.replace(azure, root=abfss)}
    with run_cloud(folder) as cloud, run_aws() as aws, pytest.MonkeyPatch.context() as patch:
        google, entra = Google(cloud), Azure(cloud)
        databricks, kubernetes = Databricks(cloud, folder / "databricks"), Kubernetes(cloud)
        kubeconfig = folder / "kubeconfig"
        kubeconfig.write_text(kubernetes.kubeconfig())
        for name in os.environ:
            if name.startswith(("AWS_", "AZURE_", "GOOGLE_", "DATABRICKS_", "TRADE_INGEST_", "KUBE", "SPARK_MASTER")):
                patch.delenv(name)
        patch.delenv("HTTP_PROXY", raising=False)
        environment = {
            "GOOGLE_APPLICATION_CREDENTIALS": str(gcs.account),
            "AWS_EC2_METADATA_DISABLED": "true",
            "KUBECONFIG": str(kubeconfig),
            "HOME": str(folder),
        }
        for own in (cloud, aws, entra, databricks, *stores.values()):
            environment |= own.environment
        for name, value in environment.items():
            patch.setenv(name, value)
        aws.start()
        yield Clouds(cloud, aws, google, entra, databricks, kubernetes, stores, folder, environment)
        aws.stop()


@pytest.fixture
def desk(clouds, tmp_path, database_url, monkeypatch, capsys):
    (tmp_path / "fill.yaml").write_text(CONTRACT)
    (tmp_path / "dist").mkdir()
    with tarfile.open(tmp_path / "dist" / "trade-ingest-packages.tar.gz", "w:gz") as archive:
        archive.addfile(tarfile.TarInfo("empty"), io.BytesIO())
    (tmp_path / "dist" / "trade_ingest-0.1.0-py3-none-any.whl").write_bytes(b"a wheel")
    monkeypatch.chdir(tmp_path)

    def call(*arguments: str) -> tuple[int, str, str]:
        capsys.readouterr()
        code = main(list(arguments))
        return code, *capsys.readouterr()

    for jobs in clouds.services:
        jobs.run, jobs.keeps = clouds.run_entry_point, None
        jobs.all.clear()
    clouds.cloud.unexpected.clear()
    clouds.runs.clear()
    yield Desk(clouds, tmp_path, database_url, call)
    for jobs in clouds.services:
        for thread in jobs.threads:
            thread.join(timeout=60)
        jobs.threads.clear()
    assert clouds.cloud.unexpected == []
