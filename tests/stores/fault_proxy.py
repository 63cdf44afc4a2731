"""A proxy between the product and a store that goes wrong where a test says so.

Each request takes a connection of its own to the store, so that what a fault does to one cannot reach another:

    with run_fault_proxy(store.port) as proxy:
        rule = proxy.on(reply(503), when=is_read_of("a.csv"), times=2)
        …                                           # the product uses `store.behind(proxy.port)`
    assert rule.hits == 2
"""

import contextlib
import dataclasses
import socket
import socketserver
import struct
import threading
from collections.abc import Callable, Iterator

from stores.http_message import CHUNK_BYTES, Request, parse_request, read_head, with_header
from stores.server_process import HOST

_STORE_SECONDS = 60


When = Callable[[Request], bool]
Fault = Callable[["Exchange"], None]


@dataclasses.dataclass
class Rule:
    """A fault for some requests; ``hits`` counts those that it met."""

    fault: Fault
    when: When
    skip: int
    times: int | None
    hits: int = 0

    def takes(self, request: Request) -> bool:
        """Whether it is this request's turn; counts it."""
        if (self.times is not None and self.hits >= self.times) or not self.when(request):
            return False
        if self.skip:
            self.skip -= 1
            return False
        self.hits += 1
        return True


class Exchange:
    """One request and the connection it came by."""

    def __init__(self, request: Request, sent: bytes, client: socket.socket, proxy: "FaultProxy") -> None:
        self.request = request
        self._sent = sent
        self._client = client
        self._proxy = proxy

    def reply(self, head: str, body: bytes = b"") -> None:
        """Answer without asking the store."""
        self._client.sendall(
            f"HTTP/1.1 {head}\r\nConnection: close\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body
        )

    def relay(self, *, body_bytes: int | None = None, length: int | None = None) -> None:
        """Ask the store and pass its answer on.

        Args:
            body_bytes: pass on no more of the body than this.
            length: the `Content-Length` to claim instead of the store's.
        """
        with socket.create_connection((HOST, self._proxy.store_port), timeout=_STORE_SECONDS) as store:
            store.sendall(self._sent)
            head, rest = read_head(store)
            head = with_header(head, "Connection", "close")
            self._client.sendall(head if length is None else with_header(head, "Content-Length", str(length)))
            left = body_bytes
            while left != 0 and (chunk := (rest or store.recv(CHUNK_BYTES))[:left]):
                self._client.sendall(chunk)
                rest, left = b"", None if left is None else left - len(chunk)

    def reset(self) -> None:
        """End the connection with RST."""
        self._client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._client.close()


class FaultProxy(socketserver.ThreadingTCPServer):
    """Passes requests to the store, but for those that a rule takes; the first rule that does decides.

    Attributes:
        store_port: where the store listens.
        requests: all requests so far, in order.
        errors: what went wrong in the proxy itself.
    """

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, store_port: int, *, host: str | None = None) -> None:
        self.store_port = store_port
        self.requests: list[Request] = []
        self.errors: list[Exception] = []
        self._host = host
        self._rules: list[Rule] = []
        self._refusals = 0
        self._lock = threading.Lock()
        super().__init__((HOST, 0), _Handler)

    @property
    def port(self) -> int:
        """Where it listens."""
        return self.server_address[1]

    def on(self, fault: Fault, *, when: When = lambda _: True, skip: int = 0, times: int | None = None) -> Rule:
        """Apply a fault to requests: from the one after the first ``skip`` on, ``times`` times or always."""
        rule = Rule(fault, when, skip, times)
        with self._lock:
            self._rules.append(rule)
        return rule

    def clear(self) -> None:
        """Forget all rules."""
        with self._lock:
            self._rules.clear()

    def refuse_connections(self, times: int) -> None:
        """Reset the next connections before anything is read."""
        with self._lock:
            self._refusals = times

    def takes_connection(self) -> bool:
        """Whether a new connection is let in; counts those that are not."""
        with self._lock:
            self._refusals -= 1
            return self._refusals < 0

    def fault_for(self, request: Request) -> Fault:
        """What happens to a request; notes it."""
        with self._lock:
            self.requests.append(request)
            return next((rule.fault for rule in self._rules if rule.takes(request)), Exchange.relay)

    def forwarded(self, sent: bytes) -> bytes:
        """A request as the store gets it."""
        sent = with_header(sent, "Connection", "close")
        return sent if self._host is None else with_header(sent, "Host", self._host)


class _Handler(socketserver.BaseRequestHandler):
    request: socket.socket
    server: FaultProxy

    def handle(self) -> None:
        if not self.server.takes_connection():
            Exchange(Request("", "", {}), b"", self.request, self.server).reset()
            return
        try:
            head, body = read_head(self.request)
            if not head:
                return  # a connection that was not used
            asked = parse_request(head)
            missing = int(asked.headers.get("content-length", "0")) - len(body)
            while missing > 0 and (chunk := self.request.recv(CHUNK_BYTES)):
                body, missing = body + chunk, missing - len(chunk)
            exchange = Exchange(asked, self.server.forwarded(head) + body, self.request, self.server)
            self.server.fault_for(asked)(exchange)
        except (BrokenPipeError, ConnectionResetError):
            pass  # the product has what it wants, or is gone
        except Exception as error:  # noqa: BLE001  # a test asserts that there are none
            self.server.errors.append(error)


@contextlib.contextmanager
def run_fault_proxy(store_port: int, *, host: str | None = None) -> Iterator[FaultProxy]:
    """A proxy while the block runs.

    Args:
        store_port: where the store listens.
        host: the name that the store is called by; None: the one that the product uses, and may have signed.
    """
    with FaultProxy(store_port, host=host) as proxy:
        thread = threading.Thread(target=lambda: proxy.serve_forever(poll_interval=0.02), daemon=True)
        thread.start()
        try:
            yield proxy
        finally:
            proxy.shutdown()
            thread.join()
    for error in proxy.errors:
        raise error
