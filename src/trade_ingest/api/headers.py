"""What every request and answer has: an id, security headers, a limit of size, a line in the access log."""

from __future__ import annotations

import json
import logging
import re
import time
import uuid
from datetime import UTC, datetime

from flask import Flask, Response, g, request

from trade_ingest.api.options import ApiOptions

access_log = logging.getLogger("trade_ingest.api.access")

REQUEST_ID = "X-Request-ID"
_GOOD_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")

SECURITY_HEADERS = {
    "Content-Security-Policy": "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline';"
    " object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


def install(app: Flask, options: ApiOptions) -> None:
    """Give each request of an app an id and a limit, and each answer its headers and its line in the log."""
    app.config["MAX_CONTENT_LENGTH"] = options.max_request_bytes
    app.before_request(_begin)
    app.after_request(_finish)


def _begin() -> None:
    given = request.headers.get(REQUEST_ID, "")
    g.request_id = given if _GOOD_ID.fullmatch(given) else uuid.uuid4().hex
    g.began = time.monotonic()


def _finish(response: Response) -> Response:
    there = {name.lower() for name, _ in response.headers}
    headers = {REQUEST_ID: g.request_id, "Cache-Control": "no-store", **SECURITY_HEADERS}
    response.headers.extend({name: value for name, value in headers.items() if name.lower() not in there})
    _log(response)
    return response


def _log(response: Response) -> None:
    principal = g.get("principal")
    log_access(
        g.request_id,
        response.status_code,
        method=request.method,
        path=request.path,
        duration_ms=round((time.monotonic() - g.began) * 1000, 1),
        response_bytes=None if response.is_streamed else response.content_length,
        address=request.remote_addr,
        actor=None if principal is None else principal.name,
    )


def log_access(
    request_id: str,
    status: int,
    *,
    method: str | None = None,
    path: str | None = None,
    duration_ms: float | None = None,
    response_bytes: int | None = None,
    address: str | None = None,
    actor: str | None = None,
) -> None:
    """One JSON object on one line; never the query string, which may hold what is not for logs.

    Of what could not be read as a request there is neither method nor path.
    """
    entry = {
        "at": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "request_id": request_id,
        "method": method,
        "path": path,
        "status": status,
        "duration_ms": duration_ms,
        "response_bytes": response_bytes,
        "address": address,
        "actor": actor,
    }
    access_log.info("%s", json.dumps(entry))
