"""Plain HTTP: a server of Python's own with etags, ranges and conditions, each of which can be switched off."""

import contextlib
import dataclasses
import hashlib
import re
import threading
import time
import uuid
from collections.abc import Iterator
from email.utils import formatdate
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self
from urllib.parse import quote, unquote, urlsplit

from stores.server_process import HOST
from stores.store import Store

_RANGE = re.compile(r"bytes=(\d*)-(\d*)$")


@dataclasses.dataclass(frozen=True)
class Document:
    """What is served at a path."""

    data: bytes
    modified_at: float

    @property
    def etag(self) -> str:
        """Another one for other content."""
        return f'"{hashlib.sha256(self.data).hexdigest()[:32]}"'


class HttpServer(ThreadingHTTPServer):
    """Serves what is in ``documents``.

    Attributes:
        documents: by path.
        has_ranges: whether it answers a part when it is asked for one; else it sends all, as the standard allows.
        has_etags: whether it sends and compares etags; `Last-Modified` is always there.
        query: what a request must have behind its question mark, as in a signed URL; else it is refused.
    """

    daemon_threads = True

    def __init__(self) -> None:
        self.documents: dict[str, Document] = {}
        self.has_ranges = True
        self.has_etags = True
        self.query = ""
        super().__init__((HOST, 0), _Handler)

    @property
    def port(self) -> int:
        return self.server_address[1]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: HttpServer

    def do_GET(self) -> None:
        self._serve(has_body=True)

    def do_HEAD(self) -> None:
        self._serve(has_body=False)

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def _serve(self, *, has_body: bool) -> None:
        target = urlsplit(self.path)
        document = self.server.documents.get(unquote(target.path))
        if target.query != self.server.query:
            self._reply(HTTPStatus.FORBIDDEN, b"signature does not match", {}, has_body=has_body)
        elif document is None:
            self._reply(HTTPStatus.NOT_FOUND, b"no such document", {}, has_body=has_body)
        elif not self._holds(document):
            self._reply(HTTPStatus.PRECONDITION_FAILED, b"", {}, has_body=has_body)
        else:
            self._serve_document(document, has_body=has_body)

    def _holds(self, document: Document) -> bool:
        wanted = self.headers.get("If-Match")
        if self.server.has_etags and wanted is not None and wanted != "*" and document.etag not in wanted:
            return False
        since = self.headers.get("If-Unmodified-Since")
        return since is None or since == formatdate(document.modified_at, usegmt=True)

    def _serve_document(self, document: Document, *, has_body: bool) -> None:
        headers = {"Last-Modified": formatdate(document.modified_at, usegmt=True)}
        if self.server.has_etags:
            headers["ETag"] = document.etag
        size = len(document.data)
        wanted = _RANGE.match(self.headers.get("Range", "")) if self.server.has_ranges else None
        headers |= {"Accept-Ranges": "bytes"} if self.server.has_ranges else {}
        if wanted is None:
            self._reply(HTTPStatus.OK, document.data, headers, has_body=has_body)
            return
        first, last = wanted.groups()
        start = int(first) if first else max(0, size - int(last))
        end = min(size, int(last) + 1) if first and last else size
        if start >= size:
            headers["Content-Range"] = f"bytes */{size}"
            self._reply(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, b"", headers, has_body=has_body)
            return
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
        self._reply(HTTPStatus.PARTIAL_CONTENT, document.data[start:end], headers, has_body=has_body)

    def _reply(self, status: HTTPStatus, body: bytes, headers: dict[str, str], *, has_body: bool) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if has_body:
            with contextlib.suppress(ConnectionError):  # the reader has what it wants
                self.wfile.write(body)


@dataclasses.dataclass(frozen=True, kw_only=True)
class HttpStore(Store):
    """A folder of URLs. They cannot be listed: each is a source of its own."""

    server: HttpServer
    _clock: list[float] = dataclasses.field(default_factory=lambda: [time.time() - 86_400])

    @property
    def folder(self) -> str:
        """The path of the folder."""
        return urlsplit(self.root).path

    def uri(self, key: str) -> str:
        return f"{self.root}/{quote(key)}" + (f"?{self.server.query}" if self.server.query else "")

    def sources(self, *keys: str) -> list[str]:
        return [self.uri(key) for key in keys]

    def behind(self, port: int) -> Self:
        return dataclasses.replace(self, root=f"http://{HOST}:{port}{self.folder}")

    def put(self, key: str, data: bytes) -> None:
        self._clock[0] += 1  # Last-Modified counts seconds
        self.server.documents[f"{self.folder}/{key}"] = Document(data, self._clock[0])

    def get(self, key: str) -> bytes:
        return self.server.documents[f"{self.folder}/{key}"].data

    def delete(self, key: str) -> None:
        del self.server.documents[f"{self.folder}/{key}"]

    def keys(self, prefix: str = "") -> list[str]:
        found = sorted(path.removeprefix(f"{self.folder}/") for path in self.server.documents)
        return [key for key in found if key.startswith(prefix)]


@contextlib.contextmanager
def run_http_server() -> Iterator[HttpStore]:
    """A server, and its one folder, while the block runs."""
    with HttpServer() as server:
        thread = threading.Thread(target=lambda: server.serve_forever(poll_interval=0.05), daemon=True)
        thread.start()
        root = f"http://{HOST}:{server.port}/{uuid.uuid4().hex}"
        try:
            yield HttpStore(kind="http", root=root, port=server.port, server=server)
        finally:
            server.shutdown()
            thread.join()
