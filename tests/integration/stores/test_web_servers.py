"""Web servers that are no object stores: what they do not give is told at once, and not tried again."""

import contextlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from stores.server_process import HOST
from trade_ingest.errors import StoreError
from trade_ingest.source.access import Access
from trade_ingest.source.location import parse_location
from trade_ingest.source.objects import find_object

CONTENT = b"trade_id\n1\n"


class Server(ThreadingHTTPServer):
    """Counts the requests."""

    daemon_threads = True

    def __init__(self) -> None:
        self.request_count = 0
        super().__init__((HOST, 0), Handler)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def do_GET(self) -> None:
        self.server.request_count += 1
        if self.path == "/chunked.csv":
            self.send_response(200)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            self.wfile.write(b"%x\r\n%s\r\n0\r\n\r\n" % (len(CONTENT), CONTENT))
            return
        self.send_response(301)
        if self.path == "/circle.csv":
            self.send_header("Location", self.path)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def server():
    with Server() as server, contextlib.ExitStack() as stack:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        stack.callback(thread.join)
        stack.callback(server.shutdown)
        yield server


@pytest.mark.parametrize(
    ("name", "problem", "fix"),
    [
        ("chunked.csv", "the server does not say how long the object is", "download it"),
        ("nowhere.csv", "the server redirects, and not to an object", "the one it ends at"),
        ("circle.csv", "the server redirects, and not to an object", "the one it ends at"),
    ],
)
def test_what_no_object_can_be_read_from_is_refused_at_once(server, name, problem, fix):
    location = parse_location(f"http://{HOST}:{server.server_address[1]}/{name}")

    with pytest.raises(StoreError, match=problem) as caught:
        find_object(location, Access())

    assert type(caught.value) is StoreError
    assert caught.value.message.startswith(f"{location.uri}: ")
    assert fix in caught.value.hint
    assert not caught.value.retryable
    assert server.request_count == 1 or name == "circle.csv"
