"""Named connections: how the objects below a URI are reached. Their secrets never show."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from trade_ingest.errors import UsageError
from trade_ingest.source.location import (
    AZURE_SCHEMES,
    BUCKET_SCHEMES,
    HTTP_SCHEMES,
    Location,
    parse_location,
    shown_source,
)

_COMMON = frozenset(
    {"name", "match", "endpoint", "anonymous", "allow_http", "ca_certificate", "timeout_seconds", "retries"}
)
_FIELDS: dict[str, frozenset[str]] = {
    "s3": frozenset(
        {
            "region",
            "access_key_id",
            "secret_access_key",
            "session_token",
            "profile",
            "path_style",
            "request_payer",
        }
    ),
    "gs": frozenset({"service_account", "token"}),
    "az": frozenset({"account_key", "sas_token", "token", "client_id", "client_secret", "tenant_id", "use_azure_cli"}),
    "https": frozenset({"token"}),
    "http": frozenset({"token"}),
}
_CREDENTIALS = ("access_key_id", "account_key", "sas_token", "token", "client_secret", "service_account", "profile")

_ADDRESS = re.compile(r"[!#-;=?-\[\]_a-z~]+")
"""The characters of RFC 3986, which is all that the stores' clients take."""


def endpoint_problem(endpoint: str) -> str:
    """What is wrong with the URL of a service, without its secrets; empty if nothing is."""
    try:
        parts = urlsplit(endpoint)
        is_address = parts.scheme in HTTP_SCHEMES and bool(parts.hostname) and parts.port != 0
    except ValueError:  # brackets or a port that are none
        is_address = False
    if "@" in endpoint or "?" in endpoint or "#" in endpoint:
        shown = shown_source(endpoint).partition("?")[0] if is_address else "the endpoint"
        return f"{shown}: an endpoint takes no user name, password or query"
    if not is_address or not _ADDRESS.fullmatch(endpoint):
        return f"{endpoint!r} is no URL of a service; expected https://host or https://host:port"
    return ""


class StoreConnection(BaseModel):
    """How the objects whose URIs begin with ``match`` are reached; a table ``[connections.NAME]`` of the settings."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    name: str = Field("", description="Its name in the settings.")
    match: str = Field(description="s3://bucket/prefix, gs://…, az://container@account/…, https://host/… or s3://.")
    endpoint: str | None = Field(None, description="URL of the service, instead of the cloud's own.")
    anonymous: bool = Field(default=False, description="Use no credentials; for public data.")
    allow_http: bool = Field(default=False, description="Allow http:// to other machines than this one.")
    ca_certificate: Path | None = Field(None, description="PEM file of the authority that signed the server's.")
    timeout_seconds: float = Field(30, gt=0, description="A server that says nothing for so long is given up.")
    retries: int = Field(5, ge=0, description="How often a request is repeated after a passing failure.")
    region: str | None = Field(None, description="S3: the bucket's region.")
    access_key_id: SecretStr | None = Field(None, description="S3.")
    secret_access_key: SecretStr | None = Field(None, description="S3.")
    session_token: SecretStr | None = Field(None, description="S3: of temporary credentials.")
    profile: str | None = Field(None, description="S3: a profile of ~/.aws/credentials and ~/.aws/config.")
    path_style: bool = Field(default=True, description="S3: the bucket is in the path of requests, not in the host.")
    request_payer: bool = Field(default=False, description="S3: pay for requests to other people's buckets.")
    service_account: Path | None = Field(None, description="Google: JSON file of a service account.")
    account_key: SecretStr | None = Field(None, description="Azure.")
    sas_token: SecretStr | None = Field(None, description="Azure.")
    client_id: str | None = Field(None, description="Azure: of a service principal or a managed identity.")
    client_secret: SecretStr | None = Field(None, description="Azure: of a service principal.")
    tenant_id: str | None = Field(None, description="Azure: of a service principal.")
    use_azure_cli: bool = Field(default=False, description="Azure: the account that `az login` has signed in.")
    token: SecretStr | None = Field(None, description="Google, Azure, https: a bearer token.")

    @field_validator("match")
    @classmethod
    def _is_place(cls, value: str) -> str:
        scheme, separator, rest = value.partition("://")
        is_known = scheme in BUCKET_SCHEMES or scheme in AZURE_SCHEMES or scheme in HTTP_SCHEMES
        if not separator or not is_known:
            message = "expected the beginning of a URI, such as s3://bucket/prefix"
            raise ValueError(message)
        scheme = "az" if scheme in AZURE_SCHEMES else BUCKET_SCHEMES.get(scheme, scheme)
        if not rest:
            return f"{scheme}://"
        if scheme in HTTP_SCHEMES:
            return value.rstrip("/").lower() if "/" not in rest.rstrip("/") else parse_location(value).uri.rstrip("/")
        try:
            return parse_location(value).uri.rstrip("/")
        except UsageError as exc:
            raise ValueError(exc.message) from None

    @field_validator("endpoint")
    @classmethod
    def _is_endpoint(cls, value: str | None) -> str | None:
        if value and (problem := endpoint_problem(value)):
            raise ValueError(problem)
        return value

    @model_validator(mode="after")
    def _fits_scheme(self) -> StoreConnection:
        fields = _FIELDS[self.scheme]
        wrong = sorted(self.model_fields_set - fields - _COMMON)
        if wrong:
            others = [scheme for scheme, names in _FIELDS.items() if wrong[0] in names]
            message = f"{wrong[0]} is for {others[0]}://, and match is {self.match}"
            raise ValueError(message)
        if (self.access_key_id is None) != (self.secret_access_key is None):
            message = "access_key_id and secret_access_key belong together"
            raise ValueError(message)
        if self.anonymous and (given := [name for name in _CREDENTIALS if getattr(self, name)]):
            message = f"anonymous, and {given[0]} is given"
            raise ValueError(message)
        return self

    @property
    def scheme(self) -> str:
        """The scheme of what it is for."""
        return self.match.partition("://")[0]

    @property
    def secrets(self) -> tuple[str, ...]:
        """Its secret values, for masking."""
        values = (getattr(self, name) for name in type(self).model_fields)
        return tuple(value.get_secret_value() for value in values if isinstance(value, SecretStr))

    def covers(self, uri: str) -> bool:
        """Whether it is for a URI."""
        return uri == self.match or uri.startswith(self.match if self.match.endswith("://") else f"{self.match}/")

    def shown(self) -> dict[str, Any]:
        """What is set, with secrets masked."""
        values = {name: getattr(self, name) for name in type(self).model_fields if name in self.model_fields_set}
        return {name: _shown(value) for name, value in values.items() if name != "name"}


def _shown(value: object) -> object:
    if isinstance(value, SecretStr):
        return "***"
    return shown_source(str(value)) if isinstance(value, str | Path) else value


def connection_for(location: Location, connections: Iterable[StoreConnection]) -> StoreConnection | None:
    """The connection whose ``match`` covers the most of a location; None if there is none."""
    fitting = [connection for connection in connections if connection.covers(location.uri)]
    return max(fitting, key=lambda connection: len(connection.match), default=None)
