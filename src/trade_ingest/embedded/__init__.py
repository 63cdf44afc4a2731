"""The PostgreSQL that trade-ingest brings along, used when no database is configured.

One data directory holds one server. The server listens on a Unix socket only, is durable (an acknowledged commit
survives a crash and a power cut), and goes on running after the process that started it has ended.
"""

from trade_ingest.embedded.paths import default_data_dir
from trade_ingest.embedded.server import EmbeddedStatus, start, status, stop

__all__ = ["EmbeddedStatus", "default_data_dir", "start", "status", "stop"]
