"""Each rendered job is what its platform takes, by the platform's own model of it; nobody is asked."""

import importlib.util
import json
import re

import botocore.session
import jsonschema
import kubernetes_validate
import pytest
import yaml
from botocore.validate import ParamValidator
from google.cloud import dataproc_v1
from google.protobuf import json_format

from clouds.cases import arguments_of
from clouds.schemas import (
    FABRIC_DEFINITION,
    SPARK_APPLICATION,
    SPARK_DRIVER,
    SPARK_EXECUTOR,
    SPARK_SECURITY_CONTEXT,
)
from trade_ingest.submit.platforms import PLATFORMS

NAMES = list(PLATFORMS)
OUTCOME = re.compile(r"/outcomes/trade-ingest-[0-9a-f]{12}\.json$")
KUBERNETES_VERSION = "1.34"


@pytest.mark.parametrize("name", NAMES)
def test_job_has_the_arguments_that_were_given_and_where_the_secret_is(rendered, name):
    job = rendered(name)
    arguments = arguments_of(name, job.document)
    if name in {"databricks-serverless", "kubernetes"}:  # the driver loads
        assert arguments[-2:] == ["--engine", "local"]
        arguments = arguments[:-2]
    *arguments, option, outcome = arguments

    assert arguments == [
        "s3://deliveries/fx/",
        *("--max-connections", "40"),
        *("--database-secret", "aws-secretsmanager:desk/database"),
    ]
    assert (option, outcome) == ("--outcome", job.outcome)
    assert OUTCOME.search(outcome)
    assert "${" not in json.dumps(job.document)


@pytest.mark.parametrize(
    ("name", "service", "operation"),
    [("emr-ec2", "emr", "AddJobFlowSteps"), ("emr-serverless", "emr-serverless", "StartJobRun")],
)
def test_aws_knows_every_field(rendered, name, service, operation):
    model = botocore.session.get_session().get_service_model(service).operation_model(operation)
    document = rendered(name).document

    report = ParamValidator().validate(document, model.input_shape)

    assert report.generate_report() == ""
    wrong = document | {"clusterid": "x"}
    assert "clusterid" in ParamValidator().validate(wrong, model.input_shape).generate_report()


@pytest.mark.parametrize(("name", "kind"), [("dataproc-cluster", "WorkflowTemplate"), ("dataproc-serverless", "Batch")])
def test_google_knows_every_field(rendered, name, kind):
    document = rendered(name).document
    message = getattr(dataproc_v1, kind).pb()

    parsed = json_format.ParseDict(document, message())

    assert json_format.MessageToDict(parsed) == document
    with pytest.raises(json_format.ParseError, match="pythonFile"):
        json_format.ParseDict(document | {"pythonFile": "x"}, message())


def test_synapse_knows_every_field(rendered):
    from azure.synapse.spark.models import SparkBatchJobOptions

    document = rendered("synapse").document
    types = {field["key"]: field["type"] for field in SparkBatchJobOptions._attribute_map.values()}
    kinds = {"str": str, "int": int, "[str]": list, "{str}": dict}

    assert {key: kinds[types[key]] for key in document} == {key: type(value) for key, value in document.items()}
    assert SparkBatchJobOptions.from_dict(document).serialize() == document


def test_fabric_definition_is_of_its_documented_form(rendered):
    jsonschema.validate(rendered("fabric").document, FABRIC_DEFINITION)


@pytest.mark.parametrize("name", ["databricks", "databricks-serverless"])
def test_databricks_knows_every_field(rendered, name):
    from databricks.sdk.service.jobs import JobEnvironment, SubmitTask

    document = rendered(name).document
    (task,) = document["tasks"]

    assert SubmitTask.from_dict(task).as_dict() == task
    for environment in document.get("environments", []):
        assert JobEnvironment.from_dict(environment).as_dict() == environment


@pytest.mark.parametrize("file", ["ingest.job.yml", "ingest_serverless.job.yml"])
def test_databricks_bundle_has_jobs_that_the_interface_knows(templates, file):
    from databricks.sdk.service.jobs import JobSettings

    bundle = yaml.safe_load((templates / "databricks" / "databricks.yml").read_text())
    text = (templates / "databricks" / "resources" / file).read_text()
    for variable in set(re.findall(r"\$\{var\.(\w+)\}", text)):
        text = text.replace(f"${{var.{variable}}}", json.dumps(bundle["variables"][variable]["default"]))
    (job,) = yaml.safe_load(text)["resources"]["jobs"].values()

    assert JobSettings.from_dict(job).as_dict() == job


def test_kubernetes_knows_every_field_of_the_job(rendered):
    kubernetes_validate.validate(rendered("kubernetes").document, KUBERNETES_VERSION, strict=True)


@pytest.mark.parametrize("file", ["service_account.yaml", "network_policy.yaml"])
def test_kubernetes_knows_every_field_of_other_objects(templates, file):
    documents = list(yaml.safe_load_all((templates / "kubernetes" / file).read_text()))

    assert documents
    for document in documents:
        kubernetes_validate.validate(document, KUBERNETES_VERSION, strict=True)


def test_driver_of_a_spark_application_may_make_its_executors(rendered, templates):
    objects = list(yaml.safe_load_all((templates / "kubernetes" / "service_account.yaml").read_text()))
    (binding,) = [found for found in objects if found["kind"] == "RoleBinding"]
    account = rendered("kubernetes-spark").document["spec"]["driver"]["serviceAccount"]
    (made,) = [o for o in objects if o["kind"] == "ServiceAccount" and o["metadata"]["name"] == account]

    assert [subject["name"] for subject in binding["subjects"]] == [account]
    assert made.get("automountServiceAccountToken", True)


def test_pods_reach_what_tells_who_they_are_but_not_the_identity_of_their_machine(templates):
    policy = yaml.safe_load((templates / "kubernetes" / "network_policy.yaml").read_text())
    ways = {
        (peer["ipBlock"]["cidr"], port["port"])
        for rule in policy["spec"]["egress"]
        for peer in rule.get("to", [])
        for port in rule.get("ports", [])
        if "ipBlock" in peer
    }

    assert ways == {("10.0.0.0/8", 5432), ("169.254.170.23/32", 80), ("169.254.169.252/32", 988)}


def test_spark_operator_knows_every_field(rendered):
    document = rendered("kubernetes-spark").document
    spec = document["spec"]

    assert document.keys() == {"apiVersion", "kind", "metadata", "spec"}
    assert spec.keys() <= SPARK_APPLICATION
    assert spec["driver"].keys() <= SPARK_DRIVER
    assert spec["executor"].keys() <= SPARK_EXECUTOR
    pod = {  # volumes, their mounts and contexts are Kubernetes' own
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "driver"},
        "spec": {
            "volumes": spec["volumes"],
            "containers": [
                {
                    "name": "driver",
                    "image": "x",
                    "volumeMounts": spec["driver"]["volumeMounts"],
                    "securityContext": spec["driver"]["securityContext"],
                }
            ],
        },
    }
    kubernetes_validate.validate(pod, KUBERNETES_VERSION, strict=True)
    assert spec["executor"]["securityContext"].keys() <= SPARK_SECURITY_CONTEXT


def test_entry_point_needs_nothing_but_the_package(templates):
    spec = importlib.util.spec_from_file_location("ingest_job", templates / "ingest_job.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)

    assert module.run_job.__module__ == "trade_ingest.cli.job"
