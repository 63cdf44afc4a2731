"""``python -m trade_ingest`` is the trade-ingest program."""

import sys

from trade_ingest.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
