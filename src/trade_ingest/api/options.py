"""What an API process works with; made once, by `trade-ingest serve` or by a test."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from trade_ingest.api.allowed import default_prefixes
from trade_ingest.settings import Settings


@dataclass(frozen=True, slots=True)
class ApiOptions:
    """How the API is served.

    Attributes:
        database: the URL of the database.
        settings: shown read-only, checked by the doctor, and the defaults of what is asked for.
        static_folder: the dashboard's built files; None: those of the package, if they are there.
        max_request_bytes: a larger request is refused before it is read.
        max_sample_bytes: a larger posted sample is refused.
        max_connections: connections to the database that requests of one process share.
        statement_timeout_seconds: an answer that PostgreSQL takes longer for is given up.
        reconcile_timeout_seconds: the same for a reconciliation, which reads a whole target.
        metrics_folder: where all processes of a server count, see ``shared_counters``; None: there is one process.
    """

    database: str = field(repr=False)  # it may have a password
    settings: Settings = field(default_factory=Settings)
    static_folder: Path | None = None
    max_request_bytes: int = 32 << 20
    max_sample_bytes: int = 16 << 20
    max_connections: int = 12
    statement_timeout_seconds: float = 15
    reconcile_timeout_seconds: float = 60
    metrics_folder: Path | None = None

    @property
    def allowed_sources(self) -> tuple[str, ...]:
        """Folders and URI prefixes that a request may name; nothing outside of them is listed or read."""
        return default_prefixes(self.settings)
