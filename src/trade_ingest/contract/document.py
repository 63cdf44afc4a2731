"""YAML as text: every scalar stays what was written, and every key and value knows its line.

YAML's implicit types are a trap for data about trades: ``NO``, ``ON`` and ``null`` are symbols, ``1e5`` and
``2024-01-02`` are cells. Here no plain scalar is ever turned into a boolean, a number or a date: the contract's model,
which knows what it expects, reads the text. The one exception is NULL: ``~``, ``null`` or nothing as the plain value
of a key is ``None`` (``quote: null``); in a list, as a key, or in quotes it is text (``null_tokens: [NA, null]``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

import yaml

from trade_ingest.contract.problems import Path, Problem, contract_error

MAX_CHARACTERS = 1 << 20
"""A longer text is no contract: the largest real one has some tens of kilobytes."""

Tree: TypeAlias = "dict[str, Tree] | list[Tree] | str | None"
"""What a document holds."""

_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_PLAIN_TAGS = frozenset(f"tag:yaml.org,2002:{kind}" for kind in ("str", "seq", "map"))


@dataclass(frozen=True, slots=True)
class Document:
    """A YAML document: mappings, lists, texts and ``None``; the line of each path; what is wrong with it."""

    data: Tree
    lines: Mapping[Path, int]
    problems: tuple[Problem, ...]

    def line(self, path: Path) -> int:
        """The 1-based line of the value at ``path``, or of the innermost thing on the way to it that exists."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)

    def path_text(self, path: Path) -> str:
        """``columns[price].type`` for ``("columns", 2, "type")``; an item without a name keeps its 0-based index."""
        text, node = "", self.data
        for part in path:
            node = member(node, part)
            name = node.get("name") if isinstance(node, dict) else None
            text += f"[{name if isinstance(name, str) else part}]" if isinstance(part, int) else f".{part}"
        return text.removeprefix(".")


def member(node: Tree, part: str | int) -> Tree:
    """The value of a key, or the item at an index; ``None`` if there is none."""
    if isinstance(node, dict) and isinstance(part, str):
        return node.get(part)
    if isinstance(node, list) and isinstance(part, int) and part < len(node):
        return node[part]
    return None


def read_document(text: str, *, origin: str) -> Document:
    """Read one YAML document.

    Keys given twice, explicit tags and keys that are no scalars are listed in the result's ``problems``.

    Raises:
        ContractError: the text is not YAML, holds several documents, aliases or nesting without end, or is larger
            than ``MAX_CHARACTERS``.
    """
    if len(text) > MAX_CHARACTERS:
        raise contract_error(origin, [Problem(1, "", f"more than {MAX_CHARACTERS} characters are no contract")])
    try:
        node = yaml.compose(text, Loader=_TextLoader)
        reading = _Reading({}, [])
        data = None if node is None else reading.value(node, ())
    except yaml.MarkedYAMLError as exc:
        raise contract_error(origin, [_syntax_problem(exc)]) from exc
    except yaml.reader.ReaderError as exc:
        line = text.count("\n", 0, exc.position) + 1
        raise contract_error(
            origin, [Problem(line, "", f"character U+{ord(text[exc.position]):04X} is not YAML")]
        ) from exc
    except RecursionError as exc:
        raise contract_error(origin, [Problem(1, "", "nested too deeply")]) from exc
    return Document(data, reading.lines, tuple(reading.problems))


def _syntax_problem(exc: yaml.MarkedYAMLError) -> Problem:
    mark = exc.problem_mark or exc.context_mark
    message = " ".join(part for part in (exc.context, exc.problem) if part)
    if mark is None:
        return Problem(1, "", f"not YAML: {message}")
    return Problem(mark.line + 1, "", f"not YAML: column {mark.column + 1}: {message}")


class _TextLoader(yaml.BaseLoader):
    """A loader that resolves no types, and refuses aliases: they grow without end and hide what a line says."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            event = self.peek_event()  # type: ignore[no-untyped-call]
            raise yaml.composer.ComposerError(
                None, None, f"alias *{event.anchor}: write it out, a contract has no aliases", event.start_mark
            )
        return super().compose_node(parent, index)


@dataclass(frozen=True, slots=True)
class _Reading:
    """The lines and problems found so far."""

    lines: dict[Path, int]
    problems: list[Problem]

    def value(self, node: yaml.Node, path: Path) -> Tree:
        self.lines.setdefault(path, _line(node))
        if node.tag not in _PLAIN_TAGS:
            self._add(node, path, f"tag {node.tag} is not for contracts; write the bare value")
        if isinstance(node, yaml.MappingNode):
            return {key: self._member(child, (*path, key)) for key, child in self._members(node, path)}
        if isinstance(node, yaml.SequenceNode):
            return [self.value(child, (*path, i)) for i, child in enumerate(node.value)]
        return str(node.value)

    def _member(self, node: yaml.Node, path: Path) -> Tree:
        if isinstance(node, yaml.ScalarNode) and node.style is None and node.value in _NULLS:
            return None
        return self.value(node, path)

    def _members(self, node: yaml.MappingNode, path: Path) -> Iterator[tuple[str, yaml.Node]]:
        first: dict[str, int] = {}
        for key, child in node.value:
            if not isinstance(key, yaml.ScalarNode):
                self._add(key, path, "a key must be a single word")
            elif key.value in first:
                self._add(key, (*path, key.value), f"key given twice, first on line {first[key.value]}")
            else:
                first[key.value] = _line(key)
                self.lines[*path, key.value] = _line(key)
                yield key.value, child

    def _add(self, node: yaml.Node, path: Path, message: str) -> None:
        self.problems.append(Problem(_line(node), ".".join(map(str, path)), message))


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1
