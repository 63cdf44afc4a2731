"""Which credentials a store is opened with, and where they come from.

Order for S3: the connection, environment variables, web identity and containers, profiles, the machine's role; for
Google: the connection, environment variables, the file of ``gcloud auth application-default login``, the machine's
service account; for Azure: the connection, environment variables, workload identity, the machine's managed identity.

``obstore`` finds most of it by itself. What it cannot read is read here: profiles, in full where boto3 is installed,
else those with keys; Google's and Azure's other forms where their libraries are.
"""

from __future__ import annotations

import base64
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from trade_ingest.errors import StoreAuthenticationError
from trade_ingest.source.aws_profile import read_profile
from trade_ingest.source.connection import StoreConnection
from trade_ingest.source.location import Location

Environment = Mapping[str, str]

NO_CREDENTIALS = {
    "s3": "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE, or give a connection in trade-ingest.toml;"
    " for public data: anonymous = true",
    "gs": "run `gcloud auth application-default login`, or set GOOGLE_APPLICATION_CREDENTIALS to a service account's"
    " file, or give a connection in trade-ingest.toml; for public data: anonymous = true",
    "az": "set AZURE_STORAGE_ACCOUNT_KEY or AZURE_STORAGE_SAS_TOKEN, or give a connection in trade-ingest.toml;"
    " for public data: anonymous = true",
}
"""What to do where no credentials are found."""

_AZURE_KEYS = ("AZURE_STORAGE_ACCOUNT_KEY", "AZURE_STORAGE_ACCESS_KEY", "AZURE_STORAGE_MASTER_KEY", "AZURE_STORAGE_KEY")
_AZURE_SAS = ("AZURE_STORAGE_SAS_TOKEN", "AZURE_STORAGE_SAS_KEY")
_AZURE_SECRETS = ("AZURE_STORAGE_CLIENT_SECRET", "AZURE_CLIENT_SECRET")
_GOOGLE_FILES = ("GOOGLE_APPLICATION_CREDENTIALS", "GOOGLE_SERVICE_ACCOUNT", "GOOGLE_SERVICE_ACCOUNT_PATH")
_CONTAINERS = ("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI")


@dataclass(frozen=True, slots=True)
class Credentials:
    """How a store signs its requests.

    Attributes:
        origin: where the credentials come from, for people; no secret.
        config: options of the store.
        provider: gives the credentials, instead of what the store finds itself.
    """

    origin: str
    config: dict[str, Any] = field(default_factory=dict, repr=False)
    provider: Callable[[], Any] | None = field(default=None, repr=False)


def find_credentials(
    location: Location, connection: StoreConnection | None, environment: Environment | None = None
) -> Credentials:
    """The credentials for a location: the first of its cloud's order that are there.

    Raises:
        StoreAuthenticationError: what is named (a profile, a file) is not there or cannot be used.
    """
    variables = os.environ if environment is None else environment
    if connection is not None and connection.anonymous:
        return Credentials(f"none: connection {connection.name!r} is anonymous", {"skip_signature": True})
    candidates = {"s3": _s3, "gs": _google, "az": _azure}.get(location.scheme, _http)
    return next(candidates(location, connection, variables))


_Candidates = Iterator[Credentials]


def _s3(location: Location, connection: StoreConnection | None, variables: Environment) -> _Candidates:
    if connection is not None and connection.access_key_id and connection.secret_access_key:
        token = _secret(connection.session_token)
        keys = _static_keys(_secret(connection.access_key_id), _secret(connection.secret_access_key), token)
        yield Credentials(f"keys of connection {connection.name!r}", provider=keys)
    if connection is not None and connection.profile:
        yield _s3_profile(connection.profile, variables)
    if variables.get("AWS_ACCESS_KEY_ID") and variables.get("AWS_SECRET_ACCESS_KEY"):
        yield Credentials("AWS_ACCESS_KEY_ID of the environment")
    yield from _skipped("AWS_SKIP_SIGNATURE", variables)
    if variables.get("AWS_WEB_IDENTITY_TOKEN_FILE") and variables.get("AWS_ROLE_ARN"):
        yield Credentials(f"web identity, role {variables['AWS_ROLE_ARN']}")
    yield from (Credentials(f"the container's role ({name})") for name in _given(_CONTAINERS, variables))
    profile = variables.get("AWS_PROFILE") or variables.get("AWS_DEFAULT_PROFILE")
    if profile or read_profile("default", variables):
        yield _s3_profile(profile or "default", variables)
    if is_true(variables.get("AWS_EC2_METADATA_DISABLED")):
        message = f"{location.uri}: no AWS credentials in the environment, no profile, and AWS_EC2_METADATA_DISABLED"
        raise StoreAuthenticationError(message, hint=NO_CREDENTIALS["s3"], uri=location.uri)
    yield Credentials("the machine's role (instance metadata)")


def _s3_profile(profile: str, variables: Environment) -> Credentials:
    section = read_profile(profile, variables)
    if section is None:
        message = f"no profile {profile!r} in ~/.aws/credentials or ~/.aws/config"
        raise StoreAuthenticationError(message, hint="list them with: aws configure list-profiles")
    config = {"region": section["region"]} if "region" in section else {}
    origin = f"profile {profile!r}"
    if find_spec("boto3") is not None:
        return Credentials(f"{origin} (boto3)", config, _boto3_provider(profile))
    if "aws_access_key_id" in section and "aws_secret_access_key" in section:
        token = section.get("aws_session_token", "")
        keys = _static_keys(section["aws_access_key_id"], section["aws_secret_access_key"], token)
        return Credentials(f"keys of {origin}", config, keys)
    message = f"profile {profile!r} has no keys of its own: it needs single sign-on, a role or a program"
    raise StoreAuthenticationError(message, hint="pip install 'trade-ingest[aws]'")


def _google(location: Location, connection: StoreConnection | None, variables: Environment) -> _Candidates:
    if connection is not None and connection.service_account:
        path = connection.service_account.expanduser()
        yield _google_file(path, f"file of connection {connection.name!r}")
    if connection is not None and connection.token:
        token = _secret(connection.token)
        yield Credentials(f"token of connection {connection.name!r}", provider=lambda: _lasting(token=token))
    for name in _given(("GOOGLE_SERVICE_ACCOUNT_KEY", "GOOGLE_BEARER_TOKEN"), variables):
        yield Credentials(f"{name} of the environment")
    yield from _skipped("GOOGLE_SKIP_SIGNATURE", variables)
    for name in _given(_GOOGLE_FILES, variables):
        path = Path(variables[name]).expanduser()
        if not path.is_file():
            message = f"{location.uri}: {name} names a file that is not there: {path}"
            raise StoreAuthenticationError(message, hint=NO_CREDENTIALS["gs"], uri=location.uri)
        yield _google_file(path, f"file of {name}")
    folder = Path(variables.get("CLOUDSDK_CONFIG") or "~/.config/gcloud").expanduser()
    default = folder / "application_default_credentials.json"
    if default.is_file():
        yield _google_file(default, "application default credentials")
    yield Credentials("the machine's service account (metadata server)")


def _google_file(path: Path, origin: str) -> Credentials:
    import json

    try:
        kind = json.loads(path.read_text(encoding="utf-8")).get("type")
    except (OSError, ValueError, AttributeError):
        message = f"{path}: no credentials file of Google"
        raise StoreAuthenticationError(message, hint=NO_CREDENTIALS["gs"]) from None
    if kind == "authorized_user":
        return Credentials(f"{origin} ({kind})", {"application_credentials": str(path)})
    if kind in {"service_account", None}:
        return Credentials(f"{origin} (service account)", {"service_account": str(path)})
    if not _is_installed("google.auth"):
        message = f"{path}: credentials of type {kind!r} need Google's library"
        raise StoreAuthenticationError(message, hint="pip install 'trade-ingest[gcp]'")
    return Credentials(f"{origin} ({kind})", provider=_google_provider(path))


def _azure(location: Location, connection: StoreConnection | None, variables: Environment) -> _Candidates:
    if connection is not None:
        yield from _azure_connection(connection)
    parts = connection_string(location, variables)
    if "AccountKey" in parts:
        yield _azure_key("AZURE_STORAGE_CONNECTION_STRING", parts["AccountKey"])
    if "SharedAccessSignature" in parts:
        yield _azure_sas("AZURE_STORAGE_CONNECTION_STRING", parts["SharedAccessSignature"])
    for name in _given(_AZURE_KEYS, variables):
        yield _azure_key(f"{name} of the environment", variables[name])
    for name in _given(_AZURE_SAS, variables):
        yield _azure_sas(f"{name} of the environment", variables[name])
    for name in _given(("AZURE_STORAGE_TOKEN", *_AZURE_SECRETS), variables):
        yield Credentials(f"{name} of the environment")
    yield from _skipped("AZURE_SKIP_SIGNATURE", variables)
    for _ in _given(("AZURE_FEDERATED_TOKEN_FILE",), variables):
        yield Credentials("workload identity")
    if is_true(variables.get("AZURE_USE_AZURE_CLI")):
        yield Credentials("az login", {"use_azure_cli": True})
    if _is_installed("azure.identity"):
        yield Credentials("azure-identity's default chain", provider=_azure_provider())
    yield Credentials("the machine's managed identity")


def _azure_connection(connection: StoreConnection) -> _Candidates:
    of = f"of connection {connection.name!r}"
    if connection.account_key:
        yield _azure_key(f"account key {of}", _secret(connection.account_key))
    if connection.sas_token:
        yield _azure_sas(f"SAS token {of}", _secret(connection.sas_token))
    if connection.token:
        token = _secret(connection.token)
        yield Credentials(f"token {of}", provider=lambda: _lasting(token=token))
    if connection.client_secret:
        names = ("client_id", "tenant_id")
        config = {name: value for name in names if (value := getattr(connection, name))}
        yield Credentials(f"service principal {of}", {**config, "client_secret": _secret(connection.client_secret)})
    if connection.use_azure_cli:
        yield Credentials("az login", {"use_azure_cli": True})
    if connection.client_id:
        yield Credentials(f"managed identity {of}", {"client_id": connection.client_id})


def connection_string(location: Location, variables: Environment) -> dict[str, str]:
    """The parts of ``AZURE_STORAGE_CONNECTION_STRING``, if it is that of the location's account."""
    text = variables.get("AZURE_STORAGE_CONNECTION_STRING", "")
    parts = dict(part.split("=", 1) for part in text.split(";") if "=" in part)
    account = parts.get("AccountName", "")
    return parts if account in {"", location.store.partition("@")[2]} else {}


def _http(location: Location, connection: StoreConnection | None, variables: Environment) -> _Candidates:  # noqa: ARG001
    if location.query:
        yield Credentials("the signature in the address")
    if connection is not None and connection.token:
        yield Credentials(f"token of connection {connection.name!r}")
    yield Credentials("none")


def is_true(value: str | None) -> bool:
    """Whether a variable says yes."""
    return (value or "").strip().lower() in {"1", "true", "yes", "on"}


def _given(names: tuple[str, ...], variables: Environment) -> Iterator[str]:
    return (name for name in names if variables.get(name))


def _skipped(name: str, variables: Environment) -> _Candidates:
    if is_true(variables.get(name)):
        yield Credentials(f"none: {name}", {"skip_signature": True})


def _secret(value: SecretStr | None) -> str:
    return value.get_secret_value() if value is not None else ""


def _lasting(**values: str | None) -> dict[str, Any]:
    return {**values, "expires_at": None}


def _static_keys(key_id: str, secret: str, token: str) -> Callable[[], dict[str, Any]]:
    """Not as options of the store: a session token of the environment would be sent along with these keys."""
    return lambda: _lasting(access_key_id=key_id, secret_access_key=secret, token=token or None)


def _azure_key(origin: str, key: str) -> Credentials:
    key = key.strip()
    try:
        is_key = bool(base64.b64decode(key, validate=True))
    except ValueError:  # also what has other characters than ASCII
        is_key = False
    if not is_key:
        message = f"{origin}: is no account key; expected base64, such as the 88 characters that the portal shows"
        raise StoreAuthenticationError(message, hint="copy it again: az storage account keys list")
    return Credentials(origin, provider=lambda: _lasting(access_key=key))


def _azure_sas(origin: str, token: str) -> Credentials:
    token = token.strip().removeprefix("?")
    parts = dict(part.partition("=")[::2] for part in token.split("&"))
    if not parts.get("sig") or not all("=" in part for part in token.split("&")):
        message = f"{origin}: is no SAS token; expected parameters such as sv=…&se=…&sr=…&sp=…&sig=…"
        hint = "copy it again, whole, and in quotes: a shell ends it at the first &"
        raise StoreAuthenticationError(message, hint=hint)
    return Credentials(origin, provider=lambda: _lasting(sas_token=token))


def _is_installed(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # its parent is missing
        return False


def _boto3_provider(profile: str) -> Callable[[], Any]:
    import boto3
    from botocore.exceptions import BotoCoreError  # type: ignore[import-not-found,import-untyped,unused-ignore]
    from obstore.auth.boto3 import Boto3CredentialProvider

    try:
        return Boto3CredentialProvider(boto3.Session(profile_name=profile))
    except (BotoCoreError, ValueError) as exc:
        message = f"profile {profile!r} cannot be used: {exc}"
        raise StoreAuthenticationError(message, hint="check it with: aws sts get-caller-identity") from None


def _google_provider(path: Path) -> Callable[[], Any]:
    import google.auth
    from google.auth.exceptions import GoogleAuthError
    from obstore.auth.google import GoogleCredentialProvider

    scopes = ["https://www.googleapis.com/auth/devstorage.read_write"]
    try:
        credentials, _ = google.auth.load_credentials_from_file(str(path), scopes=scopes)
    except (GoogleAuthError, ValueError, KeyError) as exc:
        message = f"{path}: the credentials cannot be used: {type(exc).__name__}"  # the text may quote the file
        raise StoreAuthenticationError(message, hint=NO_CREDENTIALS["gs"]) from None
    return GoogleCredentialProvider(credentials)


def _azure_provider() -> Callable[[], Any]:
    from obstore.auth.azure import AzureCredentialProvider

    return AzureCredentialProvider()
