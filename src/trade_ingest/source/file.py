"""A file of a source: one object at one version."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from trade_ingest.source.access import Access


@dataclass(frozen=True, slots=True)
class SourceFile:
    """One object in a source at one version.

    ``uri`` is the absolute path of a local file, and of an object its canonical URI, which has no secret. ``version``
    changes whenever the content may have changed: size and modification time of local files, the etag of objects (where
    a server gives none: size and modification time). ``access`` is how an object is reached, None where the
    environment's credentials do; it has secrets, and is passed to workers and never shown or stored.

    A member of an archive has the archive's URI and version, and ``!/`` with its name and ``!`` with its CRC-32 after
    them; its size is that of its content.

    ``checksum`` is what the stored bytes (of a member: the archive's) have to be: a digest in hexadecimal, or what is
    added to the URI for that of the file that has it; empty: nothing is known. ``held`` is why a listing says that the
    file is not to be loaded yet, as a ``DeliveryReason``, and ``held_because`` the same in words; empty: it may be.
    """

    uri: str
    version: str
    size_bytes: int
    modified_at: datetime
    access: Access | None = field(default=None, repr=False, compare=False)
    checksum: str = ""
    held: str = ""
    held_because: str = ""
