"""The connection is cut at COMMIT: nobody tells the loader whether its file is loaded."""

import contextlib
import socket
import struct
import threading
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

SSL_REQUEST, GSS_REQUEST = 80877103, 80877104
FILE_CONNECTION = b"trade-ingest file"


class Proxy:
    """Stands between clients on TCP and a server's Unix socket, and cuts a connection once, at a chosen message.

    Messages are those of PostgreSQL's documentation, "Message Formats".
    """

    def __init__(self, database, cut):
        parts = urlsplit(database)
        query = parse_qs(parts.query)
        self._server = f"{unquote(query['host'][0])}/.s.PGSQL.{query['port'][0]}"
        self._cut = cut
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = (
            f"postgresql://{parts.username}@127.0.0.1:{self._listener.getsockname()[1]}{parts.path}"
            "?sslmode=disable&gssencmode=disable"
        )
        self._threads = [threading.Thread(target=self._accept)]
        self._sockets = []
        self.cuts = 0
        self._threads[0].start()

    def close(self):
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for end in self._sockets:
            _hang_up(end)
        for thread in self._threads:
            thread.join()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.socket(socket.AF_UNIX)
                server.connect(self._server)
                self._sockets += [client, server]
                self._threads.append(threading.Thread(target=self._serve, args=[client, server]))
                self._threads[-1].start()

    def _serve(self, client, server):
        with contextlib.suppress(OSError, EOFError):
            startup = _read_startup(client)
            server.sendall(startup)
            back = threading.Thread(target=_pass_on, args=[server, client])
            if FILE_CONNECTION not in startup:
                back.start()
                _pass_on(client, server)
                back.join()
            else:
                self._serve_file(client, server)
        _hang_up(client)
        _hang_up(server)

    def _serve_file(self, client, server):
        """Question and answer in turn, which is all that the loader does, apart from COPY."""
        answers = _Answers(server, client)
        answers.pass_on_until_ready()
        while True:
            kind, message = _read_message(client)
            is_commit = kind == b"Q" and message[5:].strip(b"\0 ;").upper() == b"COMMIT"
            if is_commit and self.cuts == 0 and self._cut == "before":
                self.cuts += 1
                return
            server.sendall(message)
            if is_commit and self.cuts == 0 and self._cut == "after":
                answers.read_until_ready()  # the server has committed
                self.cuts += 1
                return
            if is_commit and self.cuts == 0 and self._cut == "at once":
                self.cuts += 1
                return
            if kind in (b"Q", b"S", b"c", b"f"):
                answers.pass_on_until_ready()


class _Answers:
    def __init__(self, server, client):
        self._server = server
        self._client = client

    def pass_on_until_ready(self):
        while True:
            kind, message = _read_message(self._server)
            self._client.sendall(message)
            if kind in (b"Z", b"G"):  # ready for a query, or for the data of a COPY
                return

    def read_until_ready(self):
        while _read_message(self._server)[0] != b"Z":
            pass


def _read_startup(client):
    size = _read(client, 4)
    return size + _read(client, struct.unpack("!i", size)[0] - 4)


def _read_message(end):
    head = _read(end, 5)
    return head[:1], head + _read(end, struct.unpack("!i", head[1:])[0] - 4)


def _read(end, size):
    parts = b""
    while len(parts) < size:
        part = end.recv(size - len(parts))
        if not part:
            raise EOFError
        parts += part
    return parts


def _pass_on(source, sink):
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
    _hang_up(sink)


def _hang_up(end):
    with contextlib.suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
    end.close()


@pytest.fixture
def through(feed):
    """Runs the feed through a proxy that cuts the connection of a file's transaction once."""

    def run(cut, **options):
        direct = feed.database
        proxy = Proxy(direct, cut)
        feed.database = proxy.url
        try:
            return feed.run(**options)
        finally:
            feed.database = direct
            proxy.close()
            assert proxy.cuts == 1

    return run


@pytest.mark.parametrize("key", [["trade_id"], []])
@pytest.mark.parametrize("cut", ["before", "after", "at once"])
def test_file_whose_connection_is_cut_at_commit_is_loaded_once_by_this_run(feed, through, make_contract, cut, key):
    feed.contract = make_contract(key=key)
    feed.write("a.csv", [*feed.trades(1, 100), "bad row"])
    feed.write("b.csv", feed.trades(101, 200))
    feed.prepare()

    result = through(cut)

    assert (result.state, result.files_loaded, result.files_skipped, result.files_failed) == ("succeeded", 2, 0, 0)
    assert (result.rows_read, result.rows_loaded, result.rows_duplicate, result.rows_rejected) == (201, 200, 0, 1)
    assert feed.rows() == [row for row in feed.expected("a.csv", "b.csv") if row[2] != "bad row"]
    assert feed.rejects() == [("a.csv", 101, "bad row", ["field_count"])]
    assert feed.files("state, run_id, rows_loaded") == [("a.csv", "loaded", 1, 100), ("b.csv", "loaded", 1, 100)]
    first = [state for _, _, state in feed.attempts() if _ != "b.csv"]
    histories = {"before": [["failed", "loaded"]], "after": [["loaded"]], "at once": [["loaded"], ["failed", "loaded"]]}
    by_file = {name: [s for n, _, s in feed.attempts() if n == name] for name in ("a.csv", "b.csv")}
    cut_file = max(by_file, key=lambda name: len(by_file[name]))
    assert by_file[cut_file] in histories[cut], first
    assert feed.query("SELECT kind FROM ingest.event WHERE file_id IS NOT NULL") == [("file_loaded",)] * 2
    assert feed.run().files_planned == 0


def test_replacement_whose_connection_is_cut_after_commit_is_made_once(feed, through):
    feed.write("a.csv", feed.trades(1, 100))
    feed.run()
    first = feed.expected("a.csv")
    feed.write("a.csv", feed.trades(50, 160))

    result = through("after")

    assert (result.state, result.files_loaded, result.rows_loaded) == ("succeeded", 1, 111)
    assert feed.rows() == feed.expected("a.csv")
    assert feed.rows("market.trade_replaced") == first
    assert feed.attempts() == [("a.csv", 1, "loaded"), ("a.csv", 1, "loaded")]
