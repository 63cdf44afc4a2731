"""One server for all clouds: a proxy that answers itself, for whatever host, over TLS with certificates of its own.

The libraries of the clouds talk to the addresses that they always do. `HTTPS_PROXY` leads them here, and they trust the
authority of the tests. What a cloud answers is said by services, each by the documented shape of its interface.
"""

import contextlib
import json
import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from clouds.certificates import Authority

HOST = "127.0.0.1"


@dataclass(frozen=True)
class Request:
    """What was asked for; of ``host`` the port is left out."""

    method: str
    host: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes
    found: tuple[str, ...] = ()

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Reply:
    """An answer: ``content`` is JSON, or bytes as they are."""

    content: Any = None
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


Answer = Callable[[Request], Reply]


@dataclass
class Route:
    """Which requests a service answers: by method, host and path, both regular expressions."""

    method: str
    host: str
    path: str
    answer: Answer


class Cloud(ThreadingHTTPServer):
    """The server; ``unexpected`` are requests that no service knows."""

    daemon_threads = True

    def __init__(self, folder: Path) -> None:
        self.authority = Authority(folder)
        self.routes: list[Route] = []
        self.unexpected: list[str] = []
        super().__init__((HOST, 0), _Handler)

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.server_port}"

    @property
    def environment(self) -> dict[str, str]:
        """What leads libraries here."""
        return {
            "HTTPS_PROXY": self.url,
            "NO_PROXY": f"{HOST},localhost",
            "REQUESTS_CA_BUNDLE": str(self.authority.path),
        }

    def answer(self, request: Request) -> Reply:
        for route in self.routes:
            found = re.fullmatch(route.path, request.path)
            if route.method == request.method and re.fullmatch(route.host, request.host) and found:
                return route.answer(Request(**{**vars(request), "found": found.groups()}))
        self.unexpected.append(f"{request.method} https://{request.host}{request.path}")
        return Reply({"error": {"message": "no such address"}}, 404)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Cloud
    host = HOST

    def do_CONNECT(self) -> None:  # the name that http.server wants
        self.host = self.path.partition(":")[0]
        self.send_response(200)
        self.end_headers()
        context = self.server.authority.context(self.host)
        self.connection = context.wrap_socket(self.connection, server_side=True)
        self.rfile = self.connection.makefile("rb", -1)
        self.wfile = _Writer(self.connection)
        self.close_connection = False

    def _answer(self) -> None:
        parts = urlsplit(self.path)
        reply = self.server.answer(
            Request(
                method=self.command,
                host=self.host,
                path=unquote(parts.path),
                query=dict(parse_qsl(parts.query, keep_blank_values=True)),
                headers={name.lower(): value for name, value in self.headers.items()},
                body=self._body(),
            )
        )
        is_bytes = isinstance(reply.content, bytes)
        content = reply.content if is_bytes else b"" if reply.content is None else json.dumps(reply.content).encode()
        self.send_response(reply.status)
        self.send_header("Content-Type", "application/octet-stream" if is_bytes else "application/json")
        headers = {"Content-Length": str(len(content)), **reply.headers}
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    do_GET = do_POST = do_PUT = do_HEAD = _answer  # noqa: N815  # the names that http.server wants

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        body = b""
        while size := int(self.rfile.readline().split(b";")[0], 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def log_message(self, *_: object) -> None:
        pass

    def finish(self) -> None:
        with contextlib.suppress(OSError):
            super().finish()
            self.connection.close()


class _Writer:
    """Writes to a socket at once."""

    closed = False

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def write(self, data: bytes) -> int:
        self._connection.sendall(data)
        return len(data)

    def flush(self) -> None:
        pass

    def close(self) -> None:
        pass


@contextlib.contextmanager
def run_cloud(folder: Path) -> Iterator[Cloud]:
    """A server while the block runs."""
    with Cloud(folder) as cloud:
        thread = threading.Thread(target=lambda: cloud.serve_forever(poll_interval=0.05), daemon=True)
        thread.start()
        try:
            yield cloud
        finally:
            cloud.shutdown()
            thread.join()
