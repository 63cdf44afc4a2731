import importlib.metadata
import os
import pwd
import stat

import pytest

from trade_ingest.embedded import programs
from trade_ingest.embedded.account import Account
from trade_ingest.errors import EmbeddedDatabaseError

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can act as another account")


@pytest.fixture
def me():
    entry = pwd.getpwuid(os.geteuid())
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)


@pytest.mark.parametrize("major", [16, 18])
def test_programs_of_the_wheel_are_found_and_run(me, major):
    assert programs.find_programs(major, me).version().startswith(f"{major}.")


def test_missing_wheel_says_what_to_do(monkeypatch, me):
    monkeypatch.setattr(programs, "PACKAGE", "no_such_package")

    with pytest.raises(EmbeddedDatabaseError, match="the package no_such_package is not installed") as caught:
        programs.find_programs(18, me)
    assert "TRADE_INGEST_DATABASE_URL" in caught.value.hint


def test_wheel_without_the_version_says_where_it_looked(monkeypatch, me):
    monkeypatch.setattr(programs, "FOLDER_BY_MAJOR", {18: "nothing_here"})

    with pytest.raises(EmbeddedDatabaseError, match=r"holds no PostgreSQL 18 here: .*nothing_here"):
        programs.find_programs(18, me)


def test_failing_program_is_reported_in_its_own_words(me):
    with pytest.raises(programs.ProgramFailedError, match="unrecognized option"):
        programs.find_programs(18, me).run("initdb", "--nonsense")


@needs_root
def test_programs_in_a_closed_folder_are_copied_once_and_run_as_the_account(monkeypatch, server_directory, me):
    original = programs.find_programs(18, me).bin_dir.parent
    copies = server_directory / "product" / "programs"
    monkeypatch.setattr(programs, "COPIES", copies)
    monkeypatch.setattr(programs, "_is_open_to", lambda *_: False)
    entry = pwd.getpwnam("nobody")
    nobody = Account(entry.pw_name, entry.pw_uid, entry.pw_gid)
    mode_before = original.stat().st_mode

    umask = os.umask(0o077)
    try:
        found = programs.find_programs(18, nobody)
        again = programs.find_programs(18, nobody)
    finally:
        os.umask(umask)

    assert found == again
    assert copies in found.bin_dir.parents
    assert found.version().startswith("18.")
    assert found.run("pg_ctl", "--version").startswith("pg_ctl (PostgreSQL) 18.")
    assert [path.name for path in copies.iterdir()] == [
        f"{importlib.metadata.version(programs.PACKAGE)}-{original.name}"
    ]
    assert original.stat().st_mode == mode_before
    assert not stat.S_IMODE(found.bin_dir.stat().st_mode) & stat.S_IWOTH
