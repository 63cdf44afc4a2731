"""The process that Spark forks its Python workers from, on this machine: ``spark.python.daemon.module``.

Spark puts ``pyspark.zip``, which holds sources only, in front of the installed package: each worker compiles it anew,
and reads its directory again for each task. Without it the first job begins half a second earlier.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path


def without_archives(paths: Sequence[str], spark_home: str) -> list[str]:
    """The search path without Spark's own archives; unchanged where pyspark and py4j are not installed as packages."""
    site_packages = Path(spark_home).parent
    if not (Path(spark_home) / "worker.py").is_file() or not (site_packages / "py4j").is_dir():
        return list(paths)
    rest = [path for path in paths if not _is_archive(Path(path).name)]
    return rest if str(site_packages) in rest else [*rest, str(site_packages)]


def _is_archive(name: str) -> bool:
    return name == "pyspark.zip" or (name.startswith("py4j-") and name.endswith("-src.zip"))


def main() -> None:
    """Serve Spark's requests for workers until it is gone."""
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # numbers in numpy are few here, and its threads spin
    home = os.environ.get("SPARK_HOME", "")
    sys.path[:] = without_archives(sys.path, home)
    inherited = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    os.environ["PYTHONPATH"] = os.pathsep.join(path for path in inherited if not _is_archive(Path(path).name))
    from pyspark.daemon import manager

    manager()


if __name__ == "__main__":
    main()
