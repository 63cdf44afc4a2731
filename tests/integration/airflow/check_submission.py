"""Checks what a platform's operator would submit by the platform's own model; in Airflow's environment.

The argument is the platform, stdin the rendered fields of the operator, stdout what the platform would be sent.
"""

import json
import sys


def spark_submit(fields):
    from airflow.providers.apache.spark.hooks.spark_submit import SparkSubmitHook

    hook = SparkSubmitHook(conf=fields["conf"], application_args=fields["application_args"])
    return hook._build_spark_submit_command(fields["application"])


def emr_serverless(fields):
    from botocore.session import get_session
    from botocore.validate import ParamValidator

    request = {
        "applicationId": fields["application_id"],
        "clientToken": "a-token",
        "executionRoleArn": fields["execution_role_arn"],
        "jobDriver": fields["job_driver"],
        "configurationOverrides": fields["configuration_overrides"],
        "name": fields["name"],
        **fields["config"],
    }
    shape = get_session().get_service_model("emr-serverless").operation_model("StartJobRun").input_shape
    report = ParamValidator().validate(request, shape)
    assert not report.has_errors(), report.generate_report()
    return request


def dataproc_batch(fields):
    from google.cloud.dataproc_v1 import Batch
    from google.protobuf.json_format import MessageToDict, ParseDict

    return MessageToDict(ParseDict(fields["batch"], Batch.pb()()), preserving_proto_field_name=True)


def databricks(fields):
    from airflow.providers.databricks.utils.databricks import normalise_json_content

    return normalise_json_content(fields["json"])


json.dump(globals()[sys.argv[1]](json.load(sys.stdin)), sys.stdout)
