"""What is built of the dashboard: its types, its size, its way into the wheel."""

import gzip
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from trade_ingest.api.dashboard import FOLDER

REPOSITORY = Path(__file__).parents[3]
FRONTEND = REPOSITORY / "frontend"
MOST_SCRIPT_BYTES = 200_000
SCREENS = 11
AT_ONCE = r"""(?:from|import)\s*["'`]\./([\w.-]+\.js)["'`]"""
LATER = r"""import\(["'`]\./([\w.-]+\.js)["'`]\)"""


def run(*words, **options):
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = os.environ | {"PATH": path, "NG_CLI_ANALYTICS": "false"}
    done = subprocess.run(words, env=environment, capture_output=True, text=True, timeout=200, check=False, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_types_are_those_of_the_specification(tmp_path):
    """`make docs` writes them again."""
    run("node_modules/.bin/openapi-ts", "--output", str(tmp_path / "types"), "--no-log-file", cwd=FRONTEND)

    made = (tmp_path / "types" / "types.gen.ts").read_text()
    assert made == (FRONTEND / "src" / "app" / "api" / "types.gen.ts").read_text()


def with_imports(names):
    """Scripts of the build and all that they import at once, however far."""
    found, new = set(), set(names)
    while new:
        found |= new
        texts = [(FOLDER / name).read_text() for name in new]
        new = {name for text in texts for name in re.findall(AT_ONCE, text)} - found
    return found


def test_first_load_is_small():
    """Of whichever screen: the scripts that the page names, the screen's, and what they import at once, compressed."""
    if not (FOLDER / "index.html").is_file():
        pytest.fail("the dashboard is not built: make dashboard")
    page = (FOLDER / "index.html").read_text()
    named = {path.name for path in FOLDER.glob("*.js") if path.name in page}
    screens = {screen for name in named for screen in re.findall(LATER, (FOLDER / name).read_text())}

    sizes = {
        screen: sum(len(gzip.compress((FOLDER / name).read_bytes())) for name in with_imports({*named, screen}))
        for screen in screens
    }
    assert len(screens) >= SCREENS
    assert {screen: size for screen, size in sizes.items() if size >= MOST_SCRIPT_BYTES} == {}


def test_page_names_no_other_host_and_has_no_script_of_its_own():
    page = (FOLDER / "index.html").read_text()

    assert "//" not in page
    assert "<script>" not in page
    assert "onload=" not in page


def test_wheel_has_the_dashboard(tmp_path):
    run(
        *(sys.executable, "-m", "pip", "wheel", "--quiet", "--disable-pip-version-check"),
        *("--no-deps", "--no-build-isolation", "--wheel-dir", str(tmp_path), str(REPOSITORY)),
    )

    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = {name.removeprefix("trade_ingest/api/static/") for name in archive.namelist() if "/static/" in name}
    assert names == {str(path.relative_to(FOLDER)) for path in FOLDER.rglob("*") if path.is_file()}
