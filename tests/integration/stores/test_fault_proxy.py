"""The proxy does what its faults say, once for each request that they are for, and nothing to others."""

import http.client
import time

import pytest

from stores.fault_proxy import run_fault_proxy
from stores.faults import cut, delay, first, is_listing, is_read_of, reply, reset, shorten, truncate
from stores.http_message import Request
from stores.server_process import HOST

CONTENT = bytes(range(256)) * 1000


@pytest.fixture
def proxy(http_store, proxy_for):
    http_store.put("a.csv", CONTENT)
    http_store.put("b.csv", b"other")
    return proxy_for(http_store)


@pytest.fixture
def get(http_store, proxy):
    """Reads a document through the proxy: status, headers, body; errors of the connection are raised."""

    def get(key, **headers):
        connection = http.client.HTTPConnection(HOST, proxy.port, timeout=10)
        try:
            connection.request("GET", f"{http_store.folder}/{key}", headers=headers)
            answer = connection.getresponse()
            return answer.status, dict(answer.headers), answer.read()
        finally:
            connection.close()

    return get


def test_without_rules_all_passes_unchanged(get, http_store, proxy):
    status, headers, body = get("a.csv", Range="bytes=10-19")

    assert (status, headers["Content-Range"], body) == (206, f"bytes 10-19/{len(CONTENT)}", CONTENT[10:20])
    assert get("a.csv")[2] == CONTENT
    assert get("c.csv")[0] == 404
    assert [(r.method, r.path, r.headers.get("range")) for r in proxy.requests] == [
        ("GET", f"{http_store.folder}/a.csv", "bytes=10-19"),
        ("GET", f"{http_store.folder}/a.csv", None),
        ("GET", f"{http_store.folder}/c.csv", None),
    ]


def test_rule_takes_the_requests_it_is_for_as_often_as_it_says(get, proxy):
    rule = proxy.on(reply(503, retry_after_seconds=7), when=is_read_of("a.csv"), skip=1, times=2)

    answers = [get(key) for key in ("a.csv", "b.csv", "a.csv", "b.csv", "a.csv", "a.csv")]

    assert [status for status, _, _ in answers] == [200, 200, 503, 200, 503, 200]
    assert (answers[2][1]["Retry-After"], answers[2][2]) == ("7", b"")
    assert rule.hits == 2


def test_body_is_sent_with_requests(http_store, proxy):
    # Plain HTTP stores take no body, so the reply is of no matter: the proxy asks for all of it before it forwards.
    connection = http.client.HTTPConnection(HOST, proxy.port, timeout=10)
    connection.request("PUT", f"{http_store.folder}/a.csv", body=CONTENT)

    assert connection.getresponse().status == 501
    assert proxy.requests[0].headers["content-length"] == str(len(CONTENT))


def test_refused_connections_are_reset_before_a_request_is_read(get, proxy):
    proxy.refuse_connections(2)

    for _ in range(2):
        with pytest.raises(ConnectionResetError):
            get("a.csv")
    assert get("a.csv")[0] == 200
    assert len(proxy.requests) == 1


def test_cut_connection_gives_no_answer(get, proxy):
    proxy.on(cut, times=1)

    with pytest.raises(ConnectionResetError):
        get("a.csv")
    assert get("a.csv")[2] == CONTENT


def test_truncated_body_ends_before_its_length(get, proxy):
    proxy.on(truncate(1000), times=1)

    with pytest.raises(http.client.IncompleteRead) as caught:
        get("a.csv")
    assert caught.value.partial == CONTENT[:1000]
    assert caught.value.expected == len(CONTENT) - 1000


def test_shortened_body_looks_whole(get, proxy):
    proxy.on(shorten(1000), times=1)

    status, headers, body = get("a.csv")

    assert (status, headers["Content-Length"], body) == (200, "1000", CONTENT[:1000])


@pytest.mark.parametrize("body_bytes", [0, 1000, 200_000])
def test_reset_comes_after_a_part_of_the_body(get, proxy, body_bytes):
    proxy.on(reset(body_bytes), times=1)

    with pytest.raises(ConnectionResetError):
        get("a.csv")


def test_delayed_answer_is_the_same_later(get, proxy):
    proxy.on(delay(0.2), times=1)
    started = time.monotonic()

    assert get("a.csv")[2] == CONTENT
    assert time.monotonic() - started >= 0.2


def test_object_changes_between_two_reads(get, http_store, proxy):
    proxy.on(first(lambda: http_store.put("a.csv", b"changed")), skip=1, times=1)

    before, after = get("a.csv"), get("a.csv", **{"If-Match": "x"})

    assert before[2] == CONTENT
    assert (after[0], http_store.get("a.csv")) == (412, b"changed")


def test_own_faults_of_the_proxy_fail_the_test(http_store):
    def fail():
        message = "not possible"
        raise ValueError(message)

    def use_broken_proxy():
        with run_fault_proxy(http_store.port) as proxy:
            proxy.on(first(fail))
            connection = http.client.HTTPConnection(HOST, proxy.port, timeout=10)
            connection.request("GET", "/")
            with pytest.raises((http.client.RemoteDisconnected, ConnectionResetError)):
                connection.getresponse()

    with pytest.raises(ValueError, match="not possible"):
        use_broken_proxy()


@pytest.mark.parametrize(
    ("target", "listing", "reading"),
    [
        ("/deliveries?list-type=2&prefix=x", True, False),
        ("/tradefiles/deliveries?restype=container&comp=list", True, False),
        ("/deliveries/x/a%20b.csv", False, True),
        ("/deliveries/x/other.csv", False, False),
    ],
)
def test_requests_are_told_apart(target, listing, reading):
    request = Request("GET", target, {})

    assert (is_listing(request), is_read_of("a b.csv")(request)) == (listing, reading)


@pytest.mark.parametrize("kind", ["s3", "azure", "gcs"])
def test_signed_requests_pass(kind, request, proxy_for, reach):
    import obstore
    from obstore.store import AzureStore, GCSStore, S3Store

    store = request.getfixturevalue(f"{kind}_store")
    store.put("a.csv", CONTENT)
    proxy = proxy_for(store)
    reach(store.behind(proxy.port))
    bucket, _, prefix = store.root.partition("://")[2].partition("/")
    client = {"s3": S3Store, "azure": AzureStore, "gcs": GCSStore}[kind]
    client = client(bucket.partition("@")[0], client_options={"allow_http": True})

    listed = [meta["path"] for page in obstore.list(client, prefix) for meta in page]
    read = bytes(obstore.get(client, listed[0]).bytes())

    assert (listed, read) == ([f"{prefix}/a.csv"], CONTENT)
    assert [is_listing(r) for r in proxy.requests] == [True, False]
    assert is_read_of("a.csv")(proxy.requests[1])
