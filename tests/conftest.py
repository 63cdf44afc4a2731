"""A real PostgreSQL for the tests: one throw-away server per test process, one new database per test."""

import contextlib
import os
import re
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import psycopg
import pytest
from psycopg import sql

from trade_ingest.embedded.cluster import Cluster
from trade_ingest.embedded.postmaster import Postmaster

pytest_plugins = ["stores.fixtures"]

# Speed over durability: the server's files are deleted at the end.
THROW_AWAY_SETTINGS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "shared_buffers": "64MB",
    "max_wal_size": "512MB",
}
# In memory a new database takes 15 ms, on a virtual machine's disk 180 ms (300 files are made).
MEMORY_FOLDER = Path("/dev/shm")
MEMORY_NEEDED_BYTES = 4 * 1024**3
_DIRECTORY_PREFIX = "trade-ingest-test"


@dataclass(frozen=True, slots=True)
class PostgresServer:
    """A running PostgreSQL server that belongs to this test process alone."""

    postmaster: Postmaster
    major: int

    def url(self, database: str = "postgres") -> str:
        """A psycopg URL, as superuser, of one of its databases."""
        return self.postmaster.url(database)

    def execute(self, statement: sql.Composed) -> None:
        """Run one statement outside of a transaction."""
        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(statement)

    def create_database(self, *, template: str) -> str:
        """Make a database with a new name, a copy of `template`, and return its name."""
        name = f"test_{uuid.uuid4().hex}"
        statement = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
        self.execute(statement.format(sql.Identifier(name), sql.Identifier(template)))
        return name

    def drop_database(self, name: str) -> None:
        """Drop a database, even while someone is connected to it."""
        self.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """One server per test process; TRADE_INGEST_TEST_POSTGRES_VERSION chooses 18 (default) or 16."""
    major = int(os.environ.get("TRADE_INGEST_TEST_POSTGRES_VERSION", "18"))
    _remove_left_over_servers()
    with _server_directory(_fastest_folder()) as directory:
        cluster = Cluster(directory, major=major, settings=THROW_AWAY_SETTINGS)
        try:
            yield PostgresServer(cluster.start(), major)
        finally:
            cluster.stop()


@pytest.fixture(scope="session")
def template_database(postgres_server) -> str:
    """The database that every test's database is a copy of; override it to begin with tables."""
    return "template1"


@pytest.fixture
def database_url(postgres_server, template_database) -> Iterator[str]:
    """The URL of a new database, dropped after the test."""
    name = postgres_server.create_database(template=template_database)
    yield postgres_server.url(name)
    postgres_server.drop_database(name)


@pytest.fixture
def server_directory() -> Iterator[Path]:
    """An empty directory that the account of a PostgreSQL server can reach, which pytest's tmp_path is not for root."""
    with _server_directory(Path(tempfile.gettempdir())) as directory:
        yield directory


@contextlib.contextmanager
def _server_directory(folder: Path) -> Iterator[Path]:
    directory = Path(tempfile.mkdtemp(prefix=f"{_DIRECTORY_PREFIX}-{os.getpid()}-", dir=folder))
    directory.chmod(0o755)
    try:
        yield directory
    finally:
        shutil.rmtree(directory)


def _fastest_folder() -> Path:
    try:
        has_room = os.access(MEMORY_FOLDER, os.W_OK) and shutil.disk_usage(MEMORY_FOLDER).free > MEMORY_NEEDED_BYTES
    except OSError:  # not on this system
        has_room = False
    return MEMORY_FOLDER if has_room else Path(tempfile.gettempdir())


def _remove_left_over_servers() -> None:
    # A test process that was killed could not stop its server. A server without its files ends within a minute.
    pattern = f"{_DIRECTORY_PREFIX}-*-*"
    for directory in [*Path(tempfile.gettempdir()).glob(pattern), *MEMORY_FOLDER.glob(pattern)]:
        owner = re.match(rf"{_DIRECTORY_PREFIX}-(\d+)-", directory.name)
        if owner and not psutil.pid_exists(int(owner[1])):
            shutil.rmtree(directory, ignore_errors=True)
