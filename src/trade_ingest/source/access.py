"""How objects are reached: by which connection, with which signature. Never shown and never stored."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from trade_ingest.source.connection import StoreConnection, connection_for
from trade_ingest.source.location import Location, parse_location
from trade_ingest.source.members import archive_path


@dataclass(frozen=True, slots=True)
class Access:
    """How one object is reached; it can be pickled, and its ``repr`` has no secret.

    Attributes:
        connection: the named connection of the settings that is used; None: the environment's credentials.
        query: the signed query of an ``https`` address.
    """

    connection: StoreConnection | None = None
    query: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Accesses:
    """How the objects of sources are reached."""

    _connections: tuple[StoreConnection, ...] = ()
    _queries: Mapping[str, str] = field(default_factory=dict, repr=False)

    @classmethod
    def to(cls, sources: Iterable[str], connections: Iterable[StoreConnection] = ()) -> Accesses:
        """The accesses to sources, whose signed addresses are remembered by their URIs.

        Raises:
            UsageError: a source's scheme is not supported, or a secret is in it.
        """
        locations = [parse_location(source) for source in sources]
        queries = {location.uri: location.query for location in locations if location.query}
        return cls(tuple(connections), queries)

    def of(self, location: Location) -> Access | None:
        """The access to a location; None where none is needed but the environment's credentials."""
        if location.is_local:
            return None
        connection = connection_for(location, self._connections)
        query = self._queries.get(archive_path(location.uri), "")
        return Access(connection, query) if connection is not None or query else None

    def of_uri(self, uri: str) -> Access | None:
        """The access to a file that the ledger knows."""
        return self.of(parse_location(uri)) if self._connections or self._queries else None
