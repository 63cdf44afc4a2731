"""S3: SeaweedFS with new credentials, its data in a temporary folder."""

import contextlib
import dataclasses
import json
import secrets
import sysconfig
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Self

import obstore
from obstore.store import S3Store as S3Client

from stores.server_process import HOST, answers, run_server
from stores.store import BucketStore

BUCKET = "deliveries"
REGION = "us-east-1"
_WEED = Path(sysconfig.get_path("scripts"), "weed")


@dataclasses.dataclass(frozen=True, kw_only=True)
class S3Store(BucketStore):
    """A prefix of a bucket on SeaweedFS."""

    def behind(self, port: int) -> Self:
        return dataclasses.replace(self, environment={**self.environment, "AWS_ENDPOINT_URL": f"http://{HOST}:{port}"})


@dataclasses.dataclass(frozen=True)
class SeaweedFS:
    """A running server with one bucket."""

    port: int
    key_id: str
    secret_key: str

    def store(self, prefix: str | None = None) -> S3Store:
        """A place of its own."""
        prefix = prefix or uuid.uuid4().hex
        endpoint = f"http://{HOST}:{self.port}"
        return S3Store(
            kind="s3",
            root=f"s3://{BUCKET}/{prefix}",
            environment={
                "AWS_ACCESS_KEY_ID": self.key_id,
                "AWS_SECRET_ACCESS_KEY": self.secret_key,
                "AWS_REGION": REGION,
                "AWS_ENDPOINT_URL": endpoint,
                "AWS_ALLOW_HTTP": "true",
            },
            secrets=(self.key_id, self.secret_key),
            port=self.port,
            client=self._client(),
            prefix=prefix,
        )

    def has_bucket(self) -> bool:
        """Whether objects can be written; the first one makes the bucket."""
        try:
            obstore.put(self._client(retry_config={"max_retries": 0}), "started", b"")
        except obstore.exceptions.BaseError:
            return False
        return True

    def _client(self, **options: Any) -> S3Client:
        return S3Client(
            BUCKET,
            endpoint=f"http://{HOST}:{self.port}",
            access_key_id=self.key_id,
            secret_access_key=self.secret_key,
            region=REGION,
            client_options={"allow_http": True},
            **options,
        )


@contextlib.contextmanager
def run_seaweedfs() -> Iterator[SeaweedFS]:
    """A server while the block runs."""
    key_id, secret_key = f"AKIA{secrets.token_hex(8).upper()}", secrets.token_urlsafe(30)

    def command(ports: Sequence[int], folder: Path) -> list[str | Path]:
        identity = {
            "name": "tests",
            "credentials": [{"accessKey": key_id, "secretKey": secret_key}],
            "actions": ["Admin", "Read", "Write", "List", "Tagging"],
        }
        (folder / "s3.json").write_text(json.dumps({"identities": [identity]}))
        (folder / "data").mkdir()
        return [_WEED, *_options(ports, folder)]

    def is_ready(port: int) -> bool:
        return answers(f"http://{HOST}:{port}/healthz") and SeaweedFS(port, key_id, secret_key).has_bucket()

    with run_server(command, ports=8, is_ready=is_ready) as port:
        yield SeaweedFS(port, key_id, secret_key)


def _options(ports: Sequence[int], folder: Path) -> list[str]:
    names = ["s3.port", "s3.port.grpc", "master.port", "master.port.grpc"]
    names += ["volume.port", "volume.port.grpc", "filer.port", "filer.port.grpc"]
    return [
        "-logtostderr=true",
        "server",
        f"-ip={HOST}",
        f"-ip.bind={HOST}",
        f"-dir={folder / 'data'}",
        "-filer",
        "-s3",
        f"-s3.config={folder / 's3.json'}",
        f"-s3.localSocket={folder / 's3.sock'}",
        "-s3.port.iceberg=0",
        "-s3.port.lance=0",
        "-master.telemetry=false",
        *(f"-{name}={port}" for name, port in zip(names, ports, strict=True)),
    ]
