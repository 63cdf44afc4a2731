"""The templates of jobs: each the platform's own file format, with ``${names}`` where a job differs from another.

``${name}`` alone is replaced by the value as it is: a number stays one, and a list in a list is spliced into it. Inside
a longer text it is replaced by its text. Where the value is nothing, the key or item that it stands for is left out,
and so is what is empty then.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

import trade_ingest
from trade_ingest.errors import UsageError

_NAME = re.compile(r"\$\{(?:var\.)?(\w+)\}")
"""``${name}``, or ``${var.name}``, as Databricks' bundles have it."""

_NOTHING = object()


def templates_folder() -> Path:
    """The folder ``cloud_jobs`` of the installed package, or of the checkout that the package is used from."""
    package = Path(trade_ingest.__file__).parent
    installed = package / "cloud_jobs"
    return installed if installed.is_dir() else package.parents[1] / "cloud_jobs"


def read_template(path: Path) -> dict[str, Any]:
    """A template, as it is.

    Raises:
        UsageError: it cannot be read, or is no JSON or YAML object.
    """
    try:
        text = path.read_text(encoding="utf-8")
        document = json.loads(text) if path.suffix == ".json" else yaml.safe_load(text)
    except OSError as exc:
        raise UsageError(f"{path}: {exc.strerror}", hint="name the template's file") from None
    except (ValueError, yaml.YAMLError) as exc:
        raise UsageError(f"{path}: cannot be read: {exc}") from None
    if not isinstance(document, dict):
        raise UsageError(f"{path}: expected an object, found {type(document).__name__}")
    return document


def fill(template: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """The template with the values in place of their names.

    Raises:
        UsageError: it asks for names that there are no values for; all are listed.
    """
    unknown = sorted({name for name in _names(template) if name not in values})
    if unknown:
        message = f"the template asks for {', '.join(unknown)}, which this platform has no values for"
        raise UsageError(message, hint=f"it may ask for: {', '.join(sorted(values))}")
    filled = _filled(template, values)
    return filled if isinstance(filled, dict) else {}


def _names(node: Any) -> Iterator[str]:  # noqa: ANN401  # whatever JSON has
    if isinstance(node, str):
        yield from _NAME.findall(node)
    elif isinstance(node, Mapping):
        for key, value in node.items():
            yield from _names(key)
            yield from _names(value)
    elif isinstance(node, list):
        for item in node:
            yield from _names(item)


def _filled(node: Any, values: Mapping[str, Any]) -> Any:  # noqa: ANN401
    if isinstance(node, str):
        return _filled_text(node, values)
    if isinstance(node, Mapping):
        pairs = [(_filled_text(str(key), values), _filled(value, values)) for key, value in node.items()]
        return _or_nothing({key: value for key, value in pairs if value is not _NOTHING}, node)
    if isinstance(node, list):
        return _or_nothing([part for item in node for part in _items(item, values)], node)
    return node


def _items(item: Any, values: Mapping[str, Any]) -> list[Any]:  # noqa: ANN401
    value = _filled(item, values)
    if value is _NOTHING:
        return []
    return list(value) if isinstance(item, str) and isinstance(value, list) else [value]


def _or_nothing(filled: Any, node: Any) -> Any:  # noqa: ANN401
    return _NOTHING if node and not filled else filled


def _filled_text(text: str, values: Mapping[str, Any]) -> Any:  # noqa: ANN401
    if match := _NAME.fullmatch(text):
        value = values[match[1]]
        return _NOTHING if value is None else value
    if any(values[name] is None for name in _NAME.findall(text)):
        return _NOTHING
    return _NAME.sub(lambda match: str(values[match[1]]), text)
