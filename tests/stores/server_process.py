"""Servers for tests: on free ports of the loopback address, in a folder of their own, gone with the test process."""

import contextlib
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from types import MappingProxyType

HOST = "127.0.0.1"
START_SECONDS = 60
_GUARD = Path(__file__).with_name("guard.py")
_TRIES = 3


class ServerDidNotStartError(Exception):
    """What a server wrote before it ended or time was up."""


def free_ports(count: int) -> list[int]:
    """Different ports that nobody listens on now."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for taken in sockets:
            taken.bind((HOST, 0))
        return [taken.getsockname()[1] for taken in sockets]


@contextlib.contextmanager
def run_server(
    command: Callable[[Sequence[int], Path], Sequence[str | Path]],
    *,
    ports: int,
    is_ready: Callable[[int], bool],
    environment: Mapping[str, str] = MappingProxyType({}),
    start_seconds: float = START_SECONDS,
) -> Iterator[int]:
    """A server while the block runs; its first port.

    Args:
        command: the command line for such ports and an empty folder, which is deleted afterwards.
        ports: how many it needs.
        is_ready: whether the server answers on its first port.
        environment: variables for it, beside this process's.
        start_seconds: how long it may take until it is ready.

    Raises:
        ServerDidNotStartError: it ended at once three times (another process may take a port), or is not ready in time.
    """
    said = ""
    with tempfile.TemporaryDirectory(prefix="trade-ingest-store-", ignore_cleanup_errors=True) as folder:
        for attempt in range(_TRIES):
            own_folder = Path(folder, str(attempt))
            own_folder.mkdir()
            log = Path(folder, f"{attempt}.log")
            numbers = free_ports(ports)
            guarded = [sys.executable, "-I", _GUARD, folder, *command(numbers, own_folder)]
            with _process(guarded, own_folder, log, environment) as process:
                if _wait(process, partial(is_ready, numbers[0]), start_seconds):
                    yield numbers[0]
                    return
                said = log.read_text(errors="replace")[-4000:]
                if process.poll() is None:
                    break
    raise ServerDidNotStartError(said)


@contextlib.contextmanager
def _process(
    command: Sequence[str | Path], folder: Path, log: Path, environment: Mapping[str, str]
) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=folder,
            env={**os.environ, **environment},
            start_new_session=True,  # Ctrl-C is for pytest, which then stops the server
        )
    try:
        yield process
    finally:
        process.stdin.close()
        process.wait()


def _wait(process: subprocess.Popen[bytes], is_ready: Callable[[], bool], start_seconds: float) -> bool:
    deadline = time.monotonic() + start_seconds
    while time.monotonic() < deadline and process.poll() is None:
        if is_ready():
            return True
        time.sleep(0.02)
    return False


def answers(url: str) -> bool:
    """Whether there is an HTTP reply of any kind but a server's error."""
    try:
        with urllib.request.urlopen(url, timeout=5):
            return True
    except urllib.error.HTTPError as error:
        return error.code < 500
    except OSError:
        return False
