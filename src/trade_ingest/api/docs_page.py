"""The page ``/api/v1/docs``: the OpenAPI document for people, without scripts and without another host."""

from __future__ import annotations

import base64
import hashlib
import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from apiflask import APIBlueprint
from flask import Response, current_app, render_template
from markupsafe import Markup

from trade_ingest.api.access import Scope, needs
from trade_ingest.api.openapi import PATH as DOCUMENT_PATH
from trade_ingest.api.openapi import document_of
from trade_ingest.api.replies import text_answer, with_etag
from trade_ingest.api.schema_examples import Schema, example_of, name_of, type_text

PATH = "/api/v1/docs"

blueprint = APIBlueprint("docs", __name__, tag="System")

_STYLE_FILE = Path(__file__).parent / "templates" / "docs.css"
_ANSWERS_WITH_BODY = ("200", "201", "202")


@blueprint.get(PATH)
@blueprint.doc(responses=text_answer("HTML.", "text/html"))
@needs(Scope.READ)
def show_docs() -> Response:
    """Show the API's documentation in a browser; nothing of it comes from elsewhere."""
    document = document_of(current_app)
    style = _style()
    page = render_template(
        "docs.html",
        document=document,
        document_path=DOCUMENT_PATH,
        style=Markup(style),  # noqa: S704  # our own file
        tags=_by_tag(document),
        schemas={name: list(_fields(schema)) for name, schema in document["components"]["schemas"].items()},
        descriptions={
            name: schema.get("description", "") for name, schema in document["components"]["schemas"].items()
        },
    )
    response = with_etag(Response(page, content_type="text/html; charset=utf-8"))
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    response.headers["Content-Security-Policy"] = (
        f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    return response


@lru_cache(maxsize=1)
def _style() -> str:
    return _STYLE_FILE.read_text(encoding="utf-8")


@dataclass(frozen=True, slots=True)
class Value:
    """A parameter, or a field of a schema."""

    name: str
    place: str
    type: str
    reference: str | None
    is_required: bool
    default: str
    description: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What an operation may be answered with; ``example`` is JSON."""

    status: str
    description: str
    media_type: str
    reference: str | None
    example: str


@dataclass(frozen=True, slots=True)
class Operation:
    """What the page shows of an operation."""

    id: str
    method: str
    path: str
    summary: str
    description: str
    scope: str
    parameters: list[Value]
    body: Answer | None
    answers: list[Answer]
    command: str


def _by_tag(document: Schema) -> dict[str, list[Operation]]:
    found = defaultdict[str, list[Operation]](list)
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            found[operation["tags"][0]].append(_operation(document, path, method, operation))
    return dict(sorted(found.items()))


def _operation(document: Schema, path: str, method: str, operation: Schema) -> Operation:
    body = None
    if "requestBody" in operation:
        body = _content(document, "", operation["requestBody"])
    return Operation(
        id=operation["operationId"],
        method=method.upper(),
        path=path,
        summary=operation.get("summary", ""),
        description=operation.get("description", ""),
        scope=operation.get("x-required-scope", "public"),
        parameters=[_parameter(parameter) for parameter in operation.get("parameters", ())],
        body=body,
        answers=[_content(document, status, answer) for status, answer in operation["responses"].items()],
        command=_command(path, method, body),
    )


def _parameter(parameter: Schema) -> Value:
    schema = parameter["schema"]
    return Value(
        name=parameter["name"],
        place=parameter["in"],
        type=type_text(schema),
        reference=_reference(schema),
        is_required=parameter.get("required", False),
        default=json.dumps(schema["default"]) if "default" in schema else "",
        description=parameter.get("description", ""),
    )


def _content(document: Schema, status: str, answer: Schema) -> Answer:
    name = name_of(answer.get("$ref", ""))
    if name:  # problems, which all look the same, have no example each
        answer = document["components"]["responses"][name]
        return Answer(status, answer["description"], "application/problem+json", "Problem", "")
    for media_type, content in answer.get("content", {}).items():
        schema = content.get("schema", {})
        example = ""
        if "json" in media_type and (not status or status in _ANSWERS_WITH_BODY):
            example = json.dumps(example_of(schema, document["components"]["schemas"]), indent=2, ensure_ascii=False)
        return Answer(status, answer.get("description", ""), media_type, _reference(schema), example)
    return Answer(status, answer.get("description", ""), "", None, "")


def _fields(schema: Schema) -> Iterator[Value]:
    for value in schema.get("enum", ()):
        yield Value(str(value), "", "value", None, is_required=False, default="", description="")
    for name, part in schema.get("properties", {}).items():
        yield Value(
            name=name,
            place="",
            type=type_text(part),
            reference=_reference(part),
            is_required=name in schema.get("required", ()),
            default=json.dumps(part["default"]) if part.get("default") is not None else "",
            description=part.get("description", ""),
        )


def _reference(schema: Schema) -> str | None:
    """The name of the schema that a value is, or has in a list, or may be instead of null."""
    candidates: list[Any] = [schema, schema.get("items"), schema.get("additionalProperties"), *schema.get("anyOf", ())]
    for part in candidates:
        if isinstance(part, dict) and "$ref" in part:
            return name_of(part["$ref"])
    items = schema.get("items")
    return _reference(items) if isinstance(items, dict) else None


def _command(path: str, method: str, body: Answer | None) -> str:
    words = ["curl"] + (["-X", method.upper()] if method != "get" and (body is None or method != "post") else [])
    words.append(f'"$SERVER{path}"')
    if body is None:
        return " ".join(words)
    if not body.example:
        return " ".join([*words, "-F file=@sample.csv"])
    return " ".join([*words, "-H 'Content-Type: application/json'", "-d @body.json"])
