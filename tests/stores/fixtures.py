"""Stores for tests: a server of each kind per test process, started when first asked for, and a place per test."""

import contextlib
import os
from collections.abc import Callable, Iterator

import pytest

from stores.azurite import AzureStore, Azurite, run_azurite
from stores.fake_gcs import FakeGcs, GcsStore, run_fake_gcs
from stores.fault_proxy import FaultProxy, run_fault_proxy
from stores.http_server import HttpStore, run_http_server
from stores.local_folder import LocalStore
from stores.seaweedfs import S3Store, SeaweedFS, run_seaweedfs
from stores.server_process import HOST
from stores.store import Store


@pytest.fixture(scope="session")
def seaweedfs() -> Iterator[SeaweedFS]:
    """An S3 server of this test process; starts in 3 s."""
    with run_seaweedfs() as server:
        yield server


@pytest.fixture(scope="session")
def azurite() -> Iterator[Azurite]:
    """A server for Azure Blob Storage of this test process; starts in 1 s."""
    with run_azurite() as server:
        yield server


@pytest.fixture(scope="session")
def fake_gcs() -> Iterator[FakeGcs]:
    """A server for Google Cloud Storage of this test process."""
    with run_fake_gcs() as server:
        yield server


@pytest.fixture
def s3_store(seaweedfs) -> S3Store:
    """An empty place on S3."""
    return seaweedfs.store()


@pytest.fixture
def azure_store(azurite) -> AzureStore:
    """An empty place on Azure Blob Storage."""
    return azurite.store()


@pytest.fixture
def gcs_store(fake_gcs, tmp_path_factory) -> GcsStore:
    """An empty place on Google Cloud Storage."""
    return fake_gcs.store(tmp_path_factory.mktemp("gcs"))


@pytest.fixture
def http_store() -> Iterator[HttpStore]:
    """A server for URLs of this test."""
    with run_http_server() as store:
        yield store


@pytest.fixture
def local_store(tmp_path_factory) -> LocalStore:
    """An empty folder."""
    return LocalStore.at(tmp_path_factory.mktemp("local"))


@pytest.fixture(params=["local", "s3", "azure", "gcs", "http"])
def store(request) -> Store:
    """An empty place in a store of each kind, in turn."""
    return request.getfixturevalue(f"{request.param}_store")


@pytest.fixture(params=["s3", "azure", "gcs", "http"])
def remote_store(request) -> Store:
    """An empty place in a store of each kind that is reached over a network, in turn."""
    return request.getfixturevalue(f"{request.param}_store")


@pytest.fixture
def proxy_for() -> Iterator[Callable[[Store], FaultProxy]]:
    """Puts a proxy in front of a store, until the test ends."""
    with contextlib.ExitStack() as stack:

        def start(store: Store) -> FaultProxy:
            # Google's requests are not signed here, and its server wants to be called by its own name.
            host = f"{HOST}:{store.port}" if store.kind == "gcs" else None
            return stack.enter_context(run_fault_proxy(store.port, host=host))

        yield start


@pytest.fixture
def reach(monkeypatch) -> Callable[[Store], None]:
    """Sets the environment in which the product finds a store, and removes all other access to clouds from it."""

    def set_environment(store: Store) -> None:
        for name in os.environ:
            if name.startswith(("AWS_", "AZURE_", "GOOGLE_", "MSI_", "IDENTITY_")):
                monkeypatch.delenv(name)
        monkeypatch.setenv("NO_PROXY", HOST)
        for name, value in store.environment.items():
            monkeypatch.setenv(name, value)

    return set_environment
