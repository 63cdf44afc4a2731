"""``trade-ingest notify`` reaches a real HTTP server."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

# Apprise's e-mail part looks for a module that Python 3.13 has no more
pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")


@pytest.fixture
def sink():
    """An HTTP server, its address and what it was sent; it refuses what is sent to /dead."""
    received = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            received.append((body["title"], body["message"], body["type"]))
            self.send_response(500 if self.path == "/dead" else 200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"127.0.0.1:{server.server_port}", received
    server.shutdown()
    thread.join()
    server.server_close()


def test_notification_goes_to_each_url_though_one_refuses(program, sink, monkeypatch):
    address, received = sink
    monkeypatch.setenv("TRADE_INGEST_NOTIFY", f"json://ann:secret@{address}/dead,json://{address}/hook")

    done = program("notify", "the load failed", "nothing was delivered", "--level", "warning")

    assert received == [("the load failed", "nothing was delivered", "warning")] * 2
    assert done.code == 3
    assert done.err.splitlines()[0] == "error[notification.refused]: URL 1 of notify: a notification was not taken"
    assert "secret" not in done.err


def test_nobody_to_notify_is_an_error(program):
    done = program("notify", "the load failed")

    assert (done.code, done.err.splitlines()[0]) == (2, "error[usage]: there is nobody to notify")
