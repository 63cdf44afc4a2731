"""The reference of a contract's keys: ``python -m trade_ingest.contract.reference > docs/reference/contract.md``."""

from __future__ import annotations

import sys
from enum import Enum
from inspect import cleandoc
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from trade_ingest.contract.layout import layout_named
from trade_ingest.contract.loading import builtin_names, load_contract
from trade_ingest.contract.problems import Path
from trade_ingest.contract.schema import contract_schema
from trade_ingest.contract.wording import MODELS

_INTRODUCTION = """\
# Contracts

A contract is a YAML file that says what a feed's files look like and which table takes their rows. This page lists
its keys; it is generated from the code. [Commented examples](../examples/contracts) are the quickest way in, and
editors that read the [JSON Schema](../contract.schema.json) complete and check keys as you type: begin the file with

```yaml
# yaml-language-server: $schema=<path or URL of contract.schema.json>
```

Scalars are text: `null_tokens: [NA, null, ""]` are three cells, `NO` is a symbol and not false. Only as the value of a
key is a plain `null` or `~` nothing (`quote: null`). Unknown and repeated keys are errors. All problems of a contract
are reported at once, each with its line.
"""

_TYPES = """\
## Types

| type | in PostgreSQL | cells |
|---|---|---|
| `text` | `text` | as they are; nothing is trimmed or cut |
| `integer` | `bigint` | whole numbers |
| `decimal(p,s)` | `numeric(p,s)` | exact numbers of at most p digits, s of them decimals; never rounded |
| `boolean` | `boolean` | `true_tokens` and `false_tokens` |
| `date` | `date` | `YYYY-MM-DD`, or `format` |
| `timestamp` | `timestamp with time zone` | ISO 8601, or `format`, or `epoch`; local times need `zone` |
| `uuid` | `uuid` | |
| `enum` | `text` | `values` |
| `json` | `jsonb` | |

A `format` is made of `%Y %y %m %b %d %j %H %I %p %M %S`, fractions of a second (`%.f`: a point and up to nine digits or
nothing; `%.3f %.6f %.9f`: a point and that many digits; `%3f %6f %9f`: that many digits), offsets (`%z`: `+0100` or
`+01:00`; `%:z`: `+01:00`; `%#z`: also `+01` and `Z`), `%T` (`%H:%M:%S`), `%F` (`%Y-%m-%d`), `%D` (`%m/%d/%y`) and `%%`.
Numbers are zero padded, with `%-m %-d %-H %-I` or not; other characters stand for themselves. `%y` means 1970 to 2069.
"""


def reference_text() -> str:
    """The page, in Markdown, with a final newline."""
    tables = [_section(path) for path in MODELS]
    return "\n".join([_INTRODUCTION, *tables, _TYPES, _layouts(), _builtins()])


def _section(path: Path) -> str:
    model = MODELS[path]
    heading = ".".join(map(str, path)) or "The contract"
    items = "[]" if path in {("columns",), ("rules",)} else ""
    document = cleandoc(model.__doc__ or "").replace("``", "`")
    rows = [_row(model.__name__, name, info) for name, info in model.model_fields.items()]
    return "\n".join(
        [f"## {heading}{items}\n", f"{document}\n", "| key | value | default | |", "|---|---|---|---|", *rows, ""]
    )


def _row(model: str, name: str, info: FieldInfo) -> str:
    key = info.alias or name
    schema = contract_schema()
    properties = schema["properties"] if model == "Contract" else schema["$defs"][model]["properties"]
    cells: list[str] = [f"`{key}`", _value(properties[key], schema["$defs"]), _default(info), info.description or ""]
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _value(schema: dict[str, Any], definitions: dict[str, Any]) -> str:
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return _choices(definitions[name]["enum"]) if "enum" in definitions[name] else "mapping"
    if "enum" in schema or "const" in schema:
        return _choices(schema.get("enum") or [schema["const"]])
    if "anyOf" in schema and "type" not in schema:
        parts = (_value(option, definitions) for option in schema["anyOf"])
        return " or ".join(dict.fromkeys(part for part in parts if part))
    kinds = schema.get("type", "")
    names = [_NAMES.get(kind, kind) for kind in (kinds if isinstance(kinds, list) else [kinds])]
    return " or ".join(dict.fromkeys(name for name in names if name))


_NAMES = {"string": "text", "array": "list", "object": "mapping", "boolean": "true or false", "null": ""}


def _choices(values: list[str]) -> str:
    return ", ".join(f"`{value}`" for value in values)


def _default(info: FieldInfo) -> str:
    default = info.default
    if info.is_required():
        return "**required**"
    if default is None or default in ((), "") or isinstance(default, BaseModel):
        return ""
    if isinstance(default, tuple):
        return "`[" + ", ".join(f'"{item}"' for item in default) + "]`"
    if isinstance(default, bool):
        return f"`{str(default).lower()}`"
    return f"`{default.value if isinstance(default, Enum) else default}`"


def _layouts() -> str:
    layout = layout_named("trade_print")
    rows = [f"| `{c.name}` | `{c.type}` | {'yes' if c.required else ''} | {c.description} |" for c in layout.columns]
    return "\n".join(
        [
            f"## Layout `{layout.name}`\n",
            f"{layout.description}. Key: `{', '.join(layout.key)}`; event time: `{layout.event_time}`.\n",
            "| column | type | required | |",
            "|---|---|---|---|",
            *rows,
            "",
        ]
    )


def _builtins() -> str:
    rows = [f"| `{name}` | {load_contract(name).description} |" for name in builtin_names()]
    return "\n".join(["## Built-in contracts\n", "| name | |", "|---|---|", *rows, ""])


if __name__ == "__main__":
    sys.stdout.write(reference_text())
