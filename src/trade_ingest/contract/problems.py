"""What is wrong with a contract, and where: the facts that a ``ContractError`` carries."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from trade_ingest.errors import ContractError

Path = tuple[str | int, ...]
"""Keys and 0-based list indices from a contract's root, e.g. ``("columns", 2, "type")``."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with a contract.

    ``line`` is the 1-based line of the YAML text, ``path`` the dotted path of the key with names in place of list
    indices where the item has one (``columns[price].type``), ``hint`` what to write instead, or an empty string.
    """

    line: int
    path: str
    message: str
    hint: str = ""

    def __str__(self) -> str:
        where = f"{self.path}: " if self.path else ""
        return f"{where}{self.message}{'; ' if self.hint else ''}{self.hint}"


@dataclass(frozen=True, slots=True)
class Inconsistency:
    """Two parts of a contract, each well-formed by itself, that do not go together.

    ``rests_on`` are the paths of other parts that the finding presumes to be right: where one of those is itself
    wrong, the finding is void.
    """

    path: Path
    message: str
    hint: str = ""
    rests_on: tuple[Path, ...] = ()

    def __str__(self) -> str:
        return f"{self.message}{'; ' if self.hint else ''}{self.hint}"

    def under(self, *prefix: str | int) -> Inconsistency:
        """The same finding, seen from further up."""
        return Inconsistency(
            (*prefix, *self.path), self.message, self.hint, tuple((*prefix, *path) for path in self.rests_on)
        )


def joined(findings: Iterable[Inconsistency]) -> str:
    """The findings as one text, for a model that is made in Python rather than read from YAML."""
    return "; ".join(str(finding) for finding in findings)


def contract_error(origin: str, problems: Iterable[Problem]) -> ContractError:
    """The error that lists every problem, one per line as ``origin:line: path: what``, in the order of the lines."""
    ordered = tuple(sorted(set(problems), key=lambda p: (p.line, p.path, p.message)))
    return ContractError(
        "\n".join(f"{origin}:{problem.line}: {problem}" for problem in ordered),
        hint="docs/reference/contract.md describes every key of a contract",
        origin=origin,
        problems=ordered,
    )
