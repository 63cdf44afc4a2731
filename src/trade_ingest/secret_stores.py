"""Secrets of a job, read from the secret store of its cloud when the job begins: never printed, never stored.

A reference says where a secret is, and may be seen by everybody:

``aws-secretsmanager:NAME`` or its ARN; ``gcp-secretmanager:PROJECT/SECRET[/VERSION]``;
``azure-keyvault:VAULT/SECRET``, with ``@LINKED_SERVICE`` in Synapse; ``databricks:SCOPE/KEY``; ``file:PATH``, which is
how Kubernetes mounts one. The cloud's own library reads it, with the identity that the job has.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import quote

from trade_ingest.contract.suggestion import did_you_mean
from trade_ingest.errors import TradeIngestError, UsageError
from trade_ingest.platform_errors import platform_error, require_package

_EXPECTED = "give it as KIND:NAME, such as aws-secretsmanager:trade-ingest/database"


def read_secret(reference: str) -> str:
    """The text of a secret.

    Raises:
        UsageError: the reference is none, or the library of its cloud is not installed.
        PlatformAuthenticationError: the store refuses this identity.
        PlatformUnavailableError: the store cannot be reached, or failed.
        PlatformError: there is no such secret.
    """
    reader, name = _reader(reference)
    try:
        text = reader(name)
    except TradeIngestError:
        raise
    except Exception as exc:  # noqa: BLE001  # what each library raises, without naming them all
        raise platform_error(exc, f"secret {reference}") from None
    return text.strip()


def check_reference(reference: str) -> None:
    """Check the form of a reference; asks nobody.

    Raises:
        UsageError: it is none.
    """
    _reader(reference)


def read_database_url(reference: str) -> str:
    """The URL of a database in a secret: the URL itself, or the JSON that AWS keeps for its databases.

    Raises:
        UsageError: it is neither; see also ``read_secret``.
    """
    text = read_secret(reference)
    if not text.startswith("{"):
        return text
    try:
        found = {"port": 5432, "dbname": "postgres", **json.loads(text)}
        user, password = (quote(str(found[name]), safe="") for name in ("username", "password"))
        return f"postgresql://{user}:{password}@{found['host']}:{found['port']}/{quote(str(found['dbname']), safe='')}"
    except (ValueError, KeyError, TypeError):
        message = f"secret {reference}: is neither a URL nor JSON with username, password, host, port and dbname"
        raise UsageError(message, hint="store the URL: postgresql://user:password@host:5432/name") from None


def _reader(reference: str) -> tuple[Callable[[str], str], str]:
    kind, separator, name = reference.partition(":")
    if "://" in reference or not separator or not name:
        message = "a secret's place is wanted, and this is none"  # the text may be the secret itself
        raise UsageError(message, hint=_EXPECTED)
    if kind not in _READERS:
        message = f"no secret store {kind!r} is known; expected {', '.join(_READERS)}"
        raise UsageError(message, hint=did_you_mean(kind, _READERS) or _EXPECTED)
    return _READERS[kind], name


def _read_aws(name: str) -> str:
    boto3 = require_package("boto3", "aws")
    region = name.split(":")[3] if name.startswith("arn:") else None
    found = boto3.Session().client("secretsmanager", region_name=region).get_secret_value(SecretId=name)
    return str(found["SecretString"])


def _read_google(name: str) -> str:
    secretmanager = require_package("google.cloud.secretmanager", "gcp")
    parts = name.split("/")
    if parts[0] != "projects":
        if len(parts) not in {2, 3}:
            raise UsageError(f"gcp-secretmanager:{name}: expected PROJECT/SECRET or PROJECT/SECRET/VERSION")
        parts = ["projects", parts[0], "secrets", parts[1], *(["versions", parts[2]] if parts[2:] else [])]
    if "versions" not in parts:
        parts += ["versions", "latest"]
    client = secretmanager.SecretManagerServiceClient(transport="rest")
    reply = client.access_secret_version(name="/".join(parts))
    return bytes(reply.payload.data).decode()


def _read_azure(name: str) -> str:
    vault, _, secret = name.partition("/")
    secret, _, linked_service = secret.partition("@")
    if not vault or not secret:
        raise UsageError(f"azure-keyvault:{name}: expected VAULT/SECRET")
    url = f"https://{vault}.vault.azure.net/"
    if find_spec("notebookutils") is not None:  # Synapse and Fabric let a job ask for secrets in their own way only
        import notebookutils

        own: Any = getattr(notebookutils, "credentials", None)
        if own is not None:
            return str(own.getSecret(url, secret))
        linked = [linked_service] if linked_service else []
        return str(notebookutils.mssparkutils.credentials.getSecret(vault, secret, *linked))
    identity = require_package("azure.identity", "azure")
    secrets = require_package("azure.keyvault.secrets", "azure")
    with identity.DefaultAzureCredential() as credential, secrets.SecretClient(url, credential) as client:
        return str(client.get_secret(secret).value)


def _read_databricks(name: str) -> str:
    scope, _, key = name.partition("/")
    if not scope or not key:
        raise UsageError(f"databricks:{name}: expected SCOPE/KEY")
    if os.environ.get("DATABRICKS_RUNTIME_VERSION"):
        dbutils = require_package("databricks.sdk.runtime", "databricks").dbutils
    else:
        dbutils = require_package("databricks.sdk", "databricks").WorkspaceClient().dbutils
    return str(dbutils.secrets.get(scope, key))


def _read_file(name: str) -> str:
    try:
        return Path(name).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as exc:
        reason = getattr(exc, "strerror", None) or "is not UTF-8"
        raise UsageError(f"file:{name}: {reason}", hint="mount the secret there") from None


_READERS: dict[str, Callable[[str], str]] = {
    "aws-secretsmanager": _read_aws,
    "gcp-secretmanager": _read_google,
    "azure-keyvault": _read_azure,
    "databricks": _read_databricks,
    "file": _read_file,
}
