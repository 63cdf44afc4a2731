"""The bodies of requests: of the type that a route takes, and JSON that can be read."""

from __future__ import annotations

from typing import Any

from flask import Flask, Request, request
from flask.json.provider import DefaultJSONProvider
from werkzeug.exceptions import RequestEntityTooLarge, UnsupportedMediaType

from trade_ingest.api.origin import SAFE_METHODS

_MULTIPART = "multipart/form-data"
_FILES = frozenset({"contracts.check_posted_sample"})
"""Routes that take a file; all others take JSON."""


class Json(DefaultJSONProvider):
    """JSON as Flask reads it."""

    def loads(self, s: str | bytes, **kwargs: Any) -> Any:  # noqa: ANN401  # as in Flask
        """Read it.

        Raises:
            ValueError: it is no JSON, or nested so deeply that it cannot be read.
        """
        try:
            return super().loads(s, **kwargs)
        except RecursionError as exc:
            raise ValueError("nested too deeply") from exc


def install(app: Flask) -> None:
    """Refuse bodies of another type than a route takes, and those too large; after who asks is known."""
    app.json = Json(app)

    @app.before_request
    def check_type() -> None:
        if request.endpoint is None or request.method in SAFE_METHODS or not _has_body(request):
            return
        if not (request.mimetype == _MULTIPART if request.endpoint in _FILES else request.is_json):
            raise UnsupportedMediaType
        if request.content_length is None and request.is_json:
            _check_pieces(request)


def _check_pieces(asked: Request) -> None:
    """Refuse JSON that comes in pieces and is too large: Werkzeug would cut it off and say nothing."""
    limit = asked.max_content_length
    if limit is not None and len(asked.get_data()) >= limit:
        raise RequestEntityTooLarge


def _has_body(asked: Request) -> bool:
    return bool(asked.content_length) or "chunked" in asked.headers.get("Transfer-Encoding", "").lower()
