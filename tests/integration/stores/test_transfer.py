"""Files are put into stores where nothing is: what somebody else puts there, or takes away, meanwhile is never lost."""

import pytest

from stores.faults import reply
from trade_ingest.errors import ArchiveConflictError, ArchiveSourceError
from trade_ingest.source.file import SourceFile
from trade_ingest.source.listing import stat_file
from trade_ingest.source.location import parse_location
from trade_ingest.source.transfer import move_file

PARTS_BYTES = 9 << 20
"""More than is written by one request."""


def is_write(request):
    return request.method in {"PUT", "POST"} and request.path.endswith("/done.csv")


@pytest.fixture
def proxied(s3_store, proxy_for, reach):
    proxy = proxy_for(s3_store)
    reach(s3_store.behind(proxy.port))
    return s3_store, proxy


def listed(uri):
    """A file as it is now."""
    return stat_file(SourceFile(uri, "", 0, None))


@pytest.fixture
def move(proxied, local_store):
    """Moves a file of the store itself, or of this machine, to done.csv."""
    store, _ = proxied

    def start(source, content):
        place = store if source == "store" else local_store
        place.put("a.csv", content)
        move_file(listed(place.uri("a.csv")), parse_location(store.uri("done.csv")), None)

    return start


ROUTES = [("store", b"ours"), ("machine", b"ours"), ("machine", b"o" * PARTS_BYTES)]
ROUTE_NAMES = ["copied by the store", "by one request", "in parts"]


def left(proxied, local_store):
    """What is where in the end, the first bytes of each."""
    store, _ = proxied
    here = {f"local {key}": local_store.get(key)[:6] for key in local_store.keys("")}
    return {key: store.get(key)[:6] for key in store.keys("")} | here


@pytest.mark.parametrize(("source", "content"), ROUTES, ids=ROUTE_NAMES)
def test_file_is_moved_where_nothing_is(source, content, proxied, move, local_store):
    move(source, content)

    assert left(proxied, local_store) == {"done.csv": content[:6]}


@pytest.mark.parametrize(("source", "content"), ROUTES, ids=ROUTE_NAMES)
def test_what_somebody_puts_there_meanwhile_is_not_overwritten(source, content, proxied, move, local_store):
    store, proxy = proxied

    def come_first(exchange):
        store.put("done.csv", b"theirs")
        exchange.relay()

    proxy.on(come_first, when=is_write, times=1)

    with pytest.raises(ArchiveConflictError, match="is there already, and is not "):
        move(source, content)

    ours = "a.csv" if source == "store" else "local a.csv"
    assert left(proxied, local_store) == {"done.csv": b"theirs", ours: content[:6]}


@pytest.mark.parametrize(("source", "content"), ROUTES, ids=ROUTE_NAMES)
def test_same_content_that_came_meanwhile_counts_as_the_copy(source, content, proxied, move, local_store):
    store, proxy = proxied

    def come_first(exchange):
        store.put("done.csv", content)
        exchange.relay()

    proxy.on(come_first, when=is_write, times=1)

    move(source, content)

    assert left(proxied, local_store) == {"done.csv": content[:6]}


@pytest.mark.parametrize(("source", "content"), ROUTES[:2], ids=ROUTE_NAMES[:2])
@pytest.mark.parametrize("is_there", [False, True], ids=["nothing there", "something there"])
def test_store_that_knows_no_conditions_is_looked_at_just_before(source, content, is_there, proxied, move, local_store):
    store, proxy = proxied

    def refuse(exchange):
        if is_there:
            store.put("done.csv", b"theirs")
        reply(501, body=b"<Error><Code>NotImplemented</Code></Error>")(exchange)

    proxy.on(refuse, when=lambda request: is_write(request) and "if-none-match" in request.headers)

    if is_there:
        with pytest.raises(ArchiveConflictError):
            move(source, content)
        assert left(proxied, local_store)["done.csv"] == b"theirs"
    else:
        move(source, content)
        assert left(proxied, local_store) == {"done.csv": content}


def test_copy_stays_if_somebody_takes_the_original_away(proxied, move, local_store):
    store, proxy = proxied

    def take_away(exchange):
        exchange.relay()
        store.delete("a.csv")

    proxy.on(take_away, when=is_write, times=1)

    with pytest.raises(ArchiveSourceError, match="is not there any more"):
        move("store", b"ours")

    assert left(proxied, local_store) == {"done.csv": b"ours"}
