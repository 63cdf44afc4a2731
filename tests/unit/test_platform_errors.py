"""What libraries of clouds raise becomes one of three errors: by status, else by name."""

import pickle

import pytest
import requests
from azure.core.exceptions import ClientAuthenticationError, HttpResponseError, ServiceRequestError
from botocore.exceptions import ClientError, EndpointConnectionError, NoCredentialsError
from databricks.sdk.errors import NotFound, PermissionDenied, TemporarilyUnavailable
from google.api_core.exceptions import Forbidden, ServiceUnavailable
from google.api_core.exceptions import NotFound as GoogleNotFound
from google.auth.exceptions import DefaultCredentialsError, TransportError
from kubernetes.client import ApiException

from trade_ingest.platform_errors import platform_error, require_package

DENIED, PASSING, REFUSED = "platform.authentication", "platform.unavailable", "platform.refused"


def aws(code, status):
    return ClientError({"Error": {"Code": code, "Message": "m"}, "ResponseMetadata": {"HTTPStatusCode": status}}, "Op")


def http(status):
    response = requests.Response()
    response.status_code = status
    return requests.HTTPError("said", response=response)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (aws("AccessDeniedException", 400), DENIED),
        (aws("ExpiredTokenException", 400), DENIED),
        (aws("UnrecognizedClientException", 400), DENIED),
        (aws("ThrottlingException", 400), PASSING),
        (aws("InternalServerException", 500), PASSING),
        (aws("ValidationException", 400), REFUSED),
        (aws("ResourceNotFoundException", 404), REFUSED),
        (NoCredentialsError(), DENIED),
        (EndpointConnectionError(endpoint_url="https://emr.example"), PASSING),
        (Forbidden("m"), DENIED),
        (GoogleNotFound("m"), REFUSED),
        (ServiceUnavailable("m"), PASSING),
        (DefaultCredentialsError("m"), DENIED),
        (TransportError("m"), PASSING),
        (ClientAuthenticationError("m"), DENIED),
        (ServiceRequestError("m"), PASSING),
        (HttpResponseError("m"), REFUSED),
        (PermissionDenied("m"), DENIED),
        (NotFound("m"), REFUSED),
        (TemporarilyUnavailable("m"), PASSING),
        (ApiException(status=403), DENIED),
        (ApiException(status=409), REFUSED),
        (ApiException(status=429), PASSING),
        (http(401), DENIED),
        (http(404), REFUSED),
        (http(503), PASSING),
        (requests.ConnectionError("m"), PASSING),
        (KeyError("x"), REFUSED),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_error_is_told_apart(error, code):
    made = platform_error(error, "EMR")

    assert made.code == code
    assert made.message.startswith("EMR: ")
    assert pickle.loads(pickle.dumps(made)).message == made.message


def test_secrets_are_masked():
    made = platform_error(requests.HTTPError("https://x.example/?sig=abcdef&x=1"), "Synapse")

    assert "abcdef" not in made.message


def test_missing_package_is_named_with_the_extra():
    with pytest.raises(Exception, match="No module named 'no_such_cloud'") as refused:
        require_package("no_such_cloud", "aws")

    assert refused.value.hint == "pip install 'trade-ingest[aws]'"
