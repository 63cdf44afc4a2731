import pytest

from trade_ingest.api.failures import MAX_FAILURES, WINDOW_SECONDS, FailureLimit
from trade_ingest.errors import TooManyFailuresError


class Clock:
    now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def limit(clock):
    return FailureLimit(clock)


def fail(limit, address, times=MAX_FAILURES):
    for _ in range(times):
        limit.count(address)


def test_address_waits_until_its_failures_are_old(limit, clock):
    fail(limit, "192.0.2.1", 1)
    clock.now += 20
    fail(limit, "192.0.2.1", MAX_FAILURES - 1)
    with pytest.raises(TooManyFailuresError) as caught:
        limit.count("192.0.2.1")
    clock.now += WINDOW_SECONDS - 20

    assert caught.value.fields["retry_after_seconds"] == WINDOW_SECONDS - 20
    limit.count("192.0.2.1")


def test_other_addresses_do_not_wait(limit):
    fail(limit, "192.0.2.1")

    limit.count("192.0.2.2")


def test_network_of_ipv6_is_one_address(limit):
    for number in range(MAX_FAILURES):
        limit.count(f"2001:db8:1:2::{number}")

    with pytest.raises(TooManyFailuresError):
        limit.count("2001:db8:1:2:ffff::1")
    limit.count("2001:db8:1:3::1")


def test_memory_is_bounded(limit):
    for number in range(25_000):
        limit.count(f"host-{number}")

    assert len(limit._failures) <= 10_000
