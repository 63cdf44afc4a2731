"""A page for each built-in contract: ``python -m trade_ingest.contract.pages docs/reference/feeds``."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

from trade_ingest.contract.loading import builtin_names, contract_text, load_contract
from trade_ingest.contract.model import Column, Contract

_FACTS = {
    "source": "Source of the layout",
    "time_zone": "Time zone",
    "id_scope": "Trade ids",
    "corrections": "Corrections",
}


def pages() -> dict[str, str]:
    """The text of each page, in Markdown, by file name; ``README.md`` lists the others."""
    contracts = [load_contract(name) for name in builtin_names()]
    return {"README.md": _index(contracts), **{f"{contract.name}.md": _page(contract) for contract in contracts}}


def _index(contracts: list[Contract]) -> str:
    rows = [f"| [`{c.name}`]({c.name}.md) | {_cell(c.description)} | `{c.target.table}` |" for c in contracts]
    return "\n".join(
        [
            "# Built-in contracts\n",
            f"{len(contracts)} layouts of files that are known by name:\n",
            "- `trade-ingest contracts match FILE` says which of them fits a file",
            "- `trade-ingest run FILES --contract NAME` loads by it\n",
            "These pages are made from the contracts.\n",
            "| contract | | target |",
            "|---|---|---|",
            *rows,
            "",
        ]
    )


def _page(contract: Contract) -> str:
    about = contract.about.model_dump() if contract.about else {}
    facts = [f"| {label} | {_cell(about[key])} |" for key, label in _FACTS.items() if key in about]
    columns = [f"| `{c.name}` | `{c.type}` | {_cell(_origin(c))} | {_cell(_meaning(c))} |" for c in contract.columns]
    key = ", ".join(f"`{name}`" for name in contract.key) or "none: a row is its file and its place in it"
    return "\n".join(
        [
            f"# {contract.name}\n",
            f"{contract.description}. Target: `{contract.target.qualified_name}`. Key: {key}.\n",
            f"{_comment(contract.name)}\n",
            "| | |",
            "|---|---|",
            *facts,
            *_format_facts(contract),
            "",
            "| column | type | from | |",
            "|---|---|---|---|",
            *columns,
            "",
            f"The contract itself: `trade-ingest contracts show {contract.name}`.\n",
        ]
    )


def _comment(name: str) -> str:
    """The comment that a contract begins with, as a paragraph."""
    lines = []
    for line in contract_text(name).splitlines()[1:]:
        if not line.startswith("#"):
            break
        lines.append(line.removeprefix("#").strip())
    return re.sub(r"([<>|*])", r"\\\1", " ".join(lines).strip())


def _format_facts(contract: Contract) -> Iterator[str]:
    form = contract.format
    named = {",": "commas", ";": "semicolons", "|": "pipes", "\t": "tabs"}
    header = "with a header" if form.header else "without a header"
    yield f"| Files | {header}, {named.get(form.delimiter, form.delimiter)} between fields, {form.encoding} |"
    if contract.path:
        yield f"| Name of a file | `{_cell(contract.path)}` |"
    if form.ignore_records:
        yield f"| Records that are no rows | `{_cell(form.ignore_records)}` |"
    if form.trailer:
        yield f"| Last record | `{_cell(form.trailer.pattern)}` |"


def _origin(column: Column) -> str:
    places = column.members if isinstance(column.members, dict) else {}
    ways = {
        "template": f"`{column.template}`",
        "members": {"rest": "all cells that no other column takes", "all": "all cells"}.get(str(column.members))
        or "cells " + ", ".join(f"`{name}` ({place})" for name, place in places.items()),
        "path_group": f"the file's name: `{column.path_group}`",
        "constant": f"always `{column.constant}`",
        "expression": f"`{' '.join((column.expression or '').split())}`",
        "position": f"field {column.position}",
    }
    found = next((text for key, text in ways.items() if getattr(column, key) is not None), None)
    return found or " or ".join(f"`{name}`" for name in column.header_names)


def _meaning(column: Column) -> str:
    parts = [column.description]
    if isinstance(column.values, dict):
        parts.append(", ".join(f"`{cell}` → `{value}`" for cell, value in column.values.items()))
    if column.epoch:
        parts.append(f"epoch, {column.epoch}")
    if column.since_midnight:
        parts.append(f"{column.since_midnight} since midnight")
    if column.format:
        parts.append(f"`{column.format}`")
    if column.zone:
        parts.append(column.zone)
    if column.multiply_by is not None:
        parts.append(f"times {column.multiply_by}")
    if not column.required:
        parts.append("may be NULL")
    return "; ".join(part for part in parts if part)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def write_pages(folder: Path) -> None:
    """Write the pages, and remove those of contracts that are gone."""
    made = pages()
    for old in folder.glob("*.md"):
        if old.name not in made:
            old.unlink()
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in made.items():
        (folder / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write_pages(Path(sys.argv[1]))
