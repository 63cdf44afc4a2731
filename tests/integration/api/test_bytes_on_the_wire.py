"""What is sent on a bare connection: whatever is no request gets a problem, too."""

import json
import socket
import time
from urllib.parse import urlsplit

import pytest

POST = b"POST /api/v1/plans HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"


@pytest.fixture
def server(service):
    return service.serve()


def connect(server):
    """A bare connection."""
    address = urlsplit(server.url)
    return socket.create_connection((address.hostname, address.port), 30)


def read_answer(stream):
    """Status, headers with small names and body of the next answer."""
    status = int(stream.readline().split()[1])
    lines = iter(stream.readline, b"\r\n")
    headers = {name.lower(): value for name, _, value in (line.decode().strip().partition(": ") for line in lines)}
    return status, headers, stream.read(int(headers["content-length"]))


def first_answer(server, sent):
    """The first answer on a connection."""
    with connect(server) as connection:
        connection.sendall(sent)
        with connection.makefile("rb") as stream:
            return read_answer(stream)


def test_what_is_no_request_gets_a_problem(service, server):
    wrong = {
        b"GARBAGE\r\n\r\n": (400, "http.bad_request"),
        b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 20_000 + b"\r\n\r\n": (
            431,
            "http.request_header_fields_too_large",
        ),
        b"GET /" + b"a" * 9_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n": (414, "http.request_uri_too_long"),
        POST + b"Content-Length: abc\r\n\r\n": (400, "http.bad_request"),
        POST + b"Transfer-Encoding: magic\r\n\r\n": (501, "http.not_implemented"),
    }
    for sent, expected in wrong.items():
        status, headers, body = first_answer(server, sent)
        problem = json.loads(body)
        assert (status, problem["code"], problem["status"]) == (*expected, expected[0])
        assert headers["content-type"] == "application/problem+json"
        assert headers["x-content-type-options"] == "nosniff"
        assert problem["request_id"] == headers["x-request-id"]
        assert problem["detail"]
        logged = [json.loads(line) for line in (service.tmp / "server-0.out").read_text().splitlines()]
        (line,) = [line for line in logged if line["request_id"] == problem["request_id"]]
        assert (line["status"], line["method"], line["path"], line["address"]) == (expected[0], None, None, "127.0.0.1")


@pytest.mark.parametrize("chunks", [b"ZZ\r\nxx\r\n", b"-1\r\nxx\r\n", b"2\r\nxxyy\r\n0\r\n\r\n"])
def test_broken_chunks_are_a_bad_request(server, chunks):
    status, headers, body = first_answer(
        server, POST + b"Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n" + chunks
    )

    assert (status, headers["content-type"]) == (400, "application/problem+json")
    assert json.loads(body)["code"] == "http.bad_request"


def test_chunks_are_put_together(server):
    sent = b"Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n1\r\n{\r\n1\r\n}\r\n0\r\n\r\n"
    status, _, body = first_answer(server, POST + sent)

    assert (status, json.loads(body)["errors"][0]["pointer"]) == (400, "/sources")


def test_position_in_the_events_may_be_as_long_as_documented(server):
    answer = server.call("GET", "/events", params={"cursor": "x" * 6_000})

    assert (answer.status_code, answer.headers["Content-Type"]) == (400, "application/problem+json")
    assert answer.json()["code"] != "http.bad_request"


def test_requests_follow_each_other_on_a_connection_at_once_after_a_pause_and_all_together(server):
    paths = [f"/api/v1/runs/{number}" for number in range(1, 7)]
    sent = [f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode() for path in paths]
    with connect(server) as connection, connection.makefile("rb") as stream:
        answers = []
        for request in sent[:2]:
            connection.sendall(request)
            answers.append(read_answer(stream))
        time.sleep(0.2)  # longer than a thread waits
        connection.sendall(b"".join(sent[2:]))
        answers += [read_answer(stream) for _ in sent[2:]]

    assert [json.loads(body)["instance"] for _, _, body in answers] == paths
    assert server.call("GET", "/runs").status_code == 200
