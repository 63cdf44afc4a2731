"""The JSON Schema of contracts, for editors: ``python -m trade_ingest.contract.schema > docs/contract.schema.json``."""

from __future__ import annotations

import json
import sys
from typing import Any

from trade_ingest.contract.model import Contract

_SCALARS = ["string", "number", "boolean", "null"]
_DECIMAL_TYPE = r"^\s*decimal\(\s*\d+\s*,\s*\d+\s*\)\s*$"
_SIMPLE_TYPES = ["text", "integer", "boolean", "date", "timestamp", "uuid", "enum", "json"]


def contract_schema() -> dict[str, Any]:
    """The schema (draft 2020-12) of a contract's YAML as an editor sees it.

    An editor reads ``null_tokens: [NA, null, 0]`` as a text, a NULL and a number, the loader as three texts: wherever
    the loader takes any scalar as text, so does the schema. Rules across keys are the loader's alone.
    """
    schema = Contract.model_json_schema(by_alias=True)
    column = schema["$defs"]["Column"]["properties"]
    column["type"] |= {"anyOf": [{"enum": _SIMPLE_TYPES}, {"pattern": _DECIMAL_TYPE}]}
    column["source"] = {**column["source"], "type": ["string", "array"]}
    for bound in ("min", "max", "greater_than", "less_than"):
        column[bound] = _documented(column[bound], {"type": ["string", "number", "null"]})
    column["constant"] = _documented(column["constant"], {"type": _SCALARS})
    drift = schema["$defs"]["Drift"]["properties"]["missing_optional"]
    drift["enum"] = [*drift["enum"], None]  # the plain word null
    drift.pop("type", None)
    _admit_scalars(schema)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": "trade-ingest contract"}


def schema_text() -> str:
    """The schema as it is committed: indented JSON with a final newline."""
    return json.dumps(contract_schema(), indent=2, ensure_ascii=False) + "\n"


def _documented(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    return {**new, **{key: old[key] for key in ("default", "description", "title") if key in old}}


def _admit_scalars(node: object) -> None:
    """Let plain text in lists and mappings be any scalar, in place."""
    if isinstance(node, dict):
        for key in ("items", "additionalProperties"):
            if node.get(key) == {"type": "string"}:
                node[key] = {"type": _SCALARS}
        for inner in node.values():
            _admit_scalars(inner)
    elif isinstance(node, list):
        for inner in node:
            _admit_scalars(inner)


if __name__ == "__main__":
    sys.stdout.write(schema_text())
