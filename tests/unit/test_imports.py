"""Imports point one way, stay light, and give what the package promises."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import trade_ingest

PACKAGE = Path(trade_ingest.__file__).parent

LAYERS = [
    {"errors"},
    {"contract", "embedded"},
    {"source"},
    {"parse", "platform_errors"},
    {"ledger", "generate", "settings", "secret_stores"},
    {"load"},
    {"lake"},
    {"engine", "plan", "check", "archive", "trial"},
    {"run", "match"},
    {"engines"},
    {
        "pipeline",
        "replay",
        "rollback",
        "reconcile",
        "explain",
        "demo",
        "first_lines",
        "sample",
        "trades",
        "infer",
        "report",
    },
    {"doctor", "submit"},
    {"source_checks"},
    {"api"},
    {"cli", "spark"},
    {"notebook"},
    {"__main__", "__init__"},
]
"""The folders and modules of the package, the lowest first; each may import those of the lines above its own."""

HEAVY = ["polars", "pyarrow", "numpy", "psycopg", "pydantic", "click", "rich", "alembic"]
OPTIONAL = [
    "pyspark",
    "flask",
    "apiflask",
    "airflow",
    "boto3",
    "botocore",
    "google",
    "azure",
    "databricks",
    "kubernetes",
    "matplotlib",
    "IPython",
]

PUBLIC = {"baseline", "check", "explain", "infer", "ingest", "load_contract", "plan", "reconcile", "replay", "rollback"}


def part_of(path: Path) -> str:
    """The folder or module of the package that a file belongs to."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported_parts(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """The parts of the package that a module imports anywhere, also inside functions, with the line."""
    for node in ast.walk(tree):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"line {node.lineno}: a relative import"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        yield from ((node.lineno, name.split(".")[1]) for name in names if name.startswith("trade_ingest."))


def run_python(program: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)


def test_each_part_of_the_package_has_its_layer():
    parts = {part_of(path) for path in PACKAGE.rglob("*.py")}

    assert parts == set().union(*LAYERS)
    assert sum(map(len, LAYERS)) == len(parts)


def test_imports_go_downward_only():
    level = {part: number for number, parts in enumerate(LAYERS) for part in parts}
    upward = [
        f"{path.relative_to(PACKAGE)}:{line} imports {imported}"
        for path in sorted(PACKAGE.rglob("*.py"))
        for line, imported in imported_parts(ast.parse(path.read_text(encoding="utf-8")))
        if imported != part_of(path) and level[imported] >= level[part_of(path)]
    ]

    assert upward == []


def test_every_module_imports_without_spark_web_frameworks_and_cloud_kits():
    modules = sorted(
        ".".join(("trade_ingest", *path.relative_to(PACKAGE).with_suffix("").parts))
        for path in PACKAGE.rglob("*.py")
        if path.name not in {"__init__.py", "__main__.py"}
        and "migrations" not in path.parts  # alembic runs those
        and part_of(path) != "api"  # has its extra
    )
    done = run_python(
        f"import importlib, sys\nsys.modules.update(dict.fromkeys({OPTIONAL}))\n"
        f"for name in {modules}: importlib.import_module(name)"
    )

    assert len(modules) > 90
    assert (done.returncode, done.stderr) == (0, "")


def test_importing_the_package_imports_nothing_heavy():
    done = run_python(f"import sys, trade_ingest; print([name for name in {HEAVY} if name in sys.modules])")

    assert (done.returncode, done.stdout, done.stderr) == (0, "[]\n", "")


def test_files_of_this_machine_are_listed_and_read_without_obstore(tmp_path):
    (tmp_path / "a.csv").write_text("x\n")
    done = run_python(
        "import sys\n"
        "import trade_ingest.cli.commands.run, trade_ingest.engine.worker, trade_ingest.pipeline\n"
        "from trade_ingest.source.listing import list_files\n"
        "from trade_ingest.source.stream import read_chunks\n"
        f"content = b''.join(read_chunks(list_files([{str(tmp_path)!r}])[0]))\n"
        "print(content, 'obstore' in sys.modules)"
    )

    assert (done.stdout, done.stderr) == ("b'x\\n' False\n", "")


def test_public_names():
    assert set(trade_ingest.__all__) == PUBLIC
    assert set(dir(trade_ingest)) >= PUBLIC
    assert {name: getattr(trade_ingest, name).__name__ for name in PUBLIC} == {name: name for name in PUBLIC}
    with pytest.raises(AttributeError, match="no attribute 'coverage'"):
        trade_ingest.coverage  # noqa: B018


@pytest.mark.parametrize("module", ["check", "explain", "infer", "plan", "reconcile", "replay", "rollback"])
def test_public_function_is_not_lost_to_the_module_of_its_name(module):
    done = run_python(
        f"import trade_ingest\n"
        f"import trade_ingest.{module}\n"
        f"from trade_ingest import {module} as late\n"
        f"print(callable(late), callable(trade_ingest.{module}))"
    )

    assert (done.stdout, done.stderr) == ("True True\n", "")
