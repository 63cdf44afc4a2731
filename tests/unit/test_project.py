"""What must hold for the project's own files: they name no machine, no package index, and leave nothing unpinned."""

import json
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
LOCKS = ["requirements.lock", "requirements-dev.lock"]
# In pieces, so that this file does not contain what it looks for.
REGISTRIES = ["pypi" + ".org", "python" + "hosted.org", "npm" + "js.com", "npm" + "js.org", "deb.deb" + "ian.org"]
FORBIDDEN = {
    "a package index": "|".join(re.escape(host) for host in REGISTRIES),
    "an index option": r"(?m)^\s*(--(extra-)?index-url|--find-links|--trusted-host|-i |-f )",
    "a path of one machine": r"(?<![\w.}/-])/(" + "work|ro" + r"ot)/",
}


def project_files() -> list[Path]:
    """Every file that is or could be committed."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode != 0:
        pytest.skip("not a git checkout")
    return [path for name in listed.stdout.split("\0") if name and (path := ROOT / name).is_file()]


def text_of(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:  # an image, or sample data in another encoding
        return ""


def pinned_requirements(lock: str) -> list[tuple[Requirement, list[str]]]:
    """The requirements of a lock file, each with its hashes."""
    logical_lines = re.sub(r"\\\n", " ", (ROOT / lock).read_text()).splitlines()
    pinned = []
    for line in logical_lines:
        if line.strip() and not line.lstrip().startswith("#"):
            requirement, *hashes = line.split(" --hash=")
            pinned.append((Requirement(requirement.strip()), [value.strip() for value in hashes]))
    return pinned


def project_requirements(lock: str) -> list[Requirement]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    declared = list(project["project"]["dependencies"])
    if lock == "requirements-dev.lock":
        declared += project["dependency-groups"]["dev"]
    return [Requirement(line) for line in declared]


@pytest.mark.parametrize("what", FORBIDDEN)
def test_no_file_names(what):
    pattern = re.compile(FORBIDDEN[what])
    found = {
        f"{path.relative_to(ROOT)}: {match[0]}" for path in project_files() for match in pattern.finditer(text_of(path))
    }

    assert found == set()


@pytest.mark.parametrize("lock", [*LOCKS, "requirements-airflow.lock", "requirements-airflow-providers.lock"])
def test_each_requirement_of_a_lock_is_one_version_with_hashes(lock):
    pinned = pinned_requirements(lock)

    assert len(pinned) > 20
    for requirement, hashes in pinned:
        assert [specifier.operator for specifier in requirement.specifier] == ["=="], requirement
        assert hashes, requirement
        assert all(re.fullmatch(r"sha256:[0-9a-f]{64}", value) for value in hashes), requirement


@pytest.mark.parametrize("lock", LOCKS)
def test_lock_fulfils_pyproject(lock):
    versions: dict[str, list[str]] = {}
    for requirement, _ in pinned_requirements(lock):
        pin = next(iter(requirement.specifier)).version
        versions.setdefault(canonicalize_name(requirement.name), []).append(pin)

    for declared in project_requirements(lock):
        pins = versions.get(canonicalize_name(declared.name), [])
        assert pins, f"{declared.name} is not in {lock}: run `make lock`"
        assert all(declared.specifier.contains(pin) for pin in pins), f"{declared} is {pins} in {lock}: run `make lock`"


def test_what_runs_is_the_same_in_both_locks():
    runtime, development = ({str(requirement) for requirement, _ in pinned_requirements(lock)} for lock in LOCKS)

    assert runtime <= development


def test_each_npm_package_is_one_version_with_a_hash():
    packages = json.loads((ROOT / "package-lock.json").read_text())["packages"]
    declared = json.loads((ROOT / "package.json").read_text())["devDependencies"]

    assert packages.pop("")["devDependencies"] == declared
    assert {name: packages[f"node_modules/{name}"]["version"] for name in declared} == declared
    assert [name for name, package in packages.items() if not package["integrity"].startswith("sha512-")] == []


def test_wheel_holds_every_file_of_the_package(tmp_path):
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(tmp_path)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        packed = {name for name in archive.namelist() if name.startswith("trade_ingest/")}
        others = {Path(name).name for name in archive.namelist()} - {Path(name).name for name in packed}

    package = ROOT / "src" / "trade_ingest"
    files = {path for path in package.rglob("*") if path.is_file() and path.suffix != ".pyc"}
    templates = {path for path in project_files() if path.is_relative_to(ROOT / "cloud_jobs")}
    assert packed == {
        *(f"trade_ingest/{path.relative_to(package).as_posix()}" for path in files),
        *(f"trade_ingest/{path.relative_to(ROOT).as_posix()}" for path in templates),
    }
    assert {"LICENSE", "METADATA", "entry_points.txt"} <= others


def test_make_help_describes_every_target():
    makefile = (ROOT / "Makefile").read_text()
    phony = re.search(r"^\.PHONY: (.*)$", makefile.replace("\\\n", ""), re.MULTILINE)
    told = subprocess.run(["make", "-C", str(ROOT), "help"], capture_output=True, text=True, check=True).stdout

    assert phony
    assert re.findall(r"^make ([a-z-]+) ", told, re.MULTILINE) == phony[1].split()


def test_npm_scripts_call_what_exists():
    scripts = json.loads((ROOT / "package.json").read_text())["scripts"]

    assert set(scripts) >= {"ingest:data", "generate:synthetic-data", "clean:synthetic", "test"}
    assert scripts["ingest:data"].endswith(" run")  # so that what stands after `--` is for that command
    for target in re.findall(r"\bmake ([a-z-]+)", " ".join(scripts.values())):
        assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), re.MULTILINE), target
    for script in re.findall(r"\S+\.py\b", " ".join(scripts.values())):
        assert (ROOT / script).is_file(), script
