"""Errors as RFC 9457 problems: one shape for all, with the code, the hint and the request's id."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any

import psycopg
from apiflask import APIFlask, HTTPError
from flask import Response, g, request
from flask.typing import ResponseReturnValue
from gunicorn.http.errors import NoMoreData, ParseException
from pydantic_core import to_json
from werkzeug.exceptions import BadRequest, HTTPException

from trade_ingest.errors import RequestInvalidError, TradeIngestError, outcome_of
from trade_ingest.ledger.connection import as_ingest_error, mask_secrets

logger = logging.getLogger("trade_ingest.api")

MEDIA_TYPE = "application/problem+json"

_INTERNAL = TradeIngestError(
    "something went wrong in the server", hint="the server's log says what, under the request's id"
)


def install(app: APIFlask) -> None:
    """Make every error of an app a problem."""
    app.config["VALIDATION_ERROR_STATUS_CODE"] = HTTPStatus.BAD_REQUEST
    app.register_error_handler(TradeIngestError, problem_of)
    app.register_error_handler(psycopg.DataError, _unusable_value)
    app.register_error_handler(psycopg.Error, lambda error: problem_of(as_ingest_error(error)))
    app.register_error_handler(HTTPException, _http_problem)
    for kind in (ParseException, NoMoreData):  # gunicorn reads a body in pieces when it is asked for
        app.register_error_handler(kind, lambda _: _http_problem(BadRequest()))
    app.register_error_handler(Exception, _unexpected)
    app.error_processor(_invalid_request)
    app.register_error_handler(HTTPException, _http_problem)  # error_processor has put its own in this place


def problem_of(error: TradeIngestError) -> Response:
    """The problem for an error of ours; of those that are the server's fault only the code is told."""
    status = outcome_of(error).http_status
    errors: tuple[Mapping[str, str], ...] = error.fields.get("errors", ())
    if status == HTTPStatus.INTERNAL_SERVER_ERROR:
        logger.error("request %s: %s: %s", g.get("request_id"), error.code, error.message, exc_info=error)
        return _problem(status, error.code, _title(error), _INTERNAL.message, hint=_INTERNAL.hint)
    response = _problem(
        status,
        error.code,
        _title(error),
        mask_secrets(error.message),
        hint=error.hint,
        retryable=error.retryable,
        errors=errors or tuple(_listed_problems(error.fields.get("problems", ()))),
    )
    if status == HTTPStatus.UNAUTHORIZED:
        response.headers["WWW-Authenticate"] = "Bearer"
    if (seconds := error.fields.get("retry_after_seconds")) is not None:
        response.headers["Retry-After"] = str(seconds)
    return response


def _title(error: TradeIngestError) -> str:
    """The first sentence of what the class says of itself."""
    return (inspect.getdoc(type(error)) or "").split("\n")[0].split(";")[0].split(": ")[0].rstrip(".")


def _listed_problems(problems: tuple[Any, ...]) -> Iterator[Mapping[str, str]]:
    """Each problem of a contract or of settings."""
    for problem in problems:
        line = getattr(problem, "line", None)
        yield {"pointer": "" if line is None else f"line {line}", "detail": getattr(problem, "message", str(problem))}


def _http_problem(error: HTTPException) -> ResponseReturnValue:
    """The problem for what Flask and Werkzeug refuse themselves: no such route, no such method, too large."""
    if error.response is not None:  # a redirect
        return error
    status = HTTPStatus(error.code or HTTPStatus.INTERNAL_SERVER_ERROR)
    detail = _DETAILS.get(status, status.description)
    if status in (HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED):
        detail += f": {request.path[:_SHOWN_OF_PATH]}"
    response = _problem(status, f"http.{status.name.lower()}", status.phrase, detail, hint=_HINTS.get(status, ""))
    for name, value in error.get_headers():
        if name != "Content-Type":
            response.headers[name] = value
    return response


_SHOWN_OF_PATH = 200

_HINTS = {
    HTTPStatus.NOT_FOUND: "/api/v1/docs lists the paths",
    HTTPStatus.METHOD_NOT_ALLOWED: "/api/v1/docs says which methods a path takes",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "send less at once",
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: "send application/json, or what /api/v1/docs says of the path",
    HTTPStatus.BAD_REQUEST: "/api/v1/docs says what is expected",
}

_DETAILS = {
    HTTPStatus.NOT_FOUND: "there is no such path",
    HTTPStatus.METHOD_NOT_ALLOWED: "the path does not take this method",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "the request is larger than the server takes",
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: "the body is not of a type that is taken here",
    HTTPStatus.BAD_REQUEST: "the request cannot be read",
}


def _invalid_request(error: HTTPError) -> Response:
    """The problem for parameters or a body that are not as documented."""
    detail = error.detail if isinstance(error.detail, dict) else {}
    errors = tuple(
        {
            "pointer": f"{'' if place in {'json', 'form', 'files'} else f'/{place}'}/{path.replace('.', '/')}",
            "detail": text,
        }
        for place, fields in detail.items()
        for path, texts in fields.items()
        for text in texts
    )
    first = f": {errors[0]['pointer']}: {errors[0]['detail']}" if errors else ""
    message = f"the request is not as documented{first}"
    return problem_of(RequestInvalidError(message, hint="/api/v1/openapi.json says what is expected", errors=errors))


def _unusable_value(error: psycopg.DataError) -> Response:
    """The problem for a value that is as documented and that PostgreSQL cannot use, such as a NUL in a path."""
    logger.warning("request %s: a value cannot be used", g.get("request_id"), exc_info=error)
    message = f"a value of the request cannot be used: {as_ingest_error(error).message}"
    return problem_of(RequestInvalidError(message, hint="/api/v1/openapi.json says what is expected"))


def _unexpected(error: Exception) -> Response:
    logger.error("request %s: unexpected %s", g.get("request_id"), type(error).__name__, exc_info=error)
    return problem_of_internal()


def problem_of_internal() -> Response:
    """The problem for a defect; says nothing of it."""
    return _problem(
        HTTPStatus.INTERNAL_SERVER_ERROR, _INTERNAL.code, "Internal error", _INTERNAL.message, hint=_INTERNAL.hint
    )


def _problem(
    status: int,
    code: str,
    title: str,
    detail: str,
    *,
    hint: str = "",
    retryable: bool = False,
    errors: tuple[Mapping[str, str], ...] = (),
) -> Response:
    body = _body_of(status, code, title, detail, hint=hint, retryable=retryable, errors=errors)
    body |= {"instance": request.path, "request_id": g.get("request_id", "")}
    return Response(to_json(body), status=int(status), content_type=MEDIA_TYPE)


def unread_problem(status: HTTPStatus, request_id: str) -> bytes:
    """The body of the problem for what cannot be read as a request at all."""
    detail = _DETAILS.get(status, status.description or status.phrase)
    body = _body_of(status, f"http.{status.name.lower()}", status.phrase, detail)
    return to_json(body | {"request_id": request_id})


def _body_of(
    status: int,
    code: str,
    title: str,
    detail: str,
    *,
    hint: str = "",
    retryable: bool = False,
    errors: tuple[Mapping[str, str], ...] = (),
) -> dict[str, Any]:
    """All members of a problem, for no request."""
    return {
        "type": f"/problems/{code}",
        "title": title,
        "status": int(status),
        "detail": detail,
        "instance": "",
        "code": code,
        "hint": hint,
        "retryable": retryable,
        "errors": list(errors),
        "request_id": "",
    }
