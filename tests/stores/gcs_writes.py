"""The writing half of Cloud Storage's XML interface, in front of a server that has only its JSON interface.

What is written goes to the server as the JSON request that means the same, with its precondition; everything else
passes unchanged; as documented at https://cloud.google.com/storage/docs/xml-api/put-object-upload,
and …/put-object-copy.
"""

import contextlib
import http.client
import http.server
import json
import threading
import uuid
from collections.abc import Iterator, Mapping
from urllib.parse import parse_qs, quote, unquote, urlencode, urlsplit
from xml.sax.saxutils import escape

HOST = "127.0.0.1"
_OWN_TO_A_CONNECTION = {"host", "connection", "transfer-encoding", "content-length", "keep-alive", "date", "server"}


_Answer = tuple[int, dict[str, str], bytes]


class _Gateway(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: "_Server"

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        self._pass_on(self.path, self._body())

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_DELETE(self) -> None:
        self.do_GET()

    def do_PATCH(self) -> None:
        self.do_GET()

    def do_POST(self) -> None:
        asked = parse_qs(urlsplit(self.path).query, keep_blank_values=True)
        body = self._body()
        if "uploads" in asked:
            self._reply(http.HTTPStatus.OK, {}, _answer("Initiate", UploadId=self.server.begin_upload()))
        elif upload := asked.get("uploadId"):
            self._write(self.server.end_upload(upload[0]), is_in_parts=True)
        else:
            self._pass_on(self.path, body)

    def do_PUT(self) -> None:
        asked = parse_qs(urlsplit(self.path).query)
        body = self._body()
        if upload := asked.get("uploadId"):
            self.server.uploads[upload[0]][int(asked["partNumber"][0])] = body
            self._reply(http.HTTPStatus.OK, {"ETag": f'"{len(body)}"'}, b"")
        else:
            self._write(body)

    def _write(self, body: bytes, *, is_in_parts: bool = False) -> None:
        bucket, _, key = urlsplit(self.path).path.lstrip("/").partition("/")
        query = {}
        if (generation := self.headers.get("x-goog-if-generation-match")) is not None:
            query["ifGenerationMatch"] = generation
        if source := self.headers.get("x-goog-copy-source"):
            there, _, original = source.lstrip("/").partition("/")
            objects = f"/storage/v1/b/{there}/o/{_as_name(original)}/copyTo/b/{bucket}/o/{_as_name(key)}"
            status, _, answer = self._ask("POST", f"{objects}?{urlencode(query)}", b"", {})
        else:
            named = query | {"uploadType": "media", "name": unquote(key)}
            kind = {"Content-Type": self.headers.get("Content-Type", "application/octet-stream")}
            status, _, answer = self._ask("POST", f"/upload/storage/v1/b/{bucket}/o?{urlencode(named)}", body, kind)
        made = json.loads(answer) if status == http.HTTPStatus.OK else {}
        headers = {"ETag": f'"{made["etag"]}"', "x-goog-generation": str(made["generation"])} if made else {}
        self._reply(status, headers, _answer("Complete", ETag=headers["ETag"]) if is_in_parts and made else b"")

    def _body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def _pass_on(self, path: str, body: bytes) -> None:
        self._reply(*self._ask(self.command, path, body, dict(self.headers)))

    def _ask(
        self, method: str, path: str, body: bytes, headers: Mapping[str, str]
    ) -> tuple[int, dict[str, str], bytes]:
        connection = http.client.HTTPConnection(HOST, self.server.behind, timeout=60)
        with contextlib.closing(connection):
            sent = {name: value for name, value in headers.items() if name.lower() not in _OWN_TO_A_CONNECTION}
            connection.request(method, path, body or None, sent | {"Content-Length": str(len(body))})
            answer = connection.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read()

    def _reply(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        self.send_response(status)
        length = str(len(body))
        for name, value in headers.items():
            if name.lower() == "content-length" and self.command == "HEAD":
                length = value
            elif name.lower() not in _OWN_TO_A_CONNECTION:
                self.send_header(name, value)
        self.send_header("Content-Length", length)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, behind: int) -> None:
        super().__init__((HOST, 0), _Gateway)
        self.behind = behind
        self.uploads: dict[str, dict[int, bytes]] = {}

    def begin_upload(self) -> str:
        upload = uuid.uuid4().hex
        self.uploads[upload] = {}
        return upload

    def end_upload(self, upload: str) -> bytes:
        parts = self.uploads.pop(upload)
        return b"".join(parts[number] for number in sorted(parts))


def _answer(step: str, **values: str) -> bytes:
    inner = "".join(f"<{name}>{escape(value)}</{name}>" for name, value in values.items())
    return f"<{step}MultipartUploadResult>{inner}</{step}MultipartUploadResult>".encode()


def _as_name(key: str) -> str:
    return quote(unquote(key), safe="")


@contextlib.contextmanager
def run_gateway(port: int) -> Iterator[int]:
    """The interface in front of a server on this machine while the block runs; its port."""
    with _Server(port) as server:
        thread = threading.Thread(target=server.serve_forever, name="gcs gateway")
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()
