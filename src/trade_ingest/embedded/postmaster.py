"""A running server as its ``postmaster.pid`` describes it."""

from __future__ import annotations

import socket
import struct
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

# The lines of postmaster.pid: src/include/utils/pidfile.h in PostgreSQL's source.
_LINE_PID, _LINE_PORT, _LINE_SOCKET_DIR, _LINE_STATUS = 0, 3, 4, 7
# SSLRequest, the shortest question of the protocol; the answer is one byte, and nothing is logged:
# "Message Formats" in PostgreSQL's documentation.
_SSL_REQUEST = struct.pack("!ii", 8, 80877103)
_ANSWER_TIMEOUT_SECONDS = 5


@dataclass(frozen=True, slots=True)
class Postmaster:
    """A server that says that it is ready."""

    pid: int
    socket_dir: str
    port: int

    def is_answering(self) -> bool:
        """Whether a PostgreSQL server answers on its socket now; takes about a millisecond.

        A server that is being killed still has connections accepted for it by the kernel, so it is asked something.
        """
        deadline = time.monotonic() + _ANSWER_TIMEOUT_SECONDS
        while True:
            try:
                return self._ask() in (b"S", b"N")
            except BlockingIOError:  # the queue of waiting connections is full: busy, not dead
                if time.monotonic() > deadline:
                    return False
                time.sleep(0.01)
            except OSError:
                return False

    def _ask(self) -> bytes:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
            probe.settimeout(_ANSWER_TIMEOUT_SECONDS)
            probe.connect(f"{self.socket_dir}/.s.PGSQL.{self.port}")
            probe.sendall(_SSL_REQUEST)
            return probe.recv(1)

    def url(self, database: str, *, user: str = "postgres") -> str:
        """A libpq URL of one of its databases; complete, so that variables such as PGPORT do not change it."""
        return f"postgresql://{user}@/{database}?host={quote(self.socket_dir)}&port={self.port}"


def running_postmaster(cluster_dir: Path) -> Postmaster | None:
    """The server of a cluster that is ready and answers, or None.

    A ``postmaster.pid`` left by a killed server, or half written by a starting one, counts as none.

    Raises:
        PermissionError: this process may not look into `cluster_dir`.
    """
    postmaster = _read(cluster_dir)
    return postmaster if postmaster and postmaster.is_answering() else None


def recorded_pid(cluster_dir: Path) -> int | None:
    """The process id in a ``postmaster.pid``, whatever that process is now."""
    lines = _lines(cluster_dir)
    return int(lines[_LINE_PID]) if lines and lines[_LINE_PID].isdigit() else None


def _read(cluster_dir: Path) -> Postmaster | None:
    lines = _lines(cluster_dir)
    if len(lines) <= _LINE_STATUS or lines[_LINE_STATUS] != "ready":
        return None
    return Postmaster(int(lines[_LINE_PID]), lines[_LINE_SOCKET_DIR], int(lines[_LINE_PORT]))


def _lines(cluster_dir: Path) -> list[str]:
    try:
        text = (cluster_dir / "postmaster.pid").read_text(encoding="utf-8")
    except FileNotFoundError:
        return []
    return [line.strip() for line in text.splitlines()]
