import os
import sys
from pathlib import Path

import pytest

from trade_ingest.embedded import paths
from trade_ingest.embedded.account import Account
from trade_ingest.errors import EmbeddedDatabaseError

ME = Account("me", os.geteuid(), os.getegid())


@pytest.mark.parametrize(
    ("platform", "euid", "data_home", "expected"),
    [
        ("linux", 1000, None, "/home/ada/.local/share/trade-ingest/postgresql"),
        ("linux", 1000, "/data", "/data/trade-ingest/postgresql"),
        ("linux", 1000, "relative", "/home/ada/.local/share/trade-ingest/postgresql"),
        ("linux", 0, None, "/var/lib/trade-ingest/postgresql"),
        ("linux", 0, "/data", "/data/trade-ingest/postgresql"),
        ("darwin", 501, "/data", "/home/ada/Library/Application Support/trade-ingest/postgresql"),
    ],
)
def test_default_data_dir_is_where_the_system_keeps_a_users_data(monkeypatch, platform, euid, data_home, expected):
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setattr(os, "geteuid", lambda: euid)
    monkeypatch.setenv("HOME", "/home/ada")
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    if data_home is not None:
        monkeypatch.setenv("XDG_DATA_HOME", data_home)

    assert paths.default_data_dir() == Path(expected)


def test_socket_is_in_the_data_dir_when_its_path_fits():
    assert paths.socket_dir(Path("/short"), ME) == Path("/short")


def test_socket_path_of_exactly_the_limit_fits():
    longest = paths.SOCKET_PATH_LIMIT_BYTES - len("/.s.PGSQL.5432")
    fits = Path("/" + "d" * (longest - 1))

    assert paths.socket_dir(fits, ME) == fits


@pytest.mark.parametrize("data_dir", [Path("/" + "d" * 120), Path("/" + "ö" * 60), Path("/one,two")])
def test_socket_of_an_awkward_data_dir_is_in_a_private_directory(monkeypatch, server_directory, data_dir):
    monkeypatch.setattr(paths.tempfile, "gettempdir", lambda: str(server_directory))

    directory = paths.socket_dir(data_dir, ME)

    assert directory.parent == server_directory
    assert directory.stat().st_mode & 0o777 == 0o700
    assert paths.socket_dir(data_dir, ME) == directory
    assert paths.socket_dir(data_dir.with_name("other" * 30), ME) != directory


@pytest.mark.parametrize("trap", ["open to others", "a link", "a file"])
def test_socket_directory_that_someone_else_prepared_is_refused(monkeypatch, server_directory, trap):
    monkeypatch.setattr(paths.tempfile, "gettempdir", lambda: str(server_directory))
    data_dir = Path("/" + "d" * 120)
    directory = paths.socket_dir(data_dir, ME)
    directory.rmdir()
    if trap == "open to others":
        directory.mkdir()
        directory.chmod(0o777)
    elif trap == "a link":
        (server_directory / "elsewhere").mkdir(mode=0o700)
        directory.symlink_to(server_directory / "elsewhere")
    else:
        directory.touch(mode=0o700)

    with pytest.raises(EmbeddedDatabaseError, match="should be a directory of me with mode 0700, and is not"):
        paths.socket_dir(data_dir, ME)
