"""Pydantic's findings in the words of a contract's author."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from zoneinfo import available_timezones

from pydantic_core import ErrorDetails

from trade_ingest.contract.model import (
    About,
    Column,
    Contract,
    CurrentView,
    Delivery,
    Drift,
    FileFormat,
    Model,
    RejectLimit,
    RowRule,
    Target,
    Trailer,
)
from trade_ingest.contract.problems import Path
from trade_ingest.contract.suggestion import did_you_mean
from trade_ingest.contract.types import Kind

MODELS: Mapping[Path, type[Model]] = {
    (): Contract,
    ("about",): About,
    ("format",): FileFormat,
    ("format", "trailer"): Trailer,
    ("columns",): Column,
    ("rules",): RowRule,
    ("target",): Target,
    ("target", "current_view"): CurrentView,
    ("rejects",): RejectLimit,
    ("drift",): Drift,
    ("delivery",): Delivery,
}
"""The model at each place of a contract; list indices are left out of the path."""

_SQL_WORDS = {
    "string": "text",
    "varchar": "text",
    "str": "text",
    "int": "integer",
    "bigint": "integer",
    "bool": "boolean",
    "datetime": "timestamp",
    "timestamptz": "timestamp",
    "number": "decimal(38,10)",
    "numeric": "decimal(38,10)",
    "float": "decimal(38,10)",
    "double": "decimal(38,10)",
    "jsonb": "json",
}
_UNIONS = {"values": "must be a list of cells, or a mapping of cells to stored values"}


def wording(error: ErrorDetails, path: Path) -> tuple[str, str]:
    """What is wrong at ``path``, and what to write instead (or an empty string)."""
    if path[-1:] and path[-1] in _UNIONS and len(path) < len(error["loc"]):
        return _UNIONS[str(path[-1])], ""
    say = _WORDINGS.get(error["type"])
    return say(error, path) if say else (_lower_first(error["msg"]), "")


def key_names(model: type[Model]) -> list[str]:
    """The keys of a mapping, as they are written in YAML."""
    return [info.alias or name for name, info in model.model_fields.items()]


def _unknown_key(_: ErrorDetails, path: Path) -> tuple[str, str]:
    key = str(path[-1])
    place = tuple(part for part in path[:-1] if isinstance(part, str))
    expected = key_names(MODELS[place])
    hint = did_you_mean(key, expected)
    homes = [
        ".".join(map(str, home)) or "the contract itself" for home, model in MODELS.items() if key in key_names(model)
    ]
    if homes:
        hint = f"it is a key of {' and '.join(homes)}"
    return f"unknown key `{key}`", hint or f"keys: {', '.join(expected)}"


def _not_one_of(error: ErrorDetails, _: Path) -> tuple[str, str]:
    found = error["input"]
    expected = re.findall(r"'([^']*)'", error["ctx"]["expected"])
    message = f"{_shown(found)} is not one of {', '.join(expected)}"
    return message, did_you_mean(found, expected) if isinstance(found, str) else ""


def _value_error(error: ErrorDetails, path: Path) -> tuple[str, str]:
    message = str(error["ctx"]["error"])
    found = str(error["input"])
    if path[-1:] == ("zone",):
        return message, did_you_mean(found, available_timezones())
    if path[-1:] != ("type",):
        return message, ""
    if re.fullmatch(r"\s*decimal\([\s\d]*", found):
        return message, 'within braces it needs quotes: `type: "decimal(38,10)"`'
    word = re.split(r"\W", found.strip().lower())[0]
    if word in _SQL_WORDS:
        return message, f"did you mean `{_SQL_WORDS[word]}`?"
    hint = "" if word in [*Kind] and "(" in found else did_you_mean(word, [*Kind])
    return message, hint.replace("`decimal`", f"`decimal{found.strip()[len(word) :] or '(38,10)'}`")


def _identifier(error: ErrorDetails, _: Path) -> tuple[str, str]:
    found = str(error["input"])
    candidate = re.sub(r"[^a-z0-9_]+", "_", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", found).lower()).strip("_")[:63]
    hint = f"write `{candidate}`" if re.fullmatch(r"[a-z_][a-z0-9_]*", candidate) else ""
    return f"{found!r} is not a lower-case SQL identifier of at most 63 characters", hint


def _of_kind(expected: str) -> Callable[[ErrorDetails, Path], tuple[str, str]]:
    return lambda error, _: (f"must be {expected}, not {_shown(error['input'])}", "")


def _limit(comparison: str, key: str) -> Callable[[ErrorDetails, Path], tuple[str, str]]:
    return lambda error, _: (f"must be {comparison} {error['ctx'][key]:g}, not {_shown(error['input'])}", "")


def _too_long(error: ErrorDetails, _: Path) -> tuple[str, str]:
    most = error["ctx"]["max_length"]
    return f"must be {'one character' if most == 1 else f'at most {most} characters'}, not {_shown(error['input'])}", ""


def _too_short(_: ErrorDetails, __: Path) -> tuple[str, str]:
    return "must not be empty", ""


_WORDINGS: Mapping[str, Callable[[ErrorDetails, Path], tuple[str, str]]] = {
    "missing": lambda _, path: (f"`{path[-1]}` is missing", ""),
    "extra_forbidden": _unknown_key,
    "literal_error": _not_one_of,
    "enum": _not_one_of,
    "value_error": _value_error,
    "string_pattern_mismatch": _identifier,
    "string_type": _of_kind("text"),
    "string_too_long": _too_long,
    "string_too_short": _too_short,
    "too_short": _too_short,
    "int_parsing": _of_kind("a whole number"),
    "int_type": _of_kind("a whole number"),
    "float_parsing": _of_kind("a number"),
    "float_type": _of_kind("a number"),
    "finite_number": _of_kind("a finite number"),
    "bool_parsing": _of_kind("true or false"),
    "bool_type": _of_kind("true or false"),
    "tuple_type": _of_kind("a list"),
    "model_type": _of_kind("a mapping"),
    "dict_type": _of_kind("a mapping"),
    "greater_than_equal": _limit("at least", "ge"),
    "less_than_equal": _limit("at most", "le"),
}


def _shown(found: object) -> str:
    if found is None:
        return "nothing (NULL)"
    if isinstance(found, dict):
        return "a mapping"
    return "a list" if isinstance(found, list) else repr(found)


def _lower_first(message: str) -> str:
    return message[:1].lower() + message[1:]
