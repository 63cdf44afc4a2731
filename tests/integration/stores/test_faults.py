"""Stores that fail: the run is right in the end, or says what failed, and the next one makes it right."""

import json
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from stores.fault_proxy import Fault, FaultProxy, Rule
from stores.faults import cut, delay, first, is_listing, is_read_of, reply, reset, shorten, truncate

BIG = "big.csv"
BIG_ROWS = 40_000  # 2 MB: read as a stream, not by one request into memory
HALF_BYTES = 700_000


@dataclass
class Faulty:
    """Three files behind a proxy; the rules are for the big one."""

    loading: object
    proxy: FaultProxy

    def on_read(self, fault: Fault, *, skip: int = 0, times: int | None = None) -> Rule:
        """Apply a fault to reads of the big file, but not to that which finds out its version."""
        is_first_for_version = self.loading.store.kind == "http"
        return self.proxy.on(fault, when=is_read_of(BIG), skip=skip + is_first_for_version, times=times)

    def repair(self) -> None:
        """The store works from now on."""
        self.proxy.clear()


@pytest.fixture
def faulty_of(loading_of, proxy_for) -> Callable[..., Faulty]:
    def prepare(store) -> Faulty:
        proxy = proxy_for(store)
        loading = loading_of(store, store.behind(proxy.port))
        loading.put("a.csv", range(1, 301))
        loading.put(BIG, range(1001, 1001 + BIG_ROWS))
        loading.put("c.csv.gz", range(301, 601), pack=True)
        return Faulty(loading, proxy)

    return prepare


@pytest.fixture
def faulty(remote_store, faulty_of):
    return faulty_of(remote_store)


@pytest.fixture
def soon_given_up(loading_of, monkeypatch) -> None:
    """One repetition after a passing fault instead of many, which would take half a minute."""
    schemes = ("s3://", "az://", "gs://", "http://")
    connections = {scheme[:2]: {"match": scheme, "retries": 1} for scheme in schemes}
    monkeypatch.setenv("TRADE_INGEST_CONNECTIONS", json.dumps(connections))


@pytest.mark.parametrize(
    ("fault", "times"),
    [
        pytest.param(reply(500), 2, id="500"),
        pytest.param(reply(503), 2, id="503"),
        pytest.param(reply(503, retry_after_seconds=1), 1, id="503 with Retry-After"),
        pytest.param(reply(429, retry_after_seconds=1), 1, id="429 with Retry-After"),
        pytest.param(delay(0.3), 3, id="late"),
        pytest.param(cut, 2, id="cut"),
        pytest.param(truncate(0), 2, id="no body"),
        pytest.param(truncate(HALF_BYTES), 2, id="truncated"),
        pytest.param(reset(0), 2, id="reset before the body"),
        pytest.param(reset(HALF_BYTES), 2, id="reset within the body"),
    ],
)
def test_passing_fault_of_a_read_is_overcome(fault, times, faulty):
    loading = faulty.loading
    rule = faulty.on_read(fault, times=times)

    assert loading.run().outcome == (0, 3, 0, [])
    assert rule.hits > 0
    assert loading.rows() == loading.expected()
    assert loading.run().outcome == (0, 0, 3, [])
    assert loading.rows() == loading.expected()


def test_refused_connections_are_overcome(faulty):
    loading = faulty.loading
    faulty.proxy.refuse_connections(2)

    assert loading.run().outcome == (0, 3, 0, [])
    assert loading.rows() == loading.expected()


@pytest.mark.parametrize("fault", [pytest.param(reply(503), id="503"), pytest.param(cut, id="cut")])
@pytest.mark.parametrize("kind", ["s3", "azure", "gcs"])
def test_passing_fault_of_a_listing_is_overcome(kind, fault, request, faulty_of):
    faulty = faulty_of(request.getfixturevalue(f"{kind}_store"))
    rule = faulty.proxy.on(fault, when=is_listing, times=2)

    assert faulty.loading.run().outcome == (0, 3, 0, [])
    assert rule.hits == 2
    assert faulty.loading.rows() == faulty.loading.expected()


@pytest.mark.parametrize("kind", ["s3", "azure", "gcs"])
def test_listing_that_breaks_off_loads_nothing_or_all(kind, request, faulty_of):
    faulty = faulty_of(request.getfixturevalue(f"{kind}_store"))
    loading = faulty.loading
    rule = faulty.proxy.on(truncate(400), when=is_listing, times=1)

    done = loading.run()

    assert rule.hits == 1
    assert loading.rows() == (loading.expected() if done.code == 0 else [])
    assert done.code == 0 or (done.code, done.errors) == (3, {"store.unavailable"})
    assert loading.run().code == 0
    assert loading.rows() == loading.expected()


def test_body_that_is_shorter_than_listed_fails_the_file_until_the_next_run(faulty):
    loading = faulty.loading
    rule = faulty.on_read(shorten(HALF_BYTES), times=1)

    done = loading.run()

    assert rule.hits == 1
    assert (done.code, done.errors) == (3, {"file.changed_while_read"})
    assert loading.rows() == loading.expected("a.csv", "c.csv.gz")
    assert loading.run().outcome == (0, 1, 2, [])
    assert loading.rows() == loading.expected()


@pytest.mark.parametrize(
    ("fault", "code", "error"),
    [
        pytest.param(reply(503), 3, "store.unavailable", id="503"),
        pytest.param(reply(429, retry_after_seconds=1), 3, "store.throttled", id="429"),
        pytest.param(reset(0), 3, "store.unavailable", id="reset"),
        pytest.param(truncate(0), 3, "store.unavailable", id="truncated"),
        pytest.param(reply(403), 1, "store.permission", id="403"),
        pytest.param(reply(404), 1, "file.unreadable", id="404"),
    ],
)
def test_lasting_fault_fails_its_file_alone(fault, code, error, faulty, soon_given_up):
    loading = faulty.loading
    rule = faulty.on_read(fault)

    done = loading.run()

    assert rule.hits > 0
    assert (done.code, done.errors) == (code, {error})
    assert loading.seen.uri(BIG) in done.outcome[3][0]
    assert loading.rows() == loading.expected("a.csv", "c.csv.gz")
    faulty.repair()
    assert loading.run().outcome == (0, 1, 2, [])
    assert loading.rows() == loading.expected()


@pytest.mark.parametrize(
    ("fault", "code", "error"),
    [
        pytest.param(reply(503), 3, "store.unavailable", id="503"),
        pytest.param(cut, 3, "store.unavailable", id="cut"),
        pytest.param(reply(403), 4, "store.permission", id="403"),
    ],
)
def test_lasting_fault_of_a_listing_ends_the_run(fault, code, error, s3_store, faulty_of, soon_given_up):
    faulty = faulty_of(s3_store)
    rule = faulty.proxy.on(fault, when=is_listing)

    done = faulty.loading.run()

    assert rule.hits > 0
    assert (done.code, done.errors) == (code, {error})
    faulty.repair()
    assert faulty.loading.run().outcome == (0, 3, 0, [])
    assert faulty.loading.rows() == faulty.loading.expected()


def test_object_that_changes_after_it_was_listed_is_loaded_by_the_next_run(faulty):
    loading = faulty.loading
    change = first(lambda: loading.put(BIG, range(1001, 1001 + BIG_ROWS), price="99.0000"))
    rule = faulty.on_read(change, times=1)

    done = loading.run()

    assert rule.hits == 1
    assert (done.code, done.errors) == (3, {"file.changed_while_read"})
    assert loading.rows() == loading.expected("a.csv", "c.csv.gz")
    assert loading.run().outcome == (0, 1, 2, [])
    assert loading.rows() == loading.expected()


def test_object_that_changes_between_two_reads_is_never_mixed(faulty):
    loading = faulty.loading
    broken = faulty.on_read(truncate(HALF_BYTES), times=1)  # so that the rest is read by a request of its own
    change = first(lambda: loading.put(BIG, range(1001, 1001 + BIG_ROWS), price="99.0000"))
    changed = faulty.on_read(change, times=1)

    done = loading.run()

    assert (broken.hits, changed.hits) == (1, 1)
    assert (done.code, done.errors) == (3, {"file.changed_while_read"})
    assert loading.rows() == loading.expected("a.csv", "c.csv.gz")
    assert loading.run().outcome == (0, 1, 2, [])
    assert loading.rows() == loading.expected()


def test_object_that_is_gone_when_it_is_read_fails_alone(faulty):
    loading = faulty.loading
    # Azurite looks at If-Match before it looks whether there is such a blob.
    failure = (3, {"file.changed_while_read"}) if loading.store.kind == "azure" else (1, {"file.unreadable"})
    rule = faulty.on_read(first(lambda: loading.store.delete(BIG)), times=1)

    done = loading.run()

    assert rule.hits == 1
    assert (done.code, done.errors) == failure
    assert loading.rows() == loading.expected()
