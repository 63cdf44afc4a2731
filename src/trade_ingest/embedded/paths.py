"""Where the embedded server's data and socket live."""

from __future__ import annotations

import hashlib
import os
import stat
import sys
import tempfile
from pathlib import Path

from trade_ingest.embedded.account import Account
from trade_ingest.errors import EmbeddedDatabaseError

SOCKET_PORT = 5432
# The longest path that fits into sockaddr_un.sun_path with its final NUL: unix(7) on Linux, unix(4) on macOS.
SOCKET_PATH_LIMIT_BYTES = 103 if sys.platform == "darwin" else 107


def default_data_dir() -> Path:
    """The data directory when none is configured: one per user, in the place that the operating system has for it.

    Linux: ``$XDG_DATA_HOME/trade-ingest/postgresql``, by default under ``~/.local/share``; macOS: under
    ``~/Library/Application Support``. PostgreSQL refuses to run as root and root's home is closed to the account that
    runs it instead, so for root on Linux it is ``/var/lib/trade-ingest/postgresql``.
    """
    data_home = os.environ.get("XDG_DATA_HOME", "")
    if sys.platform == "darwin":
        base = Path.home() / "Library" / "Application Support"
    elif Path(data_home).is_absolute():  # the XDG base directory specification: relative paths are ignored
        base = Path(data_home)
    elif os.geteuid() == 0:
        base = Path("/var/lib")
    else:
        base = Path.home() / ".local" / "share"
    return base / "trade-ingest" / "postgresql"


def socket_dir(data_dir: Path, account: Account) -> Path:
    """A directory for the server's socket, private to `account`: `data_dir` itself where a socket path fits.

    Otherwise a directory in the temporary folder is made, the same one for the same `data_dir`.

    Raises:
        EmbeddedDatabaseError: someone else owns that directory, so that the server could be impersonated.
    """
    if _fits_socket(data_dir):
        return data_dir
    digest = hashlib.sha256(os.fsencode(data_dir)).hexdigest()[:12]
    name = f"trade-ingest-{account.uid}-{digest}"
    candidates = [Path(tempfile.gettempdir(), name), Path("/tmp", name)]  # noqa: S108 (ownership is checked below)
    directory = next(candidate for candidate in candidates if _fits_socket(candidate))
    _make_private(directory, account)
    return directory


def _fits_socket(directory: Path) -> bool:
    # libpq and the server both read a comma as the separator of a list of directories.
    path = os.fsencode(directory / f".s.PGSQL.{SOCKET_PORT}")
    return len(path) <= SOCKET_PATH_LIMIT_BYTES and b"," not in path


def _make_private(directory: Path, account: Account) -> None:
    try:
        directory.mkdir(mode=0o700)
    except FileExistsError:
        pass
    else:
        os.chown(directory, account.uid, account.gid)
    found = directory.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != account.uid or stat.S_IMODE(found.st_mode) != stat.S_IRWXU:
        message = f"{directory} should be a directory of {account.name} with mode 0700, and is not"
        raise EmbeddedDatabaseError(message, hint=f"remove {directory}, or choose a shorter data directory")
