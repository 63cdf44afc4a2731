"""Folders and prefixes that a listing stays within: who names a source may be somebody else than who owns the files."""

from __future__ import annotations

import os
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

from trade_ingest.source.location import Location, parse_location
from trade_ingest.source.members import archive_path


class Bounds:
    """Folders of this machine and URI prefixes; what is in one of them is within.

    Paths are compared where they lead: links are followed, also an archive's that holds the file.
    """

    def __init__(self, prefixes: Iterable[str]) -> None:
        """Read the prefixes.

        Raises:
            UsageError: one is no path or URI.
        """
        self._prefixes = tuple(_place_of(parse_location(prefix)).rstrip("/") for prefix in prefixes)
        self._real_folder = lru_cache(maxsize=1_024)(os.path.realpath)  # its own: links may change between two listings

    def holds(self, location: Location) -> bool:
        """Whether a place, which has no wildcards, is within."""
        return self.holds_path(location.key) if location.is_local else self._has(location.uri)

    def holds_path(self, path: str) -> bool:
        """Whether a path of this machine is within; cheap for many paths of the same folders."""
        archive = archive_path(path)  # a folder's name may look like that of an archive: then the path counts, too
        return self._has(self._real_path(path)) and (archive == path or self._has(self._real_path(archive)))

    def way_out(self, path: str) -> str:
        """The link by which a path that is not within leaves a folder that is: nothing behind it is to be told."""
        while (parent := str(Path(path).parent)) != path and not self.holds_path(parent):
            path = parent
        return path

    def _real_path(self, path: str) -> str:
        if Path(path).is_symlink():
            return os.path.realpath(path)
        folder, _, name = path.rpartition("/")
        return f"{self._real_folder(folder or '/').rstrip('/')}/{name}"

    def _has(self, place: str) -> bool:
        place = place.rstrip("/")
        return any(place == prefix or place.startswith(prefix + "/") for prefix in self._prefixes)


def _place_of(location: Location) -> str:
    return os.path.realpath(location.key) if location.is_local else location.uri
