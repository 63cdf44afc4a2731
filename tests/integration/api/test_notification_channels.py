"""Notifications of a served run by e-mail and by a webhook such as Slack's."""

import json
import socketserver
import threading
from email import message_from_bytes
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

# Apprise's e-mail part looks for a module that Python 3.13 has no more
pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")


class Mailbox(socketserver.ThreadingTCPServer):
    """An SMTP server that keeps each message, with what was said before it."""

    daemon_threads = True

    def __init__(self):
        self.received = []
        super().__init__(("127.0.0.1", 0), Conversation)


class Conversation(socketserver.StreamRequestHandler):
    """One connection of a client."""

    def handle(self):
        said = []
        self._say(220)
        for line in self.rfile:
            command = line[:4].upper()
            if command == b"DATA":
                self._say(354)
                text = b"".join(iter(self.rfile.readline, b".\r\n"))
                self.server.received.append((said, message_from_bytes(text)))
            elif command != b"QUIT":
                said.append(line.decode().strip())
            self._say(221 if command == b"QUIT" else 250)
            if command == b"QUIT":
                return

    def _say(self, code):
        self.wfile.write(f"{code} as you say\r\n".encode())


class Channel(ThreadingHTTPServer):
    """An incoming webhook as Slack, Mattermost and their kin have it."""

    def __init__(self):
        self.received = []
        super().__init__(("127.0.0.1", 0), Post)


class Post(BaseHTTPRequestHandler):
    """One message."""

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.received.append((self.path, json.loads(body)))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


@pytest.fixture(params=[Mailbox, Channel])
def receiver(request):
    made = request.param()
    thread = threading.Thread(target=made.serve_forever)
    thread.start()
    yield made
    made.shutdown()
    thread.join()
    made.server_close()


def test_failed_run_is_told(service, receiver, wait_until):
    address = f"127.0.0.1:{receiver.server_address[1]}"
    url = {
        Mailbox: f"mailto://{address}?from=trades@example.org&to=desk@example.org&mode=insecure",
        Channel: f"mmost://{address}/3ccdd113474722377935511fc85d3dd4",
    }[type(receiver)]
    server = service.serve(TRADE_INGEST_NOTIFY=url)
    wait_until(lambda: service.query("SELECT name FROM ingest.follower"), "the server follows the events")
    service.write("XBTUSD.csv", 3)
    (service.folder / "lower.csv").write_text("1600000001,100.5,0.25\n")
    server.post("/runs", {"sources": [str(service.folder)], "contract": "kraken_trades"})
    wait_until(lambda: len(receiver.received) > 1, "both messages arrive")

    counts = "1 file failed, 1 loaded."
    if isinstance(receiver, Mailbox):
        (_, drift), (said, failure) = sorted(receiver.received, key=lambda each: each[1]["Subject"])
        assert said[1:] == ["mail FROM:<trades@example.org>", "rcpt TO:<desk@example.org>"]
        assert (failure["Subject"], failure["To"]) == ("run 1 failed", "desk@example.org")
        text = failure.get_payload(decode=True).decode()
        assert text.splitlines() == [counts, "See: trade-ingest runs 1"]
        assert drift["Subject"] == "drift: 1 file differs from its contract"
    else:
        (_, drift), (path, failure) = sorted(receiver.received, key=lambda each: each[1]["text"])
        assert path == "/hooks/3ccdd113474722377935511fc85d3dd4"
        assert failure["text"].splitlines() == ["run 1 failed", counts, "See: trade-ingest runs 1"]
        assert drift["text"].startswith("drift: 1 file differs from its contract")
