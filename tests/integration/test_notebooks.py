"""The notebooks run as they are shipped, and their twins for Databricks are theirs."""

import importlib.util
import json
import os
import re
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from trade_ingest.embedded import stop

FOLDER = Path(__file__).parents[2] / "notebooks"
NOTEBOOKS = sorted(path.stem for path in FOLDER.glob("*.ipynb"))


def load(name: str) -> nbformat.NotebookNode:
    return nbformat.read(FOLDER / f"{name}.ipynb", as_version=4)


@pytest.fixture
def execute(server_directory, tmp_path):
    """Runs a notebook in a kernel whose home and embedded database are throw-away; gives its outputs, cell by cell."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("TRADE_INGEST_", "SPARK_"))}
    home = {"HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME", "IPYTHONDIR", "MPLCONFIGDIR", "TMPDIR"}
    environment = kept | dict.fromkeys(home, str(server_directory))

    def run(name: str) -> list[list[dict]]:
        notebook = load(name)
        client = NotebookClient(notebook, timeout=240, resources={"metadata": {"path": str(tmp_path)}})
        client.execute(env=environment)
        return [cell.outputs for cell in notebook.cells if cell.cell_type == "code"]

    yield run
    for version in server_directory.rglob("PG_VERSION"):
        if (version.parent / "postmaster.pid").exists():
            stop(version.parent.parent)


def texts(outputs: list[list[dict]]) -> str:
    """What the cells print and show, as text."""
    return "\n".join(
        output["text"] if output["output_type"] == "stream" else output["data"]["text/plain"]
        for cell in outputs
        for output in cell
        if output["output_type"] in {"stream", "display_data", "execute_result"}
    )


def shown(outputs: list[list[dict]]) -> list[str]:
    """The HTML of all cells."""
    return [output["data"]["text/html"] for cell in outputs for output in cell if "text/html" in output.get("data", {})]


def without_times(text: str) -> str:
    return re.sub(r"\d+\.\d s\b", "… s", text)


@pytest.mark.slow
def test_first_ingest(execute):
    outputs = execute("01_first_ingest")
    said = without_times(texts(outputs))

    assert "20,000 rows in 10 files, 80 of them bad" in said
    assert "plan trade_event → public.trade_event: 10 files to load" in said
    assert (
        "run 1 succeeded; files: 10 loaded, 0 skipped, 0 failed;"
        " rows: 20,000 read = 19,920 loaded + 0 duplicate + 80 rejected  ✓ balanced"
    ) in said
    assert "run 1: 20,000 rows of 10 files in … s" in said
    assert "public.trade_event: 10 days with rows from 2024-01-02 to 2024-01-15, 19,920 rows" in said
    assert "run 2 succeeded; files: 0 loaded, 10 skipped, 0 failed" in said
    assert "0 files to load, 0 B; 10 skipped (10 already loaded)" in said
    assert "2 runs" in said
    assert len(shown(outputs)) == 8
    assert sum("<svg" in html for html in shown(outputs)) == 2


@pytest.mark.slow
def test_explore_trades(execute):
    outputs = execute("02_explore_trades")
    said = texts(outputs)

    assert "20,000 rows in 5 files, 40 of them bad" in said
    assert re.search(r"\|\s*19960\|\s*5\|", said)
    assert "19,960 accepted, 40 rejected, 20,000 rows in the files" in said
    assert re.search(r"[A-Z]+: [\d,]+ rows in \d+ bars of 1h", said)
    assert re.search(r"[A-Z]+: [\d,]+ rows in \d+ bars of 4h", said)
    assert sum("<svg" in html for html in shown(outputs)) == 2


@pytest.mark.slow
def test_audit_a_run(execute):
    outputs = execute("03_audit_a_run")
    said = texts(outputs)
    replayed = re.search(r"replay: 80 rejects tried: (\d+) loaded, 0 duplicate, (\d+) still open", said)

    assert "rows: 20,000 read = 19,920 loaded + 0 duplicate + 80 rejected  ✓ balanced" in said
    assert "80 rejects exported" in said
    assert replayed
    loaded, left = map(int, replayed.groups())
    assert (loaded > 0, loaded + left) == (True, 80)
    assert f"80 rejects tried: {loaded} would be loaded, 0 duplicate, {left} still open" in said
    assert f"\n{left} rejects\n" in said
    assert f"reconciliation of 10 files, {19_920 + loaded:,} rows: agrees with the ledger" in said
    assert f"{19_920 + loaded:,} rows loaded, {19_920 + loaded:,} in the table" in said
    assert any("<mark>" in html for html in shown(outputs))


def test_there_are_three():
    assert NOTEBOOKS == ["01_first_ingest", "02_explore_trades", "03_audit_a_run"]


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_notebook_is_valid_and_holds_no_outputs(name):
    notebook = load(name)

    nbformat.validate(notebook)
    assert [cell for cell in notebook.cells if cell.get("outputs") or cell.get("execution_count")] == []
    assert set(notebook.metadata) == {"kernelspec", "language_info"}


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_databricks_notebook_is_that_of_the_notebook(name):
    spec = importlib.util.spec_from_file_location("to_databricks", FOLDER / "to_databricks.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    notebook = json.loads((FOLDER / f"{name}.ipynb").read_text(encoding="utf-8"))
    written = (FOLDER / "databricks" / f"{name}.py").read_text(encoding="utf-8")

    assert written == module.databricks_source(notebook), "run: python notebooks/to_databricks.py"
    compile(written, name, "exec")


def test_databricks_folder_has_no_other_notebooks():
    assert sorted(path.stem for path in (FOLDER / "databricks").glob("*.py")) == NOTEBOOKS


def test_databricks_source():
    spec = importlib.util.spec_from_file_location("to_databricks", FOLDER / "to_databricks.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    cells = [
        {"cell_type": "markdown", "source": ["# Title\n", "\n", "text"]},
        {"cell_type": "code", "source": ["a = 1\n", "a"]},
    ]

    assert module.databricks_source({"cells": cells}) == (
        "# Databricks notebook source\n# MAGIC %md\n# MAGIC # Title\n# MAGIC\n# MAGIC text\n\n"
        "# COMMAND ----------\n\na = 1\na\n"
    )
