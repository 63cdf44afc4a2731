"""The entry point of every cloud job: `trade-ingest run` on the platform's Spark.

Its arguments are those of `trade-ingest run`, with `--database-secret`, `--connections-secret` and `--outcome`.
"""

import sys
from pathlib import Path

_PACKAGES = Path.cwd() / "packages"
if _PACKAGES.is_dir():  # where Spark unpacks the archive of `make dist`, beside the driver, too
    sys.path.insert(0, str(_PACKAGES))

from trade_ingest.cli.job import run_job  # noqa: E402

if __name__ == "__main__":
    code = run_job(sys.argv[1:])
    if code:  # Databricks takes every SystemExit for a failure, also that of 0
        sys.exit(code)
