"""Write the notebooks again in Databricks' source format, so that a workspace can import them from Git.

    python notebooks/to_databricks.py

The ``.ipynb`` files are the source; a test compares. Format: https://docs.databricks.com/en/notebooks/notebook-format.html
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
_CELL = "\n\n# COMMAND ----------\n\n"


def databricks_source(notebook: dict[str, Any]) -> str:
    """A notebook as a Python file that Databricks takes for a notebook."""
    cells = _CELL.join(_cell(cell["cell_type"], "".join(cell["source"])) for cell in notebook["cells"])
    return f"# Databricks notebook source\n{cells}\n"


def _cell(kind: str, text: str) -> str:
    if kind == "code":
        return text
    return "\n".join(f"# MAGIC {line}".rstrip() for line in f"%md\n{text}".split("\n"))


def main() -> None:
    """Write them all."""
    for path in sorted(FOLDER.glob("*.ipynb")):
        written = FOLDER / "databricks" / f"{path.stem}.py"
        written.write_text(databricks_source(json.loads(path.read_text(encoding="utf-8"))), encoding="utf-8")
        print(written)


if __name__ == "__main__":
    main()
