"""A served API: real processes on a free port, with files to load and a real database."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
import requests

from served import Gate, Service, until
from trade_ingest.ledger.schema import upgrade


@pytest.fixture
def service(database_url, tmp_path) -> Iterator[Service]:
    """Nothing served yet."""
    made = Service(database_url, tmp_path / "files", tmp_path)
    made.folder.mkdir()
    yield made
    made.close()


@pytest.fixture
def gate(service) -> Iterator[Gate]:
    """A gate in the service's database, which has a ledger; open."""
    upgrade(service.database)
    with psycopg.connect(service.database, autocommit=True) as connection:
        yield Gate(connection)


def events_of(answer: requests.Response) -> Iterator[dict[str, Any]]:
    """The events of a stream: kind, id, data."""
    event: dict[str, Any] = {}
    for line in answer.iter_lines(chunk_size=1, decode_unicode=True):
        if line.startswith(":"):
            continue
        if not line:
            if "data" in event:
                yield event | {"data": json.loads(event["data"])}
            event = {}
            continue
        name, _, value = line.partition(": ")
        event[name] = value


@pytest.fixture
def read_stream() -> Callable[[requests.Response], Iterator[dict[str, Any]]]:
    """Reads the events of a stream as they come."""
    return events_of


@pytest.fixture
def wait_until() -> Callable[[Callable[[], object], str], Any]:
    """Waits for what other processes do."""
    return until
