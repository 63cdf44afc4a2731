"""Object stores, opened: the only module that imports ``obstore``."""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

import obstore
from obstore.store import AzureStore, GCSStore, HTTPStore, ObjectStore, S3Store

from trade_ingest.errors import ConfigurationError, StoreAuthenticationError
from trade_ingest.source.access import Access
from trade_ingest.source.connection import StoreConnection, endpoint_problem
from trade_ingest.source.credentials import Credentials, connection_string, find_credentials, is_true
from trade_ingest.source.location import HTTP_SCHEMES, Location
from trade_ingest.source.masking import mask_secrets

CONNECT_SECONDS = 10
TIMEOUT_SECONDS = 30.0
RETRIES = 5

_LONGEST_SAID = 200
_LONGEST_BACKOFF = timedelta(seconds=5)
_AZURE_ENDPOINTS = ("AZURE_STORAGE_ENDPOINT", "AZURE_ENDPOINT")
_ALLOW_HTTP = ("AWS_ALLOW_HTTP", "AZURE_ALLOW_HTTP", "GOOGLE_ALLOW_HTTP", "HTTP_ALLOW_HTTP")
_CLIENT: dict[str, Any] = {"timeout": timedelta(days=1)}  # of a whole request: a large object may take hours

_COPY_IF_NOT_EXISTS = "header: if-none-match: *"
"""https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html; obstore knows no default for S3."""

_CLOUDS = ("AWS_", "AZURE_", "GOOGLE_", "CLOUDSDK_", "MSI_", "IDENTITY_", "HTTP", "http", "NO_PROXY", "no_proxy")
"""How the names of the environment variables begin that stores are opened by."""

Environment = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class OpenStore:
    """A store that is open.

    Attributes:
        store: obstore's store; its keys are whole keys.
        location: a location in it.
        access: the connection and the signed query that it was opened with.
        credentials: what it signs with.
        endpoint: the URL of the service.
        retries: how often a read is taken up again after a passing failure.
    """

    store: ObjectStore
    location: Location
    access: Access
    credentials: Credentials
    endpoint: str
    retries: int

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must not show."""
        own = self.access.connection.secrets if self.access.connection is not None else ()
        return (*own, self.access.query) if self.access.query else own

    def path(self, key: str) -> str:
        """A key as the store takes it: an ``https`` store is the address of its one object."""
        return "" if self.location.scheme in {"http", "https"} else key


def open_store(location: Location, access: Access) -> OpenStore:
    """Open the store of a location; the same one as before as long as access and environment are the same.

    Talks to nobody.

    Args:
        location: with an empty key, except for ``https``.
        access: how it is reached.

    Raises:
        ConfigurationError: the endpoint is no URL, has a secret in it, or is ``http`` and not on this machine.
        StoreAuthenticationError: the credentials that are named are not there or cannot be used.
    """
    variables = tuple(sorted(item for item in os.environ.items() if item[0].startswith(_CLOUDS)))
    return _open(location, access, variables)


@lru_cache(maxsize=64)
def _open(location: Location, access: Access, _: tuple[tuple[str, str], ...]) -> OpenStore:
    connection = access.connection
    credentials = find_credentials(location, connection)
    retries = connection.retries if connection is not None else RETRIES
    options: dict[str, Any] = {
        "retry_config": {
            "max_retries": retries,
            "retry_timeout": timedelta(minutes=2),
            "backoff": {"init_backoff": timedelta(milliseconds=100), "max_backoff": _LONGEST_BACKOFF, "base": 2},
        },
    }
    openers = {"s3": _open_s3, "gs": _open_google, "az": _open_azure}
    opener = openers.get(location.scheme, _open_http)
    try:
        store, endpoint = opener(location, access, credentials, options)
    except FOREIGN_ERRORS as exc:
        raise _unusable(exc, location, access, credentials) from None
    return OpenStore(store, location, access, credentials, endpoint, retries)


def _unusable(error: Exception, location: Location, access: Access, credentials: Credentials) -> Exception:
    """The error for what a store cannot be opened with: most often a file of credentials."""
    secrets = access.connection.secrets if access.connection is not None else ()
    said = mask_secrets(str(error), secrets).partition("\n")[0][:_LONGEST_SAID]
    if location.scheme in HTTP_SCHEMES:
        message = f"{location.uri}: cannot be addressed: {said}"
        return ConfigurationError(message, hint="check the address", problems=(message,))
    message = f"{location.uri}: the store cannot be opened with {credentials.origin}: {said}"
    hint = f"check them, or get new ones; then: trade-ingest doctor --source {location.uri}"
    return StoreAuthenticationError(message, hint=hint, uri=location.uri)


_Opened = tuple[ObjectStore, str]
"""A store, and the URL of its service."""


def _open_s3(location: Location, access: Access, credentials: Credentials, options: dict[str, Any]) -> _Opened:
    connection, variables = access.connection, os.environ
    endpoint = connection.endpoint if connection is not None else None
    endpoint = (
        endpoint or variables.get("AWS_ENDPOINT_URL_S3") or _first(("AWS_ENDPOINT_URL", "AWS_ENDPOINT"), variables)
    )
    region = connection.region if connection is not None else None
    region = region or _first(("AWS_REGION", "AWS_DEFAULT_REGION"), variables)
    config: dict[str, Any] = {"region": "us-east-1", **credentials.config}
    if not variables.get("AWS_COPY_IF_NOT_EXISTS"):
        config["copy_if_not_exists"] = _COPY_IF_NOT_EXISTS
    if region:
        config["region"] = region
    if connection is not None and connection.request_payer:
        config["request_payer"] = True
    _require_endpoint(endpoint)
    if connection is not None and not connection.path_style:
        config["virtual_hosted_style_request"] = True
        if endpoint:
            parts = urlsplit(endpoint)
            endpoint = parts._replace(netloc=f"{location.store}.{parts.netloc}").geturl()
    if endpoint:
        config["endpoint"] = endpoint
    options["client_options"] = _client(endpoint, connection)
    store: Any = S3Store(location.store, config=config, credential_provider=credentials.provider, **options)  # type: ignore[arg-type]
    return store, endpoint or f"https://s3.{config['region']}.amazonaws.com"


def _open_google(location: Location, access: Access, credentials: Credentials, options: dict[str, Any]) -> _Opened:
    config = dict(credentials.config)
    endpoint = access.connection.endpoint if access.connection is not None else None
    endpoint = endpoint or os.environ.get("GOOGLE_BASE_URL") or _base_url_in(config.get("service_account"))
    _require_endpoint(endpoint)
    if endpoint:
        config["base_url"] = endpoint
    options["client_options"] = _client(endpoint, access.connection)
    # or an object that is stored with the content encoding gzip would come unpacked, of another size than is listed
    options["client_options"]["default_headers"] = {"accept-encoding": "gzip"}
    store: Any = GCSStore(location.store, config=config, credential_provider=credentials.provider, **options)  # type: ignore[arg-type]
    return store, endpoint or "https://storage.googleapis.com"


def _base_url_in(path: str | None) -> str | None:
    """The service's address that a file of credentials names, as those for emulators do."""
    import json
    from pathlib import Path

    if path is None:
        return None
    try:
        url = json.loads(Path(path).read_text(encoding="utf-8")).get("gcs_base_url")
    except (OSError, ValueError, AttributeError):
        return None
    return str(url) if url else None


def _open_azure(location: Location, access: Access, credentials: Credentials, options: dict[str, Any]) -> _Opened:
    container, _, account = location.store.partition("@")
    variables = os.environ
    endpoint = access.connection.endpoint if access.connection is not None else None
    endpoint = (
        endpoint or connection_string(location, variables).get("BlobEndpoint") or _first(_AZURE_ENDPOINTS, variables)
    )
    _require_endpoint(endpoint)
    if "." in account:  # a host of another cloud than the public one
        endpoint = endpoint or f"https://{account.replace('.dfs.', '.blob.', 1)}"
        account = account.partition(".")[0]
    config: dict[str, Any] = {**credentials.config, "account_name": account}
    if endpoint:
        config["endpoint"] = endpoint
    options["client_options"] = _client(endpoint, access.connection)
    store: Any = AzureStore(container, config=config, credential_provider=credentials.provider, **options)  # type: ignore[arg-type]
    return store, endpoint or f"https://{account}.blob.core.windows.net"


def _open_http(location: Location, access: Access, credentials: Credentials, options: dict[str, Any]) -> _Opened:  # noqa: ARG001
    path = location.key.partition("?")[0]
    query = access.query or location.key.partition("?")[2]
    url = f"{location.scheme}://{location.store}/{path}" + (f"?{query}" if query else "")
    client = _client(location.uri, access.connection)
    connection = access.connection
    if connection is not None and connection.token is not None:
        client["default_headers"] = {"authorization": f"Bearer {connection.token.get_secret_value()}"}
    store: Any = HTTPStore(url, client_options=client, **options)  # type: ignore[arg-type]
    return store, f"{location.scheme}://{location.store}"


def _require_endpoint(endpoint: str | None) -> None:
    """Check an endpoint, of a variable or a file as well as of a connection.

    Raises:
        ConfigurationError: it is no URL that the stores' clients take, which would panic, or has a secret in it.
    """
    if not endpoint:
        return
    problem = endpoint_problem(endpoint)
    try:
        if not problem:
            HTTPStore(endpoint, client_options={"allow_http": True})
    except FOREIGN_ERRORS as exc:
        problem = f"{endpoint!r} is no URL of a service: {exc}"
    if problem:
        hint = "give it as https://host:port; credentials go into variables or a connection of trade-ingest.toml"
        raise ConfigurationError(problem, hint=hint, problems=(problem,))


def _client(endpoint: str | None, connection: StoreConnection | None) -> dict[str, Any]:
    """The options of the HTTP client.

    Raises:
        ConfigurationError: the endpoint is not encrypted and not on this machine.
    """
    seconds = connection.timeout_seconds if connection is not None else TIMEOUT_SECONDS
    client: dict[str, Any] = {
        **_CLIENT,
        "connect_timeout": timedelta(seconds=min(seconds, CONNECT_SECONDS)),
        "read_timeout": timedelta(seconds=seconds),
        "user_agent": "trade-ingest",
    }
    if connection is not None and connection.ca_certificate is not None:
        path = connection.ca_certificate.expanduser()
        try:
            client["root_certificate"] = path.read_bytes()
        except OSError as exc:
            message = f"ca_certificate of connection {connection.name!r}: {path}: {exc.strerror}"
            raise ConfigurationError(message, hint="name a PEM file", problems=(message,)) from None
    if endpoint is not None and endpoint.lower().startswith("http://"):
        is_allowed = connection is not None and connection.allow_http
        if not (is_allowed or _is_loopback(endpoint) or any(is_true(os.environ.get(name)) for name in _ALLOW_HTTP)):
            message = f"{endpoint.partition('?')[0]}: http:// is not encrypted, and not this machine"
            hint = "use https://, or set allow_http = true in a connection of trade-ingest.toml"
            raise ConfigurationError(message, hint=hint, problems=(message,))
        client["allow_http"] = True
    return client


def _is_loopback(endpoint: str) -> bool:
    host = urlsplit(endpoint).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _first(names: tuple[str, ...], variables: Environment) -> str | None:
    return next((variables[name] for name in names if variables.get(name)), None)


FOREIGN_ERRORS = (obstore.exceptions.BaseError, FileNotFoundError, ValueError, OSError)
"""What obstore raises."""
