"""Start, stop and describe the embedded server of a data directory."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from trade_ingest.embedded.cluster import DATABASE, Cluster


@dataclass(frozen=True, slots=True)
class EmbeddedStatus:
    """What the embedded server of ``data_dir`` is doing.

    ``pid`` and ``url`` are None when it does not run. ``version`` is the running server's (``18.4``), the files' major
    version (``18``) when it does not run, and None when there are no files. ``size_bytes`` is the disk space taken by
    ``data_dir``, the write-ahead log included.
    """

    running: bool
    pid: int | None
    version: str | None
    url: str | None
    data_dir: Path
    size_bytes: int


def start(data_dir: Path) -> str:
    """Make sure that the server of `data_dir` runs, and return the libpq URL of its database ``trade_ingest``.

    The first call makes the server's files and the database. Idempotent, and safe when several processes call it at
    once. Takes a few milliseconds when the server runs already. The server goes on running when this process ends.

    Args:
        data_dir: an existing or a new directory, used for this server only.

    Raises:
        EmbeddedDatabaseError: the server cannot run there; ``hint`` says what would help.
    """
    return Cluster(data_dir.expanduser().resolve()).start().url(DATABASE)


def stop(data_dir: Path) -> bool:
    """Stop the server of `data_dir` and return whether it ran. Its data stays; open transactions are rolled back.

    Raises:
        EmbeddedDatabaseError: it does not stop, or belongs to someone else.
    """
    return Cluster(data_dir.expanduser().resolve()).stop()


def status(data_dir: Path) -> EmbeddedStatus:
    """What the server of `data_dir` is doing. Changes nothing; a missing directory is a server that does not run.

    Raises:
        EmbeddedDatabaseError: `data_dir` belongs to someone else, or to another major version of PostgreSQL.
    """
    cluster = Cluster(data_dir.expanduser().resolve())
    running = cluster.running()
    url = running.url(DATABASE) if running else None
    return EmbeddedStatus(
        running=running is not None,
        pid=running.pid if running else None,
        version=_server_version(url) if url else _files_version(cluster),
        url=url,
        data_dir=cluster.data_dir,
        size_bytes=_size_bytes(cluster.data_dir),
    )


def _server_version(url: str) -> str:
    import psycopg

    with psycopg.connect(url) as connection:
        return connection.info.parameter_status("server_version") or "unknown"


def _files_version(cluster: Cluster) -> str | None:
    version = cluster.directory / "PG_VERSION"
    return version.read_text(encoding="ascii").strip() if version.exists() else None


def _size_bytes(directory: Path) -> int:
    size_bytes = 0
    for path in directory.rglob("*"):
        try:
            size_bytes += path.lstat().st_blocks * 512
        except FileNotFoundError:  # the server removed it meanwhile
            continue
    return size_bytes
