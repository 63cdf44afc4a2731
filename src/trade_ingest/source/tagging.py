"""Marks on files that say that they are loaded; the marks change neither content nor version.

``obstore`` can tag an object only while it writes it: the clouds' own libraries do it here, with the credentials that
the store is read with.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import lru_cache
from importlib.util import find_spec
from typing import Any
from urllib.parse import quote

from trade_ingest.errors import ArchiveError, StoreError, UsageError
from trade_ingest.source.access import Access
from trade_ingest.source.file import SourceFile
from trade_ingest.source.location import Location, parse_location

TAG, RUN_TAG, LOADED = "trade-ingest", "trade-ingest-run", "loaded"
ATTRIBUTE = "user.trade_ingest"

_LIBRARIES = {
    "s3": ("aws", ("boto3",)),
    "gs": ("gcp", ("google.auth", "requests")),
    "az": ("azure", ("azure.storage.blob",)),
}
"""The extra, and the modules that it brings, by scheme."""

_TIMEOUT_SECONDS = 60


def require_tagging(location: Location) -> None:
    """Check that files at a place can be tagged, as far as this machine is concerned.

    Raises:
        UsageError: the cloud's library is missing, or this system's files have no attributes.
    """
    if location.is_local:
        if not hasattr(os, "setxattr"):
            message = f"{location.uri}: files of this system cannot be tagged"
            raise UsageError(message, hint="tag files on Linux only; elsewhere use --after-load move:FOLDER")
        return
    extra, modules = _LIBRARIES[location.scheme]
    missing = [module for module in modules if not _is_installed(module)]
    if missing:
        message = f"{location.uri}: to tag objects takes {missing[0]}, which is not installed"
        raise UsageError(message, hint=f"pip install 'trade-ingest[{extra}]'")


def tag_file(file: SourceFile, run_id: int) -> None:
    """Mark a file as loaded by a run; other marks that it has stay.

    Objects get the tags (Google: the metadata) ``trade-ingest=loaded`` and ``trade-ingest-run``, local files the
    attribute ``user.trade_ingest``. Safe to repeat.

    Raises:
        ArchiveError: the file system has no such attributes, or refused.
        StoreError: the store refused; the subclass says why.
    """
    location = parse_location(file.uri)
    if location.is_local:
        _tag_local(file.uri, run_id)
        return
    from trade_ingest.source.objects import opened_store
    from trade_ingest.source.store_errors import store_error

    opened = opened_store(location, file.access or Access())
    tags = {TAG: LOADED, RUN_TAG: str(run_id)}
    tag = {"s3": _tag_s3, "gs": _tag_google, "az": _tag_azure}[location.scheme]
    try:
        tag(location, opened, tags)
    except StoreError:
        raise
    except Exception as exc:  # noqa: BLE001  # each library has its own family of errors
        raise store_error(_Answer(_answer_of(exc)), location, "tag", secrets=opened.secrets) from None


class _Answer(Exception):  # noqa: N818  # it is no error of ours, but what one is made of
    """A library's error in the words of obstore, whose errors are told apart by them."""


def _answer_of(error: Exception) -> str:
    status: Any = getattr(error, "status_code", None)
    code: Any = getattr(error, "error_code", None)
    reply = getattr(error, "response", None)
    if isinstance(reply, dict):  # botocore
        status = reply.get("ResponseMetadata", {}).get("HTTPStatusCode")
        code = reply.get("Error", {}).get("Code")
    elif reply is not None and status is None:
        status = getattr(reply, "status_code", None)
    parts = [f"status code: {status}"] if status else []
    parts += [f"<Code>{getattr(code, 'value', code)}</Code>"] if code else []
    first = str(error).partition("\n")[0].replace("<", "")
    return " ".join([*parts, f"<Message>{first}</Message>"]) if status else f"error sending request: {first}"


def _tag_local(path: str, run_id: int) -> None:
    try:
        os.setxattr(path, ATTRIBUTE, f"{LOADED} run={run_id}".encode())  # type: ignore[attr-defined,unused-ignore]
    except OSError as exc:
        message = f"{path}: cannot be tagged: {exc.strerror or exc}"
        hint = "the file system needs attributes of users; else use --after-load move:FOLDER"
        raise ArchiveError(message, hint=hint, uri=path) from exc


def _tag_s3(location: Location, opened: Any, tags: Mapping[str, str]) -> None:  # noqa: ANN401
    variables = tuple(sorted(item for item in os.environ.items() if item[0].startswith("AWS_")))
    client = _s3_client(opened.access, variables)
    place = {"Bucket": location.store, "Key": location.key}
    found = client.get_object_tagging(**place)
    kept = {tag["Key"]: tag["Value"] for tag in found["TagSet"]}
    pairs = [{"Key": name, "Value": value} for name, value in {**kept, **tags}.items()]
    client.put_object_tagging(**place, Tagging={"TagSet": pairs})


@lru_cache(maxsize=16)
def _s3_client(access: Access, variables: tuple[tuple[str, str], ...]) -> Any:  # noqa: ANN401
    """A client by the rules that the store is opened by; it serves all threads."""
    import boto3
    from botocore.config import Config  # type: ignore[import-not-found,import-untyped,unused-ignore]

    given, connection = dict(variables), access.connection
    session: dict[str, Any] = {"region_name": given.get("AWS_REGION") or given.get("AWS_DEFAULT_REGION")}
    client: dict[str, Any] = {
        "endpoint_url": given.get("AWS_ENDPOINT_URL_S3") or given.get("AWS_ENDPOINT_URL") or given.get("AWS_ENDPOINT")
    }
    style = "path"
    if connection is not None:
        style = "path" if connection.path_style else "virtual"
        session["profile_name"] = connection.profile
        session["region_name"] = connection.region or session["region_name"]
        client["endpoint_url"] = connection.endpoint or client["endpoint_url"]
        if connection.ca_certificate is not None:
            client["verify"] = str(connection.ca_certificate.expanduser())
        if connection.access_key_id and connection.secret_access_key:
            token = connection.session_token
            session["aws_access_key_id"] = connection.access_key_id.get_secret_value()
            session["aws_secret_access_key"] = connection.secret_access_key.get_secret_value()
            session["aws_session_token"] = token.get_secret_value() if token is not None else None
    session["region_name"] = session["region_name"] or "us-east-1"
    config = Config(s3={"addressing_style": style}, retries={"max_attempts": 5, "mode": "standard"})
    return boto3.Session(**session).client("s3", config=config, **client)


def _tag_azure(location: Location, opened: Any, tags: Mapping[str, str]) -> None:  # noqa: ANN401
    from azure.storage.blob import BlobClient  # type: ignore[import-not-found,import-untyped,unused-ignore]

    container, _, account = location.store.partition("@")
    credential = _azure_credential(opened, account.partition(".")[0])
    with BlobClient(opened.endpoint, container, location.key, credential=credential) as client:
        client.set_blob_tags({**client.get_blob_tags(), **tags})


def _azure_credential(opened: Any, account: str) -> Any:  # noqa: ANN401
    from azure.core.credentials import (  # type: ignore[import-not-found,import-untyped,unused-ignore]
        AccessToken,
        AzureNamedKeyCredential,
        AzureSasCredential,
    )

    provider = opened.credentials.provider
    found = provider() if provider is not None else {}
    if "access_key" in found:
        return AzureNamedKeyCredential(account, found["access_key"])
    if "sas_token" in found:
        return AzureSasCredential(found["sas_token"])
    if "token" in found:

        class _Token:
            def get_token(self, *_: str, **__: object) -> AccessToken:
                return AccessToken(found["token"], 2**31 - 1)

        return _Token()
    from azure.identity import (  # type: ignore[import-not-found,import-untyped,unused-ignore]
        ClientSecretCredential,
        DefaultAzureCredential,
    )

    config = opened.credentials.config
    if "client_secret" in config:
        return ClientSecretCredential(config["tenant_id"], config["client_id"], config["client_secret"])
    return DefaultAzureCredential(managed_identity_client_id=config.get("client_id"))


def _tag_google(location: Location, opened: Any, tags: Mapping[str, str]) -> None:  # noqa: ANN401
    from google.auth.transport.requests import (  # type: ignore[import-not-found,import-untyped,unused-ignore]
        AuthorizedSession,
    )

    url = f"{opened.endpoint}/storage/v1/b/{location.store}/o/{quote(location.key, safe='')}"
    with AuthorizedSession(_google_credentials(opened)) as session:
        reply = session.patch(url, json={"metadata": dict(tags)}, timeout=_TIMEOUT_SECONDS)
        reply.raise_for_status()


def _google_credentials(opened: Any) -> Any:  # noqa: ANN401
    import json
    from pathlib import Path

    import google.auth  # type: ignore[import-not-found,import-untyped,unused-ignore]
    from google.auth.credentials import (  # type: ignore[import-not-found,import-untyped,unused-ignore]
        AnonymousCredentials,
    )
    from google.oauth2.credentials import (  # type: ignore[import-not-found,import-untyped,unused-ignore]
        Credentials as TokenCredentials,
    )

    if opened.credentials.provider is not None:
        return TokenCredentials(token=opened.credentials.provider()["token"])
    config = opened.credentials.config
    path = config.get("service_account") or config.get("application_credentials")
    if path and json.loads(Path(path).read_text(encoding="utf-8")).get("disable_oauth"):
        return AnonymousCredentials()
    scopes = ["https://www.googleapis.com/auth/devstorage.full_control"]
    found = google.auth.load_credentials_from_file(path, scopes=scopes) if path else google.auth.default(scopes=scopes)
    return found[0]


def _is_installed(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # its parent is missing
        return False
