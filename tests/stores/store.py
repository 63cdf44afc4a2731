"""What all stores for tests have in common: the product reads them by URI, a test changes them behind its back."""

import abc
import dataclasses
from collections.abc import Mapping
from typing import Self

import obstore


@dataclasses.dataclass(frozen=True, kw_only=True)
class Store(abc.ABC):
    """A place for objects that is a test's own; keys are below it.

    Attributes:
        kind: ``s3``, ``azure``, ``gcs``, ``http`` or ``local``.
        root: the URI of the place, without a slash at the end.
        environment: what the product finds it and its credentials by.
        secrets: what must be seen nowhere.
        port: where its server listens; None for a folder.
    """

    kind: str
    root: str
    environment: Mapping[str, str] = dataclasses.field(default_factory=dict)
    secrets: tuple[str, ...] = ()
    port: int | None = None

    def uri(self, key: str) -> str:
        """The URI of an object."""
        return f"{self.root}/{key}"

    def sources(self, *keys: str) -> list[str]:  # noqa: ARG002
        """What the product is told to read these objects, and nothing else the store holds, by."""
        return [f"{self.root}/"]

    @abc.abstractmethod
    def behind(self, port: int) -> Self:
        """The same place for the product, reached through a proxy on another port; what tests do goes past it."""

    @abc.abstractmethod
    def put(self, key: str, data: bytes) -> None:
        """Write an object, also over another one."""

    @abc.abstractmethod
    def get(self, key: str) -> bytes:
        """The content of an object."""

    @abc.abstractmethod
    def delete(self, key: str) -> None:
        """Delete an object."""

    @abc.abstractmethod
    def keys(self, prefix: str = "") -> list[str]:
        """The keys of all objects, in order."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class BucketStore(Store):
    """A prefix in a bucket, changed with a client that goes to the server directly.

    Attributes:
        client: a store of ``obstore`` for the bucket.
        prefix: of the place, without a slash at the end.
    """

    client: obstore.store.ObjectStore
    prefix: str

    def put(self, key: str, data: bytes) -> None:
        obstore.put(self.client, f"{self.prefix}/{key}", data)

    def get(self, key: str) -> bytes:
        return bytes(obstore.get(self.client, f"{self.prefix}/{key}").bytes())

    def delete(self, key: str) -> None:
        obstore.delete(self.client, f"{self.prefix}/{key}")

    def keys(self, prefix: str = "") -> list[str]:
        found = [meta["path"] for page in obstore.list(self.client, f"{self.prefix}/") for meta in page]
        keys = sorted(path.removeprefix(f"{self.prefix}/") for path in found)
        return [key for key in keys if key.startswith(prefix)]
