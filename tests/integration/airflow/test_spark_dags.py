"""The DAGs that submit to Spark elsewhere: what they submit, or what they say is missing."""

import json
import os
import subprocess
from pathlib import Path

import pytest

pytestmark = pytest.mark.airflow
ROOT = Path(__file__).parents[3]
PYTHON = Path(os.environ.get("TRADE_INGEST_TEST_AIRFLOW_PYTHON", ROOT / ".venv/airflow/bin/python"))
VARIABLES = {
    "spark_submit": {"packages": "/srv/packages.tar.gz"},
    "emr_serverless": {
        "packages": "s3://jobs/packages.tar.gz",
        "application_id": "00f1abcdexample",
        "execution_role_arn": "arn:aws:iam::123456789012:role/trade-ingest",
        "python": "/usr/bin/python3.11",
        "log_uri": "s3://jobs/logs/",
    },
    "dataproc_batch": {
        "packages": "gs://jobs/packages.tar.gz",
        "project_id": "acme",
        "region": "europe-west1",
        "runtime_version": "2.3",
        "service_account": "loader@acme.iam.gserviceaccount.com",
        "subnetwork": "trades",
    },
    "databricks": {
        "wheel": "/Volumes/main/jobs/trade_ingest.whl",
        "spark_version": "17.3.x-scala2.13",
        "node_type_id": "i3.xlarge",
        "workers": 2,
    },
}
PROVIDERS = {
    "spark_submit": "apache-airflow-providers-apache-spark",
    "emr_serverless": "apache-airflow-providers-amazon",
    "dataproc_batch": "apache-airflow-providers-google",
    "databricks": "apache-airflow-providers-databricks",
}


def has(platform):
    """Whether Airflow's environment has the provider."""
    check = f"from importlib.metadata import version; version('{PROVIDERS[platform]}')"
    return subprocess.run([PYTHON, "-c", check], check=False, capture_output=True).returncode == 0


@pytest.fixture
def submitted(desk):
    """Run the DAG of a platform, whose operator leaves its rendered fields instead of submitting them."""

    def run(platform):
        desk.write("2024/03/04/a.csv", [1])
        common = {"entry_point": f"store://jobs/{platform}/ingest_job.py", "database_secret": "vault:database-url"}
        name = f"trade_ingest_{platform}"
        desk.environment[f"AIRFLOW_VAR_{name.upper()}"] = json.dumps(common | VARIABLES[platform])
        source = f"{desk.folder}/{{date:%Y/%m/%d}}/*.csv"
        return desk.test(name, source=source, day="2024-03-05")

    return run


@pytest.fixture
def arguments(desk):
    """The arguments of each job."""
    dates = ["--from", "2024-03-04T00:00:00.000000", "--to", "2024-03-04T23:59:59.999999"]
    contract = ["--contract", str(desk.folder.parent / "tick.yaml")]
    source = f"{desk.folder}/{{date:%Y/%m/%d}}/*.csv"
    return [source, *dates, *contract, "--engine", "spark", "--database-secret", "vault:database-url"]


@pytest.mark.parametrize("platform", VARIABLES)
def test_missing_provider_is_told_by_the_task_that_needs_it(platform, submitted, airflow, arguments):
    if has(platform):
        pytest.skip("the provider is there")

    done = submitted(platform)

    assert (done.state, done.of("submit")) == ("failed", [("failed", 1)])
    assert done.xcom("plan_job", "arguments") == [arguments]
    assert done.xcom("plan_job", "target") == ["public.tick"]
    provider = PROVIDERS[platform]
    assert f"trade_ingest_{platform} needs the provider {provider}: pip install {provider}" in airflow.log.read_text()


@pytest.fixture
def sent(submitted):
    """What a platform would be sent, checked by its own model."""

    def ask(platform):
        if not has(platform):
            pytest.skip("the provider is missing: make test-airflow")
        done = submitted(platform)
        assert done.of("submit") == [("success", 1)]
        (fields,) = done.xcom("submit")
        command = [PYTHON, Path(__file__).with_name("check_submission.py"), platform]
        checked = subprocess.run(command, input=json.dumps(fields), text=True, check=True, stdout=subprocess.PIPE)
        return json.loads(checked.stdout.splitlines()[-1])

    return ask


def test_spark_submit_is_called_with_the_entry_point_and_its_arguments(sent, arguments):
    command = sent("spark_submit")

    assert command[0] == "spark-submit"
    assert command[-len(arguments) - 1 :] == ["store://jobs/spark_submit/ingest_job.py", *arguments]
    assert "spark.archives=/srv/packages.tar.gz#packages" in command


def test_emr_serverless_is_sent_a_job_run(sent, arguments):
    request = sent("emr_serverless")

    driver = request["jobDriver"]["sparkSubmit"]
    assert driver["entryPoint"] == "store://jobs/emr_serverless/ingest_job.py"
    assert driver["entryPointArguments"] == arguments
    assert "--conf spark.archives=s3://jobs/packages.tar.gz#packages" in driver["sparkSubmitParameters"]
    assert request["applicationId"] == "00f1abcdexample"
    assert "{{" not in json.dumps(request)


def test_dataproc_is_sent_a_batch(sent, arguments):
    batch = sent("dataproc_batch")

    assert batch["pyspark_batch"] == {
        "main_python_file_uri": "store://jobs/dataproc_batch/ingest_job.py",
        "args": arguments,
        "archive_uris": ["gs://jobs/packages.tar.gz#packages"],
    }
    assert batch["environment_config"]["execution_config"]["subnetwork_uri"] == "trades"
    assert "{{" not in json.dumps(batch)


def test_databricks_is_sent_a_run(sent, arguments):
    run = sent("databricks")

    (task,) = run["tasks"]
    assert task["spark_python_task"] == {
        "python_file": "store://jobs/databricks/ingest_job.py",
        "parameters": arguments,
    }
    assert task["libraries"] == [{"whl": "/Volumes/main/jobs/trade_ingest.whl"}]
    assert task["new_cluster"]["num_workers"] == "2"
    assert "{{" not in json.dumps(run)
