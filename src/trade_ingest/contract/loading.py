"""Load contracts: built-in ones by name, others from YAML files; a wrong one is refused with all that is wrong."""

from __future__ import annotations

from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path as FilePath

from trade_ingest.contract.consistency import column_problems, contract_problems, format_problems
from trade_ingest.contract.document import Document, read_document
from trade_ingest.contract.draft import draft_contract
from trade_ingest.contract.expressions import expression_problems
from trade_ingest.contract.model import Contract
from trade_ingest.contract.problems import Inconsistency, Problem, contract_error
from trade_ingest.contract.suggestion import did_you_mean
from trade_ingest.errors import ContractError, UnknownContractError


@cache
def builtin_names() -> tuple[str, ...]:
    """The names of the contracts that come with the package, sorted."""
    return tuple(sorted(item.name.removesuffix(".yaml") for item in _builtins().iterdir() if _is_yaml(item.name)))


def contract_text(name_or_path: str) -> str:
    """The YAML text of a contract.

    A built-in's name wins over a file of that name; write ``./name`` for the file.

    Raises:
        UnknownContractError: there is no such built-in and no such file.
        ContractError: the file cannot be read, or is not UTF-8.
    """
    if name_or_path in builtin_names():
        return (_builtins() / f"{name_or_path}.yaml").read_text(encoding="utf-8")
    try:
        return FilePath(name_or_path).read_text(encoding="utf-8-sig")
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError) as exc:
        raise _unknown(name_or_path) from exc
    except UnicodeDecodeError as exc:
        line = exc.object.count(b"\n", 0, exc.start) + 1
        problem = Problem(line, "", f"byte 0x{exc.object[exc.start]:02x} is not UTF-8")
        raise contract_error(name_or_path, [problem]) from exc
    except OSError as exc:
        message = f"{name_or_path}: {exc.strerror or exc}"
        raise ContractError(message, origin=name_or_path, problems=(Problem(1, "", str(exc.strerror)),)) from exc


def load_contract(name_or_path: str, *, compile_expressions: bool = True) -> Contract:
    """Load a built-in contract by name or a contract from a YAML file.

    Args:
        name_or_path: a name of ``builtin_names()``, or a path.
        compile_expressions: also check expressions and value regexes, which needs Polars. ``False`` is for a
            contract that passed before; built-in ones have, and are not checked again.

    Raises:
        UnknownContractError: there is no such built-in and no such file.
        ContractError: the contract is wrong; ``fields['problems']`` has every ``Problem``.
    """
    if name_or_path in builtin_names():
        return _builtin(name_or_path)
    text = contract_text(name_or_path)
    return parse_contract(text, origin=name_or_path, compile_expressions=compile_expressions)


@cache
def _builtin(name: str) -> Contract:
    return parse_contract(contract_text(name), origin=name, compile_expressions=False)


def parse_contract(text: str, *, origin: str, compile_expressions: bool = True) -> Contract:
    """Read a contract from YAML text; ``origin`` (a path, a name) is where the messages say it is from.

    Every problem is found in one go, each with its line: unknown keys, wrong values, references to nothing, parts
    that contradict each other, and, with ``compile_expressions``, expressions that do not compile.

    Raises:
        ContractError: the contract is wrong; ``fields['problems']`` has every ``Problem``.
    """
    document = read_document(text, origin=origin)
    problems = list(document.problems)
    draft = draft_contract(document.data)
    problems += [_problem(document, flaw) for flaw in draft.flaws]
    if draft.contract is not None:
        findings = _inconsistencies(draft.contract)
        if compile_expressions:
            findings += expression_problems(draft.contract)
        problems += [_problem(document, finding) for finding in findings if not draft.is_void(finding)]
    if draft.contract is None or problems:
        raise contract_error(origin, problems)
    return draft.contract


def _builtins() -> Traversable:
    return resources.files("trade_ingest.contract") / "builtin"


def _is_yaml(name: str) -> bool:
    return name.endswith((".yaml", ".yml"))


def _unknown(name_or_path: str) -> UnknownContractError:
    if "/" in name_or_path or _is_yaml(name_or_path):
        message, hint = f"no contract file {name_or_path}", "give the path of a YAML file, or a name;"
    else:
        message = f"no contract {name_or_path!r} is built in, and no such file exists"
        hint = did_you_mean(name_or_path, builtin_names())
    known = f"built in: {', '.join(builtin_names())}"
    return UnknownContractError(message, hint=f"{hint} {known}".strip(), name=name_or_path)


def _inconsistencies(contract: Contract) -> list[Inconsistency]:
    return [
        *(finding.under("format") for finding in format_problems(contract.format)),
        *(f.under("columns", i) for i, column in enumerate(contract.columns) for f in column_problems(column)),
        *contract_problems(contract),
    ]


def _problem(document: Document, finding: Inconsistency) -> Problem:
    return Problem(document.line(finding.path), document.path_text(finding.path), finding.message, finding.hint)
