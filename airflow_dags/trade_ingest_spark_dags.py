"""DAGs that load as one job of Spark elsewhere: ``trade_ingest_<platform>``.

    plan_job ──► submit, by the platform's own operator ──► reconcile ──► publish: an asset for each target table

``TRADE_INGEST_AIRFLOW_SPARK`` names the platforms, by commas: ``spark_submit``, ``emr_serverless``, ``dataproc_batch``,
``databricks``. Each is set up by a Variable of Airflow, ``trade_ingest_<platform>``, with a JSON object, whose keys
docs/how-to/airflow.md lists. The job is ``cloud_jobs/ingest_job.py``; its arguments are those of ``trade-ingest run``.

All but ``spark_submit`` are deferrable: while the job runs, no worker waits for it.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from airflow.sdk import Variable, chain, dag, get_current_context, task
from airflow.sdk.exceptions import AirflowFailException
from trade_ingest_tasks import DAG_ARGUMENTS, PARAMS, SCHEDULE, contract, find_work, publish, reconcile, source

_MOST_HOURS = 12
_POLL_SECONDS = 30
# A job that failed is not submitted again: Spark has tried its tasks again already, and the next run goes on from it.
_SUBMIT: dict[str, Any] = {"task_id": "submit", "retries": 0, "execution_timeout": timedelta(hours=_MOST_HOURS)}


def _variable(platform: str) -> str:
    return f"trade_ingest_{platform}"


def _value(platform: str, key: str) -> str:
    """A key of the platform's Variable, as a template: it is read when the task runs."""
    return f"{{{{ var.json.{_variable(platform)}.{key} }}}}"


@task(execution_timeout=timedelta(hours=1), multiple_outputs=True)
def plan_job(platform: str) -> dict[str, Any]:
    """The arguments of the job, and its target; skips the rest of the run if there is nothing to load."""
    values = Variable.get(_variable(platform), deserialize_json=True)
    wanted = [*source(default=values.get("source")), *contract()]
    target = find_work(*wanted)["target"]
    secret = values.get("database_secret")
    arguments = [*wanted, "--engine", "spark", *(["--database-secret", secret] if secret else [])]
    return {"arguments": arguments, "target": target}


def spark_submit(arguments: Any) -> Any:  # noqa: ANN401  # XComArg and operators have no common type to name here
    """By ``spark-submit`` of the worker; the connection ``spark_default`` says to which cluster."""
    from airflow.providers.apache.spark.operators.spark_submit import SparkSubmitOperator

    return SparkSubmitOperator(
        **_SUBMIT,
        application=_value("spark_submit", "entry_point"),
        application_args=arguments,
        name="trade-ingest",
        conf={
            "spark.archives": _value("spark_submit", "packages") + "#packages",
            "spark.executorEnv.PYTHONPATH": "./packages",
        },
    )


def emr_serverless(arguments: Any) -> Any:  # noqa: ANN401
    """By an application of EMR Serverless."""
    from airflow.providers.amazon.aws.operators.emr import EmrServerlessStartJobOperator

    python = _value("emr_serverless", "python")
    settings = {
        "spark.archives": _value("emr_serverless", "packages") + "#packages",
        "spark.emr-serverless.driverEnv.PYSPARK_DRIVER_PYTHON": python,
        "spark.emr-serverless.driverEnv.PYSPARK_PYTHON": python,
        "spark.executorEnv.PYSPARK_PYTHON": python,
        "spark.emr-serverless.driverEnv.PYTHONPATH": "./packages",
        "spark.executorEnv.PYTHONPATH": "./packages",
    }
    return EmrServerlessStartJobOperator(
        **_SUBMIT,
        deferrable=True,
        waiter_delay=_POLL_SECONDS,
        waiter_max_attempts=_MOST_HOURS * 3600 // _POLL_SECONDS,
        name="trade-ingest",
        application_id=_value("emr_serverless", "application_id"),
        execution_role_arn=_value("emr_serverless", "execution_role_arn"),
        job_driver={
            "sparkSubmit": {
                "entryPoint": _value("emr_serverless", "entry_point"),
                "entryPointArguments": arguments,
                "sparkSubmitParameters": " ".join(f"--conf {name}={value}" for name, value in settings.items()),
            }
        },
        configuration_overrides={
            "monitoringConfiguration": {
                "s3MonitoringConfiguration": {"logUri": _value("emr_serverless", "log_uri")},
            }
        },
        config={"executionTimeoutMinutes": _MOST_HOURS * 60, "tags": {"application": "trade-ingest"}},
    )


def dataproc_batch(arguments: Any) -> Any:  # noqa: ANN401
    """By a batch of Dataproc Serverless (Managed Service for Apache Spark)."""
    from airflow.providers.google.cloud.operators.dataproc import DataprocCreateBatchOperator

    return DataprocCreateBatchOperator(
        **_SUBMIT,
        deferrable=True,
        polling_interval_seconds=_POLL_SECONDS,
        project_id=_value("dataproc_batch", "project_id"),
        region=_value("dataproc_batch", "region"),
        batch_id_prefix="trade-ingest",
        batch={
            "labels": {"application": "trade-ingest"},
            "pyspark_batch": {
                "main_python_file_uri": _value("dataproc_batch", "entry_point"),
                "args": arguments,
                "archive_uris": [_value("dataproc_batch", "packages") + "#packages"],
            },
            "runtime_config": {
                "version": _value("dataproc_batch", "runtime_version"),
                "properties": {
                    "spark.dataproc.driverEnv.PYTHONPATH": "./packages",
                    "spark.executorEnv.PYTHONPATH": "./packages",
                },
            },
            "environment_config": {
                "execution_config": {
                    "service_account": _value("dataproc_batch", "service_account"),
                    "subnetwork_uri": _value("dataproc_batch", "subnetwork"),
                }
            },
        },
    )


def databricks(arguments: Any) -> Any:  # noqa: ANN401
    """By a run of Databricks on a cluster of its own, whose executors load."""
    from airflow.providers.databricks.operators.databricks import DatabricksSubmitRunOperator

    return DatabricksSubmitRunOperator(
        **_SUBMIT,
        deferrable=True,
        polling_period_seconds=_POLL_SECONDS,
        json={
            "run_name": "trade-ingest",
            "timeout_seconds": _MOST_HOURS * 3600,
            "tasks": [
                {
                    "task_key": "ingest",
                    "spark_python_task": {"python_file": _value("databricks", "entry_point"), "parameters": arguments},
                    "libraries": [{"whl": _value("databricks", "wheel")}],
                    "new_cluster": {
                        "spark_version": _value("databricks", "spark_version"),
                        "node_type_id": _value("databricks", "node_type_id"),
                        "num_workers": _value("databricks", "workers"),
                        "data_security_mode": "SINGLE_USER",  # in the shared mode executors reach no database
                        "custom_tags": {"application": "trade-ingest"},
                    },
                }
            ],
        },
    )


PLATFORMS: dict[str, tuple[Callable[[Any], Any], str]] = {
    "spark_submit": (spark_submit, "apache-airflow-providers-apache-spark"),
    "emr_serverless": (emr_serverless, "apache-airflow-providers-amazon"),
    "dataproc_batch": (dataproc_batch, "apache-airflow-providers-google"),
    "databricks": (databricks, "apache-airflow-providers-databricks"),
}
"""How each platform is submitted to, and the provider of Airflow that it needs."""


@task(task_id="submit")
def report_missing(provider: str, problem: str) -> None:
    """Stands where a provider is missing, so that one platform keeps none of the others away."""
    platform = get_current_context()["dag"].dag_id
    raise AirflowFailException(f"{platform} needs the provider {provider}: pip install {provider} ({problem})")


def _submit(platform: str, arguments: Any) -> Any:  # noqa: ANN401
    submit, provider = PLATFORMS[platform]
    try:
        return submit(arguments)
    except ImportError as exc:
        missing = report_missing(provider, str(exc))
        chain(arguments, missing)
        return missing


def _make_dag(platform: str) -> None:
    @dag(dag_id=_variable(platform), doc_md=__doc__, schedule=SCHEDULE, params=PARAMS, **DAG_ARGUMENTS)
    def load_as_job() -> None:
        """Load what is new."""
        planned = plan_job(platform)
        reconciled = reconcile(target=planned["target"])
        chain(_submit(platform, planned["arguments"]), reconciled)
        publish(reconciled)

    load_as_job()


for _platform in filter(None, os.environ.get("TRADE_INGEST_AIRFLOW_SPARK", "").split(",")):
    if _platform not in PLATFORMS:
        raise ValueError(f"TRADE_INGEST_AIRFLOW_SPARK: {_platform!r} is none of {', '.join(PLATFORMS)}")
    _make_dag(_platform)
