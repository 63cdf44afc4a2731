"""An archive of the classes that Spark loads: with it Java starts in a third of the time.

Java maps the archive into memory instead of reading, checking and linking the classes ("class data sharing", JEP 350).
It fits one build of Java and one installation of Spark; where it does not fit, or is damaged, Java starts without it.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from trade_ingest.errors import EngineError

JAVA_OPTIONS = "-XX:+UseSerialGC"
"""The collector is part of what an archive has to fit."""

_SECONDS = 300


def cache_dir() -> Path:
    """The folder for archives: one per user, in the place that the operating system has for what can be made again."""
    cache_home = os.environ.get("XDG_CACHE_HOME", "")
    if sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:  # the XDG base directory specification: relative paths are ignored
        base = Path(cache_home) if Path(cache_home).is_absolute() else Path.home() / ".cache"
    return base / "trade-ingest" / "java"


def archive_name(home: Path, spark_home: Path, spark_version: str) -> str:
    """What the name of the archive for a Java and a Spark begins with; its size follows."""
    release = home / "release"
    build = release.read_bytes() if release.is_file() else b""
    parts = (build, os.fsencode(home.resolve()), os.fsencode(spark_home.resolve()))
    digest = hashlib.sha256(b"\0".join(parts)).hexdigest()
    return f"spark-{spark_version}-{digest[:12]}"


def find_archive(name: str) -> Path | None:
    """The archive of that name if it is there and whole: Java would crash on one that was cut off."""
    paths = cache_dir().glob(f"{name}-*.jsa")
    return next((path for path in paths if path.stem.rpartition("-")[2] == str(path.stat().st_size)), None)


def archive_options(home: Path, spark_home: Path, spark_version: str) -> str:
    """The option with which Java uses the archive; empty if there is none."""
    path = find_archive(archive_name(home, spark_home, spark_version))
    return "" if path is None else f'"-XX:SharedArchiveFile={path}"'


def make_archive() -> tuple[Path, bool]:
    """Make the archive for the Java and the Spark of this machine, by starting Spark once; takes about 20 seconds.

    Returns:
        Where it is, and whether it was made now.

    Raises:
        EngineError: pyspark or a fitting Java is missing, or the archive cannot be made.
    """
    from trade_ingest.engine.spark_session import spark_installation

    home, spark_home, version = spark_installation()
    name = archive_name(home, spark_home, version)
    if (path := find_archive(name)) is not None:
        return path, False
    cache_dir().mkdir(parents=True, exist_ok=True)
    draft = _draft(name)
    options = f'"-XX:ArchiveClassesAtExit={draft}"'
    if not (home / "lib" / "server" / "classes.jsa").is_file():
        options += f' "-XX:SharedArchiveFile={_base_archive(home, name)}"'
    _run([sys.executable, "-m", __name__, options])
    if not draft.is_file():
        raise EngineError(f"Java wrote no archive to {cache_dir()}", hint="Spark starts without it, only later")
    return draft.replace(cache_dir() / f"{name}-{draft.stat().st_size}.jsa"), True


def _base_archive(home: Path, name: str) -> Path:
    """The archive of Java's own classes, which the one of Spark's builds on; made where Java comes without it."""
    base = cache_dir() / f"{name}-base.jsa"
    draft = _draft(base.name)
    _run([str(home / "bin" / "java"), "-Xshare:dump", f"-XX:SharedArchiveFile={draft}", *JAVA_OPTIONS.split()])
    return draft.replace(base)


def _draft(name: str) -> Path:
    return cache_dir() / f"{name}.{os.getpid()}"


def _run(command: list[str]) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired) as exc:
        raise EngineError(f"no archive: {exc}", hint="Spark starts without it, only later") from exc
    if done.returncode:
        lines = (done.stderr or done.stdout).strip().splitlines() or [f"exit {done.returncode}"]
        raise EngineError(f"no archive: {lines[-1]}", hint="Spark starts without it, only later")


def _train(java_options: str) -> None:
    """Start Spark with further options for Java, run a job as loads are, and wait until Java has ended."""
    from trade_ingest.engine.spark_session import start_session

    session = start_session("local[1]", {}, archive=java_options)
    gateway: Any = session.sparkContext._gateway  # noqa: SLF001  # its process has no public name
    session.range(0, 1, 1, 1).mapInArrow(lambda batches: batches, "id bigint").collect()
    session.stop()
    gateway.shutdown()
    gateway.proc.stdin.close()
    gateway.proc.wait(_SECONDS)


if __name__ == "__main__":
    _train(sys.argv[1])
