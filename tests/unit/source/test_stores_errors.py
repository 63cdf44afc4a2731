"""Each failure of a store is one error that says what is wrong and how it is mended, without secrets."""

import pickle

import obstore
import pytest
from obstore.exceptions import GenericError, InvalidPathError, PermissionDeniedError, PreconditionError
from obstore.store import MemoryStore

from trade_ingest.errors import (
    FileChangedWhileReadError,
    FileUnreadableError,
    SourceNotFoundError,
    StoreAuthenticationError,
    StoreClockError,
    StoreError,
    StoreExpiredError,
    StorePermissionError,
    StoreRegionError,
    StoreThrottledError,
    StoreUnavailableError,
)
from trade_ingest.source.location import parse_location
from trade_ingest.source.masking import mask_secrets
from trade_ingest.source.store_errors import store_error

S3 = parse_location("s3://bucket/a.csv")
GS = parse_location("gs://bucket/a.csv")
AZ = parse_location("az://fills@acme/a.csv")
WEB = parse_location("https://host/a.csv?X-Amz-Signature=5ec4e7")


def answer(status: int, code: str = "", message: str = "") -> GenericError:
    """What obstore raises for an answer of a store."""
    body = f"<Error><Code>{code}</Code><Message>{message}</Message></Error>" if code else ""
    text = (
        f"Generic S3 error: Error performing GET http://host/x in 1ms - Server returned non-2xx status code: {status}"
    )
    return GenericError(f"{text} Something: {body}")


def transport(cause: str) -> GenericError:
    return GenericError(f"Generic S3 error: Error performing GET https://host:1/x in 1s - HTTP error: {cause}")


@pytest.mark.parametrize(
    ("location", "action", "error", "expected", "fix"),
    [
        (S3, "list", answer(404, "NoSuchBucket"), SourceNotFoundError, "spelling"),
        (AZ, "list", answer(404, "ContainerNotFound"), SourceNotFoundError, "account"),
        (S3, "read", answer(404, "NoSuchBucket"), SourceNotFoundError, "spelling"),
        (GS, "list", answer(404), SourceNotFoundError, "spelling"),
        (S3, "read", answer(404, "NoSuchKey"), FileUnreadableError, "trade-ingest ls"),
        (AZ, "read", FileNotFoundError("Object at location a.csv not found: …"), FileUnreadableError, "ls"),
        (S3, "list", answer(403, "AccessDenied"), StorePermissionError, "s3:ListBucket"),
        (S3, "read", PermissionDeniedError(str(answer(403))), StorePermissionError, "s3:GetObject"),
        (GS, "list", answer(403, "AccessDenied"), StorePermissionError, "storage.objects.list"),
        (GS, "read", answer(403, "AccessDenied"), StorePermissionError, "storage.objects.get"),
        (AZ, "read", answer(403, "AuthorizationPermissionMismatch"), StorePermissionError, "blobs/read"),
        (WEB, "read", answer(403), StorePermissionError, "signature"),
        (S3, "list", answer(403, "SignatureDoesNotMatch"), StoreAuthenticationError, "doctor --source"),
        (S3, "list", answer(403, "InvalidAccessKeyId"), StoreAuthenticationError, "doctor --source"),
        (AZ, "list", answer(403, "AuthenticationFailed"), StoreAuthenticationError, "doctor --source"),
        (WEB, "read", answer(401), StoreAuthenticationError, "doctor --source"),
        (S3, "list", answer(400, "ExpiredToken", "The token has expired"), StoreExpiredError, "aws sso login"),
        (WEB, "read", answer(403, "AccessDenied", "Request has expired"), StoreExpiredError, "signed address"),
        (
            AZ,
            "read",
            answer(403, "AuthenticationFailed", "Signature not valid in the specified time frame"),
            StoreExpiredError,
            "SAS",
        ),
        (S3, "list", answer(403, "RequestTimeTooSkewed"), StoreClockError, "NTP"),
        (S3, "list", answer(503, "SlowDown"), StoreThrottledError, "--parallelism"),
        (AZ, "list", answer(503, "ServerBusy"), StoreThrottledError, "--parallelism"),
        (GS, "read", answer(429), StoreThrottledError, "--parallelism"),
        (S3, "list", answer(500, "InternalError"), StoreUnavailableError, "later"),
        (S3, "list", transport("error sending request: dns error"), StoreUnavailableError, "endpoint"),
        (S3, "read", transport("operation timed out"), StoreUnavailableError, "network"),
        (S3, "read", transport("connection reset by peer"), StoreUnavailableError, "network"),
        (S3, "read", PreconditionError("Request precondition failure"), FileChangedWhileReadError, "run again"),
        (S3, "list", InvalidPathError('Error parsing Path "a//b.csv": empty'), StoreError, "another key"),
        (S3, "read", answer(418), StoreError, "--log-level debug"),
    ],
)
def test_failure_is_one_error_with_its_fix(location, action, error, expected, fix):
    found = store_error(error, location, action)

    assert type(found) is expected
    assert found.message.startswith(location.uri)
    assert fix in found.hint
    assert found.retryable == (expected in {StoreThrottledError, StoreUnavailableError, FileChangedWhileReadError})
    assert str(pickle.loads(pickle.dumps(found))) == str(found)


AZURE_MESSAGE = (
    "Server failed to authenticate the request. Make sure the value of Authorization header is formed correctly"
    " including the signature.\nRequestId:6fe8e1c2-001e-0050-0b2f-be5f2a000000\nTime:2019-02-08T01:02:03.4567890Z"
)


@pytest.mark.parametrize(
    ("status", "code", "detail", "expected", "fix"),
    [
        (
            403,
            "AuthenticationFailed",
            (
                "Signature not valid in the specified time frame: Start [Wed, 06 Feb 2019 00:00:00 GMT]"
                " - Expiry [Thu, 07 Feb 2019 00:00:00 GMT] - Current [Fri, 08 Feb 2019 00:00:00 GMT]"
            ),
            StoreExpiredError,
            "new SAS token",
        ),
        (
            401,
            "InvalidAuthenticationInfo",
            "Lifetime validation failed. The token is expired.",
            StoreExpiredError,
            "new SAS token",
        ),
        (
            403,
            "AuthenticationFailed",
            "The date header in the request is incorrect.",
            StoreClockError,
            "NTP",
        ),
        (
            403,
            "AuthenticationFailed",
            "Request date header too old: 'Mon, 04 Mar 2024 00:00:00 GMT'",
            StoreClockError,
            "NTP",
        ),
    ],
)
def test_detail_of_azure_is_the_reason(status, code, detail, expected, fix):
    found = store_error(azure_answer(status, code, detail), AZ, "list")

    assert type(found) is expected
    assert f"({code}: {detail.rstrip('.')})" in found.message
    assert fix in found.hint


def test_what_azure_signed_is_not_repeated():
    detail = "Signature did not match. String to sign used was r\n2024-03-04T00:00:00Z\n/blob/acme/fills"

    found = store_error(azure_answer(403, "AuthenticationFailed", detail), AZ, "list")

    assert type(found) is StoreAuthenticationError
    assert "String to sign" not in found.message
    assert "\n" not in found.message


def azure_answer(status: int, code: str, detail: str) -> GenericError:
    """What obstore raises for an answer of Azure, whose message is the same whatever is wrong."""
    return GenericError(
        "Generic MicrosoftAzure error: Error performing GET https://acme.blob.core.windows.net/fills in 1ms - Server"
        f' returned non-2xx status code: {status} Forbidden: <?xml version="1.0" encoding="utf-8"?><Error><Code>{code}'
        f"</Code><Message>{AZURE_MESSAGE}</Message><AuthenticationErrorDetail>{detail}</AuthenticationErrorDetail></Error>"
    )


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (answer(400, "IncorrectEndpoint", "The specified bucket exists in another region."), StoreRegionError),
        (answer(301, "PermanentRedirect", "must be addressed using the specified endpoint"), StoreRegionError),
        (answer(400, "InvalidBucketName", "The specified bucket is not valid."), SourceNotFoundError),
    ],
)
def test_wrong_endpoint_or_name_of_a_bucket_is_told(error, expected):
    assert type(store_error(error, S3, "list")) is expected


@pytest.mark.parametrize(
    "error",
    [
        answer(301),
        answer(307),
        GenericError(
            "Generic HTTP error: Error performing GET https://host/a.csv in 1ms - Received redirect without"
            " LOCATION, this normally indicates an incorrectly configured region"
        ),
        GenericError(
            "Generic HTTP error: Error performing GET https://host/a.csv in 1ms - HTTP error: error following redirect"
        ),
    ],
)
def test_redirect_of_a_web_server_is_no_region(error):
    found = store_error(error, WEB, "read")

    assert type(found) is StoreError
    assert found.message == "https://host/a.csv: the server redirects, and not to an object"
    assert "the one it ends at" in found.hint


def test_object_of_unknown_length_is_refused_once():
    text = "Generic HTTP error: Content-Length Header missing from response\n\nDebug source:\nMissingContentLength"

    found = store_error(GenericError(text), WEB, "read")

    assert type(found) is StoreError
    assert "does not say how long the object is" in found.message
    assert "download it" in found.hint


@pytest.mark.parametrize(
    ("key", "why"),
    [
        ("d/tab\tx.csv", r"""the key "d/tab\tx.csv" cannot be addressed: it has the character '\t'"""),
        ("nul\x01.csv", r"""the key "nul\x01.csv" cannot be addressed: it has the character '\x01'"""),
        ("a/../b.csv", """the key "a/../b.csv" cannot be addressed: it has the part '..'"""),
        ("a//b.csv", """the key "a//b.csv" cannot be addressed: it has an empty part"""),
    ],
)
def test_key_that_cannot_be_addressed_is_told_with_its_reason(key, why):
    with pytest.raises(ValueError, match="parse path") as caught:
        obstore.get(MemoryStore(), key)

    assert store_error(caught.value, S3, "list").message == f"s3://bucket/a.csv: {why}"


def test_wrong_region_is_named():
    wrong = answer(400, "AuthorizationHeaderMalformed", "the region 'us-east-1' is wrong; expecting 'eu-central-1'")
    unnamed = GenericError(
        "Generic S3 error: Received redirect without LOCATION, this normally indicates a wrong region"
    )

    named = store_error(wrong, S3, "list")
    assert type(named) is StoreRegionError
    assert named.message == "s3://bucket/a.csv: the bucket is in region eu-central-1"
    assert "AWS_REGION=eu-central-1" in named.hint
    assert type(store_error(unnamed, S3, "list")) is StoreRegionError


@pytest.mark.parametrize(
    ("location", "address"),
    [
        (S3, "http://169.254.169.254/latest/api/token"),
        (GS, "http://metadata.google.internal/computeMetadata/v1/instance/service-accounts/default/token"),
        (AZ, "http://169.254.169.254/metadata/identity/oauth2/token"),
    ],
)
def test_machine_without_a_role_has_no_credentials(location, address):
    text = f"Generic error: Error performing PUT {address} in 1s, after 5 retries - HTTP error: error sending request"

    found = store_error(GenericError(text), location, "list")

    assert type(found) is StoreAuthenticationError
    assert "no credentials found" in found.message
    assert "trade-ingest.toml" in found.hint


def test_secrets_of_a_foreign_text_are_masked(monkeypatch, caplog):
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "from/the+environment")
    text = "odd: given-s3cr3t, from/the+environment, sig=5ec4e7%3D&se=1, Bearer abc.def, https://me:pw123@host/"
    caplog.set_level("DEBUG")

    found = store_error(GenericError(text), S3, "read", secrets=["given-s3cr3t"])

    shown = f"{found} {found.hint} {found.fields} {caplog.text}"
    assert "odd: ***, ***, sig=***" in found.message
    for secret in ("given-s3cr3t", "from/the+environment", "5ec4e7", "abc.def", "pw123"):
        assert secret not in shown


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("?sv=1&sig=abc%3D&sp=r", "?sv=1&sig=***&sp=r"),
        ("X-Amz-Signature=ab12 and X-Amz-Credential=AKIA/x", "X-Amz-Signature=*** and X-Amz-Credential=***"),
        ("access_token=abc;", "access_token=***;"),
        ("Authorization: Bearer eyJ.abc", "Authorization: Bearer ***"),
        ("<AWSAccessKeyId>AKIA1</AWSAccessKeyId>", "<AWSAccessKeyId>***</AWSAccessKeyId>"),
        ("nothing secret: key=a/b.csv", "nothing secret: key=a/b.csv"),
    ],
)
def test_what_looks_like_a_secret_is_masked(text, masked):
    assert mask_secrets(text, environment={}) == masked
