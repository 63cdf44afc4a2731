"""What may go wrong with a request to a store, and which requests to do it to; for `FaultProxy.on`."""

import re
import time
from collections.abc import Callable

from stores.fault_proxy import Exchange, Fault, When
from stores.http_message import Request


def reply(status: int, *, retry_after_seconds: int | None = None, body: bytes = b"") -> Fault:
    """Answer with an error instead of the store."""
    retry = "" if retry_after_seconds is None else f"\r\nRetry-After: {retry_after_seconds}"
    return lambda exchange: exchange.reply(f"{status} Fault{retry}", body)


def delay(seconds: float) -> Fault:
    """Answer late."""

    def fault(exchange: Exchange) -> None:
        time.sleep(seconds)
        exchange.relay()

    return fault


def cut(exchange: Exchange) -> None:
    """Close the connection without an answer."""
    exchange.reset()


def truncate(body_bytes: int) -> Fault:
    """Promise all of the body and close the connection after so many bytes of it."""
    return lambda exchange: exchange.relay(body_bytes=body_bytes)


def shorten(body_bytes: int) -> Fault:
    """Send so many bytes of the body as if that were all."""
    return lambda exchange: exchange.relay(body_bytes=body_bytes, length=body_bytes)


def reset(body_bytes: int) -> Fault:
    """Reset the connection after so many bytes of the body."""

    def fault(exchange: Exchange) -> None:
        exchange.relay(body_bytes=body_bytes)
        exchange.reset()

    return fault


def first(action: Callable[[], object]) -> Fault:
    """Do something before the store is asked, such as changing the object."""

    def fault(exchange: Exchange) -> None:
        action()
        exchange.relay()

    return fault


def is_read_of(key: str) -> When:
    """GET requests for an object, and not for a listing."""
    return lambda request: request.method == "GET" and request.path.endswith(f"/{key}")


def is_listing(request: Request) -> bool:
    """GET requests that list objects, on S3, Azure and Google Cloud Storage."""
    return request.method == "GET" and re.search(r"[?&](list-type=2|comp=list)", request.target) is not None
