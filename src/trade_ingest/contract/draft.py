"""As much of a contract as is well-formed, so that one reading finds all that is wrong with it."""

from __future__ import annotations

from collections.abc import Iterable
from copy import deepcopy
from dataclasses import dataclass

from pydantic import ValidationError

from trade_ingest.contract.document import Tree, member
from trade_ingest.contract.model import COLLECT, Contract
from trade_ingest.contract.problems import Inconsistency, Path
from trade_ingest.contract.wording import wording


@dataclass(frozen=True, slots=True)
class Draft:
    """A contract whose parts have not been checked against each other yet.

    Attributes:
        contract: the contract, with harmless stand-ins for what is wrong; ``None`` if nothing can be made of it.
        flaws: what is wrong with single parts.
    """

    contract: Contract | None
    flaws: tuple[Inconsistency, ...]

    def is_void(self, finding: Inconsistency) -> bool:
        """Whether a finding about the contract is about a stand-in, or rests on one."""
        return any(
            path[: len(flaw.path)] == flaw.path for path in (finding.path, *finding.rests_on) for flaw in self.flaws
        )


def draft_contract(data: Tree) -> Draft:
    """Validate each part of a contract by itself; never raises."""
    try:
        return Draft(Contract.model_validate(data, context=COLLECT), ())
    except ValidationError as exc:
        errors = exc.errors(include_url=False)
    repaired = deepcopy(data)
    flaws: dict[Path, Inconsistency] = {}
    for error in errors:
        path = _path_in(data, error["loc"])
        if error["type"] == "too_short" and _at(data, path):
            continue  # pydantic counts the right items only
        if error["type"] == "missing":
            path = (*path, error["loc"][-1])
        flaws.setdefault(path, Inconsistency(path, *wording(error, path)))
        _repair(repaired, path, is_unknown=error["type"] == "extra_forbidden")
    return Draft(_validated(repaired), tuple(flaws.values()))


def _validated(repaired: Tree) -> Contract | None:
    try:
        return Contract.model_validate(repaired, context=COLLECT)
    except ValidationError:  # what is left can be judged once the rest is right
        return None


def _path_in(data: Tree, loc: Path) -> Path:
    """``loc`` as far as it exists: without a missing key, or the name of a union's branch (``tuple[str, ...]``)."""
    path: list[str | int] = []
    node = data
    for part in loc:
        if not _has(node, part):
            break
        path.append(part)
        node = member(node, part)
    return tuple(path)


def _has(node: Tree, part: str | int) -> bool:
    return part in node if isinstance(node, dict) else isinstance(node, list) and part in range(len(node))


def _at(data: Tree, path: Iterable[str | int]) -> Tree:
    for part in path:
        data = member(data, part)
    return data


_STAND_INS: dict[str, Tree] = {
    "type": "text",
    "expression": "TRUE",
    "pattern": "",
    "event_time": "stand_in",
    "table": "stand_in",
    "latest": "stand_in",
    "by": ["stand_in"],
    "version": "1",
    "target": {"table": "stand_in"},
    "columns": [{"name": "stand_in", "type": "text"}],
}
"""What a required key gets in place of a wrong value; an optional one is left out."""


def _repair(data: Tree, path: Path, *, is_unknown: bool) -> None:
    """Put something harmless in place of what is wrong."""
    *way, last = path or ("",)
    node = _at(data, way)
    if isinstance(node, list) and isinstance(last, int):
        node[last] = _stand_in_item(way, last)
    elif isinstance(node, dict) and isinstance(last, str):
        node.pop(last, None)
        if last == "name" and not is_unknown:
            node["name"] = f"stand_in_{way[-1] if way else 'contract'}"
        elif last in _STAND_INS and not is_unknown and (way[:1], last) != (["columns"], "expression"):
            node[last] = deepcopy(_STAND_INS[last])


def _stand_in_item(way: list[str | int], index: int) -> Tree:
    if way == ["columns"]:
        return {"name": f"stand_in_{index}", "type": "text"}
    if way == ["rules"]:
        return {"name": f"stand_in_{index}", "expression": "TRUE"}
    return f"stand_in_{index}"
