"""A folder and a database to try things in."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self


@dataclass(frozen=True, slots=True)
class Sandbox:
    """A folder and an empty database, apart from all others; as a context manager it is closed at the end.

    Attributes:
        folder: for files.
        database: the URL of the database; it may have a password.
    """

    folder: Path
    database: str
    _data_dir: Path | None = None

    @property
    def trades(self) -> Path:
        """Where trade files go; does not exist yet."""
        return self.folder / "trades"

    def close(self) -> None:
        """Stop the database if it was started for this; files and rows stay until it is opened again."""
        from trade_ingest.embedded import stop

        if self._data_dir is not None:
            stop(self._data_dir)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"sandbox {self.folder}"


def open_sandbox(name: str, *, folder: str | Path | None = None, database: str | None = None) -> Sandbox:
    """A folder and an empty database: what an earlier sandbox of this name has left is removed.

    Args:
        name: tells sandboxes apart.
        folder: a new folder, or an earlier sandbox's; None: one beside the embedded database. On a cluster: one that
            the executors see.
        database: the URL of an empty database, or of an earlier sandbox's; None: an embedded server of its own, which
            the executors of a cluster do not reach.

    Raises:
        UsageError: the folder or the database has something else in it; nothing is touched.
    """
    from trade_ingest.demo import clean_database, default_home, prepare_home, remove_deliveries
    from trade_ingest.embedded import start

    home = prepare_home(Path(folder) if folder is not None else default_home().with_name("notebooks") / name)
    url = database or start(home.data_dir)
    with clean_database(url):
        remove_deliveries(home)
    return Sandbox(home.folder, url, None if database else home.data_dir)
