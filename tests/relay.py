"""A way to PostgreSQL that can be cut: TCP on the loopback in front of the server's Unix socket."""

import contextlib
import socket
import threading


class Relay:
    """Passes on what clients and server say, while it is open.

    Attributes:
        port: of the loopback; the same after a cut.
    """

    def __init__(self, socket_dir, server_port):
        self._server = f"{socket_dir}/.s.PGSQL.{server_port}"
        self.port = 0
        self._listener = None
        self._ends = []
        self._threads = []
        self.open()

    def open(self):
        """Let clients through."""
        self._listener = socket.create_server(("127.0.0.1", self.port))
        self.port = self._listener.getsockname()[1]
        self._begin(self._accept, self._listener)

    def clients(self):
        """How many there are, or were since the last cut."""
        return len(self._ends) // 2

    def cut(self):
        """Break off all connections, and refuse new ones."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for end in self._ends:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()
        for end in self._ends:
            end.close()
        self._threads.clear()
        self._ends.clear()

    def _begin(self, target, *arguments):
        self._threads.append(threading.Thread(target=target, args=arguments))
        self._threads[-1].start()

    def _accept(self, listener):
        with contextlib.suppress(OSError):
            while True:
                client, _ = listener.accept()
                server = socket.socket(socket.AF_UNIX)
                server.connect(self._server)
                self._ends += [client, server]
                self._begin(_pass_on, client, server)
                self._begin(_pass_on, server, client)


def _pass_on(source, sink):
    with contextlib.suppress(OSError):
        while data := source.recv(1 << 16):
            sink.sendall(data)
    for end in (source, sink):
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
