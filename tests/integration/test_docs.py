"""What the documentation shows is what happens: its commands are run, and its generated pages compared.

A block marked ``console`` is a transcript: lines that begin with ``$ `` are commands for bash, those below one are
lines that it prints, in this order, where ``…`` stands for anything. A page's transcripts run one after the other, in
one folder and on one database; a block marked with a file's name is that file.
"""

import os
import re
import subprocess
import sys
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from trade_ingest.cli.reference import PAGES, REASONS
from trade_ingest.ledger import reference as ledger_reference
from trade_ingest.ledger.connection import open_connection
from trade_ingest.ledger.schema import upgrade
from trade_ingest.parse.reject import ReasonCode

ROOT = Path(__file__).parents[2]
DOCS = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
WITH_TRANSCRIPTS = [page for page in DOCS if "```console" in page.read_text(encoding="utf-8")]
BLOCK = re.compile(r"^```(\w*) ?([\w.-]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
CODE = re.compile(r"`[^`\n]*`")
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)|!\[[^\]]*\]\(([^)\s]+)\)")
BIN = Path(sys.executable).parent


@dataclass(frozen=True)
class Command:
    """A command that a page shows, with the lines that it is said to print."""

    line: str
    shown: tuple[str, ...]


def commands_of(page: Path, folder: Path) -> Iterator[Command]:
    for language, name, block in BLOCK.findall(page.read_text(encoding="utf-8")):
        if name:
            (folder / name).write_text(block, encoding="utf-8")
        elif language == "console":
            for entry in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
                line, *shown = entry.splitlines()
                yield Command(line, tuple(text for text in shown if text.strip() not in {"", "…"}))


def as_run_here(line: str) -> str:
    """Make's targets that set up `.venv` are not to do so in the middle of a test; the rest is as it is shown."""
    if line == "make setup":
        return f"make --dry-run -C '{ROOT}' setup"
    if line == ". .venv/bin/activate":
        return f"test -f '{BIN}/activate'"
    return re.sub(r"^make (\w+)$", rf"make --silent --old-file=setup -C '{ROOT}' BIN='{BIN}' \1", line)


def pattern_of(shown: str) -> re.Pattern[str]:
    words = [".*?".join(map(re.escape, word.split("…"))) for word in shown.split()]
    return re.compile(r"\s*" + r"\s+".join(words).replace(r"\s+.*?\s+", r"\s.*?") + r"\s*")


def missing_lines(shown: tuple[str, ...], printed: list[str]) -> list[str]:
    """The shown lines that were not printed, in their order."""
    missing, rest = [], iter(printed)
    for text in shown:
        if not any(pattern_of(text).fullmatch(line) for line in rest):
            missing.append(text)
            rest = iter(())
    return missing


@pytest.fixture
def environment(database_url, server_directory) -> dict[str, str]:
    """No settings from outside; the embedded server's place is a throw-away one."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TRADE_INGEST_")}
    return kept | {
        "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
        "TRADE_INGEST_DATABASE_URL": database_url,
        "HOME": str(server_directory),
        "XDG_DATA_HOME": str(server_directory),
        "COLUMNS": "160",
        "NO_COLOR": "1",
    }


@pytest.mark.slow
@pytest.mark.parametrize("page", WITH_TRANSCRIPTS, ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_print_what_the_page_shows(page, tmp_path, environment):
    for command in commands_of(page, tmp_path):
        line = as_run_here(command.line)
        # the demonstration wants a database of its own: the embedded one, in the throw-away folder
        settings = environment if not line.startswith("make") else environment | {"TRADE_INGEST_DATABASE_URL": ""}
        done = subprocess.run(
            ["bash", "-c", line],
            cwd=tmp_path,
            env=settings,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"$ {command.line}\n{done.stdout}"
        missing = missing_lines(command.shown, done.stdout.splitlines())
        assert missing == [], f"$ {command.line}\n{done.stdout}"


@pytest.mark.parametrize("page", [ROOT / "README.md", ROOT / "docs" / "tutorial.md"], ids=lambda page: page.name)
def test_commands_that_are_not_run_need_a_server_of_ones_own(page):
    blocks = [
        text for language, _, text in BLOCK.findall(page.read_text(encoding="utf-8")) if language in {"sh", "bash"}
    ]

    assert [text for text in blocks if "db.example" not in text] == []


@pytest.mark.parametrize(
    "page",
    [
        *(page for page in DOCS if "template" not in page.name),
        *(ROOT / name for name in ("ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md")),
        *sorted(page for folder in ("cloud_jobs", "deploy") for page in (ROOT / folder).rglob("README.md")),
    ],
    ids=lambda page: str(page.relative_to(ROOT)),
)
def test_links_lead_somewhere(page):
    text = CODE.sub("", BLOCK.sub("", page.read_text(encoding="utf-8")))
    broken = []
    for link in filter(None, (a or b for a, b in LINK.findall(text))):
        if link.startswith("https://"):
            continue
        path, _, anchor = link.partition("#")
        found = page.parent / path if path else page
        if not found.exists() or (anchor and anchor not in anchors_of(found)):
            broken.append(link)

    assert broken == []


def test_each_guide_and_each_reference_is_linked_from_the_readme():
    links = {a or b for a, b in LINK.findall((ROOT / "README.md").read_text(encoding="utf-8"))}
    pages = [page for folder in ("how-to", "reference") for page in (ROOT / "docs" / folder).glob("*.md")]

    assert {str(page.relative_to(ROOT)) for page in pages} - links == set()


def anchors_of(page: Path) -> set[str]:
    """GitHub's names of a page's headings."""
    headings = re.findall(r"^#+ (.*)$", BLOCK.sub("", page.read_text(encoding="utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_the_rights_that_the_page_grants_are_enough(tmp_path, environment, database_url):
    (page, *_) = BLOCK.findall((ROOT / "docs" / "how-to" / "your-own-server.md").read_text(encoding="utf-8"))
    role, database = f"loader_{uuid.uuid4().hex}", conninfo_to_dict(database_url)["dbname"]
    statements = [line for line in page[2].splitlines() if not line.startswith(("CREATE DATABASE", "\\connect"))]
    with psycopg.connect(database_url, autocommit=True) as connection:
        for statement in statements:
            connection.execute(re.sub(r"\btrades\b", str(database), re.sub(r"\bloader\b", role, statement)))
    url = make_conninfo(database_url, user=role)
    script = (
        "trade-ingest generate --output trades --rows 1000 --files 2 --bad-ratio 0.01 && trade-ingest doctor"
        " && trade-ingest run trades && trade-ingest generate --output trades --rows 1000 --files 2 --force"
        " && trade-ingest run trades && trade-ingest rollback 3 --yes && trade-ingest reconcile"
    )
    try:
        done = subprocess.run(
            ["bash", "-c", script],
            cwd=tmp_path,
            env=environment | {"TRADE_INGEST_DATABASE_URL": url},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert "agrees with the ledger" in done.stdout
    finally:
        with psycopg.connect(database_url, autocommit=True) as connection:
            connection.execute(sql.SQL("DROP OWNED BY {0} CASCADE").format(sql.Identifier(role)))
            connection.execute(sql.SQL("DROP ROLE {0}").format(sql.Identifier(role)))


@pytest.mark.parametrize("name", PAGES)
def test_generated_page_is_that_of_the_code(name):
    page = ROOT / "docs" / "reference" / f"{name}.md"

    assert page.read_text(encoding="utf-8") == PAGES[name](), "run `make docs`"


def test_ledger_page_is_that_of_a_migrated_database(database_url):
    upgrade(database_url)
    with open_connection(database_url) as connection:
        text = ledger_reference.reference_text(connection)

    assert (ROOT / "docs" / "reference" / "ledger.md").read_text(encoding="utf-8") == text, "run `make docs`"


def test_each_reject_code_is_explained():
    assert set(REASONS) == set(ReasonCode)


@pytest.mark.parametrize(
    ("shown", "printed", "is_right"),
    [
        ("run 1 succeeded in …  a → b", "run 1 succeeded in 0.5 s  a → b", True),
        ("run 1 succeeded in …  a → b", "run 2 succeeded in 0.5 s  a → b", False),
        ("FILE … ROWS", "FILE   ROWS", True),
        ("…/x.csv 10", "  /tmp/x.csv   10 ", True),
        ("10 rows", "110 rows", False),
    ],
)
def test_shown_lines_are_told_from_others(shown, printed, is_right):
    assert (missing_lines((shown,), [printed]) == []) is is_right
