"""The trade-ingest program, started from a checkout.

Takes the same arguments as ``trade-ingest``. Without any it runs the ingest that the environment configures.
"""

import sys

from trade_ingest.cli.main import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:] or ["run"]))
