import os
import pwd
import stat
from types import SimpleNamespace

import pytest

from trade_ingest.embedded import account
from trade_ingest.embedded.account import Account
from trade_ingest.errors import EmbeddedDatabaseError

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can act as another account")
STRANGER = Account("stranger", 54321, 54321)


def test_normal_user_runs_the_server_as_itself(monkeypatch, tmp_path):
    owner = tmp_path.stat().st_uid
    monkeypatch.setattr(os, "geteuid", lambda: owner)
    monkeypatch.setattr(pwd, "getpwuid", lambda uid: SimpleNamespace(pw_name="ada", pw_uid=uid, pw_gid=7))

    if owner != 0:
        assert account.account_of(tmp_path) == Account("ada", owner, 7)
        assert account.account_of(tmp_path).is_current


def test_data_dir_of_another_user_is_refused_with_both_names(monkeypatch, tmp_path):
    owner = pwd.getpwuid(tmp_path.stat().st_uid).pw_name
    monkeypatch.setattr(os, "geteuid", lambda: 54321)

    with pytest.raises(EmbeddedDatabaseError, match=f"belongs to {owner}, this process is user 54321") as caught:
        account.account_of(tmp_path)
    assert caught.value.hint == f"run as {owner}, or choose another data directory with TRADE_INGEST_DATA_DIR"


@needs_root
def test_root_runs_the_server_as_the_owner_of_the_data_dir(tmp_path):
    nobody = pwd.getpwnam("nobody")
    os.chown(tmp_path, nobody.pw_uid, nobody.pw_gid)

    assert account.account_of(tmp_path) == Account("nobody", nobody.pw_uid, nobody.pw_gid)


@needs_root
def test_owner_that_the_system_does_not_know_is_refused(tmp_path):
    os.chown(tmp_path, 54321, 54321)

    with pytest.raises(EmbeddedDatabaseError, match="user 54321 has no entry in the operating system's list of users"):
        account.account_of(tmp_path)


@needs_root
def test_filled_directory_of_root_is_not_taken_over(tmp_path):
    (tmp_path / "precious").touch()

    with pytest.raises(EmbeddedDatabaseError, match="belongs to root and is not empty") as caught:
        account.account_of(tmp_path)
    assert caught.value.hint.endswith(f"or give it away: chown -R USER {tmp_path}")


def test_directory_with_other_things_in_it_is_not_taken_over(server_directory):
    (server_directory / "precious").touch()
    if os.geteuid() == 0:
        nobody = pwd.getpwnam("nobody")
        os.chown(server_directory, nobody.pw_uid, nobody.pw_gid)

    with pytest.raises(EmbeddedDatabaseError, match="is not a data directory of trade-ingest: it is not empty"):
        account.claim_data_dir(server_directory)
    assert stat.S_IMODE(server_directory.stat().st_mode) == 0o755


def test_root_of_a_mounted_volume_counts_as_empty(server_directory):
    (server_directory / "lost+found").mkdir()

    assert account.claim_data_dir(server_directory).uid == server_directory.stat().st_uid


@needs_root
def test_closed_parent_is_named_with_the_command_that_opens_it(tmp_path):
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    tmp_path.chmod(0o711)
    outermost = next(parent for parent in [*reversed(tmp_path.parents), tmp_path, closed] if is_closed(parent))

    with pytest.raises(EmbeddedDatabaseError, match=f"cannot reach .*: {outermost} has mode 0700") as caught:
        account.claim_data_dir(closed / "postgresql")
    assert f"chmod o+x {outermost}" in caught.value.hint
    assert is_closed(outermost)


def is_closed(directory):
    return not directory.stat().st_mode & stat.S_IXOTH


@needs_root
def test_new_data_dir_is_private_and_its_new_parents_are_passable(server_directory):
    data_dir = server_directory / "a" / "b" / "postgresql"
    umask = os.umask(0o077)
    try:
        owner = account.claim_data_dir(data_dir)
    finally:
        os.umask(umask)

    assert owner.name == account.SERVICE_ACCOUNT
    assert data_dir.stat().st_uid == owner.uid
    assert stat.S_IMODE(data_dir.stat().st_mode) == 0o700
    assert stat.S_IMODE(data_dir.parent.stat().st_mode) == 0o755
    assert account.claim_data_dir(data_dir) == owner


def test_data_dir_that_cannot_be_made_is_refused(tmp_path):
    (tmp_path / "file").touch()

    with pytest.raises(EmbeddedDatabaseError, match="cannot make the data directory"):
        account.claim_data_dir(tmp_path / "file" / "postgresql")


@pytest.mark.parametrize(("mode", "is_reachable"), [(0o711, True), (0o755, True), (0o700, False), (0o744, False)])
def test_directory_is_reachable_when_each_one_above_lets_others_pass(server_directory, mode, is_reachable):
    above = server_directory / "above"
    above.mkdir()
    above.chmod(mode)

    assert account.unreachable_part(above / "postgresql", STRANGER) == (None if is_reachable else above)


def test_permissions_of_the_owner_and_the_group_are_what_counts_for_them(server_directory):
    server_directory.chmod(0o705)
    found = server_directory.stat()
    member = Account("member", 54321, found.st_gid)
    owner = Account("owner", found.st_uid, 54321)

    assert account.unreachable_part(server_directory / "postgresql", member) == server_directory
    assert account.unreachable_part(server_directory / "postgresql", owner) is None


@needs_root
def test_missing_useradd_says_what_to_do_instead(monkeypatch, tmp_path):
    monkeypatch.setattr(account, "SERVICE_ACCOUNT", "trade-ingest-missing")
    monkeypatch.setattr(account.shutil, "which", lambda *_args, **_options: None)

    with pytest.raises(EmbeddedDatabaseError, match="no useradd to make the account trade-ingest-missing") as caught:
        account.account_of(tmp_path)
    assert caught.value.hint == "run as a normal user, or set TRADE_INGEST_DATABASE_URL to a PostgreSQL server"
