"""The operating-system account that the embedded server runs as.

PostgreSQL refuses to run as root. A normal user runs it as itself; root runs it as the owner of the data directory, or,
for a new data directory, as a system account that owns nothing else.
"""

from __future__ import annotations

import os
import pwd
import shutil
import stat
import subprocess
from dataclasses import dataclass
from pathlib import Path

from trade_ingest.errors import EmbeddedDatabaseError

SERVICE_ACCOUNT = "trade-ingest"
CLUSTER_FOLDERS = ("cluster", "cluster.new")  # the second while the first is being made


@dataclass(frozen=True, slots=True)
class Account:
    """An operating-system account."""

    name: str
    uid: int
    gid: int

    @property
    def is_current(self) -> bool:
        """Whether this process runs as that account already."""
        return self.uid == os.geteuid()


def claim_data_dir(data_dir: Path) -> Account:
    """Make `data_dir` where it is missing, private to the account that its server runs as, and return that account.

    Idempotent. Existing directories keep their permissions, except `data_dir` itself.

    Raises:
        EmbeddedDatabaseError: it cannot be made, belongs to someone else, holds other things, or its account cannot
            reach it.
    """
    try:
        _make_parents(data_dir.parent)
        data_dir.mkdir(mode=0o700, exist_ok=True)
    except OSError as exc:
        message = f"cannot make the data directory {data_dir}: {exc.strerror}"
        raise EmbeddedDatabaseError(message, hint=_OTHER_DIRECTORY) from exc
    account = account_of(data_dir)
    _refuse_foreign(data_dir)
    refuse_unreachable(data_dir, account)
    if data_dir.stat().st_uid != account.uid:
        os.chown(data_dir, account.uid, account.gid)
    if stat.S_IMODE(data_dir.stat().st_mode) != stat.S_IRWXU:
        data_dir.chmod(stat.S_IRWXU)  # the socket in it accepts every database user: the directory is the lock
    return account


def account_of(data_dir: Path) -> Account:
    """The account that runs the server of an existing `data_dir`.

    Raises:
        EmbeddedDatabaseError: `data_dir` belongs to another user than this process's, or to an unknown one.
    """
    owner_uid = data_dir.stat().st_uid
    if os.geteuid() != 0:
        if owner_uid != os.geteuid():
            message = (
                f"the data directory {data_dir} belongs to {_name(owner_uid)}, this process is {_name(os.geteuid())}"
            )
            raise EmbeddedDatabaseError(message, hint=f"run as {_name(owner_uid)}, or {_OTHER_DIRECTORY}")
        return _account(owner_uid)
    if owner_uid != 0:
        return _account(owner_uid)
    if _names_in(data_dir):
        message = f"the data directory {data_dir} belongs to root and is not empty; PostgreSQL cannot run as root"
        raise EmbeddedDatabaseError(message, hint=f"{_OTHER_DIRECTORY}, or give it away: chown -R USER {data_dir}")
    return _service_account()


def unreachable_part(path: Path, account: Account) -> Path | None:
    """The outermost directory above `path` that `account` may not enter, or None."""
    for parent in reversed(path.parents):
        found = parent.stat()
        if found.st_uid == account.uid:
            may_enter = found.st_mode & stat.S_IXUSR
        elif found.st_gid == account.gid:
            may_enter = found.st_mode & stat.S_IXGRP
        else:
            may_enter = found.st_mode & stat.S_IXOTH
        if not may_enter:
            return parent
    return None


def refuse_unreachable(data_dir: Path, account: Account) -> None:
    """Do nothing if `account` can enter every directory above `data_dir`.

    Raises:
        EmbeddedDatabaseError: it cannot; the hint has the command that lets it through.
    """
    closed = None if account.is_current else unreachable_part(data_dir, account)
    if closed is None:
        return
    mode = stat.S_IMODE(closed.stat().st_mode)
    message = (
        f"PostgreSQL does not run as root but as {account.name}, who cannot reach the data directory {data_dir}: "
        f"{closed} has mode {mode:04o}"
    )
    hint = f"allow others to pass through: chmod o+x {closed}; or {_OTHER_DIRECTORY}, for example below /var/lib"
    raise EmbeddedDatabaseError(message, hint=hint)


_OTHER_DIRECTORY = "choose another data directory with TRADE_INGEST_DATA_DIR"


def _names_in(data_dir: Path) -> set[str]:
    return {path.name for path in data_dir.iterdir()} - {"lost+found"}  # the root of a mounted volume has that


def _refuse_foreign(data_dir: Path) -> None:
    # Someone's home, say: it would be closed to others and, by root, filled with files of its owner.
    names = _names_in(data_dir)
    if names and names.isdisjoint(CLUSTER_FOLDERS):
        message = f"{data_dir} is not a data directory of trade-ingest: it is not empty and has no {CLUSTER_FOLDERS[0]}"
        raise EmbeddedDatabaseError(message, hint=_OTHER_DIRECTORY)


def _make_parents(directory: Path) -> None:
    # Root makes them for another account, which a umask such as 077 would keep out.
    if directory.is_dir():
        return
    _make_parents(directory.parent)
    directory.mkdir(exist_ok=True)
    if os.geteuid() == 0:
        directory.chmod(0o755)


def _account(uid: int) -> Account:
    try:
        entry = pwd.getpwuid(uid)
    except KeyError as exc:
        message = f"user {uid} has no entry in the operating system's list of users, which PostgreSQL needs"
        raise EmbeddedDatabaseError(
            message, hint="add one to /etc/passwd, run as another user, or set TRADE_INGEST_DATABASE_URL"
        ) from exc
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)


def _service_account() -> Account:
    try:
        entry = pwd.getpwnam(SERVICE_ACCOUNT)
    except KeyError:
        _add_service_account()
        entry = pwd.getpwnam(SERVICE_ACCOUNT)
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)


def _add_service_account() -> None:
    hint = "run as a normal user, or set TRADE_INGEST_DATABASE_URL to a PostgreSQL server"
    program = shutil.which("useradd", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if program is None:
        message = f"PostgreSQL cannot run as root, and there is no useradd to make the account {SERVICE_ACCOUNT}"
        raise EmbeddedDatabaseError(message, hint=hint)
    command = [program, "--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent"]
    command += ["--shell", "/usr/sbin/nologin", SERVICE_ACCOUNT]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    already_exists = 9  # useradd(8): another process was faster
    if done.returncode not in (0, already_exists):
        message = f"PostgreSQL cannot run as root, and useradd could not make the account {SERVICE_ACCOUNT}"
        raise EmbeddedDatabaseError(f"{message}: {done.stderr.strip()}", hint=hint)


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"
