"""gunicorn's worker of threads, which answers what is no request with a problem, as the app does."""

from __future__ import annotations

import logging
import select
import time
import uuid
from http import HTTPStatus
from typing import Any

from gunicorn.http import errors
from gunicorn.util import write_nonblock
from gunicorn.workers.gthread import ThreadWorker

from trade_ingest.api.headers import REQUEST_ID, SECURITY_HEADERS, log_access
from trade_ingest.api.problems import MEDIA_TYPE, unread_problem

_STEP_SECONDS = 0.0002  # for each connection that a process has it lets the others go first
_MOST_STEPS = 50

_PAUSE_MILLISECONDS = 5
"""How long a thread waits for the next request of a connection: who has an answer asks on at once, or later."""

logger = logging.getLogger(__name__)

_STATUSES = {
    errors.LimitRequestLine: HTTPStatus.REQUEST_URI_TOO_LONG,
    errors.LimitRequestHeaders: HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
    errors.ExpectationFailed: HTTPStatus.EXPECTATION_FAILED,
    errors.UnsupportedTransferCoding: HTTPStatus.NOT_IMPLEMENTED,
    errors.ConfigurationProblem: HTTPStatus.INTERNAL_SERVER_ERROR,
    errors.InvalidResponseHeader: HTTPStatus.INTERNAL_SERVER_ERROR,
    errors.InvalidResponseHeaderName: HTTPStatus.INTERNAL_SERVER_ERROR,
    errors.ParseException: HTTPStatus.BAD_REQUEST,
}
"""The status for each way not to be a request; the first that fits."""


class Worker(ThreadWorker):  # type: ignore[misc,unused-ignore]  # gunicorn ships no types
    """Serves requests in threads."""

    def accept(self, listener: Any) -> None:  # noqa: ANN401  # gunicorn's
        """Accept a connection, unless another process does, which has the first go at it if it has fewer of them."""
        if self.cfg.workers > 1:
            time.sleep(min(self.nr_conns, _MOST_STEPS) * _STEP_SECONDS)
        super().accept(listener)

    def handle(self, conn: Any) -> Any:  # noqa: ANN401  # gunicorn's
        """Answer a request, and those that follow it on the connection without a pause.

        Handing a connection back to the process's main thread and on to another one takes as long as a small answer.
        """
        is_kept = super().handle(conn)
        while is_kept is True and self.alive and _next_comes(conn):
            is_kept = super().handle(conn)
        return is_kept

    def handle_error(self, req: object, client: Any, addr: Any, exc: Exception) -> None:  # noqa: ANN401, ARG002
        """Answer on the bare connection, which is closed afterwards."""
        status = next((status for kind, status in _STATUSES.items() if isinstance(exc, kind)), None)
        address = addr[0] if addr else ""
        request_id = uuid.uuid4().hex
        if status is None:
            logger.error("unexpected %s while a request was read or answered", type(exc).__name__, exc_info=exc)
            status = HTTPStatus.INTERNAL_SERVER_ERROR
        else:
            # only the kind: the text would have parts of the request, which may be a secret
            logger.warning("no request from %s: %s", address, type(exc).__name__)
        log_access(request_id, status, address=address)
        try:
            write_nonblock(client, _answer(status, request_id))
        except OSError:
            logger.debug("the client has not waited for the answer")


def _next_comes(connection: Any) -> bool:  # noqa: ANN401  # gunicorn's
    if connection.parser.unreader.buf.getvalue():
        return False  # it has come already, with the one before: gunicorn sees to that
    poll = select.poll()
    poll.register(connection.sock, select.POLLIN)
    return bool(poll.poll(_PAUSE_MILLISECONDS))


def _answer(status: HTTPStatus, request_id: str) -> bytes:
    body = unread_problem(status, request_id)
    headers = SECURITY_HEADERS | {
        REQUEST_ID: request_id,
        "Cache-Control": "no-store",
        "Connection": "close",
        "Content-Type": MEDIA_TYPE,
        "Content-Length": str(len(body)),
    }
    lines = [f"HTTP/1.1 {status.value} {status.phrase}", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode("ascii") + body
