"""compose.yaml as Docker Compose reads it, and the words of its services as they are run on this machine."""

import json
import re
import shutil
import sys
import sysconfig
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[1]
SCRIPTS = Path(sysconfig.get_path("scripts"))
# $$ is a dollar; ${NAME}, ${NAME:-default}, ${NAME:?what is wrong}
_VARIABLE = re.compile(r"\$(?:\$|\{(?P<name>[A-Z_]+)(?::(?P<kind>[-?])(?P<rest>[^}]*))?\})")


class MissingVariableError(Exception):
    """What Docker Compose says of a variable that is required and not set."""


@dataclass(frozen=True)
class Variable:
    """A variable as it is asked for somewhere in the file."""

    name: str
    kind: str | None  # "?": required, "-": has a default
    rest: str


def variables(text: str) -> list[Variable]:
    """All variables in a text, in order."""
    return [Variable(m["name"], m["kind"], m["rest"] or "") for m in _VARIABLE.finditer(text) if m["name"]]


def interpolate(text: str, values: Mapping[str, str]) -> str:
    """A text with its variables' values."""

    def value(match: re.Match[str]) -> str:
        if match["name"] is None:
            return "$"
        found = values.get(match["name"], "")
        if not found and match["kind"] == "?":
            raise MissingVariableError(f"{match['name']}: {match['rest']}")
        return found or match["rest"] or ""

    return _VARIABLE.sub(value, text)


def entrypoint(target: str) -> list[str]:
    """The ENTRYPOINT that the Dockerfile gives an image."""
    stage = (ROOT / "Dockerfile").read_text().split(f" AS {target}\n")[1].split("\nFROM ")[0]
    return json.loads(re.search(r"^ENTRYPOINT (.*)$", stage, re.MULTILINE)[1])


@dataclass(frozen=True)
class Service:
    """A service whose variables have values."""

    name: str
    settings: dict[str, Any]

    @cached_property
    def words(self) -> list[str]:
        """What its container runs: entrypoint and command; Airflow's entrypoint is of its image."""
        is_ours = self.settings.get("build", {}).get("target") == "runtime"
        first = self.settings.get("entrypoint", entrypoint("runtime") if is_ours else [])
        return [*first, *self.settings.get("command", [])]

    @cached_property
    def health_words(self) -> list[str]:
        """What its health check runs."""
        kind, *words = self.settings["healthcheck"]["test"]
        return words if kind == "CMD" else ["/bin/sh", "-c", *words]

    @cached_property
    def environment(self) -> dict[str, str]:
        """Its variables."""
        return self.settings.get("environment", {})


def load(values: Mapping[str, str]) -> dict[str, Service]:
    """The services of compose.yaml with such values of its variables."""
    document = yaml.safe_load((ROOT / "compose.yaml").read_text())

    def filled(node: Any) -> Any:
        if isinstance(node, dict):
            return {key: filled(value) for key, value in node.items()}
        if isinstance(node, list):
            return [filled(value) for value in node]
        return interpolate(node, values) if isinstance(node, str) else node

    return {name: Service(name, filled(settings)) for name, settings in document["services"].items()}


def replaced(words: Iterable[str], replacements: Mapping[str, str]) -> list[str]:
    """The words with what differs on this machine: addresses, ports, folders. Each replacement must be needed."""
    words = list(words)
    for old, new in replacements.items():
        assert any(old in word for word in words), f"{old} is not in {words}"
        words = [word.replace(old, new) for word in words]
    return words


def on_this_machine(words: Iterable[str]) -> list[str]:
    """The words with the program of this machine in place of the image's."""
    program, *rest = words
    name = Path(program).name
    if name == "python":
        return [sys.executable, *rest]
    if name == "trade-ingest":
        return [sys.executable, "-m", "trade_ingest", *rest]
    found = SCRIPTS / name if (SCRIPTS / name).exists() else shutil.which(name)
    assert found, f"{name} is not on this machine"
    return [str(found), *rest]
