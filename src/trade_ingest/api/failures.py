"""Wrong tokens, counted by address: who sends too many of them has to wait."""

from __future__ import annotations

import ipaddress
import math
import threading
import time
from collections import deque
from collections.abc import Callable

from trade_ingest.errors import TooManyFailuresError

MAX_FAILURES = 10
WINDOW_SECONDS = 60.0

_MAX_ADDRESSES = 10_000  # that are remembered; memory is bounded whoever asks


class FailureLimit:
    """At most `MAX_FAILURES` wrong tokens in `WINDOW_SECONDS` from one address; in this process's memory.

    Guessing a token is hopeless at any rate. The limit tells who tries to wait, and shows them in the log; good tokens
    of the same address, which many users may share, are not its business.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._failures: dict[str, deque[float]] = {}
        self._lock = threading.Lock()

    def count(self, address: str) -> None:
        """An address has sent a wrong token.

        Raises:
            TooManyFailuresError: it was one too many; it has to wait.
        """
        network = _network_of(address)
        with self._lock:
            failures = self._recent(network)
            if len(failures) < MAX_FAILURES:
                self._note(network, failures)
                return
            wait = math.ceil(failures[0] + WINDOW_SECONDS - self._clock())
        message = f"{address} has sent {MAX_FAILURES} wrong tokens within {WINDOW_SECONDS:.0f} s"
        raise TooManyFailuresError(message, hint=f"wait {wait} s", retry_after_seconds=max(wait, 1))

    def _note(self, network: str, failures: deque[float]) -> None:
        failures.append(self._clock())
        self._failures.pop(network, None)  # so that the dictionary has the one that failed last at its end
        self._failures[network] = failures
        if len(self._failures) > _MAX_ADDRESSES:
            del self._failures[next(iter(self._failures))]

    def _recent(self, network: str) -> deque[float]:
        failures = self._failures.get(network, deque(maxlen=MAX_FAILURES))
        while failures and failures[0] <= self._clock() - WINDOW_SECONDS:
            failures.popleft()
        return failures


def _network_of(address: str) -> str:
    """What counts as one address: whoever has an IPv6 address has 2^64 of them."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if parsed.version == 4 or parsed.ipv4_mapped:  # noqa: PLR2004
        return address
    return str(ipaddress.ip_network((int(parsed) >> 64 << 64, 64)))
