"""The archive of Spark's classes: made, used, and harmless where it is damaged."""

import os
import subprocess
import sys

import pytest

from trade_ingest.engine.java_archive import archive_name, cache_dir, find_archive
from trade_ingest.engine.spark_session import spark_installation

pytest.importorskip("pyspark")

MAPPED = """
from pathlib import Path
from trade_ingest.engine.spark_session import open_session
session, _ = open_session("local[1]")
java = session.sparkContext._gateway.proc.pid
print(session.range(7).count(), "ARCHIVE" in Path(f"/proc/{java}/maps").read_text())
session.stop()
"""


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Runs Python with an empty cache folder of its own; what it wrote to stdout."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))

    def run_python(*arguments):
        done = subprocess.run([sys.executable, *arguments], capture_output=True, text=True, timeout=300, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run_python


@pytest.mark.skipif(sys.platform != "linux", reason="asks /proc what Java has mapped")
def test_prepared_archive_is_used_and_one_that_is_cut_off_is_not(run):
    said = run("-m", "trade_ingest", "spark", "prepare")
    again = run("-m", "trade_ingest", "spark", "prepare")
    archive = find_archive(archive_name(*spark_installation()))

    assert archive is not None
    assert (said.startswith(f"made {archive}"), again.startswith(f"is there already: {archive}")) == (True, True)
    assert [path for path in cache_dir().iterdir() if path != archive and not path.stem.endswith("-base")] == []

    program = MAPPED.replace("ARCHIVE", archive.name)
    used = run("-c", program)
    archive.chmod(0o600)
    os.truncate(archive, archive.stat().st_size // 2)
    unused = run("-c", program)
    made_again = run("-m", "trade_ingest", "spark", "prepare")

    assert (used.split(), unused.split(), made_again.split()[0]) == (["7", "True"], ["7", "False"], "made")


def test_other_java_has_another_archive(tmp_path):
    homes = [tmp_path / "a", tmp_path / "b"]
    for number, home in enumerate(homes):
        home.mkdir()
        (home / "release").write_text(f'JAVA_VERSION="17.0.{number}"\n')
    names = {archive_name(home, tmp_path / spark, "4.3.0") for home in homes for spark in ("x", "y")}

    assert len(names) == 4
