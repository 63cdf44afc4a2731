"""The OpenAPI 3.1 document, made from the routes and their schemas; `python -m trade_ingest.api.openapi` prints it."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

from apiflask import APIBlueprint, APIFlask
from flask import Flask, Response, current_app
from werkzeug.routing import IntegerConverter, Map

from trade_ingest.api.access import SCOPE_ATTRIBUTE, Scope, needs
from trade_ingest.api.replies import text_answer, with_etag
from trade_ingest.api.schemas.base import MAX_ID, Problem, ProblemPlace

Document = dict[str, Any]

PATH = "/api/v1/openapi.json"

_REFERENCE = "#/components/schemas/"
_PROBLEM_TYPE = "application/problem+json"
_DESCRIPTIONS = {
    HTTPStatus.BAD_REQUEST: "Parameters or body are not as documented.",
    HTTPStatus.UNAUTHORIZED: "Nobody that is known asks.",
    HTTPStatus.FORBIDDEN: "Who asks may not do this.",
    HTTPStatus.NOT_FOUND: "There is no such thing.",
    HTTPStatus.CONFLICT: "It cannot be done as things stand.",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "The request is too large.",
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: "The body is of another type.",
    HTTPStatus.MISDIRECTED_REQUEST: "The server is not known under this name.",
    HTTPStatus.UNPROCESSABLE_ENTITY: "It was understood, and cannot be done.",
    HTTPStatus.TOO_MANY_REQUESTS: "Too many wrong tokens from this address.",
    HTTPStatus.INTERNAL_SERVER_ERROR: "A defect; the log has it under the request's id.",
    HTTPStatus.BAD_GATEWAY: "The database or an object store refuses the server.",
    HTTPStatus.SERVICE_UNAVAILABLE: "The database or an object store does not answer; try again.",
}
_ALWAYS = (HTTPStatus.BAD_REQUEST, HTTPStatus.INTERNAL_SERVER_ERROR)
_WITH_DATABASE = (HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE)
_WITH_SCOPE = (
    HTTPStatus.UNAUTHORIZED,
    HTTPStatus.FORBIDDEN,
    HTTPStatus.MISDIRECTED_REQUEST,
    HTTPStatus.TOO_MANY_REQUESTS,
)
_WITH_BODY = (
    HTTPStatus.NOT_FOUND,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    HTTPStatus.UNPROCESSABLE_ENTITY,
)
_LETS_IN = {"/api/v1/session"}  # public, and asks who it is
_MAY_BE_UNKNOWN = {
    "/api/v1/coverage",
    "/api/v1/rejects/export",
    "/api/v1/trades/symbols",
    "/api/v1/trades/bars",
    "/api/v1/trades/rows",
    "/api/v1/trades/history",
}
_MAY_BE_UNREADABLE = {"/api/v1/files/{file_id}/lines"}

blueprint = APIBlueprint("openapi", __name__, tag="System")


@blueprint.get(PATH)
@blueprint.doc(responses=text_answer("OpenAPI 3.1.", "application/json", "object"))
@needs(Scope.READ)
def show_document() -> Response:
    """Give the OpenAPI document."""
    return with_etag(Response(as_text(document_of(current_app)), content_type="application/json"))


class IdConverter(IntegerConverter):
    """An id in a path: what no id can be is no path."""

    def __init__(self, url_map: Map, **limits: Any) -> None:
        super().__init__(url_map, **({"max": MAX_ID} | limits))


def prepare(app: APIFlask) -> None:
    """Set an app up before its routes are registered."""
    app.url_map.converters["int"] = IdConverter
    app.config.update(
        AUTO_404_RESPONSE=False,
        AUTO_VALIDATION_ERROR_RESPONSE=False,
        AUTO_SERVERS=False,
        INFO={
            "description": "Watch, steer and audit the loading of trade files into PostgreSQL. Times are UTC; ids are"
            " integers; every error is a problem of RFC 9457.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        SECURITY_SCHEMES={
            "token": {"type": "http", "scheme": "bearer", "description": "A token of `trade-ingest token create`."},
            "session": {"type": "apiKey", "in": "cookie", "name": "trade_ingest_session"},
        },
    )

    @app.spec_processor
    def finish(document: Document | str) -> Document | str:
        assert isinstance(document, dict)
        return _finished(app, document)


def document_of(app: Flask) -> Document:
    """The document of an app."""
    assert isinstance(app, APIFlask)
    found = app._get_spec("json")  # noqa: SLF001  # its public twin makes the document anew each time
    assert isinstance(found, dict)
    return found


def as_text(document: Document) -> str:
    """The document as it is committed: two equal ones have equal texts."""
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _finished(app: APIFlask, document: Document) -> Document:
    components = document["components"]
    components["schemas"] = _named_once(components.get("schemas", {}))
    for model in (ProblemPlace, Problem):
        schema = model.model_json_schema(ref_template=_REFERENCE + "{model}")
        schema.pop("$defs", None)
        components["schemas"][model.__name__] = schema
    components["responses"] = {
        status.name.title().replace("_", ""): {
            "description": text,
            "content": {_PROBLEM_TYPE: {"schema": {"$ref": f"{_REFERENCE}Problem"}}},
        }
        for status, text in _DESCRIPTIONS.items()
    }
    scopes = _scopes(app)
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            _finish(path, method, operation, scopes.get((path, method)))
    finished = _with_short_references(document)
    assert isinstance(finished, dict)
    finished["components"]["schemas"] = dict(sorted(finished["components"]["schemas"].items()))
    finished["paths"] = dict(sorted(finished["paths"].items()))
    finished["tags"] = sorted(finished.get("tags", []), key=lambda tag: str(tag["name"]))
    return finished


def _scopes(app: Flask) -> dict[tuple[str, str], tuple[str, Scope | None]]:
    """The view's name and scope of each operation."""
    found = {}
    for rule in app.url_map.iter_rules():
        view = app.view_functions[rule.endpoint]
        path = re.sub(r"<(?:[^<:]+:)?([^>]+)>", r"{\1}", rule.rule)
        for method in rule.methods or ():
            found[path, method.lower()] = (view.__name__, getattr(view, SCOPE_ATTRIBUTE, None))
    return found


def _finish(path: str, method: str, operation: Document, view: tuple[str, Scope | None] | None) -> None:
    name, scope = view or ("", None)
    operation.setdefault("operationId", name)
    for parameter in operation.get("parameters", ()):
        _finish_parameter(parameter)
    if not operation.get("parameters"):
        operation.pop("parameters", None)
    if "requestBody" in operation:
        operation["requestBody"]["required"] = True
    if scope is not None:
        operation["security"] = [{"token": []}, {"session": []}]
        operation["x-required-scope"] = scope.value
    responses = operation["responses"]
    for status in _possible(path, method, operation, has_scope=scope is not None or path in _LETS_IN):
        responses.setdefault(
            str(int(status)), {"$ref": f"#/components/responses/{status.name.title().replace('_', '')}"}
        )
    if path == "/api/v1/runs/{run_id}" or method == "get":
        _may_be_unchanged(path, responses)
    operation["responses"] = dict(sorted(responses.items()))


def _possible(path: str, method: str, operation: Document, *, has_scope: bool) -> Iterator[HTTPStatus]:
    """The statuses of problems that an operation may be answered with."""
    yield from _ALWAYS
    if path != "/healthz":
        yield from _WITH_DATABASE
    if has_scope:
        yield from _WITH_SCOPE
    if "{" in path or path in _MAY_BE_UNKNOWN:
        yield HTTPStatus.NOT_FOUND
    if path in _MAY_BE_UNREADABLE:
        yield HTTPStatus.UNPROCESSABLE_ENTITY
    if method != "get":
        yield HTTPStatus.CONFLICT
    if "requestBody" in operation:
        yield from _WITH_BODY


_WITH_ETAG = {
    PATH,
    "/api/v1/docs",
    "/api/v1/runs/{run_id}",
    "/api/v1/runs/{run_id}/progress",
    "/api/v1/files/{file_id}",
    "/api/v1/coverage",
}


def _may_be_unchanged(path: str, responses: Document) -> None:
    if path in _WITH_ETAG:
        responses.setdefault("304", {"description": "As the client has it, by If-None-Match."})


def _finish_parameter(parameter: Document) -> None:
    schema = parameter["schema"]
    if parameter["in"] == "path" and schema.get("type") == "integer":
        schema |= {"format": "int64", "minimum": 0, "maximum": MAX_ID}
    for kind in (schema, *schema.get("anyOf", ())):
        if kind.get("type") == "array":
            parameter |= {"style": "form", "explode": False}
    if "description" in schema:
        parameter["description"] = schema.pop("description")
    options = [kind for kind in schema.get("anyOf", ()) if kind.get("type") != "null"]
    if parameter["in"] != "path" and len(options) == 1 and "anyOf" in schema:
        # a parameter is there or not; nobody can send null
        rest = {key: value for key, value in schema.items() if key not in {"anyOf", "default"}}
        parameter["schema"] = options[0] | rest
    if parameter["schema"].get("default", ()) is None:
        del parameter["schema"]["default"]
    parameter["schema"].pop("title", None)


def _named_once(schemas: Document) -> Document:
    """Each schema under its own name: APIFlask has `RunPage.Run`, and it again for each answer that has runs."""
    found: Document = {}
    for name, schema in schemas.items():
        short = name.rpartition(".")[2]
        if found.setdefault(short, schema) != schema and _with_short_references(found[short]) != (
            _with_short_references(schema)
        ):
            message = f"two schemas are called {short}"
            raise AssertionError(message)
    return found


def _with_short_references(part: Any) -> Any:  # noqa: ANN401  # any JSON
    if isinstance(part, list):
        return [_with_short_references(item) for item in part]
    if not isinstance(part, dict):
        return part
    return {
        key: _REFERENCE + value.removeprefix(_REFERENCE).rpartition(".")[2]
        if key == "$ref" and isinstance(value, str) and value.startswith(_REFERENCE)
        else _with_short_references(value)
        for key, value in part.items()
    }


def main() -> None:
    """Print the document; needs no database."""
    from trade_ingest.api.app import create_app
    from trade_ingest.api.options import ApiOptions
    from trade_ingest.settings import Settings

    app = create_app(ApiOptions("", Settings()))
    sys.stdout.write(as_text(document_of(app)))


if __name__ == "__main__":
    main()
