import os
import shutil
import socket
import tempfile
import threading
from pathlib import Path

import pytest

from trade_ingest.embedded.postmaster import Postmaster, recorded_pid, running_postmaster


@pytest.fixture
def socket_dir():
    directory = Path(tempfile.mkdtemp())  # tmp_path can be too long for a socket
    yield directory
    shutil.rmtree(directory)


def write_pid_file(cluster_dir: Path, socket_dir: Path, *, status: str = "ready   ", lines: int = 8) -> None:
    content = ["4242", str(cluster_dir), "1795000000", "5432", str(socket_dir), "", "  1234  5", status]
    (cluster_dir / "postmaster.pid").write_text("\n".join(content[:lines]) + "\n")


def answer(listener: socket.socket, reply: bytes) -> None:
    connection, _ = listener.accept()
    with connection:
        connection.recv(8)
        connection.sendall(reply)


@pytest.mark.parametrize(("reply", "is_running"), [(b"N", True), (b"S", True), (b"H", False), (b"", False)])
def test_server_runs_when_its_socket_answers_in_the_protocol(socket_dir, reply, is_running):
    write_pid_file(socket_dir, socket_dir)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(socket_dir / ".s.PGSQL.5432"))
        listener.listen()
        server = threading.Thread(target=answer, args=(listener, reply))
        server.start()
        found = running_postmaster(socket_dir)
        server.join()

    assert found == (Postmaster(4242, str(socket_dir), 5432) if is_running else None)


def test_socket_that_nobody_listens_on_is_no_server(socket_dir):
    write_pid_file(socket_dir, socket_dir)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(socket_dir / ".s.PGSQL.5432"))

    assert running_postmaster(socket_dir) is None
    assert recorded_pid(socket_dir) == 4242


@pytest.mark.parametrize("options", [{"status": "starting"}, {"status": "stopping"}, {"lines": 7}, {"lines": 1}])
def test_server_that_is_not_ready_is_no_server(tmp_path, options):
    write_pid_file(tmp_path, tmp_path, **options)

    assert running_postmaster(tmp_path) is None


def test_missing_and_empty_pid_files_are_no_server(tmp_path):
    assert running_postmaster(tmp_path) is None
    assert recorded_pid(tmp_path) is None
    (tmp_path / "postmaster.pid").touch()
    assert running_postmaster(tmp_path) is None
    assert recorded_pid(tmp_path) is None


def test_url_quotes_the_socket_directory_and_names_everything():
    postmaster = Postmaster(os.getpid(), "/Library/Application Support/100%", 5432)

    assert postmaster.url("trades") == (
        "postgresql://postgres@/trades?host=/Library/Application%20Support/100%25&port=5432"
    )
