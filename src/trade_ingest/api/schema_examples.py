"""Types and examples of JSON schemas, as people read them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Schema = dict[str, Any]

_BY_FORMAT = {
    "date-time": "2024-03-04T09:00:00Z",
    "date": "2024-03-04",
    "binary": "…",
}
_BY_TYPE = {"number": 1.5, "boolean": True, "string": "…", "null": None}


def type_text(schema: Schema) -> str:
    """A type in a few words: `integer`, `list of File`, `running | succeeded`, `string or null`."""
    kind = str(schema.get("type", "any"))
    if "$ref" in schema:
        kind = name_of(schema["$ref"])
    elif "enum" in schema or "const" in schema:
        kind = " | ".join(str(value) for value in schema.get("enum", [schema.get("const")]))
    elif "anyOf" in schema:
        kind = " or ".join(type_text(part) for part in schema["anyOf"])
    elif kind == "array":
        kind = f"list of {type_text(schema.get('items', {}))}"
    elif kind == "object" and isinstance(schema.get("additionalProperties"), dict):
        kind = f"object of {type_text(schema['additionalProperties'])}"
    elif schema.get("format") in _BY_FORMAT:
        kind = f"{kind} ({schema['format']})"
    return kind


def name_of(reference: str) -> str:
    """The name of the schema that a `$ref` means."""
    return reference.rpartition("/")[2]


def example_of(schema: Schema, schemas: Mapping[str, Schema], *, depth: int = 6) -> Any:  # noqa: ANN401  # any JSON
    """A value of the schema; what lies deeper than `depth` is null.

    Args:
        schema: of the value.
        schemas: what references name, by their last part.
        depth: of references in references.
    """
    given = [schema["default"]] if schema.get("default") is not None else schema.get("enum") or [schema.get("const")]
    if given[0] is not None or not depth:
        return given[0]
    if "$ref" in schema:
        return example_of(schemas[name_of(schema["$ref"])], schemas, depth=depth - 1)
    if "anyOf" in schema:
        return example_of(schema["anyOf"][0], schemas, depth=depth)
    return _example_of_type(schema, schemas, depth)


def _example_of_type(schema: Schema, schemas: Mapping[str, Schema], depth: int) -> Any:  # noqa: ANN401  # any JSON
    kind = schema.get("type", "null")
    if kind == "array":
        return [example_of(schema.get("items", {}), schemas, depth=depth)]
    if kind == "object":
        return {name: example_of(part, schemas, depth=depth) for name, part in schema.get("properties", {}).items()}
    if kind == "integer":
        return max(1, schema.get("minimum", 1))
    return _BY_FORMAT.get(schema.get("format", ""), _BY_TYPE[kind])
