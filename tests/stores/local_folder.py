"""A folder: the store that needs no server."""

import dataclasses
import os
from pathlib import Path
from typing import Self

from stores.store import Store


@dataclasses.dataclass(frozen=True, kw_only=True)
class LocalStore(Store):
    """A folder, which need not exist."""

    @classmethod
    def at(cls, folder: Path) -> Self:
        """The store for a folder."""
        return cls(kind="local", root=str(folder))

    def behind(self, port: int) -> Self:
        message = "a folder is reached by no port"
        raise NotImplementedError(message)

    def put(self, key: str, data: bytes) -> None:
        path = Path(self.root, key)
        path.parent.mkdir(parents=True, exist_ok=True)
        before = path.stat().st_mtime_ns if path.exists() else 0
        path.write_bytes(data)
        if path.stat().st_mtime_ns <= before:  # within one tick of the file system's clock
            os.utime(path, ns=(before + 1_000_000, before + 1_000_000))

    def get(self, key: str) -> bytes:
        return Path(self.root, key).read_bytes()

    def delete(self, key: str) -> None:
        Path(self.root, key).unlink()

    def keys(self, prefix: str = "") -> list[str]:
        root = Path(self.root)
        found = sorted(path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file())
        return [key for key in found if key.startswith(prefix)]
