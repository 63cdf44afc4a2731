"""As much of HTTP/1.1 as a proxy needs that looks at the first lines of each message and lets the rest pass."""

import dataclasses
import re
import socket
from urllib.parse import unquote

CHUNK_BYTES = 1 << 16


@dataclasses.dataclass(frozen=True)
class Request:
    """What the product asks: method, path with query as sent, headers with names in lower case."""

    method: str
    target: str
    headers: dict[str, str]

    @property
    def path(self) -> str:
        """The path, decoded, without the query."""
        return unquote(self.target.partition("?")[0])


def read_head(connection: socket.socket) -> tuple[bytes, bytes]:
    """The first lines up to and with the empty one, and what was read behind it."""
    read = b""
    while b"\r\n\r\n" not in read and (chunk := connection.recv(CHUNK_BYTES)):
        read += chunk
    head, separator, rest = read.partition(b"\r\n\r\n")
    return head + separator, rest


def parse_request(head: bytes) -> Request:
    """A request from its first lines."""
    line, *fields = head.decode("latin-1").rstrip("\r\n").split("\r\n")
    method, target, _ = line.split(" ")
    pairs = (field.split(":", 1) for field in fields)
    return Request(method, target, {name.lower(): value.strip() for name, value in pairs})


def with_header(head: bytes, name: str, value: str) -> bytes:
    """The first lines of a request or reply with one header set, instead of those of that name."""
    line, _, fields = head.partition(b"\r\n")
    others = re.sub(rb"(?im)^" + name.encode() + rb":.*\r\n", b"", fields)
    return line + f"\r\n{name}: {value}\r\n".encode() + others
