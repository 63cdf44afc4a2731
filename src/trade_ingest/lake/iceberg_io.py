"""Iceberg's files through our own stores, credentials and errors, whatever cloud they are in."""

from __future__ import annotations

import io
import tempfile
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self, cast

from pyiceberg.io import FileIO, InputFile, InputStream, OutputFile, OutputStream

from trade_ingest.errors import FileUnreadableError
from trade_ingest.source.access import Access, Accesses
from trade_ingest.source.location import Location, parse_location
from trade_ingest.source.placing import put_file, take_away

ACCESSES = "trade-ingest.accesses"
"""The property of the catalog, never of a table, that says how stores are reached."""

_READ_BYTES = 1 << 20


class StoreFileIO(FileIO):
    """Reads and writes what Iceberg asks for; a file is there as a whole or not at all."""

    def new_input(self, location: str) -> StoreInput:
        """A file to read."""
        return StoreInput(location, *self.reach(location))

    def new_output(self, location: str) -> StoreOutput:
        """A file to write."""
        return StoreOutput(location, *self.reach(location))

    def delete(self, location: str | InputFile | OutputFile) -> None:
        """Delete a file; does nothing where there is none."""
        take_away(*self.reach(location if isinstance(location, str) else location.location))

    def reach(self, uri: str) -> tuple[Location, Access | None]:
        """The place of a file, and how it is reached."""
        place = parse_location(uri)
        accesses = cast("Any", self.properties).get(ACCESSES) or Accesses()
        return place, accesses.of(place)


class _StoreFile:
    """What files to read and to write have in common."""

    def __init__(self, location: str, place: Location, access: Access | None) -> None:
        self._location = location
        self.place = place
        self.access = access

    @property
    def location(self) -> str:
        """As Iceberg names it."""
        return self._location

    def __len__(self) -> int:
        if self.place.is_local:
            return Path(self.place.key).stat().st_size
        from trade_ingest.source.objects import find_object

        try:
            return find_object(self.place, self.access or Access()).size_bytes
        except FileUnreadableError as exc:
            raise FileNotFoundError(self.location) from exc

    def exists(self) -> bool:
        """Whether it is there."""
        try:
            len(self)
        except FileNotFoundError:
            return False
        return True


class StoreInput(_StoreFile, InputFile):
    """A file to read."""

    def open(self, seekable: bool = True) -> InputStream:  # noqa: ARG002, FBT001, FBT002  # as Iceberg calls it
        """Open it; what is read is asked for in pieces.

        Raises:
            FileNotFoundError: there is none.
        """
        if self.place.is_local:
            return cast("InputStream", Path(self.place.key).open("rb"))
        return cast("InputStream", io.BufferedReader(_Object(self.place, self.access or Access()), _READ_BYTES))


class _Object(io.RawIOBase):
    """An object, read by ranges."""

    def __init__(self, place: Location, access: Access) -> None:
        import obstore

        from trade_ingest.source.objects import opened_store

        super().__init__()
        opened = opened_store(place, access)
        self._object = obstore.open_reader(opened.store, opened.path(place.key))

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._object.seek(offset, whence)

    def tell(self) -> int:
        return self._object.tell()

    def readinto(self, buffer: Any) -> int:  # noqa: ANN401  # any writable buffer
        data = self._object.read(len(buffer)) if len(buffer) else b""
        buffer[: len(data)] = bytes(data)
        return len(data)


class StoreOutput(_StoreFile, OutputFile):
    """A file to write."""

    def to_input_file(self) -> StoreInput:
        """The same file, to read."""
        return StoreInput(self.location, self.place, self.access)

    def create(self, overwrite: bool = False) -> OutputStream:  # noqa: FBT001, FBT002  # as Iceberg calls it
        """Begin it; it is put to its place when the block ends without an error.

        Raises:
            FileExistsError: it is there, and not to be overwritten.
        """
        if not overwrite and self.exists():
            raise FileExistsError(self.location)
        return cast("OutputStream", _Pending(self.place, self.access))


class _Pending:
    """What is being written, on this machine's disk."""

    def __init__(self, place: Location, access: Access | None) -> None:
        self._place, self._access = place, access
        self._file: Any = tempfile.NamedTemporaryFile(prefix="trade-ingest-")  # noqa: SIM115  # closed by close
        self.closed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, _: BaseException | None, __: TracebackType | None) -> None:
        if kind is None:
            self.close()
        else:
            self.closed = True
            self._file.close()

    def write(self, data: bytes) -> int:
        """Write."""
        return int(self._file.write(data))

    def tell(self) -> int:
        """How much is written."""
        return int(self._file.tell())

    def flush(self) -> None:
        """Do nothing: it is seen when it is whole."""

    def close(self) -> None:
        """Put it to its place; does nothing the second time."""
        if self.closed:
            return
        self.closed = True
        with suppress(FileNotFoundError), self._file:
            self._file.flush()
            put_file(Path(self._file.name), self._place, self._access)
